//! The fold of all events into what is true now: the answer to `get_status`.
//!
//! Pure: what the log and the server know (cursor, clients, time) is handed in when a snapshot is taken.

use crate::event::body::{ActivityState, Body, InstanceInfo, LaunchMethod, ProcessState, SessionStart};
use crate::event::{Epoch, Event, SessionId, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

/// A source that said nothing for this long is idle.
const ACTIVE_MILLIS: u64 = 60_000;

/// What is true now.
#[derive(Debug, Default)]
pub struct Status {
    session: Option<SessionStart>,
    claude_status: Option<ProcessState>,
    claude_pid: Option<u32>,
    activity: Option<ActivityState>,
    ended_at: Option<Timestamp>,
    sources: Vec<(String, Timestamp)>,
}

/// What a snapshot needs to know beside the fold.
#[derive(Debug, Clone)]
pub struct Position {
    /// The session the hub belongs to.
    pub session_id: SessionId,
    /// The log's numbering.
    pub epoch: Epoch,
    /// Oldest `seq` in memory; 0 when the log is empty.
    pub first_seq: u64,
    /// Newest `seq`; 0 when the log is empty.
    pub last_seq: u64,
    /// Clients connected now.
    pub connected_clients: usize,
    /// The moment of the snapshot.
    pub now: Timestamp,
}

impl Status {
    /// Takes one event in.
    pub fn fold(&mut self, event: &Event) {
        self.saw_source(event.source.as_str(), event.timestamp);
        match &event.body {
            Body::SessionStart(start) => self.session = Some(start.clone()),
            Body::SessionEnd(end) => self.ended_at = Some(end.end_time),
            Body::Status(status) => {
                self.claude_status = Some(status.status);
                self.claude_pid = status.pid;
            }
            Body::Activity(activity) => self.activity = Some(activity.activity),
            Body::Output(_) | Body::Stats(_) | Body::Error(_) => {}
        }
    }

    fn saw_source(&mut self, name: &str, at: Timestamp) {
        match self.sources.iter_mut().find(|(known, _)| known == name) {
            Some((_, last)) => *last = at,
            None => self.sources.push((name.to_owned(), at)),
        }
    }

    /// The `data` of `system.status`.
    pub fn snapshot(&self, position: &Position) -> Snapshot {
        let session = self.session.as_ref();
        Snapshot {
            schema_version: "1.0",
            session_id: position.session_id.clone(),
            session_start: session.map(|start| start.start_time),
            claude_status: self.claude_status,
            claude_pid: self.claude_pid,
            connected_clients: position.connected_clients,
            websocket_port: session.and_then(|start| start.websocket_port),
            instance_info: session.map(|start| start.instance_info.clone()),
            version: env!("CARGO_PKG_VERSION"),
            epoch: position.epoch.clone(),
            last_seq: position.last_seq,
            first_seq: position.first_seq,
            launch_method: session.map(|start| start.launch_method),
            activity: self.activity,
            active_agents: Vec::new(),
            agent_stats: Map::new(),
            todos: Vec::new(),
            todo_stats: TodoStats::default(),
            tickets: Vec::new(),
            sources: self.source_health(position.now),
            claude_sessions: Vec::new(),
            uptime_seconds: self.uptime_seconds(position.now),
        }
    }

    fn uptime_seconds(&self, now: Timestamp) -> u64 {
        let until = self.ended_at.unwrap_or(now);
        self.session.as_ref().map_or(0, |start| until.millis_since(start.start_time) / 1000)
    }

    fn source_health(&self, now: Timestamp) -> Vec<SourceHealth> {
        let health = |(name, last): &(String, Timestamp)| SourceHealth {
            name: name.clone(),
            state: if now.millis_since(*last) < ACTIVE_MILLIS { "active" } else { "idle" },
            last_event_at: Some(*last),
            note: None,
        };
        self.sources.iter().map(health).collect()
    }
}

/// The `data` of `system.status`: everything a client needs to draw its first picture.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the wire contract names and explains these fields")]
pub struct Snapshot {
    pub schema_version: &'static str,
    pub session_id: SessionId,
    pub session_start: Option<Timestamp>,
    pub claude_status: Option<ProcessState>,
    pub claude_pid: Option<u32>,
    pub connected_clients: usize,
    pub websocket_port: Option<u16>,
    pub instance_info: Option<InstanceInfo>,
    pub version: &'static str,
    pub epoch: Epoch,
    pub last_seq: u64,
    pub first_seq: u64,
    pub launch_method: Option<LaunchMethod>,
    pub activity: Option<ActivityState>,
    pub active_agents: Vec<String>,
    pub agent_stats: Map<String, Value>,
    pub todos: Vec<Value>,
    pub todo_stats: TodoStats,
    pub tickets: Vec<Value>,
    pub sources: Vec<SourceHealth>,
    pub claude_sessions: Vec<String>,
    pub uptime_seconds: u64,
}

/// Counts of the todo list.
#[derive(Debug, Clone, Default, Serialize)]
#[expect(missing_docs, reason = "the wire contract names and explains these fields")]
pub struct TodoStats {
    pub total: usize,
    pub completed: usize,
    pub in_progress: usize,
    pub pending: usize,
}

/// How one source of events is doing.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the wire contract names and explains these fields")]
pub struct SourceHealth {
    pub name: String,
    pub state: &'static str,
    pub last_event_at: Option<Timestamp>,
    pub note: Option<String>,
}
