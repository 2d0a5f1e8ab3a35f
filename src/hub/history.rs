//! Past events out of the ring.

use super::log::{Log, Record};
use crate::event::Timestamp;
use crate::filter::Filter;
use std::sync::Arc;

/// Which past events are asked for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// What the events must be.
    pub filter: Filter,
    /// The newest this many.
    pub limit: usize,
    /// Only numbers above this one.
    pub after: Option<u64>,
    /// Only numbers below this one.
    pub before: Option<u64>,
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Not newer than this.
    pub until: Option<Timestamp>,
}

impl Query {
    fn admits(&self, record: &Record) -> bool {
        let event = &record.event;
        self.before.is_none_or(|before| event.seq < before)
            && self.since.is_none_or(|since| event.timestamp >= since)
            && self.until.is_none_or(|until| event.timestamp <= until)
            && record.is_for(&self.filter)
    }
}

/// The answer.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Oldest first.
    pub records: Vec<Arc<Record>>,
    /// Nothing that was asked for is missing: neither cut by the limit nor gone from memory.
    pub complete: bool,
}

/// Looks the records up.
pub(super) fn find(log: &Log, query: &Query) -> History {
    let after = query.after.unwrap_or(0);
    let mut found = log.from(after.saturating_add(1)).rev().filter(|record| query.admits(record));
    let mut records: Vec<_> = found.by_ref().take(query.limit).cloned().collect();
    let cut = found.next().is_some();
    records.reverse();
    History { records, complete: !cut && log.first_seq() <= after.saturating_add(1) }
}
