//! What the scripted model says, turn by turn: the table of its scripts, and the words they are written with. The
//! scripts themselves stand in files by subject; a test that needs another conversation adds one line to a `SCRIPTS`
//! and one function. What really happens when claude plays one is [`crate::catalogue`]'s business.
//!
//! A prompt that contains `DEMO:<name>` plays the scenario of that name; its first turn answers
//! the prompt, its second the results of the first one's tools, and so on. A delegated prompt
//! names a scenario of its own. How a turn travels is `reply`'s business, not this file's.

use serde_json::{Value, json};
use std::time::Duration;

mod delegation;
mod faults;
mod lists;
mod output;
mod tickets;

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
    let (_, turns) = TABLE.iter().flat_map(|scripts| scripts.iter()).find(|(known, _)| *known == name)?;
    Some(turns())
}

/// A script: its name, and its turns.
type Script = (&'static str, fn() -> Vec<Turn>);

const TABLE: [&[Script]; 5] =
    [output::SCRIPTS, faults::SCRIPTS, delegation::SCRIPTS, lists::SCRIPTS, tickets::SCRIPTS];

/// Stands in a tool's input for the id of the newest thing that runs in the background, as claude told it.
pub(crate) const BACKGROUND_ID: &str = "{the newest background id}";

impl Turn {
    /// With the id in the place that a script left for it.
    pub(crate) fn with_background_id(mut self, id: &str) -> Self {
        if let Self::Says(blocks, _) = &mut self {
            for block in blocks {
                if let Block::Tool(_, Value::Object(input)) = block {
                    input
                        .values_mut()
                        .filter(|value| *value == BACKGROUND_ID)
                        .for_each(|value| *value = json!(id));
                }
            }
        }
        self
    }
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

fn bash_in_background(command: &str, description: &str) -> Block {
    let input = json!({ "command": command, "description": description, "run_in_background": true });
    Block::Tool("Bash", input)
}

fn delegate(agent: &str, description: &str, prompt: &str) -> Block {
    Block::Tool("Agent", json!({ "description": description, "prompt": prompt, "subagent_type": agent }))
}

fn delegate_in_background(agent: &str, description: &str, prompt: &str) -> Block {
    let mut call = delegate(agent, description, prompt);
    if let Block::Tool(_, input) = &mut call {
        input["run_in_background"] = json!(true);
    }
    call
}
