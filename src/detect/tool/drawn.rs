//! What the screen has shown, until it is sure that no better source tells the same: it knows no ids, so nobody could
//! tell later that it was the same.

use super::delegation::PATIENCE_MILLIS;
use crate::detect::observation::Observation;
use crate::event::Timestamp;
use std::collections::VecDeque;

/// Most facts that wait; the oldest is forgotten first.
const MAX_WAITING: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Drawn {
    waiting: VecDeque<Observation>,
    /// A better source has spoken.
    is_closed: bool,
}

impl Drawn {
    /// The screen shows this.
    pub(super) fn keep(&mut self, seen: &Observation) {
        if self.is_closed {
            return;
        }
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(seen.clone());
    }

    /// A better source has spoken: it tells all that the screen could.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.waiting = VecDeque::new();
    }

    /// When the oldest of it has waited for long enough.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.waiting.front().map(due)
    }

    /// What has waited for long enough at this time.
    pub(super) fn take_until(&mut self, at: Timestamp) -> Vec<Observation> {
        let count = self.waiting.iter().take_while(|seen| due(seen) <= at).count();
        self.waiting.drain(..count).collect()
    }

    /// All of it: nobody comes any more.
    pub(super) fn take_all(&mut self) -> VecDeque<Observation> {
        std::mem::take(&mut self.waiting)
    }
}

fn due(seen: &Observation) -> Timestamp {
    Timestamp::from_millis(seen.at.as_millis().saturating_add(PATIENCE_MILLIS))
}
