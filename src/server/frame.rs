//! WebSocket frames as a server sends them: a header in front of a payload, unmasked, never fragmented
//! (RFC 6455 section 5.2).
//!
//! Reading frames is tungstenite's; our own frames are made here so that one can be made once for all clients.

use super::deflate;
use crate::dialect::{Close, Dialect};
use crate::hub::{self, Record};
use bytes::Bytes;

const TEXT: u8 = 0x81;
const COMPRESSED_TEXT: u8 = 0xc1;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// A ping without payload.
pub(super) const EMPTY_PING: [u8; 2] = [PING, 0];

/// Which slot of a record holds its frame.
fn slot(dialect: Dialect) -> usize {
    match dialect {
        Dialect::Classic => 0,
        Dialect::Envelope => 1,
        Dialect::Monitor => 2,
    }
}

/// The record's frame in a dialect, made at first use and shared by all clients that speak it.
pub(super) fn of(record: &Record, dialect: Dialect) -> &Bytes {
    record.encoded(slot(dialect), |record| {
        let json = dialect.event(&record.event, &record.before, hub::now());
        let mut frame = Vec::with_capacity(json.len() + 10);
        push_text(&mut frame, &json);
        frame.shrink_to_fit();
        frame.into()
    })
}

/// The same frame compressed, made at first use and shared likewise; `None` where that is not worth it.
pub(super) fn compressed_of(record: &Record, dialect: Dialect) -> Option<&Bytes> {
    if of(record, dialect).len() <= deflate::SMALL {
        return None;
    }
    let compressed = record.encoded_again(slot(dialect), |record| {
        compressed(payload_of(record, dialect)).unwrap_or_default().into()
    });
    (!compressed.is_empty()).then_some(compressed)
}

/// The smaller of the two for a client that takes messages of up to `most` bytes compressed.
pub(super) fn smallest_of(record: &Record, dialect: Dialect, most: usize) -> &Bytes {
    let fits = payload_of(record, dialect).len() <= most;
    let compressed = if fits { compressed_of(record, dialect) } else { None };
    compressed.unwrap_or_else(|| of(record, dialect))
}

/// A compressed text frame; `None` where that is not worth it.
pub(super) fn compressed(payload: &[u8]) -> Option<Vec<u8>> {
    let deflated = deflate::deflated(payload)?;
    let mut frame = Vec::with_capacity(deflated.len() + 10);
    push(&mut frame, COMPRESSED_TEXT, &deflated);
    Some(frame)
}

/// The record's event in a dialect, without the WebSocket header.
pub(super) fn payload_of(record: &Record, dialect: Dialect) -> &[u8] {
    let frame = of(record, dialect);
    let header = match frame.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    &frame[header..]
}

/// Appends a text frame.
pub(super) fn push_text(out: &mut Vec<u8>, payload: &[u8]) {
    push(out, TEXT, payload);
}

/// Appends a Close frame.
pub(super) fn push_close(out: &mut Vec<u8>, close: Close) {
    let mut payload = close.code().to_be_bytes().to_vec();
    payload.extend_from_slice(close.reason().as_bytes());
    push(out, CLOSE, &payload);
}

/// Makes a text frame of the payload, where it stands: a large one is not there twice.
pub(super) fn text_of(mut payload: Vec<u8>) -> Vec<u8> {
    let mut header = Vec::with_capacity(10);
    push_header(&mut header, TEXT, payload.len());
    payload.splice(..0, header);
    payload
}

fn push(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    push_header(out, opcode, payload.len());
    out.extend_from_slice(payload);
}

/// Appends the header of an unmasked frame.
pub(super) fn push_header(out: &mut Vec<u8>, opcode: u8, length: usize) {
    out.push(opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=125), _) => out.push(short),
        (_, Ok(medium)) => {
            out.push(126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::body::{Output, Stream};
    use crate::event::{Body, SessionId, Source};
    use crate::filter::{Filter, Query};
    use crate::hub::{Bounds, Hub};

    #[test]
    fn lengths_take_the_shortest_header() {
        for (length, header) in [
            (0, vec![0x81, 0]),
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 126, 255, 255]),
            (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut frame = Vec::new();
            push_text(&mut frame, &vec![b'x'; length]);
            assert_eq!(frame[..header.len()], header);
            assert_eq!(frame.len(), header.len() + length);
            assert_eq!(text_of(vec![b'x'; length]), frame);
        }
    }

    #[test]
    fn a_compressed_frame_is_made_once_and_only_where_it_is_smaller() {
        let record = |content: &str| {
            let hub = Hub::new(SessionId::new("s"), Bounds::default());
            let output = Output { content: content.into(), stream: Stream::Stdout, truncated: false };
            hub.publisher(Source::Screen).publish(Body::Output(output));
            hub.history(&Query { filter: Filter::all(), limit: 1, ..Query::default() }).records.remove(0)
        };
        let large = record(&"All work and no play makes Jack a dull boy. ".repeat(100));
        let first = compressed_of(&large, Dialect::Classic).unwrap();
        assert_eq!(first.as_ptr(), compressed_of(&large, Dialect::Classic).unwrap().as_ptr());
        assert!(first.len() * 4 < of(&large, Dialect::Classic).len());
        assert_ne!(first.as_ptr(), compressed_of(&large, Dialect::Monitor).unwrap().as_ptr());
        assert_eq!(first[0], 0xc1);
        assert!(compressed_of(&record("x"), Dialect::Classic).is_none());
    }

    #[test]
    fn every_close_fits_a_control_frame() {
        let mut frame = Vec::new();
        push_close(&mut frame, Close::Slow);
        assert_eq!(frame[..4], [0x88, u8::try_from(frame.len() - 2).unwrap(), 0x11, 0x38]);
        assert!(frame.len() <= 127);
    }
}
