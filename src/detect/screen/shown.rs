//! A line on the screen: how long it has stood, whether it was emitted, and what may happen to it. It does
//! not know its neighbours.

use std::time::Duration;

use super::rows::Row;

/// How long a line must have stood unchanged.
pub(super) const AGE: Duration = Duration::from_millis(250);
/// How long one that looks unfinished must have, when claude is not at work.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub(super) struct Shown {
    pub(super) row: Row,
    /// Its place in the record, once it was emitted.
    pub(super) place: Option<usize>,
    /// It was on the screen before this look, too.
    pub(super) stood: bool,
    pub(super) since: Duration,
    pub(super) part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Text,
    Held,
    Live,
}

impl Part {
    /// It may change at any time.
    pub(super) fn is_moving(self, busy: bool) -> bool {
        match self {
            Part::Text => false,
            Part::Held => busy,
            Part::Live => true,
        }
    }
}

impl Shown {
    pub(super) fn new(row: Row, since: Duration) -> Self {
        Self { row, place: None, stood: false, since, part: Part::Live }
    }

    pub(super) fn carry(&mut self, old: &Self) {
        (self.place, self.since, self.part, self.stood) = (old.place, old.since, old.part, true);
    }

    /// When it has stood long enough; never as it is, if `None`.
    pub(super) fn ripe(&self, busy: bool) -> Option<Duration> {
        match self.part {
            part if part.is_moving(busy) => None,
            Part::Text => Some(self.since + AGE),
            Part::Held | Part::Live => Some(self.since + PATIENCE),
        }
    }
}
