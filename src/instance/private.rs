//! Directories and files that are this user's alone. What is not surely ours is refused: a link, another user's, a
//! queue or a device, what others may write.
//!
//! Whoever could write there could send a viewer anywhere, and let anybody in. A file is opened without following a
//! link at its end and without waiting; it is replaced as a whole.

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::libc::mode_t;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{FileStat, Mode, fchmod, fstat, mkdirat};
use nix::unistd::geteuid;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PRIVATE: Mode = Mode::S_IRWXU;
/// Permission bits of others.
const OTHERS: u32 = 0o077;
/// Those by which they may write.
const OTHERS_WRITE: u32 = 0o022;
/// Between two attempts to lock.
const ATTEMPT: Duration = Duration::from_millis(5);

/// Why a directory cannot be used. Each text says what to do about it, where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Neither there nor to be made.
    #[error("cannot use directory {}: {cause}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A symbolic link, or no directory at all.
    #[error("cannot use directory {}: it is not a directory but a link or a file", .0.display())]
    NotADirectory(PathBuf),
    /// Another user's.
    #[error("cannot use directory {}: it belongs to uid {owner}", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// There is no place for it: the home directory is not known.
    #[error(
        "cannot find a place for claude-mpm's files: the home directory is not known; set XDG_STATE_HOME to a directory of yours"
    )]
    NoPlace,
    /// Others may look in or write, and that could not be changed.
    #[error("cannot use directory {}: its mode {mode:04o} lets others in", path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: mode_t,
    },
}

/// Makes the directory where there is none, and finds it to be ours.
pub(crate) fn make_directory(path: &Path) -> Result<(), DirectoryError> {
    match mkdirat(nix::fcntl::AT_FDCWD, path, PRIVATE) {
        Ok(()) | Err(Errno::EEXIST) => check_directory(path),
        Err(errno) => Err(failed(path, errno)),
    }
}

/// Makes the directories on the way to ours; those that are there may be anybody's.
pub(crate) fn make_way(path: &Path) -> Result<(), DirectoryError> {
    let made = fs::DirBuilder::new().recursive(true).mode(PRIVATE.bits()).create(path);
    made.map_err(|cause| DirectoryError::Io { path: path.into(), cause })
}

/// Finds the directory with this path to be ours, and closes it to others.
pub(crate) fn check_directory(path: &Path) -> Result<(), DirectoryError> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let directory = open(path, flags, Mode::empty()).map_err(|errno| match errno {
        nix::Error::ENOTDIR | nix::Error::ELOOP => DirectoryError::NotADirectory(path.into()),
        nix::Error::EACCES => foreign_or(path, errno),
        _ => failed(path, errno),
    })?;
    let stat = fstat(&directory).map_err(|errno| failed(path, errno))?;
    if stat.st_uid != geteuid().as_raw() {
        return Err(DirectoryError::Foreign { path: path.into(), owner: stat.st_uid });
    }
    close_to_others(&directory, &stat, path)
}

fn close_to_others(directory: &OwnedFd, stat: &FileStat, path: &Path) -> Result<(), DirectoryError> {
    let others = Mode::S_IRWXG.bits() | Mode::S_IRWXO.bits();
    let closed = stat.st_mode & others == 0;
    if closed || fchmod(directory, PRIVATE).is_ok() {
        return Ok(());
    }
    Err(DirectoryError::Open { path: path.into(), mode: stat.st_mode & 0o7777 })
}

fn foreign_or(path: &Path, errno: nix::Error) -> DirectoryError {
    match nix::sys::stat::lstat(path) {
        Ok(stat) if stat.st_uid != geteuid().as_raw() => {
            DirectoryError::Foreign { path: path.into(), owner: stat.st_uid }
        }
        _ => failed(path, errno),
    }
}

fn failed(path: &Path, errno: nix::Error) -> DirectoryError {
    DirectoryError::Io { path: path.into(), cause: errno.into() }
}

/// Opens a file of ours, not larger than so many bytes. Never through a link, never waiting.
///
/// # Errors
/// What the system said; `InvalidData` where it is no regular file, too large, another's, or open to others.
pub(crate) fn open_private(path: &Path, max_bytes: u64) -> io::Result<File> {
    open_ours(path, max_bytes, refusal)
}

