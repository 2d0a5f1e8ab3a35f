//! One of claude's settings files: where it is, what stands in it, and how it is replaced as a whole.
//!
//! It is another program's file, so whatever is not understood is refused and left as it is.

use crate::claude::settings;
use crate::cli::HookPlace;
use crate::cmd::failure::{Exit, Failure};
use serde_json::{Value, json};
use std::env;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Largest file that is taken for settings, bytes.
const MAX_BYTES: u64 = 16 << 20;
/// What the name of the copy made before the first change ends in.
const COPY: &str = ".before-claude-mpm";

/// A settings file and what stands in it.
#[derive(Debug)]
pub(super) struct SettingsFile {
    /// Where it is; the file itself where that is a link.
    path: PathBuf,
    /// Of the file that is there.
    mode: Option<u32>,
    /// What stands in it; an empty object where there is none.
    pub(super) settings: Value,
}

impl SettingsFile {
    /// Reads it.
    pub(super) fn load(place: HookPlace) -> Result<Self, Failure> {
        let named = path_of(place)?;
        let path = named.canonicalize().unwrap_or(named);
        let cannot =
            |cause: &str| Failure::new(Exit::Failed, format!("cannot read {}: {cause}", path.display()));
        let found = match path.metadata() {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path, mode: None, settings: json!({}) });
            }
            found => found.map_err(|cause| cannot(&cause.to_string()))?,
        };
        if !found.is_file() || found.len() > MAX_BYTES {
            return Err(cannot("it is no file, or too large for settings"));
        }
        let text = fs::read_to_string(&path).map_err(|cause| cannot(&cause.to_string()))?;
        let settings = match text.trim() {
            "" => Some(json!({})),
            text => settings::parse(text),
        };
        let settings = settings.ok_or_else(|| {
            cannot("it is not valid JSON, or no object").tip("mend it first; it was not touched")
        })?;
        Ok(Self { path, mode: Some(found.permissions().mode()), settings })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is such a file.
    pub(super) fn exists(&self) -> bool {
        self.mode.is_some()
    }

    /// Puts the settings in the place of the file, all at once; the first time, a copy of it is kept.
    pub(super) fn store(&self) -> Result<(), Failure> {
        let cannot = |cause: io::Error| {
            Failure::new(Exit::Failed, format!("cannot write {}: {cause}", self.path.display()))
        };
        let text = serde_json::to_string_pretty(&self.settings).map_err(|cause| cannot(cause.into()))? + "\n";
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(cannot)?;
        }
        self.keep_copy().map_err(cannot)?;
        let draft = with_suffix(&self.path, &format!(".claude-mpm.{}", std::process::id()));
        let replaced = self.write(&draft, text.as_bytes()).and_then(|()| fs::rename(&draft, &self.path));
        if replaced.is_err() {
            drop(fs::remove_file(&draft));
        }
        replaced.map_err(cannot)
    }

    fn write(&self, draft: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
        file.write_all(bytes)?;
        // What claude makes is readable as the umask has it; settings may hold keys, so ours is not.
        file.set_permissions(fs::Permissions::from_mode(self.mode.unwrap_or(0o600)))?;
        file.sync_all()
    }

    fn keep_copy(&self) -> io::Result<()> {
        let Some(mode) = self.mode else { return Ok(()) };
        let copy = with_suffix(&self.path, COPY);
        match OpenOptions::new().write(true).create_new(true).mode(mode & 0o777).open(&copy) {
            Ok(mut file) => file.write_all(&fs::read(&self.path)?),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(cause) => Err(cause),
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn path_of(place: HookPlace) -> Result<PathBuf, Failure> {
    if place.project || place.local {
        let name = if place.local { "settings.local.json" } else { "settings.json" };
        return Ok(Path::new(".claude").join(name));
    }
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("CLAUDE_CONFIG_DIR").or_else(|| Some(set("HOME")?.join(".claude")));
    folder.map(|folder| folder.join("settings.json")).ok_or_else(|| {
        Failure::new(Exit::Failed, "cannot find claude's settings: HOME is not set")
            .tip("use --project or --local")
    })
}
