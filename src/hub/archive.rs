//! Past events out of a journal: what a hub has no longer in memory, and what sessions that are over have left.
//!
//! It reads from the newest segment back, so that the newest events of a long session are found without the rest.

use super::history::{History, admits};
use super::log::Record;
use super::stored;
use crate::event::Epoch;
use crate::event::channel::Vocabulary;
use crate::filter::{Filter, Query};
use crate::journal::{Cursor, Segment, Stored, segments};
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What an answer may cost.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Bytes of the events' texts.
    pub bytes: usize,
    /// For looking.
    pub time: Duration,
}

impl Default for Budget {
    /// 1 MiB, which is three times as much in memory once it is read and told: a client may cost 8 MiB; and 10 seconds.
    fn default() -> Self {
        Self { bytes: 1 << 20, time: Duration::from_secs(10) }
    }
}

/// What was found so far.
struct Search<'a> {
    query: &'a Query,
    /// Numbers are of this numbering; others are behind none. What has this number of it, or a higher one, is known.
    numbers: Option<(&'a Epoch, u64)>,
    /// Oldest first, with the length of their texts.
    found: VecDeque<(Arc<Record>, usize)>,
    bytes: usize,
    budget: Budget,
    until: Instant,
    /// Something that was asked for is left out.
    is_cut: bool,
    /// What was read of the epoch that is looked into.
    read: Read,
    /// Numbers are missing that were asked for, or may have been.
    has_holes: bool,
    damaged: u64,
    /// The lowest number that was seen, of the epoch of what was looked into last.
    lowest: (String, u64),
}

/// Looks events up in the journal of this directory. Numbers in the query are of this epoch, of which only those below a
/// number are looked for; without one, numbers are not looked at. Where the query names an epoch, no other is looked into.
///
/// # Errors
/// What the system said.
pub fn find(
    directory: &Path,
    query: &Query,
    numbers: Option<(&Epoch, u64)>,
    budget: Budget,
) -> io::Result<History> {
    let until = Instant::now() + budget.time;
    let found = VecDeque::new();
    let lowest = (String::new(), u64::MAX);
    let mut search = Search {
        query,
        numbers,
        found,
        bytes: 0,
        budget,
        until,
        is_cut: false,
        read: Read::default(),
        has_holes: false,
        damaged: 0,
        lowest,
    };
    let mut segments = segments(directory)?;
    // Of a numbering that is told again, those behind it are of what is to come.
    if let Some((epoch, _)) = numbers
        && let Some(last) = segments.iter().rposition(|segment| segment.epoch == epoch.as_str())
    {
        segments.truncate(last + 1);
    }
    if let Some(epoch) = &query.epoch {
        segments.retain(|segment| segment.epoch == epoch.as_str());
        search.has_holes = segments.is_empty();
    }
    // Those that begin with the same number are copies of one another, each perhaps of a part.
    let copies =
        |one: &Segment, other: &Segment| one.epoch == other.epoch && one.first_seq == other.first_seq;
    for copies in segments.chunk_by(copies).rev() {
        if search.is_behind(&copies[0]) {
            continue;
        }
        search.look_into(copies)?;
        if search.is_cut {
            break;
        }
    }
    search.conclude();
    let records = search.found.into_iter().map(|(record, _)| record).collect();
    Ok(History { records, complete: !search.is_cut && !search.has_holes, damaged: search.damaged })
}

/// Numbers that were read.
#[derive(Debug, Default)]
struct Read {
    count: u64,
    lowest: u64,
    highest: u64,
}

impl Read {
    fn take(&mut self, seq: Option<u64>) {
        let Some(seq) = seq else { return };
        self.lowest = if self.count == 0 { seq } else { self.lowest.min(seq) };
        self.highest = self.highest.max(seq);
        self.count += 1;
    }
}

