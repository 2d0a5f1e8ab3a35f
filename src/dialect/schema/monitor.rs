//! The monitor dialect (requirement R5): frames of one shape, and requests by their `action`.

use super::book::{Book, choice, exactly, object, reference};
use super::kinds::{self, Kind, OTHER};
use super::parts::{maybe_text, moment, names, number, patterns, request_id, severity, text};
use super::replies;
use crate::event::body::{Activity, ActivityState, Output, ProcessState, SessionEnd, SessionStart};
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

/// Enters `monitor/TYPE`, `monitor/NAME` of replies and requests, and what unites them.
pub(super) fn write(book: &mut Book, kinds: &[Kind]) {
    let mut cases = Vec::new();
    for kind in kinds.iter().filter(|kind| !RENAMED.contains(&kind.name)) {
        cases.push(define_event(book, kind.name, &kind.test, (&kind.ours, kind.theirs.as_ref())));
    }
    let anything = kinds::anything();
    for (name, data) in own(book) {
        cases.push(define_event(book, name, &exactly(name), (&data, Some(&anything))));
    }
    let (_, other) = define_event(book, OTHER, &reference("Type"), (&anything, None));
    book.define("monitor/event", choice("Any event", "type", &cases, Some(other)));
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
    let created = json!({ "session": { "type": "string" }, "windows": counted, "path": { "type": "string" } });
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
        "pane": { "type": "string" },
    })
}

/// R5's fields, and any of those of `T` beside them.
fn beside<T: JsonSchema>(book: &mut Book, description: &str, fields: Value) -> Value {
    let (mut schema, classic) = (object(description, fields), book.members_of::<T>());
    if let Value::Object(properties) = &mut schema["properties"] {
        for (name, member) in classic {
            properties.entry(name).or_insert(member);
        }
    }
    schema
}

fn agent(book: &mut Book) -> Value {
    let state = json!({ "enum": ["busy", "ready", "blocked", "error", "offline"] });
    let mut agent = beside::<Activity>(
        book,
        "What claude is doing, or the state of its process",
        json!({
            "status": state,
            "previous": { "anyOf": [state, { "type": "null" }] },
            "agent_type": exactly("CLAUDE_AGENT"),
        }),
    );
    let maybe = |kind: &str| json!({ "type": [kind, "null"] });
    let (activity, process) = (book.of::<ActivityState>(), book.of::<ProcessState>());
    let properties = &mut agent["properties"];
    properties["activity"] = json!({ "anyOf": [activity, { "type": "null" }] });
    properties["claude_status"] = json!({ "anyOf": [process, { "type": "null" }] });
    for (name, kind) in [("pid", "integer"), ("message", "string"), ("exit_code", "integer"), ("signal", "integer")] {
        properties[name] = maybe(kind);
    }
    agent
}

fn place(book: &mut Book) -> Map<String, Value> {
    Map::from_iter([
        ("timestamp".to_owned(), book.of::<Timestamp>()),
        ("session".to_owned(), json!({ "description": "Name of the instance, else the session", "type": "string" })),
        ("window".to_owned(), json!({ "description": "tmux window; else 0", "type": "integer", "minimum": 0 })),
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
    fields.extend(kinds::remarks(&origin).map(|(name, schema)| (name.to_owned(), schema)));
    let mut frame = object(&format!("An event of type `{name}`"), Value::Object(fields));
    kinds::hold(&mut frame, "data", ours, theirs);
    (test.clone(), book.define(&format!("monitor/{name}"), frame))
}

fn write_replies(book: &mut Book) {
    let mut cases = Vec::new();
    for (name, data) in replies::write(book) {
        let data = if name == "history" { history() } else { data };
        let mut fields = place(book);
        for optional in ["session", "window"] {
            if let Some(schema) = fields.remove(optional) {
                fields.insert(format!("{optional}?"), schema);
            }
        }
        fields.extend([
            ("type".to_owned(), exactly(name)),
            ("data".to_owned(), data),
            ("schema_version".to_owned(), exactly(SCHEMA_VERSION)),
            ("epoch?".to_owned(), book.of::<Epoch>()),
            ("session_id?".to_owned(), book.of::<SessionId>()),
            ("source?".to_owned(), exactly("system")),
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
    for (name, description, mut fields) in requests {
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
    })
}

fn get_history() -> Value {
    json!({
        "filters?": filter(),
        "limit?": number("The newest this many, at most 10000; 100 where it is missing"),
        "after?": number("Only numbers above this one"),
        "before?": number("Only numbers below this one"),
    })
}

fn filter() -> Value {
    json!({
        "description": "Which events",
        "type": ["object", "null"],
        "properties": {
            "types": patterns("Types or patterns; otherwise all"),
            "sessions": names("Names of tmux sessions or instances, or ids of sessions"),
            "windows": { "type": ["array", "null"], "items": { "type": "integer", "minimum": 0 } },
            "sources": names("Only of these sources"),
            "min_severity": severity(),
            "since": moment(),
            "until": moment(),
        },
    })
}
