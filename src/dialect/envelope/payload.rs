//! What an event says, in the names of requirement R4: AgentPayload, ToolUsePayload, and all else as on the classic
//! dialect (ResourcePayload is the same on all).

use crate::event::Body;
use crate::event::talk::Hook;
use crate::event::work::{Delegation, DelegationStatus, FailureReason};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// Hooks that are ToolUsePayloads.
const TOOL_USES: [&str; 3] = ["PreToolUse", "PostToolUse", "PostToolUseFailure"];
/// Claude's name for what a tool gave back, and requirement R4's.
const OUTPUT: (&str, &str) = ("tool_response", "tool_output");
/// The field that lists which other fields were cut.
const TRUNCATED: &str = "truncated";

/// The `payload` of an event.
#[derive(Debug)]
pub(super) enum Payload<'a> {
    Agent(AgentPayload<'a>),
    Tool(&'a Map<String, Value>),
    Classic(&'a Body),
}

impl<'a> Payload<'a> {
    pub(super) fn of(body: &'a Body) -> Self {
        match body {
            Body::Delegation(delegation) => Self::Agent(AgentPayload::of(delegation)),
            Body::Hook(Hook { name, data, .. }) if TOOL_USES.contains(&name.as_str()) => Self::Tool(data),
            other => Self::Classic(other),
        }
    }
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Agent(payload) => payload.serialize(serializer),
            Self::Tool(data) => tool_use(data, serializer),
            Self::Classic(body) => body.serialize(serializer),
        }
    }
}

/// The hook's fields, with the output under R4's name, unless something else has it.
fn tool_use<S: Serializer>(data: &Map<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    if data.contains_key(OUTPUT.1) {
        return data.serialize(serializer);
    }
    let renamed = |name| if name == OUTPUT.0 { OUTPUT.1 } else { name };
    let mut payload = serializer.serialize_map(Some(data.len()))?;
    for (name, value) in data {
        match value {
            Value::Array(cut) if name == TRUNCATED => {
                let names: Vec<&str> = cut.iter().filter_map(Value::as_str).map(renamed).collect();
                payload.serialize_entry(name, &names)?;
            }
            value => payload.serialize_entry(renamed(name), value)?,
        }
    }
    payload.end()
}

/// Requirement R4's AgentPayload, and the other fields of a delegation behind.
#[derive(Debug, Serialize)]
pub(super) struct AgentPayload<'a> {
    /// Claude's id of the agent; before it is known, that of the delegation.
    agent_id: &'a str,
    agent_type: &'a str,
    task: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_agent: Option<&'a str>,
    delegation_id: &'a str,
    duration_ms: Option<u64>,
    background: bool,
    reason: Option<FailureReason>,
    tokens: Option<u64>,
    tool_uses: Option<u64>,
}

impl<'a> AgentPayload<'a> {
    fn of(delegation: &'a Delegation) -> Self {
        Self {
            agent_id: delegation.agent_id.as_ref().unwrap_or(&delegation.delegation_id),
            agent_type: &delegation.agent,
            task: &delegation.task,
            status: match delegation.status {
                DelegationStatus::Started => "spawned",
                DelegationStatus::Completed => "completed",
                DelegationStatus::Failed => "failed",
            },
            parent_agent: delegation.parent_agent.as_deref(),
            delegation_id: &delegation.delegation_id,
            duration_ms: delegation.duration_ms,
            background: delegation.background,
            reason: delegation.reason,
            tokens: delegation.tokens,
            tool_uses: delegation.tool_uses,
        }
    }
}
