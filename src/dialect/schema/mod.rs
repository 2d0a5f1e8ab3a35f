//! What goes over the wire as JSON Schema (draft 2020-12), made from the types that write it.
//!
//! One document with a definition for each name: `TYPE` is the data of an event, `DIALECT/NAME` a frame or a request
//! of a dialect, `DIALECT/frame` and `DIALECT/request` all of them. Nothing is validated here; the tests hold every
//! frame they see against it. Its version is [`SCHEMA_VERSION`], which is changed there.

mod asyncapi;
mod book;
mod classic;
mod control;
mod drafts;
mod envelope;
mod envelope_requests;
mod kinds;
mod monitor;
mod parts;
mod replies;
mod requests;
#[cfg(test)]
mod tests;

use crate::event::SCHEMA_VERSION;
use book::{Book, reference};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The names of the dialects.
const DIALECTS: [&str; 3] = ["classic", "envelope", "monitor"];

static DEFINITIONS: LazyLock<Map<String, Value>> = LazyLock::new(definitions);
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let whole = json!({ "$ref": "#/$defs/classic~1frame" });
    dressed(None, &whole, DEFINITIONS.clone())
});
static ASYNCAPI: LazyLock<Value> = LazyLock::new(|| asyncapi::document(&DEFINITIONS));

/// The whole schema. As a schema of its own it is that of the frames of the classic dialect.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// The AsyncAPI 3.0 document of the hub, with the same definitions.
pub fn asyncapi() -> &'static Value {
    &ASYNCAPI
}

/// The names that [`named`] knows, but for those of Rust types.
pub fn names() -> impl Iterator<Item = &'static str> {
    let is_listed = |name: &&str| name.contains(['.', '/']) || *name == "draft";
    DEFINITIONS.keys().map(String::as_str).filter(is_listed)
}

/// The schema with this name, with all that it refers to and nothing else; `None` where there is none.
pub fn named(name: &str) -> Option<Value> {
    let (name, _) = DEFINITIONS.get_key_value(name)?;
    let needed = needed_by(name);
    let needed = DEFINITIONS.iter().filter(|(name, _)| needed.contains(name.as_str()));
    let needed = needed.map(|(name, schema)| (name.clone(), schema.clone())).collect();
    Some(dressed(Some(name), &reference(name), needed))
}

fn definitions() -> Map<String, Value> {
    let mut book = Book::new();
    kinds::write_names(&mut book);
    let kinds = kinds::write(&mut book);
    drafts::write(&mut book, &kinds);
    classic::write(&mut book, &kinds);
    requests::write(&mut book);
    envelope::write(&mut book, &kinds);
    monitor::write(&mut book, &kinds);
    book.finish()
}

/// A document that is the schema with these definitions; `name` where it is only a part of all.
fn dressed(name: Option<&str>, schema: &Value, definitions: Map<String, Value>) -> Value {
    let (mut id, mut title) = (
        format!("urn:claude-mpm:schema:{SCHEMA_VERSION}"),
        format!("claude-mpm, version {SCHEMA_VERSION} of the wire"),
    );
    if let Some(name) = name {
        id = format!("{id}:{name}");
        title = format!("{title}: {name}");
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": id,
        "title": title,
        "$ref": schema["$ref"],
        "$defs": definitions,
    })
}

/// The definition and all that it leads to.
fn needed_by(name: &'static str) -> BTreeSet<&'static str> {
    let (mut needed, mut open) = (BTreeSet::new(), vec![name]);
    while let Some(name) = open.pop() {
        if let Some(schema) = DEFINITIONS.get(name)
            && needed.insert(name)
        {
            each_reference(schema, &mut |target| {
                open.extend(DEFINITIONS.get_key_value(&target).map(|(name, _)| name.as_str()));
            });
        }
    }
    needed
}

/// Calls `found` with the name of every definition that is referred to.
fn each_reference(schema: &Value, found: &mut impl FnMut(String)) {
    match schema {
        Value::Object(members) => {
            if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                found(target.trim_start_matches("#/$defs/").replace("~1", "/").replace("~0", "~"));
            }
            members.values().for_each(|member| each_reference(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| each_reference(item, found)),
        _ => {}
    }
}
