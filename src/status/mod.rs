//! The fold of all events into what is true now: the answer to `get_status`.
//!
//! Pure: what the log and the server know (cursor, clients, time) is handed in when a snapshot is taken.

mod agents;
mod journal;
mod kept;
mod sources;
mod standing;

pub use journal::{JournalHealth, JournalState};
pub use sources::{Health, SourceHealth};
pub use standing::{SessionSummary, Standing};

use crate::event::body::{ActivityState, Body, InstanceInfo, LaunchMethod, ProcessState, SessionStart};
use crate::event::control::PermissionRequested;
use crate::event::work::{AgentStats, Ticket, Todo, TodoStats, TodoUpdate};
use crate::event::{Epoch, Event, SCHEMA_VERSION, SessionId, Source, Timestamp};
use agents::Agents;
use kept::Kept;
use schemars::JsonSchema;
use serde::Serialize;
use sources::Sources;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Claude sessions that a snapshot lists.
const MAX_LISTED: usize = 256;

/// What is true now.
#[derive(Debug, Default)]
pub struct Status {
    session: Option<SessionStart>,
    /// Where the hub is, if it has no session to tell it.
    host: Option<(InstanceInfo, Timestamp)>,
    /// Name of the instance.
    name: Option<Arc<str>>,
    claude_status: Option<ProcessState>,
    claude_pid: Option<u32>,
    activity: Option<ActivityState>,
    ended_at: Option<Timestamp>,
    agents: Agents,
    todos: TodoUpdate,
    /// What they weigh.
    todo_bytes: usize,
    tickets: Kept<Ticket>,
    permissions: Kept<PermissionRequested>,
    claude_sessions: Vec<String>,
    sources: Sources,
}

/// Something that is true and no event.
#[derive(Debug, Clone)]
pub enum Note {
    /// How a source is doing, and why.
    Source(Source, Health, Option<String>),
    /// Claude's own session, by its id; the newest comes last.
    ClaudeSession(String),
    /// The hub stands alone there, since then; its session is no run of claude.
    Host(InstanceInfo, Timestamp),
    /// The session goes on, though it may have been over.
    Begun,
    /// The session is over, and nobody can tell how it ended.
    Over(Timestamp),
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
    /// How its journal is doing; `None` where none is kept.
    pub journal: Option<JournalHealth>,
    /// Clients connected now.
    pub connected_clients: usize,
    /// The moment of the snapshot.
    pub now: Timestamp,
}

impl Status {
    /// Takes one event in. What it returns follows from it and is to be published right behind it.
    #[must_use]
    pub fn fold(&mut self, event: &Event) -> Option<Body> {
        // That something is wrong with a source is no word of its own.
        if !matches!(event.body, Body::Error(_)) {
            self.sources.spoke(&event.source, event.timestamp);
        }
        match &event.body {
            Body::SessionStart(start) => {
                let start = kept::start(start);
                self.name = Some(start.instance_info.name.as_str().into());
                self.session = Some(start);
            }
            Body::SessionEnd(end) => {
                self.ended_at = Some(end.end_time);
                self.permissions.clear();
            }
            Body::Status(status) => {
                self.claude_status = Some(status.status);
                // What the one before did says nothing of this one.
                if status.status == ProcessState::Starting {
                    self.activity = None;
                }
                self.claude_pid = status.pid;
            }
            Body::Activity(activity) => self.activity = Some(activity.activity),
            Body::Delegation(delegation) => {
                self.agents.fold(delegation);
                return Some(Body::Agents(self.agents.status()));
            }
            Body::PermissionRequested(asked) => {
                self.permissions.push(asked.clone(), Body::PermissionRequested)
            }
            Body::PermissionResolved(end) => {
                self.permissions.remove(|asked| asked.permission_id == end.permission_id);
            }
            Body::Todos(update) => (self.todos, self.todo_bytes) = kept::todos(update),
            Body::TicketCreated(ticket) => self.list_ticket(ticket),
            Body::TicketUpdated(update) => self.list_ticket(&update.ticket),
            Body::Output(_)
            | Body::Message(_)
            | Body::Agents(_)
            | Body::Usage(_)
            | Body::ModelSwitch(_)
            | Body::Control(_)
            | Body::Hook(_)
            | Body::Stats(_)
            | Body::Error(_)
            | Body::ComponentStarted(_)
            | Body::ComponentStopped(_)
            | Body::ComponentHealth(_)
            | Body::ClientConnected(_)
            | Body::ClientDisconnected(_)
            | Body::ConfigChanged(_)
            | Body::ResourceAlert(_)
            | Body::Published(_) => {}
        }
        None
    }

    /// Takes note of an event that changes nothing here: whoever published it does not own the session.
    pub fn heard(&mut self, event: &Event) {
        self.sources.spoke(&event.source, event.timestamp);
    }

    /// Takes in what is no event.
    pub fn note(&mut self, note: Note) {
        match note {
            Note::Source(source, health, why) => self.sources.note(&source, health, why),
            Note::ClaudeSession(id) => {
                self.claude_sessions.retain(|known| *known != id);
                push_bounded(&mut self.claude_sessions, id);
            }
            Note::Begun => self.ended_at = None,
            Note::Over(at) => self.ended_at = Some(at),
            Note::Host(instance, since) => {
                self.name = Some(instance.name.as_str().into());
                self.host = Some((instance, since));
            }
        }
    }

    /// Whether this source has published something.
    pub fn has_spoken(&self, source: &Source) -> bool {
        self.sources.have_heard(source)
    }

    /// Whether a question of claude's is open.
    pub fn has_questions(&self) -> bool {
        !self.permissions.is_empty()
    }

