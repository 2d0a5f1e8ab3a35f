//! `[redact]`: which secrets are hidden, beside those that are known without being told. How, is not decided here.

use regex::RegexBuilder;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Most patterns.
const MAX_PATTERNS: usize = 64;
/// Longest pattern, bytes.
const MAX_PATTERN: usize = 512;
/// Longest name, characters.
const MAX_NAME: usize = 32;
/// Bytes that a compiled pattern may take.
const SIZE: usize = 1 << 20;

/// What is hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedactSettings {
    /// Whether anything is.
    pub enabled: bool,
    /// `[[redact.pattern]]`, at most 64.
    #[serde(rename = "pattern", deserialize_with = "patterns")]
    pub patterns: Vec<RedactPattern>,
}

impl Default for RedactSettings {
    fn default() -> Self {
        Self { enabled: true, patterns: Vec::new() }
    }
}

/// One `[[redact.pattern]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedactPattern {
    /// What is shown in the place of the secret: 1 to 32 of a-z, 0-9 and `_`.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// A regular expression, at most 512 bytes; where it has a group named `secret`, only that is hidden.
    #[serde(deserialize_with = "pattern")]
    pub pattern: String,
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let is_plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if is_plain && (1..=MAX_NAME).contains(&name.len()) {
        return Ok(name);
    }
    Err(D::Error::custom(format_args!("a name is 1 to {MAX_NAME} of a-z, 0-9 and _")))
}

fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let pattern = String::deserialize(deserializer)?;
    if pattern.len() > MAX_PATTERN {
        return Err(D::Error::custom(format_args!("a pattern has at most {MAX_PATTERN} bytes")));
    }
    let built = RegexBuilder::new(&pattern).size_limit(SIZE).dfa_size_limit(SIZE).build();
    match built {
        Ok(regex) if regex.is_match("") => Err(D::Error::custom("a pattern may not match where nothing is")),
        Ok(_) => Ok(pattern),
        Err(cause) => Err(D::Error::custom(cause)),
    }
}

fn patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RedactPattern>, D::Error> {
    struct Bounded;
    impl<'de> Visitor<'de> for Bounded {
        type Value = Vec<RedactPattern>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(out, "[[redact.pattern]], at most {MAX_PATTERNS} times")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut patterns = Vec::new();
            while let Some(pattern) = list.next_element()? {
                if patterns.len() == MAX_PATTERNS {
                    return Err(A::Error::custom(format_args!("at most {MAX_PATTERNS} patterns")));
                }
                patterns.push(pattern);
            }
            Ok(patterns)
        }
    }
    deserializer.deserialize_seq(Bounded)
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn one(name: &str, pattern: &str) -> String {
        format!("[[redact.pattern]]\nname = '{name}'\npattern = '{pattern}'\n")
    }

    #[test]
    fn patterns_are_read_and_without_any_the_known_secrets_are_hidden() {
        let config =
            Config::parse(&format!("[redact]\nenabled = false\n{}", one("badge_1", r"B-\d+"))).unwrap();
        assert!(!config.redact.enabled && config.redact.patterns[0].name == "badge_1");
        assert!(Config::default().redact.enabled && Config::parse(&one("a", "a").repeat(64)).is_ok());
        assert_eq!(Config::default().differences(&config), ["redact.enabled", "redact.pattern"]);
    }

    #[test]
    fn what_cannot_be_a_pattern_is_shown_with_its_line_and_place() {
        for (text, contains) in [
            (one("a", "("), "3 | pattern = '('"),
            (one("a", "x*"), "3 | pattern"),
            (one("a", &"x".repeat(513)), "512"),
            (one("a", r"\w{500}{500}"), "3 | pattern"),
            (one("Badge", "x"), "2 | name = 'Badge'"),
            (one("", "x"), "2 | name"),
            (one(&"a".repeat(33), "x"), "2 | name"),
            (one("a", "a").repeat(65), "at most 64"),
            ("[redact]\nenable = true".into(), "enabled"),
            ("[[redact.pattern]]\nname = 'x'".into(), "pattern"),
        ] {
            let error = Config::parse(&text).unwrap_err().to_string();
            assert!(error.contains(contains) && error.contains('^') && error.contains("line"), "{error}");
        }
    }
}
