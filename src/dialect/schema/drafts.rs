//! Events as clients publish them.
//!
//! The hub fills in what is missing, so that the examples of requirements R3 and R4 are enough.

use super::book::{Book, object, reference};
use super::kinds::Kind;
use super::parts::{maybe_text, moment};
use crate::dialect::publish::{MAX_EVENTS, MAX_NAME_BYTES};
use crate::event::SCHEMA_VERSION;
use crate::event::values::{LIST, MAX_VALUES, MAX_VALUES_AT_ONCE};
use serde_json::{Value, json};

/// Events to publish.
pub(super) fn drafts() -> Value {
    let list = json!({ "type": "array", "maxItems": MAX_EVENTS, "items": reference("draft") });
    json!({
        "description": format!(
            "One event, or an array of them; an event of at most {MAX_VALUES} values, all together of {MAX_VALUES_AT_ONCE}, \
             where a list or an object counts for {LIST}"
        ),
        "if": { "type": "array" }, "then": list, "else": reference("draft"),
    })
}

/// Enters `draft`, and the two shapes an event to publish may have.
pub(super) fn write(book: &mut Book, kinds: &[Kind]) {
    let millis = json!({ "description": "Unix milliseconds", "type": "number", "minimum": 1 });
    let version = json!({ "enum": [SCHEMA_VERSION, null] });
    let either = json!({ "anyOf": [millis.clone(), moment()] });
    let envelope = json!({
        "event_type": reference("Type"), "source": publisher(json!("string")), "timestamp": millis, "version?": version,
        "payload?": { "type": ["object", "null"] },
        "hook_event_type?": maybe_text("The hook it is about, where that is not its type"),
    });
    let classic = json!({
        "type": reference("Type"), "source?": publisher(json!(["string", "null"])), "timestamp?": either,
        "data?": { "type": ["object", "null"] },
    });
    let envelope = draft("An event to publish, in the shape of requirement R4", envelope);
    let classic = draft("An event to publish, in the shape of requirement R3 and of classic frames", classic);
    let (envelope, classic) =
        (shaped(envelope, ("event_type", "payload"), kinds), shaped(classic, ("type", "data"), kinds));
    let (envelope, classic) =
        (book.define("draft/envelope", envelope), book.define("draft/classic", classic));
    book.define(
        "draft",
        json!({
            "description": "An event to publish. What is missing, the hub fills in",
            "type": "object",
            "if": { "required": ["type"] }, "then": classic, "else": envelope,
        }),
    );
}

fn publisher(kind: Value) -> Value {
    let description = "Who publishes; none of the hub's own sources";
    json!({ "description": description, "type": kind, "minLength": 1, "maxLength": MAX_NAME_BYTES })
}

/// Open, because publishers have fields of their own, which the hub ignores.
fn draft(description: &str, own: Value) -> Value {
    let uuid = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-4[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$";
    let mut fields = json!({
        "id?": { "description": "UUID v4 (RFC 9562)", "type": ["string", "null"], "pattern": uuid },
        "session_id?": maybe_text("The session it belongs to; otherwise the hub's own"),
        "source_app?": maybe_text("The application that speaks through the source"),
        "summary?": maybe_text("One sentence for people"),
        "chat?": { "description": "The conversation it belongs to", "type": ["array", "null"] },
    });
    if let (Value::Object(fields), Value::Object(own)) = (&mut fields, own) {
        fields.extend(own);
    }
    let mut draft = object(description, fields);
    draft["additionalProperties"] = true.into();
    draft
}

/// Types that are ours alone to shape have that shape, whoever publishes them.
fn shaped(mut draft: Value, (name, content): (&str, &str), kinds: &[Kind]) -> Value {
    let rule = |kind: &Kind| {
        let shape = kind.written.as_ref()?;
        Some(json!({
            "if": { "properties": { name: kind.test }, "required": [name] },
            "then": { "properties": { content: shape }, "required": [content] },
        }))
    };
    draft["allOf"] = kinds.iter().filter_map(rule).collect();
    draft
}
