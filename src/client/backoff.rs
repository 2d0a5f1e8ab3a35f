//! How long to wait before connecting again: twice as long each time, from 100 ms to 5 s, and never quite the
//! same, so that many clients of one hub do not come back in one moment.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// The row of delays.
#[derive(Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next delay: between half and all of its step.
    pub fn delay(&mut self) -> Duration {
        let step = FIRST.saturating_mul(1 << self.attempts.min(6)).min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        step / 2 + (step / 2).mul_f64(chance())
    }

    /// From now on the longest step.
    pub fn slow_down(&mut self) {
        self.attempts = 6;
    }

    /// Begins again with the shortest step.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// A number from 0 to 1. The standard library's hash seed is the only randomness needed here.
fn chance() -> f64 {
    f64::from(RandomState::new().hash_one(0_u8) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_five_seconds_with_jitter_downwards() {
        let mut backoff = Backoff::default();
        for step in [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000] {
            let millis = backoff.delay().as_millis();
            assert!((step / 2..=step).contains(&millis), "{millis} of {step}");
        }
        backoff.reset();
        assert!(backoff.delay().as_millis() <= 100);
        backoff.slow_down();
        assert!(backoff.delay().as_millis() >= 2500);
    }
}
