//! Signals that somebody sends to what was started, and a window that is closed.

use crate::case::Case;
use crate::run::{Run, ended, program, screen_at_end};
use nix::libc;
use test_support::DEADLINE;
use test_support::processes::Process;
use test_support::running::Running;
use test_support::terminal::{Signal, Terminal};

pub(crate) const CASES: &[Case] = &[
    Case::as_bare("signals that end it", ending),
    Case::as_bare("TERM in a terminal", |run| in_a_terminal(run, Signal::SIGTERM)),
    Case::as_bare("HUP in a terminal", |run| in_a_terminal(run, Signal::SIGHUP)),
    Case::as_bare("TERM to a program that puts things in order", in_order),
    Case::as_bare("every signal that can be taken, on pipes", every_on_pipes),
    Case::as_bare("every signal that can be taken, in a terminal", every_in_a_terminal),
    Case::as_bare("TERM and HUP ignored, on pipes", ignoring),
    Case::as_bare("TERM and HUP ignored, in a terminal", ignoring_in_a_terminal),
    Case::as_bare("a window that is closed", closed),
    Case::as_bare("a window that is closed on a program that puts things in order", closed_in_order),
    Case::as_bare("a window that is closed on a program that ignores HUP", |run| closed_ignored(run, "")),
    Case::as_bare("a window that is closed on a program that ignores HUP and reads", |run| {
        closed_ignored(run, "read -r key")
    }),
];

const WAITS: &str = r#"echo $$ >"$1/up"; exec sleep 1000"#;
const IGNORES: &str =
    r#"trap '' TERM HUP INT QUIT; echo $$ >"$1/up"; read -r answer <"$1/down"; echo "$answer"; exit 7"#;
const PUTS_IN_ORDER: &str = r#"trap 'echo told >"$1/up"; exit 3' TERM HUP
    sleep 1000 & echo $! >"$1/up"; wait"#;

fn signal(run: &Running, signal: i32) {
    assert!(Process::of(run.pid()).signal(signal), "it runs");
}

fn ending(run: &Run) -> String {
    let status = |number| {
        let running = run.running(WAITS);
        run.hear_process();
        signal(&running, number);
        ended(running.wait_exit().0)
    };
    [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGUSR1, libc::SIGRTMIN()].map(status).join("\n")
}

fn in_a_terminal(run: &Run, signal: Signal) -> String {
    let terminal = run.terminal(WAITS);
    run.hear_process();
    assert!(terminal.signal(signal), "it runs");
    let end = screen_at_end(&terminal);
    format!("{end}\n{}", terminal.modes() == terminal.modes_before)
}

fn in_order(run: &Run) -> String {
    let running = run.running(PUTS_IN_ORDER);
    let started = run.hear_process();
    signal(&running, libc::SIGTERM);
    let told = run.meeting.hear();
    // It holds the pipe.
    started.signal(libc::SIGKILL);
    format!("{told}\n{}", ended(running.wait_exit().0))
}

/// The C library keeps two for itself; the last two end `signals.py`.
fn catchable() -> impl Iterator<Item = i32> {
    let left_out = [libc::SIGKILL, libc::SIGSTOP, libc::SIGUSR1, libc::SIGTERM, 32, 33];
    (1..=64).filter(move |signal| !left_out.contains(signal)).chain([libc::SIGUSR1, libc::SIGTERM])
}

fn every_on_pipes(run: &Run) -> String {
    let running = Running::start(run.command(&program("signals.py"), &[] as &[&str]));
    running.wait_for(|output| output.lines().count() == 1);
    for (lines, number) in (2..).zip(catchable()) {
        signal(&running, number);
        running.wait_for(|output| output.lines().count() >= lines && output.ends_with('\n'));
    }
    let (status, output) = running.wait_exit();
    format!("{}\n{output}", ended(status))
}

fn every_in_a_terminal(run: &Run) -> String {
    let terminal = Terminal::start(run.command(&program("signals.py"), &[] as &[&str]), 80, 100);
    terminal.wait_for(|screen| screen == "ready", DEADLINE);
    // The kernel tells a group in the foreground of a new size by SIGWINCH, which is not this case's matter.
    let signals = catchable().filter(|signal| *signal != libc::SIGWINCH);
    for (lines, number) in (2..).zip(signals) {
        assert!(Process::of(terminal.pid()).signal(number), "it runs");
        terminal.wait_for(|screen| screen.lines().count() >= lines, DEADLINE);
    }
    screen_at_end(&terminal)
}

fn ignoring(run: &Run) -> String {
    let running = run.running(IGNORES);
    run.hear_process();
    for number in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
        signal(&running, number);
    }
    run.meeting.say("go on");
    let (status, output) = running.wait_exit();
    format!("{}\n{output}", ended(status))
}

fn ignoring_in_a_terminal(run: &Run) -> String {
    let terminal = run.terminal(IGNORES);
    run.hear_process();
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGTERM] {
        assert!(terminal.signal(signal), "it runs");
    }
    run.meeting.say("go on");
    screen_at_end(&terminal)
}

fn closed(run: &Run) -> String {
    let terminal = run.terminal(WAITS);
    let program = run.hear_process();
    let status = terminal.hang_up().wait_exit(DEADLINE).map(ended);
    format!("{status:?} {}", program.ends_within(DEADLINE))
}

fn closed_in_order(run: &Run) -> String {
    let terminal = run.terminal(PUTS_IN_ORDER);
    run.hear_process();
    let hung_up = terminal.hang_up();
    format!("{}\n{:?}", run.meeting.hear(), hung_up.wait_exit(DEADLINE).map(ended))
}

/// It goes on, without a terminal: what it reads there has ended.
fn closed_ignored(run: &Run, reads: &str) -> String {
    let goes_on = format!(
        r#"trap '' HUP; echo $$ >"$1/up"; {reads}
        read -r go <"$1/down"; echo "$go" >"$1/up"; exit 5"#
    );
    let terminal = run.terminal(&goes_on);
    run.hear_process();
    let hung_up = terminal.hang_up();
    run.meeting.say("on it goes");
    format!("{}\n{:?}", run.meeting.hear(), hung_up.wait_exit(DEADLINE).map(ended))
}
