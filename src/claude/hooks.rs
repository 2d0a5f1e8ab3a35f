//! Which hooks a version of claude knows, and how each can be delivered.
//!
//! One event that a version does not know makes it drop every hook of the settings, or stop at a dialog; so only
//! what is known for the version is ever named.

use super::Version;

/// The events of 2.1.197 but for `WorktreeCreate`, whose hooks replace the making of a worktree.
const ALL: [&str; 29] = [
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "Notification",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "SessionStart",
    "SessionEnd",
    "Stop",
    "StopFailure",
    "SubagentStart",
    "SubagentStop",
    "PreCompact",
    "PostCompact",
    "PermissionRequest",
    "PermissionDenied",
    "Setup",
    "TeammateIdle",
    "TaskCreated",
    "TaskCompleted",
    "Elicitation",
    "ElicitationResult",
    "ConfigChange",
    "WorktreeRemove",
    "InstructionsLoaded",
    "CwdChanged",
    "FileChanged",
    "MessageDisplay",
];

/// The events of 2.1.30.
const OLD: [&str; 13] = [
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "Notification",
    "UserPromptSubmit",
    "SessionStart",
    "SessionEnd",
    "Stop",
    "SubagentStart",
    "SubagentStop",
    "PreCompact",
    "PermissionRequest",
    "Setup",
];

/// The events of 1.0.85, by claude's change log; not measured.
const FIRST: [&str; 9] = [
    "PreToolUse",
    "PostToolUse",
    "Notification",
    "UserPromptSubmit",
    "SessionStart",
    "SessionEnd",
    "Stop",
    "SubagentStop",
    "PreCompact",
];

/// Events for which claude runs no http hook, and says so only in its debug log.
const COMMAND_ONLY: [&str; 2] = ["SessionStart", "Setup"];

/// What a range of versions knows.
struct Era {
    since: Version,
    events: &'static [&'static str],
    http: bool,
}

const ERAS: [Era; 4] = [
    Era { since: Version::new(2, 1, 197), events: &ALL, http: true },
    Era { since: Version::new(2, 1, 63), events: &OLD, http: true },
    Era { since: Version::new(2, 1, 30), events: &OLD, http: false },
    Era { since: Version::new(1, 0, 85), events: &FIRST, http: false },
];

/// How claude tells of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It posts to a URL: one to three milliseconds.
    Http,
    /// It starts a program: some six milliseconds.
    Command,
}

/// The events this version knows. A version that is not known is taken for one of 2.1.30, a newer one than 2.1.197
/// for that; one too old for hooks knows none.
pub fn events(version: Option<Version>) -> &'static [&'static str] {
    match version {
        None => &OLD,
        Some(_) => era(version).map_or(&[], |era| era.events),
    }
}

/// Whether this version knows http hooks.
pub fn knows_http(version: Option<Version>) -> bool {
    era(version).is_some_and(|era| era.http)
}

/// Whether this version has an event of that name that we would ask for.
pub fn is_known(name: &str) -> bool {
    ALL.contains(&name)
}

/// The way an event takes where `wanted` is the way for all.
pub fn delivery(event: &str, wanted: Delivery) -> Delivery {
    if COMMAND_ONLY.contains(&event) { Delivery::Command } else { wanted }
}

/// Whether this can be the name of an event at all, and so part of a path: ASCII letters and digits, 64 at most.
pub fn is_event_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn era(version: Option<Version>) -> Option<&'static Era> {
    ERAS.iter().find(|era| version.is_some_and(|version| version >= era.since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_is_asked_only_for_what_it_knows() {
        for (version, count, http) in [
            (Some(Version::new(0, 2, 9)), 0, false),
            (Some(Version::new(1, 0, 85)), 9, false),
            (Some(Version::new(2, 1, 29)), 9, false),
            (Some(Version::new(2, 1, 30)), 13, false),
            (Some(Version::new(2, 1, 62)), 13, false),
            (Some(Version::new(2, 1, 63)), 13, true),
            (Some(Version::new(2, 1, 196)), 13, true),
            (Some(Version::new(2, 1, 197)), 29, true),
            (Some(Version::new(3, 0, 0)), 29, true),
            (None, 13, false),
        ] {
            assert_eq!((events(version).len(), knows_http(version)), (count, http), "{version:?}");
        }
    }

    #[test]
    fn the_hook_that_would_replace_the_making_of_a_worktree_is_never_asked_for() {
        assert!(!is_known("WorktreeCreate"));
        assert!(ERAS.iter().flat_map(|era| era.events).all(|event| is_known(event) && is_event_name(event)));
    }

    #[test]
    fn the_start_of_a_session_goes_by_command_whatever_is_wanted() {
        assert_eq!(delivery("SessionStart", Delivery::Http), Delivery::Command);
        assert_eq!(delivery("Setup", Delivery::Http), Delivery::Command);
        assert_eq!(delivery("PreToolUse", Delivery::Http), Delivery::Http);
        assert_eq!(delivery("PreToolUse", Delivery::Command), Delivery::Command);
    }

    #[test]
    fn what_could_lead_elsewhere_is_no_name() {
        let long = "x".repeat(65);
        for name in ["", "..", "a/b", "a b", "a\r\nb", "a%2f", "Pré", "a\0", long.as_str()] {
            assert!(!is_event_name(name), "{name:?}");
        }
    }
}
