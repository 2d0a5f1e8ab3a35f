//! What claude says of itself: messages, hooks, tokens, models. The fields the wire shows.

use super::channel::hook_name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person at the keyboard.
    User,
    /// Claude or one of its agents.
    Assistant,
}

/// `claude.message`: clean text, as Markdown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// At most 64 KiB.
    pub text: String,
    /// An id of the source that told it; sources do not share them.
    pub message_id: Option<String>,
    /// Claude's id of the agent that speaks; `null` for claude itself.
    pub agent_id: Option<String>,
}

/// `hook.*`: a hook of claude, with its own fields, large ones cut.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// The event type; see [`super::channel::hook`].
    pub channel: String,
    /// Claude's name: `PreToolUse`.
    pub name: String,
    /// The hook's own fields; `truncated` names those that were cut.
    pub data: Map<String, Value>,
}

impl Hook {
    /// The hook of this event type. Its name follows from that, and so is the same wherever the event is read.
    pub fn of_type(channel: String, data: Map<String, Value>) -> Self {
        Self { name: hook_name(&channel), channel, data }
    }
}

/// Who counts tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Meter {
    /// Claude's files, for each answer of the model.
    Transcript,
    /// Claude's stream, for a turn.
    Stream,
}

/// `usage.update`: tokens claude used since the last one of the same `measured_by`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Model that used them.
    pub model: Option<String>,
    /// Read and not cached.
    pub input_tokens: u64,
    /// Written.
    pub output_tokens: u64,
    /// Read from the cache.
    pub cache_read_tokens: u64,
    /// Written to the cache.
    pub cache_creation_tokens: u64,
    /// US dollars, where claude says so.
    pub cost_usd: Option<f64>,
    /// The source that counted.
    pub measured_by: Meter,
}

/// `router.model.switch` (requirement R4): claude's own messages come from another model now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelSwitch {
    /// Before.
    pub from_model: String,
    /// Now.
    pub to_model: String,
    /// Claude's own session.
    pub claude_session: String,
}
