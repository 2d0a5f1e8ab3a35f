//! The fold of delegations: who works, and what became of the others' tasks.

use crate::event::work::{AgentStats, AgentStatus, Delegation, DelegationStatus};
use std::collections::BTreeMap;

/// Most names that are counted apart; what is beyond them is not counted.
const MAX_AGENTS: usize = 256;
/// Most delegations that are open at once; the oldest beyond is no longer counted as open.
const MAX_OPEN: usize = 1024;
/// Longest name, and longest id of a delegation, bytes; what has a longer one is not counted.
const MAX_NAME: usize = 256;

/// Delegations, folded.
#[derive(Debug, Default)]
pub(super) struct Agents {
    /// Delegation id and agent, in the order they began.
    open: Vec<(String, String)>,
    tallies: BTreeMap<String, Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    tasks: u64,
    completed: u64,
    failed: u64,
    timed: u64,
    millis: u64,
}

impl Agents {
    /// Takes a change in.
    pub(super) fn fold(&mut self, delegation: &Delegation) {
        let is_long = delegation.agent.len() > MAX_NAME || delegation.delegation_id.len() > MAX_NAME;
        if is_long || !self.tallies.contains_key(&delegation.agent) && self.tallies.len() >= MAX_AGENTS {
            return;
        }
        let tally = self.tallies.entry(delegation.agent.clone()).or_default();
        match delegation.status {
            DelegationStatus::Started => {
                tally.tasks += 1;
                if self.open.len() >= MAX_OPEN {
                    self.open.remove(0);
                }
                self.open.push((delegation.delegation_id.clone(), delegation.agent.clone()));
                return;
            }
            DelegationStatus::Completed => tally.completed += 1,
            DelegationStatus::Failed => tally.failed += 1,
        }
        if let Some(millis) = delegation.duration_ms {
            tally.timed += 1;
            tally.millis = tally.millis.saturating_add(millis);
        }
        self.open.retain(|(id, _)| *id != delegation.delegation_id);
    }

    /// What is kept of them, bytes, about.
    pub(super) fn bytes(&self) -> usize {
        (self.tallies.len() + 2 * self.open.len()) * MAX_NAME
    }

    /// As `agent.status` shows it.
    pub(super) fn status(&self) -> AgentStatus {
        let mut active_agents: Vec<String> = Vec::new();
        for (_, agent) in &self.open {
            if !active_agents.contains(agent) {
                active_agents.push(agent.clone());
            }
        }
        let stats = self.tallies.iter().map(|(name, tally)| (name.clone(), tally.stats()));
        AgentStatus { active_agents, agent_stats: stats.collect() }
    }
}

impl Tally {
    fn stats(&self) -> AgentStats {
        AgentStats {
            tasks: self.tasks,
            completed: self.completed,
            failed: self.failed,
            avg_duration_ms: self.millis.checked_div(self.timed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::work::FailureReason;

    fn change(id: &str, agent: &str, status: DelegationStatus, duration_ms: Option<u64>) -> Delegation {
        Delegation {
            agent: agent.into(),
            task: String::new(),
            status,
            duration_ms,
            delegation_id: id.into(),
            agent_id: None,
            parent_agent: None,
            background: false,
            reason: (status == DelegationStatus::Failed).then_some(FailureReason::Denied),
            tokens: None,
            tool_uses: None,
        }
    }

    #[test]
    fn an_agent_is_active_while_one_of_its_delegations_is_open() {
        use DelegationStatus::{Completed, Failed, Started};
        let mut agents = Agents::default();
        for (id, agent, status, millis) in [
            ("1", "qa", Started, None),
            ("2", "engineer", Started, None),
            ("3", "qa", Started, None),
            ("1", "qa", Completed, Some(100)),
            ("2", "engineer", Failed, None),
        ] {
            agents.fold(&change(id, agent, status, millis));
        }
        let status = agents.status();
        assert_eq!(status.active_agents, ["qa"]);
        let qa = AgentStats { tasks: 2, completed: 1, failed: 0, avg_duration_ms: Some(100) };
        let engineer = AgentStats { tasks: 1, completed: 0, failed: 1, avg_duration_ms: None };
        assert_eq!(status.agent_stats, [("engineer".into(), engineer), ("qa".into(), qa)].into());
        agents.fold(&change("3", "qa", Completed, Some(300)));
        assert!(agents.status().active_agents.is_empty());
        assert_eq!(agents.status().agent_stats["qa"].avg_duration_ms, Some(200));
    }
}
