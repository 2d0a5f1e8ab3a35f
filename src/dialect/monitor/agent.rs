//! `agent.status` in requirement R5's sense: one word for how claude is doing, out of the state of its process and what it
//! is known to do.

use crate::event::Timestamp;
use crate::event::body::{Activity, ActivityState, Ended, ProcessState, ProcessStatus};
use crate::status::Standing;
use serde::Serialize;

/// What kind of agent a supervised claude is (requirement R5).
const AGENT_TYPE: &str = "CLAUDE_AGENT";

/// The content, with the classic fields that R5 has no word for.
#[derive(Debug, Serialize)]
pub(super) struct AgentStatus<'a> {
    /// `busy`, `ready`, `blocked`, `error` or `offline`.
    status: &'static str,
    /// What the last `agent.status` of the session said; `null` where there was none.
    previous: Option<&'static str>,
    agent_type: &'static str,
    #[serde(flatten)]
    cause: Cause<'a>,
}

/// What it follows from.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Cause<'a> {
    Activity {
        activity: ActivityState,
        reason: Option<&'a str>,
        tool_name: Option<&'a str>,
        since: Timestamp,
    },
    Process {
        /// The classic dialect calls it `status`.
        claude_status: ProcessState,
        pid: Option<u32>,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        exit_code: Option<Option<i32>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<Option<i32>>,
    },
}

impl<'a> AgentStatus<'a> {
    /// Claude does something else now.
    pub(super) fn of_activity(now: &'a Activity, before: &Standing) -> Self {
        let Activity { activity, reason, tool_name, since, .. } = now;
        let cause = Cause::Activity {
            activity: *activity,
            reason: reason.as_deref(),
            tool_name: tool_name.as_deref(),
            since: *since,
        };
        Self::new(before, word(before.claude, Some(*activity)), cause)
    }

    /// Claude's process is in another state now.
    pub(super) fn of_process(now: &'a ProcessStatus, before: &Standing) -> Self {
        let cause = Cause::Process {
            claude_status: now.status,
            pid: now.pid,
            message: &now.message,
            exit_code: ended(now.exit_code),
            signal: ended(now.signal),
        };
        // What the one before did says nothing of a new one.
        let activity = before.activity.filter(|_| now.status != ProcessState::Starting);
        Self::new(before, word(Some(now.status), activity), cause)
    }

    fn new(before: &Standing, status: Option<&'static str>, cause: Cause<'a>) -> Self {
        let previous = word(before.claude, before.activity);
        Self { status: status.unwrap_or("offline"), previous, agent_type: AGENT_TYPE, cause }
    }
}

fn ended(number: Ended) -> Option<Option<i32>> {
    match number {
        Ended::NotYet => None,
        Ended::With(number) => Some(number),
    }
}

/// R5's word; `None` where nothing is known. A process that has ended does nothing, whatever was seen of it last.
fn word(claude: Option<ProcessState>, activity: Option<ActivityState>) -> Option<&'static str> {
    match (claude, activity) {
        (Some(ProcessState::Stopped), _) | (Some(ProcessState::Starting), None) => Some("offline"),
        (Some(ProcessState::Error), _) => Some("error"),
        (_, Some(ActivityState::Busy)) => Some("busy"),
        (_, Some(ActivityState::NeedsPermission | ActivityState::NeedsInput)) => Some("blocked"),
        (_, Some(ActivityState::Idle)) | (Some(ProcessState::Running), None) => Some("ready"),
        (None, None) => None,
    }
}
