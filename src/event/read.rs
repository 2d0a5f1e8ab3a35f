//! Events as text, read back: what came over an uplink, or was published by others.

use super::body::Body;
use super::published::{Origin, Published, Remarks};
use super::talk::Hook;
use super::{Epoch, Event, EventId, SessionId, Source, Timestamp, channel};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

impl Body {
    /// The content of an event of this type. Types that requirement R4 leaves to those who publish them are taken as they
    /// come, where the shape that they have here would lose something.
    ///
    /// # Errors
    /// When it is a type of ours and the content is not of its shape; when it is another and the content no object.
    pub fn read(kind: &str, data: &RawValue) -> serde_json::Result<Self> {
        let typed = Self::typed(kind, data);
        match &typed {
            Ok(Self::Hook(_) | Self::Published(_)) => typed,
            _ if channel::is_ours(kind) => typed,
            Ok(body) if keeps_all(body, data.get()) => typed,
            _ => Self::open(kind, data.get()),
        }
    }

    /// A name that stands twice in an object counts by its last value: without the others the shape may fit.
    fn open(kind: &str, text: &str) -> serde_json::Result<Self> {
        let object: Map<String, Value> = serde_json::from_str(text)?;
        let once = to_raw_value(&object)?;
        match Self::typed(kind, &once) {
            Ok(body) if keeps_all(&body, once.get()) => Ok(body),
            _ => Ok(Self::other(kind, object)),
        }
    }

    fn typed(kind: &str, data: &RawValue) -> serde_json::Result<Self> {
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
            hook if hook.starts_with(channel::HOOKS) => {
                Self::Hook(Hook::of_type(hook.to_owned(), serde_json::from_str(text)?))
            }
            other => Self::other(other, serde_json::from_str(text)?),
        })
    }

    /// The content of an event that somebody published, of whatever type: as it came.
    pub fn other(kind: &str, data: Map<String, Value>) -> Self {
        Self::Published(Published { channel: kind.to_owned(), data })
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

/// Whether the content says all that the text does.
fn keeps_all(body: &Body, text: &str) -> bool {
    let whole: Option<Value> = serde_json::from_str(text).ok();
    let kept = serde_json::to_value(body).ok();
    whole.zip(kept).is_some_and(|(whole, kept)| contains(&kept, &whole))
}

/// Whether nothing of `part` is missing in `whole`; a number is its value, however it is written.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        (Value::Number(whole), Value::Number(part)) => whole.as_f64() == part.as_f64(),
        _ => whole == part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A publisher's own shape of an open type is taken in; had the next hub refused it, the uplink would have told of
    /// nothing behind it.
    #[test]
    fn what_a_publisher_says_in_a_shape_of_its_own_is_read_back_as_it_was_written() {
        for data in [r#"{"component":"c"}"#, r#"{"alert_level":"loud","metrics":[1]}"#, "{}"] {
            for kind in ["resource.alert", "component.health", "ws.connected", "config.changed"] {
                let raw: Box<RawValue> = serde_json::from_str(data).unwrap();
                let body = Body::read(kind, &raw).unwrap();
                assert_eq!(serde_json::to_string(&body).unwrap(), data, "{kind}");
            }
        }
        let raw: Box<RawValue> = serde_json::from_str("{}").unwrap();
        assert!(Body::read("todo.update", &raw).is_err(), "a type of ours has our shape");
    }

    #[test]
    fn a_name_that_stands_twice_is_read_as_what_its_text_is_read_back_as() {
        let data = r#"{"component":"c","alert_level":"loud","alert_level":"warning","metrics":
            {"cpu_percent":45,"memory_mb":1.5,"active_connections":0,"event_queue_size":0}}"#;
        let body = Body::read("resource.alert", serde_json::from_str(data).unwrap()).unwrap();
        assert!(matches!(body, Body::ResourceAlert(_)), "{body:?}");
        let again = Body::read("resource.alert", &to_raw_value(&body).unwrap()).unwrap();
        assert_eq!(again, body);
    }

    /// `PreTool`, which nobody has, has the type of `PreToolUse`, which everybody has.
    #[test]
    fn a_hook_has_the_name_that_its_type_is_read_back_with() {
        for name in ["PreTool", "PreToolUse", "UserPrompt", "Stop", "ABc", "x"] {
            let hook = Hook::of_type(channel::hook(name), Map::new());
            let again = Body::read(&hook.channel, serde_json::from_str("{}").unwrap()).unwrap();
            assert_eq!(again, Body::Hook(hook), "{name}");
        }
    }

    /// Without its feature `float_roundtrip`, serde_json reads some of them as their neighbours.
    #[test]
    fn numbers_are_read_back_to_the_last_digit() {
        let mut share = 0.1_f64;
        for _ in 0..1_000 {
            share = (share * 3.7 * (1.0 - share)).abs();
            let raw: Box<RawValue> = serde_json::from_str(&format!(r#"{{"share":{share:?}}}"#)).unwrap();
            let body = Body::read("my.event", &raw).unwrap();
            assert_eq!(serde_json::to_string(&body).unwrap(), raw.get());
        }
    }
}
