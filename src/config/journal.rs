//! `[journal]`: how long what was published is kept on disk, and how much of it. Who removes it is not decided here.

use super::limits::within;
use serde::{Deserialize, Serialize};

/// Bounds of the journals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalSettings {
    /// A journal that was not written to for longer is removed, days, 1 to 3,650; 30.
    #[serde(deserialize_with = "within::<_, 1, 3_650>")]
    pub max_age_days: u64,
    /// All journals together, MiB, 16 to 1,048,576; 2,048. Those of sessions that are over make room.
    #[serde(deserialize_with = "within::<_, 16, 1_048_576>")]
    pub max_total_mb: u64,
    /// One journal, MiB, 16 to 1,048,576; 1,024. Its oldest events make room.
    #[serde(deserialize_with = "within::<_, 16, 1_048_576>")]
    pub max_session_mb: u64,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self { max_age_days: 30, max_total_mb: 2_048, max_session_mb: 1_024 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn every_bound_has_its_range_and_a_default_within_it() {
        let with = |name: &str, value: String| Config::parse(&format!("[journal]\n{name} = {value}"));
        let defaults = serde_json::to_value(JournalSettings::default()).unwrap();
        let ranges =
            [("max_age_days", 1, 3_650), ("max_total_mb", 16, 1_048_576), ("max_session_mb", 16, 1_048_576)];
        assert_eq!(defaults.as_object().unwrap().len(), ranges.len());
        for (name, least, most) in ranges {
            assert!((least..=most).contains(&defaults[name].as_u64().unwrap()), "{name}");
            for fine in [least, most] {
                let read = serde_json::to_value(with(name, fine.to_string()).unwrap().journal).unwrap();
                assert_eq!(read[name], fine, "{name}");
            }
            for wrong in [(least - 1).to_string(), (most + 1).to_string(), "-1".into(), "'x'".into()] {
                let error = with(name, wrong).unwrap_err().to_string();
                assert!(error.contains("line 2"), "{error}");
            }
        }
    }
}
