//! Callers whose request head has not arrived yet.
//!
//! They may be a flood of half-open connections, so there is room for few, and the oldest makes room for the
//! newest: who speaks at once is heard, however many say nothing.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::AbortHandle;

/// Set once the head of a connection's request has arrived.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrival(Arc<AtomicBool>);

impl Arrival {
    pub(super) fn mark(&self) {
        self.0.store(true, Relaxed);
    }

    pub(super) fn is_marked(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// The waiting ones, oldest first. The lock is held for a look along one short list.
#[derive(Debug, Default)]
pub(super) struct Lobby {
    waiting: Mutex<VecDeque<(Arrival, AbortHandle)>>,
}

impl Lobby {
    /// One more; cuts the oldest when there is no room.
    pub(super) fn enter(&self, room: usize, arrival: Arrival, task: AbortHandle) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back((arrival, task));
        if waiting.len() <= room {
            return;
        }
        waiting.retain(|(arrival, task)| !arrival.is_marked() && !task.is_finished());
        while waiting.len() > room {
            if let Some((_, oldest)) = waiting.pop_front() {
                oldest.abort();
            }
        }
    }

    /// Cuts all that still wait: the server goes, and they are owed no answer.
    pub(super) fn close(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = |(arrival, _): &(Arrival, AbortHandle)| !arrival.is_marked();
        waiting.drain(..).filter(silent).for_each(|(_, task)| task.abort());
    }
}
