//! Scenarios that are cut short: by a key, by a signal, with delegated work open.

use super::delegation::delegated;
use super::{Ends, Run, Scenario, Step};
use crate::truth::{Delegation, Reason, Truth};

const SIGINT: i32 = 2;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

pub(super) fn scenarios() -> Vec<Scenario> {
    // The delegated command runs.
    let at_work = Step::Runs("sleep 60");
    let begins = [Step::Types("DEMO:long-delegation\r"), at_work, Step::Sees("engineer(Work for long)")];
    let interrupted = [Step::Types("\x1b"), Step::Sees("Interrupted"), Step::Is("idle")];
    let in_background = [
        Step::Types("DEMO:background-endless\r"),
        at_work,
        Step::Sees("Launched for good."),
        Step::Sees("Waiting for 1 background agent"),
    ];
    let open = |reason| delegated(&[Delegation::failed("engineer", "Work for long", reason)]);
    let (by_end, killed) = (open(Reason::InterruptedByEnd), open(Reason::SessionEnded));
    let background =
        delegated(&[Delegation::failed("qa", "Endless QA", Reason::InterruptedByEnd).in_background()]);
    let (term, kill) = (Step::Signals(SIGTERM), Step::Signals(SIGKILL));
    vec![
        Scenario::on_terminal(
            "esc-in-agent",
            &[&begins[..], &interrupted, &speaks()].concat(),
            open(Reason::Interrupted),
        ),
        cut("sigterm-in-agent", &[at_work, term], by_end.clone()).ending(Ends::Code(143)),
        cut("sigint-in-agent", &[at_work, Step::Signals(SIGINT)], by_end.clone()).ending(Ends::OneOf(0, 1)),
        cut("sigkill-in-agent", &[at_work, kill], killed).ending(Ends::Signal(SIGKILL)),
        ended("tui-sigterm-in-agent", &begins, term, by_end).ending(Ends::Code(143)),
        ended("tui-sigterm-in-background", &in_background, term, background.clone()).ending(Ends::Code(143)),
        Scenario::on_terminal("exit-in-background", &in_background, background),
    ]
}

/// A word afterwards shows that the conversation goes on.
fn speaks() -> [Step; 3] {
    [Step::Types("DEMO:hello\r"), Step::Sees("- fail on request"), Step::Is("idle")]
}

/// Delegated work on pipes, and what is done meanwhile.
fn cut(name: &'static str, steps: &[Step], truth: Truth) -> Scenario {
    let run = Run { steps: steps.into(), ..Run::printed(&["DEMO:long-delegation"], truth) };
    Scenario::of(name, vec![run])
}

/// On a terminal, and ended otherwise than a user ends it.
fn ended(name: &'static str, steps: &[Step], end: Step, truth: Truth) -> Scenario {
    let mut run = Run::on_terminal(steps, truth);
    run.steps.pop();
    run.steps.push(end);
    Scenario::of(name, vec![run])
}
