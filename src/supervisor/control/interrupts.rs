//! Interrupts that are under way: each is done when claude works no more, and told so.

use super::eyes::Doing;
use super::handed::Handed;
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
    way: Way,
}

/// How it reaches claude.
#[derive(Debug)]
enum Way {
    /// As a signal, whose effect only shows when claude says what it does, or ends.
    Signal,
    /// As a key that is not known to be written yet.
    Handed(Handed),
    /// As a key that was written.
    Written,
}

impl Interrupts {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// One that was sent; as a key, where it was handed over.
    pub(super) fn push(&mut self, order: Order, handed: Option<Handed>, now: Instant) {
        let way = handed.map_or(Way::Signal, Way::Handed);
        self.0.push(Interrupt { order, until: now + PATIENCE, way });
    }

    fn place(&self, id: u64) -> Option<usize> {
        self.0.iter().position(|it| matches!(&it.way, Way::Handed(handed) if handed.id == id))
    }

    /// One whose key was written; `false` where it is none.
    pub(super) fn written(&mut self, id: u64, now: Instant) -> bool {
        let Some(place) = self.place(id) else { return false };
        (self.0[place].way, self.0[place].until) = (Way::Written, now + PATIENCE);
        true
    }

    /// One whose key was not written; `false` where it is none.
    pub(super) fn end(&mut self, id: u64, fate: Fate) -> bool {
        let Some(place) = self.place(id) else { return false };
        self.0.remove(place).order.tell(fate);
        true
    }

    /// Time has passed, and claude does this now.
    pub(super) fn look(&mut self, doing: Doing, now: Instant) {
        self.0.retain_mut(|interrupt| {
            let fate = interrupt.fate(doing, now);
            let is_over = fate.is_some();
            fate.into_iter().for_each(|fate| interrupt.order.tell(fate));
            !is_over
        });
    }

    /// Claude is over.
    pub(super) fn over(&mut self) {
        self.0.drain(..).for_each(|mut interrupt| interrupt.order.tell(Fate::Done));
    }
}

impl Interrupt {
    fn fate(&self, doing: Doing, now: Instant) -> Option<Fate> {
        let is_done = match (&self.way, doing) {
            (Way::Handed(handed), _) => {
                return handed.given_up(now).map(|reason| Fate::Rejected { reason: reason.into() });
            }
            (_, Doing::Busy | Doing::Asks) => false,
            // Nothing is known of what it does, and will not be.
            (way, Doing::Starting) => matches!(way, Way::Written),
            (_, Doing::Idle | Doing::Settles | Doing::Unsure) => true,
        };
        if is_done {
            return Some(Fate::Done);
        }
        (now >= self.until).then(|| Fate::Rejected { reason: "claude still works".into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Command;
    use crate::process::injection::{Injection, Ticket};
    use std::sync::{Arc, Mutex};

    fn order() -> (Order, Arc<Mutex<Vec<Fate>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        (Order::new(Command::Interrupt, move |fate| heard.lock().unwrap().push(fate)), told)
    }

    fn ticket() -> Ticket {
        Injection::new(Vec::new(), |_, _| Ok(()), |_| {}).ticket()
    }

    #[test]
    fn a_signal_is_not_done_before_something_is_known_of_its_effect() {
        let (mut interrupts, now) = (Interrupts::default(), Instant::now());
        let (by_signal, told) = order();
        interrupts.push(by_signal, None, now);
        interrupts.look(Doing::Starting, now);
        assert_eq!(*told.lock().unwrap(), []);
        interrupts.over();
        assert_eq!(*told.lock().unwrap(), [Fate::Done]);
    }

    #[test]
    fn a_key_that_was_not_typed_in_time_is_never_typed() {
        let (mut interrupts, now) = (Interrupts::default(), Instant::now());
        let (by_key, told) = order();
        let ticket = ticket();
        interrupts.push(by_key, Some(Handed::new(1, ticket.clone(), now)), now);
        interrupts.look(Doing::Idle, now);
        assert_eq!(*told.lock().unwrap(), [], "it looks idle because of something else");
        interrupts.look(Doing::Busy, now + PATIENCE);
        assert!(matches!(told.lock().unwrap()[..], [Fate::Rejected { .. }]));
        assert!(ticket.withdraw_unbegun(), "it was taken back, and is not begun any more");
        assert!(interrupts.is_empty());
    }
}
