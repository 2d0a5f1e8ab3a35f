//! How large what somebody publishes may be: how many events and values, how long a text.

use super::fault::{Code, Fault};
use super::fields::{bounded, wrong};
use crate::detect::cut;
use crate::event::published::Remarks;
use crate::event::values::{self, MAX_VALUES_AT_ONCE};
use crate::event::{Body, cut_text};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Most events in one request.
pub const MAX_EVENTS: usize = 1_000;

/// The items of a list, where they are not too many: neither they nor the values in them.
pub(super) fn list<'a>(what: &str, raw: &'a RawValue) -> Result<Vec<&'a RawValue>, Fault> {
    if values::count(raw.get().as_bytes()).commas >= MAX_EVENTS {
        return Err(Fault::new(
            Code::TooLarge,
            format_args!("cannot publish: more than {MAX_EVENTS} {what}"),
        ));
    }
    bounded(what, raw, MAX_VALUES_AT_ONCE)?;
    serde_json::from_str(raw.get()).map_err(|cause| wrong(what, cause))
}

/// Texts are cut, and where is said.
pub(super) fn noted(mut object: Map<String, Value>) -> Map<String, Value> {
    let cut = cut::long_texts(&mut object);
    if !cut.is_empty() {
        object.insert(cut::TRUNCATED.to_owned(), cut.into());
    }
    object
}

/// What has no place to say so is cut alike: texts of our shapes and names of fields.
pub(super) fn cut_all(body: &mut Body, remarks: Option<&mut Remarks>) {
    let cut = |text: &mut String| _ = cut_text(text, cut::MAX_TEXT);
    if let Body::Output(output) = body {
        output.truncated |= output.content.len() > cut::MAX_TEXT;
    }
    body.visit_texts(&mut { cut });
    if let Some(remarks) = remarks {
        remarks.visit_texts(&mut { cut });
    }
}

#[cfg(test)]
mod tests {
    use super::super::publish::{event, events};
    use super::*;
    use crate::event::Draft;
    use serde_json::json;

    fn read(value: &Value) -> Result<Draft, Fault> {
        event(&RawValue::from_string(value.to_string()).unwrap())
    }

    fn read_all(text: String) -> Result<usize, &'static str> {
        events(&RawValue::from_string(text).unwrap())
            .map(|all| all.len())
            .map_err(|fault| fault.code.as_str())
    }

    #[test]
    fn every_text_is_cut_whatever_shape_the_event_has() {
        let long = "ä".repeat(40_000);
        let switch = json!({ "from_model": long, "to_model": "", "claude_session": "" });
        let todos = json!({ "todos": [{ "id": long, "content": long, "status": "pending", "priority": null,
            "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z", "active_form": null,
            "owner": long }], "stats": { "total": 1, "completed": 0, "in_progress": 0, "pending": 1 } });
        let changed = json!({ "path": long, "changed": [long] });
        let mut named = Map::new();
        named.insert(long.clone(), json!(long));
        for (kind, data) in [
            ("router.model.switch", switch),
            ("todo.update", todos),
            ("config.changed", changed),
            ("my.event", Value::Object(named.clone())),
            ("Stop", Value::Object(named)),
            ("claude.output", json!({ "content": long, "stream": "stdout" })),
        ] {
            let draft = read(&json!({ "type": kind, "data": data, "summary": long })).unwrap();
            let remarks = draft.remarks.unwrap();
            let (mut body, mut remarks) = (draft.body, *remarks);
            let mut longest = 0;
            body.visit_texts(&mut |text| longest = longest.max(text.len()));
            remarks.visit_texts(&mut |text| longest = longest.max(text.len()));
            assert_eq!(longest, cut::MAX_TEXT, "{kind}");
            assert!(!matches!(body, Body::Output(output) if !output.truncated));
        }
    }

    #[test]
    fn more_values_than_an_event_or_a_request_may_have_are_refused_as_too_large() {
        let of = |lists: usize| format!(r#"{{"type":"x.y","data":{{"a":[{}[0]]}}}}"#, "[0],".repeat(lists));
        let deep = |count: usize| format!("[{}]", vec![of(1_600); count].join(","));
        let chat = |count: usize| json!({ "type": "x.y", "data": {}, "chat": vec![0; count] }).to_string();
        for (text, expected) in [
            (of(1_600), Ok(1)),
            (of(2_000), Err("RES001")),
            (deep(3), Ok(3)),
            (deep(4), Err("RES001")),
            (chat(9_000), Ok(1)),
            (chat(10_000), Err("RES001")),
            (format!("[{}]", vec![r#"{"type":"x.y"}"#; 1_000].join(",")), Ok(1_000)),
            (format!("[{}]", vec![r#"{"type":"x.y"}"#; 1_001].join(",")), Err("RES001")),
            (format!("[{}0]", "0,".repeat(1 << 20)), Err("RES001")),
            (
                format!(
                    r#"{{"type":"x.y",{}"z":0}}"#,
                    (0..300).map(|n| format!("\"{n}\":0,")).collect::<String>()
                ),
                Err("WS002"),
            ),
        ] {
            assert_eq!(read_all(text), expected);
        }
    }
}
