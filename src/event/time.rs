//! Points in time as the wire shows them. Reading the clock is not done here.

use jiff::civil;
use jiff::fmt::temporal::Pieces;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Milliseconds since the Unix epoch, UTC; RFC 3339 with exactly three decimals in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Whether RFC 3339 has a text for it here: the last hours of the year 9999, and what is later, have none.
    pub fn has_text(self) -> bool {
        jiff::Timestamp::from_millisecond(self.0).is_ok()
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Milliseconds from `earlier` to `self`; 0 when the clock was set back in between.
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// The latest that has a text.
    pub fn latest() -> Self {
        Self(jiff::Timestamp::MAX.as_second() * 1000)
    }

    /// Parses RFC 3339 (any offset, any number of decimals).
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|time| Self(time.as_millisecond()))
    }

    /// The same for a bound of time. Some write the last second of the year 9999 where they mean for ever: it has no text
    /// here, and the latest that has one means the same.
    pub fn parse_bound(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| is_at_the_end(text).then(Self::latest))
    }
}

/// Whether it is a time of the last year that has a text.
fn is_at_the_end(text: &str) -> bool {
    let is_whole = |parts: Pieces<'_>| parts.time().is_some() && parts.to_numeric_offset().is_some();
    let year = |parts: &Pieces<'_>| parts.date().year();
    Pieces::parse(text).is_ok_and(|parts| year(&parts) == civil::Date::MAX.year() && is_whole(parts))
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        if generator.contract().is_deserialize() {
            return json_schema!({ "type": "string", "format": "date-time", "description": "RFC 3339" });
        }
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^-?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
            "description": "RFC 3339, UTC, milliseconds",
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clamped = self.0.clamp(jiff::Timestamp::MIN.as_millisecond(), Self::latest().0);
        match jiff::Timestamp::from_millisecond(clamped) {
            Ok(time) => write!(out, "{time:.3}"),
            Err(_) => out.write_str("1970-01-01T00:00:00.000Z"),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_three_decimals_and_reads_back() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_706_181_600_007, "2024-01-25T11:20:00.007Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp::from_millis(millis)));
        }
    }

    #[test]
    fn the_end_of_the_year_9999_is_a_bound_though_it_has_no_text() {
        assert!(Timestamp::latest().has_text());
        for text in ["9999-12-31T23:59:59Z", "9999-12-31t23:59:59.9994+01:00", "9999-12-31T23:59:59-23:59"] {
            assert_eq!(
                (Timestamp::parse(text), Timestamp::parse_bound(text)),
                (None, Some(Timestamp::latest()))
            );
        }
        assert_eq!(Timestamp::parse_bound("9998-12-31T23:59:59Z"), Timestamp::parse("9998-12-31T23:59:59Z"));
        for text in ["9999-12-31", "9999-12-31T23:59:59", "9999-12-32T00:00:00Z", "10000-01-01T00:00:00Z"] {
            assert_eq!(Timestamp::parse_bound(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_set_back_gives_no_negative_duration() {
        assert_eq!(Timestamp::from_millis(5).millis_since(Timestamp::from_millis(9)), 0);
    }

    #[test]
    fn extreme_values_still_have_a_text() {
        assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), "9999-12-30T22:00:00.000Z");
        let told =
            [0, 253_402_207_200_000, 253_402_300_799_000].map(|at| Timestamp::from_millis(at).has_text());
        assert_eq!(told, [true, true, false]);
        assert_eq!(Timestamp::from_millis(i64::MIN).to_string(), "-009999-01-02T01:59:59.000Z");
    }
}
