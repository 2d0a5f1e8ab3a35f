//! Requests of the monitor dialect: `{"action", "filters"}`, out of texts. Requirement R5 shows `auth`, `subscribe` and
//! `unsubscribe`; the others are in the same form.

use crate::dialect::fault::Fault;
use crate::dialect::fields::Fields;
use crate::dialect::request::{Call, Request, RequestId, common, needed, refused};
use crate::dialect::selection::Words;
use crate::event::SessionId;
use crate::event::channel::Vocabulary;

/// How this dialect selects events.
pub(in crate::dialect) const WORDS: Words = Words { types: "types", vocabulary: Vocabulary::Monitor };

/// Reads one message of a client.
///
/// # Errors
/// The fault to answer with; the connection lives on.
pub fn decode(text: &str) -> Result<Call, Fault> {
    let top = Fields::message(text)?;
    let request_id = RequestId::read(&top)?;
    match read(top) {
        Ok(request) => Ok(Call { request_id, request }),
        Err(fault) => Err(fault.of(request_id)),
    }
}

fn read(top: Fields<'_>) -> Result<Request, Fault> {
    let action = top.text("action")?.ok_or_else(|| refused("message", "no action"))?;
    let fields = match top.raw("filters") {
        Some(filters) => top.overlaid(Fields::parse("filters", filters)?),
        None => top,
    };
    let fields = match fields.raw("params") {
        Some(params) => fields.overlaid(Fields::parse("params", params)?),
        None => fields,
    };
    match action.as_str() {
        "auth" => needed(&fields, "token").map(Request::Auth),
        "subscribe" => WORDS.subscribe(&fields).map(Request::Subscribe),
        "unsubscribe" => WORDS.unsubscribe(&fields).map(Request::Unsubscribe),
        "get_status" => Ok(Request::Status(fields.text("session_id")?.map(|id| SessionId::new(&id)))),
        "get_history" => WORDS.past(&fields).map(Request::History),
        "ping" => Ok(Request::Ping),
        other => common(other, &fields),
    }
}
