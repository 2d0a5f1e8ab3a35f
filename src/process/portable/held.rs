//! A process as far as it can be held without a pidfd: by its pid and start time alone.

use crate::process::by_pid::ByPid;
use nix::errno::Errno;

/// The process.
#[derive(Debug)]
pub(in crate::process) struct Held(ByPid);

impl Held {
    /// Whoever has this pid now.
    pub(in crate::process) fn of(pid: u32) -> Self {
        Self(ByPid::of(pid))
    }

    /// The one that started then. Where its pid is another's by now, it counts as ended.
    pub(in crate::process) fn exactly(pid: u32, started: u64) -> Self {
        Self(ByPid { pid, started: Some(started) })
    }

    pub(in crate::process) fn pid(&self) -> u32 {
        self.0.pid
    }

    /// Whether it has ended; a zombie has.
    pub(in crate::process) fn has_ended(&self) -> bool {
        self.0.has_ended()
    }

    /// Blocks until it has ended.
    pub(in crate::process) fn wait(&self) {
        self.0.wait();
    }

    /// How it ended: only its parent is told.
    pub(in crate::process) fn exit_status(&self) -> Option<i32> {
        None
    }

    /// Sends it the signals, one after the other.
    ///
    /// # Errors
    /// `ESRCH` when it has ended; what kill(2) says else.
    pub(in crate::process) fn send(&self, signals: &[i32]) -> Result<(), Errno> {
        self.0.send(signals)
    }
}
