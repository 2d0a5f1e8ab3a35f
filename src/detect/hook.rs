//! One hook of claude: the event it becomes and what it says about claude's work.
//!
//! Fields are those recorded of claude 2.1.197. What is missing or of a strange type says nothing; only what makes a
//! hook useless is a fault. Whose hook it is, is the listener's matter.

use super::claude_json::{failure, id, session_id, text};
use super::cut;
use super::js_json;
use super::observation::{
    Agent, AgentEnd, AgentFate, Asked, Call, Fact, Observation, Outcome, Return, Shown,
};
use super::user_text::{self, UserText};
use crate::event::Timestamp;
use crate::event::channel;
use crate::event::talk::{Hook, Role};
use crate::event::values;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Longest name of a hook, bytes.
const MAX_NAME: usize = 64;

/// Most calls of one batch, and most agents of one list, that are looked at.
const MAX_LISTED: usize = 10_000;

/// Most values of a hook: those of a patch of ten thousand lines, several times.
const MAX_VALUES: usize = 100_000;

/// Most rules of one question that are told.
const MAX_SUGGESTED: usize = 16;

/// A hook that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The event.
    pub event: Hook,
    /// What it says, in order.
    pub observations: Vec<Observation>,
    /// Claude's session; `None` where the id may be that of another one: `SessionStart` of a resumed conversation
    /// names the old session even where a new one is forked from it.
    pub claude_session: Option<Arc<str>>,
    /// The session's transcript, as claude says; not checked. `None` where the session is not known either.
    pub transcript_path: Option<String>,
    /// Claude's working directory.
    pub cwd: Option<String>,
}

/// Why a hook is not one.
#[derive(Debug, thiserror::Error)]
pub enum HookFault {
    /// Not JSON, or nested deeper than 128 levels.
    #[error("cannot read hook: {0}")]
    Json(#[from] serde_json::Error),
    /// More than 100,000 values, lists and objects counted for four: reading it would take much memory.
    #[error("cannot read hook: it has more than {MAX_VALUES} values")]
    TooWide,
    /// JSON, but a list or a plain value.
    #[error("cannot read hook: its body is no object")]
    NoObject,
    /// Neither body nor address name it with 1 to 64 letters and digits.
    #[error("cannot read hook: it has no name")]
    NoName,
    /// `session_id` is missing or no id.
    #[error("cannot read hook {name}: its session_id is missing or no id")]
    NoSession {
        /// The hook's name.
        name: String,
    },
}

/// Reads the hook that came in at `arrived`; `name` is what the address says it is, which the body may correct.
///
/// # Errors
/// Where the body says nothing that could be used.
pub fn read(name: &str, body: &[u8], arrived: Timestamp) -> Result<Heard, HookFault> {
    if values::count(body).values > MAX_VALUES {
        return Err(HookFault::TooWide);
    }
    let Value::Object(fields) = js_json::read(body)? else { return Err(HookFault::NoObject) };
    let body = Value::Object(fields);
    let own_name = text(&body, "hook_event_name").filter(|name| is_name(name));
    let name = own_name.or(Some(name).filter(|name| is_name(name))).ok_or(HookFault::NoName)?.to_owned();
    let session = text(&body, "session_id").and_then(session_id);
    let session: Arc<str> = session.ok_or_else(|| HookFault::NoSession { name: name.clone() })?.into();
    let is_sure = !(name == "SessionStart" && text(&body, "source") == Some("resume"));
    let said = Said { session: &session, agent: agent(&body), arrived };
    let observations = if is_sure { said.observations(&name, &body) } else { Vec::new() };
    Ok(Heard {
        observations,
        claude_session: is_sure.then_some(session),
        transcript_path: text(&body, "transcript_path").filter(|_| is_sure).map(Into::into),
        cwd: text(&body, "cwd").map(Into::into),
        event: event(&name, body),
    })
}

fn is_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain && name.len() <= MAX_NAME && name.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// The event: every field of the hook in its order, the long ones cut.
fn event(name: &str, body: Value) -> Hook {
    let fields = match body {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let mut bounded = cut::bounded(fields);
    if !bounded.cut.is_empty() {
        bounded.fields.insert(cut::TRUNCATED.into(), bounded.cut.into());
    }
    Hook::of_type(channel::hook(name), bounded.fields)
}

fn suggestions(body: &Value) -> Vec<Value> {
    let suggested = body.get("permission_suggestions").and_then(Value::as_array).into_iter().flatten();
    suggested.take(MAX_SUGGESTED).cloned().map(cut::value).collect()
}

fn agent(body: &Value) -> Option<Agent> {
    let name = id(body, "agent_type").map(Into::into);
    id(body, "agent_id").map(|agent_id| Agent { id: agent_id.into(), name })
}

/// What every observation of one hook has.
struct Said<'a> {
    session: &'a Arc<str>,
    agent: Option<Agent>,
    arrived: Timestamp,
}

impl Said<'_> {
    fn observations(&self, name: &str, body: &Value) -> Vec<Observation> {
        let facts = self.facts(name, body);
        // An agent does not start or end within itself, and no hook says within whom.
        let within_itself = matches!(name, "SubagentStart" | "SubagentStop");
        let agent = self.agent.clone().filter(|_| !within_itself);
        let observation = |fact| Observation {
            claude_session: Arc::clone(self.session),
            agent: agent.clone(),
            at: self.arrived,
            past: false,
            fact,
        };
        facts.into_iter().map(observation).collect()
    }

