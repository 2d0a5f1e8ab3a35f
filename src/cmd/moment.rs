//! Times as people write and read them.

use crate::cli::TimeStyle;
use crate::event::Timestamp;
use jiff::tz::TimeZone;
use jiff::{Span, Zoned, civil};

/// Reads a point in time: so long ago (`10m`, `2h 30m`, `1d`), a clock time of today, a local date or date and
/// time, or RFC 3339.
pub(super) fn parse(text: &str, now: &Zoned) -> Option<Timestamp> {
    let text = text.trim();
    // A bare number would be an hour to the library, and is more likely a length without its unit.
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Timestamp::parse_bound(text)
        .or_else(|| text.parse::<civil::DateTime>().ok().and_then(|at| local(at, now)))
        .or_else(|| {
            text.parse::<civil::Time>().ok().and_then(|time| local(now.date().to_datetime(time), now))
        })
        .or_else(|| ago(text, now))
}

/// A time of this place. The last of all have no text, and who names one means for ever.
fn local(at: civil::DateTime, now: &Zoned) -> Option<Timestamp> {
    match at.to_zoned(now.time_zone().clone()) {
        Ok(at) => Some(Timestamp::from_millis(at.timestamp().as_millisecond())),
        Err(_) => (at.year() == civil::Date::MAX.year()).then(Timestamp::latest),
    }
}

fn ago(text: &str, now: &Zoned) -> Option<Timestamp> {
    let span = text.strip_suffix("ago").unwrap_or(text).trim().parse::<Span>().ok()?;
    now.checked_sub(span.abs()).ok().map(|at| Timestamp::from_millis(at.timestamp().as_millisecond()))
}

/// Reads a point in time to come: so long from now (`30d`, `12h`), or as [`parse`] does.
pub(super) fn ahead(text: &str, now: &Zoned) -> Option<Timestamp> {
    let text = text.trim();
    let span = text.parse::<Span>().ok().filter(|_| text.starts_with(|first: char| first.is_ascii_digit()));
    let has_unit = |text: &str| text.bytes().any(|byte| byte.is_ascii_alphabetic());
    match span.filter(|_| has_unit(text)).and_then(|span| now.checked_add(span).ok()) {
        Some(end) => Some(Timestamp::from_millis(end.timestamp().as_millisecond())),
        None => parse(text, now),
    }
}

/// Shows times in one style.
#[derive(Debug)]
pub(super) struct Clock {
    style: TimeStyle,
    zone: TimeZone,
    today: civil::Date,
    first: Option<Timestamp>,
}

impl Clock {
    pub(super) fn new(style: TimeStyle, now: &Zoned) -> Self {
        Self { style, zone: now.time_zone().clone(), today: now.date(), first: None }
    }

    /// The time with a space behind it, or nothing at all.
    pub(super) fn show(&mut self, time: Option<Timestamp>) -> String {
        let Some(time) = time.filter(|_| self.style != TimeStyle::None) else { return String::new() };
        let first = *self.first.get_or_insert(time);
        match self.style {
            TimeStyle::Utc => format!("{time} "),
            TimeStyle::Local => self.local(time).map_or_else(|| format!("{time} "), |local| local + " "),
            TimeStyle::Relative | TimeStyle::None => {
                let millis = time.as_millis().saturating_sub(first.as_millis());
                let sign = if millis < 0 { '-' } else { '+' };
                let millis = millis.unsigned_abs();
                format!("{sign}{}.{:03} ", millis / 1000, millis % 1000)
            }
        }
    }

    /// The clock time; with the date where that is not today's.
    fn local(&self, time: Timestamp) -> Option<String> {
        let at = jiff::Timestamp::from_millisecond(time.as_millis()).ok()?.to_zoned(self.zone.clone());
        let format = if at.date() == self.today { "%H:%M:%S.%3f" } else { "%Y-%m-%d %H:%M:%S.%3f" };
        Some(at.strftime(format).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2026-11-21T12:00:00+01:00[+01:00]".parse().unwrap()
    }

    #[test]
    fn a_time_may_be_written_in_many_ways() {
        for (text, expected) in [
            ("10m", "2026-11-21T10:50:00.000Z"),
            ("2h 30m", "2026-11-21T08:30:00.000Z"),
            ("1d", "2026-11-20T11:00:00.000Z"),
            ("90 seconds ago", "2026-11-21T10:58:30.000Z"),
            ("11:30", "2026-11-21T10:30:00.000Z"),
            ("2026-11-20", "2026-11-19T23:00:00.000Z"),
            ("2026-11-20 08:00", "2026-11-20T07:00:00.000Z"),
            ("2026-11-21T12:00:00.5Z", "2026-11-21T12:00:00.500Z"),
            ("9999-12-31T23:59:59Z", "9999-12-30T22:00:00.000Z"),
            ("9999-12-31", "9999-12-30T22:00:00.000Z"),
            ("9999-12-31 23:59:59", "9999-12-30T22:00:00.000Z"),
        ] {
            assert_eq!(parse(text, &now()).map(|time| time.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "x", "10", "10 parsecs", "25:00"] {
            assert_eq!(parse(text, &now()), None, "{text}");
        }
    }

    #[test]
    fn times_are_shown_in_the_chosen_style() {
        let [first, second] = ["2026-11-20T23:30:00.001Z", "2026-11-20T22:59:59.000Z"].map(Timestamp::parse);
        for (style, expected) in [
            (TimeStyle::Local, ["00:30:00.001 ", "2026-11-20 23:59:59.000 "]),
            (TimeStyle::Utc, ["2026-11-20T23:30:00.001Z ", "2026-11-20T22:59:59.000Z "]),
            (TimeStyle::Relative, ["+0.000 ", "-1801.001 "]),
            (TimeStyle::None, ["", ""]),
        ] {
            let mut clock = Clock::new(style, &now());
            assert_eq!([clock.show(first), clock.show(second)], expected);
        }
    }
}
