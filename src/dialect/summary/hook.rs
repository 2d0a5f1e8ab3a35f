//! Claude's hooks as sentences that stand alone. Fields are those recorded of claude 2.1.197; a hook that is not known
//! here says what it says.

use super::words::{after_millis, behind, bracketed, counted, duration, fields, number, quoted, text};
use super::{Data, tools};
use serde_json::Value;

/// Fields that every hook has, or that no reader wants.
const ALWAYS_THERE: [&str; 9] = [
    "session_id",
    "transcript_path",
    "cwd",
    "prompt_id",
    "permission_mode",
    "effort",
    "agent_id",
    "hook_event_name",
    "truncated",
];

/// The sentence of a hook with this name.
pub(super) fn sentence(name: &str, data: &Data) -> String {
    let said = match name {
        "UserPromptSubmit" => filled("The user asks", text(data, "prompt")),
        "PreToolUse" => running(data),
        "PostToolUse" => ran(data),
        "PostToolUseFailure" => failed(data),
        "PostToolBatch" => batch(data),
        "PermissionRequest" => permission(data, "asks whether it may use"),
        "PermissionDenied" => permission(data, "may not use"),
        "Notification" => filled("Claude notes", text(data, "message")),
        "MessageDisplay" => filled("Claude says", text(data, "delta")),
        "SubagentStart" | "SubagentStop" => agent(name, data),
        "TaskCreated" => filled("A task was made", text(data, "task_subject")),
        "TaskCompleted" => filled("A task is done", text(data, "task_subject")),
        _ => turn(name, data),
    };
    said.unwrap_or_else(|| unknown(name, data))
}

/// What begins and ends: turns, sessions, compactions.
fn turn(name: &str, data: &Data) -> Option<String> {
    let last_words = || behind(": ", text(data, "last_assistant_message"));
    let trigger = || bracketed(text(data, "trigger"));
    Some(match name {
        "Stop" => format!("Claude has finished its turn{}", last_words()),
        "StopFailure" => {
            format!("Claude's turn ended with an error{}{}", bracketed(text(data, "error")), last_words())
        }
        "SessionStart" => format!("Claude's own session begins{}", bracketed(text(data, "source"))),
        "SessionEnd" => format!("Claude's own session ends{}", bracketed(text(data, "reason"))),
        "PreCompact" => format!("Claude is about to compact the conversation{}", trigger()),
        "PostCompact" => format!("Claude has compacted the conversation{}", trigger()),
        _ => return None,
    })
}

fn filled(opening: &str, text: &str) -> Option<String> {
    (!text.is_empty()).then(|| format!("{opening}: {text}"))
}

/// Who uses a tool.
fn who(data: &Data) -> String {
    match text(data, "agent_type") {
        "" => "Claude".to_owned(),
        agent => format!("Agent {agent}"),
    }
}

fn running(data: &Data) -> Option<String> {
    let call = tools::call(data)?;
    Some(match text(data, "agent_type") {
        "" => format!("Running {call}"),
        agent => format!("Agent {agent} is running {call}"),
    })
}

fn ran(data: &Data) -> Option<String> {
    let took = number(data, "duration_ms").map_or(String::new(), |millis| duration(millis as f64 / 1000.0));
    Some(format!("{} ran {}{}", who(data), tools::call(data)?, bracketed(&took)))
}

fn failed(data: &Data) -> Option<String> {
    let took = after_millis(data, "duration_ms");
    let (call, error) = (tools::call(data)?, text(data, "error"));
    let error = if error.is_empty() { String::new() } else { format!(": {}", quoted(error)) };
    Some(format!("{} failed{took} at {call}{error}", who(data)))
}

fn batch(data: &Data) -> Option<String> {
    let calls = data.get("tool_calls")?.as_array()?;
    let names: Vec<&str> = calls.iter().filter_map(|call| call.get("tool_name")?.as_str()).collect();
    Some(format!(
        "{} has done {}{}",
        who(data),
        counted(calls.len() as u64, "call"),
        behind(": ", &names.join(", "))
    ))
}

fn permission(data: &Data, verb: &str) -> Option<String> {
    Some(format!("{} {verb} {}", who(data), tools::call(data)?))
}

fn agent(name: &str, data: &Data) -> Option<String> {
    let agent = Some(text(data, "agent_type")).filter(|agent| !agent.is_empty())?;
    let verb = if name == "SubagentStart" { "begins to work" } else { "has finished" };
    Some(format!("Agent {agent} {verb}{}", behind(": ", text(data, "last_assistant_message"))))
}

fn unknown(name: &str, data: &Data) -> String {
    let own = data.iter().filter(|(name, value)| !ALWAYS_THERE.contains(&name.as_str()) && !is_empty(value));
    let own: Data = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    format!("Claude's hook {name}{}", behind(": ", &fields(&own)))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        other => other.is_null(),
    }
}
