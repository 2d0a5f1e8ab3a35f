//! What was handed to the thread that types, and is waited for no longer than a while.

use crate::process::injection::Ticket;
use std::time::{Duration, Instant};

/// How long it may wait to be begun.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it may take from then on; the thread is done earlier, where it is not kept by what the user types.
const BEGUN: Duration = Duration::from_secs(10);

/// An injection. Dropped, it is taken back: once its fate is told, nothing more of it is typed.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) id: u64,
    ticket: Ticket,
    until: Instant,
}

impl Handed {
    pub(super) fn new(id: u64, ticket: Ticket, now: Instant) -> Self {
        Self { id, ticket, until: now + PATIENCE }
    }

    /// Why nobody waits for it any longer, if that is so by now; nothing more of it is typed then.
    pub(super) fn given_up(&self, now: Instant) -> Option<&'static str> {
        if now < self.until {
            None
        } else if self.ticket.withdraw_unbegun() {
            Some("claude's terminal takes no keys, and nothing was typed")
        } else if now >= self.until + BEGUN {
            self.ticket.withdraw();
            Some("it was begun, and then claude's terminal took no more keys")
        } else {
            None
        }
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        self.ticket.withdraw();
    }
}
