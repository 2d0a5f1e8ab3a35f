//! The events that each tape alone tells, in a file beside it.

use crate::facts::Event;
use serde_json::json;
use std::fmt::Write;
use test_support::tapes;

/// The folder of the tapes that this set of sources listens to alone.
pub(crate) fn folder(set: &str) -> Option<&'static str> {
    match set {
        "hooks only" => Some("hooks"),
        "stream only" => Some("stream"),
        "transcript only" => Some("transcripts"),
        "screen only" => Some("screens"),
        _ => None,
    }
}

/// The file holds these events, or is written where that is asked for.
#[track_caller]
pub(crate) fn compare(folder: &str, name: &str, runs: &[Vec<Event>]) {
    let path = tapes::fixtures().join(folder).join(format!("{name}.events.jsonl"));
    let mut text = String::new();
    for (run, events) in runs.iter().enumerate() {
        for event in events {
            let line = json!({ "run": run + 1, "type": event.kind, "data": event.data });
            writeln!(text, "{line}").expect("text grows");
        }
    }
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        std::fs::write(&path, text).expect("fixtures can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{}: UPDATE_FIXTURES=1 cargo test --test accuracy", path.display());
}
