//! A process that is no child of ours, followed to its end: that it ended, and how, where the platform tells.

use super::platform::Held;
use super::signals::thread_beside_main;
use std::io;
use std::sync::Arc;
use tokio::sync::oneshot;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code, 0-255.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl Exit {
    /// From a status as wait(2) gives it.
    pub(super) fn from_status(status: i32) -> Self {
        use nix::libc::{WEXITSTATUS, WIFEXITED, WTERMSIG};
        if WIFEXITED(status) { Self::Code(WEXITSTATUS(status)) } else { Self::Signal(WTERMSIG(status)) }
    }
}

/// The process that is followed.
#[derive(Debug)]
pub struct Followed(Held);

impl Followed {
    /// This very process, to be followed by those it forks. It stays the same one over exec.
    pub fn this_process() -> Self {
        Self(Held::of(std::process::id()))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Whether it has ended; a zombie has.
    pub fn has_ended(&self) -> bool {
        self.0.has_ended()
    }

    /// Sends it the signals, one after the other.
    ///
    /// # Errors
    /// When it has ended, or the kernel refuses.
    pub fn send(&self, signals: &[i32]) -> io::Result<()> {
        Ok(self.0.send(signals)?)
    }

    /// Resolves when it has ended, with how, where that is known.
    ///
    /// # Errors
    /// When no thread can be had.
    pub async fn end(self: &Arc<Self>) -> io::Result<Option<Exit>> {
        let (tell, told) = oneshot::channel();
        let followed = Arc::clone(self);
        thread_beside_main("claude-end", move || {
            followed.0.wait();
            // Nobody waits any longer where this fails.
            let _unheard = tell.send(followed.0.exit_status().map(Exit::from_status));
        })?;
        told.await.map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn the_end_of_a_process_is_told_and_how_it_ended_where_that_is_known() {
        let mut child =
            Command::new("sh").args(["-c", "read x; exit 7"]).stdin(Stdio::piped()).spawn().unwrap();
        let followed = Arc::new(Followed(Held::of(child.id())));
        assert!(!followed.has_ended());
        drop(child.stdin.take());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let exit = runtime.block_on(followed.end()).unwrap();
        assert!(matches!(exit, Some(Exit::Code(7)) | None), "{exit:?}");
        assert!(followed.has_ended());
        child.wait().unwrap();
    }

    #[test]
    fn a_status_is_a_code_or_a_signal() {
        assert_eq!(Exit::from_status(7 << 8), Exit::Code(7));
        assert_eq!(Exit::from_status(9), Exit::Signal(9));
        assert_eq!(Exit::from_status(139), Exit::Signal(11));
    }
}
