//! Where some descriptors are terminals and some are not: pipelines as people type them.

use crate::{program, wrapper};
use test_support::DEADLINE;
use test_support::meeting::Meeting;
use test_support::terminal::Terminal;
use test_support::wrapper::{PARENT, Way, Wrapper};

const EVERY: [Way; 4] = [Way::Bare, Way::Supervised, Way::Watched, Way::Exec];

fn start(wrapper: &Wrapper, way: Way, script: &str, name: &str, arguments: &[&str]) -> Terminal {
    Terminal::start(wrapper.shell(way, script, name, arguments), 80, 24)
}

#[test]
fn what_is_typed_reaches_a_program_whose_output_is_a_pipe() {
    for way in EVERY {
        let wrapper = wrapper();
        let ask = ["-c", "printf 'name? ' >&2; read -r name; echo \"hello $name\""];
        let terminal = start(&wrapper, way, r#""$@" | tr a-z A-Z"#, "/bin/sh", &ask);
        terminal.wait_for(|screen| screen == "name?", DEADLINE);
        terminal.type_text("fred\r");
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{way:?}");
        assert_eq!(terminal.screen(), "name? fred\nHELLO FRED", "{way:?}");
    }
}

#[test]
fn a_program_fed_by_a_pipe_draws_on_the_terminal() {
    for way in EVERY {
        let wrapper = wrapper();
        let terminal =
            start(&wrapper, way, r#"printf 'a\nb\n' | "$@""#, "/bin/sh", &["-c", "cat; stty size <&1"]);
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{way:?}");
        assert_eq!(terminal.screen(), "a\nb\n24 80", "{way:?}");
        assert_eq!(terminal.raw_output(), b"a\r\nb\r\n24 80\r\n", "{way:?}");
    }
}

#[test]
fn a_picker_fed_by_a_pipe_takes_keys_from_the_terminal() {
    for end in ["", " | cat", " 2>/dev/null", " 2>/dev/null | cat"] {
        for way in EVERY {
            let wrapper = wrapper();
            let script = format!(r#"printf 'a\nb\nc\n' | "$@"{end}; stty -a | grep -c -- -icanon"#);
            let terminal = start(&wrapper, way, &script, &program("picker.py"), &[]);
            terminal.wait_for(|screen| screen == "pick one of 3", DEADLINE);
            terminal.type_text("j");
            terminal.wait_for(|screen| screen.ends_with("at 1"), DEADLINE);
            terminal.type_text("j");
            terminal.wait_for(|screen| screen.ends_with("at 2"), DEADLINE);
            terminal.type_text("\r");
            terminal.wait_exit(DEADLINE);
            assert_eq!(terminal.screen(), "pick one of 3\nat 1\nat 2\npicked c\n0", "{way:?}{end}");
            assert_eq!(terminal.modes(), terminal.modes_before, "{way:?}{end}");
        }
    }
}

/// `claude -p ... | less`: the pager reads keys while the program runs, and after its end.
#[test]
fn a_pager_behind_the_program_takes_the_keys() {
    for end in ["", " 2>/dev/null"] {
        for way in EVERY {
            let (wrapper, meeting) = (wrapper(), Meeting::new());
            let script = format!(r#""$@"{end} | {} pager"#, program("picker.py"));
            let writes = r#"echo one; echo here >"$1/up"; read -r go <"$1/down"; echo two"#;
            let terminal = start(&wrapper, way, &script, "/bin/sh", &["-c", writes, "sh", meeting.folder()]);
            assert_eq!(meeting.hear(), "here");
            terminal.wait_for(|screen| screen == "pick one of 0", DEADLINE);
            terminal.type_text("j");
            terminal.wait_for(|screen| screen.ends_with("at 1"), DEADLINE);
            meeting.say("go");
            // The end of the program is the pager's end of file; whatever is put back then would spoil its modes.
            terminal.type_text("j");
            terminal.wait_for(|screen| screen.ends_with("at 2"), DEADLINE);
            terminal.type_text("\r");
            assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{way:?}{end}");
            assert_eq!(terminal.screen(), "pick one of 0\nat 1\nat 2\npicked 2", "{way:?}{end}");
            assert_eq!(terminal.modes(), terminal.modes_before, "{way:?}{end}");
        }
    }
}

/// `less FILE | claude -p`: another program in front of it takes the keys, and the terminal is its.
#[test]
fn a_program_in_front_takes_the_keys() {
    for way in EVERY {
        let wrapper = wrapper();
        let script = format!(r#"{} pager | "$@""#, program("picker.py"));
        let terminal = start(&wrapper, way, &script, "cat", &[]);
        terminal.wait_for(|screen| screen == "pick one of 0", DEADLINE);
        for at in ["at 1", "at 2", "at 3"] {
            terminal.type_text("j");
            terminal.wait_for(|screen| screen.ends_with(at), DEADLINE);
        }
        terminal.type_text("\r");
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{way:?}");
        assert_eq!(terminal.screen(), "pick one of 0\nat 1\nat 2\nat 3\npicked 3", "{way:?}");
        assert_eq!(terminal.modes(), terminal.modes_before, "{way:?}");
    }
}

#[test]
fn errors_alone_on_the_terminal_are_seen_there() {
    for way in PARENT {
        let (wrapper, folder) = (wrapper(), tempfile::tempdir().expect("a temporary directory"));
        let file = folder.path().join("out");
        let script = format!(r#"echo in | "$@" >'{}'"#, file.display());
        let terminal = start(&wrapper, way, &script, "/bin/sh", &["-c", "cat; echo trouble >&2; exit 6"]);
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(6), "{way:?}");
        assert_eq!(terminal.screen(), "trouble", "{way:?}");
        assert_eq!(std::fs::read_to_string(file).expect("a file"), "in\n", "{way:?}");
    }
}

#[test]
fn the_interrupt_key_ends_a_whole_pipeline() {
    // Each of the others says that it runs, too: a key typed before would meet the shell it was forked from.
    let before = r#"sh -c 'echo here >"$0/up"; exec sleep 1000' "$M""#;
    let behind = r#"sh -c 'echo here >"$0/up"; exec cat' "$M""#;
    for (line, others) in [
        (format!(r#""$@" | {behind}"#), 1),
        (format!(r#"{before} | "$@""#), 1),
        (format!(r#"{before} | "$@" | {behind}"#), 2),
        (format!(r#"{before} | "$@" 2>/dev/null | {behind}"#), 2),
        (format!(r#"{before} | "$@" | {behind} 2>/dev/null >/dev/null"#), 2),
    ] {
        let run = |way| {
            let (wrapper, meeting) = (wrapper(), Meeting::new());
            let script =
                format!("M={}; trap 'echo interrupted' INT; {line}; echo status $?", meeting.folder());
            let waits = r#"echo here >"$1/up"; exec sleep 1000"#;
            let terminal = start(&wrapper, way, &script, "/bin/sh", &["-c", waits, "sh", meeting.folder()]);
            (0..=others).for_each(|_| assert_eq!(meeting.hear(), "here"));
            terminal.type_text("\x03");
            assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{way:?}: {line}");
            assert_eq!(terminal.modes(), terminal.modes_before, "{way:?}: {line}");
            terminal.screen().replace("^C", "")
        };
        let bare = run(Way::Bare);
        PARENT.into_iter().for_each(|way| assert_eq!(run(way), bare, "{way:?}: {line}"));
    }
}
