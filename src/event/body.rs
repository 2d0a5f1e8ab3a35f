//! What happened: one struct per event type, with the fields the wire shows (units are in the names).
//!
//! Unknown values are `null`, never invented. Which type name belongs to which body is said here once.

use super::talk::{Hook, Message, ModelSwitch, Usage};
use super::work::{AgentStatus, Delegation, Ticket, TicketUpdate, TodoUpdate};
use super::{SessionId, Timestamp, channel};
use serde::{Deserialize, Serialize, Serializer};

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
    /// `hook.*`
    Hook(Hook),
    /// `system.stats`
    Stats(Stats),
    /// `system.error`
    Error(Fault),
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
            Self::Hook(hook) => &hook.channel,
            Self::Stats(_) => channel::SYSTEM_STATS,
            Self::Error(_) => channel::SYSTEM_ERROR,
        }
    }

    /// Bytes of text it carries: what its size depends on.
    pub fn text_len(&self) -> usize {
        match self {
            Self::Output(output) => output.content.len(),
            Self::Error(fault) => fault.error.len(),
            Self::Status(status) => status.message.len(),
            Self::SessionStart(start) => 2 * start.working_directory.len() + start.instance_info.name.len(),
            Self::Message(message) => message.text.len(),
            Self::Delegation(delegation) => delegation.agent.len() + delegation.task.len() + 64,
            Self::Agents(agents) => agents.agent_stats.keys().map(|name| 2 * name.len() + 80).sum(),
            Self::Todos(update) => update.todos.iter().map(|todo| todo.content.len() + 256).sum(),
            Self::TicketCreated(ticket) => ticket_len(ticket),
            Self::TicketUpdated(update) => ticket_len(&update.ticket),
            Self::Hook(hook) => hook.bytes,
            Self::Activity(activity) => activity.reason.as_ref().map_or(0, String::len),
            Self::SessionEnd(_) | Self::Stats(_) | Self::Usage(_) | Self::ModelSwitch(_) => 0,
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

    /// How grave it is; events that report no fault are `info`.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Error(fault) => fault.severity,
            _ => Severity::Info,
        }
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
            Self::Hook(hook) => hook.data.serialize(serializer),
            Self::Stats(data) => data.serialize(serializer),
            Self::Error(data) => data.serialize(serializer),
        }
    }
}

fn ticket_len(ticket: &Ticket) -> usize {
    let optional = [&ticket.title, &ticket.priority, &ticket.assigned_to, &ticket.url];
    ticket.id.len() + optional.into_iter().flatten().map(String::len).sum::<usize>()
}

/// How claude was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LaunchMethod {
    /// Our process becomes claude.
    Exec,
    /// Claude is a child of ours.
    Subprocess,
}

/// Which instance speaks, so that a client of several can tell them apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceInfo {
    /// TCP port of the hub; `null` when it has none.
    pub port: Option<u16>,
    /// Numeric address the hub is bound to.
    pub host: String,
    /// Directory claude runs in; bytes that are not UTF-8 as U+FFFD.
    pub working_dir: String,
    /// Name of the instance, chosen with `--name` or the directory's.
    pub name: String,
    /// Our own process id.
    pub pid: u32,
}

/// `session.start` (requirements R1, R2).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionStart {
    /// The session that starts.
    pub session_id: SessionId,
    /// When it started.
    pub start_time: Timestamp,
    /// How claude is started.
    pub launch_method: LaunchMethod,
    /// Directory claude runs in; bytes that are not UTF-8 as U+FFFD.
    pub working_directory: String,
    /// TCP port of the hub.
    pub websocket_port: Option<u16>,
    /// The instance.
    pub instance_info: InstanceInfo,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// Claude exited by itself.
    Exited,
    /// A signal ended claude.
    Signaled,
    /// We were asked to stop it.
    Stopped,
    /// It never ran, or nobody can know.
    Unknown,
}

/// `session.end` (requirement R1). Exactly one of `exit_code` and `signal` is known when claude ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionEnd {
    /// The session that ended.
    pub session_id: SessionId,
    /// When.
    pub end_time: Timestamp,
    /// Whole run, seconds, with milliseconds as decimals.
    pub duration_seconds: f64,
    /// Exit code of claude, 0-255.
    pub exit_code: Option<i32>,
    /// Signal number that ended claude.
    pub signal: Option<i32>,
    /// Why.
    pub reason: EndReason,
}

/// The states of claude's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProcessStatus {
    /// The state it is in now.
    pub status: ProcessState,
    /// Process id of claude while it runs, and of the one that ran once it stopped.
    pub pid: Option<u32>,
    /// One sentence for people.
    pub message: String,
    /// Exit code, 0-255, once stopped.
    #[serde(skip_serializing_if = "ProcessStatus::is_alive")]
    pub exit_code: Ended,
    /// Signal number, once stopped by one.
    #[serde(skip_serializing_if = "ProcessStatus::is_alive")]
    pub signal: Ended,
}

/// A field that exists only after the end: absent before, a number or `null` afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Still alive: the field is left out.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The line: no escapes, no trailing newline, at most 64 KiB.
    pub content: String,
    /// Where it came from.
    pub stream: Stream,
    /// The line was longer and has been cut at a character boundary.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

impl Output {
    /// A line, cut where it is too long.
    pub fn line(mut content: String, stream: Stream) -> Self {
        let truncated = content.len() > MAX_TEXT_BYTES;
        content.truncate(content.floor_char_boundary(MAX_TEXT_BYTES));
        Self { content, stream, truncated }
    }
}

/// Our own share in `system.stats`.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
