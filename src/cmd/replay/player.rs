//! What comes next of a recording, and when: the same for who serves it and who prints it.

use super::pacing::Pacing;
use crate::cli::ReplayOptions;
use crate::cmd::failure::Failure;
use crate::cmd::history::moment;
use crate::event::Timestamp;
use crate::hub::{Record, Recording};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The part of a session that is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// What is older makes no pauses.
    since: Option<Timestamp>,
    /// What is newer is not told. Times need not rise: what is not newer may follow.
    until: Option<Timestamp>,
}

impl Span {
    pub(super) fn read(options: &ReplayOptions) -> Result<Self, Failure> {
        let (since, until) = (moment(options.since.as_deref())?, moment(options.until.as_deref())?);
        Ok(Self { since, until })
    }

    /// Whether it begins behind this time.
    pub(super) fn is_before(&self, at: Timestamp) -> bool {
        self.since.is_some_and(|since| at < since)
    }

    pub(super) fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Whether it ends before this time.
    pub(super) fn is_behind(&self, at: Timestamp) -> bool {
        self.until.is_some_and(|until| at > until)
    }
}

/// When what comes next is due. Pauses do not add up what telling takes; what comes before the first of them, like all that is
/// older than the span, shortens none.
#[derive(Debug, Default)]
pub(super) struct Clock(Option<Instant>);

impl Clock {
    /// The end of this pause; `None` where there is none.
    pub(super) fn due_behind(&mut self, pause: Duration, now: Instant) -> Option<Instant> {
        if pause.is_zero() {
            return None;
        }
        let due = self.0.unwrap_or(now) + pause;
        self.0 = Some(due);
        Some(due)
    }
}

/// One place in a recording.
#[derive(Debug)]
pub(super) struct Player {
    recording: Recording,
    pacing: Pacing,
    span: Span,
    /// Read and not yet told.
    records: VecDeque<Arc<Record>>,
    /// What was told so far is older than the span.
    is_before: bool,
    is_over: bool,
}

impl Player {
    pub(super) fn new(recording: Recording, options: &ReplayOptions, span: Span) -> Self {
        let pacing = Pacing::new(options.speed, options.idle);
        let is_before = span.since.is_some();
        Self { recording, pacing, span, records: VecDeque::new(), is_before, is_over: false }
    }

    /// The next record, with how long to wait before it; `None` where it has to be read first, or nothing is left. One that
    /// is newer than the span is not waited for.
    pub(super) fn next(&mut self) -> Option<(Duration, Arc<Record>)> {
        let record = self.records.pop_front()?;
        let event = &record.event;
        if self.span.is_behind(event.timestamp) {
            return Some((Duration::ZERO, record));
        }
        let wait = self.pacing.wait_before(event);
        let wait = match self.span.since {
            Some(since) if event.timestamp < since => Duration::ZERO,
            // Of the pause in which the span begins, what is inside.
            Some(since) if std::mem::take(&mut self.is_before) => {
                let inside = Duration::from_millis(event.timestamp.millis_since(since));
                wait.min(self.pacing.shown(inside))
            }
            _ => wait,
        };
        Some((wait, record))
    }

    /// Reads on; false where nothing is left. It takes as long as the disk does.
    pub(super) fn read(&mut self) -> io::Result<bool> {
        if !self.is_over {
            self.records.extend(self.recording.read()?);
            self.is_over = self.records.is_empty();
        }
        Ok(!self.is_over)
    }

    /// Lines of the journal that could not be told.
    pub(super) fn passed_over(&self) -> u64 {
        self.recording.passed_over()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_counted_from_the_first_and_do_not_add_up_what_telling_takes() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut clock = Clock::default();
        assert_eq!(clock.due_behind(Duration::ZERO, start), None);
        // Five seconds for what is passed over.
        assert_eq!(clock.due_behind(second, start + 5 * second), Some(start + 6 * second));
        assert_eq!(clock.due_behind(Duration::ZERO, start + 7 * second), None);
        assert_eq!(clock.due_behind(2 * second, start + 7 * second), Some(start + 8 * second));
    }
}
