//! The work claude does: delegations to agents, todo lists, tickets. The fields the wire shows.

use super::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far a delegation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DelegationStatus {
    /// The agent has been called.
    Started,
    /// It gave its answer.
    Completed,
    /// It never will.
    Failed,
}

/// Why a delegation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// A person or a rule refused it.
    Denied,
    /// A person interrupted it.
    Interrupted,
    /// The agent or its call went wrong.
    Error,
    /// Claude's session or process ended first.
    SessionEnded,
}

/// `agent.delegation` (requirement R1): one event when it starts, one when it ends, never more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delegation {
    /// Name of the agent; `general-purpose` where claude named none.
    pub agent: String,
    /// What it is to do, in claude's words.
    pub task: String,
    /// How far it is.
    pub status: DelegationStatus,
    /// From its start to its end, milliseconds; `null` at the start and where nobody knows.
    pub duration_ms: Option<u64>,
    /// The same in both events: claude's id of the call, or one of ours where only the screen told.
    pub delegation_id: String,
    /// Claude's id of the running agent, once known.
    pub agent_id: Option<String>,
    /// Name of the agent that delegated; `null` for claude itself.
    pub parent_agent: Option<String>,
    /// Claude goes on while it works.
    pub background: bool,
    /// Why it failed; `null` otherwise.
    pub reason: Option<FailureReason>,
    /// Tokens the agent used.
    pub tokens: Option<u64>,
    /// Tools the agent used.
    pub tool_uses: Option<u64>,
}

/// What became of one agent's delegations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentStats {
    /// Started.
    pub tasks: u64,
    /// Ended with an answer.
    pub completed: u64,
    /// Ended without.
    pub failed: u64,
    /// Mean of the known durations, milliseconds.
    pub avg_duration_ms: Option<u64>,
}

/// `agent.status` (requirement R1): follows every change of a delegation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentStatus {
    /// Names of the agents at work, each once, in the order they began.
    pub active_agents: Vec<String>,
    /// By name.
    pub agent_stats: BTreeMap<String, AgentStats>,
}

/// How far a todo is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TodoStatus {
    /// Not begun.
    Pending,
    /// Being worked on.
    InProgress,
    /// Done.
    Completed,
}

impl TodoStatus {
    /// Claude's word for it.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "pending" => Some(Self::Pending),
            "in_progress" => Some(Self::InProgress),
            "completed" => Some(Self::Completed),
            _ => None,
        }
    }
}

/// One item of a todo list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Todo {
    /// Claude's number of the task, or its place in the list where claude gives none.
    pub id: String,
    /// What is to be done.
    pub content: String,
    /// How far it is.
    pub status: TodoStatus,
    /// Where claude noted one.
    pub priority: Option<String>,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The same in the words shown while it is done.
    pub active_form: Option<String>,
    /// The agent it belongs to.
    pub owner: Option<String>,
}

/// Counts of a todo list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TodoStats {
    /// All.
    pub total: usize,
    /// Done.
    pub completed: usize,
    /// Being worked on.
    pub in_progress: usize,
    /// Not begun.
    pub pending: usize,
}

impl TodoStats {
    /// Counts a list.
    pub fn of(todos: &[Todo]) -> Self {
        let count = |status| todos.iter().filter(|todo| todo.status == status).count();
        Self {
            total: todos.len(),
            completed: count(TodoStatus::Completed),
            in_progress: count(TodoStatus::InProgress),
            pending: count(TodoStatus::Pending),
        }
    }
}

/// `todo.update` (requirement R1): the whole list after a change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TodoUpdate {
    /// In claude's order.
    pub todos: Vec<Todo>,
    /// Counted.
    pub stats: TodoStats,
}

impl From<Vec<Todo>> for TodoUpdate {
    fn from(todos: Vec<Todo>) -> Self {
        Self { stats: TodoStats::of(&todos), todos }
    }
}

/// A ticket as one tool's output named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ticket {
    /// The tracker's name for it: `TICKET-123`, `owner/repository#7`.
    pub id: String,
    /// What it is about.
    pub title: Option<String>,
    /// In the tracker's words.
    pub priority: Option<String>,
    /// To whom.
    pub assigned_to: Option<String>,
    /// Where to look at it.
    pub url: Option<String>,
    /// `github`, `gitlab`, `jira`, `linear`, `aitrackdown`, .. or `text` for a line of output.
    pub system: String,
}

/// `ticket.updated`: a ticket that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketUpdate {
    /// The ticket, as far as is known now.
    #[serde(flatten)]
    pub ticket: Ticket,
    /// Names of the fields that changed.
    pub changed: Vec<String>,
}
