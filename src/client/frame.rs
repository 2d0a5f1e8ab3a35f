//! One frame of the classic dialect, as a client reads it.

use super::ClientError;
use crate::event::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// A place in a log, to go on behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The numbering; `None` from a hub that has none.
    pub epoch: Option<String>,
    /// The last number seen.
    pub seq: u64,
}

/// An event or a reply. Every text in it is the hub's own, whatever it holds.
#[derive(Debug, Clone)]
pub struct Frame {
    raw: Utf8Bytes,
    fields: Fields,
}

#[derive(Debug, Clone, Deserialize)]
struct Fields {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    seq: Option<u64>,
    #[serde(default)]
    epoch: Option<String>,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    request_id: Option<Value>,
    #[serde(default)]
    origin: Option<Value>,
}

impl Frame {
    /// Reads a frame; `None` when the text is none.
    pub fn parse(raw: Utf8Bytes) -> Option<Self> {
        let fields = serde_json::from_str(&raw).ok()?;
        Some(Self { raw, fields })
    }

    /// The events of a `history`, each as it came; `None` when it holds none at all.
    pub fn events(&self) -> Option<Vec<Self>> {
        #[derive(Deserialize)]
        struct Reply<'a> {
            #[serde(borrow)]
            data: Events<'a>,
        }
        #[derive(Deserialize)]
        struct Events<'a> {
            #[serde(borrow)]
            events: Vec<&'a RawValue>,
        }
        let reply: Reply<'_> = serde_json::from_str(&self.raw).ok()?;
        Some(reply.data.events.into_iter().filter_map(|event| Self::parse(event.get().into())).collect())
    }

    /// The frame as it came, on one line.
    pub fn line(&self) -> Cow<'_, str> {
        if !self.raw.contains(['\n', '\r']) {
            return Cow::Borrowed(&self.raw);
        }
        // Line breaks in JSON stand between its tokens only, where a space means the same.
        Cow::Owned(self.raw.replace(['\n', '\r'], " "))
    }

    /// The event type, or the kind of reply.
    pub fn kind(&self) -> &str {
        &self.fields.kind
    }

    /// When it was published.
    pub fn timestamp(&self) -> Option<Timestamp> {
        Timestamp::parse(self.fields.timestamp.as_deref()?)
    }

    /// The content.
    pub fn data(&self) -> &Value {
        &self.fields.data
    }

    /// The event's own id.
    pub fn id(&self) -> Option<&str> {
        self.fields.id.as_deref()
    }

    /// Number in the log; replies have none.
    pub fn seq(&self) -> Option<u64> {
        self.fields.seq
    }

    /// The numbering of the log it speaks of.
    pub fn epoch(&self) -> Option<&str> {
        self.fields.epoch.as_deref()
    }

    /// The session the event belongs to.
    pub fn session_id(&self) -> Option<&str> {
        self.fields.session_id.as_deref()
    }

    /// Who saw it.
    pub fn source(&self) -> Option<&str> {
        self.fields.source.as_deref()
    }

    /// Whether another hub was told first.
    pub fn came_over_uplink(&self) -> bool {
        self.fields.origin.is_some()
    }

    /// The place of this event in its log.
    pub fn cursor(&self) -> Option<Cursor> {
        Some(Cursor { epoch: self.fields.epoch.clone(), seq: self.fields.seq? })
    }

    /// A text field of the content; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.fields.data.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn answers(&self, request_id: &str) -> bool {
        self.fields.request_id.as_ref().and_then(Value::as_str) == Some(request_id)
    }

    /// What an `error` says; older hubs put it elsewhere.
    pub(super) fn error(&self) -> ClientError {
        let either = |first: &str, second: &str| match self.text(first) {
            "" => self.text(second).to_owned(),
            text => text.to_owned(),
        };
        ClientError::Reply { code: either("error_code", "code"), message: either("error_message", "error") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_keeps_its_text_and_is_one_line() {
        let raw = r#"{ "type":"claude.output", "seq":7, "epoch":"e", "data":{"content":"a\nb"}, "new":1 }"#;
        let frame = Frame::parse(raw.into()).unwrap();
        assert_eq!(frame.line(), raw);
        assert_eq!(frame.cursor(), Some(Cursor { epoch: Some("e".into()), seq: 7 }));
        assert_eq!(frame.text("content"), "a\nb");
        let broken = Frame::parse("{\n\"type\":\r\n\"x\"}".into()).unwrap();
        assert_eq!(broken.line(), "{ \"type\":  \"x\"}");
    }

    #[test]
    fn the_events_of_a_history_are_as_they_came() {
        let event = r#"{ "type":"x", "data":{"n":1.50,"big":123456789012345678901234567890} }"#;
        let reply = format!(r#"{{"type":"history","data":{{"events":[{event}],"complete":true}}}}"#);
        let events = Frame::parse(reply.as_str().into()).unwrap().events().unwrap();
        assert_eq!(events[0].line(), event);
        assert!(Frame::parse(r#"{"type":"history","data":{}}"#.into()).unwrap().events().is_none());
    }

    #[test]
    fn what_is_no_frame_is_none() {
        for text in ["", "[]", "1", "{}", r#"{"type":1}"#, r#"{"type":"x","seq":"1"}"#] {
            assert!(Frame::parse(text.into()).is_none(), "{text}");
        }
    }
}
