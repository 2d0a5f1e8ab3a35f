//! How long each event of a recording is behind the one before it. Pure.
//!
//! Times in a journal are of several clocks: the machine's own, those of instances that told of their sessions from
//! elsewhere, and whatever publishers said. Each is compared with itself alone, none makes a pause where it went back, and
//! what a publisher says makes no long one.

use crate::cli::Speed;
use crate::event::{Event, SessionId};
use std::collections::HashMap;
use std::time::Duration;

/// The longest pause before an event whose time a publisher may have chosen, ms.
const MOST_BY_PUBLISHERS: i64 = 10_000;
/// Clocks that are known at once; beyond, all are taken for new.
const MAX_CLOCKS: usize = 4096;

/// Says how long to wait.
#[derive(Debug)]
pub(super) struct Pacing {
    speed: Speed,
    /// The longest pause, before the speed counts.
    idle: Option<Duration>,
    /// How long the session had gone on, ms.
    at: i64,
    /// Where each clock stood last, and how long the session had gone on by then, ms; `None` is the machine's own.
    clocks: HashMap<Option<SessionId>, (i64, i64)>,
}

impl Pacing {
    pub(super) fn new(speed: Speed, idle: Option<Duration>) -> Self {
        Self { speed, idle, at: 0, clocks: HashMap::new() }
    }

    /// How long to wait before this event, which is the next.
    pub(super) fn wait_before(&mut self, event: &Event) -> Duration {
        let pause = self.pause_before(event);
        self.shown(pause)
    }

    /// How long a pause of the session is when it is told again.
    pub(super) fn shown(&self, pause: Duration) -> Duration {
        let pause = self.idle.map_or(pause, |idle| pause.min(idle));
        match self.speed {
            Speed::Max => Duration::ZERO,
            Speed::Times(factor) => pause.div_f64(factor),
        }
    }

    /// How long the session paused there.
    fn pause_before(&mut self, event: &Event) -> Duration {
        let stamp = event.timestamp.as_millis();
        let is_chosen = is_chosen(event);
        let clock = event.origin.as_ref().map(|_| event.session_id.clone());
        let Some((last, then)) = self.clocks.get(&clock).copied() else {
            if self.clocks.len() >= MAX_CLOCKS {
                self.clocks.clear();
            }
            self.clocks.insert(clock, (stamp, self.at));
            return Duration::ZERO;
        };
        let passed = stamp.saturating_sub(last);
        let due = match passed {
            ..0 if is_chosen => return Duration::ZERO,
            ..0 => self.at,
            _ if is_chosen => then.saturating_add(passed.min(MOST_BY_PUBLISHERS)),
            _ => then.saturating_add(passed),
        };
        self.clocks.insert(clock, (stamp, due));
        let pause = due.saturating_sub(self.at).max(0);
        self.at += pause;
        Duration::from_millis(pause.unsigned_abs())
    }
}

/// Whether a publisher may have chosen the time of the event.
fn is_chosen(event: &Event) -> bool {
    !event.source.is_own() && event.origin.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Body, Epoch, EventId, Origin, Source, Timestamp};

    const OWN: &str = "";

    /// At that time, ms: told by the machine itself, by a publisher `p`, or over the uplink of a session.
    fn event(by: &str, at: i64) -> Event {
        let origin = Some(Origin { epoch: Epoch::new("x"), seq: 1, session_id: None })
            .filter(|_| ![OWN, "p"].contains(&by));
        Event {
            id: EventId::from_u128(0),
            seq: 1,
            epoch: Epoch::new("e"),
            timestamp: Timestamp::from_millis(at),
            session_id: SessionId::new(by),
            source: if by == "p" { Source::named("p") } else { Source::System },
            body: Body::other("my.event", serde_json::Map::new()),
            remarks: None,
            origin,
        }
    }

    #[track_caller]
    fn waits(speed: Speed, idle: Option<u64>, events: &[(&str, i64)]) -> Vec<u128> {
        let mut pacing = Pacing::new(speed, idle.map(Duration::from_millis));
        events.iter().map(|(by, at)| pacing.wait_before(&event(by, *at)).as_millis()).collect()
    }

    const LIVE: Speed = Speed::Times(1.0);

    #[test]
    fn pauses_are_those_of_the_session_divided_by_the_speed() {
        let events = [(OWN, 50_000), (OWN, 50_000), (OWN, 50_100), (OWN, 60_100)];
        assert_eq!(waits(LIVE, None, &events), [0, 0, 100, 10_000]);
        assert_eq!(waits(Speed::Times(10.0), None, &events), [0, 0, 10, 1000]);
        assert_eq!(waits(Speed::Times(0.1), None, &events), [0, 0, 1000, 100_000]);
        assert_eq!(waits(Speed::Max, None, &events), [0; 4]);
    }

    #[test]
    fn a_long_pause_is_cut_before_the_speed_counts() {
        let events = [(OWN, 0), (OWN, 1500), (OWN, 3_600_000), (OWN, 3_600_010)];
        assert_eq!(waits(LIVE, Some(2000), &events), [0, 1500, 2000, 10]);
        assert_eq!(waits(Speed::Times(2.0), Some(2000), &events), [0, 750, 1000, 5]);
    }

    #[test]
    fn a_clock_that_goes_back_makes_no_pause_and_is_gone_on_with() {
        let events = [(OWN, 100_000), (OWN, 40_000), (OWN, 40_300), (OWN, i64::MIN), (OWN, i64::MIN + 5)];
        assert_eq!(waits(LIVE, None, &events), [0, 0, 300, 0, 5]);
    }

    #[test]
    fn the_clocks_of_two_machines_are_not_compared() {
        let events =
            [("a", 1000), ("b", 61_000), ("a", 2000), ("b", 62_500), ("a", 3000), ("b", 63_000), ("a", 6000)];
        assert_eq!(waits(LIVE, None, &events), [0, 0, 1000, 500, 500, 0, 3000]);
    }

    #[test]
    fn a_pause_that_is_cut_is_cut_for_all_clocks() {
        let events = [("a", 0), ("b", 0), ("a", 100_000), ("b", 101_000)];
        assert_eq!(waits(LIVE, Some(2000), &events), [0, 0, 2000, 1000]);
    }

    #[test]
    fn what_publishers_say_of_the_time_makes_no_long_pause() {
        let far = 4_000_000_000_000;
        let events = [(OWN, 1000), ("p", 1500), ("p", 0), (OWN, 2000), ("p", far), (OWN, 2500), ("p", 2600)];
        assert_eq!(waits(LIVE, None, &events), [0, 500, 0, 500, 10_000, 0, 100]);
        let alone = [("p", 0), ("p", 60_000), ("p", 61_000)];
        assert_eq!(waits(LIVE, None, &alone), [0, 10_000, 1000]);
    }
}
