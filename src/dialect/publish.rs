//! Events that clients publish: in the shape of requirement R4, or in that of R3 and our own classic frames.
//!
//! What lacks an id, a version or a session is completed by the hub, as R4's own examples need; what is there and
//! wrong is refused. Who may publish what is the server's matter.

pub use super::bounds::MAX_EVENTS;

use super::bounds::{cut_all, list, noted};
use super::fault::Fault;
use super::fields::{Fields, TOO_LATE, bounded, brief, unix_millis, wrong};
use crate::event::acting::acts;
use crate::event::published::Remarks;
use crate::event::surroundings::ComponentStarted;
use crate::event::talk::Hook;
use crate::event::values::{MAX_VALUES, MAX_VALUES_TOLD};
use crate::event::{Body, Draft, Event, EventId, SCHEMA_VERSION, SessionId, Source, Timestamp, channel};
use crate::filter::Pattern;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Longest name of a source or a session, bytes.
pub const MAX_NAME_BYTES: usize = 256;
/// The name of publishers that give none.
const NAMELESS: &str = "publisher";

/// Reads one event, or an array of them.
///
/// # Errors
/// What is wrong with the first that is wrong; none of them is to be published then.
pub fn events(raw: &RawValue) -> Result<Vec<Draft>, Fault> {
    if !raw.get().starts_with('[') {
        return Ok(vec![event(raw)?]);
    }
    let list = list("events", raw)?;
    let read = |(place, raw): (usize, &&RawValue)| {
        let message = |fault: Fault| Fault { message: format!("{} (event {place})", fault.message), ..fault };
        event(raw).map_err(message)
    };
    list.iter().enumerate().map(read).collect()
}

/// Reads one event.
///
/// # Errors
/// What is wrong with it.
pub fn event(raw: &RawValue) -> Result<Draft, Fault> {
    bounded("event", raw, MAX_VALUES)?;
    let fields = Fields::parse("event", raw).map_err(Fault::malformed)?;
    let draft = if is_envelope(&fields) { envelope(&fields) } else { classic(&fields) };
    draft.map_err(Fault::malformed)
}

/// Whether it has R4's names; classic frames have `type` and `data`.
fn is_envelope(fields: &Fields<'_>) -> bool {
    ["event_type", "payload", "version", "source_app", "hook_event_type"]
        .iter()
        .any(|name| fields.raw(name).is_some())
        || fields.raw("type").is_none()
}

fn envelope(fields: &Fields<'_>) -> Result<Draft, Fault> {
    let kind = required(fields, "event_type")?;
    let source = required(fields, "source")?;
    let timestamp = fields.raw("timestamp").ok_or_else(|| wrong("timestamp", "missing"))?;
    let timestamp = after_the_epoch(unix_millis("timestamp", timestamp)?)?;
    if let Some(version) = fields.raw("version")
        && serde_json::from_str::<&str>(version.get()).ok() != Some(SCHEMA_VERSION)
    {
        return Err(wrong("version", format_args!("not {SCHEMA_VERSION:?}")));
    }
    let session_id = fields.text("session_id")?;
    let payload = fields.raw("payload");
    let hook_event_type = fields.text("hook_event_type")?.filter(|name| *name != kind);
    let remarks = Remarks { hook_event_type, ..remarks(fields)? };
    draft(fields, &kind, source, session_id, payload, remarks)
        .map(|draft| Draft { timestamp: Some(timestamp), ..draft })
}

fn classic(fields: &Fields<'_>) -> Result<Draft, Fault> {
    let kind = required(fields, "type")?;
    let source = fields.text("source")?.unwrap_or_else(|| NAMELESS.to_owned());
    let timestamp = fields.moment("timestamp")?.map(after_the_epoch).transpose()?;
    let draft =
        draft(fields, &kind, source, fields.text("session_id")?, fields.raw("data"), remarks(fields)?)?;
    Ok(Draft { timestamp, ..draft })
}

