//! Tests of the hook decoder, with bodies shortened from recordings of claude 2.1.197.

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
    let told = "<task-notification>\n<task-id>a9</task-id>\n<status>failed</status>\n</task-notification>";
    let facts = facts("UserPromptSubmit", json!({"prompt": told}));
    assert!(matches!(&facts[..], [Fact::AgentEnded(end), Fact::Prompted] if end.how == AgentFate::Failed));
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
    let wrong =
        [json!(null), json!(true), json!(-1), json!(1e300), json!(""), json!(long), json!([[]]), json!({})];
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
