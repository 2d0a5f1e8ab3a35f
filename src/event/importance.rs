//! Which events nobody may miss: who asked for fewer events did not ask for these.

use super::Body;
use super::body::{Activity, ActivityState, Severity};
use super::channel;
use super::work::DelegationStatus;
use serde_json::{Map, Value};

/// Hooks that tell that somebody is waited for, or that a session begins or ends; all whose name ends in `Failure` count too.
const PRESSING_HOOKS: [&str; 6] =
    ["Notification", "PermissionRequest", "PermissionDenied", "Elicitation", "SessionStart", "SessionEnd"];
/// What the types begin with under which others publish what counts as much.
const PRESSING_TYPES: [&str; 2] = [channel::SESSIONS, channel::PERMISSIONS];

impl Body {
    /// Whether it is neither dropped nor held back, whatever rate a client asked for: that somebody is needed or no longer,
    /// that something failed, that claude, a session or a component came or went, what was done with claude, and tickets.
    pub fn is_pressing(&self) -> bool {
        match self {
            Self::SessionStart(_)
            | Self::SessionEnd(_)
            | Self::Status(_)
            | Self::PermissionRequested(_)
            | Self::PermissionResolved(_)
            | Self::Control(_)
            | Self::Error(_)
            | Self::TicketCreated(_)
            | Self::TicketUpdated(_)
            | Self::ComponentStopped(_) => true,
            Self::Activity(Activity { activity, previous, .. }) => {
                needs_somebody(*activity) || previous.is_some_and(needs_somebody)
            }
            Self::Delegation(delegation) => delegation.status == DelegationStatus::Failed,
            Self::Hook(hook) => {
                hook.name.ends_with("Failure")
                    || PRESSING_HOOKS.contains(&hook.name.as_str())
                    || tells_of_failure(&hook.data)
            }
            Self::Published(published) => {
                PRESSING_TYPES.iter().any(|prefix| published.channel.starts_with(prefix))
                    || published.channel != channel::PANE_OUTPUT && tells_of_failure(&published.data)
            }
            Self::ResourceAlert(_) | Self::ComponentHealth(_) => self.severity() >= Severity::Warning,
            Self::Output(_)
            | Self::Message(_)
            | Self::Agents(_)
            | Self::Todos(_)
            | Self::Usage(_)
            | Self::ModelSwitch(_)
            | Self::Stats(_)
            | Self::ComponentStarted(_)
            | Self::ClientConnected(_)
            | Self::ClientDisconnected(_)
            | Self::ConfigChanged(_) => false,
        }
    }
}

/// In the words of requirement R4: `status`, `error`, `severity`.
fn tells_of_failure(data: &Map<String, Value>) -> bool {
    let is = |name: &str, words: &[&str]| {
        data.get(name).and_then(Value::as_str).is_some_and(|told| words.contains(&told))
    };
    let is_nothing = |told: &Value| told.is_null() || *told == Value::Bool(false) || *told == "";
    is("status", &["failed"])
        || is("severity", &["error", "critical"])
        || data.get("error").is_some_and(|told| !is_nothing(told))
}

fn needs_somebody(activity: ActivityState) -> bool {
    matches!(activity, ActivityState::NeedsPermission | ActivityState::NeedsInput)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Timestamp;
    use crate::event::talk::Hook;
    use serde_json::json;

    #[test]
    fn whoever_is_needed_or_was_is_pressing_and_work_that_goes_on_is_not() {
        use ActivityState::{Busy, Idle, NeedsInput, NeedsPermission};
        for (activity, previous, expected) in [
            (NeedsPermission, Some(Busy), true),
            (NeedsInput, None, true),
            (Busy, Some(NeedsPermission), true),
            (Busy, Some(Idle), false),
            (Idle, None, false),
        ] {
            let since = Timestamp::from_millis(0);
            let body = Body::Activity(Activity { activity, previous, reason: None, tool_name: None, since });
            assert_eq!(body.is_pressing(), expected, "{activity:?} after {previous:?}");
        }
    }

    #[test]
    fn hooks_that_tell_of_failures_and_questions_are_pressing() {
        for (name, expected) in [
            ("PostToolUseFailure", true),
            ("StopFailure", true),
            ("PermissionRequest", true),
            ("Notification", true),
            ("PreToolUse", false),
            ("PostToolUse", false),
        ] {
            let body = Body::Hook(Hook::of_type(channel::hook(name), Map::new()));
            assert_eq!(body.is_pressing(), expected, "{name}");
        }
    }

    #[test]
    fn what_others_publish_is_pressing_by_its_type() {
        for (kind, expected) in
            [("session.moved", true), ("permission.x", true), ("sessions", false), ("x.y", false)]
        {
            assert_eq!(Body::other(kind, Map::new()).is_pressing(), expected, "{kind}");
        }
    }

    #[test]
    fn what_tells_of_a_failure_is_pressing_whatever_its_type() {
        for (data, expected) in [
            (json!({ "status": "failed" }), true),
            (json!({ "status": "completed", "error": null }), false),
            (json!({ "status": 7, "severity": "warning" }), false),
            (json!({ "severity": "critical" }), true),
            (json!({ "error": "no such file" }), true),
            (json!({ "error": { "code": 1 } }), true),
            (json!({ "error": "" }), false),
        ] {
            let data: Map<String, Value> = serde_json::from_value(data).unwrap();
            let hook = Body::Hook(Hook::of_type(channel::hook("PostToolUse"), data.clone()));
            assert_eq!(hook.is_pressing(), expected, "{data:?}");
            assert_eq!(Body::other("flow.agent.completed", data.clone()).is_pressing(), expected, "{data:?}");
            assert!(!Body::other(channel::PANE_OUTPUT, data).is_pressing());
        }
    }
}