impl Search<'_> {
    /// Whether all of the segment was excluded by the numbers that are asked for.
    fn is_behind(&self, segment: &Segment) -> bool {
        let by_number = self.query.after.is_some() || self.query.before.is_some();
        match self.numbers.filter(|(epoch, _)| *epoch.as_str() == *segment.epoch) {
            None => by_number,
            Some((_, known)) => {
                segment.first_seq >= self.query.before.map_or(known, |before| before.min(known))
            }
        }
    }

    /// Takes what it has in front of what was found.
    fn look_into(&mut self, segments: &[Segment]) -> io::Result<()> {
        if self.lowest.0 != segments[0].epoch {
            let known = self.numbers.filter(|(epoch, _)| *epoch.as_str() == *segments[0].epoch);
            self.conclude();
            self.lowest = (segments[0].epoch.clone(), known.map_or(u64::MAX, |(_, known)| known));
        }
        let (below, mut lowest) = (self.lowest.1, self.lowest.1);
        let mut cursor = Cursor::within(segments);
        let (mut found, mut bytes) = (VecDeque::new(), 0);
        let room = self.query.limit.saturating_sub(self.found.len());
        loop {
            let part = cursor.read(256 << 10)?;
            for stored in part.records.iter().filter(|stored| stored.seq.is_some_and(|seq| seq < below)) {
                lowest = stored.seq.map_or(lowest, |seq| seq.min(lowest));
                self.read.take(stored.seq.filter(|seq| self.query.before.is_none_or(|before| *seq < before)));
                let Some(record) = self.wanted(stored) else { continue };
                bytes += stored.object.len();
                found.push_back((record, stored.object.len()));
                while found.len() > room || self.bytes + bytes > self.budget.bytes {
                    let Some((_, length)) = found.pop_front() else { break };
                    bytes -= length;
                    self.is_cut = true;
                }
            }
            if part.is_end {
                break;
            }
            if Instant::now() > self.until {
                // What stands behind it in this segment was not looked at: better nothing of it than a hole.
                self.is_cut = true;
                return Ok(());
            }
        }
        self.lowest.1 = lowest;
        self.damaged += cursor.damaged() + u64::from(cursor.is_torn());
        self.bytes += bytes;
        for entry in found.into_iter().rev() {
            self.found.push_front(entry);
        }
        Ok(())
    }

    /// An epoch was looked into: whether all its numbers were there.
    fn conclude(&mut self) {
        let read = std::mem::take(&mut self.read);
        let from = self.query.after.unwrap_or(0) + 1;
        self.has_holes |=
            read.count > 0 && (read.lowest > from || read.highest - read.lowest + 1 != read.count);
    }

    fn wanted(&self, stored: &Stored) -> Option<Arc<Record>> {
        let seq = stored.seq?;
        let by_number = self.query.after.is_none_or(|after| seq > after);
        if !by_number || !may_be_for(&self.query.filter, &stored.object) {
            return None;
        }
        stored::record(&stored.object).filter(|record| admits(self.query, record))
    }
}

/// Whether a filter may want an event by its type, which stands in front: what it does not want need not be read.
fn may_be_for(filter: &Filter, text: &[u8]) -> bool {
    if filter.vocabulary != Vocabulary::Classic {
        return true;
    }
    let name = text.strip_prefix(br#"{"type":""#).and_then(|rest| rest.split(|byte| *byte == b'"').next());
    let Some(name) = name.and_then(|name| std::str::from_utf8(name).ok()) else { return true };
    filter.channels.iter().any(|pattern| pattern.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::body::{Body, Output, Stream};
    use crate::event::{SessionId, Source};
    use crate::filter::Pattern;
    use crate::hub::{Bounds, Hub};
    use crate::journal::Journal;

    /// A journal of a hub that said 500 lines and, behind each hundredth, that an agent is at work; three numbers each.
    async fn journal(directory: &Path) -> Epoch {
        let hub = Hub::new(SessionId::new("s"), Bounds::default());
        let writer = Journal::open(directory).unwrap().writer(hub.epoch().as_str(), 10_000);
        let journalist = hub.keep_journal(writer, Box::new(|| {})).unwrap();
        let publisher = hub.publisher(Source::Screen);
        for number in 1..=500 {
            let content = format!("line {number}");
            publisher.publish(Body::Output(Output { content, stream: Stream::Stdout, truncated: false }));
            if number % 100 == 0 {
                publisher.publish(Body::other("my.event", serde_json::Map::new()));
            }
            // A batch is not divided between segments.
            while number % 50 == 0 && hub.shared.lock().log.unstored() > 0 {
                tokio::task::yield_now().await;
            }
        }
        hub.close();
        assert!(journalist.finish(Duration::from_secs(20)).await);
        hub.epoch().clone()
    }

    fn numbers(directory: &Path, query: &Query, epoch: &Epoch, bytes: usize) -> (Vec<u64>, bool) {
        let budget = Budget { bytes, ..Budget::default() };
        let history = find(directory, query, Some((epoch, u64::MAX)), budget).unwrap();
        (history.records.iter().map(|record| record.event.seq).collect(), history.complete)
    }

    #[tokio::test]
    async fn the_newest_that_are_wanted_are_found_and_whether_those_are_all() {
        let base = tempfile::tempdir().unwrap();
        let epoch = journal(base.path()).await;
        assert!(segments(base.path()).unwrap().len() > 3);
        let all = || Query { filter: Filter::all(), limit: 10_000, ..Query::default() };
        let found = |query: Query| numbers(base.path(), &query, &epoch, usize::MAX);
        assert_eq!(found(all()), ((1..=505).collect(), true));
        assert_eq!(found(Query { limit: 7, ..all() }), ((499..=505).collect(), false));
        assert_eq!(found(Query { limit: 505, ..all() }), ((1..=505).collect(), true));
        assert_eq!(
            found(Query { after: Some(100), before: Some(104), ..all() }),
            ((101..104).collect(), true)
        );
        let rare = Filter::channels(vec![Pattern::Exact("my.event".into())]);
        assert_eq!(found(Query { filter: rare, ..all() }), (vec![101, 202, 303, 404, 505], true));
        let (few, complete) = numbers(base.path(), &all(), &epoch, 2_000);
        assert!(!complete && !few.is_empty() && few.len() < 20 && few.last() == Some(&505), "{few:?}");
        let other = Epoch::new("other");
        assert_eq!(
            numbers(base.path(), &Query { after: Some(3), ..all() }, &other, usize::MAX),
            (vec![], true)
        );
    }
}
