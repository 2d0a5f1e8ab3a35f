//! Facts about claude's work, whoever tells them, each of them once.
//!
//! Hooks, stream and transcript tell the same facts, keyed by claude's session and `tool_use_id`. The first sight of
//! a fact makes an event, later ones confirm it. A pure state machine: observations in, events out; its memory is
//! bounded per claude session, and there are at most [`MAX_SESSIONS`] of these.

mod attention;
mod calls;
mod changes;
mod delegation;
mod delegations;
mod drawn;
mod permissions;
mod questions;
mod talk;
mod telling;
#[cfg(test)]
mod tests;
mod tickets;
mod todos;
mod verdict;

pub use telling::{FactKey, FactKind, Told};

use super::observation::{AgentEnd, AgentFate, Asked, Call, Fact, Observation, Outcome, Return};
use super::ticket::Tickets;
use crate::event::body::ActivityState;
use crate::event::work::FailureReason;
use crate::event::{Body, Source, Timestamp};
use attention::Attention;
use calls::Calls;
use changes::Changes;
use delegations::Delegations;
use drawn::Drawn;
use permissions::Permissions;
use std::sync::Arc;
use talk::Talk;
use telling::Telling;
use tickets::KnownTickets;

/// Most sessions of claude (`/clear` begins a new one) that are remembered; the one heard of longest ago is forgotten
/// first.
pub const MAX_SESSIONS: usize = 32;

/// Ends a background task.
const STOPPING_TOOL: &str = "TaskStop";

/// The state machine.
#[derive(Debug)]
pub struct Detector {
    /// The one heard of last comes last.
    conversations: Vec<Conversation>,
    attention: Attention,
    permissions: Permissions,
    tickets: Tickets,
    /// Whose count of tokens is told; two counts of the same tokens would be doubled.
    counted_by: Source,
    drawn: Drawn,
}

/// What is known of one session of claude.
#[derive(Debug)]
struct Conversation {
    claude_session: Arc<str>,
    calls: Calls,
    delegations: Delegations,
    todos: Changes,
    tickets: KnownTickets,
    talk: Talk,
}

impl Detector {
    /// Nothing is known. `has_stream`: claude writes a stream of JSON lines, whose count of tokens has the cost too.
    pub fn new(tickets: Tickets, has_stream: bool) -> Self {
        let counted_by = if has_stream { Source::Stream } else { Source::Transcript };
        Self {
            conversations: Vec::new(),
            attention: Attention::default(),
            permissions: Permissions::default(),
            tickets,
            counted_by,
            drawn: Drawn::default(),
        }
    }

    /// Takes in what a source said. What the screen shows waits for [`Self::tick`], and is forgotten once a source has
    /// spoken that knows more.
    pub fn feed(&mut self, source: &Source, seen: &Observation) -> Vec<Told> {
        match source {
            Source::Screen => self.drawn.keep(seen),
            _ if !seen.past => self.drawn.close(),
            _ => {}
        }
        if *source == Source::Screen { Vec::new() } else { self.believe(source, seen) }
    }

    fn believe(&mut self, source: &Source, seen: &Observation) -> Vec<Told> {
        let mut told = Vec::new();
        let (claude_session, at, past) = (&seen.claude_session, seen.at, seen.past);
        let mut telling = Telling { source, claude_session, at, past, told: &mut told };
        self.take(seen, &mut telling);
        // What is open in a session that is forgotten would never end.
        while self.conversations.len() > MAX_SESSIONS {
            self.conversations.remove(0).finish(at, &mut told);
        }
        told
    }

    /// The terminal looks as if claude were busy, or idle.
    pub fn looks(&mut self, state: ActivityState, at: Timestamp) -> Vec<Told> {
        let mut told = Vec::new();
        let claude_session = Arc::from("");
        let mut telling = Telling {
            source: &Source::Screen,
            claude_session: &claude_session,
            at,
            past: false,
            told: &mut told,
        };
        self.attention.looks(state, &mut telling);
        told
    }

    /// When [`Self::tick`] has something to say if nobody says anything before.
    pub fn due(&self) -> Option<Timestamp> {
        let presumed = self.conversations.iter().filter_map(|conversation| conversation.delegations.due());
        presumed.chain(self.drawn.due()).chain(self.attention.due()).chain(self.permissions.due()).min()
    }

    /// It is `at` now: what was presumed for long enough is believed.
    pub fn tick(&mut self, at: Timestamp) -> Vec<Told> {
        let mut told = Vec::new();
        for seen in self.drawn.take_until(at) {
            told.extend(self.believe(&Source::Screen, &seen));
        }
        let (source, claude_session) = (&Source::Transcript, Arc::from(""));
        let mut telling =
            Telling { source, claude_session: &claude_session, at, past: false, told: &mut told };
        self.attention.tick(&mut telling);
        self.permissions.tick(&mut Telling { source: &Source::Hook, ..telling });
        for conversation in &mut self.conversations {
            let claude_session = Arc::clone(&conversation.claude_session);
            let source = &Source::Supervisor;
            let mut telling =
                Telling { source, claude_session: &claude_session, at, past: false, told: &mut told };
            conversation.delegations.tick(&mut telling);
        }
        told
    }

