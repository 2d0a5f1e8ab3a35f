//! The ring: numbered records in memory, bounded by count and by bytes. The oldest leave first.
//!
//! It knows no reader and no time; locking is the hub's matter.

use crate::event::Event;
use bytes::Bytes;
use std::collections::{VecDeque, vec_deque};
use std::sync::{Arc, OnceLock};

/// How many encodings of one record are kept beside it. The server numbers them; the hub names no dialect.
pub const SLOTS: usize = 1;

/// An event in the log, with the encodings that every client of a dialect shares.
#[derive(Debug)]
pub struct Record {
    /// The event.
    pub event: Event,
    slots: [OnceLock<Bytes>; SLOTS],
}

impl Record {
    /// A record without encodings.
    pub fn new(event: Event) -> Self {
        Self { event, slots: Default::default() }
    }

    /// The encoding in `slot`, made at first use.
    ///
    /// # Panics
    /// When `slot` is not below [`SLOTS`].
    pub fn encoded(&self, slot: usize, encode: impl FnOnce(&Event) -> Bytes) -> &Bytes {
        self.slots[slot].get_or_init(|| encode(&self.event))
    }
}

/// Bounds of the ring; whichever is reached first.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Most records.
    pub records: usize,
    /// Most bytes: the events and one encoding of each, estimated from above.
    pub bytes: usize,
}

impl Default for Bounds {
    /// 10,000 records and 16 MiB.
    fn default() -> Self {
        Self { records: 10_000, bytes: 16 << 20 }
    }
}

/// The ring.
#[derive(Debug)]
pub(super) struct Log {
    records: VecDeque<(Arc<Record>, usize)>,
    bounds: Bounds,
    bytes: usize,
    last_seq: u64,
}

impl Log {
    /// An empty log whose first record will be number 1.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { records: VecDeque::new(), bounds, bytes: 0, last_seq: 0 }
    }

    /// Has the next record get the number behind `seq`, where the log is empty and not as far.
    pub(super) fn go_on_behind(&mut self, seq: u64) {
        debug_assert!(self.records.is_empty(), "nothing has a number yet");
        self.last_seq = self.last_seq.max(seq);
    }

    /// Number of the newest record; 0 when there was none yet.
    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Number of the oldest record in memory; one more than the newest when the ring is empty.
    pub(super) fn first_seq(&self) -> u64 {
        self.last_seq + 1 - self.records.len() as u64
    }

    /// Appends a record, which must carry the next number, and returns its weight in bytes.
    pub(super) fn append(&mut self, record: Arc<Record>) -> usize {
        debug_assert_eq!(record.event.seq, self.last_seq + 1, "seq has no holes");
        self.last_seq += 1;
        let weight = weight(&record.event);
        self.bytes += weight;
        self.records.push_back((record, weight));
        while self.records.len() > 1
            && (self.records.len() > self.bounds.records || self.bytes > self.bounds.bytes)
        {
            self.bytes -= self.records.pop_front().map_or(0, |(_, weight)| weight);
        }
        weight
    }

    /// The records from number `seq` on, oldest first; from the oldest in memory when `seq` is older.
    pub(super) fn from(&self, seq: u64) -> impl DoubleEndedIterator<Item = &Arc<Record>> {
        self.weighed_from(seq).map(|(record, _)| record)
    }

    /// The next records from number `seq` on, until one of the bounds is reached; at least one where there is one.
    pub(super) fn batch(&self, seq: u64, most: Bounds) -> Vec<Arc<Record>> {
        let rest = self.weighed_from(seq);
        let mut batch = Vec::with_capacity(rest.len().min(most.records));
        let mut bytes = 0;
        for (record, weight) in rest.take(most.records) {
            bytes += weight;
            if bytes > most.bytes && !batch.is_empty() {
                break;
            }
            batch.push(record.clone());
        }
        batch
    }

    fn weighed_from(&self, seq: u64) -> vec_deque::Iter<'_, (Arc<Record>, usize)> {
        let skip = usize::try_from(seq.saturating_sub(self.first_seq())).unwrap_or(usize::MAX);
        self.records.range(skip.min(self.records.len())..)
    }
}

/// What a record costs in memory, bytes: the event itself and one encoding of it, estimated once and from above,
/// so that filling an encoding later never moves the ring past its bound.
fn weight(event: &Event) -> usize {
    const FIXED: usize = 640;
    FIXED + 3 * event.body.text_len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::body::{Body, Output, Stream};
    use crate::event::{Epoch, EventId, SessionId, Source, Timestamp};

    fn record(seq: u64, content: &str) -> Arc<Record> {
        let body = Body::Output(Output { content: content.into(), stream: Stream::Stdout, truncated: false });
        Arc::new(Record::new(Event {
            id: EventId::from_u128(u128::from(seq)),
            seq,
            epoch: Epoch::new("e"),
            timestamp: Timestamp::from_millis(0),
            session_id: SessionId::new("s"),
            source: Source::Screen,
            body,
        }))
    }

    fn numbers(log: &Log, from: u64) -> Vec<u64> {
        log.from(from).map(|record| record.event.seq).collect()
    }

    #[test]
    fn the_oldest_records_leave_when_the_count_is_reached() {
        let mut log = Log::new(Bounds { records: 3, bytes: usize::MAX });
        for seq in 1..=5 {
            log.append(record(seq, "x"));
        }
        assert_eq!((log.first_seq(), log.last_seq()), (3, 5));
        assert_eq!(numbers(&log, 1), [3, 4, 5]);
        assert_eq!(numbers(&log, 5), [5]);
        assert!(numbers(&log, 6).is_empty());
        assert!(numbers(&log, u64::MAX).is_empty());
    }

    #[test]
    fn the_oldest_records_leave_when_the_bytes_are_reached_but_the_newest_always_stays() {
        let mut log = Log::new(Bounds { records: 100, bytes: 10_000 });
        for seq in 1..=50 {
            log.append(record(seq, &"x".repeat(1000)));
        }
        assert!(numbers(&log, 1).len() <= 3, "{:?}", numbers(&log, 1));
        log.append(record(51, &"x".repeat(1 << 20)));
        assert_eq!(numbers(&log, 1), [51]);
    }

    #[test]
    fn a_batch_ends_at_its_bounds_but_never_empty() {
        let mut log = Log::new(Bounds::default());
        for seq in 1..=9 {
            log.append(record(seq, &"x".repeat(1000)));
        }
        let batch = |seq, records, bytes| log.batch(seq, Bounds { records, bytes }).len();
        assert_eq!((batch(1, 4, usize::MAX), batch(8, 4, usize::MAX), batch(10, 4, usize::MAX)), (4, 2, 0));
        assert_eq!((batch(1, 100, 8000), batch(1, 100, 1)), (2, 1));
    }

    #[test]
    fn an_empty_log_says_so() {
        let log = Log::new(Bounds::default());
        assert_eq!((log.first_seq(), log.last_seq()), (1, 0));
    }
}
