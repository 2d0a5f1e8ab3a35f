//! A journal that is read part by part, off the threads that serve clients.

use super::log::Record;
use super::stored;
use crate::journal::{Cursor, From, Part, is_of_the_moment};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Bytes read at once: what one slow client costs in memory.
const PART: usize = 128 << 10;

/// Pauses after which it is tried again where it cannot be read; the next is twice as long. A moment without a free
/// descriptor, or of a disk that is elsewhere, costs no event.
const PAUSE: Duration = Duration::from_millis(100);
/// How often it may fail, one time after the other.
const MOST: u32 = 6;

/// How often reading has failed in a row, and until when nobody reads because of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attempts {
    failed: u32,
    until: Option<Instant>,
}

impl Attempts {
    /// Waits until it is time for the next one. Cancel-safe.
    pub(super) async fn pause(&mut self) {
        if let Some(until) = self.until {
            tokio::time::sleep_until(until).await;
            self.until = None;
        }
    }

    /// One more.
    ///
    /// # Errors
    /// The cause, where it was the last one, or stays.
    pub(super) fn failed(&mut self, cause: io::Error) -> io::Result<()> {
        self.failed += 1;
        if self.failed >= MOST || !is_of_the_moment(&cause) {
            return Err(cause);
        }
        if self.failed == 1 {
            tracing::warn!("cannot read journal, trying again: {cause}");
        }
        self.until = Some(Instant::now() + PAUSE * (1 << (self.failed - 1)));
        Ok(())
    }

    /// Whether the next one is the last.
    pub(super) fn is_last(&self) -> bool {
        self.failed + 1 >= MOST
    }

    /// A reader of that journal for the next one. The last passes over what the system does not give: that costs what
    /// cannot be read, and not all that is behind it.
    pub(super) fn open(&self, directory: &Path, from: &From) -> io::Result<Cursor> {
        if self.is_last() {
            return Cursor::open_lenient(directory, from);
        }
        Cursor::open(directory, from)
    }
}

/// One reader's place in a journal.
#[derive(Debug)]
pub(super) struct Tape {
    place: Place,
    /// Being read by another thread; kept here, so that nothing is lost where nobody waits for it any more.
    reading: Option<Reading>,
}

/// What reads a part; the place behind it comes back with that.
type Reading = JoinHandle<io::Result<(Box<Cursor>, Part)>>;

/// How the place is found.
type Find = Box<dyn FnOnce() -> io::Result<Cursor> + Send + Sync>;

enum Place {
    /// It was not looked for yet.
    Begin(Find),
    Open(Box<Cursor>),
    /// It is being read from, or could not be.
    None,
}

impl fmt::Debug for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Begin(_) => "Begin",
            Self::Open(_) => "Open",
            Self::None => "None",
        })
    }
}

/// What was read at once.
#[derive(Debug)]
pub(super) struct Stretch {
    /// In order; remarks and what this version does not know are left out.
    pub(super) records: Vec<Arc<Record>>,
    /// Whether nothing was behind them at that time.
    pub(super) is_end: bool,
    /// Whether something between them could not be read.
    pub(super) is_lossy: bool,
}

impl Tape {
    /// It begins where this finds that it does; that may take a while.
    pub(super) fn new(find: impl FnOnce() -> io::Result<Cursor> + Send + Sync + 'static) -> Self {
        Self { place: Place::Begin(Box::new(find)), reading: None }
    }

    /// Whether it is being read, for nobody or for somebody.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Reads on. Cancel-safe.
    ///
    /// # Errors
    /// What the system said; nothing comes after that from here, whoever goes on begins anew at a number.
    pub(super) async fn next(&mut self) -> io::Result<Stretch> {
        let reading = match &mut self.reading {
            Some(reading) => reading,
            empty => empty.insert(read(std::mem::replace(&mut self.place, Place::None))),
        };
        let done = reading.await;
        self.reading = None;
        let (mut cursor, part) = done.map_err(io::Error::other)??;
        let is_lossy = cursor.has_passed_over();
        self.place = Place::Open(cursor);
        let records = part.records.iter().filter_map(|stored| stored::record(&stored.object)).collect();
        Ok(Stretch { records, is_end: part.is_end, is_lossy })
    }
}

fn read(place: Place) -> Reading {
    tokio::task::spawn_blocking(move || {
        let mut cursor = match place {
            Place::Begin(find) => Box::new(find()?),
            Place::Open(cursor) => cursor,
            Place::None => return Err(io::ErrorKind::NotConnected.into()),
        };
        let part = cursor.read(PART)?;
        Ok((cursor, part))
    })
}
