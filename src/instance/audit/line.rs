//! One entry as one line: a JSON object of bounded length, in which nothing acts on a terminal or hides from a reader.

use super::{Entry, Subject};
use crate::event::Timestamp;
use crate::event::acting::{acts, joins};
use std::fmt::Write;

/// Longest line, bytes, with its end.
pub(super) const MAX_LINE: usize = 4096;
/// Most bytes of a text once it is escaped; the detail has what is left.
const SHORT: usize = 256;
const OUTCOME: usize = 512;
const DETAIL: usize = 2048;
/// Stands where a text was cut.
const CUT: char = '…';

/// The line of an entry.
pub(super) fn of(entry: &Entry) -> Vec<u8> {
    let event = match entry.event {
        Subject::Connection => "connection",
        Subject::Refusal => "refusal",
        Subject::Control => "control",
        Subject::Token => "token",
    };
    let mut line = Line::of(entry.at, event);
    line.text("peer", Some(&entry.peer), SHORT);
    line.number("pid", entry.pid);
    line.number("uid", entry.uid);
    line.text("role", entry.role.map(crate::instance::Role::as_str), SHORT);
    line.text("action", Some(&entry.action), SHORT);
    line.text("session", entry.session.as_deref(), SHORT);
    line.text("outcome", Some(&entry.outcome), OUTCOME);
    line.text("detail", entry.detail.as_deref(), DETAIL);
    line.end()
}

/// The line that tells of those that could not be written before it.
pub(super) fn of_lost(at: Timestamp, count: u64) -> Vec<u8> {
    let mut line = Line::of(at, "lost");
    line.text("outcome", Some(&format!("{count} entries could not be written")), OUTCOME);
    line.end()
}

struct Line(String);

impl Line {
    /// Begins with when, what it is about, and which process says so.
    fn of(at: Timestamp, event: &str) -> Self {
        Self(format!(r#"{{"at":"{at}","event":"{event}","hub_pid":{}"#, std::process::id()))
    }

    fn number(&mut self, name: &str, value: Option<u32>) {
        let number = value.map_or_else(|| "null".to_owned(), |value| value.to_string());
        self.0.push_str(&format!(r#","{name}":{number}"#));
    }

    fn text(&mut self, name: &str, value: Option<&str>, most: usize) {
        let text = value.map_or_else(|| "null".to_owned(), |value| quoted(value, most));
        self.0.push_str(&format!(r#","{name}":{text}"#));
    }

    fn end(mut self) -> Vec<u8> {
        self.0.push_str("}\n");
        debug_assert!(self.0.len() <= MAX_LINE, "the bounds of the texts add up to less");
        self.0.into_bytes()
    }
}

/// As a JSON string of at most so many bytes between its quotes.
fn quoted(text: &str, most: usize) -> String {
    let mut quoted = String::from('"');
    // As far as the sign of a cut would still fit behind it.
    let mut fits = quoted.len();
    for character in text.chars() {
        push(&mut quoted, character);
        if quoted.len() - 1 <= most - CUT.len_utf8() {
            fits = quoted.len();
        }
        if quoted.len() - 1 > most {
            quoted.truncate(fits);
            quoted.push(CUT);
            break;
        }
    }
    quoted.push('"');
    quoted
}

fn push(quoted: &mut String, character: char) {
    match character {
        '"' => quoted.push_str("\\\""),
        '\\' => quoted.push_str("\\\\"),
        acting if acts(acting) || joins(acting) => {
            for unit in acting.encode_utf16(&mut [0; 2]) {
                let written = write!(quoted, "\\u{unit:04x}");
                debug_assert!(written.is_ok(), "writing to a string cannot fail");
            }
        }
        plain => quoted.push(plain),
    }
}
