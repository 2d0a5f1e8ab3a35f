//! Frames and requests as text: what clients send and what they are sent, one file per shape.
//!
//! Pure: text in, values out, and the other way round. Reading sockets, answering requests and looking at the
//! log are the server's matter; the events' own serialization is `event`'s.
//!
//! There are three dialects, which differ in words and frames and not in what can be asked: `classic`, `envelope` and
//! `monitor`. [`Dialect`] chooses among them.

mod bounds;
pub mod classic;
pub mod close;
pub mod control;
pub mod envelope;
mod fault;
mod fields;
mod joined;
mod manner;
pub mod monitor;
pub mod publish;
pub mod query;
pub mod reply;
pub mod request;
#[cfg(test)]
mod samples;
pub mod schema;
mod selection;
pub mod summary;

pub use close::Close;
pub use fault::{Code, Fault};
pub use manner::Manner;
pub use reply::{Reply, Stamp};
pub use request::{Call, Relay, Request, RequestId, Subscribe, Uplink};

use crate::event::channel::Vocabulary;
use crate::event::{Event, Timestamp};
use crate::status::Standing;
use fields::Fields;
use serde_json::value::RawValue;

/// Most events in one message, for a client that wants several in one.
pub const MAX_BATCH: usize = 256;

/// What a client and the server speak with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Requirements R1 to R3.
    Classic,
    /// Requirement R4.
    Envelope,
    /// Requirement R5.
    Monitor,
}

impl Dialect {
    /// The one that is spoken at this path of a URL.
    pub fn at_path(path: &str) -> Option<Self> {
        match path {
            "/" | "/ws" => Some(Self::Classic),
            "/events" => Some(Self::Envelope),
            "/monitor" => Some(Self::Monitor),
            _ => None,
        }
    }

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Envelope => "envelope",
            Self::Monitor => "monitor",
        }
    }

    /// Its words for types of events.
    pub const fn vocabulary(self) -> Vocabulary {
        match self {
            Self::Classic => Vocabulary::Classic,
            Self::Envelope => Vocabulary::Envelope,
            Self::Monitor => Vocabulary::Monitor,
        }
    }

    /// The frame of an event whose session stood so `before`, made at `now`, without the WebSocket header.
    pub fn event(self, event: &Event, before: &Standing, now: Timestamp) -> Vec<u8> {
        match self {
            Self::Classic => classic::event(event),
            Self::Envelope => envelope::event(event, now),
            Self::Monitor => monitor::event(event, before),
        }
    }

    /// Reads one message of a client.
    ///
    /// # Errors
    /// The fault to answer with; the connection lives on.
    pub fn decode(self, text: &str) -> Result<Call, Fault> {
        match self {
            Self::Classic => classic::decode(text),
            Self::Envelope => envelope::decode(text),
            Self::Monitor => monitor::decode(text),
        }
    }

    /// Reads the subscription in the query of a URL, which [`query::object`] made an object of; `None` where it holds none.
    ///
    /// # Errors
    /// The fault to answer with; the connection lives on.
    pub fn decode_subscription(self, object: &RawValue) -> Result<Option<Subscribe>, Fault> {
        let fields = Fields::parse("query", object)?;
        match self {
            Self::Classic if fields.raw("channels").is_none() => Ok(None),
            Self::Classic => Subscribe::read(&fields).map(Some),
            Self::Envelope => envelope::WORDS.subscribe(&fields).map(Some),
            Self::Monitor if fields.raw(monitor::WORDS.types).is_none() => Ok(None),
            Self::Monitor => monitor::WORDS.subscribe(&fields).map(Some),
        }
    }

    /// Reads in such an object how the client wants to be told.
    ///
    /// # Errors
    /// The fault to answer with; the connection lives on.
    pub fn decode_manner(self, object: &RawValue) -> Result<Manner, Fault> {
        Manner::read(&Fields::parse("query", object)?)
    }

    /// The frame of a reply to the request with this id, without the WebSocket header.
    pub fn reply(self, reply: &Reply<'_>, request_id: Option<&RequestId>, stamp: &Stamp<'_>) -> Vec<u8> {
        match self {
            Self::Classic => reply.encode(request_id, stamp),
            Self::Envelope => envelope::reply(reply, request_id, stamp),
            Self::Monitor => monitor::reply(reply, request_id, stamp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect;

    #[test]
    fn each_path_speaks_one_dialect() {
        for (path, name) in [
            ("/", Some("classic")),
            ("/ws", Some("classic")),
            ("/events", Some("envelope")),
            ("/monitor", Some("monitor")),
            ("/events/", None),
            ("", None),
        ] {
            assert_eq!(Dialect::at_path(path).map(Dialect::name), name, "{path}");
        }
    }
}
