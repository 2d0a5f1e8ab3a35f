//! Where a document goes: standard output, or a file that is there whole or not at all. Until it is whole it has another name
//! beside it; it is open to this user alone, as what it was made of.

use crate::cmd::calls::{Call, Calls};
use crate::cmd::failure::{Exit, Failure};
use crate::cmd::runtime;
use crate::process::signals::end_self;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// So many characters of the file's name are in the draft's.
const NAMED: usize = 20;

/// Where it goes.
pub(super) struct Outlet {
    out: BufWriter<Box<dyn Write>>,
    draft: Option<Draft>,
    /// As messages name it.
    name: String,
}

/// A file that is not whole yet; it is removed when nothing comes of it.
struct Draft {
    path: PathBuf,
    goal: PathBuf,
    replaces: bool,
}

impl Outlet {
    /// Opens it. What is there is replaced only by `force`; a pipe or a device is written to.
    ///
    /// # Errors
    /// When it cannot be written, or is there.
    pub(super) fn open(path: Option<&Path>, force: bool) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            let out = BufWriter::new(Box::new(io::stdout()) as Box<dyn Write>);
            return Ok(Self { out, draft: None, name: "standard output".into() });
        };
        let name = path.display().to_string();
        let failed = |cause: &dyn std::fmt::Display| {
            Failure::new(Exit::Failed, format!("cannot write {name}: {cause}"))
        };
        let opened = match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(failed(&"it is a directory")),
            Ok(found) if !found.is_file() => {
                OpenOptions::new().write(true).open(path).map(|file| (file, None))
            }
            _ if !force && path.symlink_metadata().is_ok() => {
                return Err(failed(&"it is there already").tip("--force replaces it"));
            }
            _ => Draft::create(path, force).map(|(file, draft)| (file, Some(draft))),
        };
        let (file, draft) = opened.map_err(|cause| failed(&cause))?;
        let out = BufWriter::new(Box::new(file) as Box<dyn Write>);
        Ok(Self { out, draft, name })
    }

    /// Writes some of it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.out.write_all(bytes).map_err(|cause| self.failed(cause))
    }

    /// It is whole.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.out.flush().map_err(|cause| self.failed(cause))?;
        match self.draft.take().map(Draft::finish) {
            Some(Err(cause)) => Err(self.failed(cause)),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// A reader of standard output that has seen enough is no failure, and known by its cause.
    fn failed(&self, cause: io::Error) -> anyhow::Error {
        match cause.kind() {
            io::ErrorKind::BrokenPipe => cause.into(),
            _ => Failure::new(Exit::Failed, format!("cannot write {}: {cause}", self.name)).into(),
        }
    }
}

impl Draft {
    fn create(goal: &Path, replaces: bool) -> io::Result<(File, Self)> {
        let Some(name) = goal.file_name() else { return Err(io::ErrorKind::InvalidInput.into()) };
        // As long as is allowed already, perhaps.
        let beginning: String = name.to_string_lossy().chars().take(NAMED).collect();
        let path = goal.with_file_name(format!(".{beginning}.{}", std::process::id()));
        remove_on_signals(path.clone())?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok((file, Self { path, goal: goal.to_owned(), replaces }))
    }

    fn finish(self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        if self.replaces {
            return fs::rename(&self.path, &self.goal);
        }
        match fs::hard_link(&self.path, &self.goal) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Err(cause),
            // A file system without them: nobody else may have made it in this moment.
            Err(_) => fs::rename(&self.path, &self.goal),
            Ok(()) => Ok(()),
        }
    }
}

/// From now on a signal that ends this process removes the file first.
fn remove_on_signals(path: PathBuf) -> io::Result<()> {
    let runtime = runtime()?;
    let mut calls = {
        let _inside = runtime.enter();
        Calls::catch_ends()?
    };
    let wait = move || {
        if let Call::End(number) = runtime.block_on(calls.next()) {
            drop(fs::remove_file(&path));
            end_self(number);
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map(drop)
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Where it was renamed, nothing has this name.
        drop(fs::remove_file(&self.path));
    }
}
