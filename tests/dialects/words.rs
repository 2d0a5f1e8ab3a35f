//! What each dialect calls the same things: types of events, hooks, and every field the classic data can have, by name.

/// Types of events by other names: classic, envelope, monitor.
pub(crate) const TYPES: [(&str, &str, &str); 6] = [
    ("session.start", "session.start", "session.created"),
    ("session.end", "session.end", "session.closed"),
    ("claude.status", "claude.status", "agent.status"),
    ("claude.activity", "claude.activity", "agent.status"),
    ("claude.output", "claude.output", "pane.output"),
    ("agent.status", "agent.status", "agent.stats"),
];

/// Hooks by the names that claude gives them.
pub(crate) const HOOKS: [(&str, &str); 17] = [
    ("hook.session_start", "SessionStart"),
    ("hook.session_end", "SessionEnd"),
    ("hook.user_prompt", "UserPromptSubmit"),
    ("hook.user_prompt_expansion", "UserPromptExpansion"),
    ("hook.pre_tool", "PreToolUse"),
    ("hook.post_tool", "PostToolUse"),
    ("hook.post_tool_failure", "PostToolUseFailure"),
    ("hook.post_tool_batch", "PostToolBatch"),
    ("hook.subagent_start", "SubagentStart"),
    ("hook.subagent_stop", "SubagentStop"),
    ("hook.task_created", "TaskCreated"),
    ("hook.task_completed", "TaskCompleted"),
    ("hook.message_display", "MessageDisplay"),
    ("hook.instructions_loaded", "InstructionsLoaded"),
    ("hook.notification", "Notification"),
    ("hook.permission_request", "PermissionRequest"),
    ("hook.stop", "Stop"),
];

/// Every field of the classic data that is carried on under its own name, unless [`ENVELOPE`] or [`MONITOR`] says
/// otherwise. A hook's fields are claude's, and all of them are carried.
pub(crate) const CARRIED: [(&str, &[&str]); 17] = [
    (
        "permission.requested",
        &[
            "permission_id",
            "tool_name",
            "tool_input",
            "truncated",
            "redacted",
            "agent",
            "suggestions",
            "questions",
            "expires_at",
        ],
    ),
    ("permission.resolved", &["permission_id", "decision", "by", "message"]),
    ("control.action", &["control_id", "action", "outcome", "reason", "detail", "peer"]),
    (
        "session.start",
        &[
            "session_id",
            "start_time",
            "launch_method",
            "working_directory",
            "websocket_port",
            "instance_info",
        ],
    ),
    ("session.end", &["session_id", "end_time", "duration_seconds", "exit_code", "signal", "reason"]),
    ("claude.status", &["status", "pid", "message", "exit_code", "signal"]),
    ("claude.activity", &["activity", "previous", "reason", "tool_name", "since"]),
    ("claude.output", &["content", "stream", "truncated"]),
    ("claude.message", &["role", "text", "message_id", "agent_id"]),
    (
        "agent.delegation",
        &[
            "agent",
            "task",
            "status",
            "duration_ms",
            "delegation_id",
            "agent_id",
            "parent_agent",
            "background",
            "reason",
            "tokens",
            "tool_uses",
        ],
    ),
    ("agent.status", &["active_agents", "agent_stats"]),
    ("todo.update", &["todos", "stats"]),
    ("ticket.created", &["id", "title", "priority", "assigned_to", "url", "system"]),
    (
        "usage.update",
        &[
            "model",
            "input_tokens",
            "output_tokens",
            "cache_read_tokens",
            "cache_creation_tokens",
            "cost_usd",
            "measured_by",
        ],
    ),
    ("system.stats", &["memory_usage_mb", "cpu_percent", "uptime_seconds", "processes", "hub"]),
    ("ws.connected", &["client_id", "dialect", "transport", "clients", "untold"]),
    ("system.error", &["error", "component", "severity", "error_code"]),
];

/// Fields that the envelope dialect calls otherwise: type of the event, classic name, its name.
pub(crate) const ENVELOPE: [(&str, &str, &str); 4] = [
    ("agent.delegation", "agent", "agent_type"),
    ("hook.pre_tool", "tool_response", "tool_output"),
    ("hook.post_tool", "tool_response", "tool_output"),
    ("hook.post_tool_failure", "tool_response", "tool_output"),
];

/// The same of the monitor dialect, whose own `status` and `previous` are R5's words.
pub(crate) const MONITOR: [(&str, &str, &str); 1] = [("claude.status", "status", "claude_status")];
