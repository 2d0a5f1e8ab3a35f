//! The frames of the classic dialect: events and replies.

use super::book::{Book, choice, exactly, object, reference, several};
use super::kinds::{self, Kind, OTHER};
use super::replies;
use crate::event::{Epoch, EventId, SessionId, Timestamp, published::Origin};
use serde_json::{Map, Value, json};

/// Enters `classic/TYPE` for every event, `classic/NAME` for every reply, and what unites them.
pub(super) fn write(book: &mut Book, kinds: &[Kind]) {
    let mut cases = Vec::new();
    for kind in kinds {
        let frame = event(book, &kind.test, kind);
        cases.push((kind.test.clone(), book.define(&format!("classic/{}", kind.name), frame)));
    }
    let (test, ours) = (reference("Type"), kinds::anything());
    let other = Kind { name: OTHER, test, ours, theirs: None, written: None };
    let frame = event(book, &other.test, &other);
    let other = book.define("classic/other", frame);
    book.define("classic/event", choice("Any event", "type", &cases, Some(other)));
    book.define("classic/batch", several("classic/event"));
    write_replies(book);
    book.define(
        "classic/frame",
        json!({
            "description": "Anything the hub sends on the classic dialect: an event, which has a number, or a reply",
            "type": "object",
            "if": { "anyOf": [{ "required": ["seq"] }, { "required": ["id"] }] },
            "then": reference("classic/event"),
            "else": reference("classic/reply"),
        }),
    );
}

fn write_replies(book: &mut Book) {
    let mut cases = Vec::new();
    for (name, data) in replies::write(book) {
        let frame = reply(book, name, data);
        cases.push((exactly(name), book.define(&format!("classic/{name}"), frame)));
    }
    book.define("classic/reply", choice("Any reply", "type", &cases, None));
}

fn event(book: &mut Book, test: &Value, kind: &Kind) -> Value {
    let mut fields = Map::from_iter([
        ("type".to_owned(), test.clone()),
        ("timestamp".to_owned(), book.of::<Timestamp>()),
        ("data".to_owned(), json!({ "type": "object" })),
        ("id".to_owned(), book.of::<EventId>()),
        ("seq".to_owned(), reference("Seq")),
        ("epoch".to_owned(), book.of::<Epoch>()),
        ("session_id".to_owned(), book.of::<SessionId>()),
        ("source".to_owned(), reference("SourceName")),
    ]);
    let origin = book.of::<Origin>();
    fields.extend(kinds::remarks(&origin).map(|(name, schema)| (name.to_owned(), schema)));
    let mut frame = object(&format!("An event of type `{}`", kind.name), Value::Object(fields));
    kinds::hold(&mut frame, "data", &kind.ours, kind.theirs.as_ref());
    frame
}

fn reply(book: &mut Book, name: &str, data: Value) -> Value {
    object(
        &format!("The reply `{name}`"),
        json!({
            "type": exactly(name),
            "timestamp": book.of::<Timestamp>(),
            "data": data,
            "epoch": book.of::<Epoch>(),
            "session_id": book.of::<SessionId>(),
            "source": exactly("system"),
            "request_id?": replies::request_id(),
        }),
    )
}
