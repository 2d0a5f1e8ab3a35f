//! Where a test and the program it runs meet: two FIFOs, one for each direction, lines of text. It takes the
//! place of every sleep; the program needs no more than a shell has.
//!
//! ```sh
//! echo here >"$1/up"; read -r answer <"$1/down"
//! ```

use crate::DEADLINE;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tempfile::TempDir;

/// Both FIFOs, in a folder of their own.
#[derive(Debug)]
pub struct Meeting {
    folder: TempDir,
    up: File,
    down: File,
    heard: Mutex<Vec<u8>>,
}

impl Default for Meeting {
    fn default() -> Self {
        Self::new()
    }
}

impl Meeting {
    /// A place to meet.
    ///
    /// # Panics
    /// If the machine has no FIFO to give.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("meeting").tempdir().expect("a temporary directory");
        let [up, down] = ["up", "down"].map(|name| {
            let path = folder.path().join(name);
            nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
            // For both, so that no open waits for the other side and no read sees an end.
            let mut options = OpenOptions::new();
            options.read(true).write(true).custom_flags(OFlag::O_NONBLOCK.bits());
            options.open(path).expect("the FIFO")
        });
        Self { folder, up, down, heard: Mutex::default() }
    }

    /// The folder to tell the program.
    ///
    /// # Panics
    /// If the temporary directory's name is no text.
    pub fn folder(&self) -> &str {
        Path::to_str(self.folder.path()).expect("a name that is text")
    }

    /// The next line the program says.
    ///
    /// # Panics
    /// If it says none within [`DEADLINE`].
    #[track_caller]
    pub fn hear(&self) -> String {
        let until = Instant::now() + DEADLINE;
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(end) = heard.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = heard.drain(..=end).collect();
                return String::from_utf8_lossy(&line[..end]).into_owned();
            }
            let left = until.saturating_duration_since(Instant::now());
            let mut end = [PollFd::new(self.up.as_fd(), PollFlags::POLLIN)];
            let waited = poll(&mut end, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
            assert!(waited != Ok(0), "the program said nothing in time");
            let mut bytes = [0; 4096];
            match (&self.up).read(&mut bytes) {
                Ok(count) => heard.extend_from_slice(&bytes[..count]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(e) => panic!("cannot hear the program: {e}"),
            }
        }
    }

    /// Drops what the program said so far.
    pub fn forget(&self) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.clear();
        let mut bytes = [0; 4096];
        while (&self.up).read(&mut bytes).is_ok() {}
    }

    /// Says a line to the program.
    ///
    /// # Panics
    /// If what was said before still fills the FIFO.
    #[track_caller]
    pub fn say(&self, line: &str) {
        (&self.down).write_all(format!("{line}\n").as_bytes()).expect("room in the FIFO");
    }
}
