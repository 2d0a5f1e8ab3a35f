//! The ring: numbered records in memory, bounded by count and by bytes. The oldest leave first.
//!
//! It knows no reader and no time; locking is the hub's matter.

use crate::event::{Event, Timestamp};
use crate::filter::Filter;
use crate::status::{JournalHealth, JournalState, Standing};
use bytes::Bytes;
use std::collections::{VecDeque, vec_deque};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// How many encodings of one record are kept beside it. The server numbers them; the hub names no dialect.
pub const SLOTS: usize = 3;

/// An event in the log, with the encodings that every client of a dialect shares.
#[derive(Debug)]
pub struct Record {
    /// The event.
    pub event: Event,
    /// How its session stood before it.
    pub before: Standing,
    slots: [OnceLock<Bytes>; SLOTS],
    /// A second form of each, which few clients need.
    again: OnceLock<Box<[OnceLock<Bytes>; SLOTS]>>,
    /// So many bytes of the first encoding are in the weight.
    weighed: usize,
    /// Bytes of all encodings of a log that the weights do not contain.
    extra: Arc<AtomicUsize>,
}

impl Drop for Record {
    fn drop(&mut self) {
        self.extra.fetch_sub(self.extra_bytes(), Relaxed);
    }
}

impl Record {
    /// A record without encodings, that belongs to no log.
    pub fn new(event: Event) -> Self {
        Self::counted(event, Standing::default(), (0, Arc::default()))
    }

    /// One that was read back.
    pub(super) fn stored(event: Event, before: Standing) -> Self {
        Self::counted(event, before, (0, Arc::default()))
    }

    fn counted(event: Event, before: Standing, (weight, extra): (usize, Arc<AtomicUsize>)) -> Self {
        let (part, whole) = Event::FRAME;
        let (slots, again) = Default::default();
        Self { event, before, slots, again, weighed: weight / whole * part, extra }
    }

    /// Whether a client with this filter wants it.
    pub fn is_for(&self, filter: &Filter) -> bool {
        filter.admits(&self.event, self.before.name.as_deref())
    }

    /// The encoding in `slot`, made at first use.
    ///
    /// # Panics
    /// When `slot` is not below [`SLOTS`].
    pub fn encoded(&self, slot: usize, encode: impl FnOnce(&Self) -> Bytes) -> &Bytes {
        self.slots[slot].get_or_init(|| {
            let encoded = encode(self);
            self.extra.fetch_add(self.beyond(slot, &encoded), Relaxed);
            encoded
        })
    }

    /// A second form of the encoding in `slot`, made at first use.
    ///
    /// # Panics
    /// When `slot` is not below [`SLOTS`].
    pub fn encoded_again(&self, slot: usize, encode: impl FnOnce(&Self) -> Bytes) -> &Bytes {
        self.again.get_or_init(Box::default)[slot].get_or_init(|| {
            let encoded = encode(self);
            self.extra.fetch_add(encoded.len(), Relaxed);
            encoded
        })
    }

    fn extra_bytes(&self) -> usize {
        let made = self.slots.iter().enumerate().filter_map(|(slot, made)| Some((slot, made.get()?)));
        let again = self.again.get().into_iter().flat_map(|again| again.iter()).filter_map(OnceLock::get);
        made.map(|(slot, encoded)| self.beyond(slot, encoded)).sum::<usize>()
            + again.map(Bytes::len).sum::<usize>()
    }

    /// What of an encoding is not in the weight.
    fn beyond(&self, slot: usize, encoded: &Bytes) -> usize {
        encoded.len().saturating_sub(if slot == 0 { self.weighed } else { 0 })
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

impl Bounds {
    /// So many records, and 16 MiB.
    pub fn of_records(records: usize) -> Self {
        Self { records, ..Self::default() }
    }

    /// What waits for a journal has twice the room, and not less where little is kept.
    fn of_unstored(self) -> Self {
        let records = self.records.max(Self::default().records);
        Self { records: records.saturating_mul(2), bytes: self.bytes.saturating_mul(2) }
    }
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
    /// Encodings, as far as the weights do not contain them.
    extra: Arc<AtomicUsize>,
    last_seq: u64,
    /// The newest that is in the journal; `None` where there is no journal.
    stored: Option<u64>,
    /// The newest that is being written at present; 0 where nothing is.
    in_flight: u64,
    /// The disk does not take more.
    is_stuck: bool,
    /// The newest time of what is in memory no longer; `None` where nothing is.
    left_newest: Option<Timestamp>,
}

impl Log {
    /// An empty log whose first record will be number 1.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            records: VecDeque::new(),
            bounds,
            bytes: 0,
            extra: Arc::default(),
            last_seq: 0,
            stored: None,
            in_flight: 0,
            is_stuck: false,
            left_newest: None,
        }
    }

