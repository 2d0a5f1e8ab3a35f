//! The file of the audit log: appended to, and put aside when it is large, by several processes that take turns.

use super::line::MAX_LINE;
use crate::instance::private::{check_directory, lock, refusal, size_limit};
use nix::fcntl::OFlag;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Size at which it is put aside, bytes.
pub(super) const MAX_FILE: u64 = 4 << 20;
/// How many that were put aside are kept: `audit.log.1` is the newest of them.
pub(super) const KEPT: u32 = 4;
/// How long others who write may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// The file, open from the first line on.
#[derive(Debug)]
pub(super) struct AuditFile {
    path: PathBuf,
    open: Option<File>,
}

impl AuditFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// Finds it to be usable, or says why not.
    pub(super) fn check(&self) -> io::Result<()> {
        open(&self.path).map(drop)
    }

    /// Appends these lines, each by one write.
    ///
    /// # Errors
    /// How many were written, and what kept the next from it.
    pub(super) fn append(&mut self, lines: &[Vec<u8>]) -> Result<(), (usize, io::Error)> {
        if lines.is_empty() {
            return Ok(());
        }
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        check_directory(folder).map_err(|cause| (0, io::Error::other(cause.to_string())))?;
        let _turn = lock(&self.path.with_extension("lock"), PATIENCE).map_err(|cause| (0, cause))?;
        for (count, line) in lines.iter().enumerate() {
            if let Err(cause) = self.append_one(line) {
                // The next time, it is opened anew.
                self.open = None;
                return Err((count, cause));
            }
        }
        Ok(())
    }

    fn append_one(&mut self, line: &[u8]) -> io::Result<()> {
        let (file, size) = self.current(line.len() as u64)?;
        if size + line.len() as u64 > size_limit() {
            // The kernel would end us for trying (SIGXFSZ).
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let written = (&*file).write(line);
        match written {
            Ok(length) if length == line.len() => Ok(()),
            // Half a line is none; nobody else writes meanwhile.
            other => {
                file.set_len(size)?;
                Err(other.err().unwrap_or_else(|| io::ErrorKind::StorageFull.into()))
            }
        }
    }

    /// The file that has this name now, with room for so much more, and its size.
    fn current(&mut self, more: u64) -> io::Result<(&File, u64)> {
        let named = fs::symlink_metadata(&self.path).ok().map(|named| (named.dev(), named.ino()));
        let held = self.open.as_ref().map(File::metadata).transpose()?;
        let is_it = held.as_ref().is_some_and(|held| named == Some((held.dev(), held.ino())));
        if !is_it {
            self.open = None;
        }
        let mut file = match self.open.take() {
            Some(file) => file,
            None => opened_at_an_end(&self.path)?,
        };
        let mut size = file.metadata()?.len();
        if size + more > MAX_FILE {
            put_aside(&self.path)?;
            file = open(&self.path)?;
            size = file.metadata()?.len();
        }
        Ok((self.open.insert(file), size))
    }
}

/// Opens it, and closes it to others where it is ours.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).bits();
    let options =
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).custom_flags(flags).clone();
    let file = options.open(path)?;
    let found = file.metadata()?;
    let is_ours = found.is_file() && found.uid() == nix::unistd::geteuid().as_raw();
    if is_ours && found.mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    match refusal(&file.metadata()?) {
        None => Ok(file),
        Some(refusal) => Err(io::Error::new(io::ErrorKind::InvalidData, refusal)),
    }
}

/// Opens it at the end of a line: who was killed in the middle of one leaves half of it.
fn opened_at_an_end(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    let (size, mut last) = (file.metadata()?.len(), [b'\n']);
    if size > 0 {
        file.read_exact_at(&mut last, size - 1)?;
    }
    if last != *b"\n" && size < size_limit() {
        (&file).write_all(b"\n")?;
    }
    Ok(file)
}

/// `audit.log` becomes `audit.log.1`, that one `audit.log.2`, and so on; the oldest is dropped.
fn put_aside(path: &Path) -> io::Result<()> {
    let aside = |number: u32| path.with_extension(format!("log.{number}"));
    for number in (1..KEPT).rev() {
        match fs::rename(aside(number), aside(number + 1)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
    }
    fs::rename(path, aside(1))
}

const _: () = assert!(MAX_LINE as u64 * 2 < MAX_FILE);
