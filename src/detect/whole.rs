//! Bounds an event as a whole. Each of its texts has a bound of its own, but there may be many of them, and what stands in
//! the place of secrets may be longer than they: without this a frame could be larger than its readers take, who would
//! come back for it again and again.

use super::cut::{self, Bounded, LEFT_OUT, TRUNCATED};
use crate::event::published::{Published, Remarks};
use crate::event::talk::Hook;
use crate::event::{Body, cut_text};
use serde_json::{Map, Value};

/// Most of the content, bytes of JSON. With the remarks and what every frame says, that is less than 1 MiB, beyond which
/// the usual clients close the connection.
pub const MAX_CONTENT: usize = 512 << 10;
/// Most of the remarks, bytes of JSON.
pub const MAX_REMARKS: usize = 256 << 10;
/// Kept free for the names of the fields that were cut.
const NAMES: usize = 32 << 10;

/// Cuts what is beyond the bounds. Where there are fields, the largest are cut, and named in `truncated`; else the last
/// texts. To be called when secrets are hidden: of one that is cut there is not enough left to know it by.
pub fn bound(body: &mut Body, remarks: Option<&mut Remarks>) {
    match body {
        // One text, which has a bound.
        Body::Output(_) => {}
        Body::Hook(Hook { data, .. }) | Body::Published(Published { data, .. }) => fields(data),
        body => texts(MAX_CONTENT, |visit| body.visit_texts(visit)),
    }
    if let Some(remarks) = remarks {
        texts(MAX_REMARKS, |visit| remarks.visit_texts(visit));
    }
}

fn fields(data: &mut Map<String, Value>) {
    if cut::json_fields_len(data) <= MAX_CONTENT {
        return;
    }
    let before = data.remove(TRUNCATED);
    let Bounded { fields, cut } = cut::bounded_to(std::mem::take(data), MAX_CONTENT - NAMES);
    let mut names: Vec<Value> = match before {
        Some(Value::Array(names)) => names,
        _ => Vec::new(),
    };
    names.retain(|name| name.as_str().is_some_and(|name| name == LEFT_OUT || fields.contains_key(name)));
    for name in cut {
        if !names.iter().any(|known| *known == name) {
            names.push(name.into());
        }
    }
    *data = fields;
    data.insert(TRUNCATED.to_owned(), names.into());
}

fn texts(most: usize, mut each: impl FnMut(&mut dyn FnMut(&mut String))) {
    let mut all = 0;
    each(&mut |text| all += cut::json_text_len(text));
    if all <= most {
        return;
    }
    let mut room = most;
    each(&mut |text| {
        cut_text(text, cut::fitting(text, room.saturating_sub(2)));
        room = room.saturating_sub(cut::json_text_len(text));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn data(body: Body) -> Map<String, Value> {
        match body {
            Body::Published(Published { data, .. }) | Body::Hook(Hook { data, .. }) => data,
            other => panic!("{other:?}"),
        }
    }

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_within_the_bound_stays_as_it_is() {
        let fields = object(json!({ "a": "x".repeat(400_000), "b": [1, null], "truncated": 7 }));
        let mut body = Body::other("x.y", fields.clone());
        bound(&mut body, None);
        assert_eq!(data(body), fields);
    }

    #[test]
    fn the_largest_fields_are_cut_and_named_once() {
        let long = || "\u{1}".repeat(60_000);
        let many = object(
            json!({ "first": "kept", "a": long(), "b": [long(), long()], "truncated": ["a", "gone"] }),
        );
        for body in [Body::other("x.y", many.clone()), Body::Hook(Hook::of_type("hook.stop".into(), many))] {
            let mut body = body;
            bound(&mut body, None);
            let once = body.clone();
            let told = data(once);
            assert_eq!((&told["first"], &told["truncated"]), (&json!("kept"), &json!(["a", "b"])));
            assert!(serde_json::to_string(&told).unwrap().len() <= MAX_CONTENT);
            // Another hub that takes it finds nothing to cut.
            bound(&mut body, None);
            assert_eq!(data(body), told);
        }
    }

    #[test]
    fn no_number_of_fields_and_no_length_of_names_is_too_much() {
        let many = (0..200).map(|n| (format!("{n}{}", "x".repeat(60_000)), json!(n))).collect();
        let mut body = Body::other("x.y", many);
        bound(&mut body, None);
        assert_eq!(data(body), object(json!({ "truncated": ["..."] })));
    }

    #[test]
    fn texts_that_are_no_fields_are_cut_from_the_end() {
        let long = "x".repeat(60_000);
        let todo = json!({ "id": "1", "content": long, "status": "pending", "priority": null, "active_form": null,
            "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z", "owner": null });
        let update = json!({ "todos": vec![todo; 20],
            "stats": { "total": 20, "completed": 0, "in_progress": 0, "pending": 20 } });
        let mut body = Body::Todos(serde_json::from_value(update).unwrap());
        let mut remarks = Remarks { chat: Some(json!(vec![long.clone(); 10])), ..Remarks::default() };
        bound(&mut body, Some(&mut remarks));
        let Body::Todos(told) = &body else { panic!() };
        assert_eq!((told.todos.len(), &told.todos[7].content, &*told.todos[19].content), (20, &long, ""));
        assert!(serde_json::to_string(told).unwrap().len() < MAX_CONTENT + 20 * 300);
        assert!(remarks.chat.unwrap().to_string().len() < MAX_REMARKS + 100);
    }
}
