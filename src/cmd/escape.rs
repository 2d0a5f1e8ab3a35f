//! Hostile text made visible: for verbs that show it, and for the JSON that they print.

use serde::Serialize;
use std::io;

pub(super) use crate::event::acting::{visible, visible_json};

/// A value as the one line of JSON that a verb prints with `-o json`.
pub(super) fn json_line(value: &impl Serialize) -> io::Result<String> {
    Ok(visible_json(&serde_json::to_string(value)?).into_owned())
}
