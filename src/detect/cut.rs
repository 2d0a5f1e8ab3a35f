//! Bounds the fields of a JSON object: long texts are cut at a character, and so are the largest fields until the
//! whole is small enough, in letters and in values.

use crate::event::cut_text;
use crate::event::values::{self, MAX_VALUES};
use serde_json::{Map, Value};

/// Longest text in it, bytes of UTF-8.
pub const MAX_TEXT: usize = 64 * 1024;

/// All fields together, bytes of JSON.
pub const MAX_TOTAL: usize = 256 * 1024;

/// All values together, lists and objects counted for four as in [`values`]; an event told on has a few of its own.
const MAX_ALL: usize = MAX_VALUES - 1_000;

/// The field that names those that were cut.
pub const TRUNCATED: &str = "truncated";

/// Most fields; claude's hooks have about twenty.
const MAX_FIELDS: usize = 128;

/// Longest name of a field, bytes.
const MAX_NAME: usize = 128;

/// Stands for the fields that were left out, in the list of what was cut.
pub const LEFT_OUT: &str = "...";

/// What is left of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounded {
    /// Its fields, in their order.
    pub fields: Map<String, Value>,
    /// Names of the fields that were cut; `...` where some were left out.
    pub cut: Vec<String>,
}

/// Bounds an object to [`MAX_TOTAL`].
pub fn bounded(fields: Map<String, Value>) -> Bounded {
    bounded_to(fields, MAX_TOTAL)
}

/// Bounds an object to `most` bytes of JSON.
pub fn bounded_to(fields: Map<String, Value>, most: usize) -> Bounded {
    let known = fields.len();
    let kept = fields.into_iter().filter(|(name, _)| name.len() <= MAX_NAME).take(MAX_FIELDS);
    let mut room = MAX_ALL;
    let mut fields: Vec<(String, Value, bool)> = kept
        .map(|(name, mut value)| {
            let cut = cut_texts(&mut value) | thin(&mut value, &mut room);
            (name, value, cut)
        })
        .collect();
    let left_out = known > fields.len();
    shrink_largest(&mut fields, most);
    let mut cut: Vec<String> = fields.iter().filter(|field| field.2).map(|field| field.0.clone()).collect();
    if left_out {
        cut.push(LEFT_OUT.into());
    }
    Bounded { fields: fields.into_iter().map(|(name, value, _)| (name, value)).collect(), cut }
}

/// Cuts the largest fields until all are within the bound.
fn shrink_largest(fields: &mut [(String, Value, bool)], most: usize) {
    let mut sizes: Vec<(usize, usize)> = fields
        .iter()
        .enumerate()
        .map(|(place, (name, value, _))| (json_len(value) + name.len() + 4, place))
        .collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    let mut total: usize = sizes.iter().map(|(size, _)| size).sum();
    for (size, place) in sizes {
        if total <= most {
            break;
        }
        let (name, value, cut) = &mut fields[place];
        let mut room = size.saturating_sub(total - most + name.len() + 4);
        shrink(value, &mut room);
        *cut = true;
        total = total - size + json_len(value) + name.len() + 4;
    }
}

/// Bounds any value as [`bounded`] does the fields of an object.
pub fn value(mut value: Value) -> Value {
    cut_texts(&mut value);
    thin(&mut value, &mut MAX_ALL.clone());
    let mut room = MAX_TOTAL;
    shrink(&mut value, &mut room);
    value
}

/// Bounds the input of a tool as [`bounded`] does; with the names of the fields that were cut.
pub fn input(input: Value) -> (Value, Vec<String>) {
    match input {
        Value::Object(fields) => {
            let Bounded { fields, cut, .. } = bounded(fields);
            (fields.into(), cut)
        }
        other => {
            let kept = value(other.clone());
            let cut = if kept == other { Vec::new() } else { vec![LEFT_OUT.into()] };
            (kept, cut)
        }
    }
}

/// Cuts every text in an object to [`MAX_TEXT`], and nothing else; names of the fields that were cut.
pub fn long_texts(fields: &mut Map<String, Value>) -> Vec<String> {
    let cut = fields.iter_mut().filter_map(|(name, value)| cut_texts(value).then(|| name.clone()));
    cut.collect()
}

/// Cuts every text in it to [`MAX_TEXT`]; whether one was longer.
fn cut_texts(value: &mut Value) -> bool {
    match value {
        Value::String(text) => cut_text(text, MAX_TEXT),
        Value::Array(items) => items.iter_mut().fold(false, |cut, item| cut_texts(item) | cut),
        Value::Object(fields) => fields.values_mut().fold(false, |cut, item| cut_texts(item) | cut),
        _ => false,
    }
}

/// Takes what is in it out of `room`, and leaves out for what there is none; whether anything was.
fn thin(value: &mut Value, room: &mut usize) -> bool {
    let mut fits = |item: &mut Value, cut: &mut bool| {
        let has_room = *room > values::LIST;
        *cut |= !has_room || thin(item, room);
        has_room
    };
    let mut cut = false;
    match value {
        Value::Array(items) => items.retain_mut(|item| fits(item, &mut cut)),
        Value::Object(fields) => fields.retain(|_, item| fits(item, &mut cut)),
        _ => {}
    }
    if cut {
        let_go(value);
    }
    let own = 1 + if value.is_array() || value.is_object() { values::LIST } else { 0 };
    *room = room.saturating_sub(own);
    cut
}

