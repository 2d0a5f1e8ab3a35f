//! Past events out of the ring.

use super::log::{Log, Record};
use crate::filter::Query;
use std::sync::Arc;

/// Whether it is one of those, but for how many and of which numbering.
pub(super) fn admits(query: &Query, record: &Record) -> bool {
    let event = &record.event;
    query.before.is_none_or(|before| event.seq < before)
        && query.since.is_none_or(|since| event.timestamp >= since)
        && query.until.is_none_or(|until| event.timestamp <= until)
        && record.is_for(&query.filter)
}

/// The answer.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Oldest first.
    pub records: Vec<Arc<Record>>,
    /// Nothing that was asked for is missing: neither cut by the limit nor gone from memory.
    pub complete: bool,
    /// Lines of the journal that were passed over because they are not as they were written.
    pub damaged: u64,
}

/// Looks the records up.
pub(super) fn find(log: &Log, query: &Query) -> History {
    let after = query.after.unwrap_or(0);
    let mut found = log.from(after.saturating_add(1)).rev().filter(|record| admits(query, record));
    let mut records: Vec<_> = found.by_ref().take(query.limit).cloned().collect();
    let cut = found.next().is_some();
    records.reverse();
    let complete = !cut && log.first_seq() <= after.saturating_add(1);
    History { records, complete, damaged: 0 }
}
