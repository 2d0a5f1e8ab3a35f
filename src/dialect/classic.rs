//! The classic dialect (requirements R1, R2, R3): events as frames, and requests out of texts.
//!
//! What a request can be stands in `request`, what is answered in `reply`.

use super::fault::{Code, Fault};
use super::fields::{Fields, bounded};
use super::publish;
use super::request::{
    Call, Relay, Request, RequestId, Subscribe, Uplink, common, needed, past, patterns, refused,
};
use crate::event::values::MAX_VALUES_AT_ONCE;
use crate::event::{Epoch, Event, SessionId};
use crate::filter::Query;
use serde_json::value::RawValue;

/// Most events that an uplink can have lost; a larger number is a slip.
const MAX_MISSED: u64 = 1 << 40;

/// The frame of an event, without the WebSocket header.
pub fn event(event: &Event) -> Vec<u8> {
    // Serialising to memory fails only for maps with keys that are no text, and no body has one.
    serde_json::to_vec(event).unwrap_or_default()
}

/// Reads one message of a client.
///
/// # Errors
/// The fault to answer with; the connection lives on.
pub fn decode(text: &str) -> Result<Call, Fault> {
    let not_json = |cause| Fault::new(Code::NotJson, format_args!("cannot read message: {cause}"));
    let raw: &RawValue = serde_json::from_str(text).map_err(not_json)?;
    let top = Fields::parse("message", raw)?;
    bounded("message", raw, MAX_VALUES_AT_ONCE)?;
    let request_id = RequestId::read(&top)?;
    match read(raw, top) {
        Ok(request) => Ok(Call { request_id, request }),
        Err(fault) => Err(fault.of(request_id)),
    }
}

/// Reads the one session in a URL, if it names one, which [`super::query::object`] made an object of.
///
/// # Errors
/// The fault to answer with.
pub fn decode_session(object: &RawValue) -> Result<Option<SessionId>, Fault> {
    let sessions = Fields::parse("query", object)?.texts("sessions")?.unwrap_or_default();
    match &sessions[..] {
        [] => Ok(None),
        [one] => Ok(Some(SessionId::new(one))),
        _ => Err(Fault::parameter("session", "more than one")),
    }
}

/// Reads the selection of past events in a URL, which [`super::query::object`] made an object of.
///
/// # Errors
/// The fault to answer with.
pub fn decode_past(object: &RawValue) -> Result<Query, Fault> {
    past(&Fields::parse("query", object)?)
}

fn read(whole: &RawValue, top: Fields<'_>) -> Result<Request, Fault> {
    let command = match top.text("command")? {
        Some(command) => command,
        None => top.text("type")?.ok_or_else(|| refused("message", "no command"))?,
    };
    // An event in place of a command: R3's client proxy publishes so.
    if top.raw("command").is_none() && top.raw("data").is_some() {
        return Ok(Request::Publish(vec![publish::event(whole)?]));
    }
    let fields = match top.raw("params") {
        Some(params) => top.overlaid(Fields::parse("params", params)?),
        None => top,
    };
    dispatch(&command, &fields)
}

fn dispatch(command: &str, fields: &Fields<'_>) -> Result<Request, Fault> {
    match command {
        "subscribe" => Subscribe::read(fields).map(Request::Subscribe),
        "unsubscribe" => patterns(fields, "channels").map(Request::Unsubscribe),
        "get_status" => Ok(Request::Status(fields.text("session_id")?.map(|id| SessionId::new(&id)))),
        "get_history" => past(fields).map(Request::History),
        "explain" => event_name(fields).map(Request::Explain),
        "ping" => Ok(Request::Ping),
        "register" => Ok(Request::Register(fields.text("session_id")?.filter(|id| id != "global"))),
        "one_time_token" => Ok(Request::OneTimeToken),
        "auth" => Ok(Request::Auth(needed(fields, "token")?)),
        "publish" => match fields.raw("events") {
            Some(events) => publish::events(events).map(Request::Publish),
            None => Err(Fault::parameter("events", "missing")),
        },
        "uplink" => Ok(Request::Uplink(Uplink {
            session_id: SessionId::new(&name(fields, "session_id")?),
            epoch: Epoch::new(&name(fields, "epoch")?),
            key: name(fields, "key")?,
            recollection: fields.raw("recollection").map_or_else(|| Ok(Vec::new()), publish::recollected)?,
        })),
        "relay" => Ok(Request::Relay(Relay {
            events: fields.raw("events").map_or_else(|| Ok(Vec::new()), publish::relayed)?,
            missed: fields.number("missed")?.unwrap_or(0).min(MAX_MISSED),
        })),
        other => common(other, fields),
    }
}

/// A name that is kept as long as the session.
fn name(fields: &Fields<'_>, name: &str) -> Result<String, Fault> {
    let as_parameter = |fault| Fault { code: Code::BadParameters, ..fault };
    publish::named(name, needed(fields, name)?).map_err(as_parameter)
}

