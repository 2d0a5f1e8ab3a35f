//! Callers whose request head has not arrived yet.
//!
//! They may be a flood of half-open connections, so there is room for few. When it is full, nobody is accepted
//! until one of them speaks, leaves, or has been silent for the grace period, which cuts the oldest: who speaks at
//! once is heard, however many say nothing, and a burst of honest callers only waits in the kernel's queue.

use super::limit::Limits;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

/// Set once the head of a connection's request has arrived.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    marked: Arc<AtomicBool>,
    noticed: Arc<Notify>,
}

impl Arrival {
    pub(super) fn mark(&self) {
        self.marked.store(true, Relaxed);
        self.noticed.notify_one();
    }

    /// Whether it was marked.
    pub(super) fn is_marked(&self) -> bool {
        self.marked.load(Relaxed)
    }
}

#[derive(Debug)]
struct Guest {
    arrival: Arrival,
    task: AbortHandle,
    since: Instant,
}

impl Guest {
    fn waits(&self) -> bool {
        !self.arrival.is_marked() && !self.task.is_finished()
    }
}

/// The waiting ones, oldest first.
#[derive(Debug, Default)]
pub(super) struct Lobby {
    waiting: VecDeque<Guest>,
    noticed: Arc<Notify>,
}

impl Lobby {
    /// For one who is about to enter.
    pub(super) fn arrival(&self) -> Arrival {
        Arrival { marked: Arc::default(), noticed: self.noticed.clone() }
    }

    /// One more.
    pub(super) fn enter(&mut self, arrival: Arrival, task: AbortHandle) {
        self.waiting.push_back(Guest { arrival, task, since: Instant::now() });
    }

    /// Whether one more may enter; cuts the oldest when it was silent for too long and its place is needed.
    pub(super) fn make_room(&mut self, limits: &Limits, now: Instant) -> bool {
        if self.waiting.len() < limits.handshakes {
            return true;
        }
        self.waiting.retain(Guest::waits);
        while self.waiting.len() >= limits.handshakes
            && let Some(oldest) = self.waiting.pop_front_if(|guest| guest.since + limits.grace <= now)
        {
            oldest.task.abort();
        }
        self.waiting.len() < limits.handshakes
    }

    /// Waits until [`Lobby::make_room`] may come to another answer. Cancel-safe.
    pub(super) async fn stirred(&self, limits: &Limits) {
        let oldest = self.waiting.front().map_or_else(Instant::now, |guest| guest.since);
        tokio::select! {
            () = self.noticed.notified() => {}
            () = sleep_until(oldest + limits.grace) => {}
        }
    }

    /// Cuts all that still wait: the server goes, and they are owed no answer.
    pub(super) fn close(&mut self) {
        self.waiting.drain(..).filter(Guest::waits).for_each(|guest| guest.task.abort());
    }
}
