//! What happened: one struct per event type, with the fields the wire shows (units are in the names).
//!
//! Unknown values are `null`, never invented. Which type name belongs to which body is said here once.

pub use super::session::{EndReason, InstanceInfo, LaunchMethod, SessionEnd, SessionStart};

use super::channel::{self};
use super::control::{ControlAction, PermissionRequested, PermissionResolved};
use super::published::Published;
use super::surroundings::{
    ClientConnected, ClientDisconnected, ComponentHealth, ComponentStarted, ComponentStopped, ConfigChanged,
    ResourceAlert,
};
use super::talk::{Hook, Message, ModelSwitch, Usage};
use super::work::{AgentStatus, Delegation, Ticket, TicketUpdate, TodoUpdate};
use super::{Timestamp, cut_text};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The typed content of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// `session.start`
    SessionStart(SessionStart),
    /// `session.end`
    SessionEnd(SessionEnd),
    /// `claude.status`
    Status(ProcessStatus),
    /// `claude.activity`
    Activity(Activity),
    /// `claude.output`
    Output(Output),
    /// `claude.message`
    Message(Message),
    /// `agent.delegation`
    Delegation(Delegation),
    /// `agent.status`
    Agents(AgentStatus),
    /// `todo.update`
    Todos(TodoUpdate),
    /// `ticket.created`
    TicketCreated(Ticket),
    /// `ticket.updated`
    TicketUpdated(TicketUpdate),
    /// `usage.update`
    Usage(Usage),
    /// `router.model.switch`
    ModelSwitch(ModelSwitch),
    /// `permission.requested`
    PermissionRequested(PermissionRequested),
    /// `permission.resolved`
    PermissionResolved(PermissionResolved),
    /// `control.action`
    Control(ControlAction),
    /// `hook.*`
    Hook(Hook),
    /// `system.stats`
    Stats(Stats),
    /// `system.error`
    Error(Fault),
    /// `component.started`
    ComponentStarted(ComponentStarted),
    /// `component.stopped`
    ComponentStopped(ComponentStopped),
    /// `component.health`
    ComponentHealth(ComponentHealth),
    /// `ws.connected`
    ClientConnected(ClientConnected),
    /// `ws.disconnected`
    ClientDisconnected(ClientDisconnected),
    /// `config.changed`
    ConfigChanged(ConfigChanged),
    /// `resource.alert`
    ResourceAlert(ResourceAlert),
    /// Any other type: somebody published it.
    Published(Published),
}

impl Body {
    /// The event type on the wire.
    pub fn channel(&self) -> &str {
        match self {
            Self::SessionStart(_) => channel::SESSION_START,
            Self::SessionEnd(_) => channel::SESSION_END,
            Self::Status(_) => channel::CLAUDE_STATUS,
            Self::Activity(_) => channel::CLAUDE_ACTIVITY,
            Self::Output(_) => channel::CLAUDE_OUTPUT,
            Self::Message(_) => channel::CLAUDE_MESSAGE,
            Self::Delegation(_) => channel::AGENT_DELEGATION,
            Self::Agents(_) => channel::AGENT_STATUS,
            Self::Todos(_) => channel::TODO_UPDATE,
            Self::TicketCreated(_) => channel::TICKET_CREATED,
            Self::TicketUpdated(_) => channel::TICKET_UPDATED,
            Self::Usage(_) => channel::USAGE_UPDATE,
            Self::ModelSwitch(_) => channel::ROUTER_MODEL_SWITCH,
            Self::PermissionRequested(_) => channel::PERMISSION_REQUESTED,
            Self::PermissionResolved(_) => channel::PERMISSION_RESOLVED,
            Self::Control(_) => channel::CONTROL_ACTION,
            Self::Hook(hook) => &hook.channel,
            Self::Stats(_) => channel::SYSTEM_STATS,
            Self::Error(_) => channel::SYSTEM_ERROR,
            Self::ComponentStarted(_) => channel::COMPONENT_STARTED,
            Self::ComponentStopped(_) => channel::COMPONENT_STOPPED,
            Self::ComponentHealth(_) => channel::COMPONENT_HEALTH,
            Self::ClientConnected(_) => channel::WS_CONNECTED,
            Self::ClientDisconnected(_) => channel::WS_DISCONNECTED,
            Self::ConfigChanged(_) => channel::CONFIG_CHANGED,
            Self::ResourceAlert(_) => channel::RESOURCE_ALERT,
            Self::Published(published) => &published.channel,
        }
    }

    /// Whether it is a fact of claude's work that several sources may tell of.
    pub fn is_told_by_several(&self) -> bool {
        matches!(
            self,
            Self::Message(_)
                | Self::Delegation(_)
                | Self::Todos(_)
                | Self::TicketCreated(_)
                | Self::TicketUpdated(_)
        )
    }
}

