//! Scenarios that are cut short: by a key, by a signal, with delegated work open.

use super::delegation::delegated;
use super::{Ends, Run, Scenario, Step};
use crate::truth::{Delegation, Reason};

const SIGINT: i32 = 2;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

pub(super) fn scenarios() -> Vec<Scenario> {
    let open = |reason| delegated(&[Delegation::failed("engineer", "Work for long", reason)]);
    let background =
        delegated(&[Delegation::failed("qa", "Endless QA", Reason::SessionEnded).in_background()]);
    let at_work = Step::Runs("sleep 60");
    let begins = [Step::Types("DEMO:long-delegation\r"), at_work, Step::Sees("engineer(Work for long)")];
    vec![
        Scenario::on_terminal(
            "esc-in-agent",
            &[&begins[..], &[Step::Types("\x1b"), Step::Sees("Interrupted"), Step::Is("idle")], &speaks()]
                .concat(),
            open(Reason::Interrupted),
        ),
        cut("sigterm-in-agent", at_work, SIGTERM, Ends::Code(143)),
        cut("sigint-in-agent", at_work, SIGINT, Ends::Code(0)),
        cut("sigkill-in-agent", at_work, SIGKILL, Ends::Signal(SIGKILL)),
        ended_on_terminal("tui-sigterm-in-agent", &begins, SIGTERM, Ends::Code(143)),
        Scenario {
            truth: background,
            ..ended_on_terminal(
                "tui-sigterm-in-background",
                &[
                    Step::Types("DEMO:background-endless\r"),
                    at_work,
                    Step::Sees("Launched for good."),
                    Step::Is("idle"),
                ],
                SIGTERM,
                Ends::Code(143),
            )
        },
    ]
}

/// A word afterwards shows that the conversation goes on.
fn speaks() -> [Step; 3] {
    [Step::Types("DEMO:hello\r"), Step::Sees("- fail on request"), Step::Is("idle")]
}

/// Signalled on pipes, with delegated work open.
fn cut(name: &'static str, when: Step, signal: i32, ends: Ends) -> Scenario {
    let truth = delegated(&[Delegation::failed("engineer", "Work for long", Reason::SessionEnded)]);
    let steps = vec![when, Step::Signals(signal)];
    let run = Run { steps, ends, ..Run::printed(&["DEMO:long-delegation"]) };
    Scenario { runs: vec![run], ..Scenario::empty(name, truth) }
}

/// Signalled on a terminal, with delegated work open.
fn ended_on_terminal(name: &'static str, begins: &[Step], signal: i32, ends: Ends) -> Scenario {
    let truth = delegated(&[Delegation::failed("engineer", "Work for long", Reason::SessionEnded)]);
    let mut scenario = Scenario::on_terminal(name, begins, truth).ending(ends);
    if let Some(last) = scenario.runs.iter_mut().find_map(|run| run.steps.last_mut()) {
        *last = Step::Signals(signal);
    }
    scenario
}
