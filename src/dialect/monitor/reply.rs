//! What is answered on the monitor dialect: requirement R5's frame with the same contents as on the classic dialect, and
//! with the version of the schema, since the first frame a client sees is such a reply.

use crate::dialect::reply::{Reply, Stamp, json_bytes, names};
use crate::dialect::request::RequestId;
use crate::event::{Epoch, SCHEMA_VERSION, SessionId, Source, Timestamp};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
struct Head<'a> {
    r#type: &'a str,
    timestamp: Timestamp,
    /// `null`: it is about the connection and no session.
    session: Option<&'a str>,
    window: Option<u64>,
}

#[derive(Serialize)]
struct Tail<'a> {
    schema_version: &'static str,
    epoch: &'a Epoch,
    session_id: &'a SessionId,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a RequestId>,
}

/// The frame, without the WebSocket header.
pub fn reply(reply: &Reply<'_>, request_id: Option<&RequestId>, stamp: &Stamp<'_>) -> Vec<u8> {
    let session = session(reply);
    let head = Head { r#type: reply.kind(), timestamp: stamp.timestamp, session, window: session.map(|_| 0) };
    let mut frame = json_bytes(&head);
    frame.pop();
    frame.extend_from_slice(br#","data":"#);
    push_data(reply, request_id, stamp, &mut frame);
    frame.push(b',');
    let Stamp { epoch, session_id, .. } = *stamp;
    let source = Source::System;
    let tail =
        Tail { schema_version: SCHEMA_VERSION, epoch, session_id, source: source.as_str(), request_id };
    frame.extend_from_slice(&json_bytes(&tail)[1..]);
    frame
}

fn session<'a>(reply: &Reply<'a>) -> Option<&'a str> {
    let Reply::Status(snapshot) = *reply else { return None };
    let instance = snapshot.instance_info.as_ref();
    Some(instance.map_or(snapshot.session_id.as_str(), |instance| &instance.name))
}

/// The content; R5 says `types` where the classic dialect says `channels`.
fn push_data(reply: &Reply<'_>, request_id: Option<&RequestId>, stamp: &Stamp<'_>, frame: &mut Vec<u8>) {
    let data = match *reply {
        Reply::Subscribed { channels, cursor } => {
            json!({ "types": names(channels), "cursor": { "epoch": stamp.epoch, "seq": cursor } })
        }
        Reply::Unsubscribed(channels) => json!({ "types": names(channels) }),
        _ => return reply.encode_data(request_id, stamp, frame),
    };
    frame.extend_from_slice(&json_bytes(&data));
}
