//! One value against its thresholds: the levels it crosses, upwards and back, without flapping at one of them.

use crate::event::surroundings::AlertLevel;
use std::time::{Duration, Instant};

/// A level is left when the value is below this part of its threshold.
const WELL_BELOW: f64 = 0.9;

/// Above which values a level is reached; `None`: never.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thresholds {
    warning: Option<f64>,
    critical: Option<f64>,
}

impl Thresholds {
    /// Whole numbers; 0 is none.
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 MiB")]
    pub(super) fn new(warning: u64, critical: u64) -> Self {
        let some = |threshold: u64| (threshold > 0).then_some(threshold as f64);
        Self { warning: some(warning), critical: some(critical) }
    }

    /// Whether there is any.
    pub(super) fn exist(&self) -> bool {
        self.warning.or(self.critical).is_some()
    }

    fn of(&self, level: AlertLevel) -> Option<f64> {
        match level {
            AlertLevel::Info => None,
            AlertLevel::Warning => self.warning,
            AlertLevel::Critical => self.critical,
        }
    }

    /// The highest level that fits.
    fn highest(&self, fits: impl Fn(AlertLevel, f64) -> bool) -> AlertLevel {
        let levels = [AlertLevel::Critical, AlertLevel::Warning];
        let mut fitting =
            levels.into_iter().filter(|level| self.of(*level).is_some_and(|at| fits(*level, at)));
        fitting.next().unwrap_or(AlertLevel::Info)
    }
}

/// A level was reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Crossing {
    /// Where the value stands now.
    pub(super) level: AlertLevel,
    /// The value.
    pub(super) value: f64,
    /// What it is more than, or less than again; `None` where that is set no longer.
    pub(super) threshold: Option<f64>,
    /// It is more than before.
    pub(super) rises: bool,
    /// For how long it had to be so.
    pub(super) lasted: Duration,
}

/// What is known of one value.
#[derive(Debug)]
pub(super) struct Gauge {
    level: AlertLevel,
    patience: Duration,
    underway: Option<Underway>,
}

/// A level that the value is about to reach.
#[derive(Debug, Clone, Copy)]
struct Underway {
    since: Instant,
    /// The one nearest to where it was that the value has been at meanwhile.
    to: AlertLevel,
}

impl Gauge {
    /// A value has to be beyond a threshold for this long.
    pub(super) fn new(patience: Duration) -> Self {
        Self { level: AlertLevel::Info, patience, underway: None }
    }

    /// Takes in a measurement; what is to be told of it.
    pub(super) fn take(&mut self, value: f64, thresholds: Thresholds, now: Instant) -> Option<Crossing> {
        let reached = thresholds.highest(|_, at| value > at);
        let kept = thresholds.highest(|level, at| level <= self.level && value >= at * WELL_BELOW);
        let seen = reached.max(kept);
        let underway = self.go_on(seen, now)?;
        if now.duration_since(underway.since) < self.patience {
            return None;
        }
        self.underway = None;
        let before = std::mem::replace(&mut self.level, underway.to);
        let rises = underway.to > before;
        let threshold = if rises { thresholds.of(underway.to) } else { just_above(underway.to, &thresholds) };
        Some(Crossing { level: underway.to, value, threshold, rises, lasted: self.patience })
    }

    /// Where it is on the way to, if it is on its way.
    fn go_on(&mut self, seen: AlertLevel, now: Instant) -> Option<Underway> {
        let here = self.level;
        let same_way = |underway: &Underway| (seen > here) == (underway.to > here);
        self.underway = match self.underway.filter(same_way) {
            _ if seen == here => None,
            None => Some(Underway { since: now, to: seen }),
            Some(Underway { since, to }) if seen > here => Some(Underway { since, to: to.min(seen) }),
            Some(Underway { since, to }) => Some(Underway { since, to: to.max(seen) }),
        };
        self.underway
    }
}

/// The next threshold above a level.
fn just_above(level: AlertLevel, thresholds: &Thresholds) -> Option<f64> {
    match level {
        AlertLevel::Info => thresholds.warning.or(thresholds.critical),
        AlertLevel::Warning | AlertLevel::Critical => thresholds.critical,
    }
}

#[cfg(test)]
mod tests {
    use super::AlertLevel::{Critical, Info, Warning};
    use super::*;

    /// The levels that are told of a row of values, a second apart.
    fn levels(patience: u64, thresholds: (u64, u64), values: &[f64]) -> Vec<Option<AlertLevel>> {
        let mut gauge = Gauge::new(Duration::from_secs(patience));
        let start = Instant::now();
        let take = |(second, value): (u64, &f64)| {
            let thresholds = Thresholds::new(thresholds.0, thresholds.1);
            gauge.take(*value, thresholds, start + Duration::from_secs(second)).map(|crossing| crossing.level)
        };
        (0..).zip(values).map(take).collect()
    }

    #[test]
    fn a_level_is_told_once_and_kept_until_it_is_well_below() {
        assert_eq!(
            levels(0, (100, 200), &[100.0, 101.0, 99.0, 150.0, 90.0, 89.9, 95.0, 101.0]),
            [None, Some(Warning), None, None, None, Some(Info), None, Some(Warning)]
        );
    }

    #[test]
    fn both_levels_may_be_crossed_at_once_and_are_left_one_by_one() {
        assert_eq!(
            levels(0, (100, 200), &[500.0, 181.0, 179.0, 95.0, 1.0, 500.0, 1.0]),
            [Some(Critical), None, Some(Warning), None, Some(Info), Some(Critical), Some(Info)]
        );
    }

    #[test]
    fn what_comes_and_goes_within_the_patience_is_not_told() {
        assert_eq!(
            levels(2, (100, 200), &[150.0, 150.0, 50.0, 150.0, 150.0, 150.0, 50.0, 150.0, 50.0, 50.0, 50.0]),
            [None, None, None, None, None, Some(Warning), None, None, None, None, Some(Info)]
        );
        // Only one of the measurements was critical.
        assert_eq!(levels(2, (100, 200), &[150.0, 250.0, 150.0, 150.0]), [None, None, Some(Warning), None]);
    }

    #[test]
    fn a_threshold_that_does_not_exist_is_never_crossed() {
        assert_eq!(levels(0, (0, 0), &[1e9]), [None]);
        assert_eq!(levels(0, (0, 200), &[150.0, 250.0, 100.0]), [None, Some(Critical), Some(Info)]);
        assert_eq!(levels(0, (100, 0), &[1e9]), [Some(Warning)]);
        // The lower of the two need not be the warning.
        assert_eq!(levels(0, (300, 200), &[250.0, 310.0]), [Some(Critical), None]);
        assert!(!Thresholds::new(0, 0).exist() && Thresholds::new(0, 1).exist());
    }
}
