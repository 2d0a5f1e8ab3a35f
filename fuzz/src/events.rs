//! What must hold of every event, wherever it came from.

use claude_mpm::dialect::Dialect;
use claude_mpm::event::{Body, Draft, Epoch, Event, EventId, SessionId, Timestamp};
use claude_mpm::status::{Position, Standing, Status};
use serde::de::IgnoredAny;

/// All dialects.
pub const DIALECTS: [Dialect; 3] = [Dialect::Classic, Dialect::Envelope, Dialect::Monitor];

/// A point in time that depends on nothing.
pub const NOW: Timestamp = Timestamp::from_millis(1_795_176_000_123);

/// The event that a hub makes of what somebody publishes.
pub fn stamped(draft: Draft) -> Event {
    Event {
        id: draft.id.unwrap_or(EventId::from_u128(0x6b6b_0b5e_0d3b_4b3a_8b0a_0a0a_0a0a_0a0a)),
        seq: 7,
        epoch: Epoch::new("epoch"),
        timestamp: draft.timestamp.unwrap_or(NOW),
        session_id: draft.session_id.unwrap_or_else(|| SessionId::new("session")),
        source: draft.source,
        body: draft.body,
        remarks: draft.remarks,
        origin: None,
    }
}

/// Its text is read back as the same event, every dialect can show it, and a status can take it in.
///
/// # Panics
/// When one of these does not hold.
pub fn holds(event: &Event) {
    let text = serde_json::to_string(event).expect("an event has a text");
    let again = Event::read(&text).unwrap_or_else(|cause| panic!("cannot read back {text}: {cause}"));
    assert_eq!(serde_json::to_string(&again).ok().as_deref(), Some(&*text), "another text");
    for dialect in DIALECTS {
        let [frame, again] = [event, &again].map(|event| dialect.event(event, &Standing::default(), NOW));
        is_json(&frame);
        assert_eq!(frame, again, "another frame: {} {text}", dialect.name());
    }
    folds(event);
}

/// # Panics
/// When it is no JSON text on one line.
pub fn is_json(text: &[u8]) {
    let shown = String::from_utf8_lossy(text);
    serde_json::from_slice::<IgnoredAny>(text).unwrap_or_else(|cause| panic!("no JSON: {cause}: {shown}"));
    assert!(!text.contains(&b'\n'), "more than one line: {shown}");
}

fn folds(event: &Event) {
    let mut status = Status::default();
    let follows: Option<Body> = status.fold(event);
    if let Some(body) = follows {
        _ = status.fold(&Event { body, ..event.clone() });
    }
    let position = Position {
        session_id: event.session_id.clone(),
        epoch: event.epoch.clone(),
        first_seq: 1,
        last_seq: event.seq,
        journal: None,
        connected_clients: 1,
        now: NOW,
    };
    is_json(&serde_json::to_vec(&status.snapshot(&position)).expect("a status has a text"));
    for body in status.recollection() {
        Status::default().recollect(&[body]);
    }
}
