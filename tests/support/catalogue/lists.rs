//! Scenarios that keep a list, on pipes, and the conversations that a later run takes up.

use super::{Run, Scenario};
use crate::truth::{Delegation, Todos, Truth};

const FIRST: &str = "11111111-1111-4111-8111-111111111111";

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::printed("full", &["DEMO:full"], full()),
        Scenario::printed("tasks", &["DEMO:tasks"], listed(10, &LAST_TASKS)),
        Scenario::printed("todowrite", &["DEMO:todowrite"], todowrite()).with_env(WHOLE_LIST),
        // The tool is not there, so nothing is listed.
        Scenario::printed("todowrite-disabled", &["DEMO:todowrite-disabled"], Truth::default()),
        taken_up("resume", &["--resume", FIRST, "DEMO:second-part"]),
        taken_up("continue", &["--continue", "DEMO:second-part"]),
        taken_up("fork", &["--resume", FIRST, "--fork-session", "DEMO:second-part"]),
    ]
}

/// claude then has the older tool that writes the whole list at once.
const WHOLE_LIST: &[(&str, &str)] = &[("CLAUDE_CODE_ENABLE_TASKS", "0")];

const LAST_TASKS: [(&str, &str); 3] =
    [("Design it", "completed"), ("Test it well", "in_progress"), ("Ship it", "pending")];

/// The truth of a scenario that only lists.
fn listed(changes: usize, last: &[(&'static str, &'static str)]) -> Truth {
    Truth { todos: Todos { changes, last: last.into() }, ..Truth::default() }
}

/// Three creations, four updates, a delegation, a ticket.
pub(super) fn full() -> Truth {
    let last = [
        ("[Engineer] Implement WebSocket server", "completed"),
        ("[QA] Write tests", "completed"),
        ("[PM] File ticket", "completed"),
    ];
    Truth {
        delegations: vec![Delegation::done("engineer", "Implement feature X")],
        tickets: vec![("TICKET-123", "Add WebSocket monitoring")],
        ..listed(7, &last)
    }
}

fn todowrite() -> Truth {
    let last = [("Design it", "completed"), ("Test it", "completed"), ("Ship it", "in_progress")];
    Truth { delegations: vec![Delegation::done("engineer", "Test it")], ..listed(3, &last) }
}

/// A first run begins a conversation, a second one takes it up: its tasks, numbers and all, are still there.
fn taken_up(name: &'static str, second: &'static [&'static str]) -> Scenario {
    let last = [("Write the code", "completed"), ("Read the code", "pending"), ("Ship the code", "pending")];
    let truth = Truth {
        delegations: vec![
            Delegation::done("engineer", "Write the code"),
            Delegation::done("qa", "Read the code"),
        ],
        tickets: vec![("PART-2", "Ship it")],
        ..listed(5, &last)
    };
    let runs = vec![Run::printed(&["--session-id", FIRST, "DEMO:first-part"]), Run::printed(second)];
    Scenario { runs, ..Scenario::empty(name, truth) }
}
