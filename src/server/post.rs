//! `POST /api/events`: one event in the shape of requirement R4, or an array of them; 202 with their numbers.
//!
//! What an event has to be is the dialect's, who may publish which is `publishing`'s.

use super::Shared;
use super::answer::{self, Answer};
use super::intake::is_json;
use super::limit::Limits;
use super::load::{Patience, Spoilt};
use super::role::Visitor;
use crate::dialect::reply::FaultData;
use crate::dialect::{Code, Fault, publish};
use crate::instance::Role;
use crate::instance::audit::Subject;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::timeout;

/// Most that is read of a post that is too large, bytes.
const MOST_DRAINED: usize = 64 << 20;

/// Where events are posted.
pub(super) const PATH: &str = "/api/events";

/// Answers one post.
pub(super) async fn answer(shared: &Shared, visitor: &Visitor, parts: &Parts, body: Incoming) -> Answer {
    match take(shared, visitor, parts, body).await {
        Ok(seqs) => answer::json(StatusCode::ACCEPTED, &json!({ "seqs": seqs })),
        Err((status, fault)) => {
            shared.refused();
            let mut answer = answer::json(status, &FaultData::from(&fault));
            if status == StatusCode::METHOD_NOT_ALLOWED {
                answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            }
            answer
        }
    }
}

async fn take(
    shared: &Shared,
    visitor: &Visitor,
    parts: &Parts,
    body: Incoming,
) -> Result<Vec<u64>, (StatusCode, Fault)> {
    let refuse =
        |status, code, cause: &str| Err((status, Fault::new(code, format_args!("cannot publish: {cause}"))));
    if parts.method != Method::POST {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, Code::UnknownCommand, "events are posted");
    }
    if !visitor.may(Role::Publish) {
        let (action, why) = (format!("POST {PATH}"), "it needs the role publish");
        shared.note(visitor, (Subject::Refusal, &action), "refused", Some(why));
        return refuse(StatusCode::FORBIDDEN, Code::NotAllowed, "this needs the role publish");
    }
    if !is_json(parts) {
        let cause = "the content type has to be application/json";
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadParameters, cause);
    }
    let limits = &shared.limits;
    if body.size_hint().lower() > limits.post_bytes as u64 {
        drain(body, limits).await;
        let cause = format!("more than {} bytes", limits.post_bytes);
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge, &cause);
    }
    let mut patience = Patience(limits.answer);
    let bytes = match shared.post_room.read(body, limits.post_bytes, &mut patience).await {
        Ok(bytes) => bytes,
        Err(Spoilt::TooLarge) => {
            let cause = format!("more than {} bytes", limits.post_bytes);
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge, &cause);
        }
        Err(Spoilt::NoRoom) => {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, Code::TooLarge, "too much is posted at once");
        }
        Err(Spoilt::Broken) => {
            return refuse(StatusCode::BAD_REQUEST, Code::NotJson, "it did not arrive whole");
        }
    };
    let raw: &RawValue = serde_json::from_slice(&bytes).map_err(|cause| {
        (StatusCode::BAD_REQUEST, Fault::new(Code::NotJson, format_args!("cannot read events: {cause}")))
    })?;
    let published = publish::events(raw).and_then(|drafts| shared.publish(drafts, None));
    // Whoever posts waits for the answer before it posts more.
    shared.hub.journal_follows().await;
    published.map_err(|fault| (status_of(fault.code), fault))
}

/// Takes what is in the middle of being sent, as long as that is bearable: many callers read no answer before they have
/// sent everything, and a connection that is cut meanwhile throws the answer away.
async fn drain(mut body: Incoming, limits: &Limits) {
    let taken = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, |data| data.len());
            if bytes > MOST_DRAINED {
                return;
            }
        }
    };
    let _in_time = timeout(limits.answer / 2, taken).await;
}

fn status_of(code: Code) -> StatusCode {
    match code {
        Code::NotAllowed => StatusCode::FORBIDDEN,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    }
}
