//! Scenarios that keep a list, on pipes, and the conversations that a later run takes up.

use super::{Run, Scenario};
use crate::truth::{Delegation, Todos, Truth};

const FIRST: &str = "11111111-1111-4111-8111-111111111111";

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::printed("full", &["DEMO:full"], full()),
        Scenario::printed("tasks", &["DEMO:tasks"], listed(9, &LAST_TASKS)),
        Scenario::printed("todowrite", &["DEMO:todowrite"], todowrite()).with_env(WHOLE_LIST),
        Scenario::printed("tasks-in-agent", &["DEMO:tasks-in-agent"], in_agent(3, &TASKS_OF_BOTH)),
        Scenario::printed("todowrite-in-agent", &["DEMO:todowrite-in-agent"], in_agent(3, &TODOS_OF_MAIN))
            .with_env(WHOLE_LIST),
        // The tool is not there, so nothing is listed.
        Scenario::printed("todowrite-disabled", &["DEMO:todowrite-disabled"], Truth::default()),
        taken_up("resume", &["--resume", FIRST, "DEMO:second-part"], second_part(2, &WHOLE)),
        taken_up("continue", &["--continue", "DEMO:second-part"], second_part(2, &WHOLE)),
        // A fork has the conversation, and an empty list: the task that it would complete is not there.
        taken_up(
            "fork",
            &["--resume", FIRST, "--fork-session", "DEMO:second-part"],
            second_part(1, &[("Ship the code", "pending")]),
        ),
    ]
}

/// claude then has the older tool that writes the whole list at once.
pub(super) const WHOLE_LIST: &[(&str, &str)] = &[("CLAUDE_CODE_ENABLE_TASKS", "0")];

const LAST_TASKS: [(&str, &str); 3] =
    [("Design it", "completed"), ("Test it well", "in_progress"), ("Ship it", "pending")];

/// A task list is the session's, whoever writes to it.
const TASKS_OF_BOTH: [(&str, &str); 2] = [("Main work", "completed"), ("Part of the work", "pending")];

/// A list that is written whole is its writer's: an agent's own list is shown beside claude's while the agent works,
/// and ends with it.
const TODOS_OF_MAIN: [(&str, &str); 2] = [("Main work", "completed"), ("More work", "pending")];

fn in_agent(changes: usize, last: &[(&'static str, &'static str)]) -> Truth {
    Truth { delegations: vec![Delegation::done("engineer", "Plan the parts")], ..listed(changes, last) }
}

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

pub(super) fn todowrite() -> Truth {
    let last = [("Design it", "completed"), ("Test it", "completed"), ("Ship it", "in_progress")];
    Truth { delegations: vec![Delegation::done("engineer", "Test it")], ..listed(3, &last) }
}

const WHOLE: [(&str, &str); 3] =
    [("Write the code", "completed"), ("Read the code", "pending"), ("Ship the code", "pending")];

/// A first run begins a conversation, a second one takes it up.
fn taken_up(name: &'static str, args: &'static [&'static str], truth: Truth) -> Scenario {
    let first = Run::printed(&["--session-id", FIRST, "DEMO:first-part"], first_part());
    Scenario::of(name, vec![first, Run::printed(args, truth)])
}

/// Two creations and an update.
fn first_part() -> Truth {
    let last = [("Write the code", "in_progress"), ("Read the code", "pending")];
    Truth { delegations: vec![Delegation::done("engineer", "Write the code")], ..listed(3, &last) }
}

fn second_part(changes: usize, last: &[(&'static str, &'static str)]) -> Truth {
    Truth {
        delegations: vec![Delegation::done("qa", "Read the code")],
        tickets: vec![("PART-2", "Ship it")],
        ..listed(changes, last)
    }
}