/// The same, also where others may read it, as they may what somebody has copied or restored: what it says is ours.
///
/// # Errors
/// As above, but for that.
pub(crate) fn open_unforged(path: &Path, max_bytes: u64) -> io::Result<File> {
    open_ours(path, max_bytes, |found| refusal_of(found, OTHERS_WRITE))
}

fn open_ours(
    path: &Path,
    max_bytes: u64,
    refusal: impl FnOnce(&fs::Metadata) -> Option<String>,
) -> io::Result<File> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    let refusal = match () {
        () if found.len() > max_bytes => format!("it is larger than {max_bytes} bytes"),
        () => match refusal(&found) {
            None => return Ok(file),
            Some(refusal) => refusal,
        },
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, refusal))
}

/// Makes a file for this user alone, to be appended to and read.
///
/// # Errors
/// `AlreadyExists` where something has its name, a link among others; else what the system said.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits();
    let mut options = OpenOptions::new();
    options.read(true).append(true).create_new(true).mode(0o600).custom_flags(flags).open(path)
}

/// Why a file is not taken for this user's own; the sentence begins with "it".
pub(crate) fn refusal(found: &fs::Metadata) -> Option<String> {
    refusal_of(found, OTHERS)
}

fn refusal_of(found: &fs::Metadata, others: u32) -> Option<String> {
    let mode = found.mode() & 0o7777;
    match () {
        () if !found.is_file() => Some("it is no regular file".into()),
        () if found.uid() != geteuid().as_raw() => Some(format!("it belongs to uid {}", found.uid())),
        () if mode & others != 0 => Some(format!("its mode {mode:04o} lets others in; chmod 600 closes it")),
        () => None,
    }
}

/// Largest file this process may write, bytes (getrlimit(2), `RLIMIT_FSIZE`).
pub(crate) fn size_limit() -> u64 {
    getrlimit(Resource::RLIMIT_FSIZE).map_or(u64::MAX, |(soft, _)| soft)
}

/// Puts these bytes in place of what stands at the path: whole, on the disk, for this user alone.
///
/// # Errors
/// What the system said; what was there stays.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, File::sync_all)?;
    // The name is on the disk once the folder is; some file systems cannot do that, and nothing else can be done.
    if let Some(folder) = path.parent() {
        drop(File::open(folder).and_then(|folder| folder.sync_all()));
    }
    Ok(())
}

/// The same, but that it is on the disk when the system finds time for it: after a power cut it may be as if this was never
/// done.
///
/// # Errors
/// What the system said; what was there stays.
pub(crate) fn replace_soon(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, |_| Ok(()))
}

fn put(path: &Path, bytes: &[u8], settle: fn(&File) -> io::Result<()>) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let draft = folder.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    // Of one that was killed, and had this number.
    drop(fs::remove_file(&draft));
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits();
    let options = OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(flags).clone();
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        settle(&file)?;
        fs::rename(&draft, path)
    });
    if written.is_err() {
        drop(fs::remove_file(&draft));
    }
    written
}

/// Waits so long for the lock of this name, which is made where there is none. It is held until it is dropped, and by
/// the processes that are forked meanwhile. One that others may read, as they may what somebody has restored, is closed to
/// them: nothing stands in it, and its directory keeps them out.
///
/// # Errors
/// What the system said; `InvalidData` where it is no regular file, another's, or others may write to it; `TimedOut` when
/// others hold it all the time.
pub(crate) fn lock(path: &Path, patience: Duration) -> io::Result<Flock<File>> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).bits();
    let options = OpenOptions::new().write(true).create(true).mode(0o600).custom_flags(flags).clone();
    let mut file = options.open(path)?;
    let found = file.metadata()?;
    if let Some(refusal) = refusal_of(&found, OTHERS_WRITE) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{}: {refusal}", path.display())));
    }
    if found.mode() & OTHERS != 0 {
        fchmod(&file, Mode::S_IRUSR | Mode::S_IWUSR)?;
    }
    let deadline = Instant::now() + patience;
    loop {
        file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((file, Errno::EWOULDBLOCK | Errno::EINTR)) => file,
            Err((_, errno)) => return Err(errno.into()),
        };
        if Instant::now() >= deadline {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds its lock"));
        }
        std::thread::sleep(ATTEMPT);
    }
}
