//! The records of running instances, one file each.
//!
//! A reader trusts nothing in the directory: only regular files of ours of a sane size are opened, never through a
//! link and never waiting. Records whose process is gone are swept.

use super::{Instance, RunToken, RuntimeDirectory};
use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Largest record that is read, bytes.
const MAX_RECORD_BYTES: u64 = 64 << 10;
const MAX_SESSION_ID_BYTES: usize = 128;

/// Keeps the record of an instance; dropping it removes record, socket and token. In a process forked off afterwards the
/// copy of the guard does nothing.
#[derive(Debug)]
#[must_use = "the record is removed when this is dropped"]
pub struct Registration {
    record: PathBuf,
    socket: Option<PathBuf>,
    token: Option<PathBuf>,
    owner: u32,
}

impl Registration {
    /// Keeps the token of the run as well.
    pub fn keep(&mut self, token: &RunToken) {
        self.token = Some(token.path().into());
    }

    /// From now on this process keeps the record: it was forked off, and goes on for the one that made it.
    pub fn adopt(&mut self) {
        self.owner = std::process::id();
    }

    /// The same record, for a forked process that adopts it should this one be gone. Until then it keeps nothing.
    pub fn for_another(&self) -> Self {
        let Self { record, socket, token, owner: _ } = self;
        Self { record: record.clone(), socket: socket.clone(), token: token.clone(), owner: 0 }
    }

    /// The record stays: another process has adopted it.
    pub fn leave_behind(self) {
        std::mem::forget(self);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if self.owner != std::process::id() {
            return;
        }
        // Already gone is as good; anything else is swept by the next reader.
        for path in self.socket.iter().chain(&self.token).chain([&self.record]) {
            drop(fs::remove_file(path));
        }
    }
}

impl RuntimeDirectory {
    /// Writes the instance's record, in place of an earlier one of the same session.
    ///
    /// # Errors
    /// `InvalidInput` when the session id cannot be a file name; otherwise what the system said.
    pub fn register(&self, instance: &Instance) -> io::Result<Registration> {
        let record = self.record_path(instance.session_id.as_str())?;
        let draft = self.path().join(format!(".{}.{}", instance.session_id, std::process::id()));
        drop(fs::remove_file(&draft));
        let written =
            write_new(&draft, &serde_json::to_vec(instance)?).and_then(|()| fs::rename(&draft, &record));
        if written.is_err() {
            drop(fs::remove_file(&draft));
        }
        written?;
        let socket = instance.socket.clone();
        Ok(Registration { record, socket, token: None, owner: std::process::id() })
    }

    /// The running instances, the oldest first. Records of processes that are gone are removed; whatever else lies
    /// there is passed over.
    pub fn list(&self) -> Vec<Instance> {
        let entries = fs::read_dir(self.path()).into_iter().flatten().flatten();
        let mut running: Vec<Instance> = entries.filter_map(|entry| self.visit(&entry.path())).collect();
        running.sort_by_key(|instance| (instance.started_at, instance.pid));
        running
    }

    /// The running instance of that session. Unlike [`RuntimeDirectory::list`] it reads one record and sweeps nothing.
    pub fn find(&self, session_id: &str) -> Option<Instance> {
        let instance = read(&self.record_path(session_id).ok()?)?;
        (instance.session_id.as_str() == session_id && instance.is_running()).then_some(instance)
    }

    fn visit(&self, path: &Path) -> Option<Instance> {
        let name = path.file_name()?.to_str()?;
        if let Some(pid) = draft_writer(name) {
            sweep_draft(path, pid);
            return None;
        }
        let session_id = name.strip_suffix(".json")?;
        let instance = read(path).filter(|instance| instance.session_id.as_str() == session_id)?;
        if instance.is_running() {
            return Some(instance);
        }
        self.sweep(path, &instance);
        None
    }

    fn sweep(&self, record: &Path, instance: &Instance) {
        // Only what lies here: a record must not be able to name any other file.
        let socket = instance.socket.as_deref().filter(|socket| socket.parent() == Some(self.path()));
        let token = self.token_path(instance.session_id.as_str());
        for path in socket.into_iter().chain(token.as_deref()).chain([record]) {
            drop(fs::remove_file(path));
        }
    }

    fn record_path(&self, session_id: &str) -> io::Result<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if session_id.is_empty() || session_id.len() > MAX_SESSION_ID_BYTES || !session_id.chars().all(plain)
        {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the session id cannot be a file name"));
        }
        Ok(self.path().join(format!("{session_id}.json")))
    }
}

/// Who was writing this unfinished record, by its file name `.SESSION.PID`.
fn draft_writer(name: &str) -> Option<u32> {
    name.strip_prefix('.')?.rsplit_once('.')?.1.parse().ok()
}

