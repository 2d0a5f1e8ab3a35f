//! A cursor into the log: replay, live delivery, resume and the slow client are all reading from here.

use super::log::{Bounds, Log, Record};
use super::{Shared, Tip};
use crate::event::Timestamp;
use crate::filter::Filter;
use std::sync::Arc;
use tokio::sync::watch;

/// Most taken under one hold of the lock, and most that a reader who stops in the middle keeps alive: about
/// 64 KiB of frames, and one large record more.
const BATCH: Bounds = Bounds { records: 256, bytes: 192 << 10 };

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the next event.
    Live,
    /// With the last this many that the filter admits.
    Last(usize),
    /// With the event behind this number; what is no longer in memory becomes a gap.
    After(u64),
    /// With the first event not older than this. When even the oldest in memory is not, the ones before it may
    /// have been wanted too, and become a gap.
    Since(Timestamp),
}

impl Start {
    /// Number of the first record to read.
    pub(super) fn next_seq(self, log: &Log, filter: &Filter) -> u64 {
        let live = log.last_seq() + 1;
        match self {
            Self::Live | Self::Last(0) => live,
            // A cursor from the future is a client's mistake; it gets what comes next.
            Self::After(seq) => seq.saturating_add(1).min(live),
            Self::Since(time) => match log.from(0).position(|record| record.event.timestamp >= time) {
                Some(0) => 1,
                Some(skip) => log.first_seq() + skip as u64,
                None => live,
            },
            Self::Last(count) => {
                let admitted = log.from(0).rev().filter(|record| record.is_for(filter));
                admitted.take(count).last().map_or(live, |record| record.event.seq)
            }
        }
    }
}

/// What comes next.
#[must_use]
#[derive(Debug)]
pub enum Next {
    /// Records in order, at least one.
    Batch(Vec<Arc<Record>>),
    /// The numbers `from_seq..=to_seq` left the ring before they were read.
    Gap {
        /// First number missed.
        from_seq: u64,
        /// Last number missed.
        to_seq: u64,
    },
    /// The log is closed and everything was read.
    Closed,
}

/// One reader's place in the log.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    wake: watch::Receiver<Tip>,
    next_seq: u64,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, wake: watch::Receiver<Tip>, next_seq: u64) -> Self {
        Self { shared, wake, next_seq }
    }

    /// Number of the last record read or skipped.
    pub fn cursor(&self) -> u64 {
        self.next_seq - 1
    }

    /// Waits for what comes next. Cancel-safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Next {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            // The sender lives in `shared`, which we hold, so waiting cannot fail.
            if self.wake.changed().await.is_err() {
                return Next::Closed;
            }
        }
    }

    /// What is there now; `None` when the reader is up to date and the log open.
    pub fn try_next(&mut self) -> Option<Next> {
        // Seen before looking, so that an event published in between wakes the next `changed`.
        let tip = *self.wake.borrow_and_update();
        let state = self.shared.lock();
        let first = state.log.first_seq();
        if self.next_seq < first {
            let gap = Next::Gap { from_seq: self.next_seq, to_seq: first - 1 };
            self.next_seq = first;
            return Some(gap);
        }
        if !tip.closed && tip.last_seq < self.next_seq {
            return None;
        }
        let batch = state.log.batch(self.next_seq, BATCH);
        self.next_seq += batch.len() as u64;
        match (batch.is_empty(), state.closed) {
            (false, _) => Some(Next::Batch(batch)),
            (true, true) => Some(Next::Closed),
            (true, false) => None,
        }
    }
}
