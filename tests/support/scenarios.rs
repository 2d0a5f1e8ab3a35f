//! The table of scenarios: what the scripted model says, turn by turn. This is the file to extend
//! when a test needs another conversation: one line in `TABLE`, one function.
//!
//! A prompt that contains `DEMO:<name>` plays the scenario of that name; its first turn answers
//! the prompt, its second the results of the first one's tools, and so on. A delegated prompt
//! names a scenario of its own. How a turn travels is `reply`'s business, not this file's.

use serde_json::{Value, json};
use std::time::Duration;

/// One answer of the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// A message: its blocks in order, and why the model stopped (`end_turn`, `tool_use`, ..).
    Says(Vec<Block>, &'static str),
    /// An API error instead of a message: HTTP status, error type, message.
    Fails(u16, &'static str, &'static str),
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Text, streamed in these pieces with this pause after each.
    Text(Vec<String>, Duration),
    /// A tool call: the tool's name and its input.
    Tool(&'static str, Value),
    /// Nothing for a while, as if the model were thinking.
    Pause(Duration),
}

/// What the model says where no scenario has a word.
pub(crate) fn unscripted() -> Turn {
    ends([text("ok")])
}

/// The turns of the scenario `name`, or `None` if there is none of that name.
pub fn scenario(name: &str) -> Option<Vec<Turn>> {
    let (_, turns) = TABLE.iter().find(|(known, _)| *known == name)?;
    Some(turns())
}

type Turns = fn() -> Vec<Turn>;

const TABLE: &[(&str, Turns)] = &[
    // Text only.
    ("hello", hello),
    ("long", || vec![ends([text(&numbered_lines(200))])]),
    ("slow", || vec![ends([slowly(10, Duration::from_millis(200))])]),
    // One tool.
    ("bash", bash_once),
    // Errors of the API. claude repeats the request after the first kind, not after the second.
    ("error500", || vec![Turn::Fails(500, "api_error", "Scripted server error")]),
    ("error400", || vec![Turn::Fails(400, "invalid_request_error", "Scripted bad request")]),
    // A whole piece of work, and the delegated part of it.
    ("full", full),
    ("sub-eng", engineer_at_work),
];

fn hello() -> Vec<Turn> {
    vec![ends([text(
        "Hello from the scripted model.\n\nIt can do three things:\n\n\
         - say hello\n- call tools\n- fail on request",
    )])]
}

fn bash_once() -> Vec<Turn> {
    vec![calls([bash("echo hello from bash", "Say hello")]), ends([text("The command has run.")])]
}

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

fn engineer_at_work() -> Vec<Turn> {
    vec![
        calls([bash("echo engineer at work", "Say something")]),
        ends([text("Feature X implemented by engineer.")]),
    ]
}

/// The last turn of an exchange: the model is done.
fn ends<const N: usize>(blocks: [Block; N]) -> Turn {
    Turn::Says(blocks.into(), "end_turn")
}

/// A turn that waits for the results of its tool calls.
fn calls<const N: usize>(blocks: [Block; N]) -> Turn {
    Turn::Says(blocks.into(), "tool_use")
}

fn text(whole: &str) -> Block {
    Block::Text(vec![whole.to_owned()], Duration::ZERO)
}

fn slowly(pieces: usize, gap: Duration) -> Block {
    Block::Text((1..=pieces).map(|n| format!("piece {n}\n")).collect(), gap)
}

fn numbered_lines(count: usize) -> String {
    (1..=count).map(|n| format!("line {n}\n")).collect()
}

fn bash(command: &str, description: &str) -> Block {
    Block::Tool("Bash", json!({ "command": command, "description": description }))
}

fn task(subject: &str, active: &str) -> Block {
    Block::Tool("TaskCreate", json!({ "subject": subject, "description": subject, "activeForm": active }))
}

fn update(task: &str, status: &str) -> Block {
    Block::Tool("TaskUpdate", json!({ "taskId": task, "status": status }))
}

fn delegate(agent: &str, description: &str, prompt: &str) -> Block {
    Block::Tool("Agent", json!({ "description": description, "prompt": prompt, "subagent_type": agent }))
}
