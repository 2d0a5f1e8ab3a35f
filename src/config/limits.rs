//! `[limits]`: how many may come to a hub, how much they may say and how long they may take. What happens at a limit is
//! not decided here.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// Bounds of the server, each within what a hub can work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Connections at the same time, 8 to 65,536; 512.
    #[serde(deserialize_with = "within::<_, 8, 65_536>")]
    pub connections: u64,
    /// Of these, those that have not shown a token and may do nothing without, 1 to 65,536; 64.
    #[serde(deserialize_with = "within::<_, 1, 65_536>")]
    pub unauthenticated: u64,
    /// Bytes of a client's message, 64 KiB (an instance that comes back says so much) to 1 MiB; 64 KiB.
    #[serde(deserialize_with = "within::<_, 65_536, 1_048_576>")]
    pub message_bytes: u64,
    /// The same of a registered component or an instance, 1 MiB to 16 MiB; 1 MiB.
    #[serde(deserialize_with = "within::<_, 1_048_576, 16_777_216>")]
    pub component_message_bytes: u64,
    /// Bytes of a POST of events, 1 KiB to 16 MiB; 4 MiB.
    #[serde(deserialize_with = "within::<_, 1_024, 16_777_216>")]
    pub post_bytes: u64,
    /// Requests of one client a second, on average, 1 to 100,000; 20.
    #[serde(deserialize_with = "within::<_, 1, 100_000>")]
    pub requests_per_second: u64,
    /// The same at once, 1 to 100,000; 40.
    #[serde(deserialize_with = "within::<_, 1, 100_000>")]
    pub burst: u64,
    /// For so long a client may take nothing, 1 to 600; 10.
    #[serde(deserialize_with = "within::<_, 1, 600>")]
    pub write_seconds: u64,
    /// Between two pings, 1 to 60; 20.
    #[serde(deserialize_with = "within::<_, 1, 60>")]
    pub ping_seconds: u64,
    /// For sending the head of a request, 1 to 60; 5.
    #[serde(deserialize_with = "within::<_, 1, 60>")]
    pub head_seconds: u64,
    /// For showing a token, 1 to 60; 5.
    #[serde(deserialize_with = "within::<_, 1, 60>")]
    pub authentication_seconds: u64,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            connections: 512,
            unauthenticated: 64,
            message_bytes: 64 << 10,
            component_message_bytes: 1 << 20,
            post_bytes: 4 << 20,
            requests_per_second: 20,
            burst: 40,
            write_seconds: 10,
            ping_seconds: 20,
            head_seconds: 5,
            authentication_seconds: 5,
        }
    }
}

/// Reads a whole number of this range.
pub(super) fn within<'de, D: Deserializer<'de>, const LEAST: u64, const MOST: u64>(
    deserializer: D,
) -> Result<u64, D::Error> {
    // A negative one is told of in the same words.
    let number = i64::deserialize(deserializer)?;
    match u64::try_from(number) {
        Ok(number) if (LEAST..=MOST).contains(&number) => Ok(number),
        _ => Err(D::Error::custom(format_args!("{number} is not from {LEAST} to {MOST}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const RANGES: [(&str, u64, u64); 11] = [
        ("connections", 8, 65_536),
        ("unauthenticated", 1, 65_536),
        ("message_bytes", 65_536, 1_048_576),
        ("component_message_bytes", 1_048_576, 16_777_216),
        ("post_bytes", 1_024, 16_777_216),
        ("requests_per_second", 1, 100_000),
        ("burst", 1, 100_000),
        ("write_seconds", 1, 600),
        ("ping_seconds", 1, 60),
        ("head_seconds", 1, 60),
        ("authentication_seconds", 1, 60),
    ];

    fn with(name: &str, value: &str) -> Result<Config, toml::de::Error> {
        Config::parse(&format!("[limits]\n{name} = {value}"))
    }

    #[test]
    fn every_limit_has_its_range_and_a_default_within_it() {
        let defaults = serde_json::to_value(LimitSettings::default()).unwrap();
        assert_eq!(defaults.as_object().unwrap().len(), RANGES.len());
        for (name, least, most) in RANGES {
            let default = defaults[name].as_u64().unwrap();
            assert!((least..=most).contains(&default), "{name}");
            assert_eq!(with(name, &default.to_string()).unwrap(), Config::default(), "{name}");
            for fine in [least, most] {
                let read = serde_json::to_value(with(name, &fine.to_string()).unwrap().limits).unwrap();
                assert_eq!(read[name], fine, "{name}");
            }
            for wrong in [(least - 1).to_string(), (most + 1).to_string(), "-1".into()] {
                let error = with(name, &wrong).unwrap_err().to_string();
                let range = format!("{wrong} is not from {least} to {most}");
                assert!(error.contains(&range) && error.contains("line 2"), "{error}");
            }
        }
    }

    #[test]
    fn what_is_no_whole_number_or_no_limit_is_refused() {
        for (name, value, contains) in [
            ("burst", "1.5", "invalid type"),
            ("burst", "'40'", "invalid type"),
            ("burst", "99999999999999999999", "line 2"),
            ("handshakes", "1", "unknown field"),
        ] {
            let error = with(name, value).unwrap_err().to_string();
            assert!(error.contains(contains), "{error}");
        }
    }
}
