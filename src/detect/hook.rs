//! One hook of claude: the event it becomes and what it says about claude's work.
//!
//! Fields are those recorded of claude 2.1.197. What is missing or of a strange type says nothing; only what makes a
//! hook useless is a fault. Whose hook it is, is the listener's matter.

use super::claude_json::{failure, id, session_id, text};
use super::cut;
use super::observation::{Agent, AgentEnd, AgentFate, Call, Fact, Observation, Outcome, Return};
use super::user_text::{self, UserText};
use crate::event::Timestamp;
use crate::event::channel;
use crate::event::talk::{Hook, Role};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Longest name of a hook, bytes.
const MAX_NAME: usize = 64;

/// Most calls of one batch, and most agents of one list, that are looked at.
const MAX_LISTED: usize = 10_000;

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
    let Value::Object(fields) = serde_json::from_slice(body)? else { return Err(HookFault::NoObject) };
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
        event: event(name, body),
    })
}

fn is_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain && name.len() <= MAX_NAME && name.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// The event: every field of the hook in its order, the long ones cut.
fn event(name: String, body: Value) -> Hook {
    let fields = match body {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let mut bounded = cut::bounded(fields);
    if !bounded.cut.is_empty() {
        bounded.fields.insert("truncated".into(), bounded.cut.into());
    }
    Hook { channel: channel::hook(&name), name, data: bounded.fields, bytes: bounded.bytes }
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
            "UserPromptSubmit" => text(body, "prompt").map(prompted).unwrap_or_default(),
            "SubagentStart" => self.agent_started().into_iter().collect(),
            "SubagentStop" => self.agent_ended().into_iter().collect(),
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

/// A prompt: a person's, or claude's own when a background task has ended.
fn prompted(prompt: &str) -> Vec<Fact> {
    match user_text::read(prompt) {
        UserText::Prompt(text) => {
            vec![Fact::Prompted, Fact::Said { role: Role::User, text: text.into(), message_id: None }]
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
        "PermissionRequest" => Some(Fact::PermissionAsked {
            tool: id(body, "tool_name")?.into(),
            input: body.get("tool_input").cloned().unwrap_or_default(),
        }),
        "Stop" => Some(Fact::TurnOver { running: running(body) }),
        "StopFailure" => Some(Fact::TurnOver { running: None }),
        "SessionStart" => Some(Fact::SessionStarted),
        "SessionEnd" => Some(Fact::SessionOver),
        "MessageDisplay" => Some(Fact::Shown {
            message_id: id(body, "message_id")?.into(),
            delta: text(body, "delta")?.into(),
            is_final: body.get("final").and_then(Value::as_bool).unwrap_or(false),
        }),
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
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_millis(7);

    fn body(mut fields: Value) -> Vec<u8> {
        fields["session_id"] = json!("s-1");
        fields["transcript_path"] = json!("/home/u/.claude/projects/-x/s-1.jsonl");
        fields.to_string().into_bytes()
    }

    fn heard(name: &str, fields: Value) -> Heard {
        read(name, &body(fields), NOW).unwrap()
    }

    fn facts(name: &str, fields: Value) -> Vec<Fact> {
        heard(name, fields).observations.into_iter().map(|observation| observation.fact).collect()
    }

    fn bash() -> Call {
        Call { id: "toolu_1".into(), tool: "Bash".into(), input: json!({"command": "ls"}) }
    }

    fn with_bash(mut fields: Value) -> Value {
        fields["tool_name"] = json!("Bash");
        fields["tool_input"] = json!({"command": "ls"});
        fields["tool_use_id"] = json!("toolu_1");
        fields
    }

    #[test]
    fn a_call_and_its_ends_are_told() {
        let ended = |outcome, duration_ms| {
            vec![Fact::Returned(Return { id: "toolu_1".into(), call: Some(bash()), outcome, duration_ms })]
        };
        assert_eq!(facts("PreToolUse", with_bash(json!({}))), [Fact::Called(bash())]);
        let response = json!({"stdout": "x"});
        assert_eq!(
            facts("PostToolUse", with_bash(json!({"tool_response": response, "duration_ms": 9}))),
            ended(Outcome::Ran(response), Some(9))
        );
        let failure = with_bash(json!({"error": "Exit code 3\noops", "is_interrupt": false}));
        assert_eq!(
            facts("PostToolUseFailure", failure),
            ended(Outcome::Failed("Exit code 3\noops".into()), None)
        );
        let interrupted = with_bash(json!({"error": "x", "is_interrupt": true}));
        assert_eq!(facts("PostToolUseFailure", interrupted), ended(Outcome::Rejected, None));
        assert_eq!(facts("PermissionDenied", with_bash(json!({}))), ended(Outcome::Denied, None));
        let batch = json!({"tool_calls": [{"tool_use_id": "a"}, {"tool_use_id": 5}, {"tool_use_id": "b"}]});
        assert_eq!(facts("PostToolBatch", batch), [Fact::BatchOver { calls: vec!["a".into(), "b".into()] }]);
    }

    #[test]
    fn what_happens_in_an_agent_names_it_and_its_own_start_does_not() {
        let within = heard("PreToolUse", with_bash(json!({"agent_id": "a9", "agent_type": "qa"})));
        let agent = Agent { id: "a9".into(), name: Some("qa".into()) };
        assert_eq!(within.observations[0].agent, Some(agent.clone()));
        let started = heard("SubagentStart", json!({"agent_id": "a9", "agent_type": "qa"}));
        assert_eq!(started.observations[0].agent, None);
        assert_eq!(started.observations[0].fact, Fact::AgentStarted { agent, tool_use_id: None });
    }

    #[test]
    fn the_end_of_an_agent_that_never_was_is_nothing() {
        let ended = facts("SubagentStop", json!({"agent_id": "a9", "agent_type": "qa"}));
        assert!(matches!(&ended[..], [Fact::AgentEnded(end)] if end.agent_id == "a9"));
        assert_eq!(facts("SubagentStop", json!({"agent_id": "a9", "agent_type": ""})), []);
    }

    #[test]
    fn a_prompt_of_a_person_is_said_and_that_of_a_background_task_is_not() {
        let said = Fact::Said { role: Role::User, text: "Fix it".into(), message_id: None };
        assert_eq!(facts("UserPromptSubmit", json!({"prompt": "Fix it"})), [Fact::Prompted, said]);
        let told =
            "<task-notification>\n<task-id>a9</task-id>\n<status>failed</status>\n</task-notification>";
        let facts = facts("UserPromptSubmit", json!({"prompt": told}));
        assert!(
            matches!(&facts[..], [Fact::AgentEnded(end), Fact::Prompted] if end.how == AgentFate::Failed)
        );
    }

    #[test]
    fn the_end_of_a_turn_names_the_agents_that_go_on() {
        let tasks = json!([
            {"id": "a1", "type": "subagent", "status": "running"},
            {"id": "b1", "type": "shell", "status": "running"},
            {"id": "a2", "type": "subagent", "status": "completed"},
        ]);
        let over = facts("Stop", json!({"background_tasks": tasks}));
        assert_eq!(over, [Fact::TurnOver { running: Some(vec!["a1".into()]) }]);
        assert_eq!(facts("Stop", json!({})), [Fact::TurnOver { running: None }]);
    }

    #[test]
    fn nothing_binds_to_the_session_that_a_resumed_one_names_at_its_start() {
        let resumed = heard("SessionStart", json!({"source": "resume"}));
        assert_eq!((resumed.claude_session, resumed.transcript_path), (None, None));
        assert!(resumed.observations.is_empty());
        assert_eq!(resumed.event.channel, "hook.session_start");
        assert_eq!(heard("SessionStart", json!({"source": "clear"})).claude_session.as_deref(), Some("s-1"));
    }

    #[test]
    fn the_event_carries_the_hooks_fields_in_order_and_says_what_was_cut() {
        let long = "x".repeat(cut::MAX_TEXT + 1);
        let event = heard("PreToolUse", json!({"hook_event_name": "NewHook", "b": 1, "a": long})).event;
        assert_eq!((event.name.as_str(), event.channel.as_str()), ("NewHook", "hook.new_hook"));
        let names: Vec<&str> = event.data.keys().map(String::as_str).collect();
        assert_eq!(names, ["hook_event_name", "b", "a", "session_id", "transcript_path", "truncated"]);
        assert_eq!(event.data["truncated"], json!(["a"]));
    }

    #[test]
    fn what_is_no_hook_is_a_fault() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for (name, body, cause) in [
            ("Stop", "", "cannot read hook: EOF"),
            ("Stop", "[]", "cannot read hook: its body is no object"),
            ("Stop", &format!("{{\"x\":{deep}}}"), "cannot read hook: recursion limit"),
            ("Stop", "{}", "cannot read hook Stop: its session_id"),
            ("Stop", r#"{"session_id":"../../x"}"#, "cannot read hook Stop: its session_id"),
            ("Stop", r#"{"session_id":7}"#, "cannot read hook Stop: its session_id"),
            ("../x", r#"{"session_id":"s","hook_event_name":"a b"}"#, "cannot read hook: it has no name"),
        ] {
            let fault = read(name, body.as_bytes(), NOW).unwrap_err().to_string();
            assert!(fault.starts_with(cause), "{fault}");
        }
    }

    /// Every field of every hook, with a value of every wrong type.
    #[test]
    fn values_of_wrong_types_say_nothing_and_never_panic() {
        let names = [
            "PreToolUse",
            "PostToolUse",
            "PostToolUseFailure",
            "PostToolBatch",
            "SubagentStart",
            "SubagentStop",
            "UserPromptSubmit",
            "Stop",
            "StopFailure",
            "PermissionRequest",
            "PermissionDenied",
            "SessionStart",
            "SessionEnd",
            "MessageDisplay",
            "Elicitation",
            "Unheard0f",
        ];
        let fields = [
            "hook_event_name",
            "tool_name",
            "tool_input",
            "tool_use_id",
            "tool_response",
            "tool_calls",
            "error",
            "is_interrupt",
            "duration_ms",
            "agent_id",
            "agent_type",
            "prompt",
            "background_tasks",
            "source",
            "message_id",
            "delta",
            "final",
            "cwd",
            "truncated",
        ];
        let long = "é".repeat(33_000);
        let wrong = [
            json!(null),
            json!(true),
            json!(-1),
            json!(1e300),
            json!(""),
            json!(long),
            json!([[]]),
            json!({}),
        ];
        for name in names {
            for field in fields {
                for value in &wrong {
                    let mut body =
                        json!({"tool_use_id": "t", "tool_name": "n", "agent_id": "a", "message_id": "m"});
                    body[field] = value.clone();
                    heard(name, body);
                }
            }
        }
    }
}
