//! How far a log has come, where another process finds it that goes on with the same numbers.
//!
//! The one who publishes may be killed. What it had in memory is lost then, and said to be, but no number is given
//! twice, and what claude's files tell of the time before is known to have been told.

use crate::event::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The progress of one log. Copies are the same.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    last_seq: &'static AtomicU64,
    taken_in: &'static AtomicU64,
}

impl Progress {
    /// Kept in these words, which begin as 0.
    pub fn kept_in([last_seq, taken_in]: &'static [AtomicU64; 2]) -> Self {
        Self { last_seq, taken_in }
    }

    /// Number of the newest event; 0 when there was none yet.
    pub fn last_seq(self) -> u64 {
        self.last_seq.load(Relaxed)
    }

    /// When something was last taken in, whether it was news or not; `None` when nothing ever was.
    pub fn taken_in(self) -> Option<Timestamp> {
        let millis = i64::try_from(self.taken_in.load(Relaxed)).ok().filter(|millis| *millis > 0)?;
        Some(Timestamp::from_millis(millis))
    }

    pub(super) fn published(self, seq: u64, at: Timestamp) {
        self.last_seq.store(seq, Relaxed);
        self.took_in(at);
    }

    pub(super) fn took_in(self, at: Timestamp) {
        self.taken_in.fetch_max(u64::try_from(at.as_millis()).unwrap_or(0), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_number_and_the_latest_time_are_kept() {
        let words = Box::leak(Box::new([AtomicU64::new(0), AtomicU64::new(0)]));
        let progress = Progress::kept_in(words);
        assert_eq!((progress.last_seq(), progress.taken_in()), (0, None));
        progress.published(1, Timestamp::from_millis(50));
        progress.took_in(Timestamp::from_millis(40));
        assert_eq!(Progress::kept_in(words).taken_in(), Some(Timestamp::from_millis(50)));
        assert_eq!(progress.last_seq(), 1);
    }
}