/// An event's id, or its number in digits or as one.
fn event_name(fields: &Fields<'_>) -> Result<Option<String>, Fault> {
    match fields.number("event") {
        Ok(number) => Ok(number.map(|number| number.to_string())),
        Err(_) => fields.text("event"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Pattern;

    fn code(text: &str) -> &'static str {
        decode(text).unwrap_err().code.as_str()
    }

    #[test]
    fn both_command_forms_and_both_places_of_parameters_are_read() {
        let subscribe =
            decode(r#"{"command":"subscribe","channels":["agent.*"],"replay":5}"#).unwrap().request;
        let nested = r#"{"command":"subscribe","replay":null,"params":{"channels":["agent.*"],"replay":5}}"#;
        assert_eq!(decode(nested).unwrap().request, subscribe);
        let Request::Subscribe(subscribe) = subscribe else { panic!("{subscribe:?}") };
        assert_eq!(subscribe.replay, Some(5));
        assert_eq!(subscribe.filter.channels, [Pattern::parse("agent.*").unwrap()]);
        for (text, expected) in [
            (r#"{"type":"register","session_id":"s"}"#, Some("s".to_owned())),
            (r#"{"type":"register","session_id":"global"}"#, None),
            (r#"{"command":"register"}"#, None),
        ] {
            assert_eq!(decode(text).unwrap().request, Request::Register(expected), "{text}");
        }
        let history = r#"{"command":"get_history","params":{"event_types":["agent.delegation"],"limit":7}}"#;
        assert!(matches!(decode(history).unwrap().request, Request::History(Query { limit: 7, .. })));
    }

    #[test]
    fn every_malformed_message_has_a_code() {
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        let many = format!(r#"{{"command":"subscribe","channels":[{}"a"]}}"#, r#""a","#.repeat(128));
        let long = format!(r#"{{"command":"ping","request_id":"{}"}}"#, "x".repeat(256));
        for (text, expected) in [
            ("", "WS002"),
            ("{", "WS002"),
            ("nonsense", "WS002"),
            ("\u{feff}{}", "WS002"),
            (r#"{"command":"ping"} {}"#, "WS002"),
            ("[]", "REQ002"),
            ("7", "REQ002"),
            ("null", "REQ002"),
            (deep.as_str(), "REQ002"),
            ("{}", "REQ001"),
            (r#"{"command":"no such thing"}"#, "REQ001"),
            (r#"{"command":"publish"}"#, "REQ002"),
            (r#"{"command":"publish","events":[{}]}"#, "WS002"),
            (r#"{"type":"hook.user_prompt","timestamp":"x","data":{}}"#, "WS002"),
            (r#"{"command":7}"#, "REQ002"),
            (r#"{"command":"ping","command":"ping"}"#, "REQ002"),
            (r#"{"command":"ping","params":[]}"#, "REQ002"),
            (r#"{"command":"ping","params":{"a":1,"a":2}}"#, "REQ002"),
            (r#"{"command":"subscribe"}"#, "REQ002"),
            (r#"{"command":"subscribe","channels":"*"}"#, "REQ002"),
            (r#"{"command":"subscribe","channels":[1]}"#, "REQ002"),
            (r#"{"command":"subscribe","channels":["a..b"]}"#, "REQ002"),
            (r#"{"command":"subscribe","channels":["\ud800"]}"#, "REQ002"),
            (r#"{"command":"subscribe","channels":["*"],"replay":-1}"#, "REQ002"),
            (r#"{"command":"subscribe","channels":["*"],"replay":1.5}"#, "REQ002"),
            (r#"{"command":"subscribe","channels":["*"],"after":1e99}"#, "REQ002"),
            (r#"{"command":"subscribe","channels":["*"],"after":18446744073709551616}"#, "REQ002"),
            (r#"{"command":"subscribe","channels":["*"],"since":"yesterday"}"#, "REQ002"),
            (r#"{"command":"subscribe","channels":["*"],"min_severity":"loud"}"#, "REQ002"),
            (r#"{"command":"get_history","limit":10001}"#, "REQ002"),
            (many.as_str(), "REQ002"),
            (long.as_str(), "REQ002"),
        ] {
            assert_eq!(code(text), expected, "{text:.80}");
        }
    }

    #[test]
    fn a_fault_keeps_the_request_id_it_could_read() {
        let fault = decode(r#"{"request_id":{"a":[1]},"command":"x"}"#).unwrap_err();
        assert_eq!(serde_json::to_string(&fault.request_id).unwrap(), r#"{"a":[1]}"#);
    }

    #[test]
    fn messages_say_what_cannot_be_done_and_why() {
        for (text, expected) in [
            (r#"{"command":"x"}"#, r#"cannot run "x": unknown command"#),
            (r#"{"command":"subscribe","channels":7}"#, "cannot read channels: not an array of texts"),
            (r#"{"command":"get_history","limit":10001}"#, "cannot read limit: more than 10000"),
            (r#"{"a":1,"a":1}"#, r#"cannot read message: "a" stands there twice"#),
        ] {
            assert_eq!(decode(text).unwrap_err().message, expected);
        }
    }
}
