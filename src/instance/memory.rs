//! Small things kept in the runtime directory from one run to the next; losing one costs a little time, no more.

use super::RuntimeDirectory;
use super::registry::{open_ours, write_new};
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

/// Largest thing that is kept, bytes.
const MAX_BYTES: u64 = 64 << 10;

impl RuntimeDirectory {
    /// Keeps `text` under a plain name, for this user alone, in place of what was kept there.
    ///
    /// # Errors
    /// What the system said; what was there stays.
    pub fn keep(&self, name: &str, text: &str) -> io::Result<()> {
        let draft = self.path().join(format!(".{name}.{}", std::process::id()));
        drop(fs::remove_file(&draft));
        let written =
            write_new(&draft, text.as_bytes()).and_then(|()| fs::rename(&draft, self.kept_path(name)));
        if written.is_err() {
            drop(fs::remove_file(&draft));
        }
        written
    }

    /// What is kept under the name; `None` when there is nothing, or nothing that can be ours.
    pub fn kept(&self, name: &str) -> Option<String> {
        let file = open_ours(&self.kept_path(name), MAX_BYTES)?;
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Not `*.json`, as records of instances are.
    fn kept_path(&self, name: &str) -> PathBuf {
        self.path().join(format!("{name}.kept"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_is_kept_is_private_replaced_whole_and_never_read_through_a_link() {
        let base = tempfile::tempdir().unwrap();
        let directory = RuntimeDirectory::at(&base.path().join("d")).unwrap();
        assert_eq!(directory.kept("x"), None);
        directory.keep("x", "one").unwrap();
        directory.keep("x", "two").unwrap();
        assert_eq!(directory.kept("x").as_deref(), Some("two"));
        let mode = fs::metadata(directory.kept_path("x")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(directory.list().is_empty());
        symlink(directory.kept_path("x"), directory.kept_path("y")).unwrap();
        assert_eq!(directory.kept("y"), None);
    }
}
