//! A version of claude: as `--version` prints it, as a package states it, as an installation is named.

use std::fmt;
use std::path::Path;

/// `MAJOR.MINOR.PATCH`, ordered as numbers. What stands behind it, as in `2.1.0-beta.1`, is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// A version by its numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Reads the first word of a text: `2.1.197 (Claude Code)`, `2.1.197`. `None` when that is no version.
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.split_whitespace().next()?;
        let numbers = word.split(['-', '+']).next()?;
        let mut parts = numbers.split('.').map(number);
        let version = Self::new(parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(version)
    }

    /// The version a `package.json` states. `None` when it is none, or states no version.
    pub fn of_package(json: &str) -> Option<Self> {
        let package: serde_json::Value = serde_json::from_str(json).ok()?;
        Self::parse(package.get("version")?.as_str()?)
    }

    /// The version of a native installation, whose program is `…/claude/versions/2.1.197`, links resolved.
    pub fn of_native_install(program: &Path) -> Option<Self> {
        let folder = program.parent()?;
        folder.ends_with("claude/versions").then(|| Self::parse(program.file_name()?.to_str()?))?
    }
}

/// Digits only: `u32` would take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_first_word() {
        for (text, expected) in [
            ("2.1.197 (Claude Code)", Some(Version::new(2, 1, 197))),
            ("2.1.197\n", Some(Version::new(2, 1, 197))),
            ("2.1.0-beta.1 (Claude Code)", Some(Version::new(2, 1, 0))),
            ("2.1", None),
            ("2.1.1.1", None),
            ("+2.1.1", None),
            ("v2.1.1", None),
            ("claude 2.1.1", None),
            ("4294967296.0.0", None),
            ("", None),
        ] {
            assert_eq!(Version::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn versions_are_ordered_as_numbers() {
        let parsed = |text| Version::parse(text).unwrap();
        assert!(parsed("2.1.63") < parsed("2.1.197"));
        assert!(parsed("2.9.9") < parsed("2.10.0"));
        assert_eq!(parsed("2.1.63").to_string(), "2.1.63");
    }

    #[test]
    fn an_installation_states_its_version() {
        let native = |path: &str| Version::of_native_install(Path::new(path));
        assert_eq!(native("/home/u/.local/share/claude/versions/2.1.197"), Some(Version::new(2, 1, 197)));
        assert_eq!(native("/home/u/.local/share/other/versions/2.1.197"), None);
        assert_eq!(native("/home/u/.local/share/claude/versions/latest"), None);
        let package = r#"{"name":"@anthropic-ai/claude-code","version":"2.1.197"}"#;
        assert_eq!(Version::of_package(package), Some(Version::new(2, 1, 197)));
        assert_eq!(Version::of_package(r#"{"version":2}"#), None);
        assert_eq!(Version::of_package("{"), None);
    }
}
