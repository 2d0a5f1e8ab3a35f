//! What the server says beside events: replies, gaps and errors, and their frames on the classic dialect.
//!
//! Such a frame has no `id` and no `seq`, and gives `request_id` back at top level. The other dialects frame the same
//! replies in their own files.

use super::fault::{Code, Fault};
use super::request::RequestId;
use crate::control::Fate;
use crate::event::body::Severity;
use crate::event::surroundings::ComponentState;
use crate::event::{Epoch, Event, EventId, SessionId, Source, Timestamp, channel};
use crate::filter::Pattern;
use crate::status::{Snapshot, Standing};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Why events are missed by a client that wanted no more of them.
pub const RATE_REASON: &str = "max_rate";

/// What every frame of a server carries, whatever it says.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// When it is said.
    pub timestamp: Timestamp,
    /// The hub's numbering.
    pub epoch: &'a Epoch,
    /// The hub's session.
    pub session_id: &'a SessionId,
    /// A new UUID v4: the envelope dialect names its messages.
    pub message_id: EventId,
    /// All components that are known, with their state: heartbeats of the envelope dialect tell of them.
    pub components: &'a [(String, ComponentState)],
}

/// What the server says.
#[derive(Debug)]
pub enum Reply<'a> {
    /// Everything that is true now.
    Status(&'a Snapshot),
    /// These channels are sent from here on, beginning behind `cursor`.
    Subscribed {
        /// The whole subscription.
        channels: &'a [Pattern],
        /// Number in front of the first event that may follow.
        cursor: u64,
    },
    /// These channels are left.
    Unsubscribed(&'a [Pattern]),
    /// As `Subscribed`, in R3's words.
    Registered {
        /// The one session, or all.
        session_id: Option<&'a str>,
        /// As in `Subscribed`.
        cursor: u64,
    },
    /// Past events.
    History {
        /// Frames as [`super::Dialect::event`] makes them in the dialect of the reply, oldest first.
        frames: &'a [&'a [u8]],
        /// Nothing that was asked for is missing.
        complete: bool,
    },
    /// One event and who told of it.
    Explanation {
        /// The frame as [`super::Dialect::event`] makes it in the dialect of the reply.
        frame: &'a [u8],
        /// Who was first.
        told_by: &'a str,
        /// The others, each with its time, as a JSON array.
        also_told_by: Value,
        /// Sources that have spoken in this session, but not of this event.
        silent: Vec<String>,
    },
    /// Who told of the events in memory, by type, and how the sources are doing.
    Accounts {
        /// By event type.
        types: Value,
        /// As in the status.
        sources: Value,
    },
    /// Here I am.
    Pong,
    /// Events that were missed by this client alone.
    Gap {
        /// How many; fewer than the numbers where others of those were sent.
        missed: u64,
        /// First number missed.
        from_seq: u64,
        /// Last number missed.
        to_seq: u64,
        /// Why.
        reason: &'a str,
    },
    /// The cursor is of another numbering; what is kept of that follows, then all of this one.
    OtherEpoch {
        /// Newest number of this log.
        last_seq: u64,
    },
    /// The request is not done.
    Fault(&'a Fault),
    /// The client has this role.
    Authenticated {
        /// `read`, `publish` or `control`.
        role: &'a str,
    },
    /// Shown once, this lets a page in.
    OneTimeToken {
        /// The token.
        token: &'a str,
        /// How long it is good.
        expires_in_seconds: u64,
    },
    /// What was published has these numbers.
    Published {
        /// In the order of the request.
        seqs: &'a [u64],
    },
    /// The client is this component from now on.
    Component {
        /// Its name.
        name: &'a str,
        /// All components that are known, with their state.
        components: &'a [(String, ComponentState)],
    },
    /// An uplink may go on behind this number of its log: in answer to its call, and to what it relayed.
    Uplinked {
        /// Everything up to here has been taken.
        after: u64,
        /// The numbering it is of, in answer to a call: the one that is called for, or one the instance had before; `None`
        /// where nothing has been taken.
        epoch: Option<&'a Epoch>,
    },
    /// A control action is under way.
    Accepted {
        /// Names it in what follows.
        control_id: &'a str,
        /// Which it is.
        command: &'a str,
    },
    /// What became of a control action, step by step.
    Outcome {
        /// Which.
        control_id: &'a str,
        /// Which command.
        command: &'a str,
        /// How far it has come.
        fate: &'a Fate,
    },
    /// The past, unasked, in front of all that comes (envelope dialect only).
    Initial {
        /// Oldest first, each with how its session stood before it.
        events: &'a [(&'a Event, &'a Standing)],
    },
    /// How everybody is doing (envelope dialect only).
    Heartbeat {
        /// Components and their state.
        components: &'a [(String, ComponentState)],
        /// When the next one comes.
        next_check: Timestamp,
    },
}

#[derive(Serialize)]
struct Head<'a> {
    r#type: &'a str,
    timestamp: Timestamp,
}

