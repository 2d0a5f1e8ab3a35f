//! The runtime directory: where records and sockets are kept, private to one user.
//!
//! Whoever could write there could send a viewer anywhere, so a directory that is not surely ours is refused.

use nix::fcntl::{OFlag, open};
use nix::libc::{mode_t, sockaddr_un};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, mkdirat};
use nix::unistd::geteuid;
use std::env;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

const NAME: &str = "claude-mpm";
const PRIVATE: Mode = Mode::S_IRWXU;
/// Bytes of `sun_path` without its final zero (unix(7)): 107 on Linux, 103 on macOS.
const SOCKET_PATH_BYTES: usize = size_of::<sockaddr_un>() - std::mem::offset_of!(sockaddr_un, sun_path) - 1;

/// Why the runtime directory cannot be used. Each text says what to do about it, where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Neither there nor to be made.
    #[error("cannot use runtime directory {}: {cause}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A symbolic link, or no directory at all.
    #[error("cannot use runtime directory {}: it is not a directory but a link or a file", .0.display())]
    NotADirectory(PathBuf),
    /// Another user's.
    #[error("cannot use runtime directory {}: it belongs to uid {owner}", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// Others may look in or write, and that could not be changed.
    #[error("cannot use runtime directory {}: its mode {mode:04o} lets others in", path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: mode_t,
    },
}

/// A directory that was found to be ours and closed to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeDirectory {
    path: PathBuf,
}

impl RuntimeDirectory {
    /// The directory of this user, made when it does not exist: `$XDG_RUNTIME_DIR/claude-mpm`, or where that
    /// variable names no directory of ours, `/tmp/claude-mpm-UID`.
    ///
    /// # Errors
    /// When it cannot be made or is not surely ours; see [`DirectoryError`].
    pub fn open() -> Result<Self, DirectoryError> {
        Self::at(&default_path())
    }

    /// The directory of this user, where there is one; makes nothing.
    ///
    /// # Errors
    /// As [`RuntimeDirectory::open`].
    pub fn existing() -> Result<Option<Self>, DirectoryError> {
        let path = default_path();
        if path.symlink_metadata().is_err_and(|cause| cause.kind() == io::ErrorKind::NotFound) {
            return Ok(None);
        }
        Self::checked(&path).map(Some)
    }

    /// The directory with this path, made when it does not exist.
    ///
    /// # Errors
    /// As [`RuntimeDirectory::open`].
    pub fn at(path: &Path) -> Result<Self, DirectoryError> {
        match mkdirat(nix::fcntl::AT_FDCWD, path, PRIVATE) {
            Ok(()) | Err(nix::Error::EEXIST) => Self::checked(path),
            Err(errno) => Err(failed(path, errno)),
        }
    }

    fn checked(path: &Path) -> Result<Self, DirectoryError> {
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
        close_to_others(&directory, &stat, path)?;
        Ok(Self { path: path.into() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the session's Unix socket goes; `None` when the path would be too long for one, or is no UTF-8 and
    /// could not stand in a record.
    pub fn socket_path(&self, session_id: &str) -> Option<PathBuf> {
        let short: String = session_id.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        let path = self.path.join(format!("{short}.sock"));
        let fits = path.to_str().is_some_and(|text| text.len() <= SOCKET_PATH_BYTES);
        (fits && !short.is_empty()).then_some(path)
    }
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

fn default_path() -> PathBuf {
    let named = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match named.filter(|base| is_usable(base)) {
        Some(base) => base.join(NAME),
        None => PathBuf::from(format!("/tmp/{NAME}-{}", geteuid())),
    }
}

/// Absolute, as the XDG Base Directory Specification asks, a directory, and ours.
fn is_usable(base: &Path) -> bool {
    base.is_absolute()
        && nix::sys::stat::stat(base).is_ok_and(|stat| {
            stat.st_uid == geteuid().as_raw()
                && SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFDIR
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn it_is_made_private_and_made_private_again() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("d");
        RuntimeDirectory::at(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        RuntimeDirectory::at(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
    }

    #[test]
    fn a_link_or_a_file_in_its_place_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let (link, file) = (base.path().join("link"), base.path().join("file"));
        symlink(base.path(), &link).unwrap();
        fs::write(&file, "").unwrap();
        for path in [link, file] {
            let refused = RuntimeDirectory::at(&path).unwrap_err();
            assert!(matches!(refused, DirectoryError::NotADirectory(_)), "{refused}");
        }
    }

    #[test]
    fn another_users_directory_is_refused() {
        if !geteuid().is_root() {
            return;
        }
        let base = tempfile::tempdir().unwrap();
        nix::unistd::chown(base.path(), Some(4242.into()), None).unwrap();
        let refused = RuntimeDirectory::at(base.path()).unwrap_err();
        assert!(matches!(refused, DirectoryError::Foreign { owner: 4242, .. }), "{refused}");
    }

    #[test]
    fn a_socket_path_that_would_not_fit_is_none() {
        let directory = RuntimeDirectory { path: "/run/user/1000/claude-mpm".into() };
        let path = directory.socket_path("0a1b2c3d-4e5f-6789-abcd-ef0123456789").unwrap();
        assert_eq!(path, Path::new("/run/user/1000/claude-mpm/0a1b2c3d4e5f6789.sock"));
        let long = RuntimeDirectory { path: format!("/{}", "x".repeat(100)).into() };
        assert_eq!(long.socket_path("0a1b2c3d"), None);
        assert_eq!(directory.socket_path("/../"), None);
    }
}
