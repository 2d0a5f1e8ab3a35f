//! The envelope and the monitor dialect: the examples of requirements R4 and R5 with what we add to them, and those spoiled.

use super::validator;
use crate::event::channel;
use serde_json::{Value, json};

const ID: &str = "6b6b0b5e-0d3b-4b3a-8b0a-0a0a0a0a0a0a";

fn envelope(kind: &str, data: &Value) -> Value {
    json!({ "type": kind, "data": data, "metadata": { "server_time": 1_706_181_600_000_i64, "message_id": ID } })
}

fn hook_event(kind: &str, source: &str, payload: &Value) -> Value {
    json!({
        "id": ID, "timestamp": 1_706_181_600_000_i64, "source": source, "session_id": "s", "event_type": kind,
        "version": "1.0", "source_app": "claude-code", "hook_event_type": kind, "payload": payload,
        "summary": "Running test suite", "seq": 7, "epoch": "e",
    })
}

fn monitor(kind: &str, data: &Value) -> Value {
    json!({
        "type": kind, "timestamp": "2025-08-06T12:00:00.000Z", "session": "ai-chat", "window": 0, "data": data,
        "seq": 7, "epoch": "e", "id": ID, "session_id": "s", "source": "supervisor",
    })
}

/// Takes the value, and none that lacks one of its members, has one more, or one that is something else.
fn holds(name: &str, value: &Value, optional: &[&str], at: &str) {
    let schema = validator(name);
    schema.validate(value).unwrap_or_else(|cause| panic!("{cause}: {value}"));
    let members = value.pointer(at).unwrap().as_object().unwrap();
    let spoil = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut spoiled = value.clone();
        change(spoiled.pointer_mut(at).unwrap().as_object_mut().unwrap());
        spoiled
    };
    let more = spoil(&|members| drop(members.insert("invented".into(), json!(1))));
    assert!(!schema.is_valid(&more), "{more}");
    for member in members.keys() {
        let other = spoil(&|members| drop(members.insert(member.clone(), json!([[[]]]))));
        assert!(!schema.is_valid(&other), "{other}");
        let less = spoil(&|members| drop(members.remove(member)));
        assert_eq!(schema.is_valid(&less), optional.contains(&member.as_str()), "{less}");
    }
}

#[test]
fn the_messages_of_requirement_4_are_taken_and_spoiled_ones_refused() {
    let used = hook_event(
        "PreToolUse",
        "hook",
        &json!({"tool_name": "Bash", "tool_input": {"command": "npm test"}}),
    );
    holds("envelope/frame", &envelope("event", &used), &[], "");
    holds("envelope/frame", &envelope("event", &used), &[], "/data");
    holds("envelope/frame", &envelope("event", &used), &[], "/metadata");
    holds("envelope/frame", &envelope("initial", &json!([used])), &[], "/data/0");
    let beat = json!({
        "components": {"claude-router": "healthy", "tmux-orchestrator": "degraded"},
        "timestamp": 1_706_181_600_000_i64, "next_check": 1_706_181_630_000_i64,
    });
    holds("envelope/frame", &envelope("heartbeat", &beat), &[], "/data");
    let error = json!({
        "error_code": "WS002", "error_message": "m", "component": "server", "severity": "error", "context": {},
    });
    holds("envelope/frame", &envelope("error", &error), &["context"], "/data");
    assert!(!validator("envelope/frame").is_valid(&envelope("pong", &json!({}))));
}

#[test]
fn payloads_have_the_shape_of_their_type() {
    let agent = json!({
        "agent_id": "a", "agent_type": "qa", "task": "t", "status": "spawned", "parent_agent": "pm",
        "delegation_id": "d", "duration_ms": null, "background": false, "reason": null, "tokens": null, "tool_uses": 1,
    });
    let spawned = hook_event("flow.agent.spawned", "hook", &agent);
    holds("envelope/hook_event", &spawned, &["parent_agent"], "/payload");
    let line = hook_event(channel::CLAUDE_OUTPUT, "x", &json!({"content": "hi", "stream": "stdout"}));
    holds("envelope/hook_event", &line, &[], "/payload");
    let schema = validator("envelope/hook_event");
    for (kind, source, expected) in [
        ("resource.alert", "system", false),
        ("resource.alert", "other", true),
        ("flow.agent.spawned", "hook", false),
        ("flow.agent.spawned", "claude-flow", true),
        ("PostToolUse", "hook", true),
        ("todo.update", "other", false),
        ("my.own", "other", true),
        ("system.status", "system", false),
    ] {
        let event = hook_event(kind, source, &json!({"test": true}));
        assert_eq!(schema.is_valid(&event), expected, "{kind} of {source}");
    }
    let raw = hook_event("PostToolUse", "hook", &json!({"tool_response": "x"}));
    assert!(!schema.is_valid(&raw), "R4 calls it tool_output");
}

