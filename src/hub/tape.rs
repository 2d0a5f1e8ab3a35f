//! A journal that is read part by part, off the threads that serve clients.

use super::log::Record;
use super::stored;
use crate::journal::{Cursor, Part};
use std::fmt;
use std::io;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Bytes read at once: what one slow client costs in memory.
const PART: usize = 128 << 10;

/// One reader's place in a journal.
#[derive(Debug)]
pub(super) struct Tape {
    place: Place,
    /// Being read by another thread; kept here, so that nothing is lost where nobody waits for it any more.
    reading: Option<JoinHandle<io::Result<(Cursor, Part)>>>,
}

/// How the place is found.
type Find = Box<dyn FnOnce() -> io::Result<Cursor> + Send + Sync>;

enum Place {
    /// It was not looked for yet.
    Begin(Find),
    Open(Cursor),
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
    /// What the system said; nothing comes after that.
    pub(super) async fn next(&mut self) -> io::Result<Stretch> {
        let reading = match &mut self.reading {
            Some(reading) => reading,
            empty => empty.insert(read(std::mem::replace(&mut self.place, Place::None))),
        };
        let done = reading.await;
        self.reading = None;
        let (cursor, part) = done.map_err(io::Error::other)??;
        self.place = Place::Open(cursor);
        let records = part.records.iter().filter_map(|stored| stored::record(&stored.object)).collect();
        Ok(Stretch { records, is_end: part.is_end })
    }
}

fn read(place: Place) -> JoinHandle<io::Result<(Cursor, Part)>> {
    tokio::task::spawn_blocking(move || {
        let mut cursor = match place {
            Place::Begin(find) => find()?,
            Place::Open(cursor) => cursor,
            Place::None => return Err(io::ErrorKind::NotConnected.into()),
        };
        let part = cursor.read(PART)?;
        Ok((cursor, part))
    })
}
