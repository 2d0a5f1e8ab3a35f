//! Fields that requests of all dialects have. Those that may be left out may be `null` as well.

use super::book::{reference, written};
use crate::dialect::request::MAX_LIMIT;
use crate::event::body::Severity;
use crate::filter::MAX_PATTERNS;
use crate::filter::rates::{MAX_RATE, MIN_RATE};
use serde_json::{Value, json};

/// A point in time as clients may write it.
pub(super) fn moment() -> Value {
    json!({ "description": "RFC 3339, any offset", "type": ["string", "null"], "format": "date-time" })
}

/// The same, or Unix milliseconds.
pub(super) fn moment_or_millis() -> Value {
    json!({
        "description": "RFC 3339, any offset; or Unix milliseconds",
        "type": ["string", "number", "null"],
        "format": "date-time",
        "minimum": 0,
    })
}

/// How many past events.
pub(super) fn limit() -> Value {
    json!({
        "description": "The newest this many; 100 where it is missing",
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": MAX_LIMIT,
    })
}

/// A whole number that may be left out.
pub(super) fn number(description: &str) -> Value {
    json!({ "description": description, "type": ["integer", "null"], "minimum": 0 })
}

/// A text that has to be there.
pub(super) fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string", "minLength": 1 })
}

/// A text that may be left out.
pub(super) fn maybe_text(description: &str) -> Value {
    json!({ "description": description, "type": ["string", "null"] })
}

/// A list of names that may be left out.
pub(super) fn names(description: &str) -> Value {
    let name = json!({ "type": "string", "maxLength": 256 });
    json!({ "description": description, "type": ["array", "null"], "maxItems": 128, "items": name })
}

/// Channel patterns that may be left out.
pub(super) fn patterns(description: &str) -> Value {
    json!({
        "description": description,
        "type": ["array", "null"],
        "maxItems": 128,
        "items": reference("Pattern"),
    })
}

/// The least severity, which may be left out.
pub(super) fn severity() -> Value {
    let severity = written::<Severity>();
    json!({ "description": "At least this grave", "anyOf": [severity, { "type": "null" }] })
}

/// Whether events come in arrays, which may be left out.
pub(super) fn batch() -> Value {
    let description = "From now on events come in arrays (`batch`), or alone again";
    json!({ "description": description, "type": ["boolean", "null"] })
}

/// How many events a second, which may be left out.
pub(super) fn max_rate() -> Value {
    let rate = json!({ "type": "number", "minimum": MIN_RATE, "maximum": MAX_RATE });
    let by_pattern = json!({
        "type": "object", "maxProperties": MAX_PATTERNS, "additionalProperties": rate, "propertyNames": reference("Pattern"),
    });
    json!({
        "description": "From now on at most so many events of each type a second, or of those that match the most exact \
            pattern; an empty object bounds nothing. Output that waits is told in front of the next other event, so of \
            output there may be more",
        "anyOf": [rate, by_pattern, { "type": "null" }],
    })
}

/// The client's own name for its request.
pub(super) fn request_id() -> Value {
    json!({ "description": "Comes back with every answer: any JSON value of at most 256 bytes" })
}
