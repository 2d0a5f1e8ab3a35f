//! A cursor into the log: replay, live delivery, resume and the slow client are all reading from here.

use super::disk::Disk;
use super::earlier::Earlier;
use super::log::{Bounds, Log, Record};
use super::{Shared, Tip};
use crate::event::{Epoch, Event, Timestamp};
use crate::filter::Filter;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Most taken under one hold of the lock, and most that a reader who stops in the middle keeps alive: about
/// 64 KiB of frames, and one large record more.
const BATCH: Bounds = Bounds { records: 256, bytes: 192 << 10 };

/// So long what has left memory is waited for, while the disk takes it.
const IN_FLIGHT: Duration = Duration::from_secs(2);
/// How often it is looked whether it has.
const GLANCE: Duration = Duration::from_millis(2);

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the next event.
    Live,
    /// With the last this many that the filter admits.
    Last(usize),
    /// With the event behind this number; what is in memory no longer, and in no journal, becomes a gap.
    After(u64),
    /// With the first event not older than this, without those behind it that are older and there already: times need not
    /// rise. What is kept no longer and may have been wanted becomes a gap.
    Since(Timestamp),
}

impl Start {
    /// Number of the first record to read.
    pub(super) fn next_seq(self, log: &Log, filter: &Filter) -> u64 {
        let live = log.last_seq() + 1;
        match self {
            Self::Live | Self::Last(0) => live,
            Self::After(seq) => seq.saturating_add(1).min(live),
            Self::Since(time) if log.has_left_since(time) => 1,
            Self::Since(time) => {
                let position = log.from(0).position(|record| record.event.timestamp >= time);
                position.map_or(live, |skip| log.first_seq() + skip as u64)
            }
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
    /// The numbers `from_seq..=to_seq` are lost to this reader.
    Gap {
        /// Which numbering they belong to.
        epoch: Epoch,
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
    /// What is older is passed over on disk, until the first that is not.
    since: Option<Timestamp>,
    /// Of what was there when it began, what is older than this is left out: everything up to this number, and what was
    /// before this log.
    chosen: Option<(Timestamp, u64)>,
    /// Whether it is known where that is.
    is_settled: bool,
    /// Since when what it needs next has been out of memory and on its way to the disk.
    in_flight_since: Option<Instant>,
    /// The newest that was written when the disk was looked at last.
    looked_at: u64,
    /// Where it reads what is no longer in memory; `None` while all it needs is.
    disk: Option<Disk>,
    /// What comes in front of this log.
    earlier: Option<Box<Earlier>>,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, wake: watch::Receiver<Tip>, next_seq: u64) -> Self {
        Self {
            shared,
            wake,
            next_seq,
            since: None,
            chosen: None,
            is_settled: true,
            in_flight_since: None,
            looked_at: 0,
            disk: None,
            earlier: None,
        }
    }

    /// Of what was there when it began, up to this number, what is older than this is left out.
    pub(super) fn choosing(mut self, time: Timestamp, last_seq: u64) -> Self {
        self.chosen = Some((time, last_seq));
        self
    }

    /// What is on disk and older than this is passed over.
    pub(super) fn since(mut self, time: Timestamp) -> Self {
        (self.since, self.is_settled) = (Some(time), false);
        self
    }

    /// This comes first.
    pub(super) fn preceded_by(mut self, earlier: Earlier) -> Self {
        self.is_settled = earlier.cursor().is_some();
        self.earlier = Some(Box::new(earlier));
        self
    }

    /// Number of the last record of this log that was read or skipped.
    pub fn cursor(&self) -> u64 {
        self.next_seq - 1
    }

    /// The place of the last record that was read or skipped.
    pub fn place(&self) -> (&Epoch, u64) {
        let earlier = self.earlier.as_ref().and_then(|earlier| earlier.cursor());
        earlier.unwrap_or((&self.shared.epoch, self.cursor()))
    }

    /// Whether its place is one from which nothing is lost: where it begins at a time, that has to be looked up first.
    pub fn is_settled(&self) -> bool {
        self.is_settled || self.earlier.as_ref().is_some_and(|earlier| earlier.cursor().is_some())
    }

    /// Waits until it is. Cancel-safe.
    pub async fn settle(&mut self) {
        if let Some(earlier) = &mut self.earlier {
            match earlier.settle().await {
                Ok(()) if earlier.cursor().is_some() => return,
                Ok(()) => {}
                Err(cause) => tracing::warn!("cannot read journal: {cause}"),
            }
            self.earlier = None;
        }
        self.look_on_disk().await;
        self.is_settled = true;
    }

    /// Waits for what comes next. Cancel-safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Next {
        loop {
            let next = match self.next_of_earlier().await {
                Some(next) => Some(next),
                None => self.next_on_disk().await.or_else(|| self.next_in_memory()),
            };
            if let Some(next) = next {
                self.in_flight_since = None;
                match self.choose(next) {
                    Some(next) => return next,
                    None => continue,
                }
            }
            // The sender lives in `shared`, which we hold, so waiting cannot fail.
            let changed = self.wake.changed();
            if self.in_flight_since.is_some() {
                _ = tokio::time::timeout(GLANCE, changed).await;
            } else if changed.await.is_err() {
                return Next::Closed;
            }
        }
    }

    /// Leaves out what is too old, or newer than a recording is told; `None` where that is all.
    fn choose(&mut self, next: Next) -> Option<Next> {
        let until = self.shared.until.get();
        let mut records = match next {
            Next::Batch(records) if self.chosen.is_some() || until.is_some() => records,
            other => return Some(other),
        };
        let epoch = &self.shared.epoch;
        records.retain(|record| {
            let Event { timestamp, seq, epoch: its, .. } = &record.event;
            let is_chosen = |(time, last_seq)| *timestamp >= time || its == epoch && *seq > last_seq;
            self.chosen.is_none_or(is_chosen) && until.is_none_or(|until| timestamp <= until)
        });
        if records.is_empty() { None } else { Some(Next::Batch(records)) }
    }

    /// What was before this log; `None` where that is over. Cancel-safe.
    async fn next_of_earlier(&mut self) -> Option<Next> {
        let (next, is_over) = match self.earlier.as_mut()?.next().await {
            Ok(next) => (next, false),
            // There is no journal: nothing was before this log.
            Err(cause) if cause.kind() == ErrorKind::NotFound => (None, true),
            Err(cause) => {
                tracing::warn!("cannot read journal: {cause}");
                (self.earlier.as_mut()?.lost(), true)
            }
        };
        if is_over || next.is_none() {
            self.earlier = None;
        }
        next
    }

    /// What has left memory and is in the journal: records, or a gap in front of some; `None` where there is none.
    /// Cancel-safe.
    async fn next_on_disk(&mut self) -> Option<Next> {
        let first = self.look_on_disk().await?;
        let records = self.disk.as_mut()?.records();
        // A journal that is told again has what is to come, too.
        let found = records.front()?.event.seq.min(first);
        if found > self.next_seq {
            let epoch = self.shared.epoch.clone();
            let gap = Next::Gap { epoch, from_seq: self.next_seq, to_seq: found - 1 };
            self.next_seq = found;
            return Some(gap);
        }
        let mut batch = Vec::new();
        let is_next = |seq: u64, next: u64| seq == next && seq < first;
        while let Some(record) = records.pop_front_if(|record| is_next(record.event.seq, self.next_seq)) {
            batch.push(record);
            self.next_seq += 1;
        }
        Some(Next::Batch(batch))
    }

    /// Looks for what has left memory, and comes back with the number memory begins with; `None` where all that is needed
    /// is in it, or the journal cannot be read. Cancel-safe.
    async fn look_on_disk(&mut self) -> Option<u64> {
        let first = {
            let log = &self.shared.lock().log;
            // Of a look that somebody gave up waiting for, the time counts when it began.
            if !self.disk.as_ref().is_some_and(Disk::is_looking) {
                self.looked_at = log.stored_up_to();
            }
            log.first_seq()
        };
        let directory = self.shared.journal.get().filter(|_| self.next_seq < first);
        let Some(directory) = directory else {
            self.disk = None;
            return None;
        };
        let epoch = &self.shared.epoch;
        let (next_seq, since) = (self.next_seq, self.since.take());
        let disk =
            self.disk.get_or_insert_with(|| Disk::new(directory.clone(), epoch.clone(), (next_seq, since)));
        if let Err(cause) = disk.fill(next_seq).await {
            tracing::warn!("cannot read journal: {cause}");
            self.disk = None;
            return None;
        }
        self.next_seq = disk.passed_over().map_or(next_seq, |seq| next_seq.max(seq + 1).min(first));
        Some(first)
    }

    /// What is there now in memory; `None` when the reader is up to date and the log open.
    pub fn try_next(&mut self) -> Option<Next> {
        loop {
            let next = self.next_in_memory()?;
            if let Some(next) = self.choose(next) {
                return Some(next);
            }
        }
    }

    fn next_in_memory(&mut self) -> Option<Next> {
        // Seen before looking, so that an event published in between wakes the next `changed`.
        let tip = *self.wake.borrow_and_update();
        let state = self.shared.lock();
        let first = state.log.first_seq();
        if self.next_seq < first {
            // On its way there, or it has come there since the disk was looked at.
            let is_in_flight =
                state.log.is_in_flight(self.next_seq) || state.log.stored_up_to() > self.looked_at;
            let since = self.in_flight_since.take().unwrap_or_else(Instant::now);
            if is_in_flight && since.elapsed() < IN_FLIGHT {
                self.in_flight_since = Some(since);
                return None;
            }
            let gap =
                Next::Gap { epoch: self.shared.epoch.clone(), from_seq: self.next_seq, to_seq: first - 1 };
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
