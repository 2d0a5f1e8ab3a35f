//! Events as text, read back: what came over an uplink, or was published by others.

use super::body::Body;
use super::published::{Origin, Published, Remarks};
use super::talk::Hook;
use super::{Epoch, Event, EventId, SessionId, Source, Timestamp, channel};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

impl Body {
    /// The content of an event of this type.
    ///
    /// # Errors
    /// When it is a type of ours and the content is not of its shape; when it is another and the content no object.
    pub fn read(kind: &str, data: &RawValue) -> serde_json::Result<Self> {
        let text = data.get();
        Ok(match kind {
            channel::SESSION_START => Self::SessionStart(serde_json::from_str(text)?),
            channel::SESSION_END => Self::SessionEnd(serde_json::from_str(text)?),
            channel::CLAUDE_STATUS => Self::Status(serde_json::from_str(text)?),
            channel::CLAUDE_ACTIVITY => Self::Activity(serde_json::from_str(text)?),
            channel::CLAUDE_OUTPUT => Self::Output(serde_json::from_str(text)?),
            channel::CLAUDE_MESSAGE => Self::Message(serde_json::from_str(text)?),
            channel::AGENT_DELEGATION => Self::Delegation(serde_json::from_str(text)?),
            channel::AGENT_STATUS => Self::Agents(serde_json::from_str(text)?),
            channel::TODO_UPDATE => Self::Todos(serde_json::from_str(text)?),
            channel::TICKET_CREATED => Self::TicketCreated(serde_json::from_str(text)?),
            channel::TICKET_UPDATED => Self::TicketUpdated(serde_json::from_str(text)?),
            channel::USAGE_UPDATE => Self::Usage(serde_json::from_str(text)?),
            channel::ROUTER_MODEL_SWITCH => Self::ModelSwitch(serde_json::from_str(text)?),
            channel::PERMISSION_REQUESTED => Self::PermissionRequested(serde_json::from_str(text)?),
            channel::PERMISSION_RESOLVED => Self::PermissionResolved(serde_json::from_str(text)?),
            channel::CONTROL_ACTION => Self::Control(serde_json::from_str(text)?),
            channel::SYSTEM_STATS => Self::Stats(serde_json::from_str(text)?),
            channel::SYSTEM_ERROR => Self::Error(serde_json::from_str(text)?),
            channel::COMPONENT_STARTED => Self::ComponentStarted(serde_json::from_str(text)?),
            channel::COMPONENT_STOPPED => Self::ComponentStopped(serde_json::from_str(text)?),
            channel::COMPONENT_HEALTH => Self::ComponentHealth(serde_json::from_str(text)?),
            channel::WS_CONNECTED => Self::ClientConnected(serde_json::from_str(text)?),
            channel::WS_DISCONNECTED => Self::ClientDisconnected(serde_json::from_str(text)?),
            channel::CONFIG_CHANGED => Self::ConfigChanged(serde_json::from_str(text)?),
            channel::RESOURCE_ALERT => Self::ResourceAlert(serde_json::from_str(text)?),
            hook if hook.starts_with(channel::HOOKS) => Self::Hook(Hook {
                channel: hook.to_owned(),
                name: channel::hook_name(hook),
                data: serde_json::from_str(text)?,
                bytes: text.len(),
            }),
            other => Self::other(other, serde_json::from_str(text)?, text.len()),
        })
    }

    /// The content of an event that somebody published, of whatever type: as it came.
    pub fn other(kind: &str, data: Map<String, Value>, bytes: usize) -> Self {
        Self::Published(Published { channel: kind.to_owned(), data, bytes })
    }
}

impl Event {
    /// Reads what [`Event`] serialises to.
    ///
    /// # Errors
    /// When it is something else.
    pub fn read(text: &str) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Head<'a> {
            r#type: String,
            #[serde(borrow)]
            data: &'a RawValue,
            timestamp: Timestamp,
            id: EventId,
            seq: u64,
            epoch: Epoch,
            session_id: SessionId,
            source: String,
            source_app: Option<String>,
            hook_event_type: Option<String>,
            summary: Option<String>,
            chat: Option<Value>,
            origin: Option<Origin>,
        }
        let head: Head<'_> = serde_json::from_str(text)?;
        let Head { source_app, hook_event_type, summary, chat, .. } = head;
        let remarks = Remarks { source_app, hook_event_type, summary, chat };
        Ok(Self {
            id: head.id,
            seq: head.seq,
            epoch: head.epoch,
            timestamp: head.timestamp,
            session_id: head.session_id,
            source: Source::named(&head.source),
            body: Body::read(&head.r#type, head.data)?,
            remarks: (remarks != Remarks::default()).then(|| Box::new(remarks)),
            origin: head.origin,
        })
    }
}
