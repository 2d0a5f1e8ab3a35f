//! How many requests one client may make: a token bucket, and a count of those refused in a row.
//!
//! Time is handed in.

use super::limit::Limits;
use tokio::time::Instant;

/// What to do with a request.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Do it.
    Allowed,
    /// Answer that it is one too many.
    Refused,
    /// End the connection: refusals do not help.
    Hopeless,
}

/// One client's allowance.
#[derive(Debug)]
pub(super) struct Allowance {
    tokens: f64,
    filled: Instant,
    refused: u32,
}

impl Allowance {
    /// A full bucket.
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        Self { tokens: limits.burst, filled: now, refused: 0 }
    }

    /// One request arrives.
    pub(super) fn take(&mut self, limits: &Limits, now: Instant) -> Verdict {
        let gained = now.duration_since(self.filled).as_secs_f64() * limits.requests_per_second;
        self.tokens = (self.tokens + gained).min(limits.burst);
        self.filled = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            self.refused = 0;
            return Verdict::Allowed;
        }
        self.refused += 1;
        if self.refused > limits.refusals { Verdict::Hopeless } else { Verdict::Refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_is_allowed_then_refused_then_hopeless_and_time_heals() {
        let (limits, start) = (Limits::default(), Instant::now());
        let mut allowance = Allowance::new(&limits, start);
        let mut take = |at| allowance.take(&limits, at);
        assert!((0..40).all(|_| take(start) == Verdict::Allowed));
        assert!((0..10).all(|_| take(start) == Verdict::Refused));
        assert_eq!(take(start), Verdict::Hopeless);
        assert_eq!(take(start + Duration::from_millis(60)), Verdict::Allowed);
        assert_eq!(take(start + Duration::from_millis(60)), Verdict::Refused);
    }
}