#[test]
fn the_frames_of_requirement_5_are_taken_and_spoiled_ones_refused() {
    let busy = json!({
        "status": "busy", "previous": "ready", "agent_type": "CLAUDE_AGENT", "activity": "busy", "reason": null,
        "tool_name": null, "since": "2025-08-06T12:00:00.000Z",
    });
    let gone = json!({
        "status": "offline", "previous": null, "agent_type": "CLAUDE_AGENT", "claude_status": "stopped", "pid": 7,
        "message": "m", "exit_code": 0, "signal": null,
    });
    let line =
        json!({"content": "Error: Connection refused", "severity": "error", "pane": "0", "stream": "stdout"});
    let created = json!({
        "session": "new-project", "windows": 3, "path": "/Users/dev/project", "session_id": "s",
        "start_time": "2025-08-06T12:00:00.000Z", "launch_method": "exec", "working_directory": "/p",
        "websocket_port": null,
        "instance_info": {"port": null, "host": "127.0.0.1", "working_dir": "/p", "name": "p", "pid": 7},
    });
    let closed = json!({
        "session": "new-project", "session_id": "s", "end_time": "2025-08-06T12:00:00.000Z", "duration_seconds": 1.5,
        "exit_code": 0, "signal": null, "reason": "exited",
    });
    // Without it, it is the state of the process that is told, which has other fields.
    holds("monitor/frame", &monitor("agent.status", &busy), &[], "/data");
    holds("monitor/frame", &monitor("agent.status", &gone), &["exit_code", "signal"], "/data");
    holds("monitor/frame", &monitor("pane.output", &line), &[], "/data");
    holds("monitor/frame", &monitor("pane.output", &line), &[], "");
    holds("monitor/frame", &monitor("session.created", &created), &[], "/data");
    holds("monitor/frame", &monitor("session.closed", &closed), &[], "/data");
    let schema = validator("monitor/frame");
    for source in ["supervisor", "tmux-collector"] {
        let mut theirs = monitor("pane.output", &json!({"content": "x", "severity": "info"}));
        theirs["source"] = json!(source);
        assert_eq!(schema.is_valid(&theirs), source != "supervisor");
    }
    assert!(!schema.is_valid(&monitor("agent.status", &json!({"active_agents": [], "agent_stats": {}}))));
    assert!(schema.is_valid(&monitor("agent.stats", &json!({"active_agents": [], "agent_stats": {}}))));
}

#[test]
fn replies_of_the_monitor_dialect_carry_the_version() {
    let reply = |kind: &str, data: &Value| {
        json!({
            "type": kind, "timestamp": "2025-08-06T12:00:00.000Z", "session": null, "window": null, "data": data,
            "schema_version": "1.0", "epoch": "e", "session_id": "s", "source": "system",
        })
    };
    let subscribed = json!({"types": ["pane.output"], "cursor": {"epoch": "e", "seq": 4}});
    holds("monitor/frame", &reply("subscribed", &subscribed), &[], "");
    holds("monitor/frame", &reply("subscribed", &subscribed), &[], "/data");
    holds("monitor/frame", &reply("authenticated", &json!({"role": "read"})), &[], "/data");
    assert!(
        !validator("monitor/frame")
            .is_valid(&reply("registered", &json!({"component": "c", "components": {}})))
    );
}

#[test]
fn requests_of_both_are_taken_and_bad_ones_refused() {
    for (dialect, request, expected) in [
        ("monitor", r#"{"action":"auth","token":"your-auth-token"}"#, true),
        ("monitor", r#"{"action":"auth"}"#, false),
        (
            "monitor",
            r#"{"action":"subscribe","filters":{"types":["agent.status","pane.output"],"sessions":["ai-chat","backend"]}}"#,
            true,
        ),
        ("monitor", r#"{"action":"subscribe","filters":{"types":"pane.output"}}"#, false),
        ("monitor", r#"{"action":"subscribe","filters":{"windows":[-1]}}"#, false),
        ("monitor", r#"{"action":"unsubscribe","filters":{"types":["pane.output"]}}"#, true),
        ("monitor", r#"{"action":"get_history","limit":10001}"#, false),
        ("monitor", r#"{"action":"explode"}"#, false),
        ("monitor", r#"{"command":"ping"}"#, false),
        (
            "envelope",
            r#"{"type":"register","data":{"component":"cli-monitor","version":"1.0.0","capabilities":["display"]}}"#,
            true,
        ),
        ("envelope", r#"{"type":"register","data":{"version":"1.0.0"}}"#, false),
        (
            "envelope",
            r#"{"type":"event","data":{"event_type":"PreToolUse","source":"claude-flow","source_app":"agent-123",
                "session_id":"sess_abc123","timestamp":1706181600000,"payload":{"tool_name":"Bash"},"summary":"s"}}"#,
            true,
        ),
        (
            "envelope",
            r#"{"type":"event","data":{"event_type":"PreToolUse","timestamp":1706181600000}}"#,
            false,
        ),
        ("envelope", r#"{"type":"event"}"#, false),
        (
            "envelope",
            r#"{"type":"subscribe","data":{"filters":{"event_types":["PreToolUse"],"since":1706181600000}}}"#,
            true,
        ),
        ("envelope", r#"{"type":"subscribe","data":{"since":"yesterday"}}"#, false),
        ("envelope", r#"{"type":"ping"}"#, true),
        ("envelope", r#"{"type":"auth","data":{}}"#, false),
        ("envelope", r#"{"type":"initial","data":[]}"#, false),
    ] {
        let value: Value = serde_json::from_str(request).unwrap();
        assert_eq!(validator(&format!("{dialect}/request")).is_valid(&value), expected, "{request}");
    }
}
