//! What other numberings have left in a journal for a reader whose place is in one of them: the rest of that one, and
//! those that follow, up to the log as it is now.

use super::log::Record;
use super::reader::Next;
use super::tape::Tape;
use crate::event::{Epoch, Timestamp};
use crate::journal::{self, Cursor, From};
use serde_json::Value;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most directories that are looked into for an epoch.
const MOST: usize = 10_000;

/// One reader's place in what was before.
#[derive(Debug)]
pub(super) struct Earlier {
    /// The numbering of the log as it is now, where this ends.
    until: Epoch,
    /// The newest number that was taken or is not wanted.
    newest: Option<(Epoch, u64)>,
    /// What is older is passed over, until the first that is not.
    since: Option<Timestamp>,
    tape: Tape,
    records: VecDeque<Arc<Record>>,
    is_end: bool,
}

impl Earlier {
    /// Behind this number of an epoch, in the journal of this directory or of one that was at the same address before.
    pub(super) fn behind(own: PathBuf, (epoch, seq): (Epoch, u64), until: Epoch) -> Self {
        let name = epoch.as_str().to_owned();
        let tape = Tape::new(move || match home_of(&own, &name) {
            Some(directory) => Cursor::open(&directory, &From::After { epoch: name, seq }),
            // Nothing of it is left; those that began after it are news all the same.
            None => Cursor::open(&own, &From::Later { epoch: name }),
        });
        let (since, records) = (None, VecDeque::new());
        Self { until, newest: Some((epoch, seq)), since, tape, records, is_end: false }
    }

    /// Behind this number of an epoch in the journal of this directory; from its beginning, where that is `None` or the
    /// epoch is not in it.
    pub(super) fn of_own(own: PathBuf, place: Option<(Epoch, u64)>, until: Epoch) -> Self {
        let from = place
            .as_ref()
            .map_or(From::Start, |(epoch, seq)| From::After { epoch: epoch.as_str().to_owned(), seq: *seq });
        let tape = Tape::new(move || Cursor::open(&own, &from));
        Self { until, newest: place, since: None, tape, records: VecDeque::new(), is_end: false }
    }

    /// From the first event not older than this, in the journal of this directory.
    pub(super) fn since(own: PathBuf, time: Timestamp, until: Epoch) -> Self {
        let tape = Tape::new(move || Cursor::open(&own, &From::Since { millis: time.as_millis() }));
        let (newest, since, records) = (None, Some(time), VecDeque::new());
        Self { until, newest, since, tape, records, is_end: false }
    }

    /// The place of the last record that was taken, while this lasts.
    pub(super) fn cursor(&self) -> Option<(&Epoch, u64)> {
        self.newest.as_ref().map(|(epoch, seq)| (epoch, *seq))
    }

    /// Waits until its place is known, or it is that nothing was before the log as it is now. Cancel-safe.
    ///
    /// # Errors
    /// What the system said.
    pub(super) async fn settle(&mut self) -> io::Result<()> {
        loop {
            self.pass_over_what_is_too_old();
            if self.newest.is_some() || !self.records.is_empty() || self.is_end {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// What comes next; `None` once this is over. Cancel-safe.
    ///
    /// # Errors
    /// What the system said.
    pub(super) async fn next(&mut self) -> io::Result<Option<Next>> {
        loop {
            self.pass_over_what_is_too_old();
            if let Some(first) = self.records.front() {
                let (epoch, seq) = (first.event.epoch.clone(), first.event.seq);
                return Ok((epoch != self.until).then(|| self.take(epoch, seq)));
            }
            if self.is_end {
                return Ok(None);
            }
            self.fill().await?;
        }
    }

    fn pass_over_what_is_too_old(&mut self) {
        let Some(since) = self.since else { return };
        let until = &self.until;
        let is_old =
            |record: &mut Arc<Record>| record.event.timestamp < since && record.event.epoch != *until;
        while let Some(record) = self.records.pop_front_if(is_old) {
            self.newest = Some((record.event.epoch.clone(), record.event.seq));
        }
        if let Some(first) = self.records.front() {
            self.since = None;
            if first.event.epoch != self.until {
                self.newest
                    .get_or_insert_with(|| (first.event.epoch.clone(), first.event.seq.saturating_sub(1)));
            }
        }
    }

    /// The gap in front of the first record, or a batch that begins with it.
    fn take(&mut self, epoch: Epoch, seq: u64) -> Next {
        let newest = self.newest.as_ref().filter(|(of, _)| *of == epoch).map_or(0, |(_, newest)| *newest);
        if seq > newest + 1 {
            self.newest = Some((epoch.clone(), seq - 1));
            return Next::Gap { epoch, from_seq: newest + 1, to_seq: seq - 1 };
        }
        let (mut batch, mut next) = (Vec::new(), seq);
        let follows =
            |record: &Arc<Record>, next: u64| record.event.epoch == epoch && record.event.seq == next;
        while let Some(record) = self.records.pop_front_if(|record| follows(record, next)) {
            batch.push(record);
            next += 1;
        }
        self.newest = Some((epoch, next - 1));
        Next::Batch(batch)
    }

    async fn fill(&mut self) -> io::Result<()> {
        let stretch = self.tape.next().await?;
        let newest = self.newest.clone();
        let is_known = |record: &Arc<Record>| {
            newest
                .as_ref()
                .is_some_and(|(epoch, seq)| record.event.epoch == *epoch && record.event.seq <= *seq)
        };
        self.records.extend(stretch.records.into_iter().filter(|record| !is_known(record)));
        self.is_end = stretch.is_end;
        Ok(())
    }
}

/// The journal that has an epoch: this one, or one beside it whose hub had the same address.
fn home_of(own: &Path, epoch: &str) -> Option<PathBuf> {
    if journal::has_epoch(own, epoch) {
        return Some(own.to_owned());
    }
    let address = address_of(own)?;
    let beside = std::fs::read_dir(own.parent()?).ok()?.take(MOST).flatten().map(|entry| entry.path());
    let mut those = beside.filter(|directory| directory != own && journal::has_epoch(directory, epoch));
    those.find(|directory| address_of(directory).as_ref() == Some(&address))
}

fn address_of(directory: &Path) -> Option<(Value, Value)> {
    let label: Value = serde_json::from_slice(&journal::label(directory)?).ok()?;
    Some((label.get("host")?.clone(), label.get("port")?.clone()))
}
