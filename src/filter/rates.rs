//! How many events of each type a client wants a second, by channel patterns. What becomes of those beyond is the server's.

use super::Pattern;

/// The lowest rate: once in 100 seconds.
pub const MIN_RATE: f64 = 0.01;
/// The highest, a second.
pub const MAX_RATE: f64 = 1e6;

/// Rates; the most exact pattern counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rates(Vec<(Pattern, f64)>);

impl Rates {
    /// Each of the patterns with its rate; `None` when a rate is not from [`MIN_RATE`] to [`MAX_RATE`].
    pub fn new(mut rates: Vec<(Pattern, f64)>) -> Option<Self> {
        if rates.iter().any(|(_, rate)| !(MIN_RATE..=MAX_RATE).contains(rate)) {
            return None;
        }
        rates.sort_by_key(|(pattern, _)| std::cmp::Reverse(exactness(pattern)));
        Some(Self(rates))
    }

    /// One rate for all types.
    pub fn all(rate: f64) -> Option<Self> {
        Self::new(vec![(Pattern::All, rate)])
    }

    /// Whether nothing is bounded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each pattern with its rate, the most exact first.
    pub fn iter(&self) -> impl Iterator<Item = (&Pattern, f64)> {
        self.0.iter().map(|(pattern, rate)| (pattern, *rate))
    }

    /// Events of this type a second; `None` where they are not bounded.
    pub fn of(&self, channel: &str) -> Option<f64> {
        self.0.iter().find(|(pattern, _)| pattern.matches(channel)).map(|(_, rate)| *rate)
    }
}

fn exactness(pattern: &Pattern) -> usize {
    match pattern {
        Pattern::All => 0,
        Pattern::Below(prefix) => prefix.len(),
        Pattern::Exact(_) => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_pattern_counts() {
        let rates = [("*", 1.0), ("agent.status", 4.0), ("agent.*", 2.0), ("agent.sub.*", 3.0)];
        let rates = rates.map(|(pattern, rate)| (Pattern::parse(pattern).unwrap(), rate));
        let rates = Rates::new(rates.to_vec()).unwrap();
        for (channel, expected) in
            [("agent.status", 4.0), ("agent.sub.x", 3.0), ("agent.x", 2.0), ("claude.output", 1.0)]
        {
            assert_eq!(rates.of(channel), Some(expected), "{channel}");
        }
        assert_eq!(Rates::default().of("agent.x"), None);
    }

    #[test]
    fn rates_that_are_none_are_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9, 1e9] {
            assert_eq!(Rates::all(rate), None, "{rate}");
        }
        assert!(Rates::all(0.01).is_some() && Rates::all(1e6).is_some());
    }
}
