//! What claude says of itself in `sessions/<pid>.json`: which session it is in, and whether it works or waits.
//!
//! Claude 2.1.197 writes it whole whenever something changes; finding and reading the file is not done here.

use super::claude_json::{session_id, text};
use crate::event::Timestamp;
use crate::event::body::ActivityState;
use serde_json::Value;
use std::sync::Arc;

/// The file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionState {
    /// The process it speaks of.
    pub pid: u32,
    /// When that process started, clock ticks since boot; with the pid it names one process.
    pub started: Option<u64>,
    /// The session claude is in now.
    pub claude_session: Arc<str>,
    /// Claude's working directory.
    pub cwd: Option<String>,
    /// Works or waits; `None` before claude has said so, and for words that are not known.
    pub activity: Option<ActivityState>,
    /// A status that says something else.
    pub other: Option<Other>,
    /// Since when.
    pub at: Option<Timestamp>,
}

/// What a status says that tells of no work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// Claude waits for a prompt, and commands go on in the background.
    Shells,
    /// A word that is not known.
    Unknown,
}

/// Reads the file; `None` where it is cut, or something else.
pub fn read(content: &[u8]) -> Option<SessionState> {
    let state: Value = serde_json::from_slice(content).ok()?;
    let millis = |field| state.get(field).and_then(Value::as_i64).map(Timestamp::from_millis);
    Some(SessionState {
        pid: state.get("pid")?.as_u64()?.try_into().ok()?,
        started: text(&state, "procStart").and_then(|ticks| ticks.parse().ok()),
        claude_session: session_id(text(&state, "sessionId")?)?.into(),
        cwd: text(&state, "cwd").map(Into::into),
        activity: activity(&state),
        other: other(&state),
        at: millis("statusUpdatedAt").or_else(|| millis("updatedAt")),
    })
}

/// `waitingFor` has only been seen to be `permission prompt`, for questions and plans as well.
fn activity(state: &Value) -> Option<ActivityState> {
    match text(state, "status")? {
        "busy" => Some(ActivityState::Busy),
        "idle" => Some(ActivityState::Idle),
        "waiting" if text(state, "waitingFor").is_none_or(|what| what.contains("permission")) => {
            Some(ActivityState::NeedsPermission)
        }
        "waiting" => Some(ActivityState::NeedsInput),
        _ => None,
    }
}

fn other(state: &Value) -> Option<Other> {
    match state.get("status")?.as_str() {
        Some("busy" | "idle" | "waiting") => None,
        Some("shell") => Some(Other::Shells),
        _ => Some(Other::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(status: &str) -> String {
        format!(
            r#"{{"pid":10929,"sessionId":"s-1","cwd":"/tmp/demo","startedAt":1,"procStart":"196962","version":"2.1.197","kind":"interactive",{status}"updatedAt":9,"statusUpdatedAt":8}}"#
        )
    }

    #[test]
    fn the_state_says_session_process_and_activity() {
        let state = read(file(r#""status":"busy","#).as_bytes()).unwrap();
        let expected = SessionState {
            pid: 10929,
            started: Some(196_962),
            claude_session: "s-1".into(),
            cwd: Some("/tmp/demo".into()),
            activity: Some(ActivityState::Busy),
            other: None,
            at: Some(Timestamp::from_millis(8)),
        };
        assert_eq!(state, expected);
    }

    #[test]
    fn each_word_of_claude_has_its_meaning_and_new_words_none() {
        for (status, activity, other) in [
            ("", None, None),
            (r#""status":"idle","#, Some(ActivityState::Idle), None),
            (
                r#""status":"waiting","waitingFor":"permission prompt","#,
                Some(ActivityState::NeedsPermission),
                None,
            ),
            (r#""status":"waiting","waitingFor":"dialog open","#, Some(ActivityState::NeedsInput), None),
            (r#""status":"shell","#, None, Some(Other::Shells)),
            (r#""status":"dreaming","#, None, Some(Other::Unknown)),
            (r#""status":7,"#, None, Some(Other::Unknown)),
        ] {
            let state = read(file(status).as_bytes()).unwrap();
            assert_eq!((state.activity, state.other), (activity, other), "{status}");
        }
    }

    #[test]
    fn a_file_cut_anywhere_or_with_a_strange_session_is_nothing() {
        let whole = file("");
        for cut in 0..whole.len() {
            assert_eq!(read(&whole.as_bytes()[..cut]), None);
        }
        assert_eq!(read(whole.replace("s-1", "../x").as_bytes()), None);
        assert_eq!(read(whole.replace("10929", "-1").as_bytes()), None);
    }
}
