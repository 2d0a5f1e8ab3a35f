//! What clients may send on the envelope dialect (requirement R4).

use super::book::{Book, choice, exactly, object};
use super::control;
use super::drafts::drafts;
use super::parts::{
    batch, limit, max_rate, maybe_text, moment_or_millis, names, number, patterns, request_id, severity, text,
};
use serde_json::{Value, json};

/// Enters `envelope/NAME` for every request, `publish` for R4's `event`, and `envelope/request`.
pub(super) fn write(book: &mut Book) {
    let nothing = || json!({ "type": ["object", "null"] });
    let status = json!({ "session_id?": maybe_text("Of this session; otherwise of the hub's own") });
    let requests = [
        (exactly("register"), "register", "I am this component", required(component())),
        (exactly("subscribe"), "subscribe", "Send me these events", optional(selected(&start()))),
        (
            exactly("unsubscribe"),
            "unsubscribe",
            "No longer these; without any, none at all",
            optional(selected(&json!({}))),
        ),
        (exactly("event"), "publish", "These have happened", json!({ "data": drafts() })),
        (exactly("auth"), "auth", "This is my token", required(json!({ "token": text("The token") }))),
        (exactly("get_status"), "get_status", "What is true now?", optional(status)),
        (exactly("get_history"), "get_history", "What has been?", optional(selected(&past()))),
        (json!({ "enum": ["ping", "heartbeat"] }), "ping", "Are you there?", json!({ "data?": nothing() })),
    ];
    let control = control::commands().into_iter().map(|(name, description, parameters)| {
        let needs = parameters.as_object().is_some_and(|all| all.keys().any(|name| !name.ends_with('?')));
        let fields = if needs { required(parameters) } else { optional(parameters) };
        (exactly(name), name, description, fields)
    });
    let mut cases = Vec::new();
    for (test, name, description, mut fields) in requests.into_iter().chain(control) {
        fields["type"] = test.clone();
        fields["request_id?"] = request_id();
        fields["metadata?"] = nothing();
        cases.push((test, book.define(&format!("envelope/{name}"), object(description, fields))));
    }
    let all = choice("Anything a client may send on the envelope dialect", "type", &cases, None);
    book.define("envelope/request", all);
}

fn required(parameters: Value) -> Value {
    json!({ "data": data(parameters) })
}

fn optional(parameters: Value) -> Value {
    json!({ "data?": { "anyOf": [data(parameters), { "type": "null" }] } })
}

fn data(mut parameters: Value) -> Value {
    parameters["request_id?"] = request_id();
    object("What belongs to the request", parameters)
}

fn component() -> Value {
    json!({
        "component": text("Its name, the `source` of its events"),
        "version?": maybe_text("Its version"),
        "capabilities?": names("What it can do"),
        "config?": { "description": "Its settings" },
    })
}

fn filter() -> Value {
    let windows =
        json!({ "type": ["array", "null"], "maxItems": 128, "items": { "type": "integer", "minimum": 0 } });
    json!({
        "event_types?": patterns("Types or patterns; otherwise all"),
        "sources?": names("Only of these sources"),
        "sessions?": names("Only of these sessions"),
        "session_id?": maybe_text("Only of this session"),
        "windows?": windows,
        "min_severity?": severity(),
        "since?": moment_or_millis(),
        "until?": moment_or_millis(),
    })
}

fn start() -> Value {
    json!({
        "replay?": number("The last this many events first"),
        "after?": number("All behind this number first"),
        "epoch?": maybe_text("The numbering `after` belongs to"),
        "batch?": batch(),
        "max_rate?": max_rate(),
    })
}

fn past() -> Value {
    json!({
        "limit?": limit(),
        "after?": number("Only numbers above this one"),
        "before?": number("Only numbers below this one"),
        "epoch?": maybe_text("Only of this numbering, and these are its numbers"),
    })
}

/// The filter stands in `filters`, or beside the other parameters.
fn selected(parameters: &Value) -> Value {
    let mut fields = filter();
    fields["filters?"] = json!({ "anyOf": [object("Which events", filter()), { "type": "null" }] });
    if let (Value::Object(fields), Value::Object(parameters)) = (&mut fields, parameters) {
        fields.extend(parameters.clone());
    }
    fields
}