    /// Has the next record get the number behind `seq`, where the log is empty and not as far.
    pub(super) fn go_on_behind(&mut self, seq: u64) {
        debug_assert!(self.records.is_empty(), "nothing has a number yet");
        self.last_seq = self.last_seq.max(seq);
        self.has_left_unknown();
    }

    /// Puts what an earlier process had in memory, in order, back into the empty ring, as far as it comes up without a
    /// hole to the number behind which this one goes on.
    pub(super) fn put_back(&mut self, records: Vec<(Event, Standing)>) {
        debug_assert!(self.records.is_empty(), "nothing has a number yet");
        for (mut event, before) in records.into_iter().rev() {
            if event.seq + 1 != self.first_seq() {
                break;
            }
            let weight = event.weight();
            self.bytes += weight;
            let record = Record::counted(event, before, (weight, self.extra.clone()));
            self.records.push_front((Arc::new(record), weight));
        }
        if self.first_seq() == 1 {
            self.left_newest = None;
        }
        self.let_go();
    }

    /// Nobody knows the times of what is in memory no longer.
    fn has_left_unknown(&mut self) {
        if self.first_seq() > 1 {
            self.left_newest = Some(Timestamp::from_millis(i64::MAX));
        }
    }

    /// Whether something that is in memory no longer may not be older than this.
    pub(super) fn has_left_since(&self, time: Timestamp) -> bool {
        self.left_newest.is_some_and(|newest| newest >= time)
    }

    /// How much it holds.
    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Has the next record get this number, where that is not used up: what is in memory before the hole leaves it.
    pub(super) fn skip_to(&mut self, seq: u64) {
        self.records.clear();
        self.bytes = 0;
        self.last_seq = self.last_seq.max(seq.saturating_sub(1));
        self.has_left_unknown();
    }

    /// Number of the newest record; 0 when there was none yet.
    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Number of the oldest record in memory; one more than the newest when the ring is empty.
    pub(super) fn first_seq(&self) -> u64 {
        self.last_seq + 1 - self.records.len() as u64
    }

    /// Appends an event, which must carry the next number, and returns its weight in bytes.
    pub(super) fn append(&mut self, mut event: Event, before: Standing) -> usize {
        debug_assert_eq!(event.seq, self.last_seq + 1, "seq has no holes");
        self.last_seq += 1;
        let weight = event.weight();
        self.bytes += weight;
        let record = Record::counted(event, before, (weight, self.extra.clone()));
        self.records.push_back((Arc::new(record), weight));
        self.let_go();
        weight
    }

    /// From now on a record stays until it is in the journal, or until the bounds of such are reached; the number of the
    /// newest there is, which the journal need not have.
    pub(super) fn keep_unstored(&mut self) -> u64 {
        *self.stored.insert(self.last_seq)
    }

    /// All records up to this one that are not in the journal are being written, or (0) none is any more.
    pub(super) fn write(&mut self, seq: u64) {
        self.in_flight = seq;
    }

    /// Whether this one may be in the journal in a moment: it left memory while it was written.
    pub(super) fn is_in_flight(&self, seq: u64) -> bool {
        seq <= self.in_flight && self.stored.is_some_and(|stored| stored < seq)
    }

    /// The newest that is in the journal; 0 where there is none.
    pub(super) fn stored_up_to(&self) -> u64 {
        self.stored.unwrap_or(0)
    }

    /// All records up to this one are in the journal.
    pub(super) fn stored(&mut self, seq: u64) {
        (self.is_stuck, self.in_flight) = (false, 0);
        self.stored = self.stored.map(|stored| stored.max(seq));
        self.let_go();
    }

    /// What is to be written cannot be, for now.
    pub(super) fn stuck(&mut self) {
        (self.is_stuck, self.in_flight) = (true, 0);
    }