/// Cuts a value to about `room` bytes of JSON, and takes what it needs out of `room`; lists lose their last items.
fn shrink(value: &mut Value, room: &mut usize) {
    let size = json_len(value);
    if size <= *room {
        *room -= size;
        return;
    }
    match value {
        Value::String(text) => {
            let end = fitting(text, room.saturating_sub(2));
            cut_text(text, end);
            *room = 0;
        }
        Value::Array(items) => {
            *room = room.saturating_sub(2);
            items.retain_mut(|item| shrink_part(item, 1, room));
            let_go(value);
        }
        Value::Object(fields) => {
            *room = room.saturating_sub(2);
            fields.retain(|name, item| shrink_part(item, json_text_len(name) + 2, room));
            let_go(value);
        }
        _ => *room = 0,
    }
}

/// Lets go of the memory of what was left out.
fn let_go(value: &mut Value) {
    match value {
        Value::Array(items) => items.shrink_to_fit(),
        Value::Object(fields) => *fields = std::mem::take(fields).into_iter().collect(),
        _ => {}
    }
}

/// Cuts an item of a list; `false` where there is no room for it at all.
fn shrink_part(item: &mut Value, around: usize, room: &mut usize) -> bool {
    if *room <= around + 2 {
        *room = 0;
        return false;
    }
    *room -= around;
    shrink(item, room);
    true
}

/// Length of the beginning of a text that takes at most `room` bytes of JSON, without its quotes.
pub fn fitting(text: &str, room: usize) -> usize {
    let mut left = room;
    for (at, character) in text.char_indices() {
        let needed = character_len(character);
        if needed > left {
            return at;
        }
        left -= needed;
    }
    text.len()
}

/// Bytes of an object as JSON, about.
pub fn json_fields_len(fields: &Map<String, Value>) -> usize {
    2 + fields.iter().map(|(name, item)| json_text_len(name) + json_len(item) + 2).sum::<usize>()
}

/// Bytes of a value as JSON, about.
pub fn json_len(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => json_text_len(text),
        Value::Array(items) => 2 + items.iter().map(|item| json_len(item) + 1).sum::<usize>(),
        Value::Object(fields) => json_fields_len(fields),
    }
}

/// Bytes of a text as JSON.
pub fn json_text_len(text: &str) -> usize {
    2 + text.chars().map(character_len).sum::<usize>()
}

fn character_len(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> Bounded {
        let Value::Object(fields) = value else { panic!("an object") };
        bounded(fields)
    }

    #[test]
    fn what_is_small_stays_as_it_is() {
        let value = json!({"b": 1, "a": {"c": ["x", null, true, 1.5]}});
        let bounded = of(value.clone());
        assert_eq!(Value::Object(bounded.fields), value);
        assert!(bounded.cut.is_empty());
    }

    #[test]
    fn long_texts_are_cut_at_a_character_wherever_they_stand() {
        let long = format!("{}é", "x".repeat(MAX_TEXT - 1));
        let bounded = of(json!({"a": long, "b": {"c": [long]}, "d": "short"}));
        assert_eq!(bounded.cut, ["a", "b"]);
        assert_eq!(bounded.fields["a"].as_str().map(str::len), Some(MAX_TEXT - 1));
        assert_eq!(bounded.fields["b"]["c"][0].as_str().map(str::len), Some(MAX_TEXT - 1));
    }

    #[test]
    fn the_whole_is_bounded_by_cutting_the_largest_fields() {
        let texts: Vec<String> = (0..20).map(|_| "\u{1}".repeat(30_000)).collect();
        let bounded = of(json!({"small": "kept", "list": texts, "map": {"a": texts}, "number": 7}));
        assert_eq!(bounded.cut, ["list", "map"]);
        let text = serde_json::to_string(&bounded.fields).unwrap();
        assert!(text.len() <= MAX_TOTAL, "{}", text.len());
        assert_eq!(bounded.fields["small"], "kept");
    }

    #[test]
    fn the_whole_is_bounded_in_values_as_well() {
        let wide: Vec<Value> = (0..20_000).map(|_| json!([0])).collect();
        let bounded = of(json!({"small": "kept", "wide": wide, "after": {"a": wide}, "last": 7}));
        assert_eq!(bounded.cut, ["wide", "after"]);
        assert_eq!((&bounded.fields["small"], &bounded.fields["last"]), (&json!("kept"), &json!(7)));
        let text = serde_json::to_string(&bounded.fields).unwrap();
        assert!(values::count(text.as_bytes()).values <= MAX_VALUES);
        assert!(values::count(super::value(json!(wide)).to_string().as_bytes()).values <= MAX_VALUES);
    }

    #[test]
    fn endless_fields_and_endless_names_are_left_out() {
        let many: Map<String, Value> =
            (0..5_000).map(|n| (format!("field{n}"), json!("x".repeat(160)))).collect();
        let bounded = super::bounded(many);
        assert_eq!((bounded.fields.len(), bounded.cut.as_slice()), (MAX_FIELDS, &[String::from("...")][..]));
        assert_eq!(of(json!({"x".repeat(MAX_NAME + 1): 1})).cut, ["..."]);
    }
}
