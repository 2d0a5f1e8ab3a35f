//! Requests of the envelope dialect: `{"type", "data", "metadata"}`, out of texts. Requirement R4 shows `register` and
//! `event`; the others are in the same form.

use crate::dialect::fault::{Code, Fault};
use crate::dialect::fields::Fields;
use crate::dialect::publish;
use crate::dialect::request::{Call, Request, RequestId, common, names, needed, refused};
use crate::dialect::selection::Words;
use crate::event::SessionId;
use crate::event::channel::Vocabulary;
use crate::event::surroundings::ComponentStarted;
use serde_json::Map;

/// How this dialect selects events.
pub(in crate::dialect) const WORDS: Words = Words { types: "event_types", vocabulary: Vocabulary::Envelope };

/// Reads one message of a client.
///
/// # Errors
/// The fault to answer with; the connection lives on.
pub fn decode(text: &str) -> Result<Call, Fault> {
    let top = Fields::message(text)?;
    let outside = RequestId::read(&top)?;
    let metadata = part(&top, "metadata").map_err(|fault| fault.of(outside.clone()))?;
    let outside = match outside {
        Some(id) => Some(id),
        None => RequestId::read(&metadata)?,
    };
    match read(top) {
        Ok(call) => Ok(Call { request_id: outside.or(call.request_id), ..call }),
        Err(fault) => {
            let request_id = outside.or_else(|| fault.request_id.clone());
            Err(fault.of(request_id))
        }
    }
}

/// An object inside; an empty one where it is absent.
fn part<'a>(fields: &Fields<'a>, name: &str) -> Result<Fields<'a>, Fault> {
    fields.raw(name).map_or_else(|| Ok(Fields::default()), |raw| Fields::parse(name, raw))
}

/// The request, with the id that stands inside of `data`.
fn read(top: Fields<'_>) -> Result<Call, Fault> {
    let kind = top.text("type")?.ok_or_else(|| refused("message", "no type"))?;
    // Its data is one event or many, which has no business with requests.
    if kind == "event" {
        let data = top.raw("data").ok_or_else(|| Fault::parameter("data", "missing"))?;
        return Ok(Call { request_id: None, request: Request::Publish(publish::events(data)?) });
    }
    let data = part(&top, "data")?;
    let request_id = RequestId::read(&data)?;
    let fields = top.overlaid(data);
    let filters = part(&fields, "filters")?;
    match dispatch(&kind, &fields.overlaid(filters)) {
        Ok(request) => Ok(Call { request_id, request }),
        Err(fault) => Err(fault.of(request_id)),
    }
}

fn dispatch(kind: &str, fields: &Fields<'_>) -> Result<Request, Fault> {
    match kind {
        "register" => component(fields).map(Request::Component),
        "subscribe" => WORDS.subscribe(fields).map(Request::Subscribe),
        "unsubscribe" => WORDS.unsubscribe(fields).map(Request::Unsubscribe),
        "auth" => needed(fields, "token").map(Request::Auth),
        // A heartbeat of a client is a sign of life, and gets one back.
        "ping" | "heartbeat" => Ok(Request::Ping),
        "get_status" => Ok(Request::Status(fields.text("session_id")?.map(|id| SessionId::new(&id)))),
        "get_history" => WORDS.past(fields).map(Request::History),
        other => common(other, fields),
    }
}

/// Requirement R4, section Client Connection.
fn component(fields: &Fields<'_>) -> Result<ComponentStarted, Fault> {
    let as_parameter = |fault| Fault { code: Code::BadParameters, ..fault };
    let component = publish::named("component", needed(fields, "component")?).map_err(as_parameter)?;
    Ok(ComponentStarted {
        component,
        version: fields.text("version")?,
        capabilities: names(fields, "capabilities")?.unwrap_or_default(),
        config: fields.typed("config", "JSON")?,
        more: Map::new(),
    })
}
