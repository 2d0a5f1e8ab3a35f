//! Pages that lead a browser on to a hub, in the runtime directory: for this user's eyes, and not for long. What stands
//! in them is not known here.

use super::RuntimeDirectory;
use getrandom::fill;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

const BEGINS: &str = "open-";
const ENDS: &str = ".html";
/// One that is older was left by somebody who could not remove it.
const OLD: Duration = Duration::from_secs(120);

impl RuntimeDirectory {
    /// Writes a page under a new name, mode 0600, and removes old ones that were left.
    ///
    /// # Errors
    /// What the system said.
    pub fn keep_page(&self, text: &str) -> io::Result<PathBuf> {
        self.sweep_pages();
        let mut name = [0; 16];
        fill(&mut name).map_err(io::Error::other)?;
        let path = self.path().join(format!("{BEGINS}{:032x}{ENDS}", u128::from_ne_bytes(name)));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let written = file.write_all(text.as_bytes());
        if written.is_err() {
            drop(fs::remove_file(&path));
        }
        written.map(|()| path)
    }

    /// Whether the page of this name is still there.
    pub fn has_page(&self, name: &str) -> bool {
        is_page(name) && self.path().join(name).exists()
    }

    /// Removes the page of this name; nothing else can be named.
    pub fn remove_page(&self, name: &str) {
        if is_page(name) {
            drop(fs::remove_file(self.path().join(name)));
        }
    }

    fn sweep_pages(&self) {
        for entry in fs::read_dir(self.path()).into_iter().flatten().flatten() {
            let changed = entry.metadata().and_then(|found| found.modified());
            let is_old = changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > OLD));
            if let (true, Some(name)) = (is_old, entry.file_name().to_str()) {
                self.remove_page(name);
            }
        }
    }
}

fn is_page(name: &str) -> bool {
    let middle = name.strip_prefix(BEGINS).and_then(|name| name.strip_suffix(ENDS));
    middle.is_some_and(|middle| !middle.is_empty() && middle.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    #[test]
    fn a_page_is_private_and_old_ones_go() {
        let base = tempfile::tempdir().unwrap();
        let directory = RuntimeDirectory::at(&base.path().join("d")).unwrap();
        let first = directory.keep_page("<p>").unwrap();
        assert_eq!(fs::metadata(&first).unwrap().permissions().mode() & 0o777, 0o600);
        let second = directory.keep_page("").unwrap();
        assert!(first.exists() && second != first);
        let old = SystemTime::now() - OLD * 2;
        OpenOptions::new().write(true).open(&first).unwrap().set_modified(old).unwrap();
        directory.remove_page(directory.keep_page("").unwrap().file_name().unwrap().to_str().unwrap());
        assert!(!first.exists() && second.exists());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn nothing_but_a_page_is_removed() {
        let names = ["open-.html", "open-../x.html", "open-x.html", "s1.json", "/open-0.html", "open-0.htm"];
        assert!(names.iter().all(|name| !is_page(name)) && is_page("open-0af9.html"));
    }
}
