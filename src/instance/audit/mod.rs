//! The audit log: who was let in or turned away, what they made claude do, and what became of tokens. One line for each
//! entry, appended to `audit.log` in the state directory, which all instances of the user share.
//!
//! Nobody waits for it, and nothing fails because of it: entries are written by a thread of their own, and what cannot
//! be written (a full queue, a full disk) is counted, and told in the log itself once that goes. What is worth an entry
//! is not decided here.

mod file;
mod line;

use super::{DirectoryError, Role, StateDirectory};
use crate::event::Timestamp;
use crate::process::signals::thread_beside_main;
use file::AuditFile;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Entries that may wait to be written; more are lost, and counted. An entry has 4 KiB at most.
const QUEUE: usize = 1024;
/// Entries that are written while the file is locked once.
const BATCH: usize = 64;
/// Between two attempts to hand over the wish to be told when all is written.
const ATTEMPT: Duration = Duration::from_millis(1);

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Somebody came or left.
    Connection,
    /// Somebody was turned away.
    Refusal,
    /// Something was done to claude.
    Control,
    /// A token was made, shown or taken away.
    Token,
}

/// Something worth remembering. All texts may be anybody's: they are cut, and what acts in them is escaped.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub event: Subject,
    /// Who, as far as that is known: an address, a socket, the id of a token.
    pub peer: String,
    /// Its process.
    pub pid: Option<u32>,
    /// Its user.
    pub uid: Option<u32>,
    /// The role it has.
    pub role: Option<Role>,
    /// What it wanted.
    pub action: String,
    /// The session it meant.
    pub session: Option<String>,
    /// What came of it.
    pub outcome: String,
    /// More.
    pub detail: Option<String>,
}

/// Why there is no audit log. The texts are complete.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Its directory cannot be used.
    #[error("cannot open audit log: {0}")]
    Directory(#[from] DirectoryError),
    /// It is no file of ours, or cannot be opened.
    #[error("cannot open audit log {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: io::Error,
    },
}

/// Writes entries. Clones write to the same log. A process that was forked off writes with a thread of its own.
#[derive(Debug, Clone)]
pub struct AuditLog(Option<Arc<Log>>);

impl Default for AuditLog {
    /// Writes nothing.
    fn default() -> Self {
        Self::none()
    }
}

#[derive(Debug)]
struct Log {
    path: PathBuf,
    /// The process in which the thread runs, and the way to it. Held for a moment only, and never while waiting.
    writer: Mutex<Option<(u32, SyncSender<Message>)>>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    /// To be answered when everything before it is written, or lost.
    Flush(SyncSender<()>),
}

impl AuditLog {
    /// The log of this user: makes directory and file where there are none. No descriptor stays open and no thread is
    /// started before the first entry.
    ///
    /// # Errors
    /// When the file cannot be made or is not surely ours.
    pub fn open() -> Result<Self, AuditError> {
        Self::at(&StateDirectory::open()?)
    }

    /// The log in this directory.
    ///
    /// # Errors
    /// As [`AuditLog::open`].
    pub fn at(directory: &StateDirectory) -> Result<Self, AuditError> {
        let path = directory.path().join("audit.log");
        AuditFile::new(path.clone())
            .check()
            .map_err(|cause| AuditError::File { path: path.clone(), cause })?;
        Ok(Self(Some(Arc::new(Log { path, writer: Mutex::default(), lost: Arc::default() }))))
    }

    /// Writes nothing.
    pub fn none() -> Self {
        Self(None)
    }

    /// Enters it. Never waits.
    pub fn enter(&self, entry: &Entry) {
        if let Some(log) = &self.0 {
            log.hand_over(Message::Line(line::of(entry)));
        }
    }

    /// Waits until everything that was entered in this process is written, or lost; `false` where that takes longer.
    /// Blocks.
    pub fn flush(&self, deadline: Instant) -> bool {
        self.0.as_ref().is_none_or(|log| log.flush(deadline))
    }
}

impl Log {
    fn hand_over(&self, message: Message) {
        let sent = match self.writer() {
            Some(writer) => writer.try_send(message).map_err(|refused| match refused {
                TrySendError::Full(message) | TrySendError::Disconnected(message) => message,
            }),
            None => Err(message),
        };
        if let Err(Message::Line(_)) = sent {
            self.lost.fetch_add(1, Relaxed);
        }
    }

    /// The way to the thread of this process.
    fn writer(&self) -> Option<SyncSender<Message>> {
        let pid = std::process::id();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, sender)) = writer.as_ref()
            && *of == pid
        {
            return Some(sender.clone());
        }
        let (sender, messages) = sync_channel(QUEUE);
        let (file, lost) = (AuditFile::new(self.path.clone()), Arc::clone(&self.lost));
        // It ends when the last who could enter something is gone.
        let _detached = thread_beside_main("audit", move || write(&messages, file, &lost)).ok()?;
        // The thread behind the way that was inherited is not in this process: nothing of it may be touched.
        std::mem::forget(writer.replace((pid, sender.clone())));
        Some(sender)
    }

    fn flush(&self, deadline: Instant) -> bool {
        let is_used = {
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.as_ref().is_some_and(|(of, _)| *of == std::process::id())
        };
        let Some(writer) = is_used.then(|| self.writer()).flatten() else { return true };
        let (written, is_written) = sync_channel(1);
        let mut wish = Message::Flush(written);
        loop {
            wish = match writer.try_send(wish) {
                Ok(()) => break,
                Err(TrySendError::Disconnected(_)) => return true,
                Err(TrySendError::Full(wish)) => wish,
            };
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(ATTEMPT);
        }
        is_written.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok()
    }
}

/// The thread: writes until nobody can enter anything any more.
fn write(messages: &Receiver<Message>, mut file: AuditFile, lost: &AtomicU64) {
    let mut is_failing = false;
    while let Ok(first) = messages.recv() {
        let (mut lines, mut waiting) = (Vec::new(), Vec::new());
        for message in std::iter::once(first).chain(messages.try_iter().take(BATCH - 1)) {
            match message {
                Message::Line(line) => lines.push(line),
                Message::Flush(wish) => waiting.push(wish),
            }
        }
        let missed = lost.swap(0, Relaxed);
        if missed > 0 {
            lines.insert(0, line::of_lost(now(), missed));
        }
        let written = file.append(&lines);
        if let Err((count, cause)) = &written {
            let (own, rest) =
                if missed > 0 && *count == 0 { (missed, lines.len() - 1) } else { (0, lines.len() - count) };
            lost.fetch_add(own + rest as u64, Relaxed);
            if !is_failing {
                tracing::warn!("cannot write audit log: {cause}");
            }
        }
        is_failing = written.is_err();
        for wish in waiting {
            // Who does not wait any longer need not be told.
            let _unheard = wish.try_send(());
        }
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
