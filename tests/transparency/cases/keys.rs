//! Keys in a terminal that is all the program's.

use crate::case::Case;
use crate::run::{Run, ended, program, screen_at_end};
use nix::libc;
use test_support::DEADLINE;
use test_support::terminal::Terminal;
use test_support::unrendered::Unrendered;

pub(crate) const CASES: &[Case] = &[
    Case::as_bare("^C once", |run| interrupted(run, 1)),
    Case::as_bare("^C twice", |run| interrupted(run, 2)),
    Case::as_bare("^C ten times", |run| interrupted(run, 10)),
    Case::as_bare("^C to a program that does not take it", |run| ended_by(run, "\x03")),
    Case::as_bare("^\\ to a program that does not take it", |run| ended_by(run, "\x1c")),
    Case::as_bare("^C, ^\\, ^Z and ^D as raw bytes", raw),
    Case::as_bare("^C while the terminal is stalled", interrupted_while_stalled),
    Case::as_bare("^C where only the terminal is one comes once", to_the_group),
    Case::as_bare("^D and line editing", lines),
    Case::as_bare("^S and ^Q", flow),
    Case::as_bare("what the terminal answers to a question", answer),
];

/// A program that takes the key and says so, and is ended by the last one.
fn interrupted(run: &Run, times: usize) -> String {
    let command = run.command(&program("interrupts.py"), &[times.to_string()]);
    let terminal = Terminal::start(command, 80, 24);
    let mut expected = "ready".to_owned();
    for at in 1..=times {
        terminal.wait_for(|screen| screen == expected, DEADLINE);
        terminal.type_text("\x03");
        expected += &format!("\n^C{at}");
    }
    let end = screen_at_end(&terminal);
    format!("{end}\n{}", terminal.modes() == terminal.modes_before)
}

fn ended_by(run: &Run, key: &str) -> String {
    let terminal = run.terminal(r#"ulimit -c 0; echo $$ >"$1/up"; exec sleep 1000"#);
    run.hear_process();
    terminal.type_text(key);
    let end = screen_at_end(&terminal);
    format!("{end}\n{}", terminal.modes() == terminal.modes_before)
}

fn raw(run: &Run) -> String {
    let terminal = run.terminal(r#"stty raw -echo; echo $$ >"$1/up"; head -c 5 | od -An -tx1"#);
    run.hear_process();
    terminal.type_text("\x03\x1c\x1a\x04\x11");
    screen_at_end(&terminal)
}

/// Nobody reads what the program writes, but the key is heard.
fn interrupted_while_stalled(run: &Run) -> String {
    let command = run.command(&program("stalled.py"), &[run.meeting.folder(), "wait"]);
    let mut terminal = Unrendered::start_stalled(command, 80, 24);
    let said = run.meeting.hear();
    terminal.type_bytes(b"\x03");
    let heard = run.meeting.hear();
    terminal.read_on();
    let (status, _) = terminal.wait_exit(DEADLINE);
    format!("{said}\n{heard}\n{}", ended(status))
}

/// The kernel signals the whole group, program included.
fn to_the_group(run: &Run) -> String {
    // The shell itself shrugs the keys off; a trap, unlike being ignored, is not inherited.
    let script = format!(r#"trap : INT QUIT; "$@" </dev/null >"{}/up" 2>&1; exit $?"#, run.meeting.folder());
    let becomes = format!("echo $$; exec {}", program("signals.py"));
    let terminal = Terminal::start(run.shell(&script, "/bin/sh", &["-c", &becomes]), 80, 24);
    let program = run.hear_process();
    let mut heard = vec![run.meeting.hear()];
    for key in ["\x03", "\x1c"].repeat(5) {
        terminal.type_text(key);
        heard.push(run.meeting.hear());
    }
    // A second delivery would come before these.
    for signal in [libc::SIGUSR1, libc::SIGTERM] {
        assert!(program.signal(signal), "it runs");
        heard.push(run.meeting.hear());
    }
    // A key that signals drops what waits to be shown, its own echo included.
    format!("{}\n{}", heard.join("\n"), ended(terminal.wait_exit(DEADLINE)))
}

fn lines(run: &Run) -> String {
    let terminal = run.terminal(r#"echo $$ >"$1/up"; cat; echo over"#);
    run.hear_process();
    terminal.type_text("wrong\x15rihgt\x7f\x7f\x7fght\r");
    terminal.wait_for(|screen| screen.ends_with("right\nright"), DEADLINE);
    terminal.type_text("\x04");
    screen_at_end(&terminal)
}

/// Output waits between the two keys, and nothing of it is lost.
fn flow(run: &Run) -> String {
    let writes = r#"stty -echo; echo $$ >"$1/up"; read -r line; echo "$line"; seq 200; echo over >"$1/up""#;
    let terminal = run.terminal(writes);
    run.hear_process();
    terminal.type_text("\x13");
    terminal.type_text("go\r");
    terminal.type_text("\x11");
    let end = screen_at_end(&terminal);
    format!("{}\n{end}", run.meeting.hear())
}

/// As a program asks where the cursor is.
fn answer(run: &Run) -> String {
    let asks = r#"stty raw -echo; printf '\033[6n'; head -c 6 | od -An -c"#;
    let terminal = run.terminal(asks);
    terminal.wait_for_output(b"\x1b[6n", DEADLINE);
    terminal.type_text("\x1b[5;7R");
    screen_at_end(&terminal)
}
