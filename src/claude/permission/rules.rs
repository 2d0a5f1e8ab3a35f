//! What claude is told to remember, so that it does not ask again: never more than was said to whoever allows it.
//!
//! Read in 2.1.197: in a rule of Bash, `*` stands for anything and a final `:*` for any end; a rule without content is the
//! tool with whatever input. Rules hold until claude's session is over, whatever is asked for.

use super::Question;
use crate::control::Remember;
use crate::event::control::QUESTION_TOOL;
use serde_json::{Value, json};

/// What a rule that is to be remembered may be.
const RULES: [&str; 3] = ["addRules", "setMode", "addDirectories"];

/// How much "from now on" allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Exactly this command.
    Command,
    /// The tool, whatever its input.
    Tool,
}

/// How much is allowed where a tool with this input is to be allowed from now on.
///
/// # Errors
/// Why claude has no rule for that, one sentence without a final stop.
pub fn scope(tool: &str, input: &Value) -> Result<Scope, String> {
    if tool == QUESTION_TOOL {
        return Err("an answer to a question is not remembered".into());
    }
    if tool != "Bash" {
        return Ok(Scope::Tool);
    }
    let command = input.get("command").and_then(Value::as_str).unwrap_or_default();
    if command.trim().is_empty() || command.contains('*') {
        return Err("claude has no rule for exactly this command: `*` would stand for anything in it".into());
    }
    Ok(Scope::Command)
}

/// The rules as the hook gives them back.
pub(super) fn rules(question: &Question, remember: &Remember) -> Result<Value, String> {
    let rules = match remember {
        Remember::This => return this(question),
        Remember::Rules(rules) => rules,
    };
    let for_session = |rule: &Value| {
        let kind = rule.get("type").and_then(Value::as_str).unwrap_or_default();
        let mut rule = rule.as_object().filter(|_| RULES.contains(&kind))?.clone();
        rule.insert("destination".into(), "session".into());
        Some(Value::Object(rule))
    };
    let rules: Option<Vec<Value>> = rules.iter().map(for_session).collect();
    rules
        .map(Value::Array)
        .ok_or_else(|| format!("a rule is an object whose type is one of {}", RULES.join(", ")))
}

fn this(question: &Question) -> Result<Value, String> {
    let mut rule = json!({ "toolName": question.tool });
    if scope(&question.tool, &question.input)? == Scope::Command {
        rule["ruleContent"] = question.input["command"].clone();
    }
    Ok(json!([{ "type": "addRules", "rules": [rule], "behavior": "allow", "destination": "session" }]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_allowed_from_now_on_than_is_said() {
        for (tool, input, expected) in [
            ("Bash", json!({ "command": "touch x" }), Some(Scope::Command)),
            ("Bash", json!({ "command": r"grep 'a\|b' x" }), Some(Scope::Command)),
            ("Bash", json!({ "command": "cat *" }), None),
            ("Bash", json!({ "command": r"cat \*" }), None),
            ("Bash", json!({ "command": "npm run:*" }), None),
            ("Bash", json!({ "command": " " }), None),
            ("Bash", json!({ "command": 7 }), None),
            ("Bash", json!({}), None),
            ("Write", json!({ "file_path": "/x" }), Some(Scope::Tool)),
            ("mcp__db__query", json!({ "sql": "SELECT *" }), Some(Scope::Tool)),
            (QUESTION_TOOL, json!({}), None),
        ] {
            assert_eq!(scope(tool, &input).ok(), expected, "{tool} {input}");
        }
    }
}
