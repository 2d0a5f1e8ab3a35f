//! One delegation: who does what for whom, who has seen it begin, and how it seems to have ended.

use super::telling::Telling;
use super::verdict::Figures;
use crate::detect::observation::{Agent, AgentEnd, Call};
use crate::event::work::{Delegation, DelegationStatus, FailureReason};
use crate::event::{Source, Timestamp};
use serde_json::Value;

/// How long a result is waited for that no source can have any more, it seems, milliseconds. Sources that lag behind one
/// another by less tell the same.
pub(super) const PATIENCE_MILLIS: i64 = 5_000;

/// The agent that works where claude names none.
const DEFAULT_AGENT: &str = "general-purpose";

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) agent: String,
    pub(super) task: String,
    /// Claude asked for it to be in the background, or it is.
    pub(super) background: bool,
    /// It does run in the background: claude's own turn goes on.
    pub(super) launched: bool,
    pub(super) ended: bool,
    /// The agent that works for it; `is_exact` once a source named both together.
    pub(super) agent_id: Option<String>,
    pub(super) is_exact: bool,
    /// Its agent has ended; the call's own result is still to come.
    pub(super) agent_end: Option<AgentEnd>,
    /// A dialog asked whether it may begin.
    pub(super) was_asked: bool,
    pub(super) parent: Option<Agent>,
    pub(super) parent_name: Option<String>,
    pub(super) started_at: Timestamp,
    /// The sources that have seen it begin, and when each of them did.
    pub(super) seen: Vec<(Source, Timestamp)>,
    /// It is over, it seems, because no result can come any more.
    pub(super) presumed: Option<Presumed>,
    /// A person said no, either to the question whether it may begin or to all of it.
    pub(super) was_rejected: bool,
}

/// An end that nobody has told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Presumed {
    pub(super) reason: FailureReason,
    /// When it happened, if it did.
    pub(super) at: Timestamp,
}

impl Presumed {
    /// When it is believed.
    pub(super) fn due(&self) -> Timestamp {
        Timestamp::from_millis(self.at.as_millis().saturating_add(PATIENCE_MILLIS))
    }
}

impl Entry {
    pub(super) fn new(call: &Call, agent: Option<&Agent>, telling: &Telling<'_>) -> Self {
        let text = |name: &str| call.input.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let first_line = || text("prompt").and_then(|prompt| prompt.lines().next());
        Self {
            id: call.id.clone(),
            agent: text("subagent_type").unwrap_or(DEFAULT_AGENT).to_owned(),
            task: text("description").or_else(first_line).unwrap_or_default().to_owned(),
            background: call.input.get("run_in_background") == Some(&Value::Bool(true)),
            launched: false,
            ended: false,
            agent_id: None,
            is_exact: false,
            agent_end: None,
            was_asked: false,
            parent: agent.cloned(),
            parent_name: None,
            started_at: telling.at,
            seen: vec![(telling.source.clone(), telling.at)],
            presumed: None,
            was_rejected: false,
        }
    }

    pub(super) fn seen_now(&mut self, telling: &Telling<'_>) {
        if !self.seen.iter().any(|(source, _)| source == telling.source) {
            self.seen.push((telling.source.clone(), telling.at));
        }
    }

    /// Whether who speaks has seen it begin by then: what is said again may be about a turn long over.
    pub(super) fn was_seen_before(&self, telling: &Telling<'_>) -> bool {
        self.seen.iter().any(|(source, at)| source == telling.source && *at <= telling.at)
    }

    pub(super) fn shown(
        &self,
        status: DelegationStatus,
        figures: Figures,
        reason: Option<FailureReason>,
    ) -> Delegation {
        let Figures { duration_ms, tokens, tool_uses } = figures;
        Delegation {
            agent: self.agent.clone(),
            task: self.task.clone(),
            status,
            duration_ms,
            delegation_id: self.id.clone(),
            agent_id: self.agent_id.clone(),
            parent_agent: self.parent_name.clone(),
            background: self.background,
            reason,
            tokens,
            tool_uses,
        }
    }
}
