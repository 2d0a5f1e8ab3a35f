//! What the program starts and leaves behind.

use crate::case::Case;
use crate::run::{Run, ended, screen_at_end};
use std::time::Duration;
use test_support::DEADLINE;

pub(crate) const CASES: &[Case] = &[
    Case::as_bare("a grandchild in a session of its own", |run| in_a_terminal(run, "exec sleep 1000")),
    Case::as_bare("a grandchild in a session of its own, on pipes", on_pipes),
    Case::as_bare("a grandchild that writes on", |run| {
        in_a_terminal(run, "while :; do echo still; done 2>/dev/null")
    }),
    Case::as_bare("a grandchild that ignores HUP, in its group", in_its_group),
    Case::as_bare("a grandchild that writes before the end", writes_before),
    Case::as_bare("a program that waits for its children", waits),
];

/// It ignores HUP, holds the terminal, and goes on when the program has ended.
fn in_a_terminal(run: &Run, does: &str) -> String {
    let starts = format!(
        r#"setsid sh -c 'trap "" HUP PIPE; echo $$ >"$0/up"; {does}' "$1" & read -r go <"$1/down"; exit 4"#
    );
    let terminal = run.unrendered(&starts);
    let grandchild = run.hear_process();
    run.meeting.say("go");
    let status = ended(terminal.wait_program(DEADLINE));
    format!("{status}\ngoes on: {}", !grandchild.ends_within(Duration::ZERO))
}

fn on_pipes(run: &Run) -> String {
    let starts = r#"setsid sh -c 'echo $$ >"$0/up"; exec sleep 1000' "$1" >/dev/null 2>&1 &
        read -r go <"$1/down"; exit 4"#;
    let running = run.running(starts);
    let grandchild = run.hear_process();
    run.meeting.say("go");
    let status = ended(running.wait_exit().0);
    format!("{status}\ngoes on: {}", !grandchild.ends_within(Duration::ZERO))
}

/// Whoever ignores the hang-up survives the end of a session.
fn in_its_group(run: &Run) -> String {
    let starts = r#"sh -c 'trap "" HUP; echo $$ >"$0/up"; exec sleep 1000' "$1" >/dev/null 2>&1 </dev/null &
        read -r go <"$1/down"; exit 4"#;
    let terminal = run.unrendered(starts);
    let grandchild = run.hear_process();
    run.meeting.say("go");
    let status = ended(terminal.wait_exit(DEADLINE).0);
    format!("{status}\ngoes on: {}", !grandchild.ends_within(Duration::ZERO))
}

fn writes_before(run: &Run) -> String {
    let starts = r#"setsid sh -c 'read -r go <"$0/down"; echo written; echo done >"$0/up"' "$1" &
        read -r done <"$1/up"; echo over; exit 4"#;
    let terminal = run.terminal(starts);
    run.meeting.say("go");
    screen_at_end(&terminal)
}

fn waits(run: &Run) -> String {
    let starts = "for i in 1 2 3; do (exit $i) & done; wait; (exit 7) & wait $!; echo $?; exit 5";
    let (running, terminal) = (run.running(starts), run.terminal(starts));
    let (status, output) = running.wait_exit();
    format!("{}\n{output}\n{}", ended(status), screen_at_end(&terminal))
}
