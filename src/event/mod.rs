//! The model: what an event is, and the fields every event has.
//!
//! Pure data. Nothing here knows how an event is found, stored or shown; the only text form it has is its
//! own serialization, which is the canonical record and the `data` of the classic dialect.

pub mod acting;
pub mod body;
pub mod channel;
pub mod control;
mod draft;
pub mod id;
mod importance;
pub mod line;
pub mod published;
mod read;
pub mod session;
pub mod surroundings;
pub mod talk;
mod texts;
pub mod time;
pub mod values;
mod weight;
mod words;
pub mod work;

pub use body::Body;
pub use draft::Draft;
pub use id::{Epoch, EventId, SessionId};
pub use published::{Origin, Remarks};
pub use texts::{cut_text, texts_of};
pub use time::Timestamp;

use serde::{Serialize, Serializer, ser::SerializeStruct};
use std::fmt;

/// Version of everything on the wire: `schema_version` of statuses, `version` of requirement R4's events, and of the
/// schema. What is added leaves it as it is; what is renamed, removed or means another thing changes it, here alone.
pub const SCHEMA_VERSION: &str = "1.0";

/// Who saw a fact: the detector or component that published the event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// The supervisor itself: session and process facts.
    Supervisor,
    /// The rendered terminal, or the pipes where there is no terminal.
    Screen,
    /// Claude's hooks.
    Hook,
    /// Claude's own stream of JSON lines (`--output-format stream-json`).
    Stream,
    /// The files claude keeps: transcripts, and the state of its session.
    Transcript,
    /// Process statistics of the machine.
    System,
    /// A publisher, by the component name it registered with.
    Component(String),
}

impl Source {
    /// The detectors and the supervisor.
    pub const OWN: [Self; 6] =
        [Self::Supervisor, Self::Screen, Self::Hook, Self::Stream, Self::Transcript, Self::System];

    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Supervisor => "supervisor",
            Self::Screen => "screen",
            Self::Hook => "hook",
            Self::Stream => "stream",
            Self::Transcript => "transcript",
            Self::System => "system",
            Self::Component(name) => name,
        }
    }

    /// The source with this name on the wire.
    pub fn named(name: &str) -> Self {
        let found = Self::OWN.into_iter().find(|source| source.as_str() == name);
        found.unwrap_or_else(|| Self::Component(name.to_owned()))
    }

    /// Whether it is a detector or the supervisor, whose name no publisher may have, nor one that differs by case alone.
    pub fn is_own(&self) -> bool {
        Self::OWN.into_iter().any(|own| own.as_str().eq_ignore_ascii_case(self.as_str()))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// One fact, stamped. `seq` rises by exactly one per event of a log, starting at 1; order comes from it alone.
#[derive(Debug, Clone)]
pub struct Event {
    /// UUID v4, unique over all logs.
    pub id: EventId,
    /// Position in the log named by `epoch`.
    pub seq: u64,
    /// The log that numbered this event; changes whenever numbering starts again.
    pub epoch: Epoch,
    /// When the event was published, UTC, milliseconds.
    pub timestamp: Timestamp,
    /// The supervised run it belongs to (ours, not claude's own `session_id`).
    pub session_id: SessionId,
    /// Who saw it.
    pub source: Source,
    /// What happened.
    pub body: Body,
    /// What its publisher says beside; none of our own events has any.
    pub remarks: Option<Box<Remarks>>,
    /// Where it was numbered first, if it came over an uplink.
    pub origin: Option<Origin>,
}

impl Serialize for Event {
    /// The classic frame: `type, timestamp, data, id, seq, epoch, session_id, source`, and for events of others what
    /// else they carry.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut frame = serializer.serialize_struct("Event", 8)?;
        frame.serialize_field("type", self.body.channel())?;
        frame.serialize_field("timestamp", &self.timestamp)?;
        frame.serialize_field("data", &self.body)?;
        frame.serialize_field("id", &self.id)?;
        frame.serialize_field("seq", &self.seq)?;
        frame.serialize_field("epoch", &self.epoch)?;
        frame.serialize_field("session_id", &self.session_id)?;
        frame.serialize_field("source", self.source.as_str())?;
        if let Some(remarks) = &self.remarks {
            let Remarks { source_app, hook_event_type, summary, chat } = &**remarks;
            optional(&mut frame, "source_app", source_app)?;
            optional(&mut frame, "hook_event_type", hook_event_type)?;
            optional(&mut frame, "summary", summary)?;
            optional(&mut frame, "chat", chat)?;
        }
        optional(&mut frame, "origin", &self.origin)?;
        frame.end()
    }
}

fn optional<F: SerializeStruct, T: Serialize>(
    frame: &mut F,
    name: &'static str,
    value: &Option<T>,
) -> Result<(), F::Error> {
    match value {
        Some(value) => frame.serialize_field(name, value),
        None => frame.skip_field(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use body::{Output, Stream};

    #[test]
    fn an_event_serialises_as_the_classic_frame() {
        let event = Event {
            id: EventId::from_u128(7),
            seq: 3,
            epoch: Epoch::new("e1"),
            timestamp: Timestamp::from_millis(1_795_176_000_123),
            session_id: SessionId::new("s1"),
            source: Source::Screen,
            body: Body::Output(Output { content: "hi".into(), stream: Stream::Stdout, truncated: false }),
            remarks: None,
            origin: None,
        };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            concat!(
                r#"{"type":"claude.output","timestamp":"2026-11-20T12:00:00.123Z","#,
                r#""data":{"content":"hi","stream":"stdout"},"id":"00000000-0000-0000-0000-000000000007","#,
                r#""seq":3,"epoch":"e1","session_id":"s1","source":"screen"}"#
            )
        );
    }
}
