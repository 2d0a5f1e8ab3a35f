//! One session in short: as others list it, and as it stood before an event.

use super::{Status, kept};
use crate::event::body::{Activity, ActivityState, Body, ProcessState, ProcessStatus};
use crate::event::{SessionId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How a session stood, for dialects that tell what was before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Name of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// State of claude's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claude: Option<ProcessState>,
    /// What claude did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<ActivityState>,
}

/// One session of a hub.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SessionSummary {
    /// Which session.
    pub session_id: SessionId,
    /// Name of its instance.
    pub name: Option<String>,
    /// Directory claude runs in.
    pub working_directory: Option<String>,
    /// When it began.
    pub session_start: Option<Timestamp>,
    /// When it ended.
    pub session_end: Option<Timestamp>,
    /// State of claude's process.
    pub claude_status: Option<ProcessState>,
    /// What claude is doing.
    pub activity: Option<ActivityState>,
    /// Names of the agents at work.
    pub active_agents: Vec<String>,
    /// It reaches this hub over an uplink.
    pub uplinked: bool,
}

impl Status {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        Standing { name: self.name.clone(), claude: self.claude_status, activity: self.activity }
    }

    /// Whether it is no run of claude, but a hub's own.
    pub fn stands_alone(&self) -> bool {
        self.host.is_some()
    }

    /// Whether the session is over.
    pub fn is_over(&self) -> bool {
        self.ended_at.is_some()
    }

    /// What tells another hub, as events, where the session stands.
    pub fn recollection(&self) -> Vec<Body> {
        let start = self.session.clone().map(Body::SessionStart);
        let status = self.claude_status.map(|status| {
            Body::Status(ProcessStatus::alive(status, self.claude_pid, "as it was when this hub was told"))
        });
        let activity = self.activity.map(|activity| {
            let since = self.began().unwrap_or(Timestamp::from_millis(0));
            Body::Activity(Activity { activity, previous: None, reason: None, tool_name: None, since })
        });
        let todos = Some(Body::Todos(self.todos.clone())).filter(|_| !self.todos.todos.is_empty());
        [start, status, activity, todos].into_iter().flatten().collect()
    }

    /// Takes such a recollection of a session that is not known yet.
    pub fn recollect(&mut self, bodies: &[Body]) {
        if self.session.is_some() {
            return;
        }
        for body in bodies {
            match body {
                Body::SessionStart(start) => {
                    let start = kept::start(start);
                    self.name = Some(start.instance_info.name.as_str().into());
                    self.session = Some(start);
                }
                Body::Status(status) => {
                    (self.claude_status, self.claude_pid) = (Some(status.status), status.pid)
                }
                Body::Activity(activity) => self.activity = Some(activity.activity),
                Body::Todos(todos) => (self.todos, self.todo_bytes) = kept::todos(todos),
                _ => {}
            }
        }
    }

    /// In short.
    pub fn summary(&self, session_id: SessionId, uplinked: bool) -> SessionSummary {
        SessionSummary {
            session_id,
            name: self.name.as_deref().map(str::to_owned),
            working_directory: self.session.as_ref().map(|start| start.working_directory.clone()),
            session_start: self.began(),
            session_end: self.ended_at,
            claude_status: self.claude_status,
            activity: self.activity,
            active_agents: self.agents.status().active_agents,
            uplinked,
        }
    }
}
