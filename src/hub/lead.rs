//! How far what is published is ahead of the journal. What is too far ahead has to leave memory unwritten, so whoever can
//! wait does, as long as the journal gets on: claude and its terminal never do.

use super::Hub;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(2);
/// A journal that does not get on for so long is not waited for until it does.
const STANDSTILL: Duration = Duration::from_secs(1);
/// Nor for longer than this, however it gets on.
const LONGEST: Duration = Duration::from_secs(5);

/// What somebody who waits has seen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// The newest number in the journal, and since when it is that.
    stored: u64,
    since: Instant,
    begun: Instant,
}

impl Hub {
    /// Waits as long as the journal is far behind and gets on. For threads.
    pub(super) fn let_journal_follow(&self) {
        let mut seen = None;
        while self.is_far_ahead(&mut seen) {
            std::thread::sleep(PAUSE);
        }
    }

    /// The same, for tasks. Cancel-safe.
    pub async fn journal_follows(&self) {
        let mut seen = None;
        while self.is_far_ahead(&mut seen) {
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn is_far_ahead(&self, seen: &mut Option<Seen>) -> bool {
        let Some(stored) = self.shared.lock().log.far_behind() else { return false };
        if self.shared.given_up.load(Relaxed) == stored {
            return false;
        }
        let now = Instant::now();
        let seen = seen.get_or_insert(Seen { stored, since: now, begun: now });
        if seen.stored != stored {
            (seen.stored, seen.since) = (stored, now);
        } else if now.duration_since(seen.since) >= STANDSTILL {
            self.shared.given_up.store(stored, Relaxed);
            return false;
        }
        now.duration_since(seen.begun) < LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::body::{Body, Output, Stream};
    use crate::event::{SessionId, Source};
    use crate::hub::Bounds;

    fn say(hub: &Hub, count: u64) {
        let publisher = hub.publisher(Source::Screen);
        for _ in 0..count {
            publisher.publish(Body::Output(Output::line("x".into(), Stream::Stdout)));
        }
    }

    #[test]
    fn one_without_a_journal_is_not_waited_for_and_one_that_stands_still_is_waited_for_once() {
        let hub = Hub::new(SessionId::new("s"), Bounds::default());
        say(&hub, 20_000);
        assert!(!hub.is_far_ahead(&mut None));
        hub.shared.lock().log.keep_unstored();
        say(&hub, 10_000);
        assert!(!hub.is_far_ahead(&mut None));
        say(&hub, 1);
        assert!(hub.is_far_ahead(&mut None));
        hub.let_journal_follow();
        assert!(!hub.is_far_ahead(&mut None), "it was given up");
        hub.shared.lock().log.stored(20_000 + 1);
        say(&hub, 1);
        assert!(hub.is_far_ahead(&mut None), "it gets on again");
        hub.shared.lock().log.stuck();
        assert!(!hub.is_far_ahead(&mut None), "it cannot be written");
    }

    #[tokio::test]
    async fn who_waits_goes_on_when_it_has_followed() {
        let hub = Hub::new(SessionId::new("s"), Bounds::default());
        hub.shared.lock().log.keep_unstored();
        say(&hub, 10_001);
        tokio::join!(hub.journal_follows(), async {
            tokio::task::yield_now().await;
            hub.shared.lock().log.stored(1);
        });
        assert_eq!(hub.shared.given_up.load(Relaxed), u64::MAX);
    }
}
