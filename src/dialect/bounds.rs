//! How large what somebody publishes may be: how many events and values, how long a text.

use super::fault::{Code, Fault};
use super::fields::bounded;
use super::publish::{MAX_EVENTS, wrong};
use crate::detect::cut;
use crate::event::Body;
use crate::event::published::Remarks;
use crate::event::values::{self, MAX_VALUES_AT_ONCE};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The field that names those that were cut, as in hooks.
const TRUNCATED: &str = "truncated";

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
        object.insert(TRUNCATED.to_owned(), cut.into());
    }
    object
}

/// What has no place to say so is cut alike: texts of our shapes and names of fields.
pub(super) fn cut_all(body: &mut Body, remarks: Option<&mut Remarks>) {
    let cut = |text: &mut String| {
        if text.len() > cut::MAX_TEXT {
            text.truncate(text.floor_char_boundary(cut::MAX_TEXT));
        }
    };
    if let Body::Output(output) = body {
        output.truncated |= output.content.len() > cut::MAX_TEXT;
    }
    body.visit_texts(&mut { cut });
    if let Some(remarks) = remarks {
        remarks.visit_texts(&mut { cut });
    }
}
