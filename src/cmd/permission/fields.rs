//! The input of a tool that claude asks for, field by field: who allows it sees all that runs, or what of it is not shown
//! and where that can be seen.

use crate::event::control::{PermissionRequested, QUESTION_TOOL};
use serde_json::Value;

/// Most lines of one field, and most of all; after that each field has one.
const MAX_LINES: usize = 40;
const MAX_ALL: usize = 120;
/// Most characters of one field.
const MAX_CHARS: usize = 4_000;
/// Where all of it stands.
const ELSEWHERE: &str = "`claude-mpm permissions -o json` shows it";

/// The fields, as they are: the caller makes them visible. What claude asks in words stands elsewhere.
pub(in crate::cmd) fn lines(asked: &PermissionRequested) -> Vec<String> {
    let mut lines = Vec::new();
    let Value::Object(fields) = &asked.tool_input else {
        return field("input", &asked.tool_input, MAX_LINES);
    };
    let is_asked = |name: &str| name == "questions" && asked.tool_name == QUESTION_TOOL;
    for (name, value) in fields.iter().filter(|(name, _)| !is_asked(name)) {
        lines.extend(field(name, value, if lines.len() < MAX_ALL { MAX_LINES } else { 0 }));
        let is_in = |names: &[String]| names.iter().any(|known| known == name);
        if is_in(&asked.truncated) {
            lines.push("    (it goes on, and that is shown at claude's terminal only)".into());
        }
        if is_in(&asked.redacted) {
            lines.push("    (something in it is hidden, and shown at claude's terminal only)".into());
        }
    }
    if asked.not_whole().contains(&"...") {
        lines.push("  (and fields that are shown at claude's terminal only)".into());
    }
    lines
}

/// One field: in a line, or in a block whose lines cannot be taken for others.
fn field(name: &str, value: &Value, most: usize) -> Vec<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if most == 0 {
        return vec![format!("  {name}: ({} bytes: {ELSEWHERE})", text.len())];
    }
    let end = text.char_indices().nth(MAX_CHARS).map_or(text.len(), |(at, _)| at);
    let shown: Vec<&str> = text[..end].split('\n').take(most).collect();
    let bytes = shown.iter().map(|line| line.len() + 1).sum::<usize>().saturating_sub(1);
    let mut lines = match shown.as_slice() {
        [line] => vec![format!("  {name}: {line}")],
        several => {
            let several = several.iter().map(|line| format!("    | {line}"));
            std::iter::once(format!("  {name}:")).chain(several).collect()
        }
    };
    if bytes < text.len() {
        lines.push(format!("    (and {} bytes more: {ELSEWHERE})", text.len() - bytes));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(tool: &str, input: &Value, truncated: &[&str], redacted: &[&str]) -> Vec<String> {
        let asked = json!({ "permission_id": "p", "tool_name": tool, "tool_input": input, "truncated": truncated,
            "redacted": redacted, "agent": null, "suggestions": [], "questions": null, "expires_at": null });
        lines(&serde_json::from_value(asked).unwrap())
    }

    #[test]
    fn every_field_is_shown() {
        let input = json!({ "command": "ls", "dangerouslyDisableSandbox": true, "code": "a\nb" });
        let expected =
            ["  command: ls", "  dangerouslyDisableSandbox: true", "  code:", "    | a", "    | b"];
        assert_eq!(of("Bash", &input, &[], &[]), expected);
        assert_eq!(of("Odd", &json!([1]), &[], &[]), ["  input: [1]"]);
        let asks = json!({ "questions": [{ "question": "Why?" }], "metadata": 1 });
        assert_eq!(of(QUESTION_TOOL, &asks, &[], &[]), ["  metadata: 1"]);
        assert_eq!(of("Odd", &asks, &[], &[]).len(), 2);
    }

    #[test]
    fn what_is_not_shown_is_said() {
        let cut = of("Bash", &json!({ "command": "ls", "x": "y" }), &["command", "..."], &["x"]);
        assert_eq!(cut.len(), 5, "{cut:?}");
        assert!(cut[1].contains("it goes on") && cut[3].contains("hidden") && cut[4].contains("fields"));
        let long = of("Write", &json!({ "content": "é".repeat(5_000) }), &[], &[]);
        assert!(long[1].contains("(and 2000 bytes more: `claude-mpm permissions"), "{}", long[1]);
        let tall = of("Write", &json!({ "content": "x\n".repeat(100) }), &[], &[]);
        assert_eq!((tall.len(), tall[41].contains("(and 121 bytes more")), (42, true), "{}", tall[41]);
        let many: serde_json::Map<_, _> = (0..100).map(|n| (n.to_string(), json!("x\n".repeat(9)))).collect();
        let many = of("Odd", &many.into(), &[], &[]);
        assert!(many.len() < MAX_ALL + 120 && many.last().unwrap().contains("(18 bytes: "), "{}", many.len());
    }
}
