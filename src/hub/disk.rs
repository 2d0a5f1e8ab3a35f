//! Records of this log that have left memory, read back from its journal.

use super::log::Record;
use super::tape::{Attempts, Tape};
use crate::event::{Epoch, Timestamp};
use crate::journal::From;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// One reader's place behind the ring.
#[derive(Debug)]
pub(super) struct Disk {
    directory: PathBuf,
    tape: Tape,
    attempts: Attempts,
    epoch: Epoch,
    /// What is older is passed over, until the first that is not.
    since: Option<Timestamp>,
    /// The newest that was.
    passed_over: Option<u64>,
    /// Read and not yet taken.
    records: VecDeque<Arc<Record>>,
}

impl Disk {
    /// It begins with this number, or with the first that is not older than a time.
    pub(super) fn new(directory: PathBuf, epoch: Epoch, (seq, since): (u64, Option<Timestamp>)) -> Self {
        let attempts = Attempts::default();
        let tape = tape(directory.clone(), &epoch, (seq, since), attempts);
        let (passed_over, records) = (None, VecDeque::new());
        Self { directory, tape, attempts, epoch, since, passed_over, records }
    }

    /// Looks for what there is from this number on, until there is some or the journal has no more of it. Cancel-safe.
    ///
    /// # Errors
    /// What the system said again and again.
    pub(super) async fn fill(&mut self, seq: u64) -> io::Result<()> {
        loop {
            self.attempts.pause().await;
            let Err(cause) = self.try_fill(seq).await else { break };
            let next = self.passed_over.map_or(seq, |passed_over| seq.max(passed_over + 1));
            self.attempts.failed(cause)?;
            self.tape = tape(self.directory.clone(), &self.epoch, (next, self.since), self.attempts);
        }
        self.attempts = Attempts::default();
        Ok(())
    }

    async fn try_fill(&mut self, seq: u64) -> io::Result<()> {
        self.records.retain(|record| record.event.seq >= seq);
        while self.records.is_empty() {
            let stretch = self.tape.next().await?;
            let wanted = |record: &Arc<Record>| record.event.epoch == self.epoch && record.event.seq >= seq;
            self.records.extend(stretch.records.into_iter().filter(wanted));
            self.pass_over_what_is_too_old();
            if stretch.is_end {
                // What comes later was not chosen by its time.
                self.since = None;
                break;
            }
        }
        Ok(())
    }

    fn pass_over_what_is_too_old(&mut self) {
        let Some(since) = self.since else { return };
        while let Some(old) = self.records.pop_front_if(|record| record.event.timestamp < since) {
            self.passed_over = Some(old.event.seq);
        }
        if !self.records.is_empty() {
            self.since = None;
        }
    }

    /// Whether it was asked, and nobody has heard the answer yet.
    pub(super) fn is_looking(&self) -> bool {
        self.tape.is_reading()
    }

    /// The newest that was passed over since this was asked last.
    pub(super) fn passed_over(&mut self) -> Option<u64> {
        self.passed_over.take()
    }

    /// What was found and is to be taken.
    pub(super) fn records(&mut self) -> &mut VecDeque<Arc<Record>> {
        &mut self.records
    }
}

/// Begins with this number, or with the first that is not older than a time.
fn tape(
    directory: PathBuf,
    epoch: &Epoch,
    (seq, since): (u64, Option<Timestamp>),
    attempts: Attempts,
) -> Tape {
    let from = match since {
        Some(time) => From::Since { millis: time.as_millis() },
        None => From::After { epoch: epoch.as_str().to_owned(), seq: seq - 1 },
    };
    Tape::new(move || attempts.open(&directory, &from))
}
