//! What one client wants and how far it has read: a filter and a cursor.
//!
//! Frames and requests are not known here beyond the values they carry.

use crate::dialect::Subscribe;
use crate::dialect::request::DEFAULT_LIMIT;
use crate::event::Epoch;
use crate::filter::{Filter, MAX_PATTERNS, Pattern};
use crate::hub::{Hub, Next, Reader, Record, Start};
use std::sync::Arc;

/// A client's subscription; at first to nothing.
#[derive(Debug, Default)]
pub(super) struct Subscription {
    filter: Filter,
    /// `None` while there is nothing to read for: unsubscribed clients cost nothing per event.
    reader: Option<Reader>,
    /// The first subscription replays by itself.
    began: bool,
    /// The session the client has registered for: it sees no other, unless it asks (requirement R3).
    home: Option<String>,
}

/// What subscribing came to.
#[must_use]
#[derive(Debug)]
pub(super) struct Subscribed {
    /// The place in front of the first event that may follow.
    pub(super) cursor: (Epoch, u64),
    /// Whether that is known; [`Reading::Settled`] comes once it is.
    pub(super) is_settled: bool,
    /// The client's cursor was of another numbering.
    pub(super) other_epoch: bool,
}

/// What a reader does next.
#[derive(Debug)]
pub(super) enum Reading {
    /// Its place is known now.
    Settled,
    /// It reads.
    Next(Next),
}

impl Subscription {
    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Whether events may come.
    pub(super) fn is_reading(&self) -> bool {
        self.reader.is_some()
    }

    /// Replaces the filter. The place in the log stays, unless another is asked for.
    pub(super) fn subscribe(&mut self, hub: &Hub, wanted: Subscribe) -> Subscribed {
        let is_elsewhere = wanted.epoch.as_deref().is_some_and(|epoch| epoch != hub.epoch().as_str());
        let elsewhere = wanted.epoch.as_deref().zip(wanted.after).filter(|_| is_elsewhere);
        let elsewhere = elsewhere.map(|(epoch, seq)| (Epoch::new(epoch), seq));
        // A number that was never given here is of another numbering too, and nobody knows of which.
        let is_ahead = elsewhere.is_none() && wanted.after.is_some_and(|seq| seq > hub.last_seq());
        let asked = if is_ahead { Some(Start::After(0)) } else { self.start(&wanted) };
        let other_epoch = is_ahead || elsewhere.is_some();
        self.began = true;
        self.filter = self.at_home(wanted.filter);
        let reader = match (elsewhere, asked, self.reader.take()) {
            (Some((epoch, seq)), ..) => hub.reader_behind(&epoch, seq),
            (None, None, Some(reader)) => reader,
            (None, asked, _) => hub.reader(asked.unwrap_or(Start::Live), &self.filter),
        };
        let (epoch, seq) = reader.place();
        let cursor = (epoch.clone(), seq);
        self.reader = Some(reader).filter(|_| !self.filter.channels.is_empty());
        let is_settled = self.reader.as_ref().is_none_or(Reader::is_settled);
        Subscribed { cursor, is_settled, other_epoch }
    }

    /// From now on only this session is meant where none is named; or all (`None`).
    pub(super) fn register(&mut self, session_id: Option<&str>) {
        self.home = session_id.map(str::to_owned);
    }

    /// The filter with the sessions that are meant: `*` stands for all.
    pub(super) fn at_home(&self, mut filter: Filter) -> Filter {
        match &self.home {
            Some(home) if filter.sessions.is_empty() => filter.sessions.push(home.clone()),
            _ if filter.sessions.iter().any(|session| session == "*") => filter.sessions.clear(),
            _ => {}
        }
        filter
    }

    /// Subscribes, and takes at once what is there already.
    pub(super) fn begin(&mut self, hub: &Hub, wanted: Subscribe) -> Vec<Arc<Record>> {
        let _cursor = self.subscribe(hub, wanted);
        let mut records = Vec::new();
        while let Some(reader) = &mut self.reader
            && let Some(Next::Batch(batch)) = reader.try_next()
        {
            records.extend(batch.into_iter().filter(|record| record.is_for(&self.filter)));
        }
        records
    }

    fn start(&self, wanted: &Subscribe) -> Option<Start> {
        match (wanted.after, wanted.since, wanted.replay) {
            (Some(seq), _, _) => Some(Start::After(seq)),
            (None, Some(time), _) => Some(Start::Since(time)),
            (None, None, Some(count)) => Some(Start::Last(count)),
            (None, None, None) if self.began => None,
            (None, None, None) => Some(Start::Last(DEFAULT_LIMIT)),
        }
    }

    /// Takes channels away, or all (`None`); what is left.
    pub(super) fn unsubscribe(&mut self, channels: Option<&[Pattern]>) -> &[Pattern] {
        match channels {
            Some(gone) => self.leave_out(gone),
            None => self.filter.channels.clear(),
        }
        if self.filter.channels.is_empty() {
            self.reader = None;
        }
        &self.filter.channels
    }

    /// What is covered by a wider channel stays out of it.
    fn leave_out(&mut self, gone: &[Pattern]) {
        let Filter { channels, except, .. } = &mut self.filter;
        channels.retain(|channel| !gone.iter().any(|gone| gone.covers(channel)));
        let inside = gone.iter().filter(|gone| channels.iter().any(|channel| channel.covers(gone)));
        let inside: Vec<Pattern> = inside.filter(|gone| !except.contains(gone)).cloned().collect();
        except.extend(inside.into_iter().take(MAX_PATTERNS.saturating_sub(except.len())));
    }

    /// The place in the log, once it is known; `None` while nothing is read.
    pub(super) fn place(&self) -> Option<(&Epoch, u64)> {
        self.reader.as_ref().map(Reader::place)
    }

    /// What comes next; waits for ever while nothing is read. Cancel-safe.
    pub(super) async fn next(&mut self) -> Reading {
        match &mut self.reader {
            Some(reader) if !reader.is_settled() => {
                reader.settle().await;
                Reading::Settled
            }
            Some(reader) => Reading::Next(reader.next().await),
            None => std::future::pending().await,
        }
    }
}
