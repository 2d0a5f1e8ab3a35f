//! The names of event types on the wire. No other file spells one.

/// A supervised run begins.
pub const SESSION_START: &str = "session.start";
/// A supervised run is over.
pub const SESSION_END: &str = "session.end";
/// The state of claude's process.
pub const CLAUDE_STATUS: &str = "claude.status";
/// Whether claude works or waits.
pub const CLAUDE_ACTIVITY: &str = "claude.activity";
/// One settled line of claude's output.
pub const CLAUDE_OUTPUT: &str = "claude.output";
/// What somebody said, clean.
pub const CLAUDE_MESSAGE: &str = "claude.message";
/// An agent was called, or its work ended.
pub const AGENT_DELEGATION: &str = "agent.delegation";
/// Which agents work, and what became of the others' tasks.
pub const AGENT_STATUS: &str = "agent.status";
/// The todo list changed.
pub const TODO_UPDATE: &str = "todo.update";
/// A ticket was made.
pub const TICKET_CREATED: &str = "ticket.created";
/// A ticket was changed.
pub const TICKET_UPDATED: &str = "ticket.updated";
/// Tokens were used.
pub const USAGE_UPDATE: &str = "usage.update";
/// Another model answers.
pub const ROUTER_MODEL_SWITCH: &str = "router.model.switch";
/// What the types of all hooks begin with; see [`hook`].
pub const HOOKS: &str = "hook.";
/// Snapshot of everything; a reply, never in the log.
pub const SYSTEM_STATUS: &str = "system.status";
/// Memory and processor use.
pub const SYSTEM_STATS: &str = "system.stats";
/// Something went wrong outside claude.
pub const SYSTEM_ERROR: &str = "system.error";
/// Events one client missed; sent to that client only, never in the log.
pub const SYSTEM_GAP: &str = "system.gap";

/// A publisher registered.
pub const COMPONENT_STARTED: &str = "component.started";
/// A publisher left.
pub const COMPONENT_STOPPED: &str = "component.stopped";
/// The state of a publisher changed.
pub const COMPONENT_HEALTH: &str = "component.health";
/// What the types of news of clients begin with.
pub const CLIENTS: &str = "ws.";
/// A client subscribed.
pub const WS_CONNECTED: &str = "ws.connected";
/// A client left.
pub const WS_DISCONNECTED: &str = "ws.disconnected";
/// The settings were read again.
pub const CONFIG_CHANGED: &str = "config.changed";
/// A threshold was crossed.
pub const RESOURCE_ALERT: &str = "resource.alert";
/// What the types of a session's own events begin with.
pub const SESSIONS: &str = "session.";
/// What the types of permissions begin with.
pub const PERMISSIONS: &str = "permission.";
/// Claude asks for a permission.
pub const PERMISSION_REQUESTED: &str = "permission.requested";
/// Its question has an end.
pub const PERMISSION_RESOLVED: &str = "permission.resolved";
/// What the types of news of control begin with.
pub const CONTROLS: &str = "control.";
/// Somebody did something with claude from elsewhere.
pub const CONTROL_ACTION: &str = "control.action";
/// What the types of events of claude itself begin with.
pub const CLAUDE: &str = "claude.";

/// On the monitor dialect: what a pane or a pipe shows.
pub const PANE_OUTPUT: &str = "pane.output";
/// A tmux session is there.
pub const TMUX_SESSION_CREATED: &str = "tmux.session.created";
/// Another window of a tmux session is shown.
pub const TMUX_WINDOW_CHANGED: &str = "tmux.window.changed";
/// On the monitor dialect: a session is there.
pub const SESSION_CREATED: &str = "session.created";
/// On the monitor dialect: a session is gone.
pub const SESSION_CLOSED: &str = "session.closed";
/// On the monitor dialect: what the classic dialect calls `agent.status`, a name that means another thing there.
pub const AGENT_STATS: &str = "agent.stats";
/// On the envelope dialect: an agent was called.
pub const FLOW_AGENT_SPAWNED: &str = "flow.agent.spawned";
/// On the envelope dialect: an agent's work ended.
pub const FLOW_AGENT_COMPLETED: &str = "flow.agent.completed";

/// In whose words events are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Vocabulary {
    /// Those of requirements R1 to R3, and of the model.
    #[default]
    Classic,
    /// Those of requirement R4.
    Envelope,
    /// Those of requirement R5.
    Monitor,
}

/// The type of lines of output.
pub fn output_in(vocabulary: Vocabulary) -> &'static str {
    if vocabulary == Vocabulary::Monitor { PANE_OUTPUT } else { CLAUDE_OUTPUT }
}

/// Types whose content is ours alone to shape. All others are open to those who publish them (requirement R4).
const OURS: [&str; 9] =
    [SESSIONS, CLAUDE, "agent.", "todo.", "ticket.", "usage.", PERMISSIONS, CONTROLS, "system."];

/// Whether the type is one of those.
pub fn is_ours(channel: &str) -> bool {
    OURS.iter().any(|prefix| channel.starts_with(prefix))
}

/// Names of hooks whose type is not by the rule, without `hook.`.
const SHORT_HOOKS: [(&str, &str); 4] = [
    ("UserPromptSubmit", "user_prompt"),
    ("PreToolUse", "pre_tool"),
    ("PostToolUse", "post_tool"),
    ("PostToolUseFailure", "post_tool_failure"),
];

/// The event type of a hook, by the name claude gives it: `hook.` and snake case, but for `UserPromptSubmit`,
/// `PreToolUse`, `PostToolUse` and `PostToolUseFailure`, which lose their last word or `Use` (requirement R3).
pub fn hook(name: &str) -> String {
    let mut channel = String::from(HOOKS);
    if let Some((_, short)) = SHORT_HOOKS.iter().find(|(full, _)| *full == name) {
        channel.push_str(short);
        return channel;
    }
    for (place, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && place > 0 {
            channel.push('_');
        }
        channel.push(letter.to_ascii_lowercase());
    }
    channel
}

/// The name claude gives a hook, by its event type: the other way round.
pub fn hook_name(channel: &str) -> String {
    let snake = channel.strip_prefix(HOOKS).unwrap_or(channel);
    match SHORT_HOOKS.iter().find(|(_, short)| *short == snake) {
        Some((full, _)) => (*full).to_owned(),
        None => snake.split('_').map(capitalised).collect(),
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::{hook, hook_name};

    #[test]
    fn hooks_are_named_by_the_rule_and_its_four_exceptions() {
        for (name, expected) in [
            ("UserPromptSubmit", "hook.user_prompt"),
            ("PreToolUse", "hook.pre_tool"),
            ("PostToolUse", "hook.post_tool"),
            ("PostToolUseFailure", "hook.post_tool_failure"),
            ("PostToolBatch", "hook.post_tool_batch"),
            ("Stop", "hook.stop"),
            ("SubagentStart", "hook.subagent_start"),
            ("PermissionRequest", "hook.permission_request"),
            ("SomethingNew", "hook.something_new"),
        ] {
            assert_eq!(hook(name), expected);
            assert_eq!(hook_name(expected), name);
        }
    }
}
