//! A process that is no child of ours, followed to its end: that it ended, and how, where the kernel tells.
//!
//! It is held by a pidfd (pidfd_open(2)), which never means another process, even when the number is used again. How
//! it ended is its parent's business: for a moment it stands in `/proc/PID/stat` of the zombie, and from Linux 6.15 on
//! the pidfd knows it afterwards (`PIDFD_GET_INFO`). Where neither tells, it is not known.

use super::linux;
use super::proc_fs;
use super::signals::thread_beside_main;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Between two looks where there is no pidfd.
const LOOK: Duration = Duration::from_millis(50);
/// How long a parent may take to bury it before the kernel is asked no more.
const BURIAL: Duration = Duration::from_millis(300);
/// Between two questions meanwhile.
const ASK: Duration = Duration::from_millis(2);

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
pub struct Followed {
    pid: u32,
    started: Option<u64>,
    pidfd: Option<OwnedFd>,
}

impl Followed {
    /// This very process, to be followed by those it forks. It stays the same one over exec.
    pub fn this_process() -> Self {
        let pid = std::process::id();
        Self { pid, started: proc_fs::start_time(pid), pidfd: linux::pidfd_open(pid) }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has ended; a zombie has.
    pub fn has_ended(&self) -> bool {
        match &self.pidfd {
            Some(pidfd) => linux::pidfd_ended(pidfd, Some(Duration::ZERO)),
            None => proc_fs::start_time(self.pid).is_none_or(|started| self.started != Some(started)),
        }
    }

    /// Resolves when it has ended, with how.
    ///
    /// # Errors
    /// When no thread can be had.
    pub async fn end(self: &Arc<Self>) -> io::Result<Option<Exit>> {
        let (tell, told) = oneshot::channel();
        let followed = Arc::clone(self);
        thread_beside_main("claude-end", move || {
            followed.wait();
            // Nobody waits any longer where this fails.
            let _unheard = tell.send(followed.exit());
        })?;
        told.await.map_err(io::Error::other)
    }

    /// Blocks until it has ended.
    fn wait(&self) {
        match &self.pidfd {
            Some(pidfd) => while !linux::pidfd_ended(pidfd, None) {},
            None => {
                while !self.has_ended() {
                    std::thread::sleep(LOOK);
                }
            }
        }
    }

    /// How it ended; blocks for the moment that its burial takes.
    fn exit(&self) -> Option<Exit> {
        let deadline = Instant::now() + BURIAL;
        loop {
            let buried = self.pidfd.as_ref().and_then(linux::pidfd_exit_status);
            let status = buried.or_else(|| proc_fs::zombie_exit_status(self.pid, self.started?));
            if let Some(status) = status {
                return Some(Exit::from_status(status));
            }
            if Instant::now() >= deadline {
                return None;
            }
            std::thread::sleep(ASK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    fn follow(child: &Child) -> Arc<Followed> {
        let pid = child.id();
        Arc::new(Followed { pid, started: proc_fs::start_time(pid), pidfd: linux::pidfd_open(pid) })
    }

    fn sh(script: &str) -> Child {
        Command::new("/bin/sh").args(["-c", script]).stdin(std::process::Stdio::piped()).spawn().unwrap()
    }

    fn end_of(followed: &Arc<Followed>) -> Option<Exit> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(followed.end()).unwrap()
    }

    #[test]
    fn the_end_of_a_process_is_told_with_how_it_ended() {
        for (script, exit) in [
            ("read x; exit 7", Exit::Code(7)),
            ("read x; kill -9 $$", Exit::Signal(9)),
            ("read x", Exit::Code(1)),
        ] {
            let mut child = sh(script);
            let followed = follow(&child);
            assert!(!followed.has_ended());
            drop(child.stdin.take());
            assert_eq!(end_of(&followed), Some(exit), "{script}");
            assert!(followed.has_ended());
            child.wait().unwrap();
        }
    }

    #[test]
    fn a_process_that_was_buried_at_once_is_known_to_have_ended() {
        let mut child = sh("exit 3");
        let followed = follow(&child);
        child.wait().unwrap();
        assert!(followed.has_ended());
        // Kernels before 6.15 do not tell how.
        assert!(matches!(end_of(&followed), Some(Exit::Code(3)) | None));
    }

    #[test]
    fn without_a_pidfd_the_process_is_looked_at() {
        let mut child = sh("read x; exit 4");
        let pid = child.id();
        let followed = Arc::new(Followed { pid, started: proc_fs::start_time(pid), pidfd: None });
        assert!(!followed.has_ended());
        drop(child.stdin.take());
        assert_eq!(end_of(&followed), Some(Exit::Code(4)));
        child.wait().unwrap();
    }
}
