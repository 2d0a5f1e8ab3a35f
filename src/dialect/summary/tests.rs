//! Every event type as a sentence that stands alone.

use super::{MAX_CHARS, sentence};
use crate::event::channel;
use serde_json::{Value, json};

fn said(kind: &str, data: &Value) -> String {
    sentence(kind, data.as_object().unwrap())
}

#[test]
fn each_event_of_ours_is_a_sentence() {
    for (kind, data, expected) in [
        (channel::CLAUDE_OUTPUT, json!({"content": "hi", "stream": "stdout"}), "Claude shows: hi"),
        (channel::CLAUDE_OUTPUT, json!({"content": "", "stream": "stdout"}), "Claude shows an empty line"),
        (
            channel::CLAUDE_OUTPUT,
            json!({"content": "a\tb", "stream": "stderr"}),
            "Claude shows on standard error: a b",
        ),
        (
            channel::SESSION_START,
            json!({"launch_method": "subprocess", "working_directory": "/w"}),
            "A session of claude begins in /w",
        ),
        (
            channel::SESSION_START,
            json!({"launch_method": "exec", "working_directory": "/w"}),
            "A session of claude begins in /w, without a process between",
        ),
        (
            channel::SESSION_END,
            json!({"exit_code": 0, "signal": null, "duration_seconds": 12.3, "reason": "exited"}),
            "Claude exited with code 0 after 12.3 s",
        ),
        (
            channel::SESSION_END,
            json!({"exit_code": null, "signal": 15, "duration_seconds": 61.0, "reason": "stopped"}),
            "Claude was ended by signal 15 after 1 m 01 s, as it was asked to",
        ),
        (channel::SESSION_END, json!({}), "The session is over; nobody knows how claude ended"),
        (
            "claude.status",
            json!({"status": "running", "pid": 7, "message": "Claude is running"}),
            "Claude is running (pid 7)",
        ),
        ("claude.status", json!({"status": "error", "pid": null, "message": ""}), "Claude is error"),
        ("claude.activity", json!({"activity": "busy"}), "Claude is busy"),
        ("claude.activity", json!({"activity": "idle"}), "Claude has finished and waits for a prompt"),
        (
            "claude.activity",
            json!({"activity": "needs_permission", "tool_name": "Bash"}),
            "Claude needs a permission to use Bash",
        ),
        (
            "claude.activity",
            json!({"activity": "needs_input", "reason": "Which one?"}),
            "Claude needs an answer: Which one?",
        ),
        ("claude.message", json!({"role": "user", "text": "Hi"}), "The user said: Hi"),
        ("claude.message", json!({"role": "assistant", "text": "a\n\nb"}), "Claude said: a b"),
        ("claude.message", json!({"role": "assistant", "text": "x", "agent_id": "a1"}), "Agent a1 said: x"),
        ("claude.message", json!({"role": "user", "text": "x", "agent_id": "a1"}), "Agent a1 was told: x"),
        (
            "agent.delegation",
            json!({"agent": "qa", "task": "Write tests", "status": "started", "duration_ms": null}),
            "Claude delegated \"Write tests\" to qa",
        ),
        (
            "agent.delegation",
            json!({"agent": "qa", "task": "T", "status": "started", "background": true, "parent_agent": "pm"}),
            "Agent pm delegated \"T\" to qa, in the background",
        ),
        (
            "agent.delegation",
            json!({"agent": "qa", "task": "T", "status": "completed", "duration_ms": 1500}),
            "Agent qa completed \"T\" after 1.5 s",
        ),
        (
            "agent.delegation",
            json!({"agent": "qa", "task": "", "status": "failed", "reason": "denied"}),
            "Agent qa failed at a task: it was not allowed",
        ),
        ("agent.status", json!({"active_agents": ["a", "b"]}), "2 agents are at work: a, b"),
        ("agent.status", json!({"active_agents": []}), "No agent is at work"),
        (
            "todo.update",
            json!({"todos": [{"content": "A", "status": "in_progress"}], "stats": {"total": 3, "completed": 1}}),
            "1 of 3 todos done, now: A",
        ),
        ("todo.update", json!({"todos": [], "stats": {"total": 0}}), "The todo list is empty"),
        (
            "ticket.created",
            json!({"id": "T-1", "title": "Fix", "assigned_to": "ann"}),
            "Ticket T-1 was created: Fix, for ann",
        ),
        (
            "ticket.updated",
            json!({"id": "T-1", "title": null, "changed": ["title", "priority"]}),
            "Ticket T-1 was updated, changed: title, priority",
        ),
        (
            "usage.update",
            json!({"model": "m", "input_tokens": 5, "output_tokens": 6, "cost_usd": 0.5}),
            "m read 5 tokens and wrote 6 for $0.5000",
        ),
        ("router.model.switch", json!({"from_model": "a", "to_model": "b"}), "The model is b now, and was a"),
        (
            "system.stats",
            json!({"memory_usage_mb": 10.25, "cpu_percent": 1.0, "processes": 1}),
            "Claude uses 10.2 MiB and 1.0 % CPU in 1 process",
        ),
        (
            "system.error",
            json!({"severity": "warning", "component": "hub", "error": "no", "error_code": "X1"}),
            "Warning from hub: no (X1)",
        ),
        (channel::SYSTEM_GAP, json!({"missed": 7, "reason": "slow"}), "This client missed 7 events: slow"),
        (
            "system.status",
            json!({"claude_status": "running", "activity": "needs_input", "connected_clients": 1}),
            "Claude is running and needs input; 1 client in all",
        ),
    ] {
        assert_eq!(said(kind, &data), expected, "{kind}");
    }
}

