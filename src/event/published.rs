//! Events that others publish: their own types, and what they say beside the content (requirement R4).

use super::{Epoch, SessionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An event of a type that is not one of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The event type.
    pub channel: String,
    /// Its content, as it came.
    pub data: Map<String, Value>,
}

/// One message of a conversation that an event belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatMessage {
    /// Who speaks: `user`, `assistant`, ..
    pub role: String,
    /// What is said.
    pub content: String,
}

/// What the publisher of an event says beside its content (requirement R4: HookEvent).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Remarks {
    /// The application, or the part of it, that speaks through the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_app: Option<String>,
    /// The hook it is about, where that is not its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook_event_type: Option<String>,
    /// One sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The conversation it belongs to, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<Value>,
}

/// Where an event that came over an uplink was numbered first: the key by which a repeat is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The numbering of the instance's own log.
    pub epoch: Epoch,
    /// The number there.
    pub seq: u64,
    /// The session of the instance, where the event is of another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
}
