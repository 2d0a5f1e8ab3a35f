//! HTTP answers: one shape and the same protective headers for all of them.
//!
//! No answer ever carries a CORS header: no other origin has business here. Every answer ends its connection,
//! so that nothing can hide behind a first request; but the empty one to claude's hooks, which come by the hundred.

use super::extension::Compression;
use super::keys::Wrong;
use super::past::PastBody;
use super::upgrade;
use crate::hub::History;
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

/// A whole body, or past events as they are taken.
pub(super) type Body = Either<Full<Bytes>, PastBody>;
/// What goes back to the caller.
pub(super) type Answer = Response<Body>;

/// Holds for every answer; pages that need more will say so themselves.
pub(super) const PROTECTION: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// A JSON value.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    // Serialising our own values to memory cannot fail: no map has keys that are no text.
    whole(status, "application/json", serde_json::to_vec(value).unwrap_or_default())
}

/// A refusal: `{"error": sentence}`.
pub(super) fn refusal(status: StatusCode, sentence: impl ToString) -> Answer {
    json(status, &json!({ "error": sentence.to_string() }))
}

/// A page for people.
pub(super) fn text(page: &'static str) -> Answer {
    whole(StatusCode::OK, "text/plain; charset=utf-8", page)
}

/// A text for programs.
pub(super) fn text_of(content_type: &'static str, text: String) -> Answer {
    whole(StatusCode::OK, content_type, text)
}

/// Says of past events whether those are all that were asked for: an array has no place for it.
const COMPLETE: HeaderName = HeaderName::from_static("x-complete");

/// Past events, as a JSON array.
pub(super) fn past(history: History) -> Answer {
    let complete = HeaderValue::from_static(if history.complete { "true" } else { "false" });
    let mut answer = dressed(StatusCode::OK, "application/json", Either::Right(PastBody::new(history)));
    answer.headers_mut().insert(COMPLETE, complete);
    answer
}

/// A hook was taken. This is the answer claude waits for on every tool call: no body, nothing to show, and the
/// connection stays, unless it may not.
pub(super) fn taken(stays: bool) -> Answer {
    let mut answer = Response::new(Either::Left(Full::default()));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    if !stays {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// Somebody has answered claude's question; JSON in claude's own form.
pub(super) fn decided(json: Bytes) -> Answer {
    whole(StatusCode::OK, "application/json", json)
}

/// The method is not one the path knows.
pub(super) fn wrong_method() -> Answer {
    let mut answer =
        refusal(StatusCode::METHOD_NOT_ALLOWED, "cannot do this: only GET and HEAD are known here");
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}

/// A token is needed, or the one that was shown is none (RFC 9110 section 15.5.2).
pub(super) fn unauthenticated(wrong: impl Into<Option<Wrong>>) -> Answer {
    let (status, sentence) = match wrong.into() {
        None => (StatusCode::UNAUTHORIZED, "cannot accept request: a token is needed"),
        Some(Wrong::Token) => (StatusCode::UNAUTHORIZED, "cannot accept request: the token is wrong"),
        Some(Wrong::Again) => (StatusCode::TOO_MANY_REQUESTS, "cannot accept request: too many wrong tokens"),
    };
    let mut answer = refusal(status, sentence);
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

/// A WebSocket is offered here and was not asked for, or in another version.
pub(super) fn upgrade_required(sentence: impl ToString) -> Answer {
    let mut answer = refusal(StatusCode::UPGRADE_REQUIRED, sentence);
    let headers = answer.headers_mut();
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(upgrade::VERSION));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    answer
}

/// From here on a WebSocket.
pub(super) fn switching(accept: &str, compression: Option<Compression>) -> Answer {
    let mut answer = Response::new(Either::Left(Full::default()));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(Ok(agreed)) = compression.map(|agreed| agreed.answer().try_into()) {
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, agreed);
    }
    answer
}

fn whole(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    dressed(status, content_type, Either::Left(Full::new(body.into())))
}

fn dressed(status: StatusCode, content_type: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in PROTECTION {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}
