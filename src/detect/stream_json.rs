//! Claude's own stream, `--output-format stream-json`: facts from its lines, however the bytes are cut.
//!
//! Behind a pseudo-terminal the lines end with CR LF and the last is followed by escapes that reset the terminal.
//! What is no JSON is counted and otherwise ignored, and so are lines of kinds that are not known. Order and kinds are
//! those of claude 2.1.197.

mod agents;
mod turn;

use self::agents::Agents;
use self::turn::Turns;
use super::claude_json::{self, id, kind, session_id, text};
use super::js_json;
use super::json_lines::JsonLines;
use super::lines::plain_text;
use super::observation::{Agent, Fact, Observation, Outcome, Return};
use super::user_text::{self, UserText};
use crate::event::Timestamp;
use crate::event::talk::Role;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most open calls that are remembered; beyond it a refusal at the end of the turn may go unnoticed.
const MAX_OPEN: usize = 4096;

/// A stream, read so far.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    lines: JsonLines,
    meaning: Meaning,
}

impl StreamDecoder {
    /// Takes bytes in that came at `now`, and hands out what they say.
    pub fn feed(&mut self, bytes: &[u8], now: Timestamp, found: &mut impl FnMut(Observation)) {
        let Self { lines, meaning } = self;
        lines.feed(bytes, |line| meaning.line(line, now, found));
    }

    /// The stream has ended: the last line, where it had no newline, and what waited for a better word.
    pub fn finish(&mut self, now: Timestamp, found: &mut impl FnMut(Observation)) {
        let Self { lines, meaning } = self;
        lines.finish(|line| meaning.line(line, now, found));
        meaning.tell_ends(now, found);
    }

    /// Bytes were lost here: reading goes on at the next line.
    pub fn lost(&mut self) {
        self.lines.lost();
    }

    /// Lines that were no JSON object, or longer than 64 MiB.
    pub fn unread(&self) -> u64 {
        self.meaning.garbage + self.lines.too_long()
    }
}

#[derive(Debug, Default)]
struct Meaning {
    /// Of the newest line that named one.
    claude_session: Option<Arc<str>>,
    agents: Agents,
    turns: Turns,
    /// Calls that were made and have not returned.
    open: BTreeSet<String>,
    garbage: u64,
}

impl Meaning {
    fn line(&mut self, line: &[u8], now: Timestamp, found: &mut impl FnMut(Observation)) {
        match parse(line) {
            Line::Object(value) => self.value(&value, now, found),
            Line::Empty => {}
            Line::Garbage => self.garbage += 1,
        }
    }

    fn value(&mut self, line: &Value, now: Timestamp, found: &mut impl FnMut(Observation)) {
        let session = text(line, "session_id").and_then(session_id);
        let changed = session.is_some() && session != self.claude_session.as_deref();
        if changed {
            self.claude_session = session.map(Into::into);
            self.turns.begin_session();
        }
        let Some(claude_session) = self.claude_session.clone() else { return };
        let at = text(line, "timestamp").and_then(Timestamp::parse).unwrap_or(now);
        let agent = text(line, "parent_tool_use_id").map(|call| self.agents.of_call(call, line));
        let mut tell = |fact| {
            let (claude_session, agent) = (Arc::clone(&claude_session), agent.clone());
            found(Observation { claude_session, agent, at, past: false, fact });
        };
        if changed {
            tell(Fact::SessionStarted);
        }
        match kind(line) {
            "system" => self.system(line, &mut tell),
            "assistant" => self.assistant(line, &mut tell),
            "user" => self.user(line, &mut tell),
            "result" => self.result(line, &mut tell),
            _ => {}
        }
    }

    fn system(&mut self, line: &Value, tell: &mut impl FnMut(Fact)) {
        match text(line, "subtype") {
            // There is one per turn, that of a background task's end as well.
            Some("init") => tell(Fact::Prompted),
            Some("task_started") => self.agents.started(line).into_iter().for_each(tell),
            Some("task_updated") => self.agents.updated(line),
            Some("task_notification") => self.agents.ended(line).into_iter().for_each(tell),
            _ => {}
        }
    }

