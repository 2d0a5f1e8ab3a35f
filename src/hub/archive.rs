//! Past events out of a journal: what a hub has no longer in memory, and what sessions that are over have left.
//!
//! It reads from the newest segment back, so that the newest events of a long session are found without the rest.

use super::history::{History, admits};
use super::log::Record;
use super::stored;
use crate::event::channel::Vocabulary;
use crate::event::{Epoch, Timestamp};
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
    /// 1 MiB, which is three times as much in memory once it is read and told: a client may cost 8 MiB; and 6 seconds, for
    /// clients of ours wait 10 for an answer.
    fn default() -> Self {
        Self { bytes: 1 << 20, time: Duration::from_secs(6) }
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
    /// The highest that was seen of the numbering of the query.
    reached: u64,
    /// What stands in front of this segment is too old, by its number or its time.
    oldest: Option<Segment>,
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
        reached: 0,
        oldest: None,
    };
    let mut segments = match segments(directory) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Vec::new(),
        listed => listed?,
    };
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
        if search.is_too_old(copies) {
            continue;
        }
        if !search.is_behind(&copies[0])
            && let Err(cause) = search.look_into(copies)
        {
            tracing::warn!("cannot read a part of the journal: {cause}");
            search.has_holes = true;
        }
        if search.is_cut {
            break;
        }
        if search.begins_early_enough(copies) {
            search.oldest = Some(copies[0].clone());
        }
    }
    search.conclude();
    search.has_holes |= search.has_hole_at_its_end();
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

    /// Whether all that stands in front of this segment is too old.
    fn begins_early_enough(&self, copies: &[Segment]) -> bool {
        let (first, number) = (&copies[0], self.first_asked());
        let is_numbered = self.numbers.is_some_and(|(epoch, _)| *epoch.as_str() == *first.epoch);
        let by_number = self.query.after.is_some() && is_numbered && first.first_seq <= number;
        // Its index begins with the newest time of all that was written before, and of its first record.
        let is_older = |since: Timestamp| {
            let place = copies[0].places().into_iter().next();
            place.is_some_and(|place| place.seq == first.first_seq && place.millis < since.as_millis())
        };
        by_number || copies.len() == 1 && self.query.since.is_some_and(is_older)
    }

    /// Whether it stands in front of what is early enough. Numbers rise within an epoch, times with the order of writing.
    fn is_too_old(&self, copies: &[Segment]) -> bool {
        let is_before = |oldest: &Segment| copies.iter().all(|segment| segment.ordinal < oldest.ordinal);
        self.oldest.as_ref().is_some_and(is_before)
    }

    /// The first number of an epoch that is not too old.
    fn first_wanted(&self, epoch: &str) -> u64 {
        let oldest = self.oldest.as_ref().filter(|oldest| oldest.epoch == epoch);
        oldest.map_or(0, |oldest| oldest.first_seq).max(self.first_asked())
    }

    /// The first number that is asked for. A client may name the highest there is.
    fn first_asked(&self) -> u64 {
        self.query.after.unwrap_or(0).saturating_add(1)
    }

    /// Whether numbers are missing between what was read and what memory begins with.
    fn has_hole_at_its_end(&self) -> bool {
        let Some((epoch, known)) = self.numbers.filter(|(_, known)| *known < u64::MAX) else { return false };
        let from = self.first_wanted(epoch.as_str());
        let until = self.query.before.map_or(known, |before| before.min(known));
        until > from && self.reached < until - 1
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
        let from = self.first_wanted(&self.lowest.0);
        self.has_holes |=
            read.count > 0 && (read.lowest > from || read.highest - read.lowest != read.count - 1);
        if self.numbers.is_some_and(|(epoch, _)| *epoch.as_str() == *self.lowest.0) {
            self.reached = read.highest;
        }
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

    #[tokio::test]
    async fn nothing_is_behind_the_highest_number_there_is() {
        let base = tempfile::tempdir().unwrap();
        let epoch = journal(base.path()).await;
        let query = |limit| Query { filter: Filter::all(), limit, after: Some(u64::MAX), ..Query::default() };
        assert_eq!(numbers(base.path(), &query(10), &epoch, usize::MAX), (vec![], true));
        assert_eq!(numbers(base.path(), &query(usize::MAX), &epoch, usize::MAX), (vec![], true));
        assert_eq!(below(base.path(), &query(10), &epoch, 507), (vec![], true));
    }

    /// Memory begins with this number.
    fn below(directory: &Path, query: &Query, epoch: &Epoch, known: u64) -> (Vec<u64>, bool) {
        let history = find(directory, query, Some((epoch, known)), Budget::default()).unwrap();
        (history.records.iter().map(|record| record.event.seq).collect(), history.complete)
    }

    #[tokio::test]
    async fn what_is_missing_between_the_journal_and_memory_is_said() {
        let base = tempfile::tempdir().unwrap();
        let epoch = journal(base.path()).await;
        let rare = || Query {
            filter: Filter::channels(vec![Pattern::Exact("my.event".into())]),
            limit: 10,
            ..Query::default()
        };
        let all = vec![101, 202, 303, 404, 505];
        assert_eq!(below(base.path(), &rare(), &epoch, 506), (all.clone(), true));
        assert_eq!(below(base.path(), &rare(), &epoch, 507), (all.clone(), false));
        let before = |before| Query { before: Some(before), ..rare() };
        assert_eq!(below(base.path(), &before(506), &epoch, 900), (all.clone(), true));
        assert_eq!(below(base.path(), &before(507), &epoch, 900), (all, false));
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(below(empty.path(), &rare(), &epoch, 2), (vec![], false));
        assert_eq!(below(empty.path(), &rare(), &epoch, 1), (vec![], true));
    }

    /// Files in front of what is wanted are made unreadable: whoever looked into them would say so.
    #[tokio::test]
    async fn what_is_too_old_is_not_looked_into() {
        let base = tempfile::tempdir().unwrap();
        let epoch = journal(base.path()).await;
        let all = segments(base.path()).unwrap();
        let third = &all[2];
        let time = third.places()[0].millis;
        for segment in &all[..2] {
            std::fs::write(&segment.path, "damaged\n").unwrap();
        }
        let query = || Query { filter: Filter::all(), limit: 10_000, ..Query::default() };
        let find = |query: &Query| find(base.path(), query, Some((&epoch, 506)), Budget::default()).unwrap();
        assert_eq!((find(&query()).complete, find(&query()).damaged), (false, 2));
        let after = find(&Query { after: Some(third.first_seq + 3), ..query() });
        assert_eq!((after.complete, after.damaged), (true, 0));
        assert_eq!(after.records.first().unwrap().event.seq, third.first_seq + 4);
        let since = Query { since: Some(Timestamp::from_millis(time + 1)), ..query() };
        assert_eq!((find(&since).complete, find(&since).damaged), (true, 0));
        // Memory begins in front of the newest segment, and all that is wanted is in that.
        let last = all.last().unwrap();
        let since = Some(Timestamp::from_millis(last.places()[0].millis + 1));
        let known = last.first_seq - 1;
        assert_eq!(below(base.path(), &Query { since, ..query() }, &epoch, known), (vec![], true));
    }
}
