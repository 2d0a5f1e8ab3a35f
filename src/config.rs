//! The user's settings: what they are and how they are read out of text. What the settings mean is decided where they
//! are used.
//!
//! What is not known in them is an error, so that a slip of the pen is seen.

mod alerts;
mod file;
mod journal;
mod limits;
mod redact;

pub use alerts::AlertSettings;
pub use file::{CONFIG_VARIABLE, ConfigFile};
pub use journal::JournalSettings;
pub use limits::LimitSettings;
pub use redact::{RedactPattern, RedactSettings};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

/// All settings; without a file, the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[[ticket]]`: lines of a tool's output that tell of a new ticket.
    #[serde(default, rename = "ticket")]
    pub tickets: Vec<TicketSetting>,
    /// `[alerts]`: how much is too much.
    #[serde(default)]
    pub alerts: AlertSettings,
    /// `[redact]`: which secrets are hidden.
    #[serde(default)]
    pub redact: RedactSettings,
    /// `[limits]`: what callers of a hub may do.
    #[serde(default)]
    pub limits: LimitSettings,
    /// `[journal]`: how long and how much is kept on disk.
    #[serde(default)]
    pub journal: JournalSettings,
}

/// One `[[ticket]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketSetting {
    /// A regular expression with a group named `id`.
    pub pattern: String,
    /// What such tickets' system is called.
    pub system: String,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is there, or has to be, and cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// It says what is not understood; the cause shows the line and the place in it.
    #[error("cannot understand {}: {cause}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        cause: Box<toml::de::Error>,
    },
}

impl Config {
    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Names of the settings that are different in `other`, in order: `ticket`, `alerts.memory_mb`. What stands for
    /// itself and for a default is the same.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let value = |config: &Self| serde_json::to_value(config).expect("settings are texts and numbers");
        let mut names = Vec::new();
        differ("", &value(self), &value(other), &mut names);
        names
    }
}

/// Tables are looked into, lists are one setting.
fn differ(name: &str, one: &Value, other: &Value, names: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let below = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                let of = |table: &serde_json::Map<String, Value>| table.get(key).cloned().unwrap_or_default();
                differ(&below, &of(one), &of(other), names);
            }
        }
        _ if one != other => names.push(name.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_shown_with_its_line_and_place() {
        for (text, contains) in [
            ("[[ticket]]\npattern = 'x'\nsystem = 'y'\ncolour = 1", "colour"),
            ("[[tickets]]", "tickets"),
            ("[[ticket]]\npattern = 'x'", "system"),
            ("[[ticket]]\npattern = 1\nsystem = 'x'", "2 | pattern = 1"),
            ("ticket = ", "1 | ticket = "),
            ("[alerts]\nmemory = 1", "memory_mb"),
            ("[alerts]\nmemory_mb = -1", "2 | memory_mb = -1"),
            ("[alerts]\ncpu_percent = 'much'", "2 | cpu_percent"),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(contains) && error.contains("^") && error.contains("line"), "{error}");
        }
    }

    #[test]
    fn what_is_different_is_named_and_a_default_that_is_spelt_out_is_not() {
        let parse = |text: &str| Config::parse(text).unwrap();
        let defaults = Config::default();
        assert!(defaults.differences(&parse("[alerts]\nmemory_mb = 4096\nhub_memory_mb = 128")).is_empty());
        let other =
            parse("[[ticket]]\npattern = 'x'\nsystem = 'y'\n[alerts]\nmemory_mb = 1\ncpu_percent = 90");
        let names = ["alerts.cpu_percent", "alerts.memory_mb", "ticket"];
        assert_eq!(defaults.differences(&other), names);
        assert_eq!(other.differences(&defaults), names);
        assert!(other.differences(&other).is_empty());
    }
}