    fn assistant(&mut self, line: &Value, tell: &mut impl FnMut(Fact)) {
        let Some(message) = line.get("message") else { return };
        if line.get("parent_tool_use_id").is_none_or(Value::is_null) {
            self.turns.answered(message);
        }
        let open = &mut self.open;
        claude_json::assistant(message, text(line, "uuid"), |fact| {
            if let Fact::Called(call) = &fact
                && open.len() < MAX_OPEN
            {
                open.insert(call.id.clone());
            }
            tell(fact);
        });
    }

    fn user(&mut self, line: &Value, tell: &mut impl FnMut(Fact)) {
        let Some(message) = line.get("message") else { return };
        let refused = text(line, "toolDenialKind");
        claude_json::results(message, line.get("tool_use_result"), refused, |over| {
            self.open.remove(&over.id);
            tell(Fact::Returned(over));
        });
        // The prompt an agent was given is no person's.
        if line.get("parent_tool_use_id").is_none_or(Value::is_null) {
            spoken(line, message, tell);
        }
    }

    fn result(&mut self, line: &Value, tell: &mut impl FnMut(Fact)) {
        self.agents.unheard_ends().into_iter().for_each(&mut *tell);
        for id in denials(line) {
            if self.open.remove(id) {
                let outcome = Outcome::Denied;
                tell(Fact::Returned(Return { id: id.into(), call: None, outcome, duration_ms: None }));
            }
        }
        self.turns.over(line).into_iter().for_each(&mut *tell);
        tell(Fact::TurnOver { running: None });
    }

    fn tell_ends(&mut self, at: Timestamp, found: &mut impl FnMut(Observation)) {
        let Some(claude_session) = &self.claude_session else { return };
        for fact in self.agents.unheard_ends() {
            let claude_session = Arc::clone(claude_session);
            found(Observation { claude_session, agent: None, at, past: false, fact });
        }
    }
}

/// What a person said (`--replay-user-messages`), and that they interrupted.
fn spoken(line: &Value, message: &Value, tell: &mut impl FnMut(Fact)) {
    let flag = |name| line.get(name).and_then(Value::as_bool) == Some(true);
    for said in claude_json::texts(message) {
        match user_text::read(said) {
            UserText::Interruption => tell(Fact::Interrupted),
            UserText::Prompt(text) if flag("isReplay") && !flag("isSynthetic") => {
                let message_id = claude_json::text(line, "uuid").map(Into::into);
                tell(Fact::Said { role: Role::User, text: text.into(), message_id });
            }
            UserText::Notification(Some(end)) => tell(Fact::AgentEnded(end)),
            _ => {}
        }
    }
}

/// Ids of the calls that were refused in a turn.
fn denials(line: &Value) -> impl Iterator<Item = &str> {
    let list = line.get("permission_denials").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|denial| id(denial, "tool_use_id"))
}

enum Line {
    Object(Value),
    Empty,
    Garbage,
}

fn parse(line: &[u8]) -> Line {
    let bare = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    if bare.is_empty() {
        return Line::Empty;
    }
    match js_json::read(bare) {
        Ok(value @ Value::Object(_)) => Line::Object(value),
        Ok(_) => Line::Garbage,
        Err(_) => parse_plain(line),
    }
}

/// The same without the escapes of a terminal, of which JSON has none.
fn parse_plain(line: &[u8]) -> Line {
    let plain = plain_text(line);
    match plain.trim() {
        "" => Line::Empty,
        bare => match serde_json::from_str(bare) {
            Ok(value @ Value::Object(_)) => Line::Object(value),
            _ => Line::Garbage,
        },
    }
}

/// The agent a line belongs to, where its call is not known: the call's id stands for the agent's.
fn stranger(call: &str, line: &Value) -> Agent {
    Agent { id: call.to_owned(), name: id(line, "subagent_type").map(Into::into) }
}

#[cfg(test)]
mod tests;
