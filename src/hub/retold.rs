//! A journal told from its beginning, a part at a time: what somebody writes down elsewhere, however long it is. What a
//! client asks for, the newest first, is looked up in [`super::archive`].
//!
//! Numbers of an epoch rise by one, so whoever is told everything can be told what is missing as well.

use super::history::admits;
use super::log::Record;
use super::stored;
use crate::event::{Epoch, Timestamp};
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
    /// `None` where there is no journal.
    cursor: Option<Cursor>,
    query: Query,
    /// The numbering of the numbers in the query.
    numbered: Option<Epoch>,
    records: VecDeque<Told>,
    /// The last that was read, wanted or not, and its time.
    last: Option<(Epoch, u64, Timestamp)>,
    /// Records that are whole and that this version does not know.
    unknown: u64,
    is_end: bool,
}

/// One record.
#[derive(Debug, Clone)]
pub struct Told {
    /// It, wanted or not.
    pub record: Arc<Record>,
    /// The first and the last number that are missing in front of it, where they may have been wanted.
    pub missing: Option<(u64, u64)>,
    /// Whether the query wants it.
    pub is_wanted: bool,
}

impl Retold {
    /// What the query wants of the journal in this directory, all of it: its limit is not looked at. Numbers in it are
    /// those of the journal's last epoch.
    ///
    /// # Errors
    /// What the system said.
    pub fn open(directory: &Path, query: Query) -> io::Result<Self> {
        let epoch = segments(directory)?.pop().map(|last| Epoch::new(&last.epoch));
        let from = match (query.after, &epoch) {
            (Some(seq), Some(epoch)) => From::After { epoch: epoch.as_str().to_owned(), seq },
            _ => From::Start,
        };
        let cursor = Cursor::open(directory, &from)?;
        Ok(Self { cursor: Some(cursor), is_end: false, ..Self::without_journal(query, epoch) })
    }

    /// The same where there is no journal: what it is told comes from elsewhere ([`Retold::hear`]). Numbers in the query are
    /// of this epoch.
    pub fn without_journal(query: Query, epoch: Option<Epoch>) -> Self {
        let records = VecDeque::new();
        Self { cursor: None, query, numbered: epoch, records, last: None, unknown: 0, is_end: true }
    }

    /// What has come to the journal since its end was read is told, too.
    pub fn go_on(&mut self) {
        self.is_end = self.cursor.is_none();
    }

    /// Takes the next record from elsewhere, in its classic form. One that is not behind what was read is known; false where
    /// it is none that this version knows.
    pub fn hear(&mut self, text: &[u8]) -> bool {
        let Some(record) = stored::record(text) else { return false };
        let event = &record.event;
        let known = self.came_to(&event.epoch);
        if event.seq <= known {
            return true;
        }
        let may_be_wanted = self.query.since.is_none_or(|since| event.timestamp >= since)
            && self.last.as_ref().is_none_or(|(.., at)| self.query.until.is_none_or(|until| *at <= until));
        let missing = Some((known + 1, event.seq - 1)).filter(|(from, to)| from <= to && may_be_wanted);
        self.last = Some((event.epoch.clone(), event.seq, event.timestamp));
        let is_wanted = admits(&self.query, &record);
        if is_wanted || missing.is_some() {
            self.records.push_back(Told { record, missing, is_wanted });
        }
        true
    }

    /// The number of this epoch that it has come to, wanted or not.
    pub fn came_to(&self, epoch: &Epoch) -> u64 {
        match &self.last {
            Some((last, seq, _)) if last == epoch => *seq,
            _ if self.numbered.as_ref() == Some(epoch) => self.query.after.unwrap_or(0),
            _ => 0,
        }
    }

    /// Lines that were passed over because they are not as they were written, or are of no event that is known.
    pub fn passed_over(&self) -> u64 {
        self.cursor.as_ref().map_or(0, Cursor::damaged) + self.unknown
    }

    fn read_on(&mut self) -> io::Result<()> {
        let Some(cursor) = &mut self.cursor else { return Ok(()) };
        let part = cursor.read(PART)?;
        self.is_end = part.is_end;
        // What has no number is a remark of what is missing, which the numbers tell as well.
        for stored in part.records.iter().filter(|stored| stored.seq.is_some()) {
            self.unknown += u64::from(!self.hear(&stored.object));
        }
        Ok(())
    }
}

impl Iterator for Retold {
    type Item = io::Result<Told>;

