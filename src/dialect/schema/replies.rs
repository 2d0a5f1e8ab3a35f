//! The `data` of what the hub says beside events, on the classic dialect.

use super::book::{Book, object, reference};
use crate::dialect::Code;
use crate::event::body::Severity;
use crate::event::surroundings::ComponentState;
use crate::event::{Epoch, Timestamp, channel};
use crate::status::{Snapshot, SourceHealth};
use serde_json::{Value, json};

/// Each reply with its data.
pub(super) fn write(book: &mut Book) -> Vec<(&'static str, Value)> {
    let snapshot = book.of::<Snapshot>();
    let snapshot = book.define(channel::SYSTEM_STATUS, snapshot);
    let gap = book.define(channel::SYSTEM_GAP, gap());
    vec![
        (channel::SYSTEM_STATUS, snapshot),
        (channel::SYSTEM_GAP, gap),
        ("subscribed", subscribed(book)),
        ("unsubscribed", object("What is left", json!({ "channels": patterns() }))),
        ("registered", registered(book)),
        ("history", history()),
        ("explanation", explanation(book)),
        ("pong", object("The hub is there", json!({}))),
        ("error", error(book)),
        ("authenticated", object("The token is good", json!({ "role": role() }))),
        (
            "one_time_token",
            object(
                "Shown once, this lets a page in",
                json!({ "token": text(), "expires_in_seconds": number() }),
            ),
        ),
        ("published", object("What was published is in the log", json!({ "seqs": seqs() }))),
        (
            "accepted",
            object("A control action is under way", json!({ "control_id": text(), "command": command() })),
        ),
        ("outcome", outcome()),
        (
            "uplinked",
            object("The hub has taken the log up to here", json!({ "after": number(), "epoch?": text() })),
        ),
    ]
}

/// A control action.
fn command() -> Value {
    json!({ "enum": ["send_input", "send_keys", "interrupt", "stop", "restart", "respond_permission"] })
}

fn outcome() -> Value {
    object(
        "How far a control action has come",
        json!({
            "control_id": text(),
            "command": command(),
            "fate": { "enum": ["queued", "typed", "accepted", "done", "rejected"] },
            "reason": { "description": "Why it was not done", "type": ["string", "null"] },
            "last": { "description": "Nothing follows", "type": "boolean" },
        }),
    )
}

/// The client's own name for its request, as it wrote it.
pub(super) fn request_id() -> Value {
    json!({ "description": "The request's own, as it was written: any JSON value but null", "not": { "type": "null" } })
}

/// A list of channel patterns.
pub(super) fn patterns() -> Value {
    json!({ "description": "Channel patterns", "type": "array", "maxItems": 128, "items": reference("Pattern") })
}

fn number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn text() -> Value {
    json!({ "type": "string" })
}

/// Where a client stands in a log.
pub(super) fn cursor(book: &mut Book) -> Value {
    object(
        "The number in front of the first event that may follow, and the numbering it belongs to",
        json!({ "epoch": book.of::<Epoch>(), "seq": number() }),
    )
}

fn subscribed(book: &mut Book) -> Value {
    object("The whole subscription", json!({ "channels": patterns(), "cursor": cursor(book) }))
}

/// One name for two: a client's subscription in the words of requirement R3, and a component's in those of R4.
fn registered(book: &mut Book) -> Value {
    let client = object(
        "Everything of one session, or of all (`global`)",
        json!({ "session_id": text(), "channels": patterns(), "cursor": cursor(book) }),
    );
    let component = object(
        "The client is this component from now on",
        json!({ "component": text(), "components": components(book) }),
    );
    json!({ "type": "object", "if": { "required": ["component"] }, "then": component, "else": client })
}

/// Components and how they are doing.
pub(super) fn components(book: &mut Book) -> Value {
    json!({
        "description": "All components, by name",
        "type": "object",
        "additionalProperties": book.of::<ComponentState>(),
    })
}

/// What a client missed.
pub(super) fn gap() -> Value {
    object(
        "Events this client missed",
        json!({ "missed": number(), "from_seq": reference("Seq"), "to_seq": reference("Seq"), "reason": text() }),
    )
}

fn history() -> Value {
    object(
        "Past events",
        json!({
            "events": { "description": "Oldest first", "type": "array", "items": reference("classic/event") },
            "complete": { "description": "Nothing that was asked for is missing", "type": "boolean" },
        }),
    )
}

/// Of one event, or of all that are in memory.
fn explanation(book: &mut Book) -> Value {
    let counts = json!({ "type": "object", "additionalProperties": number() });
    let sighting =
        object("A source that told it too", json!({ "source": text(), "at": book.of::<Timestamp>() }));
    let account = object(
        "How many there are, and how many each source told of",
        json!({ "events": number(), "told_by": counts, "also_told_by": counts }),
    );
    let one = object(
        "Who told of an event",
        json!({
            "event": reference("classic/event"),
            "told_by": reference("SourceName"),
            "also_told_by": { "type": "array", "items": sighting },
            "silent": { "description": "Who could have", "type": "array", "items": text() },
        }),
    );
    let sources = json!({ "type": "array", "items": book.of::<SourceHealth>() });
    let all = object(
        "Who told of the events in memory",
        json!({ "types": { "type": "object", "additionalProperties": account }, "sources": sources }),
    );
    json!({ "type": "object", "if": { "required": ["event"] }, "then": one, "else": all })
}

fn error(book: &mut Book) -> Value {
    let codes = Code::ALL.map(Code::as_str);
    let mut error = object(
        "A request that is not done",
        json!({
            "error_code": { "description": "Which kind of mistake", "enum": codes },
            "error_message": { "description": "One sentence for people", "type": "string" },
            "request_id": { "description": "The request's own; null where it has none" },
            "component": { "const": "server" },
            "severity": book.of::<Severity>(),
            "epoch?": book.of::<Epoch>(),
            "last_seq?": number(),
        }),
    );
    error["if"] = json!({ "properties": { "error_code": { "const": Code::OtherEpoch.as_str() } } });
    error["then"] = json!({ "required": ["epoch", "last_seq"] });
    error["else"] = json!({ "properties": { "epoch": false, "last_seq": false } });
    error
}

/// What a client may do.
pub(super) fn role() -> Value {
    json!({ "description": "What the client may do", "enum": ["read", "publish", "control"] })
}

/// Numbers of what was published.
pub(super) fn seqs() -> Value {
    json!({ "description": "Numbers of what was published, in order", "type": "array", "items": reference("Seq") })
}