    /// The process is over: what is open ends with it.
    pub fn finish(&mut self, at: Timestamp) -> Vec<Told> {
        let mut told = Vec::new();
        for seen in self.drawn.take_all() {
            told.extend(self.believe(&Source::Screen, &seen));
        }
        self.conversations.iter_mut().for_each(|conversation| conversation.finish(at, &mut told));
        self.by_us(at, &mut told, |detector, telling| detector.permissions.finish(telling));
        self.attention.over();
        told
    }

    fn take(&mut self, seen: &Observation, telling: &mut Telling<'_>) {
        let agent = seen.agent.as_ref();
        self.attention.hears(telling.source);
        match &seen.fact {
            Fact::Called(call) => self.called(call, seen, telling),
            Fact::Returned(end) => self.returned(end, seen, telling),
            Fact::BatchOver { calls } => {
                self.conversation(seen).delegations.batch_over(calls, telling);
                self.permissions.batch_over(calls, telling);
                calls.iter().for_each(|id| {
                    self.attention.returned(id, telling);
                });
            }
            Fact::AgentStarted { agent, tool_use_id } => {
                self.conversation(seen).delegations.agent_started(agent, tool_use_id.as_deref());
            }
            Fact::AgentEnded(end) => self.agent_ended(end, seen, telling),
            Fact::Prompted if agent.is_none() => {
                self.conversation(seen).delegations.sweep(FailureReason::Interrupted, telling);
                self.permissions.turn_changed(telling);
                self.attention.prompted(telling);
            }
            Fact::TurnOver { .. } | Fact::Interrupted | Fact::Settled if agent.is_none() => {
                self.conversation(seen).delegations.sweep(FailureReason::Interrupted, telling);
                self.permissions.turn_changed(telling);
                self.attention.turn_over(telling);
            }
            Fact::PermissionAsked(asked) => self.asked(asked, seen, telling),
            Fact::State(state) => {
                self.permissions.state(*state, telling.at);
                self.attention.state(*state, telling);
            }
            Fact::SessionOver => {
                self.permissions.session_over(telling);
                self.conversation(seen).delegations.sweep(FailureReason::SessionEnded, telling);
            }
            Fact::Said { role, text, message_id } => {
                self.conversation(seen).talk.said(*role, text, message_id.as_deref(), agent, telling);
            }
            Fact::TaskNamed { id, subject } => self.conversation(seen).todos.named(id, subject, seen.at),
            Fact::Shown(shown) => self.conversation(seen).talk.shown(shown, agent, telling),
            Fact::Used { message_id, usage } if *telling.source == self.counted_by => {
                self.conversation(seen).talk.used(message_id.as_deref(), usage, telling);
            }
            Fact::Answered { message_id, model } if agent.is_none() => {
                self.conversation(seen).talk.answered(message_id, model, telling);
            }
            // What an agent asks itself, and what says nothing new.
            Fact::Prompted
            | Fact::TurnOver { .. }
            | Fact::Interrupted
            | Fact::Settled
            | Fact::Used { .. }
            | Fact::Answered { .. }
            | Fact::SessionStarted => {}
        }
    }

    fn asked(&mut self, asked: &Asked, seen: &Observation, telling: &mut Telling<'_>) {
        let agent = seen.agent.as_ref();
        let call = self.attention.asked(asked, agent, telling);
        // One that has returned was answered before anybody here could know of it.
        if call.as_ref().is_none_or(|call| !self.attention.has_returned(call)) {
            self.permissions.asked(asked, call.clone(), agent, telling);
        }
        if let Some(id) = call {
            self.conversation(seen).delegations.asked(&id, telling);
        }
    }

    fn called(&mut self, call: &Call, seen: &Observation, telling: &mut Telling<'_>) {
        let agent = seen.agent.as_ref();
        let conversation = self.conversation(seen);
        conversation.calls.insert(call, agent);
        if delegations::is_delegation(&call.tool) {
            conversation.delegations.called(call, agent, telling);
        }
        // The terminal's own looks say more of what it is doing than the lines on it.
        if *telling.source != Source::Screen {
            self.attention.called(call, agent, telling);
        }
    }

