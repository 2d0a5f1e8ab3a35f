//! Claude's transcript, one line at a time: the file of a session, and the files of its agents.
//!
//! Claude writes a line when something is over: a block of an answer is complete, a tool has returned. What stands in
//! the file from before this run is read as well, and marked as past. Finding and reading files is not done here.
//! Kinds of lines are those of claude 2.1.197; others say nothing.

use super::claude_json::{self, id, kind, model, text};
use super::js_json;
use super::observation::{Agent, Fact, Observation};
use super::user_text::{self, UserText};
use crate::event::Timestamp;
use crate::event::talk::{Meter, Role, Usage};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;

/// Answers that are remembered as counted. Lines of one answer stand close together.
const REMEMBERED: usize = 64;

/// Why the model stopped where that ends the turn. Claude goes on by itself after `max_tokens` and `pause_turn`.
const ENDS_TURN: [&str; 3] = ["end_turn", "stop_sequence", "refusal"];

/// One file, read so far.
#[derive(Debug)]
pub struct TranscriptDecoder {
    claude_session: Arc<str>,
    agent: Option<Agent>,
    since: Timestamp,
    /// Of the newest line that had one.
    time: Option<Timestamp>,
    counted: VecDeque<String>,
    /// Tokens of an answer whose end was not written yet.
    uncounted: Option<(String, Usage)>,
    unread: u64,
}

impl TranscriptDecoder {
    /// The file of a session, or that of one of its agents. What is older than `since` is past.
    pub fn new(claude_session: Arc<str>, agent: Option<Agent>, since: Timestamp) -> Self {
        let (counted, time, uncounted) = (VecDeque::new(), None, None);
        Self { claude_session, agent, since, time, counted, uncounted, unread: 0 }
    }

    /// The agent has a name.
    pub fn name_agent(&mut self, name: &str) {
        if let Some(agent) = &mut self.agent {
            agent.name = Some(name.to_owned());
        }
    }

    /// Lines that were no JSON object.
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// Reads one line, without its newline; `now` is for lines in a file that has no time in it yet.
    pub fn line(&mut self, line: &[u8], now: Timestamp, found: &mut impl FnMut(Observation)) {
        let bare = line.trim_ascii();
        if bare.is_empty() {
            return;
        }
        match js_json::read(bare) {
            Ok(value) if value.is_object() => self.value(&value, now, found),
            _ => self.unread += 1,
        }
    }

    fn value(&mut self, line: &Value, now: Timestamp, found: &mut impl FnMut(Observation)) {
        self.time = text(line, "timestamp").and_then(Timestamp::parse).or(self.time);
        let at = self.time.unwrap_or(now);
        let (claude_session, past) = (Arc::clone(&self.claude_session), at < self.since);
        let agent = self.agent.clone().or_else(|| sidechain(line));
        let is_main = agent.is_none();
        let mut tell = |fact| {
            let (claude_session, agent) = (Arc::clone(&claude_session), agent.clone());
            found(Observation { claude_session, agent, at, past, fact });
        };
        match kind(line) {
            "assistant" => self.assistant(line, is_main, &mut tell),
            "user" => self.user(line, is_main, &mut tell),
            "system" if is_main && text(line, "subtype") == Some("turn_duration") => {
                tell(Fact::TurnOver { running: None });
            }
            "queue-operation" if text(line, "operation") == Some("enqueue") => queued(line, &mut tell),
            _ => {}
        }
    }

    fn assistant(&mut self, line: &Value, is_main: bool, tell: &mut impl FnMut(Fact)) {
        let Some(message) = line.get("message") else { return };
        claude_json::assistant(message, text(line, "uuid"), &mut *tell);
        self.count(message, tell);
        if is_main && text(message, "stop_reason").is_some_and(|reason| ENDS_TURN.contains(&reason)) {
            tell(Fact::TurnOver { running: None });
        }
    }

