//! The wrapper around everything that is said: `type`, `data`, `metadata` (requirement R4: WebSocketMessage).

use crate::dialect::reply::json_bytes;
use crate::dialect::request::RequestId;
use crate::event::{EventId, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

/// What belongs to the message and not to what it says.
#[derive(Debug, Serialize)]
pub(super) struct Metadata<'a> {
    pub(super) server_time: i64,
    pub(super) message_id: EventId,
    /// The type of the request it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a RequestId>,
    /// What else is to be said about it.
    #[serde(flatten)]
    pub(super) more: Map<String, Value>,
}

impl Metadata<'_> {
    /// What R4 knows.
    pub(super) fn new(server_time: Timestamp, message_id: EventId) -> Self {
        let server_time = server_time.as_millis();
        Self { server_time, message_id, reply_to: None, request_id: None, more: Map::new() }
    }
}

/// Between an event and its metadata. No text can hold it: its quotes would be escaped there.
const SEAM: &[u8] = br#","metadata":{"server_time":"#;

fn opening(kind: &str) -> String {
    format!(r#"{{"type":"{kind}","data":"#)
}

/// A message of this type around content that is JSON already.
pub(super) fn message(kind: &str, data: &[u8], metadata: &Metadata<'_>) -> Vec<u8> {
    let mut message = opening(kind).into_bytes();
    message.reserve(data.len() + 160);
    message.extend_from_slice(data);
    message.extend_from_slice(br#","metadata":"#);
    message.extend_from_slice(&json_bytes(metadata));
    message.push(b'}');
    message
}

/// The event inside of a message that [`super::event`] made.
pub(super) fn event_inside(message: &[u8]) -> &[u8] {
    let start = opening("event").len();
    let end = message.windows(SEAM.len()).rposition(|place| place == SEAM).unwrap_or(start);
    message.get(start..end).unwrap_or_default()
}
