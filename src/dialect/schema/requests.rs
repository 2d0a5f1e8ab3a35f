//! What clients may send on the classic dialect.
//!
//! The hub takes more than is written here: it ignores fields it does not know.

use super::book::{Book, choice, exactly, object, reference};
use super::control;
use super::drafts::drafts;
use super::parts::{
    batch, limit, max_rate, maybe_text, moment, names, number, patterns, request_id, severity, text,
};
use crate::dialect::publish::MAX_NAME_BYTES;
use serde_json::{Value, json};

/// The commands with their parameters; a name that ends in `?` may be left out.
fn commands() -> Vec<(&'static str, &'static str, Value)> {
    let mut commands = vec![
        ("subscribe", "Send me these events, past ones first, and then as they happen", subscribe()),
        (
            "unsubscribe",
            "No longer these channels; without any, none at all",
            json!({ "channels?": patterns("Which") }),
        ),
        (
            "get_status",
            "What is true now?",
            json!({ "session_id?": maybe_text("Of this session; otherwise of the hub's own") }),
        ),
        ("get_history", "What has been?", get_history()),
        (
            "explain",
            "Who told of this event, or of all that are in memory?",
            json!({ "event?": { "description": "Its id or number", "type": ["string", "integer", "null"], "minimum": 0 } }),
        ),
        ("ping", "Are you there?", json!({})),
        (
            "register",
            "Everything of one session (requirement R3)",
            json!({ "session_id?": maybe_text("Which; otherwise, or with `global`, of all") }),
        ),
        ("one_time_token", "I need a token that lets a page in, once (by the Unix socket alone)", json!({})),
        ("auth", "This is my token", json!({ "token": text("The token") })),
        ("publish", "These events have happened", json!({ "events": drafts() })),
        (
            "uplink",
            "I am an instance, and am going to tell of my session",
            json!({
                "session_id": name("Which"), "epoch": name("Numbering of its log"), "key": name("Its secret"),
                "version?": text("Of claude-mpm"),
                "recollection?": {
                    "description": "Where the session stands, as events without the rest", "type": ["array", "null"],
                    "items": { "type": "object", "required": ["type", "data"] },
                },
            }),
        ),
        (
            "relay",
            "These events are in my log behind what I told before",
            json!({
                "events?": { "description": "In order", "type": ["array", "null"], "items": reference("classic/event") },
                "missed?": number("So many in front of them are lost"),
            }),
        ),
    ];
    commands.extend(control::commands());
    commands
}

/// A text that is kept as long as what it names.
fn name(description: &str) -> Value {
    json!({ "description": description, "type": "string", "minLength": 1, "maxLength": MAX_NAME_BYTES })
}

fn subscribe() -> Value {
    json!({
        "channels": {
            "description": "Which events", "type": "array", "maxItems": 128, "items": reference("Pattern"),
        },
        "sessions?": names("Only of these sessions"),
        "sources?": names("Only of these sources"),
        "min_severity?": severity(),
        "replay?": number("The last this many events first; 100 with a first subscription that does not say"),
        "after?": number("All behind this number first; stronger than `since`, which is stronger than `replay`"),
        "epoch?": maybe_text("The numbering `after` belongs to"),
        "since?": moment(),
        "batch?": batch(),
        "max_rate?": max_rate(),
    })
}

fn get_history() -> Value {
    json!({
        "event_types?": patterns("Which events; otherwise all"),
        "channels?": patterns("The same, where `event_types` is missing"),
        "sessions?": names("Only of these sessions"),
        "sources?": names("Only of these sources"),
        "min_severity?": severity(),
        "limit?": limit(),
        "after?": number("Only numbers above this one"),
        "before?": number("Only numbers below this one"),
        "epoch?": maybe_text("Only of this numbering, and these are its numbers"),
        "since?": moment(),
        "until?": moment(),
    })
}

/// Enters `classic/NAME` for every command, and `classic/request`.
pub(super) fn write(book: &mut Book) {
    let mut cases = Vec::new();
    for (name, description, parameters) in commands() {
        let command = command(name, description, parameters);
        cases.push((exactly(name), book.define(&format!("classic/{name}"), command)));
    }
    let (by_command, by_type) =
        (choice("By `command`", "command", &cases, None), choice("By `type`", "type", &cases, None));
    book.define(
        "classic/request",
        json!({
            "description": "Anything a client may send on the classic dialect: a command, or an event to publish",
            "type": "object",
            "if": { "required": ["command"] },
            "then": by_command,
            "else": { "if": { "required": ["data"] }, "then": reference("draft"), "else": by_type },
        }),
    );
}

/// Its parameters stand beside its name, or in `params`.
fn command(name: &str, description: &str, parameters: Value) -> Value {
    let inside = object("The same parameters, in a place of their own", parameters.clone());
    let needed = inside["required"].clone();
    let mut command = object(description, parameters);
    let properties = &mut command["properties"];
    properties["command"] = exactly(name);
    properties["type"] = json!({ "description": "In place of `command`", "const": name });
    properties["request_id"] = request_id();
    properties["params"] = json!({ "anyOf": [free(&inside), { "type": "null" }] });
    command["required"] = json!([]);
    let named = json!({ "anyOf": [{ "required": ["command"] }, { "required": ["type"] }] });
    let complete = json!({
        "anyOf": [
            { "required": needed },
            { "properties": { "params": { "type": "object", "required": needed } }, "required": ["params"] },
        ],
    });
    command["allOf"] = json!([named, complete]);
    command
}

/// Needs nothing: what is missing may stand outside.
fn free(parameters: &Value) -> Value {
    let mut free = parameters.clone();
    free["required"] = json!([]);
    free
}
