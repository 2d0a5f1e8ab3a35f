//! The blocks of the requirement documents: their text, and the JSON objects in it.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where they stand.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/requirements")
}

/// A block, byte for byte.
#[track_caller]
pub(crate) fn block(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|cause| panic!("{name}: {cause}"))
}

/// The JSON objects of a block, each byte for byte; what stands around them is no JSON.
#[track_caller]
pub(crate) fn objects(name: &str) -> Vec<String> {
    let found: Vec<String> = braced(&block(name))
        .into_iter()
        .filter(|text| serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object()))
        .map(str::to_owned)
        .collect();
    assert!(!found.is_empty(), "no JSON object in {name}");
    found
}

/// The same, read.
#[track_caller]
pub(crate) fn examples(name: &str) -> Vec<Value> {
    objects(name).iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

/// Everything between a brace and the one that closes it, outermost only.
fn braced(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut in_text, mut escaped) = (0_usize, 0, false, false);
    let mut found = Vec::new();
    for (place, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' if depth > 0 => in_text = !in_text,
            '{' if !in_text => {
                if depth == 0 {
                    start = place;
                }
                depth += 1;
            }
            '}' if !in_text && depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    found.push(&text[start..=place]);
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn objects_are_found_among_comments_and_code() {
    let text = "// It's one\n{\"a\": \"}\\\"\"}\nx = {y, {z}} # not\n{\"b\": {}}";
    assert_eq!(braced(text), ["{\"a\": \"}\\\"\"}", "{y, {z}}", "{\"b\": {}}"]);
}
