//! Whether claude works or waits, and for what: one answer for the whole process.
//!
//! Prompts and ends of turns tell of work; a permission that is asked for, of waiting, until its call returns or
//! claude's own state file says that it works again (nothing else tells of an "allow" before the tool has ended). The
//! terminal is believed until any of these has spoken.

use super::delegation::PATIENCE_MILLIS;
use super::telling::{FactKind, Telling};
use crate::detect::observation::{Agent, Asked, Call, Observation};
use crate::event::body::{Activity, ActivityState, Body};
use crate::event::control::QUESTION_TOOL;
use crate::event::{Source, Timestamp};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;

/// Most calls that a permission is looked up in.
const MAX_CALLS: usize = 256;
/// Most permissions that wait at once.
const MAX_PENDING: usize = 64;
/// How long a wait that only the state file knows of waits for the hook that says what for, milliseconds, where hooks
/// do come.
const HOOK_LAG_MILLIS: i64 = 500;
/// Longest reason, characters.
const MAX_REASON_CHARS: usize = 200;
/// The fields of an input that say best what is asked for.
const TELLING_FIELDS: [&str; 6] = ["command", "file_path", "url", "plan", "description", "pattern"];

#[derive(Debug, Default)]
pub(super) struct Attention {
    now: Option<ActivityState>,
    /// When an exact source last changed it; `None` while only the terminal has spoken.
    exact_since: Option<Timestamp>,
    pending: Vec<Pending>,
    calls: VecDeque<Asking>,
    /// Waits that the state file told of, whose hook is still to come.
    ahead: VecDeque<Ahead>,
    /// Hooks do come.
    hears_hooks: bool,
}

/// A wait that is known before it is known what for.
#[derive(Debug)]
struct Ahead {
    since: Timestamp,
    /// Claude works again.
    is_over: bool,
    is_told: bool,
}

impl Ahead {
    /// Whether a hook that comes at this time may be the one that asks.
    fn may_be_asked(&self, at: Timestamp) -> bool {
        at.millis_since(self.since) <= PATIENCE_MILLIS as u64
    }

    /// When it is told without.
    fn due(&self) -> Option<Timestamp> {
        let due = Timestamp::from_millis(self.since.as_millis().saturating_add(HOOK_LAG_MILLIS));
        (!self.is_over && !self.is_told).then_some(due)
    }
}

/// A call, as a permission names it.
#[derive(Debug, Clone, PartialEq)]
struct Asking {
    claude_session: Arc<str>,
    agent_id: Option<String>,
    id: String,
    tool: String,
    input: Value,
    was_asked: bool,
    returned: Option<Timestamp>,
}

impl Asking {
    /// It is open, and nobody was asked for it.
    const UNASKED: u8 = 0;

    fn has_words(&self, session: &Arc<str>, agent_id: Option<&str>, (tool, input): (&str, &Value)) -> bool {
        self.claude_session == *session
            && self.agent_id.as_deref() == agent_id
            && self.tool == tool
            && self.input == *input
    }

