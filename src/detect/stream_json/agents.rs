//! The agents of a stream: lines name the call that started an agent, and `task_*` lines tie calls to agents.
//!
//! Shells are tasks as well; only agents are remembered here.

use super::stranger;
use crate::detect::claude_json::{id, text};
use crate::detect::observation::{Agent, AgentEnd, AgentFate, Fact};
use crate::detect::user_text::fate;
use serde_json::Value;
use std::collections::VecDeque;

/// Most agents that are remembered; the oldest is forgotten first.
const MAX_AGENTS: usize = 1_000;

#[derive(Debug)]
struct Known {
    agent: Agent,
    call: Option<String>,
    /// It was said to have ended, without the numbers that come with the notification.
    ended: Option<AgentFate>,
}

/// All agents.
#[derive(Debug, Default)]
pub(super) struct Agents(VecDeque<Known>);

impl Agents {
    /// The agent that `call` started.
    pub(super) fn of_call(&self, call: &str, line: &Value) -> Agent {
        let known = self.0.iter().rev().find(|known| known.call.as_deref() == Some(call));
        known.map_or_else(|| stranger(call, line), |known| known.agent.clone())
    }

    /// `task_started`.
    pub(super) fn started(&mut self, line: &Value) -> Option<Fact> {
        if text(line, "task_type") != Some("local_agent") {
            return None;
        }
        let name = id(line, "subagent_type").map(Into::into);
        let agent = Agent { id: id(line, "task_id")?.into(), name };
        let call = id(line, "tool_use_id").map(ToOwned::to_owned);
        self.0.retain(|known| known.agent.id != agent.id);
        if self.0.len() >= MAX_AGENTS {
            self.0.pop_front();
        }
        self.0.push_back(Known { agent: agent.clone(), call: call.clone(), ended: None });
        Some(Fact::AgentStarted { agent, tool_use_id: call })
    }

    /// `task_updated`: remembered until the notification comes, which knows more.
    pub(super) fn updated(&mut self, line: &Value) {
        let how = line.get("patch").and_then(|patch| text(patch, "status")).and_then(fate);
        if let (Some(how), Some(known)) = (how, self.of_task(line)) {
            known.ended = Some(how);
        }
    }

    /// `task_notification`.
    pub(super) fn ended(&mut self, line: &Value) -> Option<Fact> {
        let how = text(line, "status").and_then(fate)?;
        let known = self.of_task(line)?;
        known.ended = None;
        let number = |field| line.get("usage")?.get(field)?.as_u64();
        let call = id(line, "tool_use_id").map(ToOwned::to_owned).or_else(|| known.call.clone());
        Some(Fact::AgentEnded(AgentEnd {
            agent_id: known.agent.id.clone(),
            tool_use_id: call,
            how,
            duration_ms: number("duration_ms"),
            tokens: number("total_tokens"),
            tool_uses: number("tool_uses"),
        }))
    }

    /// Ends that no notification followed.
    pub(super) fn unheard_ends(&mut self) -> Vec<Fact> {
        let end = |known: &mut Known| {
            Some(Fact::AgentEnded(AgentEnd {
                how: known.ended.take()?,
                agent_id: known.agent.id.clone(),
                tool_use_id: known.call.clone(),
                duration_ms: None,
                tokens: None,
                tool_uses: None,
            }))
        };
        self.0.iter_mut().filter_map(end).collect()
    }

    fn of_task(&mut self, line: &Value) -> Option<&mut Known> {
        let task = id(line, "task_id")?;
        self.0.iter_mut().find(|known| known.agent.id == task)
    }
}
