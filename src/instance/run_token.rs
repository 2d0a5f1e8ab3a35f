//! The token of one run, with the role control: it is in a file of the runtime directory while the instance runs, so
//! that its user's own scripts can read it. In memory only its digest stays.

use super::private::replace;
use super::{Digest, RuntimeDirectory, Secret};
use crate::event::SessionId;
use std::io;
use std::path::{Path, PathBuf};

/// The file with the token. Whoever registers the instance removes it: see [`super::Registration::keep`].
#[derive(Debug, Clone)]
pub struct RunToken {
    path: PathBuf,
    key: RunKey,
}

/// Knows the token of this run again. The role it gives is control.
#[derive(Debug, Clone)]
pub struct RunKey(Digest);

impl RunToken {
    /// Makes a token for the session, in a file for this user alone.
    ///
    /// # Errors
    /// Where the system gives no randomness, or the file cannot be written.
    pub fn create(directory: &RuntimeDirectory, session_id: &SessionId) -> io::Result<Self> {
        let path = directory.token_path(session_id.as_str());
        let path =
            path.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the session id names no file"))?;
        let secret = Secret::mint()?;
        replace(&path, format!("{}\n", secret.reveal()).as_bytes())?;
        Ok(Self { path, key: RunKey(secret.digest()) })
    }

    /// Where the token stands.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What knows it again.
    pub fn key(&self) -> RunKey {
        self.key.clone()
    }
}

impl RunKey {
    /// Whether this is the token; how long that takes tells nothing of it.
    pub fn is(&self, presented: &[u8]) -> bool {
        self.0.equals(&Digest::of(presented)).into()
    }
}

impl RuntimeDirectory {
    /// Where the token of the session's run is.
    pub fn token_path(&self, session_id: &str) -> Option<PathBuf> {
        self.path_of(session_id, "token")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;
    use crate::instance::Instance;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn the_token_of_a_run_is_private_known_again_and_gone_with_the_record() {
        let base = tempfile::tempdir().unwrap();
        let directory = RuntimeDirectory::at(&base.path().join("d")).unwrap();
        let precious = base.path().join("precious");
        fs::write(&precious, "x").unwrap();
        symlink(&precious, directory.token_path("s1").unwrap()).unwrap();
        let instance = record("s1", "web");
        let mut registration = directory.register(&instance).unwrap();
        let token = RunToken::create(&directory, &instance.session_id).unwrap();
        registration.keep(&token);
        assert_eq!(fs::symlink_metadata(token.path()).unwrap().permissions().mode(), 0o100_600);
        let secret = Secret::from_file(token.path()).unwrap();
        assert!(token.key().is(secret.reveal().as_bytes()));
        for wrong in [&b""[..], b"mpm_", &secret.reveal().as_bytes()[1..]] {
            assert!(!token.key().is(wrong));
        }
        drop(registration.for_another());
        assert!(token.path().exists());
        drop(registration);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        assert_eq!(fs::read(&precious).unwrap(), b"x");
    }

    #[test]
    fn the_token_of_a_run_that_was_killed_is_swept_with_its_record() {
        let base = tempfile::tempdir().unwrap();
        let directory = RuntimeDirectory::at(&base.path().join("d")).unwrap();
        let instance = Instance { start_time: 1, ..record("gone", "web") };
        std::mem::forget(directory.register(&instance).unwrap());
        RunToken::create(&directory, &instance.session_id).unwrap();
        assert!(directory.list().is_empty());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
