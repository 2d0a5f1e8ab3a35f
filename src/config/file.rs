//! The settings file: `claude-mpm/config.toml` in the configuration folder, or the file that is named by
//! `CLAUDE_MPM_CONFIG`. It is read here, and it is seen here whether it is another than the one that was read.

use super::{Config, ConfigError};
use etcetera::BaseStrategy;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Names the file that is read instead; it has to exist.
pub const CONFIG_VARIABLE: &str = "CLAUDE_MPM_CONFIG";
/// Below the configuration folder (`$XDG_CONFIG_HOME`, or `~/.config`).
const PLACE: &str = "claude-mpm/config.toml";
/// Bytes of a configuration.
const MOST: u64 = 1 << 20;

/// What tells one state of a file from another: device, inode, size, and the times of its content and its status, ns.
type Stamp = Result<(u64, u64, u64, (i64, i64), (i64, i64)), io::ErrorKind>;

/// Where the settings are, and which state of them was read.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    must_exist: bool,
    read: Option<Stamp>,
}

impl ConfigFile {
    /// The user's file, whether it exists or not; `None` where no place for it is known.
    pub fn of_user() -> Option<Self> {
        let named = std::env::var_os(CONFIG_VARIABLE).filter(|name| !name.is_empty());
        let folder = etcetera::choose_base_strategy().ok().map(|base| base.config_dir());
        Self::at(named, folder)
    }

    fn at(named: Option<OsString>, folder: Option<PathBuf>) -> Option<Self> {
        let must_exist = named.is_some();
        let path = named.map(PathBuf::from).or_else(|| folder.map(|folder| folder.join(PLACE)))?;
        // Whoever goes on for us may do so in another directory.
        let path = std::path::absolute(&path).unwrap_or(path);
        Some(Self { path, must_exist, read: None })
    }

    /// Its path, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; the defaults where it need not exist and does not.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn load(&mut self) -> Result<Config, ConfigError> {
        // Before it is read: what changes meanwhile is seen as a change.
        self.read = Some(stamp(&self.path));
        match read(&self.path) {
            Ok(text) => Config::parse(&text)
                .map_err(|cause| ConfigError::Wrong { path: self.path.clone(), cause: Box::new(cause) }),
            Err(cause) if !self.must_exist && is_absence(&cause) => Ok(Config::default()),
            Err(cause) => Err(ConfigError::Unreadable { path: self.path.clone(), cause }),
        }
    }

    /// Whether it is another now than the one that was read last, by its inode, size and times.
    pub fn is_changed(&self) -> bool {
        self.read != Some(stamp(&self.path))
    }
}

fn stamp(path: &Path) -> Stamp {
    let found = fs::metadata(path).map_err(|cause| cause.kind())?;
    let modified = (found.mtime(), found.mtime_nsec());
    Ok((found.dev(), found.ino(), found.size(), modified, (found.ctime(), found.ctime_nsec())))
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
    use super::super::TicketSetting;
    use super::*;

    fn at(folder: &Path) -> Result<Config, ConfigError> {
        ConfigFile::at(None, Some(folder.to_owned())).unwrap().load()
    }

    fn named(path: impl Into<OsString>) -> Result<Config, ConfigError> {
        ConfigFile::at(Some(path.into()), None).unwrap().load()
    }

    #[test]
    fn without_a_file_there_are_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(at(folder.path()).unwrap(), Config::default());
        assert_eq!(at(Path::new("/dev/null")).unwrap(), Config::default());
        assert!(ConfigFile::at(None, None).is_none());
        assert_eq!(named("/dev/null").unwrap(), Config::default());
    }

    #[test]
    fn the_file_is_read_and_another_may_be_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(PLACE);
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, "[[ticket]]\npattern = 'opened (?<id>D\\d+)'\nsystem = \"desk\"\n").unwrap();
        let ticket = TicketSetting { pattern: r"opened (?<id>D\d+)".into(), system: "desk".into() };
        assert_eq!(at(folder.path()).unwrap().tickets.first(), Some(&ticket));
        assert_eq!(named(path).unwrap().tickets, [ticket]);
        let missing = named(folder.path().join("x")).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read ") && missing.contains("/x: "), "{missing}");
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
            let error = named(path).unwrap_err().to_string();
            assert!(error.starts_with("cannot read "), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_written_replaced_or_gone_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(PLACE);
        let mut file = ConfigFile::at(None, Some(folder.path().to_owned())).unwrap();
        assert!(file.is_changed());
        let settles = |file: &mut ConfigFile| {
            let changed = file.is_changed();
            file.load().unwrap();
            (changed, file.is_changed())
        };
        settles(&mut file);
        fs::create_dir(path.parent().unwrap()).unwrap();
        assert!(!file.is_changed());
        fs::write(&path, "# one").unwrap();
        assert_eq!(settles(&mut file), (true, false));
        fs::write(folder.path().join("new"), "# two").unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(settles(&mut file), (true, false));
        fs::write(&path, "# longer").unwrap();
        assert_eq!(settles(&mut file), (true, false));
        fs::remove_file(&path).unwrap();
        assert_eq!(settles(&mut file), (true, false));
    }
}
