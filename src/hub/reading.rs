//! Everything that reads the log: from a place on, what is past, and who told of it.

use super::earlier::Earlier;
use super::{
    Account, Budget, EventName, Explanation, History, Hub, Reader, Start, archive, explain, history, now,
};
use crate::event::{Epoch, Origin, Source};
use crate::filter::{Filter, Query};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// How long a look into the journal may wait for others, and for a disk that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

impl Hub {
    /// A reader that begins where `start` says, for a client with this filter.
    pub fn reader(&self, start: Start, filter: &Filter) -> Reader {
        let wake = self.shared.wake.subscribe();
        self.shared.readers.notify_one();
        let (next_seq, first_seq, last_seq) = {
            let log = &self.shared.lock().log;
            (start.next_seq(log, filter), log.first_seq(), log.last_seq())
        };
        let has_earlier = self.shared.has_earlier.load(Relaxed);
        let reader = Reader::new(self.shared.clone(), wake, next_seq);
        let Start::Since(time) = start else { return reader };
        let reader = reader.choosing(time, last_seq);
        match self.journal_of_all() {
            Some(directory) if next_seq < first_seq || has_earlier => {
                let earlier = Earlier::since(directory.clone(), time, self.epoch().clone());
                // All that is needed of this numbering is in memory, unless something else is to be looked for.
                let reader = if next_seq < first_seq { reader.since(time) } else { reader };
                reader.preceded_by(earlier)
            }
            _ => reader,
        }
    }

    /// A reader that begins behind a number of another numbering: with what the journal has of it and of those between,
    /// and goes on with all of this log.
    pub fn reader_behind(&self, epoch: &Epoch, seq: u64) -> Reader {
        self.shared.readers.notify_one();
        // Who was at one that began after this one, and of which nothing is left, has this one up to where it was left.
        let next_seq = if epoch.as_str() > self.epoch().as_str() { self.shared.began_behind + 1 } else { 1 };
        let reader = Reader::new(self.shared.clone(), self.shared.wake.subscribe(), next_seq);
        match self.journal_of_all() {
            Some(directory) => {
                let place = (epoch.clone(), seq);
                reader.preceded_by(Earlier::behind(directory.clone(), place, self.epoch().clone()))
            }
            None => reader,
        }
    }

    /// A reader of all there is behind a number of this numbering or an earlier one of the same session; of all there is,
    /// where that is `None` or nothing is left of it.
    pub fn reader_of_all_behind(&self, taken: Option<&Origin>) -> Reader {
        let all = Filter::all();
        if let Some(taken) = taken.filter(|taken| taken.epoch == self.shared.epoch) {
            return self.reader(Start::After(taken.seq), &all);
        }
        let reader = self.reader(Start::After(0), &all);
        match self.shared.journal.get() {
            Some(directory) if taken.is_some() || self.shared.has_earlier.load(Relaxed) => {
                let place = taken.map(|taken| (taken.epoch.clone(), taken.seq));
                reader.preceded_by(Earlier::of_own(directory.clone(), place, self.epoch().clone()))
            }
            _ => reader,
        }
    }

    /// Where earlier numberings are, too; a recording is of one.
    fn journal_of_all(&self) -> Option<&PathBuf> {
        self.shared.journal.get().filter(|_| !self.is_recording())
    }

    /// Past events, oldest first.
    pub fn history(&self, query: &Query) -> History {
        history::find(&self.shared.lock().log, query)
    }

    /// Past events, oldest first, from the journal too where memory has not all of them. That takes a while, off the
    /// threads that serve clients, and only so many look at once.
    pub async fn past(&self, query: Query) -> History {
        self.past_within(query, Budget::default()).await
    }

    /// The same, where the answer may cost more than that of a client.
    pub async fn past_within(&self, mut query: Query, budget: Budget) -> History {
        let numbering = query.epoch.clone().unwrap_or_else(|| self.epoch().clone());
        if self.is_recording() {
            query.epoch = Some(numbering.clone());
            query.until = query.until.into_iter().chain(self.shared.until.get().copied()).min();
        }
        let (recent, first) = if numbering == *self.epoch() {
            let state = self.shared.lock();
            (history::find(&state.log, &query), state.log.first_seq())
        } else {
            (History::default(), u64::MAX)
        };
        let by_number = query.after.is_some() || query.before.is_some() || query.epoch.is_some();
        let may_be_more = !recent.complete || !by_number && self.shared.has_earlier.load(Relaxed);
        let journal =
            if numbering == *self.epoch() { self.shared.journal.get() } else { self.journal_of_all() };
        if journal.is_none() && may_be_more {
            // There may be one that cannot be looked into.
            return History { complete: false, ..recent };
        }
        let directory = journal.filter(|_| may_be_more && recent.records.len() < query.limit);
        let Some(directory) = directory.cloned() else { return recent };
        let older = Query { limit: query.limit - recent.records.len(), ..query };
        let lookups = self.shared.lookups.clone();
        let found = async move {
            let turn = lookups.acquire_owned().await.map_err(io::Error::other)?;
            let look = move || {
                // Held until it is done, whether anybody waits for it or not.
                let _turn = turn;
                archive::find(&directory, &older, Some((&numbering, first)), budget)
            };
            tokio::task::spawn_blocking(look).await.map_err(io::Error::other)?
        };
        // Longer than it looks: others may have been there before, or the disk does not answer.
        let found = tokio::time::timeout(budget.time + PATIENCE, found).await;
        match found.map_err(|_| io::ErrorKind::TimedOut.into()).flatten() {
            Ok(mut found) => {
                found.records.extend(recent.records);
                found
            }
            Err(cause) => {
                tracing::warn!("cannot look into the journal: {cause}");
                History { complete: false, ..recent }
            }
        }
    }

    /// An event that is in memory, and who else told of it.
    pub fn explain(&self, name: EventName) -> Option<Explanation> {
        let provenance = self.shared.provenance();
        let state = self.shared.lock();
        explain::event(&state.log, &state.sessions, &provenance, name)
    }

    pub(super) fn sighted(&self, source: &Source, seq: u64) {
        let mut provenance = self.shared.provenance();
        let first_seq = self.shared.lock().log.first_seq();
        provenance.sighted(seq, source, now(), first_seq);
    }

    /// Who told of the events in memory, by event type.
    pub fn accounts(&self) -> BTreeMap<String, Account> {
        let provenance = self.shared.provenance();
        explain::accounts(&self.shared.lock().log, &provenance)
    }
}
