//! Windows that are not the user's: of a fixed size, and one that nobody sees.

use crate::wrapper;
use test_support::DEADLINE;
use test_support::terminal::Terminal;
use test_support::wrapper::PARENT;

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
