//! The calls of tools that are known, by claude's id: who has seen them, and whether their result was dealt with.
//!
//! It keeps of a call's input what its result is read with, no more.

use crate::detect::observation::{Agent, Call};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};

/// Most calls of one claude session that are remembered; the oldest is forgotten first.
const MAX_CALLS: usize = 4096;
/// Longest input that is kept, bytes of text.
const MAX_INPUT_BYTES: usize = 64 << 10;

/// A call that was seen.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) call: Call,
    pub(super) agent: Option<Agent>,
    /// Its result was dealt with.
    pub(super) returned: bool,
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    known: HashMap<String, Known>,
    order: VecDeque<String>,
}

impl Calls {
    /// Whether it is new.
    pub(super) fn insert(&mut self, call: &Call, agent: Option<&Agent>) -> bool {
        if self.known.contains_key(&call.id) {
            return false;
        }
        if self.order.len() >= MAX_CALLS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(call.id.clone());
        let call = Call { id: call.id.clone(), tool: call.tool.clone(), input: kept(&call.input) };
        self.known.insert(call.id.clone(), Known { call, agent: agent.cloned(), returned: false });
        true
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Known> {
        self.known.get_mut(id)
    }
}

/// The input, or nothing of it where it is long: no tool whose result is read has a long one.
fn kept(input: &Value) -> Value {
    if text_len(input, 0) > MAX_INPUT_BYTES { Value::Null } else { input.clone() }
}

fn text_len(value: &Value, so_far: usize) -> usize {
    match value {
        _ if so_far > MAX_INPUT_BYTES => so_far,
        Value::String(text) => so_far + text.len(),
        Value::Array(items) => items.iter().fold(so_far, |sum, item| text_len(item, sum + 8)),
        Value::Object(fields) => {
            fields.iter().fold(so_far, |sum, (name, item)| text_len(item, sum + name.len()))
        }
        _ => so_far + 8,
    }
}
