//! How what a client is told is put into its outbox: frame by frame as all clients share them, or in arrays, compressed
//! where that was agreed on, and no more of it than the client wants.
//!
//! Which events those are is `subscription`'s, what a frame looks like `frame`'s.

use super::connection::Connection;
use super::frame;
use super::throttle::{Missed, Throttle, Told};
use crate::dialect::reply::RATE_REASON;
use crate::dialect::{MAX_BATCH, Manner, Reply};
use crate::event::Event;
use crate::hub::{self, Record};
use std::sync::Arc;
use tokio::time::Instant;

/// Most bytes of an array, but for one event that is larger by itself.
const ARRAY: usize = 64 << 10;

/// How a client wants to be told of events.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// In arrays.
    batches: bool,
    throttle: Option<Box<Throttle>>,
}

/// An array of events that is being put together.
#[derive(Debug, Default)]
struct Array {
    text: Vec<u8>,
    events: usize,
}

impl Array {
    /// Whether this event is one too many.
    fn is_full_for(&self, event: &[u8]) -> bool {
        self.events > 0 && (self.events >= MAX_BATCH || self.text.len() + event.len() + 2 > ARRAY)
    }

    fn push(&mut self, event: &[u8]) {
        self.text.push(if self.events == 0 { b'[' } else { b',' });
        self.text.extend_from_slice(event);
        self.events += 1;
    }

    /// The array, where there is anything in it; the next one begins.
    fn take(&mut self) -> Option<Vec<u8>> {
        self.text.push(b']');
        let array = std::mem::take(self);
        (array.events > 0).then_some(array.text)
    }
}

impl Connection {
    /// Tells of those of the events that the client wants.
    pub(super) fn deliver(&mut self, records: &[Arc<Record>]) {
        let (filter, dialect) = (self.subscription.filter(), self.dialect);
        let mut admitted = records.iter().filter(|record| record.is_for(filter));
        let outbox = self.socket.outbox();
        match (&mut self.delivery, self.compression) {
            (Delivery { batches: false, throttle: None }, None) => {
                outbox.push_frames(admitted.map(|record| &frame::of(record, dialect)[..]));
            }
            (Delivery { batches: false, throttle: None }, Some(agreed)) => {
                let most = agreed.largest();
                outbox.push_frames(admitted.map(|record| &frame::smallest_of(record, dialect, most)[..]));
            }
            (Delivery { throttle: Some(throttle), .. }, _) => {
                let (now, mut told) = (Instant::now(), Vec::new());
                admitted.for_each(|record| throttle.take(record, now, &mut told));
                self.tell(told);
            }
            (Delivery { throttle: None, .. }, _) => {
                let mut array = Array::default();
                let told: Vec<_> = admitted.by_ref().cloned().map(Told::Event).collect();
                self.tell_in(&mut array, told);
                self.send_array(&mut array);
            }
        }
    }

    /// From now on the client is told so; what waited is told as before.
    pub(super) fn change_manner(&mut self, manner: Manner) {
        self.tell_held();
        let Manner { batch, max_rate } = manner;
        self.delivery.batches = batch.unwrap_or(self.delivery.batches);
        if let Some(rates) = max_rate {
            let vocabulary = self.dialect.vocabulary();
            let throttle = (!rates.is_empty()).then(|| Box::new(Throttle::new(rates, vocabulary)));
            self.delivery.throttle = throttle;
        }
    }

    /// When the client is to be told of what waits; not before it has taken what was sent.
    pub(super) fn next_release(&self) -> Option<Instant> {
        let throttle = self.delivery.throttle.as_ref().filter(|_| self.socket.is_idle())?;
        throttle.due(Instant::now())
    }

    /// Tells what has waited long enough.
    pub(super) fn tell_overdue(&mut self, now: Instant) {
        let mut told = Vec::new();
        if let Some(throttle) = &mut self.delivery.throttle {
            throttle.wake(now, &mut told);
        }
        self.tell(told);
    }

    /// Tells all that waits, so that something else may follow.
    pub(super) fn tell_held(&mut self) {
        let mut told = Vec::new();
        if let Some(throttle) = &mut self.delivery.throttle {
            throttle.flush(&mut told);
        }
        self.tell(told);
    }

    /// Sends a text that is for this client alone.
    pub(super) fn send(&mut self, text: Vec<u8>) {
        let fits = self.compression.is_some_and(|agreed| text.len() <= agreed.largest());
        match if fits { frame::compressed(&text) } else { None } {
            Some(compressed) => self.socket.outbox().push_frames(std::iter::once(&compressed[..])),
            None => self.socket.outbox().push_text(text),
        }
    }

    fn tell(&mut self, told: Vec<Told>) {
        let mut array = Array::default();
        self.tell_in(&mut array, told);
        self.send_array(&mut array);
    }

    fn tell_in(&mut self, array: &mut Array, told: Vec<Told>) {
        let dialect = self.dialect;
        for told in told {
            match told {
                Told::Event(record) if self.delivery.batches => {
                    self.add(array, frame::payload_of(&record, dialect));
                }
                Told::Event(record) => {
                    let most = self.compression.map_or(0, |agreed| agreed.largest());
                    let frame = frame::smallest_of(&record, dialect, most);
                    self.socket.outbox().push_frames(std::iter::once(&frame[..]));
                }
                Told::Lines(lines) => {
                    let Some(newest) = lines.last() else { continue };
                    let events: Vec<&Event> = lines.iter().map(|line| &line.event).collect();
                    let text = dialect.joined(&events, &newest.before, hub::now());
                    if self.delivery.batches { self.add(array, &text) } else { self.send(text) }
                }
                Told::Missed(epoch, Missed { count, from_seq, to_seq }) => {
                    self.send_array(array);
                    let reason = RATE_REASON;
                    self.say_of(&epoch, &Reply::Gap { missed: count, from_seq, to_seq, reason }, None);
                }
            }
        }
    }

    fn add(&mut self, array: &mut Array, event: &[u8]) {
        if array.is_full_for(event) {
            self.send_array(array);
        }
        array.push(event);
    }

    fn send_array(&mut self, array: &mut Array) {
        if let Some(array) = array.take() {
            self.send(array);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_full_at_its_bounds_but_takes_one_event_whatever_its_size() {
        let mut array = Array::default();
        assert!(array.take().is_none());
        let huge = vec![b'1'; 2 * ARRAY];
        assert!(!array.is_full_for(&huge));
        array.push(&huge);
        assert!(array.is_full_for(b"2"));
        assert_eq!(array.take().map(|text| text.len()), Some(2 * ARRAY + 2));
        (0..MAX_BATCH).for_each(|_| {
            assert!(!array.is_full_for(b"{}"));
            array.push(b"{}");
        });
        assert!(array.is_full_for(b"{}"));
        assert!(array.take().unwrap().starts_with(b"[{},{}"));
        array.push(&[b'1'; ARRAY - 10]);
        assert!(array.is_full_for(&[b'2'; 8]) && !array.is_full_for(&[b'2'; 7]));
    }
}
