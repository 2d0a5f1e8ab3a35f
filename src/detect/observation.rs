//! What hooks, stream and transcript have in common: facts about claude's work, before anybody has said which are new.
//!
//! The decoders ([`super::hook`], [`super::stream_json`], [`super::transcript`]) make them, [`super::tool`] takes them.
//! A decoder reports what its source says and nothing else; it keeps no more state than it needs to read.

use crate::event::Timestamp;
use crate::event::body::ActivityState;
use crate::event::talk::{Role, Usage};
use serde_json::Value;
use std::sync::Arc;

/// One thing one source said.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Claude's own `session_id`.
    pub claude_session: Arc<str>,
    /// The agent it happened in; `None` for claude itself.
    pub agent: Option<Agent>,
    /// When it happened, as far as the source knows, else when it was read.
    pub at: Timestamp,
    /// It happened before this run (a resumed conversation): it restores state and is not told.
    pub past: bool,
    /// What happened.
    pub fact: Fact,
}

/// A running agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Claude's id of it.
    pub id: String,
    /// Its name, where the source says it.
    pub name: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A tool is called. Hooks say so when it is about to run, stream and transcript as soon as the model wants it.
    Called(Call),
    /// A call is over, one way or another.
    Returned(Return),
    /// The call's batch is over (`PostToolBatch`): a call that is still open then was refused.
    BatchOver {
        /// Ids of the calls.
        calls: Vec<String>,
    },
    /// An agent runs; `tool_use_id` is the call that started it, where the source knows.
    AgentStarted {
        /// The agent.
        agent: Agent,
        /// The call.
        tool_use_id: Option<String>,
    },
    /// An agent has ended.
    AgentEnded(AgentEnd),
    /// A turn begins: a prompt was submitted, by a person or by the end of a background task.
    Prompted,
    /// A turn of claude itself is over.
    TurnOver {
        /// Ids of the background agents that still run, where the source says so.
        running: Option<Vec<String>>,
    },
    /// A person interrupted the turn.
    Interrupted,
    /// A dialog asks whether this call may run. There is no id in it.
    PermissionAsked(Asked),
    /// Claude says itself how it is: its session's state file.
    State(ActivityState),
    /// The state file has said idle for a while: what is still open is not coming back.
    Settled,
    /// Claude's session begins, or is taken up again.
    SessionStarted,
    /// Claude's session is over; the process may go on with another one.
    SessionOver,
    /// A whole text was said.
    Said {
        /// By whom.
        role: Role,
        /// What.
        text: String,
        /// The source's id of it.
        message_id: Option<String>,
    },
    /// A task of the todo list is about this. It says nothing of changes.
    TaskNamed {
        /// Claude's number of it.
        id: String,
        /// Its words.
        subject: String,
    },
    /// A piece of a text was shown (`MessageDisplay`).
    Shown(Shown),
    /// Tokens were used, as the source counts them.
    Used {
        /// Which answer, where one is meant; it is counted once.
        message_id: Option<String>,
        /// How many.
        usage: Usage,
    },
    /// The model that gave an answer.
    Answered {
        /// Which answer.
        message_id: String,
        /// By which model.
        model: String,
    },
}

/// A question of claude's, whether a call may run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// The tool.
    pub tool: String,
    /// Its input.
    pub input: Value,
    /// Rules claude suggests to remember.
    pub suggestions: Vec<Value>,
    /// What the question is called here; `None` where it is no more than a sign that claude waits.
    pub id: Option<Arc<str>>,
    /// Until then it can be answered from elsewhere; `None` where it cannot be.
    pub until: Option<Timestamp>,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The message it belongs to.
    pub message_id: String,
    /// Which piece it is, from 0 on, where the source says so.
    pub index: Option<u64>,
    /// The piece.
    pub delta: String,
    /// It was the last piece.
    pub is_final: bool,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Claude's `tool_use_id`.
    pub id: String,
    /// Name of the tool.
    pub tool: String,
    /// As the model gave it.
    pub input: Value,
}

/// The end of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Return {
    /// Claude's `tool_use_id`.
    pub id: String,
    /// The call itself, where the source repeats it (hooks do).
    pub call: Option<Call>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it ran, milliseconds, where the source says so.
    pub duration_ms: Option<u64>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It ran. The structured result (`tool_response`, `tool_use_result`, `toolUseResult`), else the content blocks.
    Ran(Value),
    /// It ran or should have, and failed; what it said.
    Failed(String),
    /// A person or a rule refused it.
    Denied,
    /// A person interrupted it, or refused it: some sources cannot tell these apart.
    Rejected,
    /// There is no such tool here: nothing ran.
    Unavailable,
}

/// The end of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentEnd {
    /// The agent's id.
    pub agent_id: String,
    /// The call that started it, where the source knows.
    pub tool_use_id: Option<String>,
    /// How it ended.
    pub how: AgentFate,
    /// How long it ran, milliseconds, where the source says so.
    pub duration_ms: Option<u64>,
    /// Tokens it used.
    pub tokens: Option<u64>,
    /// Tools it used.
    pub tool_uses: Option<u64>,
}

/// How an agent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentFate {
    /// With an answer.
    Completed,
    /// With an error.
    Failed,
    /// Somebody stopped it.
    Stopped,
}
