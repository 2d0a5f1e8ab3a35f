//! What is answered on the envelope dialect. R4 has four types of messages, so every reply is one of them, and
//! `metadata.reply_to` says which request it answers: what brings events, or what is true now, is an `initial`; what is not
//! done is an `error`; all else is a sign of life, a `heartbeat`.

use super::event::HookEvent;
use super::event::hook_event;
use super::message::{Metadata, event_inside, message};
use crate::dialect::fault::{Code, Fault};
use crate::dialect::reply::{RATE_REASON, Reply, Stamp, json_bytes, states};
use crate::dialect::request::RequestId;
use crate::dialect::summary::sentence;
use crate::event::body::Severity;
use crate::event::surroundings::ComponentState;
use crate::event::{Timestamp, channel};
use crate::status::Snapshot;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// From one heartbeat to the next, milliseconds (requirement R4).
pub const NEXT_CHECK_MILLIS: i64 = 30_000;

/// Requirement R4's HeartbeatData.
#[derive(Debug, Serialize)]
struct HeartbeatData {
    components: Value,
    timestamp: i64,
    next_check: i64,
}

/// Requirement R4's ErrorData.
#[derive(Debug, Serialize)]
struct ErrorData<'a> {
    error_code: &'static str,
    error_message: &'a str,
    component: &'static str,
    severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Value>,
}

/// The message, without the WebSocket header.
pub fn reply(reply: &Reply<'_>, request_id: Option<&RequestId>, stamp: &Stamp<'_>) -> Vec<u8> {
    let more = details(reply, stamp);
    let known = Metadata::new(stamp.timestamp, stamp.message_id);
    let metadata = Metadata { reply_to: reply_to(reply), request_id, more, ..known };
    let (kind, data) = content(reply, stamp);
    message(kind, &data, &metadata)
}

fn content(reply: &Reply<'_>, stamp: &Stamp<'_>) -> (&'static str, Vec<u8>) {
    match *reply {
        Reply::Status(snapshot) => ("initial", array([status(snapshot, stamp)])),
        Reply::Initial { events } => ("initial", array(events.iter().map(|(event, _)| hook_event(event)))),
        Reply::History { frames, .. } => ("initial", array(frames.iter().map(|frame| event_inside(frame)))),
        Reply::Explanation { frame, .. } => ("initial", array([event_inside(frame)])),
        Reply::Fault(fault) => ("error", of_fault(fault)),
        Reply::Gap { missed, reason, .. } => {
            let why = match reason {
                RATE_REASON => "more than its max_rate",
                "fell behind" => "this client fell behind",
                other => other,
            };
            let sentence = format!("cannot send {missed} events: {why}");
            (
                "error",
                error(Code::TooLarge, Severity::Warning, &sentence, Some(reply.small_data(stamp.epoch))),
            )
        }
        Reply::OtherEpoch { last_seq } => {
            let sentence = "cannot resume: the cursor belongs to another epoch; what is kept of it follows, then all of this one";
            let context = json!({ "epoch": stamp.epoch, "last_seq": last_seq });
            ("error", error(Code::OtherEpoch, Code::OtherEpoch.severity(), sentence, Some(context)))
        }
        Reply::Component { components, .. } => ("heartbeat", heartbeat(components, stamp.timestamp, None)),
        Reply::Heartbeat { components, next_check } => {
            ("heartbeat", heartbeat(components, stamp.timestamp, Some(next_check)))
        }
        // An empty `initial` would clear the view of a client that shows what that says.
        Reply::Subscribed { .. }
        | Reply::Registered { .. }
        | Reply::Unsubscribed(_)
        | Reply::Accounts { .. }
        | Reply::Pong
        | Reply::Authenticated { .. }
        | Reply::OneTimeToken { .. }
        | Reply::Published { .. }
        | Reply::Uplinked { .. }
        | Reply::Accepted { .. }
        | Reply::Outcome { .. } => ("heartbeat", heartbeat(stamp.components, stamp.timestamp, None)),
    }
}

/// The type of the request that is answered so. Faults answer any.
fn reply_to<'a>(reply: &Reply<'a>) -> Option<&'a str> {
    Some(match reply {
        Reply::Accepted { command, .. } | Reply::Outcome { command, .. } => command,
        Reply::Status(_) => "get_status",
        Reply::Subscribed { .. } => "subscribe",
        Reply::Unsubscribed(_) => "unsubscribe",
        Reply::Registered { .. } | Reply::Component { .. } => "register",
        Reply::History { .. } => "get_history",
        Reply::Explanation { .. } | Reply::Accounts { .. } => "explain",
        Reply::Pong => "ping",
        Reply::Authenticated { .. } => "auth",
        Reply::OneTimeToken { .. } => "one_time_token",
        Reply::Published { .. } => "event",
        Reply::Uplinked { .. } => "uplink",
        Reply::Gap { .. }
        | Reply::OtherEpoch { .. }
        | Reply::Fault(_)
        | Reply::Initial { .. }
        | Reply::Heartbeat { .. } => return None,
    })
}

/// What the classic dialect says in the content and R4 has no place for.
fn details(reply: &Reply<'_>, stamp: &Stamp<'_>) -> Map<String, Value> {
    let said = match reply {
        Reply::History { complete, .. } => json!({ "complete": complete }),
        Reply::Explanation { told_by, also_told_by, silent, .. } => {
            json!({ "told_by": told_by, "also_told_by": also_told_by, "silent": silent })
        }
        Reply::Accounts { types, sources } => json!({ "types": types, "sources": sources }),
        Reply::Component { name, .. } => json!({ "component": name }),
        Reply::Gap { .. } => Value::Null,
        small => small.small_data(stamp.epoch),
    };
    match said {
        Value::Object(said) => said,
        _ => Map::new(),
    }
}

/// A list of events that are JSON already.
fn array<T: AsRef<[u8]>>(events: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut array = vec![b'['];
    for event in events {
        if array.len() > 1 {
            array.push(b',');
        }
        array.extend_from_slice(event.as_ref());
    }
    array.push(b']');
    array
}

/// What is true now as an event that stands in no log.
fn status(snapshot: &Snapshot, stamp: &Stamp<'_>) -> Vec<u8> {
    let kind = channel::SYSTEM_STATUS;
    let data = serde_json::to_value(snapshot).unwrap_or_default();
    let summary = sentence(kind, data.as_object().unwrap_or(&Map::new()));
    let (who, whose) = ((stamp.message_id, stamp.timestamp), (&snapshot.session_id, stamp.epoch));
    json_bytes(&HookEvent::of_now(who, whose, (kind, summary), data))
}

fn heartbeat(components: &[(String, ComponentState)], now: Timestamp, next: Option<Timestamp>) -> Vec<u8> {
    let timestamp = now.as_millis();
    let next_check = next.map_or(timestamp.saturating_add(NEXT_CHECK_MILLIS), Timestamp::as_millis);
    json_bytes(&HeartbeatData { components: states(components), timestamp, next_check })
}

fn of_fault(fault: &Fault) -> Vec<u8> {
    error(fault.code, fault.code.severity(), &fault.message, None)
}

fn error(code: Code, severity: Severity, sentence: &str, context: Option<Value>) -> Vec<u8> {
    let (error_code, error_message, component) = (code.as_str(), sentence, "server");
    json_bytes(&ErrorData { error_code, error_message, component, severity, context })
}
