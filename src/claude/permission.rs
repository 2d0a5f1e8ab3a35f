//! What claude is told when somebody answers its question from elsewhere: the JSON a hook gives back.
//!
//! Measured on 2.1.197: `updatedInput` replaces the whole input; an answer that is not exactly of this form is no
//! answer, and the dialog stays.

mod rules;
mod told;

pub use rules::{Scope, scope};

use crate::control::Answer;
use crate::event::control::{PermissionRequested, QUESTION_TOOL};
use serde_json::{Value, json};

/// The hooks that may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// A dialog asks, and claude's user may answer it there.
    PermissionRequest,
    /// Before a tool is used; where there is no dialog (`-p`), the only place to ask.
    PreToolUse,
}

/// Tools that nobody has to be asked for: what they may do is decided by claude's own rules, with no dialog.
const HARMLESS: [&str; 14] = [
    "Agent",
    "Glob",
    "Grep",
    "LS",
    "NotebookRead",
    "Read",
    "Task",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskOutput",
    "TaskUpdate",
    "TodoWrite",
    "ToolSearch",
];

impl Hook {
    /// The hook of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "PermissionRequest" => Some(Self::PermissionRequest),
            "PreToolUse" => Some(Self::PreToolUse),
            _ => None,
        }
    }

    /// Whether somebody is to be asked before claude uses this tool.
    pub fn asks_for(self, tool: &str) -> bool {
        self == Self::PermissionRequest || !HARMLESS.contains(&tool)
    }
}

/// A question as claude asks it.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// By which hook.
    pub hook: Hook,
    /// The tool it wants to use.
    pub tool: String,
    /// With this input, whole.
    pub input: Value,
}

impl Question {
    /// What the hook gives back; `shown` is the question as those who answer were told of it.
    ///
    /// # Errors
    /// Why the answer cannot be given, one sentence without a final stop.
    pub fn answered(&self, answer: &Answer, shown: Option<&PermissionRequested>) -> Result<Value, String> {
        told::is_seen(answer, shown)?;
        let output = match (self.hook, answer) {
            (Hook::PermissionRequest, Answer::Allow { remember, .. }) => {
                let mut decision = json!({ "behavior": "allow" });
                if let Some(input) = self.input_for(answer, shown)? {
                    decision["updatedInput"] = input;
                }
                if let Some(remember) = remember {
                    decision["updatedPermissions"] = rules::rules(self, remember)?;
                }
                json!({ "hookEventName": "PermissionRequest", "decision": decision })
            }
            (Hook::PermissionRequest, Answer::Deny { message, interrupt }) => {
                let mut decision = json!({ "behavior": "deny" });
                if let Some(message) = message {
                    decision["message"] = message.as_str().into();
                }
                if *interrupt {
                    decision["interrupt"] = true.into();
                }
                json!({ "hookEventName": "PermissionRequest", "decision": decision })
            }
            (Hook::PreToolUse, Answer::Allow { remember: Some(_), .. }) => {
                return Err("claude -p remembers no rules: answer each question".into());
            }
            (Hook::PreToolUse, Answer::Allow { .. }) => {
                let mut output = json!({ "hookEventName": "PreToolUse", "permissionDecision": "allow" });
                output["permissionDecisionReason"] = "allowed from elsewhere".into();
                if let Some(input) = self.input_for(answer, shown)? {
                    output["updatedInput"] = input;
                }
                output
            }
            (Hook::PreToolUse, Answer::Deny { interrupt: true, .. }) => {
                return Err("claude -p cannot be interrupted by an answer: deny, then interrupt".into());
            }
            (Hook::PreToolUse, Answer::Deny { message, interrupt: false }) => json!({
                "hookEventName": "PreToolUse",
                "permissionDecision": "deny",
                "permissionDecisionReason": message.as_deref().unwrap_or("denied from elsewhere"),
            }),
        };
        Ok(json!({ "hookSpecificOutput": output }))
    }

    /// The input instead of the model's.
    fn input_for(
        &self,
        answer: &Answer,
        shown: Option<&PermissionRequested>,
    ) -> Result<Option<Value>, String> {
        let Answer::Allow { updated_input, answers, .. } = answer else { return Ok(None) };
        match (updated_input, answers) {
            (Some(_), Some(_)) => Err("either updated_input or answers, not both".into()),
            (Some(input), None) => {
                let unanswered = self.tool == QUESTION_TOOL && !input.contains_key("answers");
                let input = Value::Object(input.clone());
                told::has_nothing_hidden(&self.input, &input)?;
                told::has_nothing_cut(shown, &input)?;
                if unanswered { Err(UNANSWERED.into()) } else { Ok(Some(input)) }
            }
            (None, Some(answers)) => {
                let input = told::with_answers(self, answers, shown)?;
                told::has_nothing_hidden(&self.input, &input)?;
                Ok(Some(input))
            }
            (None, None) if self.tool == QUESTION_TOOL => Err(UNANSWERED.into()),
            (None, None) => Ok(None),
        }
    }
}

