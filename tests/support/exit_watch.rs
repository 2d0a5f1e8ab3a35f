//! Watches one child process: how it ended, within a deadline, and its end at the latest when the
//! watch is dropped. It does not know what the child's standard streams are.
//!
//! A signal is only ever sent while the child is not reaped, so it cannot reach a stranger that
//! got the same pid; reaping and signalling therefore share a lock.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct ExitWatch {
    pid: Pid,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    watched: Mutex<Watched>,
    ended: Condvar,
}

#[derive(Debug)]
enum Watched {
    Running(Child),
    Ended(ExitStatus),
}

impl ExitWatch {
    /// Watches `child`, which must be the leader of its process group.
    pub(crate) fn over(child: Child) -> Self {
        let pid = Pid::from_raw(child.id().cast_signed());
        let shared = Arc::new(Shared { watched: Mutex::new(Watched::Running(child)), ended: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name(format!("exit of {pid}"))
            .spawn(move || theirs.reap(pid))
            .expect("a thread");
        Self { pid, shared, thread: Some(thread) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw().cast_unsigned()
    }

    /// The exit status, or `None` if the child still runs when `deadline` has passed.
    pub(crate) fn wait(&self, deadline: Duration) -> Option<ExitStatus> {
        let running = |watched: &mut Watched| matches!(watched, Watched::Running(_));
        let (watched, _) = self
            .shared
            .ended
            .wait_timeout_while(self.shared.lock(), deadline, running)
            .unwrap_or_else(PoisonError::into_inner);
        match &*watched {
            Watched::Running(_) => None,
            Watched::Ended(status) => Some(*status),
        }
    }

    /// Signals the child alone; false if it has ended.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        match &*self.shared.lock() {
            Watched::Running(_) => kill(self.pid, signal).is_ok(),
            Watched::Ended(_) => false,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end without reaping, so that the lock is not held meanwhile; then reaps.
    fn reap(&self, pid: Pid) {
        let unreaped = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(pid), unreaped) == Err(Errno::EINTR) {}
        let mut watched = self.lock();
        if let Watched::Running(child) = &mut *watched {
            *watched = Watched::Ended(child.wait().expect("the child is a zombie"));
        }
        self.ended.notify_all();
    }
}

/// Ends the whole process group, so that a failed test leaves nothing behind.
impl Drop for ExitWatch {
    fn drop(&mut self) {
        if let Watched::Running(_) = &*self.shared.lock() {
            // It may be a zombie by now: then there is nothing left to end.
            let _zombie = killpg(self.pid, Signal::SIGKILL);
        }
        if let Some(thread) = self.thread.take() {
            let _reported = thread.join();
        }
    }
}
