//! The user's settings: `claude-mpm/config.toml` in the configuration folder, or the file that is named by
//! `CLAUDE_MPM_CONFIG`.
//!
//! What is not known in it is an error, so that a slip of the pen is seen. What the settings mean is decided where
//! they are used.

use etcetera::BaseStrategy;
use serde::Deserialize;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Names the file that is read instead; it has to exist.
pub const CONFIG_VARIABLE: &str = "CLAUDE_MPM_CONFIG";
/// Below the configuration folder (`$XDG_CONFIG_HOME`, or `~/.config`).
const PLACE: &str = "claude-mpm/config.toml";
/// Bytes of a configuration.
const MOST: u64 = 1 << 20;

/// All settings; without a file, the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[[ticket]]`: lines of a tool's output that tell of a new ticket.
    #[serde(default, rename = "ticket")]
    pub tickets: Vec<TicketSetting>,
}

/// One `[[ticket]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
    /// Reads the user's file; the defaults where there is none and none is named.
    pub fn load() -> Result<Self, ConfigError> {
        let named = std::env::var_os(CONFIG_VARIABLE).filter(|name| !name.is_empty());
        let folder = etcetera::choose_base_strategy().ok().map(|base| base.config_dir());
        Self::load_from(named, folder)
    }

    fn load_from(named: Option<OsString>, folder: Option<PathBuf>) -> Result<Self, ConfigError> {
        let must_exist = named.is_some();
        let Some(path) = named.map(PathBuf::from).or_else(|| folder.map(|folder| folder.join(PLACE))) else {
            return Ok(Self::default());
        };
        match read(&path) {
            Ok(text) => {
                Self::parse(&text).map_err(|cause| ConfigError::Wrong { path, cause: Box::new(cause) })
            }
            Err(cause) if !must_exist && is_absence(&cause) => Ok(Self::default()),
            Err(cause) => Err(ConfigError::Unreadable { path, cause }),
        }
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

fn is_absence(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A pipe is not opened: it might never have a writer.
fn read(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.file_type().is_fifo() {
        return Err(io::Error::other("it is a pipe"));
    }
    let mut text = String::new();
    File::open(path)?.take(MOST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST { Err(io::Error::other("it is larger than 1 MiB")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(folder: &Path) -> Result<Config, ConfigError> {
        Config::load_from(None, Some(folder.to_owned()))
    }

    #[test]
    fn without_a_file_there_are_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(at(folder.path()).unwrap(), Config::default());
        assert_eq!(at(Path::new("/dev/null")).unwrap(), Config::default());
        assert_eq!(Config::load_from(None, None).unwrap(), Config::default());
        assert_eq!(Config::load_from(Some("/dev/null".into()), None).unwrap(), Config::default());
    }

    #[test]
    fn the_file_is_read_and_another_may_be_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(PLACE);
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, "[[ticket]]\npattern = 'opened (?<id>D\\d+)'\nsystem = \"desk\"\n").unwrap();
        let ticket = TicketSetting { pattern: r"opened (?<id>D\d+)".into(), system: "desk".into() };
        assert_eq!(at(folder.path()).unwrap().tickets.first(), Some(&ticket));
        assert_eq!(Config::load_from(Some(path.into()), None).unwrap().tickets, [ticket]);
        let missing = Config::load_from(Some(folder.path().join("x").into()), None).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read ") && missing.contains("/x: "), "{missing}");
    }

    #[test]
    fn what_is_wrong_is_shown_with_its_line_and_place() {
        for (text, contains) in [
            ("[[ticket]]\npattern = 'x'\nsystem = 'y'\ncolour = 1", "colour"),
            ("[[tickets]]", "tickets"),
            ("[[ticket]]\npattern = 'x'", "system"),
            ("[[ticket]]\npattern = 1\nsystem = 'x'", "2 | pattern = 1"),
            ("ticket = ", "1 | ticket = "),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(contains) && error.contains("^") && error.contains("line"), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_a_configuration_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let large = folder.path().join("large");
        fs::write(&large, "#".repeat(usize::try_from(MOST).unwrap() + 1)).unwrap();
        let binary = folder.path().join("binary");
        fs::write(&binary, [0xff, 0xfe]).unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in [large, binary, pipe, folder.path().to_owned()] {
            let error = Config::load_from(Some(path.into()), None).unwrap_err().to_string();
            assert!(error.starts_with("cannot read "), "{error}");
        }
    }
}
