//! The monitor dialect (requirement R5): frames of one shape, and requests by their `action`.

use super::book::{Book, choice, exactly, object, reference, several};
use super::control;
use super::kinds::{self, Kind, OTHER};
use super::parts::{
    batch, limit, max_rate, maybe_text, moment_or_millis, names, number, patterns, request_id, severity, text,
};
use super::replies;
use crate::event::body::{ActivityState, Output, ProcessState, SessionEnd, SessionStart};
use crate::event::published::Origin;
use crate::event::{Epoch, EventId, SCHEMA_VERSION, SessionId, Timestamp, channel};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

/// Types that have another name here.
const RENAMED: [&str; 6] = [
    channel::SESSION_START,
    channel::SESSION_END,
    channel::CLAUDE_STATUS,
    channel::CLAUDE_ACTIVITY,
    channel::CLAUDE_OUTPUT,
    channel::AGENT_STATUS,
];

/// Replies that this dialect has.
const REPLIES: [&str; 10] = [
    channel::SYSTEM_STATUS,
    channel::SYSTEM_GAP,
    "subscribed",
    "unsubscribed",
    "history",
    "pong",
    "error",
    "authenticated",
    "accepted",
    "outcome",
];

/// Enters `monitor/TYPE`, `monitor/NAME` of replies and requests, and what unites them.
pub(super) fn write(book: &mut Book, kinds: &[Kind]) {
    let mut cases = Vec::new();
    for kind in kinds.iter().filter(|kind| !RENAMED.contains(&kind.name)) {
        cases.push(define_event(book, kind.name, &kind.test, (&kind.ours, kind.theirs.as_ref())));
    }
    let anything = kinds::anything();
    for (name, data) in own(book) {
        let theirs = (name != channel::AGENT_STATUS).then_some(&anything);
        cases.push(define_event(book, name, &exactly(name), (&data, theirs)));
    }
    let (_, other) = define_event(book, OTHER, &reference("Type"), (&anything, None));
    book.define("monitor/event", choice("Any event", "type", &cases, Some(other)));
    book.define("monitor/batch", several("monitor/event"));
    write_replies(book);
    book.define(
        "monitor/frame",
        json!({
            "description": "Anything the hub sends on the monitor dialect: an event, which has a number, or a reply",
            "type": "object",
            "if": { "anyOf": [{ "required": ["seq"] }, { "required": ["id"] }] },
            "then": reference("monitor/event"),
            "else": reference("monitor/reply"),
        }),
    );
    write_requests(book);
}

/// What has other data here, or another name: the data of the classic dialect and R5's own beside.
fn own(book: &mut Book) -> Vec<(&'static str, Value)> {
    let counted = json!({ "type": "integer", "minimum": 0 });
    let named = json!({ "session": { "type": "string" } });
    let created =
        json!({ "session": { "type": "string" }, "windows": counted, "path": { "type": "string" } });
    let agent = agent(book);
    vec![
        (channel::AGENT_STATUS, agent),
        (channel::AGENT_STATS, reference(channel::AGENT_STATUS)),
        (channel::PANE_OUTPUT, beside::<Output>(book, "A line", pane())),
        (channel::SESSION_CREATED, beside::<SessionStart>(book, "A session is there", created)),
        (channel::SESSION_CLOSED, beside::<SessionEnd>(book, "A session is gone", named)),
    ]
}

fn pane() -> Value {
    json!({
        "severity": { "description": "By its words", "enum": ["info", "warning", "error"] },
        "pane": { "description": "tmux pane; else 0", "type": "string" },
        "coalesced?": kinds::coalesced(),
    })
}

/// The data of the classic dialect with R5's fields beside it.
fn beside<T: JsonSchema>(book: &mut Book, description: &str, fields: Value) -> Value {
    let mut classic = book.definition_of::<T>();
    let own = object(description, fields);
    classic["description"] = own["description"].clone();
    for member in ["properties", "required"] {
        match (&mut classic[member], &own[member]) {
            (Value::Object(classic), Value::Object(own)) => classic.extend(own.clone()),
            (Value::Array(classic), Value::Array(own)) => classic.extend(own.clone()),
            _ => {}
        }
    }
    classic
}

/// R5's `agent.status`, out of what claude does or out of the state of its process.
fn agent(book: &mut Book) -> Value {
    let state = json!({ "enum": ["busy", "ready", "blocked", "error", "offline"] });
    let own = |more: Value| {
        let mut fields = json!({
            "status": state,
            "previous": { "anyOf": [state, { "type": "null" }] },
            "agent_type": exactly("CLAUDE_AGENT"),
        });
        if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
            fields.extend(more);
        }
        fields
    };
    let maybe = |kind: &str| json!({ "type": [kind, "null"] });
    let activity = own(json!({
        "activity": book.of::<ActivityState>(),
        "reason": maybe("string"), "tool_name": maybe("string"),
        "since": book.of::<Timestamp>(),
    }));
    let process = own(json!({
        "claude_status": book.of::<ProcessState>(),
        "pid": maybe("integer"), "message": { "type": "string" },
        "exit_code?": maybe("integer"), "signal?": maybe("integer"),
    }));
    json!({
        "type": "object",
        "if": { "required": ["activity"] },
        "then": object("What claude does", activity),
        "else": object("The state of its process", process),
    })
}