    /// An open question of claude's.
    pub fn question(&self, permission_id: &str) -> Option<&PermissionRequested> {
        self.permissions.find(|asked| asked.permission_id == permission_id)
    }

    /// What is known of a source beside its events.
    pub fn health(&self, source: &Source) -> Option<Health> {
        self.sources.health(source)
    }

    fn list_ticket(&mut self, ticket: &Ticket) {
        let is_meant = |known: &Ticket| known.id == ticket.id && known.system == ticket.system;
        self.tickets.put(ticket.clone(), is_meant, Body::TicketCreated);
    }

    /// What it keeps, bytes, about.
    pub fn bytes(&self) -> usize {
        let of_start =
            |start: &SessionStart| start.working_directory.len() + 2 * start.instance_info.working_dir.len();
        let start = self.session.as_ref().map_or(0, of_start);
        let lists = self.todo_bytes + self.tickets.bytes() + self.permissions.bytes() + self.agents.bytes();
        let ids: usize = self.claude_sessions.iter().map(|id| size_of::<String>() + id.len()).sum();
        size_of::<Self>() + start + lists + self.sources.bytes() + ids
    }

    /// Keeps no more of its lists: there is no room for them.
    pub fn forget_lists(&mut self) {
        (self.todos, self.todo_bytes) = (TodoUpdate::default(), 0);
        self.tickets.clear();
        self.permissions.clear();
        self.agents = Agents::default();
    }

    /// The `data` of `system.status`.
    pub fn snapshot(&self, position: &Position) -> Snapshot {
        let session = self.session.as_ref();
        let host = self.host.as_ref();
        let info = session.map(|start| &start.instance_info).or(host.map(|(info, _)| info));
        let agents = self.agents.status();
        Snapshot {
            schema_version: SCHEMA_VERSION,
            session_id: position.session_id.clone(),
            session_start: self.began(),
            claude_status: self.claude_status,
            claude_pid: self.claude_pid,
            connected_clients: position.connected_clients,
            websocket_port: info.and_then(|info| info.port),
            instance_info: info.cloned(),
            version: env!("CARGO_PKG_VERSION"),
            epoch: position.epoch.clone(),
            last_seq: position.last_seq,
            first_seq: position.first_seq,
            journal: position.journal,
            launch_method: session.map(|start| start.launch_method),
            activity: self.activity,
            active_agents: agents.active_agents,
            agent_stats: agents.agent_stats,
            todos: self.todos.todos.clone(),
            todo_stats: self.todos.stats,
            tickets: self.tickets.to_vec(),
            permissions: self.permissions.to_vec(),
            sources: self.sources.snapshot(position.now),
            claude_sessions: self.claude_sessions.clone(),
            uptime_seconds: self.uptime_seconds(position.now),
            sessions: Vec::new(),
        }
    }

    fn began(&self) -> Option<Timestamp> {
        self.session.as_ref().map(|start| start.start_time).or(self.host.as_ref().map(|(_, since)| *since))
    }

    fn uptime_seconds(&self, now: Timestamp) -> u64 {
        let until = self.ended_at.unwrap_or(now);
        self.began().map_or(0, |began| until.millis_since(began) / 1000)
    }
}

/// The oldest makes room.
fn push_bounded<T>(list: &mut Vec<T>, item: T) {
    if list.len() >= MAX_LISTED {
        list.remove(0);
    }
    list.push(item);
}

/// The `data` of `system.status`: everything a client needs to draw its first picture.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Snapshot {
    /// Version of the wire, [`SCHEMA_VERSION`].
    #[schemars(extend("const" = SCHEMA_VERSION), description = "Version of the wire")]
    pub schema_version: &'static str,
    /// The session the snapshot is of: the hub's own where no other was asked for.
    pub session_id: SessionId,
    /// When it began.
    pub session_start: Option<Timestamp>,
    /// State of claude's process.
    pub claude_status: Option<ProcessState>,
    /// Process id of claude while it runs, and of the one that ran once it stopped.
    pub claude_pid: Option<u32>,
    /// Clients of the hub.
    pub connected_clients: usize,
    /// TCP port of the hub.
    pub websocket_port: Option<u16>,
    /// The instance.
    pub instance_info: Option<InstanceInfo>,
    /// Version of claude-mpm.
    pub version: &'static str,
    /// The numbering of the hub's log.
    pub epoch: Epoch,
    /// Newest number in it; 0 when it is empty.
    pub last_seq: u64,
    /// Oldest number that is in memory; 0 when none is.
    pub first_seq: u64,
    /// How the journal of the hub is doing; null where none is kept.
    pub journal: Option<JournalHealth>,
    /// How claude was started.
    pub launch_method: Option<LaunchMethod>,
    /// What claude is doing.
    pub activity: Option<ActivityState>,
    /// Names of the agents at work, each once.
    pub active_agents: Vec<String>,
    /// What became of the agents' tasks, by name.
    pub agent_stats: BTreeMap<String, AgentStats>,
    /// Claude's list, in its order.
    pub todos: Vec<Todo>,
    /// The same, counted.
    pub todo_stats: TodoStats,
    /// The newest tickets, at most 256.
    pub tickets: Vec<Ticket>,
    /// Questions of claude's that nobody has answered, the oldest first.
    pub permissions: Vec<PermissionRequested>,
    /// How the sources of events are doing.
    pub sources: Vec<SourceHealth>,
    /// Claude's own ids of its sessions, the newest last, at most 256.
    pub claude_sessions: Vec<String>,
    /// Seconds from the beginning of the session until its end, or until now.
    pub uptime_seconds: u64,
    /// All sessions of the hub, the hub's own first; empty in the snapshot of one session.
    pub sessions: Vec<SessionSummary>,
}
