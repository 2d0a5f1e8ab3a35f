//! The size of the window, and keys, in a terminal that is all the program's.

use crate::{program, wrapper};
use std::os::unix::process::ExitStatusExt;
use test_support::DEADLINE;
use test_support::meeting::Meeting;
use test_support::terminal::Terminal;
use test_support::unrendered::Unrendered;
use test_support::wrapper::{PARENT, WRAPPED, Way};

#[test]
fn the_window_has_its_size_and_every_new_one() {
    for way in WRAPPED {
        let wrapper = wrapper();
        let terminal = Unrendered::start(wrapper.command(way, &program("sizes.py"), &[] as &[&str]), 91, 17);
        let says =
            |size: String| terminal.wait_for(|output| String::from_utf8_lossy(output).ends_with(&size));
        says("[91x17]\r\n".into());
        for step in 0..500_u16 {
            let (columns, rows) = (40 + step % 97, 10 + step % 53);
            terminal.resize(columns, rows);
            says(format!("[{columns}x{rows}]\r\n"));
        }
        terminal.type_bytes(b"q\n");
        assert_eq!(terminal.wait_exit(DEADLINE).0.code(), Some(0), "{way:?}");
    }
}

#[test]
fn after_500_sizes_at_once_the_last_one_counts() {
    for way in WRAPPED {
        let wrapper = wrapper();
        let terminal = Unrendered::start(wrapper.command(way, &program("sizes.py"), &[] as &[&str]), 91, 17);
        terminal.wait_for(|output| output == b"[91x17]\r\n");
        (0..500).for_each(|step| terminal.resize(40 + step % 97, 10 + step % 53));
        terminal.resize(123, 45);
        terminal.wait_for(|output| String::from_utf8_lossy(output).ends_with("[123x45]\r\n"));
        terminal.type_bytes(b"q\n");
        assert_eq!(terminal.wait_exit(DEADLINE).0.code(), Some(0), "{way:?}");
    }
}

#[test]
fn a_fixed_window_keeps_its_size() {
    let wrapper = wrapper();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_claude-mpm"));
    wrapper.surround(&mut command);
    command.args([
        "-q",
        "--launch-method",
        "subprocess",
        "--window-size",
        "70x30",
        "--claude",
        "/bin/sh",
        "--",
    ]);
    command.args(["-c", "stty size; read -r line; stty size"]);
    let terminal = Terminal::start(command, 91, 17);
    terminal.wait_for(|screen| screen == "30 70", DEADLINE);
    terminal.resize(100, 40);
    terminal.type_text("x\r");
    assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0));
    assert_eq!(terminal.screen(), "30 70\nx\n30 70");
}

#[test]
fn keys_are_signals_or_bytes_as_the_program_has_it() {
    for way in [Way::Bare, Way::Supervised, Way::Watched] {
        for (key, signal) in [("\x03", 2), ("\x1c", 3)] {
            let (wrapper, meeting) = (wrapper(), Meeting::new());
            let waits = r#"ulimit -c 0; echo here >"$1/up"; exec sleep 1000"#;
            let command = wrapper.command(way, "/bin/sh", &["-c", waits, "sh", meeting.folder()]);
            let terminal = Terminal::start(command, 80, 24);
            assert_eq!(meeting.hear(), "here");
            terminal.type_text(key);
            let status = terminal.wait_exit(DEADLINE);
            assert_eq!(status.code().or(status.signal().map(|n| 128 + n)), Some(128 + signal), "{way:?}");
            assert_eq!(terminal.modes(), terminal.modes_before, "{way:?}");
        }
        let (wrapper, meeting) = (wrapper(), Meeting::new());
        let take = r#"stty raw -echo; echo here >"$1/up"; head -c 4 | od -An -tx1"#;
        let command = wrapper.command(way, "/bin/sh", &["-c", take, "sh", meeting.folder()]);
        let terminal = Terminal::start(command, 80, 24);
        assert_eq!(meeting.hear(), "here");
        terminal.type_text("\x03\x1c\x1a\x04");
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{way:?}");
        assert_eq!(terminal.screen().trim(), "03 1c 1a 04", "{way:?}");
    }
}

#[test]
fn a_program_takes_the_interrupt_key_as_often_as_it_is_typed() {
    for way in [Way::Bare, Way::Supervised, Way::Watched] {
        let wrapper = wrapper();
        let command = wrapper.command(way, &program("signals.py"), &[] as &[&str]);
        let terminal = Terminal::start(command, 80, 24);
        terminal.wait_for(|screen| screen == "ready", DEADLINE);
        let mut expected = "ready".to_owned();
        for _ in 0..10 {
            terminal.type_text("\x03");
            expected += "\n^C2";
            terminal.wait_for(|screen| screen == expected, DEADLINE);
        }
        assert!(terminal.signal(test_support::terminal::Signal::SIGUSR1));
        terminal.wait_for(|screen| screen.ends_with("\n10"), DEADLINE);
        assert!(terminal.signal(test_support::terminal::Signal::SIGTERM));
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{way:?}");
        assert_eq!(terminal.screen(), format!("{expected}\n10\n15"), "{way:?}");
    }
}

#[test]
fn end_of_file_is_a_key_and_line_editing_works() {
    for way in [Way::Bare, Way::Supervised, Way::Watched] {
        let (wrapper, meeting) = (wrapper(), Meeting::new());
        let copy = r#"echo here >"$1/up"; cat; echo over"#;
        let terminal =
            Terminal::start(wrapper.command(way, "/bin/sh", &["-c", copy, "sh", meeting.folder()]), 80, 24);
        assert_eq!(meeting.hear(), "here");
        terminal.type_text("wrong\x15rihgt\x7f\x7f\x7fght\r");
        terminal.wait_for(|screen| screen.ends_with("right\nright"), DEADLINE);
        terminal.type_text("\x04");
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{way:?}");
        assert!(terminal.screen().ends_with("right\nright\nover"), "{way:?}: {}", terminal.screen());
    }
}

#[test]
fn a_headless_program_has_a_terminal_that_nobody_sees() {
    for method in PARENT {
        let wrapper = wrapper();
        let mut words =
            wrapper.words(method, "/bin/sh", &["-c", "test -t 0 && test -t 1 && stty size; exit 3"]);
        words.insert(1, "--headless".into());
        words.insert(2, "--window-size=77x22".into());
        let mut command = std::process::Command::new(&words[0]);
        wrapper.surround(&mut command);
        command.args(&words[1..]);
        let output = test_support::piped::run(command, b"unread", DEADLINE);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), &b""[..]), "{method:?}");
    }
}