/// Requirement R4 has no other events: its `validateEvent` takes a time of 0 for a missing one.
fn after_the_epoch(time: Timestamp) -> Result<Timestamp, Fault> {
    match time.as_millis() {
        ..=0 => Err(wrong("timestamp", "not after 1970-01-01T00:00:00Z")),
        _ if !time.has_text() => Err(wrong("timestamp", TOO_LATE)),
        _ => Ok(time),
    }
}

fn draft(
    fields: &Fields<'_>,
    kind: &str,
    source: String,
    session_id: Option<String>,
    data: Option<&RawValue>,
    mut remarks: Remarks,
) -> Result<Draft, Fault> {
    let source = named("source", source)?;
    let session_id = session_id.map(|id| named("session_id", id)).transpose()?;
    let mut body = body(kind, &source, data)?;
    cut_all(&mut body, Some(&mut remarks));
    // A session that the content names is meant where none stands outside of it (requirement R3).
    let named_inside = || match &body {
        Body::Hook(hook) => hook.data.get("session_id").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let session_id = session_id.or_else(named_inside).filter(|id| id.len() <= MAX_NAME_BYTES);
    Ok(Draft {
        id: id(fields)?,
        timestamp: None,
        session_id: session_id.as_deref().map(SessionId::new),
        source: Source::named(&source),
        remarks: (remarks != Remarks::default()).then(|| Box::new(remarks)),
        body,
    })
}

fn id(fields: &Fields<'_>) -> Result<Option<EventId>, Fault> {
    let Some(text) = fields.text("id")? else { return Ok(None) };
    let id = EventId::parse(&text).filter(|id| id.is_v4() && text.len() == 36);
    id.map(Some).ok_or_else(|| wrong("id", "not a UUID v4"))
}

fn remarks(fields: &Fields<'_>) -> Result<Remarks, Fault> {
    let chat: Option<Value> = fields.typed("chat", "an array")?;
    if chat.as_ref().is_some_and(|chat| !chat.is_array()) {
        return Err(wrong("chat", "not an array"));
    }
    let (source_app, summary) = (fields.text("source_app")?, fields.text("summary")?);
    Ok(Remarks { source_app, summary, chat, hook_event_type: None })
}

fn body(kind: &str, source: &str, data: Option<&RawValue>) -> Result<Body, Fault> {
    check_type(kind)?;
    let text = data.map_or("{}", RawValue::get);
    if !text.starts_with('{') {
        return Err(wrong("payload", "not an object"));
    }
    let object = || serde_json::from_str(text).map(noted).map_err(|cause| wrong("payload", cause));
    if is_hook_name(kind) {
        return Ok(Body::Hook(Hook::of_type(channel::hook(kind), object()?)));
    }
    if kind.starts_with(channel::HOOKS) {
        return Ok(Body::Hook(Hook::of_type(kind.to_owned(), object()?)));
    }
    if kind == channel::COMPONENT_STARTED {
        return Ok(component(source, object()?));
    }
    let typed = match data {
        Some(raw) => Body::read(kind, raw),
        None => Body::read(kind, serde_json::from_str("{}").map_err(|cause| wrong("payload", cause))?),
    };
    match typed {
        Ok(Body::Published(published)) if !channel::is_ours(kind) => {
            Ok(Body::other(kind, noted(published.data)))
        }
        Ok(body) => Ok(body),
        Err(cause) => Err(wrong("payload", format_args!("not that of {}: {cause}", brief(kind)))),
    }
}

/// `component.started` names its component by its source.
fn component(source: &str, mut payload: Map<String, Value>) -> Body {
    let texts = |value: Value| match value {
        Value::Array(items) => {
            items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    };
    payload.remove("component");
    Body::ComponentStarted(ComponentStarted {
        component: source.to_owned(),
        version: payload.remove("version").and_then(|version| version.as_str().map(str::to_owned)),
        capabilities: payload.remove("capabilities").map(texts).unwrap_or_default(),
        config: payload.remove("config").filter(|config| !config.is_null()),
        more: payload,
    })
}

/// As claude names its hooks: `PreToolUse`.
fn is_hook_name(kind: &str) -> bool {
    kind.starts_with(|first: char| first.is_ascii_uppercase())
        && kind.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn check_type(kind: &str) -> Result<(), Fault> {
    match Pattern::parse(kind) {
        Ok(Pattern::Exact(_)) if [channel::SYSTEM_STATUS, channel::SYSTEM_GAP].contains(&kind) => {
            Err(wrong("event_type", "a reply and no event"))
        }
        Ok(Pattern::Exact(_)) => Ok(()),
        Ok(_) => Err(wrong("event_type", "a pattern and no type")),
        Err(cause) => Err(wrong("event_type", cause)),
    }
}

fn required(fields: &Fields<'_>, name: &str) -> Result<String, Fault> {
    match fields.text(name)? {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(wrong(name, "missing")),
    }
}

/// A name of a source, a session or a component that may stand on one line.
pub(super) fn named(what: &str, name: String) -> Result<String, Fault> {
    let is_plain = !name.is_empty() && name.trim() == name && !name.chars().any(acts);
    if !is_plain {
        return Err(wrong(what, "empty, or with a space at an end, or with characters that do not show"));
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(wrong(what, format_args!("longer than {MAX_NAME_BYTES} bytes")));
    }
    Ok(name)
}

/// Where the session of an uplink stands: an array of `{"type", "data"}`.
///
/// # Errors
/// What is wrong with the first that is wrong.
pub fn recollected(raw: &RawValue) -> Result<Vec<Body>, Fault> {
    #[derive(Deserialize)]
    struct Told<'a> {
        r#type: String,
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let read = |raw: &&RawValue| {
        let told: Told<'_> = serde_json::from_str(raw.get()).map_err(|cause| wrong("recollection", cause))?;
        let mut body = Body::read(&told.r#type, told.data).map_err(|cause| wrong("recollection", cause))?;
        cut_all(&mut body, None);
        Ok(body)
    };
    list("recollection", raw)?.iter().map(read).collect()
}

/// The events of an uplink, as the instance numbered them.
///
/// # Errors
/// What is wrong with the first that is wrong.
pub fn relayed(raw: &RawValue) -> Result<Vec<Event>, Fault> {
    let list: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|cause| wrong("events", cause))?;
    let read = |raw: &&RawValue| {
        bounded("event", raw, MAX_VALUES_TOLD)?;
        let mut event = Event::read(raw.get()).map_err(|cause| wrong("event", cause))?;
        for (what, name) in [
            ("session_id", event.session_id.as_str()),
            ("epoch", event.epoch.as_str()),
            ("source", event.source.as_str()),
        ] {
            named(what, name.to_owned())?;
        }
        // Where it was numbered first is for the hub to say that takes it.
        event.origin = None;
        cut_all(&mut event.body, event.remarks.as_deref_mut());
        Ok(event)
    };
    list.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Draft, Fault> {
        let raw: Box<RawValue> = RawValue::from_string(text.to_owned()).unwrap();
        event(&raw)
    }

    #[test]
    fn the_examples_of_requirement_4_lack_an_id_and_a_version_and_are_taken() {
        let started = read(
            r#"{"event_type":"component.started","source":"claude-router","timestamp":1706181600000,
                "payload":{"version":"1.0.0","capabilities":["model-switching"],"config":{"port":3001},"pid":7}}"#,
        )
        .unwrap();
        assert_eq!(started.source.as_str(), "claude-router");
        let Body::ComponentStarted(body) = started.body else { panic!("{started:?}") };
        assert_eq!((body.component.as_str(), body.version.as_deref()), ("claude-router", Some("1.0.0")));
        assert_eq!(body.more["pid"], 7);
        let used = read(
            r#"{"event_type":"PreToolUse","source":"claude-flow","source_app":"agent-123","session_id":"sess_abc123",
                "timestamp":1706181600000,"payload":{"tool_name":"Bash"},"summary":"Running test suite"}"#,
        )
        .unwrap();
        assert_eq!(used.session_id, Some(SessionId::new("sess_abc123")));
        assert_eq!(used.body.channel(), "hook.pre_tool");
        assert_eq!(used.remarks.unwrap().summary.as_deref(), Some("Running test suite"));
    }

    #[test]
    fn the_frame_of_requirement_3_names_its_session_inside() {
        let draft = read(
            r#"{"type":"hook.user_prompt","timestamp":"2025-07-31T12:00:00.000Z",
                "data":{"prompt":"hi","session_id":"abc123","cwd":"/p"}}"#,
        )
        .unwrap();
        assert_eq!(draft.session_id, Some(SessionId::new("abc123")));
        assert_eq!(draft.body.channel_in(channel::Vocabulary::Envelope), "UserPromptSubmit");
        assert_eq!(draft.timestamp.unwrap().to_string(), "2025-07-31T12:00:00.000Z");
    }

    #[test]
    fn what_is_there_and_wrong_is_refused() {
        let good = r#"{"event_type":"x.y","source":"s","timestamp":1,"id":"6b6b0b5e-0d3b-4b3a-8b0a-0a0a0a0a0a0a","version":"1.0"}"#;
        assert!(read(good).is_ok());
        for (from, to) in [
            (r#""timestamp":1"#, r#""timestamp":-1"#),
            (r#""timestamp":1"#, r#""timestamp":0"#),
            (r#""timestamp":1"#, r#""timestamp":0.5"#),
            (r#""timestamp":1"#, r#""timestamp":"1""#),
            (r#""timestamp":1"#, r#""timestamp":1e300"#),
            (r#""timestamp":1,"#, ""),
            (r#""source":"s","#, ""),
            (r#""source":"s""#, r#""source":"""#),
            (r#""source":"s""#, r#""source":7"#),
            (r#""event_type":"x.y","#, ""),
            (r#""event_type":"x.y""#, r#""event_type":"x.*""#),
            (r#""event_type":"x.y""#, r#""event_type":"system.gap""#),
            (r#""event_type":"x.y""#, r#""event_type":"todo.update","payload":{"todos":7}"#),
            (r#""version":"1.0""#, r#""version":"2.0""#),
            (r#""version":"1.0""#, r#""version":1.0"#),
            (r#""version":"1.0""#, r#""payload":[]"#),
            ("-4b3a-", "-1b3a-"),
            ("6b6b0b5e", "6b6b0b5"),
        ] {
            let bad = good.replace(from, to);
            assert_ne!(bad, good, "{from}");
            assert_eq!(read(&bad).unwrap_err().code.as_str(), "WS002", "{bad}");
        }
    }

    #[test]
    fn what_a_publisher_adds_to_a_type_of_ours_that_is_open_is_kept() {
        let alert = |more: &str| {
            let text = format!(
                r#"{{"event_type":"resource.alert","source":"s","timestamp":1,"payload":{{"component":"s",{more}"metrics":
                {{"cpu_percent":90,"memory_mb":1.5,"active_connections":0,"event_queue_size":0}},"alert_level":"warning"}}}}"#
            );
            read(&text).unwrap().body
        };
        assert!(matches!(alert(""), Body::ResourceAlert(_)));
        let Body::Published(kept) = alert(r#""node":"n1","#) else { panic!("its own field is lost") };
        assert_eq!(kept.data["node"], "n1");
    }

    #[test]
    fn texts_are_cut_where_they_are_too_long_and_that_is_said() {
        let long = "ä".repeat(40_000);
        let draft = read(&format!(
            r#"{{"event_type":"my.event","source":"s","timestamp":1,"payload":{{"short":"x","long":["{long}"]}}}}"#
        ))
        .unwrap();
        let Body::Published(published) = draft.body else { panic!("{draft:?}") };
        assert_eq!(published.data["long"][0].as_str().unwrap().len(), 65_536);
        assert_eq!((&published.data["short"], &published.data["truncated"]), (&json!("x"), &json!(["long"])));
    }

    #[test]
    fn types_that_are_left_to_publishers_are_taken_with_any_content() {
        for kind in ["resource.alert", "ws.connected", "component.health", "bus.message", "Stop", "my.own"] {
            let draft = read(&format!(
                r#"{{"event_type":"{kind}","source":"test-generator","timestamp":1,"payload":{{"test":true}}}}"#
            ))
            .unwrap();
            assert_eq!(draft.body.channel_in(channel::Vocabulary::Envelope), kind);
        }
    }
}
