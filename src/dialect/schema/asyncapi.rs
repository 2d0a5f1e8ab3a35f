//! The hub as an AsyncAPI 3.0 document: where it is, its three channels, and what goes over them each way.
//!
//! Seen from the hub, as AsyncAPI wants it: `send` is what clients get, `receive` what they may say.

use super::{DIALECTS, SCHEMA_VERSION};
use serde_json::{Map, Value, json};

const DESCRIPTION: &str = "\
What a `claude` under claude-mpm does, as typed events on a WebSocket, live and replayable. Events come after a
client has subscribed. `seq` rises by exactly one per event, so a gap can be seen; order comes from it alone.

A client may have events in arrays (`batch`) and at most so many a second (`max_rate`); with `?compress=1` in the URL, and without
it from other machines, messages are compressed where it offers `permessage-deflate`.

Over plain HTTP, at the same address:

- `GET /api/status`: what is true now, the data of `system.status`
- `GET /api/history?channels=&session=&since=&until=&after=&limit=`: past events, an array of frames of the classic dialect
- `GET /api/schema`, `GET /api/asyncapi`: the JSON Schema of everything on the wire, and this document
- `POST /api/events`: publish one event or an array of them (`draft`)
- `GET /healthz`: whether the server answers
";

/// The document, with these definitions.
pub(super) fn document(definitions: &Map<String, Value>) -> Value {
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for dialect in DIALECTS {
        let (sent, received) = (sent(dialect, definitions), received(dialect, definitions));
        for name in sent.iter().chain(&received) {
            messages.insert(plain(name), message(name, &definitions[*name]));
        }
        channels.insert(dialect.to_owned(), channel(dialect, sent.iter().chain(&received)));
        operations.insert(format!("{dialect}.send"), operation("send", dialect, &sent));
        operations.insert(format!("{dialect}.receive"), operation("receive", dialect, &received));
    }
    let schemas: Map<_, _> = definitions.iter().map(|(name, schema)| (plain(name), moved(schema))).collect();
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:claude-mpm",
        "info": {
            "title": "claude-mpm",
            "version": SCHEMA_VERSION,
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:8765",
                "protocol": "ws",
                "description": "The default; each instance has a port of its own, which `claude-mpm list` shows",
            },
        },
        "channels": channels,
        "operations": operations,
        "components": { "schemas": schemas, "messages": messages },
    })
}

/// Definitions that unite others are no messages of their own.
fn is_message(name: &str) -> bool {
    !["frame", "request", "event", "reply", "hook_event", "agent", "tool_use"]
        .iter()
        .any(|union| name.ends_with(&format!("/{union}")))
        || name == "envelope/event"
}

fn of_dialect<'a>(
    dialect: &str,
    definitions: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let prefix = format!("{dialect}/");
    definitions
        .iter()
        .map(|(name, schema)| (name.as_str(), schema))
        .filter(move |(name, _)| name.starts_with(&prefix) && is_message(name))
}

/// Frames carry a time, or are arrays of such; requests do not.
fn is_frame(name: &str, schema: &Value) -> bool {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    name.ends_with("/batch") || required.iter().any(|name| name == "timestamp" || name == "metadata")
}

fn sent<'a>(dialect: &str, definitions: &'a Map<String, Value>) -> Vec<&'a str> {
    of_dialect(dialect, definitions)
        .filter(|(name, schema)| is_frame(name, schema))
        .map(|(name, _)| name)
        .collect()
}

fn received<'a>(dialect: &str, definitions: &'a Map<String, Value>) -> Vec<&'a str> {
    of_dialect(dialect, definitions)
        .filter(|(name, schema)| !is_frame(name, schema))
        .map(|(name, _)| name)
        .collect()
}

fn message(name: &str, schema: &Value) -> Value {
    json!({
        "name": name,
        "title": name,
        "summary": schema["description"],
        "contentType": "application/json",
        "payload": { "$ref": format!("#/components/schemas/{}", plain(name)) },
    })
}

fn channel<'a>(dialect: &str, names: impl Iterator<Item = &'a &'a str>) -> Value {
    let (address, description) = match dialect {
        "envelope" => ("/events", "Each message in an envelope, times in Unix milliseconds"),
        "monitor" => ("/monitor", "For tmux dashboards: sessions, windows, panes"),
        _ => ("/", "The same at /ws; begins with `system.status`"),
    };
    let pointed =
        |name: &&str| (plain(name), json!({ "$ref": format!("#/components/messages/{}", plain(name)) }));
    json!({
        "address": address,
        "title": dialect,
        "description": description,
        "servers": [{ "$ref": "#/servers/local" }],
        "messages": names.map(pointed).collect::<Map<_, _>>(),
    })
}

fn operation(action: &str, dialect: &str, names: &[&str]) -> Value {
    let pointed = |name: &&str| json!({ "$ref": format!("#/channels/{dialect}/messages/{}", plain(name)) });
    let summary = if action == "send" { "What clients get" } else { "What clients may say" };
    json!({
        "action": action,
        "summary": summary,
        "channel": { "$ref": format!("#/channels/{dialect}") },
        "messages": names.iter().map(pointed).collect::<Vec<_>>(),
    })
}

/// AsyncAPI's names are of letters, digits, dots and dashes.
fn plain(name: &str) -> String {
    name.replace('/', ".").replace('*', "any")
}

/// The same schema with its references where the definitions stand here.
fn moved(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let place = |(name, member): (&String, &Value)| match (name.as_str(), member) {
                ("$ref", Value::String(target)) => {
                    let target = target.trim_start_matches("#/$defs/").replace("~1", "/");
                    (name.clone(), format!("#/components/schemas/{}", plain(&target)).into())
                }
                _ => (name.clone(), moved(member)),
            };
            members.iter().map(place).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(moved).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}