#[derive(Serialize)]
struct Tail<'a> {
    epoch: &'a Epoch,
    session_id: &'a SessionId,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a RequestId>,
}

impl Reply<'_> {
    /// The frame on the classic dialect, without the WebSocket header.
    pub fn encode(&self, request_id: Option<&RequestId>, stamp: &Stamp<'_>) -> Vec<u8> {
        let mut frame = json_bytes(&Head { r#type: self.kind(), timestamp: stamp.timestamp });
        frame.pop();
        frame.extend_from_slice(br#","data":"#);
        self.encode_data(request_id, stamp, &mut frame);
        frame.push(b',');
        let Stamp { epoch, session_id, .. } = *stamp;
        let tail = Tail { epoch, session_id, source: Source::System.as_str(), request_id };
        frame.extend_from_slice(&json_bytes(&tail)[1..]);
        frame
    }

    /// What kind of reply it is, in one word.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Status(_) => channel::SYSTEM_STATUS,
            Self::Subscribed { .. } => "subscribed",
            Self::Unsubscribed(_) => "unsubscribed",
            Self::Registered { .. } => "registered",
            Self::History { .. } => "history",
            Self::Explanation { .. } | Self::Accounts { .. } => "explanation",
            Self::Pong => "pong",
            Self::Gap { .. } => channel::SYSTEM_GAP,
            Self::OtherEpoch { .. } | Self::Fault(_) => "error",
            Self::Authenticated { .. } => "authenticated",
            Self::OneTimeToken { .. } => "one_time_token",
            Self::Published { .. } => "published",
            Self::Component { .. } => "registered",
            Self::Uplinked { .. } => "uplinked",
            Self::Accepted { .. } => "accepted",
            Self::Outcome { .. } => "outcome",
            Self::Initial { .. } => "initial",
            Self::Heartbeat { .. } => "heartbeat",
        }
    }

    /// Appends the content.
    pub(super) fn encode_data(&self, request_id: Option<&RequestId>, stamp: &Stamp<'_>, frame: &mut Vec<u8>) {
        match self {
            Self::Status(snapshot) => frame.extend_from_slice(&json_bytes(snapshot)),
            Self::History { frames, complete } => encode_history(frames, *complete, frame),
            Self::OtherEpoch { last_seq } => {
                frame.extend_from_slice(&json_bytes(&other_epoch(request_id, stamp.epoch, *last_seq)));
            }
            Self::Explanation { frame: event, told_by, also_told_by, silent } => {
                frame.extend_from_slice(br#"{"event":"#);
                frame.extend_from_slice(event);
                let rest = json!({ "told_by": told_by, "also_told_by": also_told_by, "silent": silent });
                frame.push(b',');
                frame.extend_from_slice(&json_bytes(&rest)[1..]);
            }
            Self::Accounts { types, sources } => {
                frame.extend_from_slice(&json_bytes(&json!({ "types": types, "sources": sources })));
            }
            Self::Fault(fault) => frame.extend_from_slice(&json_bytes(&FaultData::from(*fault))),
            small => frame.extend_from_slice(&json_bytes(&small.small_data(stamp.epoch))),
        }
    }

    /// The content, where it is small.
    pub(super) fn small_data(&self, epoch: &Epoch) -> Value {
        match *self {
            Self::Subscribed { channels, cursor } => {
                json!({ "channels": names(channels), "cursor": { "epoch": epoch, "seq": cursor } })
            }
            Self::Unsubscribed(channels) => json!({ "channels": names(channels) }),
            Self::Registered { session_id, cursor } => json!({
                "session_id": session_id.unwrap_or("global"),
                "channels": ["*"],
                "cursor": { "epoch": epoch, "seq": cursor },
            }),
            Self::Gap { missed, from_seq, to_seq, reason } => json!({
                "missed": missed,
                "from_seq": from_seq,
                "to_seq": to_seq,
                "reason": reason,
            }),
            Self::Authenticated { role } => json!({ "role": role }),
            Self::OneTimeToken { token, expires_in_seconds } => {
                json!({ "token": token, "expires_in_seconds": expires_in_seconds })
            }
            Self::Published { seqs } => json!({ "seqs": seqs }),
            Self::Component { name, components } => {
                json!({ "component": name, "components": states(components) })
            }
            Self::Uplinked { after, epoch: None } => json!({ "after": after }),
            Self::Uplinked { after, epoch } => json!({ "after": after, "epoch": epoch }),
            Self::Accepted { control_id, command } => json!({ "control_id": control_id, "command": command }),
            Self::Outcome { control_id, command, fate } => json!({
                "control_id": control_id,
                "command": command,
                "fate": fate.name(),
                "reason": fate.reason(),
                "last": fate.is_last(),
            }),
            _ => json!({}),
        }
    }
}

/// Names and states as an object.
pub(super) fn states(components: &[(String, ComponentState)]) -> Value {
    components.iter().map(|(name, state)| (name.clone(), json!(state))).collect::<Map<_, _>>().into()
}

/// The `data` of an error. A struct and no `Value`: a `request_id` may hold numbers and depths no `Value` takes.
#[derive(Debug, Serialize)]
pub struct FaultData<'a> {
    error_code: &'static str,
    error_message: &'a str,
    request_id: Option<&'a RequestId>,
    component: &'static str,
    severity: Severity,
    #[serde(flatten)]
    place: Option<Place<'a>>,
}