    /// The next one that is wanted or has something missing in front, oldest first; nothing follows what the system said
    /// of a fault.
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
    use crate::filter::{Filter, Pattern};
    use crate::hub::{Bounds, Hub};
    use crate::journal::{Batch, Journal};
    use serde_json::json;
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
        let place = |Told { record, missing, is_wanted }: Told| {
            assert_eq!((missing, is_wanted), (None, true));
            (record.event.epoch.as_str().to_owned(), record.event.seq)
        };
        retold.map(place).collect()
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
        assert_eq!((retold.came_to(&first), retold.came_to(&second), retold.passed_over()), (0, 20, 0));
    }

    /// As it stands in a journal, so many seconds after midnight.
    fn line(seq: u64, second: i64) -> Vec<u8> {
        let kind = if seq.is_multiple_of(2) { "my.even" } else { "my.odd" };
        let time = format!("2026-11-21T00:00:{second:02}.000Z");
        let event = json!({"type": kind, "timestamp": time, "data": {}, "seq": seq, "epoch": "e", "session_id": "s",
            "id": format!("00000000-0000-4000-8000-{seq:012x}"), "source": "system"});
        event.to_string().into_bytes()
    }

    fn write(directory: &Path, lines: &[(u64, Vec<u8>)]) {
        let mut batch = Batch::default();
        for (seq, line) in lines {
            assert!(batch.push(*seq, 0, line));
        }
        let mut writer = Journal::open(directory).unwrap().writer("e", 10_000);
        writer.append(&batch).unwrap();
        writer.finish(lines.last().unwrap().0).unwrap();
    }

    /// What is told: numbers, and those that are missing in brackets.
    fn short(retold: &mut Retold) -> String {
        let mut short = Vec::new();
        for told in retold.map(Result::unwrap) {
            short.extend(told.missing.map(|(from, to)| format!("[{from}-{to}]")));
            short.extend(told.is_wanted.then(|| told.record.event.seq.to_string()));
        }
        short.join(" ")
    }

    #[test]
    fn what_is_missing_is_told_wherever_it_may_have_been_wanted() {
        let base = tempfile::tempdir().unwrap();
        let mut lines: Vec<_> = [3, 4, 5, 9, 10, 20].map(|seq| (seq, line(seq, seq.cast_signed()))).into();
        // Whole, and of no event.
        lines.insert(3, (7, br#"{"type":"my.odd","seq":7,"epoch":"e"}"#.to_vec()));
        write(base.path(), &lines);
        let at = |second: u32| Timestamp::parse(&format!("2026-11-21T00:00:{second:02}Z"));
        let all = || Query { filter: Filter::all(), ..Query::default() };
        let even = Filter::channels(vec![Pattern::Exact("my.even".into())]);
        for (query, expected) in [
            (all(), "[1-2] 3 4 5 [6-8] 9 10 [11-19] 20"),
            (Query { filter: even, ..all() }, "[1-2] 4 [6-8] 10 [11-19] 20"),
            (Query { after: Some(4), ..all() }, "5 [6-8] 9 10 [11-19] 20"),
            (Query { since: at(10), ..all() }, "10 [11-19] 20"),
            (Query { until: at(4), ..all() }, "[1-2] 3 4"),
            (Query { until: at(5), ..all() }, "[1-2] 3 4 5 [6-8]"),
        ] {
            let mut retold = Retold::open(base.path(), query.clone()).unwrap();
            assert_eq!(short(&mut retold), expected, "{query:?}");
            assert_eq!(retold.passed_over(), 1);
        }
    }

    #[test]
    fn it_goes_on_behind_its_end_with_what_comes_from_elsewhere_or_to_the_journal() {
        let base = tempfile::tempdir().unwrap();
        let epoch = Epoch::new("e");
        write(base.path(), &[(1, line(1, 1)), (2, line(2, 2))]);
        let mut retold =
            Retold::open(base.path(), Query { filter: Filter::all(), ..Query::default() }).unwrap();
        assert_eq!(short(&mut retold), "1 2");
        for seq in [2, 3, 6] {
            assert!(retold.hear(&line(seq, 6)));
        }
        assert!(!retold.hear(b"{}"));
        assert_eq!((short(&mut retold), retold.came_to(&epoch)), ("3 [4-5] 6".into(), 6));
        write(base.path(), &[6, 7].map(|seq| (seq, line(seq, 7))));
        assert_eq!(short(&mut retold), "");
        retold.go_on();
        assert_eq!(short(&mut retold), "7");

        let query = Query { filter: Filter::all(), after: Some(5), ..Query::default() };
        let mut retold = Retold::without_journal(query, Some(epoch));
        assert!(retold.hear(&line(7, 7)));
        assert_eq!(short(&mut retold), "[6-6] 7");
    }
}
