//! Delegations: every one that starts, ends, once, whoever says so first.
//!
//! A result ends its own call. Where no result comes (an interruption, a refusal, a kill), the end of the turn, of
//! the session or of the process does. A source's turn ends only what that source has seen begin: another one may lag
//! behind and speak of an earlier turn. And it is a presumption for a while: another source may lag behind and
//! still have the result.

use super::delegation::{Entry, Presumed};
use super::telling::{FactKind, Telling};
use super::verdict::{Figures, figures_of, verdict};
use crate::detect::observation::{Agent, AgentEnd, AgentFate, Call, Outcome, Return};
use crate::event::work::{DelegationStatus, FailureReason};
use crate::event::{Source, Timestamp};
use serde_json::Value;
use std::collections::VecDeque;

/// Most delegations of one claude session that are remembered; the oldest that has ended is forgotten first.
const MAX_KNOWN: usize = 1024;
/// Most ends of agents kept for a call that has not been linked to its agent yet.
const MAX_UNMATCHED: usize = 64;
/// Whether this tool delegates; `Task` is the old name.
pub(super) fn is_delegation(tool: &str) -> bool {
    matches!(tool, "Agent" | "Task")
}

#[derive(Debug, Default)]
pub(super) struct Delegations {
    entries: VecDeque<Entry>,
    unmatched: VecDeque<AgentEnd>,
    /// Calls that nobody has told of yet, and the agents that work for them.
    begun: VecDeque<(String, String)>,
}