#[test]
fn what_happens_around_a_hub_is_a_sentence() {
    for (kind, data, expected) in [
        (
            "component.started",
            json!({"component": "router", "version": "1.0", "capabilities": ["a", "b"]}),
            "Component router 1.0 is here, for a, b",
        ),
        (
            "component.stopped",
            json!({"component": "router", "reason": "left"}),
            "Component router has left: left",
        ),
        (
            "component.health",
            json!({"component": "router", "status": "degraded", "previous": "healthy", "reason": "silent"}),
            "Component router is degraded (before: healthy): silent",
        ),
        (
            "ws.connected",
            json!({"client_id": 3, "dialect": "classic", "transport": "tcp", "clients": 2}),
            "Client 3 came over tcp (classic), 2 clients in all",
        ),
        (
            "ws.disconnected",
            json!({"client_id": 3, "duration_seconds": 1.5, "clients": 0}),
            "Client 3 left after 1.5 s, 0 clients in all",
        ),
        (
            "config.changed",
            json!({"path": "/c.toml", "changed": ["port"]}),
            "Settings were read again from /c.toml, changed: port",
        ),
        (
            "resource.alert",
            json!({"component": "hub", "metrics": {"cpu_percent": 90.0, "memory_mb": 5.0}, "alert_level": "warning"}),
            "Component hub uses 5.0 MiB and 90.0 % CPU (warning)",
        ),
        ("resource.alert", json!({"component": "hub", "message": "Too much"}), "Too much"),
        ("pane.output", json!({"content": "Error: x"}), "A pane shows: Error: x"),
        (
            "tmux.session.created",
            json!({"session": "new", "windows": 3, "path": "/p"}),
            "The tmux session new was created with 3 windows in /p",
        ),
        ("tmux.window.changed", json!({"session": "s"}), "The tmux session s has another window"),
        (
            "flow.agent.completed",
            json!({"agent_id": "1", "agent_type": "qa", "status": "failed"}),
            "Agent qa has failed",
        ),
        ("bus.message", json!({"text": "hello"}), "bus.message: hello"),
        ("ws.connected", json!({"test": true}), "ws.connected: test=true"),
        ("my.own", json!({}), "my.own happened"),
    ] {
        assert_eq!(said(kind, &data), expected, "{kind}");
    }
}

