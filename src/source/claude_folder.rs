//! Claude's configuration folder: where it keeps what, and which paths and files in it are believed.
//!
//! Paths come from hooks, which anybody on the machine could imitate, so a path only counts where it leads to a file
//! of ours that stands where claude keeps its transcripts. Files are read here and never written.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

/// Longest folder name claude makes of a working directory; beyond it, it adds a hash nobody else can know.
const MAX_ENCODED: usize = 200;

/// Longest path there can be, bytes (PATH_MAX).
pub(super) const MAX_PATH: usize = 4096;

/// The folder: `$CLAUDE_CONFIG_DIR`, else `$HOME/.claude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaudeFolder(PathBuf);

impl ClaudeFolder {
    /// At this path; it need not exist yet.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where running claudes say how they are.
    pub fn sessions(&self) -> PathBuf {
        self.0.join("sessions")
    }

    /// Where transcripts are.
    pub fn projects(&self) -> PathBuf {
        self.0.join("projects")
    }

    /// The transcript of a session that was started in `cwd`; `None` where its path cannot be known. `claude_session`
    /// has been checked to be an id.
    pub fn transcript(&self, cwd: &Path, claude_session: &str) -> Option<PathBuf> {
        let folder = encoded(cwd.to_str()?);
        let known = cwd.is_absolute() && folder.len() <= MAX_ENCODED;
        known.then(|| self.projects().join(folder).join(format!("{claude_session}.jsonl")))
    }

    /// Whether `path` can be that of a transcript, by its form.
    ///
    /// # Errors
    /// Says why not.
    pub fn check(&self, path: &Path) -> Result<(), String> {
        let refuse = |cause: &str| Err(format!("cannot follow transcript {}: {cause}", path.display()));
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::RootDir);
        if !path.is_absolute() || !path.components().all(plain) {
            return refuse("its path is not absolute and plain");
        }
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            return refuse("it is no .jsonl file");
        }
        if !self.holds(path) {
            return refuse("it is not below claude's projects folder");
        }
        Ok(())
    }

    /// Below the projects folder, whatever links lead there.
    fn holds(&self, path: &Path) -> bool {
        let projects = self.projects();
        let real = |path: &Path| path.canonicalize().ok();
        match (real(&projects), path.parent().and_then(real)) {
            (Some(projects), Some(folder)) => folder.starts_with(projects),
            // Nothing stands there yet, so nothing can be read; when it does, it is looked at again.
            _ => path.starts_with(projects),
        }
    }

    /// Opens a file to read it.
    ///
    /// # Errors
    /// `NotFound` where it does not exist yet; `PermissionDenied` where it is none that is read: a link, no regular
    /// file, not ours, or not below the projects folder.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        let file = open_own(path)?;
        if !self.holds(path) {
            return Err(refused("it is not below claude's projects folder"));
        }
        Ok(file)
    }
}

/// Opens a regular file of ours, and no link to one.
///
/// # Errors
/// As above.
pub fn open_own(path: &Path) -> io::Result<File> {
    // Opening alone does something to some of what is no regular file: it lets a writer of a FIFO go on.
    let there = path.symlink_metadata()?;
    if !there.is_file() {
        return Err(refused(if there.is_symlink() { "it is a link" } else { "it is no regular file" }));
    }
    let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits()).open(path) {
        Err(error) if error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32) => {
            return Err(refused("it is a link"));
        }
        opened => opened?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(refused("it is no regular file"));
    }
    if metadata.uid() != nix::unistd::geteuid().as_raw() {
        return Err(refused("it belongs to somebody else"));
    }
    Ok(file)
}

fn refused(cause: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, cause)
}

/// Claude's name of the folder for a working directory: everything but ASCII letters and digits becomes `-`, once per
/// UTF-16 unit.
fn encoded(cwd: &str) -> String {
    let keep = |character: char| character.is_ascii_alphanumeric();
    let name = |character: char| {
        if keep(character) { character.to_string() } else { "-".repeat(character.len_utf16()) }
    };
    cwd.chars().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn folder() -> (tempfile::TempDir, ClaudeFolder) {
        let home = tempfile::tempdir().unwrap();
        let folder = ClaudeFolder::new(home.path().join(".claude"));
        fs::create_dir_all(folder.projects().join("-p")).unwrap();
        (home, folder)
    }

    #[test]
    fn a_working_directory_is_named_as_claude_names_it() {
        let folder = ClaudeFolder::new("/h/.claude".into());
        let transcript = |cwd: &str| folder.transcript(Path::new(cwd), "s");
        assert_eq!(transcript("/home/u/a_b"), Some("/h/.claude/projects/-home-u-a-b/s.jsonl".into()));
        assert_eq!(transcript("/é𝒳"), Some("/h/.claude/projects/----/s.jsonl".into()));
        assert_eq!(transcript("relative"), None);
        assert_eq!(transcript(&format!("/{}", "x".repeat(MAX_ENCODED))), None);
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        let (home, folder) = folder();
        let inside = folder.projects().join("-p/s.jsonl");
        assert_eq!(folder.check(&inside), Ok(()));
        symlink(home.path(), folder.projects().join("-out")).unwrap();
        let refused = [
            PathBuf::from("s.jsonl"),
            home.path().join("s.jsonl"),
            folder.projects().join("../s.jsonl"),
            folder.projects().join("-p/s.txt"),
            folder.projects().join("-out/s.jsonl"),
            folder.projects(),
            PathBuf::new(),
        ];
        for path in refused {
            assert!(folder.check(&path).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn a_configuration_folder_behind_a_link_is_as_good_as_any() {
        let (home, folder) = folder();
        let link = home.path().join("link");
        symlink(folder.path(), &link).unwrap();
        assert_eq!(ClaudeFolder::new(link.clone()).check(&folder.projects().join("-p/s.jsonl")), Ok(()));
        assert_eq!(folder.check(&link.join("projects/-p/s.jsonl")), Ok(()));
    }

    #[test]
    fn only_regular_files_that_are_no_links_are_opened() {
        let (_home, folder) = folder();
        let path = |name: &str| folder.projects().join("-p").join(name);
        fs::write(path("s.jsonl"), "x").unwrap();
        symlink(path("s.jsonl"), path("link.jsonl")).unwrap();
        fs::create_dir(path("folder.jsonl")).unwrap();
        nix::unistd::mkfifo(&path("fifo.jsonl"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(folder.open(&path("s.jsonl")).is_ok());
        let kind = |name: &str| folder.open(&path(name)).unwrap_err().kind();
        assert_eq!(kind("missing.jsonl"), io::ErrorKind::NotFound);
        for name in ["link.jsonl", "folder.jsonl", "fifo.jsonl"] {
            assert_eq!(kind(name), io::ErrorKind::PermissionDenied, "{name}");
        }
    }
}
