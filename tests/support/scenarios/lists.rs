//! Scripts that keep a list of what is to do: with tasks, with the older whole list, and the whole piece of work that
//! has everything.

use super::{Block, Script, Turn, bash, calls, delegate, ends, task, text, update};
use serde_json::{Value, json};

pub(super) const SCRIPTS: &[Script] = &[
    ("full", full),
    ("tasks", tasks),
    ("todowrite", todowrite),
    ("todowrite-disabled", || {
        vec![calls([todos(&[("Never listed", "pending")])]), ends([text("There is no such list here.")])]
    }),
    // The delegated part has a list, too.
    ("tasks-in-agent", || {
        vec![
            calls([task("Main work", "Working")]),
            calls([delegate("engineer", "Plan the parts", "DEMO:sub-tasks Plan the parts")]),
            calls([update("1", "completed")]),
            ends([text("The parts are planned.")]),
        ]
    }),
    ("sub-tasks", || {
        vec![
            calls([task("Part of the work", "Working on a part")]),
            calls([Block::Tool("TaskList", json!({}))]),
            ends([text("I have a list.")]),
        ]
    }),
    ("todowrite-in-agent", || {
        vec![
            calls([todos(&[("Main work", "in_progress")])]),
            calls([delegate("engineer", "Plan the parts", "DEMO:sub-todos Plan the parts")]),
            calls([todos(&[("Main work", "completed"), ("More work", "pending")])]),
            ends([text("The parts are planned.")]),
        ]
    }),
    ("sub-todos", || {
        vec![calls([todos(&[("Part of the work", "in_progress")])]), ends([text("I have a list.")])]
    }),
    ("first-part", || {
        vec![
            calls([task("Write the code", "Writing the code"), task("Read the code", "Reading the code")]),
            calls([
                update("1", "in_progress"),
                delegate("engineer", "Write the code", "DEMO:sub-eng Write the code"),
            ]),
            ends([text("The first part is done.")]),
        ]
    }),
    ("second-part", || {
        vec![
            calls([update("1", "completed")]),
            calls([
                task("Ship the code", "Shipping the code"),
                delegate("qa", "Read the code", "DEMO:sub-qa Read the code"),
            ]),
            calls([bash("echo 'Created ticket PART-2: Ship it'", "File a ticket")]),
            ends([text("The second part is done.")]),
        ]
    }),
];

/// A task list, a delegation, a ticket.
fn full() -> Vec<Turn> {
    vec![
        calls([
            text("I'll plan the work and delegate it."),
            task("[Engineer] Implement WebSocket server", "Implementing WebSocket server"),
            task("[QA] Write tests", "Writing tests"),
            task("[PM] File ticket", "Filing ticket"),
        ]),
        calls([
            text("Delegating to the engineer."),
            delegate("engineer", "Implement feature X", "DEMO:sub-eng Implement feature X in src/x.rs"),
        ]),
        calls([update("1", "completed"), update("2", "in_progress")]),
        calls([bash("echo 'Created ticket TICKET-123: Add WebSocket monitoring'", "Create ticket")]),
        calls([update("2", "completed"), update("3", "completed")]),
        ends([text("All done: ticket TICKET-123 was created and **engineer** finished.\n\n- one\n- two")]),
    ]
}

/// Parallel calls, a call about a task that is not there, one that changes nothing, a deletion, and the list.
fn tasks() -> Vec<Turn> {
    let retitled = json!({ "taskId": "2", "subject": "Test it well" });
    vec![
        calls([
            task("Design it", "Designing"),
            task("Test it", "Testing"),
            task("Drop it", "Dropping"),
            task("Ship it", "Shipping"),
        ]),
        calls([update("1", "in_progress"), Block::Tool("TaskUpdate", retitled), update("3", "deleted")]),
        calls([update("9", "completed"), update("1", "in_progress")]),
        calls([update("1", "completed"), update("2", "in_progress")]),
        calls([Block::Tool("TaskList", json!({}))]),
        ends([text("Two are left.")]),
    ]
}

fn todowrite() -> Vec<Turn> {
    let at = |states: [&'static str; 3]| {
        todos(&[("Design it", states[0]), ("Test it", states[1]), ("Ship it", states[2])])
    };
    vec![
        calls([at(["in_progress", "pending", "pending"])]),
        calls([at(["completed", "in_progress", "pending"])]),
        calls([delegate("engineer", "Test it", "DEMO:sub-eng Test it")]),
        calls([at(["completed", "completed", "in_progress"])]),
        ends([text("One is left.")]),
    ]
}

fn todos(items: &[(&str, &str)]) -> Block {
    let item = |(content, status): &(&str, &str)| -> Value {
        json!({ "content": content, "status": status, "activeForm": format!("{content}: at work") })
    };
    let items: Vec<Value> = items.iter().map(item).collect();
    Block::Tool("TodoWrite", json!({ "todos": items }))
}
