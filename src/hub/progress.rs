//! How far a log has come, where another process finds it that goes on with the same numbers.
//!
//! The one who publishes may be killed. What it had in memory is lost then, and said to be, but no number is given
//! twice, and what claude's files tell of the time before is known to have been told.

use super::{Hub, Numbers, Tip, now};
use crate::event::{Body, Draft, Epoch, Source, Timestamp};
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Relaxed, SeqCst},
};

/// The progress of one log. Copies are the same.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    last_seq: &'static AtomicU64,
    taken_in: &'static AtomicU64,
    /// The 16 hexadecimal digits of the epoch; 0 before there is one.
    epoch: &'static AtomicU64,
}

impl Progress {
    /// Kept in these words, which begin as 0.
    pub fn kept_in([last_seq, taken_in, epoch]: &'static [AtomicU64; 3]) -> Self {
        Self { last_seq, taken_in, epoch }
    }

    /// How far the log has come whose progress this is; `None` where there was none yet.
    pub fn numbers(self) -> Option<Numbers> {
        let (last_seq, epoch) = (self.last_seq(), self.epoch.load(Relaxed));
        (epoch > 0).then(|| Numbers { epoch: Epoch::new(&format!("{epoch:016x}")), last_seq })
    }

    /// Another numbering begins. Whoever is killed in the middle leaves numbers that no journal has.
    pub fn begin_anew(self, epoch: &Epoch) {
        self.begin(epoch);
        self.last_seq.store(0, SeqCst);
    }

    /// What is published from now on is of this epoch.
    pub(super) fn begin(self, epoch: &Epoch) {
        self.epoch.store(u64::from_str_radix(epoch.as_str(), 16).unwrap_or(0), SeqCst);
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

impl Hub {
    /// Keeps the progress there from now on, and goes on behind what it says already: a reader is told of a gap where
    /// an earlier process had more. To be called before anything is published.
    pub fn keep_progress(&self, progress: Progress) {
        progress.begin(self.epoch());
        let mut state = self.shared.lock();
        state.log.go_on_behind(progress.last_seq());
        state.progress = Some(progress);
        drop(state);
        self.shared.wake_readers(Tip { last_seq: progress.last_seq(), closed: false });
    }

    /// Folds into the status what an earlier process published of the same session. It is not published again.
    pub fn recall(&self, source: &Source, mut body: Body) {
        self.shared.redaction.clean(&self.shared.session_id, source, &mut body);
        let mut state = self.shared.lock();
        let event = self.event(&state, Draft::new(source.clone(), body));
        drop(state.sessions.own().fold(&event));
    }

    /// Something was taken in that may have been no news.
    pub fn took_in(&self) {
        if let Some(progress) = self.shared.lock().progress {
            progress.took_in(now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_number_and_the_latest_time_are_kept() {
        let words = Box::leak(Box::new([const { AtomicU64::new(0) }; 3]));
        let progress = Progress::kept_in(words);
        assert_eq!((progress.last_seq(), progress.taken_in()), (0, None));
        progress.published(1, Timestamp::from_millis(50));
        progress.took_in(Timestamp::from_millis(40));
        assert_eq!(Progress::kept_in(words).taken_in(), Some(Timestamp::from_millis(50)));
        assert_eq!(progress.last_seq(), 1);
        progress.begin(&Epoch::new("00ab5f0c6e1a9b3d"));
        let numbers = Numbers { epoch: Epoch::new("00ab5f0c6e1a9b3d"), last_seq: 1 };
        assert_eq!(progress.numbers(), Some(numbers));
        let next = Numbers::fresh();
        progress.begin_anew(&next.epoch);
        assert_eq!(progress.numbers(), Some(next), "it is kept before anything is published");
    }
}