    fn returned(&mut self, end: &Return, seen: &Observation, telling: &mut Telling<'_>) {
        // A source that repeats the call may be the first to tell of it.
        if let Some(call) = &end.call {
            let conversation = self.conversation(seen);
            let is_new = conversation.calls.insert(call, seen.agent.as_ref());
            if is_new && delegations::is_delegation(&call.tool) {
                conversation.delegations.called(call, seen.agent.as_ref(), telling);
            }
        }
        self.permissions.returned(&end.id, &end.outcome, telling);
        let was_asked = self.attention.returned(&end.id, telling);
        let tickets = &self.tickets;
        // Found again by place: the borrow of `self` would reach over the patterns of tickets.
        let place = Self::place(&mut self.conversations, seen);
        self.conversations[place].returned(end, was_asked, tickets, telling);
        let stopped = self.conversations[place].stopped_agent(end);
        if let Some(stopped) = stopped {
            self.agent_ended(&stopped, seen, telling);
        }
    }

    /// A background agent may outlive the conversation that called it.
    fn agent_ended(&mut self, end: &AgentEnd, seen: &Observation, telling: &mut Telling<'_>) {
        self.permissions.agent_ended(&end.agent_id, telling);
        let place = Self::place(&mut self.conversations, seen);
        self.conversations[place].todos.forget(&end.agent_id);
        let others = (0..self.conversations.len()).rev().filter(|other| *other != place);
        for place in std::iter::once(place).chain(others) {
            let conversation = &mut self.conversations[place];
            // The end is a fact of the session that told of the beginning.
            let (claude_session, told) = (&conversation.claude_session, &mut *telling.told);
            let mut telling = Telling { claude_session, told, ..*telling };
            if conversation.delegations.agent_ended(end, &mut telling) {
                return;
            }
        }
        self.conversations[place].delegations.keep_unmatched(end.clone());
    }

    fn conversation(&mut self, seen: &Observation) -> &mut Conversation {
        let place = Self::place(&mut self.conversations, seen);
        &mut self.conversations[place]
    }

    fn place(conversations: &mut Vec<Conversation>, seen: &Observation) -> usize {
        let known = conversations.iter().position(|known| known.claude_session == seen.claude_session);
        if known.is_some_and(|place| place + 1 == conversations.len()) {
            return conversations.len() - 1;
        }
        let conversation = match known {
            Some(place) => conversations.remove(place),
            None => Conversation::new(Arc::clone(&seen.claude_session)),
        };
        conversations.push(conversation);
        conversations.len() - 1
    }
}

impl Conversation {
    fn new(claude_session: Arc<str>) -> Self {
        Self {
            claude_session,
            calls: Calls::default(),
            delegations: Delegations::default(),
            todos: Changes::default(),
            tickets: KnownTickets::default(),
            talk: Talk::default(),
        }
    }

    /// Nobody will tell of it any more: what is open ends.
    fn finish(&mut self, at: Timestamp, told: &mut Vec<Told>) {
        let (source, claude_session) = (&Source::Supervisor, &self.claude_session);
        self.delegations.finish(&mut Telling { source, claude_session, at, past: false, told });
    }

    fn returned(&mut self, end: &Return, was_asked: bool, tickets: &Tickets, telling: &mut Telling<'_>) {
        let Some(known) = self.calls.get_mut(&end.id) else { return };
        let is_repeat = std::mem::replace(&mut known.returned, true);
        let call = &known.call;
        if delegations::is_delegation(&call.tool) {
            self.delegations.returned(end, telling, was_asked);
            let ended = self.delegations.agent_of_ended(&end.id);
            return ended.into_iter().for_each(|agent_id| self.todos.forget(&agent_id));
        }
        if todos::is_todo_tool(&call.tool) {
            let Outcome::Ran(response) = &end.outcome else {
                return telling.confirm(FactKind::TodoChange, &end.id);
            };
            let agent = known.agent.as_ref();
            let update = if is_repeat {
                self.todos.repeated(&end.id, telling)
            } else {
                self.todos.returned(call, agent, response, telling)
            };
            match update {
                Some(update) => telling.tell(FactKind::TodoChange, &end.id, Body::Todos(update)),
                None => telling.confirm(FactKind::TodoChange, &end.id),
            }
            return;
        }
        self.tickets.returned(call, &end.outcome, tickets, telling);
    }

    /// The agent that this call has stopped.
    fn stopped_agent(&mut self, end: &Return) -> Option<AgentEnd> {
        let call = &self.calls.get_mut(&end.id)?.call;
        let (STOPPING_TOOL, Outcome::Ran(response)) = (call.tool.as_str(), &end.outcome) else { return None };
        let task = response.get("task_id").or_else(|| call.input.get("task_id"));
        Some(AgentEnd {
            agent_id: task?.as_str()?.to_owned(),
            tool_use_id: None,
            how: AgentFate::Stopped,
            duration_ms: None,
            tokens: None,
            tool_uses: None,
        })
    }
}