    fn facts(&self, name: &str, body: &Value) -> Vec<Fact> {
        match name {
            "UserPromptSubmit" => {
                text(body, "prompt").map(|prompt| prompted(prompt, body)).unwrap_or_default()
            }
            "SubagentStart" => self.agent_started().into_iter().collect(),
            "SubagentStop" => self.agent_ended().into_iter().collect(),
            "TaskCreated" | "TaskCompleted" => task_named(body).into_iter().collect(),
            _ => fact(name, body).into_iter().collect(),
        }
    }

    fn agent_started(&self) -> Option<Fact> {
        Some(Fact::AgentStarted { agent: self.agent.clone()?, tool_use_id: None })
    }

    /// `/compact` tells of the end of an agent that never was; it has no name.
    fn agent_ended(&self) -> Option<Fact> {
        let agent = self.agent.clone().filter(|agent| agent.name.is_some())?;
        Some(Fact::AgentEnded(AgentEnd {
            agent_id: agent.id,
            tool_use_id: None,
            how: AgentFate::Completed,
            duration_ms: None,
            tokens: None,
            tool_uses: None,
        }))
    }
}

/// It comes before the result of the tool that does it, and is all that a resumed conversation's hooks say of a task.
fn task_named(body: &Value) -> Option<Fact> {
    let [id, subject] = ["task_id", "task_subject"].map(|name| text(body, name).map(str::to_owned));
    Some(Fact::TaskNamed { id: id?, subject: subject? })
}

/// A prompt: a person's, or claude's own when a background task has ended.
fn prompted(prompt: &str, body: &Value) -> Vec<Fact> {
    let message_id = id(body, "prompt_id").map(Into::into);
    match user_text::read(prompt) {
        UserText::Prompt(text) => {
            vec![Fact::Prompted, Fact::Said { role: Role::User, text: text.into(), message_id }]
        }
        UserText::Notification(Some(end)) => vec![Fact::AgentEnded(end), Fact::Prompted],
        UserText::Notification(None) | UserText::Machinery | UserText::Interruption => vec![Fact::Prompted],
    }
}

fn fact(name: &str, body: &Value) -> Option<Fact> {
    match name {
        "PreToolUse" => call(body).map(Fact::Called),
        "PostToolUse" => returned(body, Outcome::Ran(body.get("tool_response").cloned().unwrap_or_default())),
        "PostToolUseFailure" => returned(body, failed(body)),
        "PermissionDenied" => returned(body, Outcome::Denied),
        "PostToolBatch" => Some(Fact::BatchOver { calls: ids(body.get("tool_calls"), "tool_use_id") }),
        "PermissionRequest" => Some(Fact::PermissionAsked(Asked {
            tool: id(body, "tool_name")?.into(),
            input: body.get("tool_input").cloned().unwrap_or_default(),
            suggestions: suggestions(body),
            ..Asked::default()
        })),
        "Stop" => Some(Fact::TurnOver { running: running(body) }),
        "StopFailure" => Some(Fact::TurnOver { running: None }),
        "SessionStart" => Some(Fact::SessionStarted),
        "SessionEnd" => Some(Fact::SessionOver),
        "MessageDisplay" => Some(Fact::Shown(Shown {
            message_id: id(body, "message_id")?.into(),
            index: body.get("index").and_then(Value::as_u64),
            delta: text(body, "delta")?.into(),
            is_final: body.get("final").and_then(Value::as_bool).unwrap_or(false),
        })),
        _ => None,
    }
}

fn call(body: &Value) -> Option<Call> {
    let input = body.get("tool_input").cloned().unwrap_or_default();
    Some(Call { id: id(body, "tool_use_id")?.into(), tool: id(body, "tool_name")?.into(), input })
}

fn returned(body: &Value, outcome: Outcome) -> Option<Fact> {
    let id = id(body, "tool_use_id")?.to_owned();
    let duration_ms = body.get("duration_ms").and_then(Value::as_u64);
    Some(Fact::Returned(Return { id, call: call(body), outcome, duration_ms }))
}

fn failed(body: &Value) -> Outcome {
    if body.get("is_interrupt").and_then(Value::as_bool) == Some(true) {
        return Outcome::Rejected;
    }
    failure(text(body, "error").unwrap_or_default())
}

/// The background agents that run, of the list of background tasks; `None` where there is no list.
fn running(body: &Value) -> Option<Vec<String>> {
    let is_running =
        |task: &&Value| text(task, "type") == Some("subagent") && text(task, "status") == Some("running");
    let tasks = body.get("background_tasks")?.as_array()?;
    Some(
        tasks
            .iter()
            .take(MAX_LISTED)
            .filter(is_running)
            .filter_map(|task| id(task, "id"))
            .map(Into::into)
            .collect(),
    )
}

fn ids(list: Option<&Value>, field: &str) -> Vec<String> {
    let items = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    items.iter().take(MAX_LISTED).filter_map(|item| id(item, field)).map(Into::into).collect()
}

#[cfg(test)]
mod tests;
