//! Where files of ours are kept, private to one user: records and sockets in the runtime directory, what outlives a
//! boot in the state directory.

use super::private::{self, DirectoryError};
use etcetera::BaseStrategy;
use nix::libc::sockaddr_un;
use nix::sys::stat::SFlag;
use nix::unistd::geteuid;
use std::env;
use std::io;
use std::path::{Path, PathBuf};

const NAME: &str = "claude-mpm";
/// Bytes of `sun_path` without its final zero (unix(7)): 107 on Linux, 103 on macOS.
const SOCKET_PATH_BYTES: usize = size_of::<sockaddr_un>() - std::mem::offset_of!(sockaddr_un, sun_path) - 1;

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
        private::check_directory(&path)?;
        Ok(Some(Self { path }))
    }

    /// The directory with this path, made when it does not exist.
    ///
    /// # Errors
    /// As [`RuntimeDirectory::open`].
    pub fn at(path: &Path) -> Result<Self, DirectoryError> {
        private::make_directory(path)?;
        Ok(Self { path: path.into() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the session's Unix socket goes; `None` when the path would be too long for one, or is no UTF-8 and
    /// could not stand in a record.
    pub fn socket_path(&self, session_id: &str) -> Option<PathBuf> {
        let path = self.path_of(session_id, "sock")?;
        path.to_str().is_some_and(|text| text.len() <= SOCKET_PATH_BYTES).then_some(path)
    }

    /// Where the session keeps a file of this kind; `None` where the id has nothing to name it by.
    pub(super) fn path_of(&self, session_id: &str, kind: &str) -> Option<PathBuf> {
        let short: String = session_id.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        (!short.is_empty()).then(|| self.path.join(format!("{short}.{kind}")))
    }
}

/// The directory of what outlives a boot: `$XDG_STATE_HOME/claude-mpm`, or `~/.local/state/claude-mpm`. It was found to
/// be ours and closed to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDirectory {
    path: PathBuf,
}

impl StateDirectory {
    /// The directory of this user, made when it does not exist, with what is above it.
    ///
    /// # Errors
    /// When it cannot be made or is not surely ours; see [`DirectoryError`].
    pub fn open() -> Result<Self, DirectoryError> {
        Self::at(&Self::place()?)
    }

    /// The directory of this user, where there is one; makes nothing.
    ///
    /// # Errors
    /// As [`StateDirectory::open`].
    pub fn existing() -> Result<Option<Self>, DirectoryError> {
        let path = Self::place()?;
        if path.symlink_metadata().is_err_and(|cause| cause.kind() == io::ErrorKind::NotFound) {
            return Ok(None);
        }
        private::check_directory(&path)?;
        Ok(Some(Self { path }))
    }

    /// Where it is or would be; makes and checks nothing.
    ///
    /// # Errors
    /// When the home directory is not known.
    pub fn place() -> Result<PathBuf, DirectoryError> {
        let base = etcetera::choose_base_strategy().ok().and_then(|base| base.state_dir());
        base.map(|base| base.join(NAME)).ok_or(DirectoryError::NoPlace)
    }

    /// The directory with this path, made when it does not exist.
    ///
    /// # Errors
    /// As [`StateDirectory::open`].
    pub fn at(path: &Path) -> Result<Self, DirectoryError> {
        if let Some(above) = path.parent() {
            private::make_way(above)?;
        }
        private::make_directory(path)?;
        Ok(Self { path: path.into() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Permission bits by which others may write.
const OTHERS_WRITE: nix::libc::mode_t = 0o022;

fn default_path() -> PathBuf {
    let named = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match named.filter(|base| is_usable(base)) {
        Some(base) => base.join(NAME),
        None => PathBuf::from(format!("/tmp/{NAME}-{}", geteuid())),
    }
}

/// Absolute, as the XDG Base Directory Specification asks, a directory, and ours alone: who may write there could put
/// another in the place of what we make below.
fn is_usable(base: &Path) -> bool {
    base.is_absolute()
        && nix::sys::stat::stat(base).is_ok_and(|stat| {
            stat.st_uid == geteuid().as_raw()
                && stat.st_mode & OTHERS_WRITE == 0
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
    fn a_base_where_others_may_write_is_not_used() {
        let base = tempfile::tempdir().unwrap();
        for (mode, usable) in [(0o700, true), (0o755, true), (0o720, false), (0o702, false), (0o1777, false)]
        {
            fs::set_permissions(base.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_usable(base.path()), usable, "{mode:o}");
        }
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