    /// How likely a dialog that asks at this time asks for it, the likeliest first; `None` where it cannot.
    fn rank(&self, at: Timestamp) -> Option<u8> {
        match (self.was_asked, self.returned) {
            (false, None) => Some(Self::UNASKED),
            (true, None) => Some(1),
            (_, Some(returned)) if at.millis_since(returned) <= PATIENCE_MILLIS as u64 => Some(2),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Pending {
    call_id: Option<String>,
    /// What the question is called, where it has a name.
    id: Option<Arc<str>>,
    agent_id: Option<String>,
    tool: String,
    asked_at: Timestamp,
}

impl Attention {
    /// This source has spoken.
    pub(super) fn hears(&mut self, source: &Source) {
        self.hears_hooks |= *source == Source::Hook;
    }

    /// Claude is over; what another one does is told anew.
    pub(super) fn over(&mut self) {
        *self = Self { hears_hooks: self.hears_hooks, ..Self::default() };
    }

    /// When a wait is told whatever it is for.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.ahead.iter().filter_map(Ahead::due).min()
    }

    /// Tells of waits whose hook does not come.
    pub(super) fn tick(&mut self, telling: &mut Telling<'_>) {
        for place in 0..self.ahead.len() {
            let ahead = &mut self.ahead[place];
            if ahead.due().is_some_and(|due| due <= telling.at) {
                ahead.is_told = true;
                let at = ahead.since;
                self.tell_ahead(&mut Telling { at, told: &mut *telling.told, ..*telling });
            }
        }
    }

    /// A tool is called.
    pub(super) fn called(&mut self, call: &Call, agent: Option<&Agent>, telling: &mut Telling<'_>) {
        if telling.past {
            return;
        }
        if !self.calls.iter().any(|known| known.id == call.id) {
            if self.calls.len() >= MAX_CALLS {
                self.calls.pop_front();
            }
            self.calls.push_back(Asking {
                claude_session: Arc::clone(telling.claude_session),
                agent_id: agent.map(|agent| agent.id.clone()),
                id: call.id.clone(),
                tool: call.tool.clone(),
                input: call.input.clone(),
                was_asked: false,
                returned: None,
            });
        }
        if agent.is_none() && self.pending.is_empty() {
            self.becomes(ActivityState::Busy, None, None, telling);
        }
    }

    /// A call is over: whatever was asked for it is answered. Whether something was.
    pub(super) fn returned(&mut self, id: &str, telling: &mut Telling<'_>) -> bool {
        let call = self.calls.iter_mut().find(|call| call.id == id);
        let was_asked = call.is_some_and(|call| {
            call.returned.get_or_insert(telling.at);
            call.was_asked
        });
        let before = self.pending.len();
        self.pending.retain(|pending| pending.call_id.as_deref() != Some(id));
        if self.pending.len() < before {
            self.answered(telling);
        }
        was_asked
    }

    /// A dialog asks for permission. It belongs to the newest call of the same words, whose id is returned.
    pub(super) fn asked(
        &mut self,
        asked: &Asked,
        agent: Option<&Agent>,
        telling: &mut Telling<'_>,
    ) -> Option<String> {
        let Asked { tool, input, .. } = asked;
        if telling.past || self.pending.len() >= MAX_PENDING {
            return None;
        }
        let agent_id = agent.map(|agent| agent.id.clone());
        let call_id = match self.call_meant(tool, input, agent_id.as_deref(), telling) {
            Some(call) => {
                let is_known = std::mem::replace(&mut call.was_asked, true) || call.returned.is_some();
                let id = call.id.clone();
                if is_known {
                    return Some(id);
                }
                Some(id)
            }
            None => None,
        };
        let known = self.ahead.iter().position(|ahead| ahead.may_be_asked(telling.at));
        if let Some(true) = known.and_then(|place| self.ahead.remove(place)).map(|ahead| ahead.is_over) {
            return call_id;
        }
        let asked_at = telling.at;
        let (call, id, tool_name) = (call_id.clone(), asked.id.clone(), tool.clone());
        self.pending.push(Pending { call_id: call, id, agent_id, tool: tool_name, asked_at });
        self.becomes(waiting_for(tool), Some(tool), reason(input), telling);
        call_id
    }

    /// The newest call of these words that is open and was not asked for; else it is said again of an open one, or late
    /// of one that has returned already.
    fn call_meant(
        &mut self,
        tool: &str,
        input: &Value,
        agent_id: Option<&str>,
        telling: &Telling<'_>,
    ) -> Option<&mut Asking> {
        let is_meant = |call: &Asking| call.has_words(telling.claude_session, agent_id, (tool, input));
        let meant = self.calls.iter_mut().rev().filter(|call| is_meant(call));
        let ranked = meant.filter_map(|call| Some((call.rank(telling.at)?, call)));
        ranked.min_by_key(|(rank, _)| *rank).map(|(_, call)| call)
    }

    /// Whether a dialog that asks for these words asks for a call that was not asked for yet; `None` where no call of
    /// these words is known.
    pub(super) fn asks_anew(&self, asked: &Asked, seen: &Observation) -> Option<bool> {
        let agent_id = seen.agent.as_ref().map(|agent| agent.id.as_str());
        let words = (asked.tool.as_str(), &asked.input);
        let meant = self.calls.iter().filter(|call| call.has_words(&seen.claude_session, agent_id, words));
        meant.filter_map(|call| call.rank(seen.at)).min().map(|rank| rank == Asking::UNASKED)
    }

    /// Whether this call is over.
    pub(super) fn has_returned(&self, id: &str) -> bool {
        self.calls.iter().any(|call| call.id == id && call.returned.is_some())
    }

    /// This question was answered from elsewhere.
    pub(super) fn decided(&mut self, question: &str, telling: &mut Telling<'_>) {
        let before = self.pending.len();
        self.pending.retain(|pending| pending.id.as_deref() != Some(question));
        if self.pending.len() < before {
            self.answered(telling);
        }
    }

    /// A turn begins.
    pub(super) fn prompted(&mut self, telling: &mut Telling<'_>) {
        self.pending.retain(|pending| pending.agent_id.is_some());
        if self.pending.is_empty() {
            self.becomes(ActivityState::Busy, None, None, telling);
        }
    }

    /// A turn of claude itself is over; a background agent may still be asking.
    pub(super) fn turn_over(&mut self, telling: &mut Telling<'_>) {
        self.pending.retain(|pending| pending.agent_id.is_some());
        if self.pending.is_empty() {
            self.becomes(ActivityState::Idle, None, None, telling);
        }
    }

    /// Claude's state file.
    pub(super) fn state(&mut self, state: ActivityState, telling: &mut Telling<'_>) {
        match state {
            ActivityState::NeedsPermission | ActivityState::NeedsInput => {
                // A question that came behind what this file said last was told of no wait.
                match self.pending.last() {
                    None => self.waits_for_somebody(telling),
                    Some(pending) => {
                        let tool = pending.tool.clone();
                        self.becomes(waiting_for(&tool), Some(&tool), None, telling);
                    }
                }
            }
            ActivityState::Busy | ActivityState::Idle => {
                self.ahead.iter_mut().for_each(|ahead| ahead.is_over = true);
                // A state from before the question does not answer it.
                self.pending.retain(|pending| pending.asked_at > telling.at);
                if self.pending.is_empty() {
                    self.becomes(state, None, None, telling);
                }
            }
        }
    }

    /// The state file knows of a wait that no hook has told of, or not yet.
    fn waits_for_somebody(&mut self, telling: &mut Telling<'_>) {
        if self.is_late(telling) {
            return;
        }
        if self.ahead.len() >= MAX_PENDING {
            self.ahead.pop_front();
        }
        let is_told = !self.hears_hooks;
        self.ahead.push_back(Ahead { since: telling.at, is_over: false, is_told });
        if is_told {
            self.tell_ahead(telling);
        }
    }

    fn tell_ahead(&mut self, telling: &mut Telling<'_>) {
        let open = self.calls.iter().rev().find(|call| call.returned.is_none());
        let newest = open.map_or("", |call| call.tool.as_str());
        let tool = (newest == QUESTION_TOOL).then_some(QUESTION_TOOL);
        self.exact_since = Some(telling.at);
        self.change(waiting_for(newest), tool, None, telling);
    }

    /// The terminal looks as if.
    pub(super) fn looks(&mut self, state: ActivityState, telling: &mut Telling<'_>) {
        if self.exact_since.is_none() {
            self.change(state, None, None, telling);
        }
    }

    fn answered(&mut self, telling: &mut Telling<'_>) {
        match self.pending.last() {
            None => self.becomes(ActivityState::Busy, None, None, telling),
            Some(next) => {
                let tool = next.tool.clone();
                self.becomes(waiting_for(&tool), Some(&tool), None, telling);
            }
        }
    }

    /// What an exact source says; one that lags behind speaks of what is over, and hooks that do so, which are stamped
    /// when they arrive, of what was before a wait that the state file knows already.
    fn becomes(
        &mut self,
        state: ActivityState,
        tool: Option<&str>,
        reason: Option<String>,
        telling: &mut Telling<'_>,
    ) {
        let is_held = self.ahead.iter().any(|ahead| !ahead.is_over && ahead.may_be_asked(telling.at));
        if is_held || self.is_late(telling) {
            return;
        }
        self.exact_since = Some(telling.at);
        self.change(state, tool, reason, telling);
    }

    fn is_late(&self, telling: &Telling<'_>) -> bool {
        telling.past || self.exact_since.is_some_and(|since| telling.at < since)
    }

    fn change(
        &mut self,
        state: ActivityState,
        tool: Option<&str>,
        reason: Option<String>,
        telling: &mut Telling<'_>,
    ) {
        if self.now == Some(state) {
            return;
        }
        let previous = self.now.replace(state);
        let tool_name = tool.map(str::to_owned);
        let activity = Activity { activity: state, previous, reason, tool_name, since: telling.at };
        telling.tell(FactKind::Activity, "", Body::Activity(activity));
    }
}

fn waiting_for(tool: &str) -> ActivityState {
    if tool == QUESTION_TOOL { ActivityState::NeedsInput } else { ActivityState::NeedsPermission }
}

/// What is asked, in one line.
fn reason(input: &Value) -> Option<String> {
    let question = input.get("questions").and_then(|questions| questions.get(0)?.get("question"));
    let field = question.or_else(|| TELLING_FIELDS.iter().find_map(|name| input.get(name)));
    let line = field?.as_str()?.lines().find(|line| !line.trim().is_empty())?;
    Some(line.chars().take(MAX_REASON_CHARS).collect())
}
