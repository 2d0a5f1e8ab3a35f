//! Compares frames with an example of the documents, field by field: everything the example shows is there, of the same
//! JSON type and with an allowed value. An example's text may stand for itself, for alternatives (`a|b`), for any
//! `"timestamp"` or for any `"uuid"`.

use claude_mpm::event::{EventId, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;

/// The values at one place of several frames, by the name of the place: `data.todos[].status`.
type Places<'a> = BTreeMap<String, Vec<&'a Value>>;

/// What the contract allows where an example shows one of several: type of the frame, place, values.
const WORDS: [(&str, &str, &[&str]); 8] = [
    ("todo.update", "data.todos[].status", &["pending", "in_progress", "completed"]),
    ("system.error", "data.severity", &["info", "warning", "error", "critical"]),
    ("agent.status", "data.status", &["busy", "ready", "blocked", "error", "offline"]),
    ("agent.status", "data.previous", &["busy", "ready", "blocked", "error", "offline"]),
    ("agent.status", "data.agent_type", &["CLAUDE_AGENT"]),
    ("pane.output", "data.severity", &["info", "warning", "error"]),
    ("event", "data.version", &["1.0"]),
    ("heartbeat", "data.components", &["healthy", "degraded", "unhealthy"]),
];

/// What the contract lets be `null`, where it is not known; one frame has to know it all the same.
const UNKNOWN: [&str; 6] = [
    "data.pid",
    "data.duration_ms",
    "data.previous",
    "data.priority",
    "data.assigned_to",
    "data.todos[].priority",
];

/// What has names for keys: no frame needs to have all of them.
const NAMED: [&str; 2] = ["data.agent_stats", "data.components"];

/// Each frame has all that the example shows.
#[track_caller]
pub(crate) fn assert_shown(example: &Value, frames: &[&Value]) {
    assert!(!frames.is_empty(), "nothing like this was sent: {example}");
    let kind = example["type"].as_str().unwrap_or_default();
    for (place, shown) in places(&[example]) {
        let mut known = 0;
        for frame in frames {
            let sent = places(&[frame]).remove(&place).unwrap_or_default();
            assert!(!sent.is_empty() || is_optional(&place), "{place} is not in {frame}");
            for value in sent {
                let is_unknown = value.is_null() && is_nullable(&place);
                let fits = is_unknown || admits(kind, &place, shown[0], value);
                assert!(fits, "{place} is {value}, and the example shows {}: {frame}", shown[0]);
                known += usize::from(!is_unknown);
            }
        }
        assert!(known > 0, "no frame has {place}: {frames:#?}");
    }
}

fn is_nullable(place: &str) -> bool {
    UNKNOWN.contains(&place)
        || (place.starts_with("data.agent_stats.") && place.ends_with(".avg_duration_ms"))
}

fn is_optional(place: &str) -> bool {
    place.contains("[]") || NAMED.iter().any(|map| place.starts_with(map))
}

/// Every scalar in the values, by its place; a list or an object that is empty has none.
fn places<'a>(values: &[&'a Value]) -> Places<'a> {
    let mut found = Places::new();
    values.iter().for_each(|value| collect(value, "", &mut found));
    found
}

fn collect<'a>(value: &'a Value, place: &str, found: &mut Places<'a>) {
    match value {
        Value::Object(fields) => {
            let below =
                |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
            fields.iter().for_each(|(name, value)| collect(value, &below(name), found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, &format!("{place}[]"), found)),
        scalar => found.entry(place.to_owned()).or_default().push(scalar),
    }
}

fn admits(kind: &str, place: &str, shown: &Value, sent: &Value) -> bool {
    let told = |words: &[&str]| sent.as_str().is_some_and(|sent| words.contains(&sent));
    if place == "type" {
        return shown == sent;
    }
    let words = WORDS.iter().find(|(of, at, _)| *of == kind && (place == *at || below(place, at)));
    match (words, shown) {
        (Some((.., words)), _) => told(words),
        (None, Value::String(shown)) => sent.as_str().is_some_and(|sent| admits_text(shown, sent)),
        (None, Value::Number(_)) => sent.is_number(),
        (None, Value::Bool(_)) => sent.is_boolean(),
        (None, shown) => shown == sent,
    }
}

fn below(place: &str, map: &str) -> bool {
    place.strip_prefix(map).is_some_and(|rest| rest.starts_with('.'))
}

fn admits_text(shown: &str, sent: &str) -> bool {
    let is_time = |text: &str| text.ends_with('Z') && Timestamp::parse(text).is_some();
    match shown {
        "uuid" => EventId::parse(sent).is_some(),
        "timestamp" => is_time(sent),
        time if is_time(time) => is_time(sent),
        several if several.contains('|') => several.split('|').any(|one| one == sent),
        _ => true,
    }
}

#[test]
fn a_frame_that_lacks_a_field_or_has_it_otherwise_is_not_as_shown() {
    use serde_json::json;
    let example =
        json!({"type": "t", "data": {"a": "x|y", "n": 1, "at": "timestamp", "list": [{"b": true}]}});
    let good = json!({"type": "t", "more": 1, "data": {"a": "y", "n": 1.5, "at": "2026-01-01T00:00:00.000Z",
        "list": [{"b": false}]}});
    assert_shown(&example, &[&good]);
    for (place, wrong) in [
        ("/type", json!("u")),
        ("/data/a", json!("z")),
        ("/data/n", json!("1")),
        ("/data/n", json!(null)),
        ("/data/at", json!("yesterday")),
        ("/data/list", json!([])),
        ("/data/list/0/b", json!(0)),
        ("/data", json!({})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = wrong;
        let seen = std::panic::catch_unwind(|| assert_shown(&example, &[&good, &bad]));
        let alone = std::panic::catch_unwind(|| assert_shown(&example, &[&bad]));
        assert!(alone.is_err() && (seen.is_err() || place == "/data/list"), "{bad}");
    }
}
