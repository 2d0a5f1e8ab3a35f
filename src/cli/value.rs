//! Values of options that are more than a text or a number.

use crate::control::{Key, UnknownKey};
use serde_json::{Map, Value};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::time::Duration;

/// Longest that anything is waited for, seconds: a day.
const LONGEST: u64 = 86_400;
/// Longest grace of a stop or a restart, seconds: a hub takes no longer one.
const LONGEST_GRACE: u64 = 600;

/// Which TCP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortChoice {
    /// The first free one.
    Auto,
    /// This one.
    Number(u16),
}

impl FromStr for PortChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            _ if text == "auto" => Ok(Self::Auto),
            Ok(0) => Err("port 0 is no port; `auto` takes a free one"),
            Ok(port) => Ok(Self::Number(port)),
            Err(_) => Err("it should be a number from 1 to 65535, or `auto`"),
        }
    }
}

impl fmt::Display for PortChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => out.write_str("auto"),
            Self::Number(port) => port.fmt(out),
        }
    }
}

/// Size of a terminal, characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSize {
    /// Width, at least 1.
    pub cols: u16,
    /// Height, at least 1.
    pub rows: u16,
}

impl FromStr for WindowSize {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "it should look like 80x24";
        let (cols, rows) = text.split_once(['x', 'X']).ok_or(FORM)?;
        let number = |text: &str| text.parse().ok().filter(|size| *size > 0).ok_or(FORM);
        Ok(Self { cols: number(cols)?, rows: number(rows)? })
    }
}

/// A numeric address, or `localhost`.
pub(super) fn address(text: &str) -> Result<IpAddr, &'static str> {
    match text {
        "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        _ => text.parse().map_err(|_| "it should be a numeric address, like 127.0.0.1 or ::1"),
    }
}

/// How many events are in memory: enough for those who lag a little, and no more than fit.
pub(super) fn history(text: &str) -> Result<usize, &'static str> {
    let events = text.parse().ok().filter(|events| (100..=1_000_000).contains(events));
    events.ok_or("it should be a number of events, from 100 to 1000000")
}

/// A finite factor above 0.
pub(super) fn speed(text: &str) -> Result<f64, &'static str> {
    let factor = text.parse::<f64>().ok().filter(|factor| factor.is_finite() && *factor > 0.0);
    factor.ok_or("it should be a number above 0")
}

/// A length of time, `30s`, `1m 30s`, or a number of seconds; above 0, a day at most.
pub(super) fn length(text: &str) -> Result<Duration, &'static str> {
    let length = any_length(text).filter(|length| !length.is_zero() && length.as_secs() <= LONGEST);
    length.ok_or("it should look like 30s or 10m, and be no longer than a day")
}

/// The same, 0 too, in whole seconds, 10 minutes at most.
pub(super) fn grace(text: &str) -> Result<Duration, &'static str> {
    let grace =
        any_length(text).filter(|grace| grace.subsec_nanos() == 0 && grace.as_secs() <= LONGEST_GRACE);
    grace.ok_or("it should be a whole number of seconds, 10m at most: 0, 5s")
}

fn any_length(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    text.parse::<jiff::SignedDuration>().ok()?.try_into().ok()
}

/// A length of time in seconds, with or without decimals or a unit; above 0, a day at most.
pub(super) fn pause(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let pause = seconds.or_else(|| any_length(text));
    let fits = |pause: &Duration| !pause.is_zero() && *pause <= Duration::from_secs(LONGEST);
    pause
        .filter(fits)
        .ok_or("it should be a number of seconds above 0, like 2 or 0.5, and no more than a day")
}

/// The name of a key.
pub(super) fn key(text: &str) -> Result<String, UnknownKey> {
    text.parse::<Key>().map(|_| text.to_owned())
}

/// A JSON object.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|cause| format!("it is no JSON object: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_or_refused() {
        assert_eq!("auto".parse(), Ok(PortChoice::Auto));
        assert_eq!("8766".parse(), Ok(PortChoice::Number(8766)));
        assert!(["0", "65536", "", "-1", "x"].iter().all(|text| text.parse::<PortChoice>().is_err()));
        assert_eq!("80x24".parse(), Ok(WindowSize { cols: 80, rows: 24 }));
        assert!(
            ["80", "0x1", "x", "80x24x1", "80x65536"].iter().all(|text| text.parse::<WindowSize>().is_err())
        );
        assert!(["127.0.0.1", "::1", "localhost", "0.0.0.0", "::"].iter().all(|text| address(text).is_ok()));
        assert!(
            ["", "example.com", "192.168.0", "[::1]", "::1%lo"].iter().all(|text| address(text).is_err())
        );
        assert!(["0", "-1", "NaN", "inf", ""].iter().all(|text| speed(text).is_err()));
    }

    #[test]
    fn lengths_are_read_with_and_without_a_unit() {
        let seconds = Duration::from_secs;
        for (text, expected) in [("30s", 30), ("5", 5), ("10m", 600), ("1m 30s", 90), (" 1h ", 3600)] {
            assert_eq!(length(text), Ok(seconds(expected)), "{text}");
        }
        assert_eq!(length("500ms"), Ok(Duration::from_millis(500)));
        assert!(
            ["", "0", "-5s", "s", "5x", "25h", "99999999999999999999"]
                .iter()
                .all(|text| length(text).is_err())
        );
        assert_eq!((grace("0"), grace("10m")), (Ok(seconds(0)), Ok(seconds(600))));
        assert!(["11m", "500ms", "-1s"].iter().all(|text| grace(text).is_err()));
    }

    #[test]
    fn a_pause_may_have_decimals() {
        for (text, millis) in
            [("2", 2000), ("0.5", 500), ("500ms", 500), ("1m", 60_000), ("86400", 86_400_000)]
        {
            assert_eq!(pause(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert!(["", "0", "-1", "NaN", "inf", "86401", "x", "1e99"].iter().all(|text| pause(text).is_err()));
    }

    #[test]
    fn keys_and_objects_are_what_they_are_called() {
        assert_eq!(key("C-c").as_deref(), Ok("C-c"));
        assert!(key("hello").is_err());
        assert!(object(r#"{"a":1}"#).is_ok() && object("[]").is_err() && object("{").is_err());
    }

    #[test]
    fn the_command_is_put_together_rightly() {
        use clap::CommandFactory;
        crate::cli::Cli::command().debug_assert();
    }
}