impl Delegations {
    /// A delegating call was seen.
    pub(super) fn called(&mut self, call: &Call, agent: Option<&Agent>, telling: &mut Telling<'_>) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == call.id) {
            entry.seen_now(telling);
            return telling.confirm(FactKind::DelegationStarted, &call.id);
        }
        self.make_room(telling);
        let mut entry = Entry::new(call, agent, telling);
        entry.parent_name = agent.and_then(|agent| agent.name.clone().or_else(|| self.name_of(&agent.id)));
        // What a resumed conversation left open has nobody working on it any more.
        entry.ended = telling.past;
        telling.tell_delegation(entry.shown(DelegationStatus::Started, Figures::default(), None));
        self.entries.push_back(entry);
        let begun = self.begun.iter().position(|(id, _)| *id == call.id).and_then(|at| self.begun.remove(at));
        if let Some((_, agent_id)) = begun {
            self.link(self.entries.len() - 1, &agent_id);
        }
    }

    /// The call has returned.
    pub(super) fn returned(&mut self, end: &Return, telling: &mut Telling<'_>, was_asked: bool) {
        let Some(place) = self.entries.iter().position(|entry| entry.id == end.id) else { return };
        let entry = &mut self.entries[place];
        entry.seen_now(telling);
        if let Outcome::Ran(response) = &end.outcome {
            let launched = response.get("status").and_then(Value::as_str) == Some("async_launched");
            entry.background |= launched;
            entry.launched |= launched;
            if let Some(id) = response.get("agentId").and_then(Value::as_str) {
                self.link(place, id);
            }
            if launched {
                self.entries[place].presumed = None;
                return self.match_up(place, telling);
            }
        }
        let entry = &self.entries[place];
        let is_unclear = end.outcome == Outcome::Rejected && !was_asked && entry.agent_id.is_none();
        if is_unclear && !entry.ended && *telling.source != Source::Screen {
            // A dialog's hook that lags behind would say whether it was refused.
            self.entries[place].was_rejected = true;
            return self.presume(place, FailureReason::Interrupted, telling);
        }
        let was_refused = was_asked && entry.agent_id.is_none();
        let (status, reason) = verdict(&end.outcome, was_refused);
        let figures = figures_of(end);
        self.end(place, status, figures, reason, telling);
    }

    /// A dialog asks whether this call may begin.
    pub(super) fn asked(&mut self, id: &str, telling: &mut Telling<'_>) {
        let Some(place) = self.entries.iter().position(|entry| entry.id == id) else { return };
        let entry = &mut self.entries[place];
        entry.was_asked = true;
        if entry.was_rejected && !entry.ended {
            self.end_quietly(place, FailureReason::Denied, telling);
        }
    }

    /// The agent that worked for this call, where that is over.
    pub(super) fn agent_of_ended(&self, id: &str) -> Option<String> {
        let entry = self.entries.iter().find(|entry| entry.id == id && entry.ended)?;
        entry.agent_id.clone()
    }

    /// The batch of calls is over: one that is still open was refused.
    pub(super) fn batch_over(&mut self, calls: &[String], telling: &mut Telling<'_>) {
        for place in 0..self.entries.len() {
            let entry = &self.entries[place];
            if !entry.ended && !entry.launched && calls.contains(&entry.id) {
                self.presume(place, FailureReason::Denied, telling);
            }
        }
    }

    /// An agent runs. Where the source does not say for which call, it is taken for the oldest that waits for one of
    /// its name, until a result says better.
    pub(super) fn agent_started(&mut self, agent: &Agent, tool_use_id: Option<&str>) {
        if self.place_of(&agent.id).is_some_and(|place| self.entries[place].is_exact) {
            return;
        }
        if let Some(id) = tool_use_id {
            match self.entries.iter().position(|entry| entry.id == id) {
                Some(place) => self.link(place, &agent.id),
                None => self.keep_begun(id, &agent.id),
            }
            return;
        }
        let waits = |entry: &&mut Entry| {
            !entry.ended && entry.agent_id.is_none() && agent.name.as_ref() == Some(&entry.agent)
        };
        if let Some(entry) = self.entries.iter_mut().find(waits) {
            entry.agent_id = Some(agent.id.clone());
        }
    }

    fn keep_begun(&mut self, id: &str, agent_id: &str) {
        if self.begun.len() >= MAX_UNMATCHED {
            self.begun.pop_front();
        }
        self.begun.push_back((id.to_owned(), agent_id.to_owned()));
    }

    /// An agent has ended. Whether it was one of ours. The answer of one in the foreground is its call's result, which
    /// says more: it is waited for, as long as there is something to wait for.
    pub(super) fn agent_ended(&mut self, end: &AgentEnd, telling: &mut Telling<'_>) -> bool {
        let place = match &end.tool_use_id {
            Some(id) => self.entries.iter().position(|entry| entry.id == *id),
            None => self.place_of(&end.agent_id),
        };
        let Some(place) = place else { return false };
        let entry = &mut self.entries[place];
        entry.agent_id.get_or_insert_with(|| end.agent_id.clone());
        entry.agent_end = Some(end.clone());
        if entry.ended {
            telling.confirm(FactKind::DelegationEnded, &entry.id);
        } else if entry.launched || end.how != AgentFate::Completed {
            self.end_as_its_agent(place, end, telling);
        }
        true
    }

    /// The call that started this agent, as far as is known.
    fn place_of(&self, agent_id: &str) -> Option<usize> {
        let is_its = |entry: &Entry| entry.agent_id.as_deref() == Some(agent_id);
        let exact = self.entries.iter().position(|entry| is_its(entry) && entry.is_exact);
        exact.or_else(|| self.entries.iter().position(is_its))
    }

    /// A source named call and agent together: what was only supposed of that agent is void.
    fn link(&mut self, place: usize, agent_id: &str) {
        for entry in &mut self.entries {
            if !entry.is_exact && entry.agent_id.as_deref() == Some(agent_id) {
                entry.agent_id = None;
            }
        }
        let entry = &mut self.entries[place];
        entry.agent_id = Some(agent_id.to_owned());
        entry.is_exact = true;
    }

    /// Keeps the end of an agent that no call is linked to yet.
    pub(super) fn keep_unmatched(&mut self, end: AgentEnd) {
        if self.unmatched.len() >= MAX_UNMATCHED {
            self.unmatched.pop_front();
        }
        self.unmatched.push_back(end);
    }

    /// Nothing of the foreground can be open any more, says this source, of what it has seen begin.
    pub(super) fn sweep(&mut self, reason: FailureReason, telling: &mut Telling<'_>) {
        for place in 0..self.entries.len() {
            let entry = &self.entries[place];
            if !entry.ended && entry.was_seen_before(telling) && !self.is_in_background(entry) {
                self.presume(place, reason, telling);
            }
        }
    }

    /// The first presumption stands.
    fn presume(&mut self, place: usize, reason: FailureReason, telling: &Telling<'_>) {
        self.entries[place].presumed.get_or_insert(Presumed { reason, at: telling.at });
    }

    /// When the next presumption is believed.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let open = self.entries.iter().filter(|entry| !entry.ended);
        open.filter_map(|entry| Some(entry.presumed?.due())).min()
    }

    /// Believes what has been presumed for long enough.
    pub(super) fn tick(&mut self, telling: &mut Telling<'_>) {
        for place in 0..self.entries.len() {
            let entry = &self.entries[place];
            let Some(presumed) = entry.presumed.filter(|presumed| presumed.due() <= telling.at) else {
                continue;
            };
            if entry.ended {
                continue;
            }
            if self.is_in_background(entry) {
                self.entries[place].presumed = None;
            } else {
                self.end_quietly(place, presumed.reason, telling);
            }
        }
    }

    /// The process is over, and with it everything.
    pub(super) fn finish(&mut self, telling: &mut Telling<'_>) {
        for place in 0..self.entries.len() {
            let entry = &self.entries[place];
            if !entry.ended {
                let presumed = entry.presumed.filter(|_| !self.is_in_background(entry));
                let reason = presumed.map_or(FailureReason::SessionEnded, |presumed| presumed.reason);
                self.end_quietly(place, reason, telling);
            }
        }
    }

    /// Whether claude's own turn goes on without it: it or an agent above it runs in the background. Where it is not
    /// known who is above, it may be so while anything runs in the background.
    fn is_in_background(&self, entry: &Entry) -> bool {
        let mut above = entry;
        for _ in 0..self.entries.len() {
            if above.launched {
                return true;
            }
            let Some(parent) = &above.parent else { return false };
            match self.place_of(&parent.id) {
                Some(place) => above = &self.entries[place],
                None => return self.entries.iter().any(|other| other.launched && !other.ended),
            }
        }
        false
    }

    fn name_of(&self, agent_id: &str) -> Option<String> {
        self.place_of(agent_id).map(|place| self.entries[place].agent.clone())
    }

    /// The agent may have ended before its call was known to be in the background.
    fn match_up(&mut self, place: usize, telling: &mut Telling<'_>) {
        let entry = &self.entries[place];
        if entry.ended {
            return telling.confirm(FactKind::DelegationEnded, &entry.id);
        }
        let is_its = |end: &AgentEnd| entry.agent_id.as_ref() == Some(&end.agent_id);
        let kept = self.unmatched.iter().position(is_its).and_then(|at| self.unmatched.remove(at));
        if let Some(end) = kept.or_else(|| entry.agent_end.clone()) {
            self.end_as_its_agent(place, &end, telling);
        }
    }

    fn end_as_its_agent(&mut self, place: usize, end: &AgentEnd, telling: &mut Telling<'_>) {
        let figures = Figures { duration_ms: end.duration_ms, tokens: end.tokens, tool_uses: end.tool_uses };
        let (status, reason) = match end.how {
            AgentFate::Completed => (DelegationStatus::Completed, None),
            AgentFate::Failed => (DelegationStatus::Failed, Some(FailureReason::Error)),
            AgentFate::Stopped => (DelegationStatus::Failed, Some(FailureReason::Interrupted)),
        };
        self.end(place, status, figures, reason, telling);
    }

    /// Ends what gave no result: as its agent, where that has ended; as refused, where a dialog asked for it and it
    /// never began.
    fn end_quietly(&mut self, place: usize, reason: FailureReason, telling: &mut Telling<'_>) {
        let entry = &self.entries[place];
        let was_refused = (entry.was_asked || entry.was_rejected) && entry.agent_id.is_none();
        match entry.agent_end.clone() {
            Some(end) => self.end_as_its_agent(place, &end, telling),
            None => {
                let reason = if was_refused { FailureReason::Denied } else { reason };
                self.end(place, DelegationStatus::Failed, Figures::default(), Some(reason), telling);
            }
        }
    }

    fn end(
        &mut self,
        place: usize,
        status: DelegationStatus,
        mut figures: Figures,
        reason: Option<FailureReason>,
        telling: &mut Telling<'_>,
    ) {
        let entry = &mut self.entries[place];
        if std::mem::replace(&mut entry.ended, true) {
            return telling.confirm(FactKind::DelegationEnded, &entry.id);
        }
        // The time that it was given to be told of is not its own.
        let over = entry.presumed.map_or(telling.at, |presumed| presumed.at.min(telling.at));
        figures.duration_ms = figures.duration_ms.or(Some(over.millis_since(entry.started_at)));
        let shown = entry.shown(status, figures, reason);
        let agent_id = entry.agent_id.clone();
        self.end_below(agent_id.as_deref(), reason, telling);
        telling.tell_delegation(shown);
    }

    /// What an agent delegated in the foreground cannot outlive it.
    fn end_below(&mut self, agent_id: Option<&str>, reason: Option<FailureReason>, telling: &Telling<'_>) {
        let Some(agent_id) = agent_id else { return };
        let reason = match reason {
            Some(FailureReason::SessionEnded) => FailureReason::SessionEnded,
            _ => FailureReason::Interrupted,
        };
        for place in 0..self.entries.len() {
            let entry = &self.entries[place];
            let is_below = entry.parent.as_ref().is_some_and(|parent| parent.id == agent_id);
            if is_below && !entry.ended && !entry.launched {
                self.presume(place, reason, telling);
            }
        }
    }

    fn make_room(&mut self, telling: &mut Telling<'_>) {
        if self.entries.len() >= MAX_KNOWN {
            let oldest = self.entries.iter().position(|entry| entry.ended).unwrap_or(0);
            if !self.entries[oldest].ended {
                self.end_quietly(oldest, FailureReason::Interrupted, telling);
            }
            self.entries.remove(oldest);
        }
    }
}
