//! A record as the journal has it: the event's own JSON, and how its session stood before it.

use super::log::Record;
use crate::event::Event;
use crate::status::Standing;
use serde::Deserialize;
use std::sync::Arc;

/// Its text, one JSON object on one line.
pub(super) fn text(record: &Record) -> Vec<u8> {
    let mut text = serde_json::to_vec(&record.event).expect("an event has a text");
    text.pop();
    text.extend_from_slice(b",\"before\":");
    serde_json::to_writer(&mut text, &record.before).expect("texts and names alone");
    text.push(b'}');
    text
}

/// The record that a text is of; `None` where it is of none that this version knows.
pub(super) fn record(text: &[u8]) -> Option<Arc<Record>> {
    let (event, before) = read(text)?;
    Some(Arc::new(Record::stored(event, before)))
}

/// The parts of a record that a text is of.
pub(super) fn read(text: &[u8]) -> Option<(Event, Standing)> {
    #[derive(Deserialize)]
    struct Before {
        #[serde(default)]
        before: Standing,
    }
    let text = std::str::from_utf8(text).ok()?;
    let event = Event::read(text).ok()?;
    let Before { before } = serde_json::from_str(text).unwrap_or(Before { before: Standing::default() });
    Some((event, before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::body::{ActivityState, ProcessState};
    use crate::event::body::{Output, Stream};
    use crate::event::{Body, Epoch, EventId, SessionId, Source, Timestamp};

    #[test]
    fn a_record_is_read_back_with_how_its_session_stood() {
        let content = "a \"line\"\u{2028}\u{0} of text".to_owned();
        let event = Event {
            id: EventId::from_u128(7),
            seq: 9,
            epoch: Epoch::new("e"),
            timestamp: Timestamp::from_millis(1_795_176_000_123),
            session_id: SessionId::new("s"),
            source: Source::Screen,
            body: Body::Output(Output { content, stream: Stream::Stderr, truncated: true }),
            remarks: None,
            origin: None,
        };
        for before in [
            Standing::default(),
            Standing {
                name: Some("n".into()),
                claude: Some(ProcessState::Running),
                activity: Some(ActivityState::Busy),
            },
        ] {
            let written = text(&Record::stored(event.clone(), before.clone()));
            assert!(!written.contains(&b'\n'));
            let read = record(&written).unwrap();
            assert_eq!(read.before, before);
            assert_eq!(text(&read), written);
        }
        assert!(record(b"{\"type\":\"system.gap\"}").is_none());
    }
}