    /// Every line of an answer repeats its tokens, which are final once the model has stopped.
    fn count(&mut self, message: &Value, tell: &mut impl FnMut(Fact)) {
        let (Some(message_id), Some(model)) = (id(message, "id"), model(message)) else { return };
        if self.uncounted.as_ref().is_some_and(|(other, _)| other != message_id) {
            self.count_unfinished(tell);
        }
        let known = self.counted.iter().any(|counted| counted == message_id);
        let usage = message.get("usage").and_then(|usage| claude_json::usage(usage, Meter::Transcript));
        let Some(usage) = usage.filter(|_| !known) else { return };
        self.uncounted = Some((message_id.to_owned(), Usage { model: Some(model.to_owned()), ..usage }));
        if text(message, "stop_reason").is_some() {
            self.count_unfinished(tell);
        }
    }

    fn count_unfinished(&mut self, tell: &mut impl FnMut(Fact)) {
        let Some((message_id, usage)) = self.uncounted.take() else { return };
        if self.counted.len() >= REMEMBERED {
            self.counted.pop_front();
        }
        self.counted.push_back(message_id.clone());
        tell(Fact::Used { message_id: Some(message_id), usage });
    }

    fn user(&mut self, line: &Value, is_main: bool, tell: &mut impl FnMut(Fact)) {
        let Some(message) = line.get("message") else { return };
        let (structured, refused) = (line.get("toolUseResult"), text(line, "toolDenialKind"));
        claude_json::results(message, structured, refused, |over| tell(Fact::Returned(over)));
        // The prompt an agent was given is no person's.
        if is_main && !flag(line, "isMeta") && !flag(line, "isCompactSummary") {
            for said in claude_json::texts(message) {
                spoken(line, said, tell);
            }
        }
        if claude_json::texts(message).iter().any(|said| user_text::read(said) == UserText::Interruption) {
            self.count_unfinished(tell);
        }
    }
}

fn spoken(line: &Value, said: &str, tell: &mut impl FnMut(Fact)) {
    match user_text::read(said) {
        UserText::Prompt(said) => {
            tell(Fact::Prompted);
            if by_a_person(line) {
                let message_id = text(line, "uuid").map(Into::into);
                tell(Fact::Said { role: Role::User, text: said.into(), message_id });
            }
        }
        UserText::Notification(end) => {
            end.into_iter().for_each(|end| tell(Fact::AgentEnded(end)));
            tell(Fact::Prompted);
        }
        UserText::Interruption => tell(Fact::Interrupted),
        UserText::Machinery => {}
    }
}

/// Only some versions say where a prompt comes from.
fn by_a_person(line: &Value) -> bool {
    line.get("origin").and_then(|origin| text(origin, "kind")).is_none_or(|kind| kind == "human")
}

/// The end of a background task stands in the queue before it becomes a prompt.
fn queued(line: &Value, tell: &mut impl FnMut(Fact)) {
    let content = text(line, "content").unwrap_or_default();
    if let UserText::Notification(Some(end)) = user_text::read(content) {
        tell(Fact::AgentEnded(end));
    }
}

/// Older versions write the lines of agents into the session's file.
fn sidechain(line: &Value) -> Option<Agent> {
    let agent = || Agent { id: id(line, "agentId").unwrap_or_default().into(), name: None };
    flag(line, "isSidechain").then(agent)
}

fn flag(line: &Value, name: &str) -> bool {
    line.get(name).and_then(Value::as_bool) == Some(true)
}

/// What `agent-<id>.meta.json` says, which stands beside the file of an agent from its start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentMeta {
    /// Name of the agent.
    pub name: Option<String>,
    /// The call that started it.
    pub tool_use_id: Option<String>,
}

impl AgentMeta {
    /// Reads the file; `None` where it is cut, or something else.
    pub fn read(content: &[u8]) -> Option<Self> {
        let meta: Value = serde_json::from_slice(content).ok().filter(Value::is_object)?;
        let field = |name| id(&meta, name).map(ToOwned::to_owned);
        Some(Self { name: field("agentType"), tool_use_id: field("toolUseId") })
    }
}

#[cfg(test)]
mod tests;
