//! Looks into the content of an event, and the phrases that sentences are made of.

use super::Data;
use serde_json::Value;

/// A text field; empty where there is none.
pub(super) fn text<'a>(data: &'a Data, name: &str) -> &'a str {
    data.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn number(data: &Data, name: &str) -> Option<i64> {
    data.get(name).and_then(Value::as_i64)
}

pub(super) fn float(data: &Data, name: &str) -> Option<f64> {
    data.get(name).and_then(Value::as_f64)
}

pub(super) fn is_true(data: &Data, name: &str) -> bool {
    data.get(name) == Some(&Value::Bool(true))
}

/// The texts of a list, with commas between them.
pub(super) fn listed(data: &Data, name: &str) -> String {
    let items = data.get(name).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

/// The text with a mark in front; nothing at all where it is empty.
pub(super) fn behind(mark: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{mark}{text}") }
}

/// The text in brackets, with a space in front; nothing at all where it is empty.
pub(super) fn bracketed(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}

/// `1 client`, `2 clients`.
pub(super) fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// ` after 1.5 s`, where the field says how many milliseconds it took.
pub(super) fn after_millis(data: &Data, name: &str) -> String {
    let millis = number(data, name);
    millis.map_or(String::new(), |millis| format!(" after {}", duration(millis as f64 / 1000.0)))
}

/// ` after 12.3 s`, where the field says how many seconds it took.
pub(super) fn after_seconds(data: &Data, name: &str) -> String {
    float(data, name).map_or(String::new(), |seconds| format!(" after {}", duration(seconds)))
}

/// The todo that is being worked on; empty where there is none.
pub(super) fn todo_at_hand(data: &Data) -> &str {
    let mut items = data.get("todos").and_then(Value::as_array).into_iter().flatten();
    let current = items.find(|item| item.get("status").and_then(Value::as_str) == Some("in_progress"));
    current.and_then(|item| item.get("content")?.as_str()).unwrap_or_default()
}

/// How many todos are done, and how many there are.
pub(super) fn todo_counts(data: &Data) -> (u64, u64) {
    let stats = data.get("stats").unwrap_or(&Value::Null);
    let count = |name: &str| stats.get(name).and_then(Value::as_u64).unwrap_or_default();
    (count("completed"), count("total"))
}

/// What a process tree uses.
pub(super) fn load(data: &Data) -> (f64, f64, i64) {
    let used = |name: &str| float(data, name).unwrap_or_default();
    (used("memory_usage_mb"), used("cpu_percent"), number(data, "processes").unwrap_or_default())
}

/// Any content: its fields, as far as they hold something.
pub(super) fn fields(data: &Data) -> String {
    let show = |(name, value): (&String, &Value)| match value {
        Value::Null => None,
        Value::String(text) => Some(format!("{name}={text}")),
        other => Some(format!("{name}={other}")),
    };
    data.iter().filter_map(show).collect::<Vec<_>>().join(" ")
}

/// On one line, without control characters, at most so many characters; what was cut ends with an ellipsis.
pub(super) fn line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut chars = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        let separator = if line.is_empty() { None } else { Some(' ') };
        for character in separator.into_iter().chain(word.chars()) {
            if chars == most {
                line.pop();
                line.truncate(line.trim_end().len());
                line.push('…');
                return line;
            }
            line.push(character);
            chars += 1;
        }
    }
    line
}

/// On one line and in quotes, so short that there is room for the rest of a sentence.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", line(text, 120))
}

/// With a capital letter in front.
pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// A length of time, rounded as a person would: `12.3 s`, `4 m 05 s`, `2 h 10 m`, `3 d 4 h`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{:.1} s", seconds.clamp(0.0, 59.9)),
        60..3600 => format!("{} m {:02} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {:02} m", whole / 3600, whole / 60 % 60),
        _ => format!("{} d {} h", whole / 86_400, whole / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded() {
        let shown = [0.04, 12.34, 59.99, 65.0, 7800.0, 270_000.0].map(duration);
        assert_eq!(shown, ["0.0 s", "12.3 s", "59.9 s", "1 m 05 s", "2 h 10 m", "3 d 3 h"]);
    }

    #[test]
    fn a_line_is_cut_at_a_character_and_says_so() {
        for (text, most, expected) in [
            ("a\n\n b\tc", 9, "a b c"),
            ("\u{1b}[2Jx", 9, "[2Jx"),
            ("  ", 9, ""),
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abcde…"),
            ("äöüäöüä", 6, "äöüäö…"),
            ("abcd ef g", 6, "abcd…"),
        ] {
            assert_eq!(line(text, most), expected, "{text:?}");
        }
    }
}
