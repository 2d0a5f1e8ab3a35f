//! Clients that are in and have not said who they are. There is room for few; when it is taken, who has sat there longest
//! and said nothing for a moment has to leave: who speaks at once is heard, however many say nothing.

use super::limit::Limits;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The room. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Strangers(Arc<Mutex<VecDeque<Sitting>>>);

#[derive(Debug)]
struct Sitting {
    since: Instant,
    leave: Arc<Notify>,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    leave: Arc<Notify>,
    room: Strangers,
}

impl Strangers {
    /// A place for one more; `None` where all who sit there have just come.
    pub(super) fn admit(&self, limits: &Limits, now: Instant) -> Option<Seat> {
        let mut sitting = self.sitting();
        if sitting.len() >= limits.strangers {
            let oldest = sitting.pop_front_if(|oldest| oldest.since + limits.grace <= now)?;
            oldest.leave.notify_one();
        }
        let leave = Arc::new(Notify::new());
        sitting.push_back(Sitting { since: now, leave: Arc::clone(&leave) });
        Some(Seat { leave, room: self.clone() })
    }

    /// Locked for a moment, and never while waiting.
    fn sitting(&self) -> MutexGuard<'_, VecDeque<Sitting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Waits until the place is needed, which it then is for good. Cancel-safe.
    pub(super) async fn needed(&self) {
        self.leave.notified().await;
        self.leave.notify_one();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.sitting().retain(|sitting| !Arc::ptr_eq(&sitting.leave, &self.leave));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn who_has_sat_there_longest_makes_room_after_a_moment() {
        let limits = Limits { strangers: 2, grace: Duration::from_millis(50), ..Limits::default() };
        let (room, start) = (Strangers::default(), Instant::now());
        let admit = |millis| room.admit(&limits, start + Duration::from_millis(millis));
        let (first, second) = (admit(0).unwrap(), admit(10).unwrap());
        assert!(admit(49).is_none());
        let third = admit(50).unwrap();
        first.needed().await;
        first.needed().await;
        assert!(admit(59).is_none(), "the second has not sat there for long");
        drop(second);
        let fourth = admit(59).unwrap();
        drop((first, third, fourth));
        assert!(room.sitting().is_empty());
    }
}
