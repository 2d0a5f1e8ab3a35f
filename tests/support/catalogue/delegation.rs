//! Scenarios that delegate, on pipes, each to its natural end.

use super::Scenario;
use crate::truth::{Delegation, Reason, Truth};

pub(super) fn scenarios() -> Vec<Scenario> {
    let (done, failed) = (Delegation::done, Delegation::failed);
    vec![
        Scenario::printed(
            "one-delegation",
            &["DEMO:one-delegation"],
            delegated(&[done("engineer", "Build part A")]),
        ),
        Scenario::printed(
            "parallel",
            &["DEMO:parallel"],
            delegated(&[done("engineer", "Build part A"), done("qa", "Test part B")]),
        ),
        Scenario::printed(
            "nested",
            &["DEMO:nested"],
            delegated(&[
                done("general-purpose", "Lead the work"),
                done("qa", "Check below").given_by("general-purpose"),
            ]),
        ),
        Scenario::printed(
            "background",
            &["DEMO:background"],
            delegated(&[done("qa", "Background QA").in_background()]),
        ),
        Scenario::printed(
            "background-stopped",
            &["DEMO:background-stopped"],
            delegated(&[failed("qa", "Endless QA", Reason::Interrupted).in_background()]),
        ),
        Scenario::printed(
            "unknown-agent",
            &["DEMO:unknown-agent"],
            delegated(&[
                failed("no-such-agent", "Do the impossible", Reason::Error),
                done("engineer", "Do the possible"),
            ]),
        ),
        Scenario::printed(
            "no-subagent-type",
            &["DEMO:no-subagent-type"],
            delegated(&[done("general-purpose", "No type given")]),
        ),
        Scenario::printed(
            "legacy-task-name",
            &["DEMO:legacy-task-name"],
            delegated(&[done("engineer", "Under the old name")]),
        ),
        Scenario::printed(
            "denied-agent",
            &["DEMO:denied-agent"],
            delegated(&[failed("qa", "Refused by a rule", Reason::Denied), done("engineer", "Not refused")]),
        )
        .denying(&["Agent(qa)"]),
        // Nobody is asked: without a terminal claude refuses by itself.
        Scenario::printed(
            "unasked-agent",
            &["DEMO:denied-agent"],
            delegated(&[
                failed("qa", "Refused by a rule", Reason::Denied),
                failed("engineer", "Not refused", Reason::Denied),
            ]),
        )
        .asking(&["Agent"]),
        Scenario::printed(
            "ticket-in-agent",
            &["DEMO:ticket-in-agent"],
            Truth { tickets: vec![("QA-5", "Found by QA")], ..delegated(&[done("qa", "File it")]) },
        ),
        // claude itself calls that completed: the error is the agent's answer.
        Scenario::printed(
            "agent-api-error",
            &["DEMO:agent-api-error"],
            delegated(&[failed("engineer", "Meet an error", Reason::Error)]),
        ),
    ]
}

/// The truth of a scenario that only delegates.
pub(super) fn delegated(delegations: &[Delegation]) -> Truth {
    Truth { delegations: delegations.into(), ..Truth::default() }
}