#[test]
fn each_hook_is_a_sentence() {
    for (kind, data, expected) in [
        ("hook.user_prompt", json!({"prompt": "Fix it"}), "The user asks: Fix it"),
        (
            "hook.pre_tool",
            json!({"tool_name": "Bash", "tool_input": {"description": "Run tests", "command": "npm test"}}),
            "Running Bash: npm test",
        ),
        (
            "hook.pre_tool",
            json!({"tool_name": "Agent", "tool_input": {"subagent_type": "qa", "description": "D"}}),
            "Running agent qa: D",
        ),
        (
            "hook.post_tool",
            json!({"tool_name": "Read", "tool_input": {"file_path": "/a"}, "duration_ms": 400, "agent_type": "qa"}),
            "Agent qa ran Read: /a (0.4 s)",
        ),
        (
            "hook.post_tool_failure",
            json!({"tool_name": "Bash", "tool_input": {"command": "false"}, "error": "Exit code 1", "duration_ms": 50}),
            "Claude failed after 0.1 s at Bash: false: \"Exit code 1\"",
        ),
        (
            "hook.post_tool_batch",
            json!({"tool_calls": [{"tool_name": "Read"}, {"tool_name": "Bash"}]}),
            "Claude has done 2 calls: Read, Bash",
        ),
        (
            "hook.permission_request",
            json!({"tool_name": "Write", "tool_input": {"file_path": "/a", "content": "x"}}),
            "Claude asks whether it may use Write: /a",
        ),
        ("hook.notification", json!({"message": "Waiting"}), "Claude notes: Waiting"),
        ("hook.stop", json!({"last_assistant_message": "Done."}), "Claude has finished its turn: Done."),
        (
            "hook.stop_failure",
            json!({"error": "server_error"}),
            "Claude's turn ended with an error (server_error)",
        ),
        ("hook.subagent_start", json!({"agent_type": "qa"}), "Agent qa begins to work"),
        ("hook.subagent_stop", json!({"agent_type": "qa"}), "Agent qa has finished"),
        ("hook.session_start", json!({"source": "resume"}), "Claude's own session begins (resume)"),
        ("hook.session_end", json!({"reason": "other"}), "Claude's own session ends (other)"),
        (
            "hook.pre_compact",
            json!({"trigger": "auto"}),
            "Claude is about to compact the conversation (auto)",
        ),
        ("hook.post_compact", json!({"trigger": "auto"}), "Claude has compacted the conversation (auto)"),
        ("hook.task_created", json!({"task_subject": "A"}), "A task was made: A"),
        (
            "hook.cwd_changed",
            json!({"session_id": "s", "old": "/a", "new": "/b", "list": []}),
            "Claude's hook CwdChanged: old=/a new=/b",
        ),
        ("hook.pre_tool", json!({}), "Claude's hook PreToolUse"),
    ] {
        assert_eq!(said(kind, &data), expected, "{kind}");
    }
}

#[test]
fn a_sentence_is_bounded_and_one_line_whatever_it_says() {
    let long = "ä\n".repeat(40_000);
    for (kind, field) in [
        (channel::CLAUDE_OUTPUT, "content"),
        ("claude.message", "text"),
        ("agent.delegation", "task"),
        ("hook.user_prompt", "prompt"),
        ("hook.new", "x"),
        ("my.own", "y"),
    ] {
        let sentence = said(kind, &json!({ field: long }));
        assert!(sentence.chars().count() <= MAX_CHARS, "{sentence}");
        assert!(sentence.contains('…') && !sentence.contains('\n'), "{sentence}");
    }
}

#[test]
fn a_question_names_every_field_of_the_input_and_what_is_not_shown_of_it() {
    let asked = |tool: &str, input: Value, more: Value| {
        let mut data = json!({ "tool_name": tool, "tool_input": input, "permission_id": "p" });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        super::beside(channel::PERMISSION_REQUESTED, &data)
    };
    let none = json!({});
    for (tool, input, more, expected) in [
        ("Bash", json!({ "command": "ls", "description": "List" }), &none, "Bash: ls (p)"),
        ("Bash", json!({ "command": "ls", "timeout": 1 }), &none, "Bash: ls, with timeout (p)"),
        ("Write", json!({ "file_path": "/x", "content": "y" }), &none, "Write: /x, with content (p)"),
        ("mcp__db", json!({ "sql": "DROP", "n": 1 }), &none, "mcp__db: sql=DROP n=1 (p)"),
        (
            "Bash",
            json!({ "command": "ls" }),
            &json!({ "truncated": ["command"], "redacted": ["command"] }),
            "Bash: ls [cut: command] [hidden in: command] (p)",
        ),
        ("AskUserQuestion", json!({ "questions": [] }), &none, "AskUserQuestion (p)"),
    ] {
        assert_eq!(asked(tool, input, more.clone()), format!("Claude asks for {expected}"));
    }
}