/// Where the log stands, for a client that resumes with a foreign cursor.
#[derive(Debug, Serialize)]
struct Place<'a> {
    epoch: &'a Epoch,
    last_seq: u64,
}

impl<'a> From<&'a Fault> for FaultData<'a> {
    fn from(fault: &'a Fault) -> Self {
        Self {
            error_code: fault.code.as_str(),
            error_message: &fault.message,
            request_id: fault.request_id.as_ref(),
            component: "server",
            severity: fault.code.severity(),
            place: None,
        }
    }
}

/// What a client is told that resumes with a foreign cursor.
fn other_epoch<'a>(request_id: Option<&'a RequestId>, epoch: &'a Epoch, last_seq: u64) -> FaultData<'a> {
    FaultData {
        error_code: Code::OtherEpoch.as_str(),
        error_message: "cannot resume: the cursor belongs to another epoch; what is kept of it follows, then all of this one",
        request_id,
        component: "server",
        severity: Code::OtherEpoch.severity(),
        place: Some(Place { epoch, last_seq }),
    }
}

fn encode_history(frames: &[&[u8]], complete: bool, out: &mut Vec<u8>) {
    out.reserve(frames.iter().map(|frame| frame.len() + 1).sum::<usize>() + 256);
    out.extend_from_slice(br#"{"events":["#);
    for (index, frame) in frames.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(frame);
    }
    out.extend_from_slice(if complete { br#"],"complete":true}"# } else { br#"],"complete":false}"# });
}

/// Patterns as they were written.
pub(super) fn names(channels: &[Pattern]) -> Vec<String> {
    channels.iter().map(Pattern::to_string).collect()
}

/// Serialising these values to memory cannot fail: no map has keys that are no text.
pub(super) fn json_bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(reply: &Reply<'_>, request_id: Option<&str>) -> String {
        let raw = request_id.map(|id| format!(r#"{{"command":"ping","request_id":{id}}}"#));
        let id = raw.and_then(|text| crate::dialect::classic::decode(&text).unwrap().request_id);
        let (epoch, session_id) = (Epoch::new("e"), SessionId::new("s"));
        let timestamp = Timestamp::from_millis(0);
        let message_id = EventId::from_u128(9);
        let stamp = Stamp { timestamp, epoch: &epoch, session_id: &session_id, message_id, components: &[] };
        String::from_utf8(reply.encode(id.as_ref(), &stamp)).unwrap()
    }

    #[test]
    fn replies_have_the_frame_shape_without_id_and_seq() {
        assert_eq!(
            encoded(&Reply::Pong, Some(r#"{"n":1e400}"#)),
            concat!(
                r#"{"type":"pong","timestamp":"1970-01-01T00:00:00.000Z","data":{},"#,
                r#""epoch":"e","session_id":"s","source":"system","request_id":{"n":1e400}}"#
            )
        );
    }

    #[test]
    fn a_gap_says_how_many_are_missed_and_between_which() {
        let gap = encoded(&Reply::Gap { missed: 2, from_seq: 3, to_seq: 5, reason: "r" }, None);
        assert!(gap.contains(r#""data":{"missed":2,"from_seq":3,"to_seq":5,"reason":"r"}"#), "{gap}");
    }

    #[test]
    fn history_holds_the_frames_as_they_are() {
        let frames: [&[u8]; 2] = [br#"{"seq":1}"#, br#"{"seq":2}"#];
        let history = encoded(&Reply::History { frames: &frames, complete: false }, None);
        assert!(
            history.contains(r#""data":{"events":[{"seq":1},{"seq":2}],"complete":false},"epoch""#),
            "{history}"
        );
    }

    #[test]
    fn errors_name_code_component_and_severity() {
        let fault = Fault::new(Code::NotJson, "cannot read message: x");
        let error = encoded(&Reply::Fault(&fault), None);
        for part in [
            r#""type":"error""#,
            r#""error_code":"WS002""#,
            r#""request_id":null"#,
            r#""component":"server","severity":"error""#,
        ] {
            assert!(error.contains(part), "{error}");
        }
        let other = encoded(&Reply::OtherEpoch { last_seq: 9 }, Some("7"));
        assert!(
            other.contains(r#""error_code":"GAP001""#) && other.contains(r#""request_id":7,"#),
            "{other}"
        );
        assert!(other.contains(r#""epoch":"e","last_seq":9}"#), "{other}");
    }
}
