//! Events as requirement R5 shows them, and what we add to that: `seq`, `epoch`, `id`, `session_id`, `source`.

use super::agent::AgentStatus;
use crate::dialect::reply::json_bytes;
use crate::event::body::{Output, Severity, Stream};
use crate::event::channel::Vocabulary;
use crate::event::{Body, Epoch, Event, EventId, Origin, SessionId, Timestamp};
use crate::filter::{session_name, window};
use crate::status::Standing;
use serde::Serialize;

/// The only pane of what is in no tmux.
const PANE: &str = "0";

#[derive(Debug, Serialize)]
struct Frame<'a> {
    r#type: &'a str,
    timestamp: Timestamp,
    session: &'a str,
    window: u64,
    data: Data<'a>,
    seq: u64,
    epoch: &'a Epoch,
    id: EventId,
    session_id: &'a SessionId,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a Origin>,
}

/// What is said.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Agent(AgentStatus<'a>),
    Pane {
        content: &'a str,
        severity: Severity,
        pane: &'static str,
        stream: Stream,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        truncated: bool,
    },
    Created {
        session: &'a str,
        windows: u64,
        path: &'a str,
        #[serde(flatten)]
        start: &'a Body,
    },
    Closed {
        session: &'a str,
        #[serde(flatten)]
        end: &'a Body,
    },
    /// As on the classic dialect.
    Classic(&'a Body),
}

/// The frame of an event whose session stood so before it.
pub fn event(event: &Event, before: &Standing) -> Vec<u8> {
    let name = session_name(&event.body, before.name.as_deref());
    let session = name.unwrap_or(event.session_id.as_str());
    json_bytes(&Frame {
        r#type: event.body.channel_in(Vocabulary::Monitor),
        timestamp: event.timestamp,
        session,
        window: window(&event.body),
        data: data(&event.body, session, before),
        seq: event.seq,
        epoch: &event.epoch,
        id: event.id,
        session_id: &event.session_id,
        source: event.source.as_str(),
        origin: event.origin.as_ref(),
    })
}

fn data<'a>(body: &'a Body, session: &'a str, before: &Standing) -> Data<'a> {
    match body {
        Body::Activity(activity) => Data::Agent(AgentStatus::of_activity(activity, before)),
        Body::Status(status) => Data::Agent(AgentStatus::of_process(status, before)),
        Body::Output(Output { content, stream, truncated }) => {
            let severity = body.severity_in(Vocabulary::Monitor);
            Data::Pane { content, severity, pane: PANE, stream: *stream, truncated: *truncated }
        }
        Body::SessionStart(start) => {
            Data::Created { session, windows: 1, path: &start.working_directory, start: body }
        }
        Body::SessionEnd(_) => Data::Closed { session, end: body },
        other => Data::Classic(other),
    }
}