const UNANSWERED: &str = "claude asks a question: answers is needed, by the text of each question";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Remember;

    fn question(hook: Hook, tool: &str, input: Value) -> Question {
        Question { hook, tool: tool.into(), input }
    }

    fn allow(more: Value) -> Answer {
        let field = |name: &str| more.get(name).and_then(Value::as_object).cloned();
        let remember = more.get("remember").map(|rules| match rules {
            Value::Array(rules) => Remember::Rules(rules.clone()),
            _ => Remember::This,
        });
        Answer::Allow {
            updated_input: field("updated_input"),
            answers: field("answers"),
            remember,
            unseen: true,
        }
    }

    #[test]
    fn a_dialog_is_answered_in_claudes_own_form() {
        let bash = question(Hook::PermissionRequest, "Bash", json!({ "command": "touch x" }));
        let rule = |rules: Value| json!({ "behavior": "allow", "updatedPermissions": rules });
        for (answer, decision) in [
            (allow(json!({})), json!({ "behavior": "allow" })),
            (
                allow(json!({ "updated_input": { "command": "ls" } })),
                json!({ "behavior": "allow", "updatedInput": { "command": "ls" } }),
            ),
            (
                allow(json!({ "remember": true })),
                rule(json!([{
                    "type": "addRules", "rules": [{ "toolName": "Bash", "ruleContent": "touch x" }],
                    "behavior": "allow", "destination": "session",
                }])),
            ),
            (
                allow(
                    json!({ "remember": [{ "type": "setMode", "mode": "acceptEdits", "destination": "userSettings" }] }),
                ),
                rule(json!([{ "type": "setMode", "mode": "acceptEdits", "destination": "session" }])),
            ),
            (Answer::Deny { message: None, interrupt: false }, json!({ "behavior": "deny" })),
            (
                Answer::Deny { message: Some("no".into()), interrupt: true },
                json!({ "behavior": "deny", "message": "no", "interrupt": true }),
            ),
        ] {
            let expected = json!({ "hookSpecificOutput": { "hookEventName": "PermissionRequest", "decision": decision } });
            assert_eq!(bash.answered(&answer, None), Ok(expected));
        }
    }

    #[test]
    fn questions_are_answered_whole_or_not_at_all() {
        let questions = json!([{ "question": "Which DB?" }, { "question": "Which caches?" }]);
        let asks = question(Hook::PermissionRequest, QUESTION_TOOL, json!({ "questions": questions }));
        let answers = |answers: Value| asks.answered(&allow(json!({ "answers": answers })), None);
        let given = answers(json!({ "Which DB?": "SQLite", "Which caches?": ["Redis", "Mem"] })).unwrap();
        assert_eq!(
            given["hookSpecificOutput"]["decision"]["updatedInput"],
            json!({ "questions": questions, "answers": { "Which DB?": "SQLite", "Which caches?": "Redis, Mem" } })
        );
        for wrong in [
            json!({}),
            json!({ "Which DB?": "SQLite" }),
            json!({ "Which DB?": "a", "Which caches?": "b", "Who?": "c" }),
            json!({ "Which DB?": 1, "Which caches?": "b" }),
            json!({ "Which DB?": ["a", null], "Which caches?": "b" }),
        ] {
            assert!(answers(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(asks.answered(&allow(json!({})), None).is_err());
        assert!(asks.answered(&allow(json!({ "updated_input": { "questions": [] } })), None).is_err());
        let bash = question(Hook::PermissionRequest, "Bash", json!({}));
        assert!(bash.answered(&allow(json!({ "answers": {} })), None).is_err());
    }

    #[test]
    fn without_a_dialog_the_tool_itself_is_allowed_or_denied() {
        let write = question(Hook::PreToolUse, "Write", json!({ "file_path": "/x" }));
        let output = |answer| write.answered(&answer, None).map(|json| json["hookSpecificOutput"].clone());
        let allowed = output(allow(json!({}))).unwrap();
        assert_eq!(
            (&allowed["permissionDecision"], &allowed["hookEventName"]),
            (&json!("allow"), &json!("PreToolUse"))
        );
        let denied = output(Answer::Deny { message: Some("no".into()), interrupt: false }).unwrap();
        assert_eq!(
            (&denied["permissionDecision"], &denied["permissionDecisionReason"]),
            (&json!("deny"), &json!("no"))
        );
        assert!(output(allow(json!({ "remember": true }))).is_err());
        assert!(output(Answer::Deny { message: None, interrupt: true }).is_err());
    }

    #[test]
    fn a_rule_of_an_unknown_kind_is_not_passed_on() {
        let bash = question(Hook::PermissionRequest, "Bash", json!({}));
        for rule in [json!({ "type": "removeRules" }), json!("addRules"), json!({}), json!(null)] {
            assert!(bash.answered(&allow(json!({ "remember": [rule] })), None).is_err());
        }
    }
}
