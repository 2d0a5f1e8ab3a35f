//! Every body in every dialect's frame, and every reply in those of the dialects that have it.

use super::validator;
use crate::dialect::samples::{self, bodies};
use crate::dialect::{Dialect, Fault, Reply, Stamp};
use crate::event::body::Ended;
use crate::event::surroundings::ComponentState;
use crate::event::{Body, Epoch, EventId, SessionId, Source, Timestamp};
use crate::filter::Pattern;
use crate::status::{Position, Standing, Status};
use serde_json::{Value, json};

const DIALECTS: [Dialect; 3] = [Dialect::Classic, Dialect::Envelope, Dialect::Monitor];
const NOW: Timestamp = Timestamp::from_millis(1_795_176_000_000);

/// Whoever tells, and whatever is said beside.
#[test]
fn every_event_is_as_the_schema_says() {
    for dialect in DIALECTS {
        let schema = validator(&format!("{}/frame", dialect.name()));
        for (body, source) in bodies().into_iter().flat_map(|body| [(body.clone(), "hook"), (body, "other")])
        {
            let mut told = samples::event(body);
            told.source = Source::named(source);
            // Only publishers have types of their own, and only they leave out how claude ended.
            let is_theirs = match &told.body {
                Body::Published(_) => true,
                Body::Status(status) => status.exit_code == Ended::NotYet,
                _ => false,
            };
            if is_theirs && told.source.is_own() {
                continue;
            }
            let frame: Value =
                serde_json::from_slice(&dialect.event(&told, &Standing::default(), NOW)).unwrap();
            schema
                .validate(&frame)
                .unwrap_or_else(|cause| panic!("{cause} (at {}): {frame}", cause.instance_path()));
        }
    }
}

#[test]
fn every_reply_is_as_the_schema_says() {
    let channels = [Pattern::All];
    let components = [("router".to_owned(), ComponentState::Degraded)];
    let (epoch, session_id) = (Epoch::new("e"), SessionId::new("s"));
    let position = Position {
        session_id: session_id.clone(),
        epoch: epoch.clone(),
        first_seq: 0,
        last_seq: 0,
        journal: None,
        connected_clients: 1,
        now: NOW,
    };
    let snapshot = Status::default().snapshot(&position);
    let fault = Fault::parameter("x", "missing");
    let (told, standing) = (samples::event(samples::output("hi")), Standing::default());
    let past = [(&told, &standing)];
    for dialect in DIALECTS {
        let schema = validator(&format!("{}/frame", dialect.name()));
        let frame = dialect.event(&told, &standing, NOW);
        let everywhere = [
            Reply::Status(&snapshot),
            Reply::Subscribed { channels: &channels, cursor: 0 },
            Reply::Unsubscribed(&channels),
            Reply::History { frames: &[&frame, &frame], complete: true },
            Reply::Pong,
            Reply::Gap { missed: 2, from_seq: 1, to_seq: 2, reason: "r" },
            Reply::OtherEpoch { last_seq: 0 },
            Reply::Fault(&fault),
            Reply::Authenticated { role: "read" },
        ];
        let publishers = [
            Reply::Published { seqs: &[1, 2] },
            Reply::Component { name: "router", components: &components },
        ];
        let envelope =
            [Reply::Initial { events: &past }, Reply::Heartbeat { components: &components, next_check: NOW }];
        let publishers = publishers.iter().filter(|_| dialect != Dialect::Monitor);
        let envelope = envelope.iter().filter(|_| dialect == Dialect::Envelope);
        for reply in everywhere.iter().chain(publishers).chain(envelope) {
            let message_id = EventId::parse("6b6b0b5e-0d3b-4b3a-8b0a-0a0a0a0a0a0a").unwrap();
            let stamp = Stamp {
                timestamp: NOW,
                epoch: &epoch,
                session_id: &session_id,
                message_id,
                components: &components,
            };
            let text = match dialect {
                Dialect::Monitor => json!({"action": "ping", "request_id": [1]}),
                Dialect::Envelope => json!({"type": "ping", "request_id": [1]}),
                Dialect::Classic => json!({"command": "ping", "request_id": [1]}),
            };
            let id = dialect.decode(&text.to_string()).unwrap().request_id;
            let said: Value = serde_json::from_slice(&dialect.reply(reply, id.as_ref(), &stamp)).unwrap();
            schema
                .validate(&said)
                .unwrap_or_else(|cause| panic!("{cause} (at {}): {said}", cause.instance_path()));
        }
    }
}