    /// The newest that is in a journal that is being written and so far behind that half of what may wait for it does.
    pub(super) fn far_behind(&self) -> Option<u64> {
        let stored = self.stored.filter(|_| !self.is_stuck)?;
        let Bounds { records, bytes } = self.bounds.of_unstored();
        let waits_most = self.last_seq - stored > records as u64 / 2;
        let is_large = self.first_seq() > stored && self.bytes_in_all() > bytes / 4 * 3;
        (waits_most || is_large).then_some(stored)
    }

    /// How the journal is doing.
    pub(super) fn journal(&self) -> Option<JournalHealth> {
        let state = if self.is_stuck { JournalState::Failing } else { JournalState::Writing };
        self.stored.map(|last_seq| JournalHealth { state, last_seq })
    }

    /// How many are not in the journal.
    #[cfg(test)]
    pub(super) fn unstored(&self) -> u64 {
        self.last_seq - self.stored.unwrap_or(0)
    }

    /// Lets the oldest go until the bounds are kept.
    fn let_go(&mut self) {
        while self.records.len() > 1 {
            let is_stored = self.stored.is_none_or(|stored| self.first_seq() <= stored);
            let most = if is_stored { self.bounds } else { self.bounds.of_unstored() };
            if self.records.len() <= most.records && self.bytes_in_all() <= most.bytes {
                return;
            }
            let Some((record, weight)) = self.records.pop_front() else { return };
            self.bytes -= weight;
            self.left_newest = self.left_newest.max(Some(record.event.timestamp));
        }
    }

    fn bytes_in_all(&self) -> usize {
        self.bytes + self.extra.load(Relaxed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::body::{Body, Output, Stream};
    use crate::event::{Epoch, EventId, SessionId, Source, Timestamp};

    fn event(seq: u64, content: &str) -> Event {
        let body = Body::Output(Output { content: content.into(), stream: Stream::Stdout, truncated: false });
        Event {
            id: EventId::from_u128(u128::from(seq)),
            seq,
            epoch: Epoch::new("e"),
            timestamp: Timestamp::from_millis(0),
            session_id: SessionId::new("s"),
            source: Source::Screen,
            body,
            remarks: None,
            origin: None,
        }
    }

    fn numbers(log: &Log, from: u64) -> Vec<u64> {
        log.from(from).map(|record| record.event.seq).collect()
    }

    #[test]
    fn the_oldest_records_leave_when_the_count_is_reached() {
        let mut log = Log::new(Bounds { records: 3, bytes: usize::MAX });
        for seq in 1..=5 {
            log.append(event(seq, "x"), Standing::default());
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
            log.append(event(seq, &"x".repeat(1000)), Standing::default());
        }
        assert!(numbers(&log, 1).len() <= 3, "{:?}", numbers(&log, 1));
        log.append(event(51, &"x".repeat(1 << 20)), Standing::default());
        assert_eq!(numbers(&log, 1), [51]);
    }

    #[test]
    fn encodings_of_more_dialects_take_room_from_the_oldest() {
        let mut log = Log::new(Bounds { records: 100, bytes: 10_000 });
        for seq in 1..=4 {
            log.append(event(seq, "x"), Standing::default());
            let record = log.from(seq).next().unwrap();
            record.encoded(0, |_| vec![0; 300].into());
            record.encoded(1, |_| vec![0; 1_500].into());
            record.encoded_again(1, |_| vec![0; 1_500].into());
        }
        assert_eq!(numbers(&log, 1), [2, 3, 4]);
        log.records.clear();
        assert_eq!(log.extra.load(Relaxed), 0);
    }

    #[test]
    fn an_encoding_that_is_larger_than_was_weighed_counts_whole() {
        let mut log = Log::new(Bounds { records: 100, bytes: 100_000 });
        for seq in 1..=20 {
            log.append(event(seq, &"\u{1}".repeat(1000)), Standing::default());
            let record = log.from(seq).next().unwrap();
            let frame = serde_json::to_vec(&record.event).unwrap();
            assert!(record.encoded(0, |_| frame.into()).len() > 6_000);
        }
        assert!((10..=15).contains(&numbers(&log, 1).len()), "{}", numbers(&log, 1).len());
        log.records.clear();
        assert_eq!(log.extra.load(Relaxed), 0);
    }

    #[test]
    fn a_batch_ends_at_its_bounds_but_never_empty() {
        let mut log = Log::new(Bounds::default());
        for seq in 1..=9 {
            log.append(event(seq, &"x".repeat(1000)), Standing::default());
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
