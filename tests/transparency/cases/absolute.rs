//! What somebody has to put right: a bare program fails these.

use crate::case::Case;
use crate::run::{Run, ended, program};
use nix::libc;
use std::time::Duration;
use test_support::DEADLINE;
use test_support::processes::Process;
use test_support::running::Running;
use test_support::terminal::{Signal, Terminal};

pub(crate) const CASES: &[Case] = &[
    Case::absolute("killed with mouse and alternate screen on", "undone: true\nmodes: true", killed),
    Case::absolute("what was started is killed", "undone: true\nmodes: true", outer_killed),
    Case::absolute("TERM, and a grandchild in a session of its own", "status 143\nends: true", term),
    Case::absolute("300 orphans", "status 0\nzombies: 0", orphans),
];

/// Switches on everything that a terminal would be left with, and waits.
const DRESSED: &str = r#"stty raw -echo; printf '\033[?1049h\033[?1000;1006h\033[?2004h\033[?25l\033[>1u'
    echo $$ >"$1/up"; exec sleep 1000"#;
/// What takes that back.
const UNDONE: [&str; 6] = ["[?1000l", "[?1006l", "[?1049l", "[?2004l", "[?25h", "[<u"];

fn dressed(run: &Run) -> (Terminal, Process) {
    let terminal = run.terminal(DRESSED);
    let program = run.hear_process();
    // What it wrote is on its way; only what has arrived can be undone.
    terminal.wait_for_output(b"\x1b[>1u", DEADLINE);
    (terminal, program)
}

fn left(terminal: &Terminal) -> String {
    terminal.wait_exit(DEADLINE);
    let output = String::from_utf8_lossy(&terminal.raw_output()).into_owned();
    let is_undone = UNDONE.iter().all(|undo| output.contains(&format!("\x1b{undo}")));
    format!("undone: {is_undone}\nmodes: {}", terminal.modes() == terminal.modes_before)
}

fn killed(run: &Run) -> String {
    let (terminal, program) = dressed(run);
    assert!(program.signal(libc::SIGKILL), "it runs");
    left(&terminal)
}

/// The wrapper, where there is one.
fn outer_killed(run: &Run) -> String {
    let (terminal, _) = dressed(run);
    assert!(terminal.signal(Signal::SIGKILL), "it runs");
    left(&terminal)
}

/// Nothing is left.
fn term(run: &Run) -> String {
    let starts = r#"setsid sh -c 'trap "" HUP; echo $$ >"$0/up"; exec sleep 1000' "$1" >/dev/null 2>&1 &
        exec sleep 1000"#;
    let running = run.running(starts);
    let grandchild = run.hear_process();
    assert!(Process::of(running.pid()).signal(libc::SIGTERM), "it runs");
    let status = ended(running.wait_exit().0);
    format!("{status}\nends: {}", grandchild.ends_within(Duration::from_secs(3)))
}

/// Somebody has to wait for them while the program goes on.
fn orphans(run: &Run) -> String {
    let running = Running::start(run.command(&program("orphans.py"), &["300"]));
    let (status, output) = running.wait_exit();
    format!("{}\n{}", ended(status), output.trim_end())
}