fn sweep_draft(path: &Path, writer: u32) {
    let ours =
        path.symlink_metadata().is_ok_and(|found| found.is_file() && found.uid() == geteuid().as_raw());
    if ours && crate::process::processes::start_time(writer).is_none() {
        drop(fs::remove_file(path));
    }
}

pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits();
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(flags).open(path)?;
    file.write_all(bytes)
}

fn read(path: &Path) -> Option<Instance> {
    let file = open_ours(path, MAX_RECORD_BYTES)?;
    let mut bytes = Vec::new();
    file.take(MAX_RECORD_BYTES + 1).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A regular file of ours, not larger than that; never through a link, never waiting.
pub(super) fn open_ours(path: &Path, max_bytes: u64) -> Option<File> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let fits = |found: fs::Metadata| {
        found.is_file() && found.uid() == geteuid().as_raw() && found.len() <= max_bytes
    };
    file.metadata().is_ok_and(fits).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;
    use crate::event::Timestamp;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn directory() -> (tempfile::TempDir, RuntimeDirectory) {
        let base = tempfile::tempdir().unwrap();
        let directory = RuntimeDirectory::at(&base.path().join("d")).unwrap();
        (base, directory)
    }

    #[test]
    fn a_record_is_private_and_leaves_with_its_socket_when_the_guard_is_dropped() {
        let (_base, directory) = directory();
        let mut instance = record("s1", "web");
        instance.socket = directory.socket_path("s1");
        fs::write(instance.socket.as_ref().unwrap(), "").unwrap();
        let registration = directory.register(&instance).unwrap();
        let mode = fs::metadata(directory.path().join("s1.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(directory.list(), [instance.clone()]);
        assert_eq!(directory.find("s1"), Some(instance));
        assert_eq!(directory.find("../s1"), None);
        drop(registration);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    /// The handoff forks: the child's copy of the guard must not take the parent's record away.
    #[test]
    fn a_guard_that_crossed_a_fork_removes_nothing() {
        let (_base, directory) = directory();
        let mut registration = directory.register(&record("s1", "web")).unwrap();
        registration.owner += 1;
        drop(registration);
        assert_eq!(directory.list().len(), 1);
    }

    #[test]
    fn the_list_is_sorted_by_start() {
        let (_base, directory) = directory();
        let guards: Vec<_> = [("c", 3), ("a", 1), ("b", 2)]
            .map(|(id, at)| Instance { started_at: Timestamp::from_millis(at), ..record(id, id) })
            .iter()
            .map(|instance| directory.register(instance).unwrap())
            .collect();
        let names: Vec<String> = directory.list().into_iter().map(|instance| instance.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        drop(guards);
    }

    #[test]
    fn records_of_processes_that_are_gone_are_swept_with_their_socket_and_nothing_else() {
        let (base, directory) = directory();
        let (inside, outside) = (directory.socket_path("gone1").unwrap(), base.path().join("precious"));
        for (id, socket) in [("gone1", &inside), ("gone2", &outside)] {
            fs::write(socket, "").unwrap();
            let instance = Instance { start_time: 1, socket: Some(socket.clone()), ..record(id, id) };
            std::mem::forget(directory.register(&instance).unwrap());
        }
        fs::write(directory.path().join(format!(".s.{}", u32::MAX)), "").unwrap();
        assert!(directory.list().is_empty());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        assert!(outside.exists());
    }

    /// Planted things of every kind: none may block, be followed or be taken for a record.
    #[test]
    fn planted_things_are_passed_over() {
        let (base, directory) = directory();
        let path = |name: &str| directory.path().join(name);
        let guard = directory.register(&record("good", "good")).unwrap();
        let elsewhere = base.path().join("link.json");
        fs::write(&elsewhere, serde_json::to_vec(&record("link", "link")).unwrap()).unwrap();
        symlink(&elsewhere, path("link.json")).unwrap();
        nix::unistd::mkfifo(&path("fifo.json"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        fs::create_dir(path("dir.json")).unwrap();
        fs::write(path("garbage.json"), b"\xff{").unwrap();
        fs::write(path("empty.json"), b"").unwrap();
        fs::write(path("other.json"), serde_json::to_vec(&record("another", "x")).unwrap()).unwrap();
        let mut large = serde_json::to_vec(&record("large", "large")).unwrap();
        large.resize(65 << 10, b' ');
        fs::write(path("large.json"), large).unwrap();
        let names: Vec<String> = directory.list().into_iter().map(|instance| instance.name).collect();
        assert_eq!(names, ["good"]);
        drop(guard);
    }

    #[test]
    fn a_session_id_that_is_no_file_name_is_refused() {
        let (_base, directory) = directory();
        for id in ["", "..", "a/b", "a\0", &"x".repeat(129)] {
            assert_eq!(directory.register(&record(id, "n")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
