//! Interrupts that are under way: each is done when claude works no more, and told so.

use super::eyes::Doing;
use crate::control::{Fate, Order};
use std::time::{Duration, Instant};

/// How long claude may take to stop working.
const PATIENCE: Duration = Duration::from_secs(5);

/// They.
#[derive(Debug, Default)]
pub(super) struct Interrupts(Vec<Interrupt>);

#[derive(Debug)]
struct Interrupt {
    order: Order,
    until: Instant,
    /// It is written by this id, and not known to be written yet.
    id: Option<u64>,
}

impl Interrupts {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One that was sent; as a key with that id.
    pub(super) fn push(&mut self, order: Order, id: Option<u64>, now: Instant) {
        self.0.push(Interrupt { order, until: now + PATIENCE, id });
    }

    /// One whose key was written.
    pub(super) fn written(&mut self, id: u64) {
        self.0.iter_mut().filter(|it| it.id == Some(id)).for_each(|it| it.id = None);
    }

    /// Takes out the one whose key was not written.
    pub(super) fn remove(&mut self, id: u64) -> Option<Order> {
        let place = self.0.iter().position(|it| it.id == Some(id))?;
        Some(self.0.remove(place).order)
    }

    /// Time has passed, and claude does this now.
    pub(super) fn look(&mut self, doing: Doing, now: Instant) {
        let is_done = !matches!(doing, Doing::Busy | Doing::Asks);
        for interrupt in &mut self.0 {
            if is_done && interrupt.id.is_none() {
                interrupt.order.tell(Fate::Done);
            } else if interrupt.until <= now {
                interrupt.order.tell(Fate::Rejected { reason: "claude still works".into() });
            }
        }
        self.0.retain(|interrupt| !(is_done && interrupt.id.is_none()) && interrupt.until > now);
    }

    /// Claude is over.
    pub(super) fn over(&mut self) {
        self.0.drain(..).for_each(|mut interrupt| interrupt.order.tell(Fate::Done));
    }
}