fn place(book: &mut Book) -> Map<String, Value> {
    Map::from_iter([
        ("timestamp".to_owned(), book.of::<Timestamp>()),
        (
            "session".to_owned(),
            json!({ "description": "Name of the instance, else the session", "type": "string" }),
        ),
        (
            "window".to_owned(),
            json!({ "description": "tmux window; else 0", "type": "integer", "minimum": 0 }),
        ),
    ])
}

fn define_event(
    book: &mut Book,
    name: &str,
    test: &Value,
    (ours, theirs): (&Value, Option<&Value>),
) -> (Value, Value) {
    let mut fields = place(book);
    fields.extend([
        ("type".to_owned(), test.clone()),
        ("data".to_owned(), kinds::anything()),
        ("id".to_owned(), book.of::<EventId>()),
        ("seq".to_owned(), reference("Seq")),
        ("epoch".to_owned(), book.of::<Epoch>()),
        ("session_id".to_owned(), book.of::<SessionId>()),
        ("source".to_owned(), reference("SourceName")),
    ]);
    let origin = book.of::<Origin>();
    fields.insert("origin?".to_owned(), origin);
    let mut frame = object(&format!("An event of type `{name}`"), Value::Object(fields));
    kinds::hold(&mut frame, "data", ours, theirs);
    (test.clone(), book.define(&format!("monitor/{name}"), frame))
}

fn write_replies(book: &mut Book) {
    let mut cases = Vec::new();
    for (name, data) in replies::write(book).into_iter().filter(|(name, _)| REPLIES.contains(name)) {
        let data = match name {
            "history" => history(),
            "subscribed" => object(
                "The whole subscription",
                json!({ "types": replies::patterns(), "cursor": replies::cursor(book) }),
            ),
            "unsubscribed" => object("What is left", json!({ "types": replies::patterns() })),
            _ => data,
        };
        let mut fields = place(book);
        for place in ["session", "window"] {
            // What is about the connection is about no session.
            fields[place] = json!({ "anyOf": [fields[place], { "type": "null" }] });
        }
        fields.extend([
            ("type".to_owned(), exactly(name)),
            ("data".to_owned(), data),
            ("schema_version".to_owned(), exactly(SCHEMA_VERSION)),
            ("epoch".to_owned(), book.of::<Epoch>()),
            ("session_id".to_owned(), book.of::<SessionId>()),
            ("source".to_owned(), exactly("system")),
            ("request_id?".to_owned(), replies::request_id()),
        ]);
        let frame = object(&format!("The reply `{name}`"), Value::Object(fields));
        cases.push((exactly(name), book.define(&format!("monitor/{name}"), frame)));
    }
    book.define("monitor/reply", choice("Any reply", "type", &cases, None));
}

fn history() -> Value {
    object(
        "Past events",
        json!({
            "events": { "description": "Oldest first", "type": "array", "items": reference("monitor/event") },
            "complete": { "description": "Nothing that was asked for is missing", "type": "boolean" },
        }),
    )
}

fn write_requests(book: &mut Book) {
    let session = maybe_text("Of this session; otherwise of the hub's own");
    let requests = [
        ("auth", "This is my token", json!({ "token": text("The token") })),
        ("subscribe", "Send me these events", subscribe()),
        ("unsubscribe", "No longer these types; without any, none at all", json!({ "filters?": filter() })),
        ("get_status", "What is true now?", json!({ "session_id?": session })),
        ("get_history", "What has been?", get_history()),
        ("ping", "Are you there?", json!({})),
    ];
    let mut cases = Vec::new();
    for (name, description, mut fields) in requests.into_iter().chain(control::commands()) {
        fields["action"] = exactly(name);
        fields["request_id?"] = request_id();
        let request = object(description, fields);
        cases.push((exactly(name), book.define(&format!("monitor/{name}"), request)));
    }
    let all = choice("Anything a client may send on the monitor dialect", "action", &cases, None);
    book.define("monitor/request", all);
}

fn subscribe() -> Value {
    json!({
        "filters?": filter(),
        "replay?": number("The last this many events first"),
        "after?": number("All behind this number first"),
        "epoch?": maybe_text("The numbering `after` belongs to"),
        "batch?": batch(),
        "max_rate?": max_rate(),
    })
}

fn get_history() -> Value {
    json!({
        "filters?": filter(),
        "limit?": limit(),
        "after?": number("Only numbers above this one"),
        "before?": number("Only numbers below this one"),
        "epoch?": maybe_text("Only of this numbering, and these are its numbers"),
    })
}

fn filter() -> Value {
    json!({
        "description": "Which events",
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": {
            "types": patterns("Types or patterns; otherwise all"),
            "sessions": names("Names of tmux sessions or instances, or ids of sessions"),
            "session_id": maybe_text("Only of this session"),
            "windows": { "type": ["array", "null"], "items": { "type": "integer", "minimum": 0 } },
            "sources": names("Only of these sources"),
            "min_severity": severity(),
            "since": moment_or_millis(),
            "until": moment_or_millis(),
        },
    })
}
