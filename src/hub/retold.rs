//! A journal told from its beginning, a part at a time: what somebody writes down elsewhere, however long it is. What a
//! client asks for, the newest first, is looked up in [`super::archive`].

use super::history::admits;
use super::log::Record;
use super::stored;
use crate::event::Epoch;
use crate::filter::Query;
use crate::journal::{Cursor, From, segments};
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Bytes read at once.
const PART: usize = 256 << 10;

/// A place in a journal, and what is wanted behind it.
#[derive(Debug)]
pub struct Retold {
    cursor: Cursor,
    query: Query,
    records: VecDeque<Arc<Record>>,
    /// The last that was read, wanted or not.
    last: Option<(Arc<str>, u64)>,
    is_end: bool,
}

impl Retold {
    /// What the query wants of the journal in this directory, all of it: its limit is not looked at. Numbers in it are
    /// those of the journal's last epoch.
    ///
    /// # Errors
    /// What the system said.
    pub fn open(directory: &Path, query: Query) -> io::Result<Self> {
        let epoch = segments(directory)?.pop().map(|last| Epoch::new(&last.epoch));
        let from = match (query.after, epoch) {
            (Some(seq), Some(epoch)) => From::After { epoch: epoch.as_str().to_owned(), seq },
            _ => From::Start,
        };
        let cursor = Cursor::open(directory, &from)?;
        Ok(Self { cursor, query, records: VecDeque::new(), last: None, is_end: false })
    }

    fn read_on(&mut self) -> io::Result<()> {
        let part = self.cursor.read(PART)?;
        self.is_end = part.is_end;
        for stored in part.records {
            let Some(seq) = stored.seq else { continue };
            self.last = Some((Arc::clone(&stored.epoch), seq));
            let record = stored::record(&stored.object).filter(|record| admits(&self.query, record));
            self.records.extend(record);
        }
        Ok(())
    }

    /// Epoch and number of the last that was read, wanted or not.
    pub fn came_to(&self) -> Option<(&str, u64)> {
        self.last.as_ref().map(|(epoch, seq)| (&**epoch, *seq))
    }

    /// Lines that were passed over because they are not as they were written.
    pub fn damaged(&self) -> u64 {
        self.cursor.damaged()
    }
}

impl Iterator for Retold {
    type Item = io::Result<Arc<Record>>;

    /// The next one, oldest first; nothing follows what the system said of a fault.
    fn next(&mut self) -> Option<Self::Item> {
        while self.records.is_empty() && !self.is_end {
            if let Err(cause) = self.read_on() {
                self.is_end = true;
                return Some(Err(cause));
            }
        }
        self.records.pop_front().map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::body::{Body, Output, Stream};
    use crate::event::{SessionId, Source};
    use crate::filter::Filter;
    use crate::hub::{Bounds, Hub};
    use crate::journal::Journal;
    use std::time::Duration;

    async fn journal(directory: &Path, epoch_lines: u64) -> Epoch {
        let hub = Hub::new(SessionId::new("s"), Bounds::default());
        let writer = Journal::open(directory).unwrap().writer(hub.epoch().as_str(), 10_000);
        let journalist = hub.keep_journal(writer, Box::new(|| {})).unwrap();
        for number in 1..=epoch_lines {
            let content = format!("line {number}");
            let output = Output { content, stream: Stream::Stdout, truncated: false };
            hub.publisher(Source::Screen).publish(Body::Output(output));
        }
        hub.close();
        assert!(journalist.finish(Duration::from_secs(20)).await);
        hub.epoch().clone()
    }

    fn told(directory: &Path, after: Option<u64>) -> Vec<(String, u64)> {
        let query = Query { filter: Filter::all(), after, ..Query::default() };
        let retold = Retold::open(directory, query).unwrap().map(Result::unwrap);
        retold.map(|record| (record.event.epoch.as_str().to_owned(), record.event.seq)).collect()
    }

    #[tokio::test]
    async fn all_of_a_journal_is_told_in_order_and_numbers_are_those_of_its_last_epoch() {
        let base = tempfile::tempdir().unwrap();
        let first = journal(base.path(), 3000).await;
        let second = journal(base.path(), 20).await;
        let those = |epoch: &Epoch, numbers: std::ops::RangeInclusive<u64>| -> Vec<_> {
            numbers.map(|seq| (epoch.as_str().to_owned(), seq)).collect()
        };
        assert_eq!(told(base.path(), None), [those(&first, 1..=3000), those(&second, 1..=20)].concat());
        assert_eq!(told(base.path(), Some(17)), those(&second, 18..=20));
        let mut retold =
            Retold::open(base.path(), Query { filter: Filter::all(), ..Query::default() }).unwrap();
        assert_eq!(retold.by_ref().count(), 3020);
        assert_eq!((retold.came_to(), retold.damaged()), (Some((second.as_str(), 20)), 0));
    }
}