impl Serialize for Body {
    /// The `data` of the event; the type name stands beside it in the frame.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::SessionStart(data) => data.serialize(serializer),
            Self::SessionEnd(data) => data.serialize(serializer),
            Self::Status(data) => data.serialize(serializer),
            Self::Activity(data) => data.serialize(serializer),
            Self::Output(data) => data.serialize(serializer),
            Self::Message(data) => data.serialize(serializer),
            Self::Delegation(data) => data.serialize(serializer),
            Self::Agents(data) => data.serialize(serializer),
            Self::Todos(data) => data.serialize(serializer),
            Self::TicketCreated(data) => data.serialize(serializer),
            Self::TicketUpdated(data) => data.serialize(serializer),
            Self::Usage(data) => data.serialize(serializer),
            Self::ModelSwitch(data) => data.serialize(serializer),
            Self::PermissionRequested(data) => data.serialize(serializer),
            Self::PermissionResolved(data) => data.serialize(serializer),
            Self::Control(data) => data.serialize(serializer),
            Self::Hook(hook) => hook.data.serialize(serializer),
            Self::Stats(data) => data.serialize(serializer),
            Self::Error(data) => data.serialize(serializer),
            Self::ComponentStarted(data) => data.serialize(serializer),
            Self::ComponentStopped(data) => data.serialize(serializer),
            Self::ComponentHealth(data) => data.serialize(serializer),
            Self::ClientConnected(data) => data.serialize(serializer),
            Self::ClientDisconnected(data) => data.serialize(serializer),
            Self::ConfigChanged(data) => data.serialize(serializer),
            Self::ResourceAlert(data) => data.serialize(serializer),
            Self::Published(published) => published.data.serialize(serializer),
        }
    }
}

/// The states of claude's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProcessState {
    /// About to be started.
    Starting,
    /// Runs.
    Running,
    /// Has ended.
    Stopped,
    /// Could not be started.
    Error,
}

/// `claude.status` (requirement R1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessStatus {
    /// The state it is in now.
    pub status: ProcessState,
    /// Process id of claude while it runs, and of the one that ran once it stopped.
    pub pid: Option<u32>,
    /// One sentence for people.
    pub message: String,
    /// Exit code, 0-255, once stopped.
    #[serde(default, skip_serializing_if = "ProcessStatus::is_alive")]
    #[schemars(with = "Option<i32>")]
    pub exit_code: Ended,
    /// Signal number, once stopped by one.
    #[serde(default, skip_serializing_if = "ProcessStatus::is_alive")]
    #[schemars(with = "Option<i32>")]
    pub signal: Ended,
}

/// A field that exists only after the end: absent before, a number or `null` afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ended {
    /// Still alive: the field is left out.
    #[default]
    NotYet,
    /// Over: the number where there is one.
    With(Option<i32>),
}

impl Serialize for Ended {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NotYet => serializer.serialize_none(),
            Self::With(number) => number.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Ended {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::With)
    }
}

impl ProcessStatus {
    fn is_alive(field: &Ended) -> bool {
        *field == Ended::NotYet
    }

    /// A status of a process that has not ended.
    pub fn alive(status: ProcessState, pid: Option<u32>, message: &str) -> Self {
        Self { status, pid, message: message.into(), exit_code: Ended::NotYet, signal: Ended::NotYet }
    }
}

/// What claude is doing, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityState {
    /// Works.
    Busy,
    /// Has finished and waits for a prompt.
    Idle,
    /// Asks whether it may use a tool, or whether its plan is right.
    NeedsPermission,
    /// Asks a question.
    NeedsInput,
}

/// `claude.activity`: a change of what claude is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Activity {
    /// What it does now.
    pub activity: ActivityState,
    /// What it did before.
    pub previous: Option<ActivityState>,
    /// Why it waits, where that is known.
    pub reason: Option<String>,
    /// The tool it waits for, where that is known.
    pub tool_name: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// Which of claude's two streams; in a terminal everything is `stdout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output, and everything a terminal shows.
    Stdout,
    /// Standard error, where it is not a terminal.
    Stderr,
}

/// Longest text in an event, bytes; longer ones are cut at a character boundary.
pub const MAX_TEXT_BYTES: usize = 64 << 10;

/// `claude.output`: one settled line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The line: no escapes, no trailing newline, at most 64 KiB.
    pub content: String,
    /// Where it came from.
    pub stream: Stream,
    /// The line was longer and has been cut at a character boundary.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

impl Output {
    /// A line, cut where it is too long.
    pub fn line(mut content: String, stream: Stream) -> Self {
        let truncated = cut_text(&mut content, MAX_TEXT_BYTES);
        Self { content, stream, truncated }
    }
}

/// Our own share in `system.stats`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HubStats {
    /// Resident memory of our processes, MiB.
    pub memory_usage_mb: f64,
    /// Percent of one core.
    pub cpu_percent: f64,
    /// Connected clients.
    pub clients: usize,
    /// Events in this log so far.
    pub events: u64,
    /// Bytes waiting to be written to clients.
    pub queue_bytes: u64,
    /// Events that clients missed, and bytes of output the detectors skipped.
    pub dropped: u64,
}

/// `system.stats`: claude's whole process tree, and ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Resident memory of claude's tree, MiB.
    pub memory_usage_mb: f64,
    /// Percent of one core; more than 100 on several.
    pub cpu_percent: f64,
    /// Since the session's start.
    pub uptime_seconds: u64,
    /// Processes in claude's tree.
    pub processes: usize,
    /// Our own share.
    pub hub: HubStats,
}

/// How grave a fault is. The order is that of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Something is less than it should be.
    Warning,
    /// Something does not work.
    Error,
    /// A person has to act.
    Critical,
}

/// `system.error`: a fault of monitoring or of the machine, never of claude's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// What failed and why.
    pub error: String,
    /// Which part of claude-mpm says so.
    pub component: String,
    /// How grave it is.
    pub severity: Severity,
    /// R4's code.
    pub error_code: String,
}
