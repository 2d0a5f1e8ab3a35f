//! What a tool is used for, in a few words: the field of its input that a person would read first.

use super::Data;
use super::words::{behind, line, text};
use serde_json::Value;

/// Fields that say what a call is about, the best first.
const SUBJECTS: [&str; 16] = [
    "command",
    "file_path",
    "notebook_path",
    "pattern",
    "query",
    "url",
    "skill",
    "subject",
    "description",
    "prompt",
    "path",
    "task_id",
    "taskId",
    "message",
    "title",
    "name",
];
/// Longest subject, characters.
const MAX_SUBJECT: usize = 140;

/// `Bash: npm test`, `agent qa: Write tests`; `None` where no tool is named.
pub(super) fn call(data: &Data) -> Option<String> {
    let tool = Some(text(data, "tool_name")).filter(|tool| !tool.is_empty())?;
    let no_input = Data::new();
    let input = data.get("tool_input").and_then(Value::as_object).unwrap_or(&no_input);
    let agent = Some(text(input, "subagent_type")).filter(|agent| !agent.is_empty());
    let tool = agent.map_or_else(|| tool.to_owned(), |agent| format!("agent {agent}"));
    Some(format!("{tool}{}", behind(": ", &subject(input))))
}

fn subject(input: &Data) -> String {
    let mut said = SUBJECTS.iter().map(|name| text(input, name)).filter(|text| !text.is_empty());
    said.next().map_or(String::new(), |subject| line(subject, MAX_SUBJECT))
}
