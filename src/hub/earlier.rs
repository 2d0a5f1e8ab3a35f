//! What other numberings have left in a journal for a reader whose place is in one of them: the rest of that one, and
//! those that follow, up to the log as it is now.

use super::log::Record;
use super::reader::Next;
use super::tape::{Attempts, Tape};
use crate::event::{Epoch, Timestamp};
use crate::journal::{self, Cursor, From};
use serde_json::Value;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most directories that are looked into for an epoch.
const MOST: usize = 10_000;

/// Opens what is behind a place, if there is one yet; from its beginning, where there is none.
#[derive(Clone)]
struct Open(Arc<dyn Fn(Option<Place>, Attempts) -> io::Result<Cursor> + Send + Sync>);

type Place = (Epoch, u64);

impl fmt::Debug for Open {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Open")
    }
}

impl Open {
    fn tape(&self, place: Option<Place>, attempts: Attempts) -> Tape {
        let open = self.0.clone();
        Tape::new(move || open(place, attempts))
    }
}

/// One reader's place in what was before.
#[derive(Debug)]
pub(super) struct Earlier {
    /// The numbering of the log as it is now, where this ends.
    until: Epoch,
    /// The newest number that was taken or is not wanted.
    newest: Option<Place>,
    /// What is older is passed over, until the first that is not.
    since: Option<Timestamp>,
    open: Open,
    attempts: Attempts,
    tape: Tape,
    records: VecDeque<Arc<Record>>,
    is_end: bool,
    /// Something behind the newest could not be read, and was not told.
    is_lossy: bool,
}

impl Earlier {
    /// Behind this number of an epoch, in the journal of this directory or of one that was at the same address before.
    pub(super) fn behind(own: PathBuf, place: Place, until: Epoch) -> Self {
        let open = move |place: Option<Place>, attempts: Attempts| {
            let Some(place) = place else { return attempts.open(&own, &From::Start) };
            let later = || attempts.open(&own, &From::Later { epoch: place.0.as_str().to_owned() });
            match home_of(&own, place.0.as_str()) {
                Ok(Some(directory)) => attempts.open(&directory, &after(&place)),
                // Nothing of it is left; those that began after it are news all the same.
                Ok(None) => later(),
                Err(_) if attempts.is_last() => later().map(Cursor::lacking),
                Err(cause) => Err(cause),
            }
        };
        Self::new(open, (Some(place), None), until)
    }

    /// Behind this number of an epoch in the journal of this directory; from its beginning, where that is `None` or the
    /// epoch is not in it.
    pub(super) fn of_own(own: PathBuf, place: Option<Place>, until: Epoch) -> Self {
        let open = move |place: Option<Place>, attempts: Attempts| {
            attempts.open(&own, &place.as_ref().map_or(From::Start, after))
        };
        Self::new(open, (place, None), until)
    }

    /// From the first event not older than this, in the journal of this directory.
    pub(super) fn since(own: PathBuf, time: Timestamp, until: Epoch) -> Self {
        let since = From::Since { millis: time.as_millis() };
        let open = move |place: Option<Place>, attempts: Attempts| {
            attempts.open(&own, &place.as_ref().map_or_else(|| since.clone(), after))
        };
        Self::new(open, (None, Some(time)), until)
    }

    fn new(
        open: impl Fn(Option<Place>, Attempts) -> io::Result<Cursor> + Send + Sync + 'static,
        (newest, since): (Option<Place>, Option<Timestamp>),
        until: Epoch,
    ) -> Self {
        let (open, attempts) = (Open(Arc::new(open)), Attempts::default());
        let tape = open.tape(newest.clone(), attempts);
        let records = VecDeque::new();
        Self { until, newest, since, open, attempts, tape, records, is_end: false, is_lossy: false }
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
                if self.is_lossy && self.newest.as_ref().is_some_and(|(of, _)| *of != epoch) {
                    return Ok(self.lost());
                }
                return Ok((epoch != self.until).then(|| self.take(epoch, seq)));
            }
            if self.is_end {
                return Ok(if self.is_lossy { self.lost() } else { None });
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
            (self.newest, self.is_lossy) = (Some((epoch.clone(), seq - 1)), false);
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

    /// What cannot be read, though it was tried again and again: of the numbering its place is in, more than this perhaps.
    pub(super) fn lost(&mut self) -> Option<Next> {
        self.is_lossy = false;
        let (epoch, newest) = self.newest.as_mut()?;
        *newest = newest.saturating_add(1);
        let (epoch, missed) = (epoch.clone(), *newest);
        Some(Next::Gap { epoch, from_seq: missed, to_seq: missed })
    }

    async fn fill(&mut self) -> io::Result<()> {
        let stretch = loop {
            self.attempts.pause().await;
            match self.tape.next().await {
                Ok(stretch) => break stretch,
                Err(cause) => {
                    self.attempts.failed(cause)?;
                    self.tape = self.open.tape(self.newest.clone(), self.attempts);
                }
            }
        };
        self.attempts = Attempts::default();
        let newest = self.newest.clone();
        let is_known = |record: &Arc<Record>| {
            newest
                .as_ref()
                .is_some_and(|(epoch, seq)| record.event.epoch == *epoch && record.event.seq <= *seq)
        };
        self.records.extend(stretch.records.into_iter().filter(|record| !is_known(record)));
        self.is_end = stretch.is_end;
        self.is_lossy |= stretch.is_lossy;
        Ok(())
    }
}

/// The journal that has an epoch: this one, or one beside it whose hub had the same address. Another one that cannot be
/// looked into is an error only where none is found.
fn home_of(own: &Path, epoch: &str) -> io::Result<Option<PathBuf>> {
    if journal::has_epoch(own, epoch)? {
        return Ok(Some(own.to_owned()));
    }
    let (Some(address), Some(all)) = (address_of(own), own.parent()) else { return Ok(None) };
    let mut failed = None;
    for entry in std::fs::read_dir(all)?.take(MOST) {
        let found = entry.map(|entry| entry.path()).and_then(|directory| {
            let is_there = directory != own && journal::has_epoch(&directory, epoch)?;
            Ok(Some(directory).filter(|_| is_there))
        });
        match found {
            Ok(Some(directory)) if address_of(&directory).as_ref() == Some(&address) => {
                return Ok(Some(directory));
            }
            Ok(_) => {}
            Err(cause) => failed = Some(cause),
        }
    }
    failed.map_or(Ok(None), Err)
}

fn after((epoch, seq): &Place) -> From {
    From::After { epoch: epoch.as_str().to_owned(), seq: *seq }
}

fn address_of(directory: &Path) -> Option<(Value, Value)> {
    let label: Value = serde_json::from_slice(&journal::label(directory)?).ok()?;
    Some((label.get("host")?.clone(), label.get("port")?.clone()))
}
