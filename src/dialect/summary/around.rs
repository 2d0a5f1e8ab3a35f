//! Sentences about what happens around a hub (components, clients, settings, resources, tmux), and about agents in the
//! words of requirement R4. They serve both forms.
//!
//! These types are open to publishers: what lacks the fields a sentence is made of has none.

use super::Data;
use super::words::{after_seconds, behind, bracketed, counted, fields, float, listed, number, text};
use crate::event::channel;
use crate::event::control::QUESTION_TOOL;
use serde_json::Value;

/// The sentence; `None` for other types, and where the content is not of the usual shape.
pub(super) fn sentence(kind: &str, data: &Data) -> Option<String> {
    match kind {
        channel::COMPONENT_STARTED => started(data),
        channel::COMPONENT_STOPPED => {
            let component = there(data, "component")?;
            Some(format!("Component {component} has left{}", behind(": ", text(data, "reason"))))
        }
        channel::COMPONENT_HEALTH => health(data),
        channel::WS_CONNECTED => {
            let client = number(data, "client_id")?;
            let [transport, dialect] = ["transport", "dialect"].map(|name| text(data, name));
            let way = behind(" over ", transport);
            Some(format!("Client {client} came{way}{}{}", bracketed(dialect), clients(data)))
        }
        channel::WS_DISCONNECTED => {
            let client = number(data, "client_id")?;
            let stayed = after_seconds(data, "duration_seconds");
            Some(format!("Client {client} left{stayed}{}", clients(data)))
        }
        channel::CONFIG_CHANGED => {
            let path = there(data, "path")?;
            Some(format!(
                "Settings were read again from {path}{}",
                behind(", changed: ", &listed(data, "changed"))
            ))
        }
        channel::RESOURCE_ALERT => resources(data),
        channel::PERMISSION_REQUESTED => asked(data),
        channel::PERMISSION_RESOLVED => resolved(data),
        channel::CONTROL_ACTION => control(data),
        channel::PANE_OUTPUT => Some(format!("A pane shows: {}", there(data, "content")?)),
        channel::TMUX_SESSION_CREATED | channel::SESSION_CREATED => session(data, "was created"),
        channel::SESSION_CLOSED => session(data, "was closed"),
        channel::TMUX_WINDOW_CHANGED => session(data, "has another window"),
        channel::FLOW_AGENT_SPAWNED => agent(data, "was called"),
        channel::FLOW_AGENT_COMPLETED => agent(data, "has ended"),
        _ => None,
    }
}

/// A text that is there and says something.
fn there<'a>(data: &'a Data, name: &str) -> Option<&'a str> {
    Some(text(data, name)).filter(|text| !text.is_empty())
}

fn started(data: &Data) -> Option<String> {
    let component = there(data, "component")?;
    let version = behind(" ", text(data, "version"));
    Some(format!("Component {component}{version} is here{}", behind(", for ", &listed(data, "capabilities"))))
}

fn health(data: &Data) -> Option<String> {
    let (component, status) = (there(data, "component")?, there(data, "status")?);
    let before = behind(" (before: ", text(data, "previous"))
        + if text(data, "previous").is_empty() { "" } else { ")" };
    Some(format!("Component {component} is {status}{before}{}", behind(": ", text(data, "reason"))))
}

/// What is asked for, by the field that says most; the others are named at least.
fn asked(data: &Data) -> Option<String> {
    const SAYS: [&str; 5] = ["command", "file_path", "url", "plan", "description"];
    let (tool, input) = (there(data, "tool_name")?, data.get("tool_input")?.as_object());
    let says = input.and_then(|input| SAYS.into_iter().find(|name| !text(input, name).is_empty()));
    let what = match (input, says) {
        (Some(input), Some(says)) => {
            text(input, says).to_owned() + &behind(", with ", &others(tool, input, says))
        }
        (Some(input), None) if tool != QUESTION_TOOL => fields(input),
        (_, None) | (None, _) => String::new(),
    };
    let [cut, hidden] = ["truncated", "redacted"].map(|name| listed(data, name));
    let agent = behind(" for agent ", text(data, "agent"));
    let id = bracketed(text(data, "permission_id"));
    let (cut, hidden) = (behind(" [cut: ", &cut), behind(" [hidden in: ", &hidden));
    let close = |text: String| if text.is_empty() { text } else { text + "]" };
    Some(format!("Claude asks for {tool}{agent}{}{}{}{id}", behind(": ", &what), close(cut), close(hidden)))
}

/// Names of the other fields. What a command is for is said by claude, and does nothing; questions stand for themselves.
fn others(tool: &str, input: &Data, says: &str) -> String {
    let is_other = |name: &&String| {
        let said = [says, if tool == "Bash" { "description" } else { "" }];
        !said.contains(&name.as_str())
    };
    input.keys().filter(is_other).map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn resolved(data: &Data) -> Option<String> {
    let (id, decision) = (there(data, "permission_id")?, there(data, "decision")?);
    let decision = match decision {
        "allow" => "allowed",
        "deny" => "denied",
        other => other,
    };
    let by = match text(data, "by") {
        "local" => " at claude's terminal",
        "remote" => " from elsewhere",
        _ => "",
    };
    Some(format!("Permission {id} was {decision}{by}{}", behind(": ", text(data, "message"))))
}

fn control(data: &Data) -> Option<String> {
    let (action, outcome, peer) = (there(data, "action")?, there(data, "outcome")?, there(data, "peer")?);
    let what = behind(" ", text(data, "detail"));
    Some(format!("{action}{what} of {peer} is {outcome}{}", behind(": ", text(data, "reason"))))
}

fn clients(data: &Data) -> String {
    let clients = data.get("clients").and_then(Value::as_u64);
    clients.map_or(String::new(), |clients| format!(", {} in all", counted(clients, "client")))
}

fn resources(data: &Data) -> Option<String> {
    let component = there(data, "component")?;
    if let Some(message) = there(data, "message") {
        return Some(message.to_owned());
    }
    let metrics = data.get("metrics")?.as_object()?;
    let (cpu, memory) = (float(metrics, "cpu_percent")?, float(metrics, "memory_mb")?);
    let level = bracketed(text(data, "alert_level"));
    Some(format!("Component {component} uses {memory:.1} MiB and {cpu:.1} % CPU{level}"))
}

fn session(data: &Data, fate: &str) -> Option<String> {
    let session = there(data, "session")?;
    let windows = data.get("windows").and_then(Value::as_u64);
    let windows = windows.map_or(String::new(), |windows| format!(" with {}", counted(windows, "window")));
    Some(format!("The tmux session {session} {fate}{windows}{}", behind(" in ", text(data, "path"))))
}

fn agent(data: &Data, fate: &str) -> Option<String> {
    let agent = there(data, "agent_type").or(there(data, "agent_id"))?;
    let failed = if text(data, "status") == "failed" { "has failed" } else { fate };
    Some(format!("Agent {agent} {failed}{}", behind(": ", text(data, "task"))))
}
