//! Which processes run, and what there is to know about one: when it started, its parent, its command.
//!
//! Plain functions with plain answers; a question the system does not answer gives `None`. Nothing here decides
//! anything, and how it is found out is [`super::platform`]'s.

use super::platform;
use std::collections::HashMap;

pub use platform::{command_name, is_stopped, listener_holder, start_ticks, tree};

/// Most processes of one tree that are looked at.
pub(super) const MAX_TREE: usize = 4096;

/// Most of an environment that is read, bytes; the kernel gives a program no more by default.
pub(super) const MAX_ENVIRONMENT: usize = 2 << 20;

/// A process that holds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The name of its command, as the kernel keeps it, at most 15 bytes on Linux; any bytes a process likes.
    pub command: String,
}

/// A process that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Id of its parent.
    pub parent: u32,
    /// Its session: the id of the process that began it.
    pub session: u32,
    /// When it started, as [`start_time`] says.
    pub started: u64,
}

/// The environment that a process was started with.
#[derive(Debug)]
pub(super) enum Environment {
    /// Its entries, each ended by a zero.
    Known(Vec<u8>),
    /// Nobody may know, or there is none.
    Unknown,
    /// The process is just being executed, and has none yet; it soon has one.
    Unsettled,
}

/// Who its parent is, and more. `None` when there is no such process, or only its zombie.
pub fn stat(pid: u32) -> Option<Stat> {
    platform::stat(pid)
}

/// Every process that runs, by its id; zombies do not. One that is just being forked may be missing.
pub fn running() -> HashMap<u32, Stat> {
    platform::running()
}

/// When the process started: with the pid it names one process, even after the pid is used again. The number is only
/// to be compared with another of the same build and boot: clock ticks since boot by the way of Linux, seconds since
/// 1970 by the portable one, which cannot tell two processes of one second apart. `None` when there is no such
/// process, or only its zombie.
pub fn start_time(pid: u32) -> Option<u64> {
    stat(pid).map(|stat| stat.started)
}

/// Whether exactly this process still runs.
pub fn is_running(pid: u32, started: u64) -> bool {
    start_time(pid) == Some(started)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn this_process_runs_and_an_earlier_one_with_its_pid_does_not() {
        let pid = std::process::id();
        let started = start_time(pid).unwrap();
        assert!(is_running(pid, started));
        assert!(!is_running(pid, started - 1));
        assert!(!is_running(u32::MAX, started));
        assert_eq!(running()[&pid], stat(pid).unwrap());
    }

    #[test]
    fn a_child_is_known_by_its_parent_and_session_until_it_ends() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let (pid, ours) = (child.id(), std::process::id());
        let found = stat(pid).unwrap();
        assert_eq!((found.parent, found.session), (ours, stat(ours).unwrap().session));
        assert!(tree(ours).contains(&pid));
        assert!(!is_stopped(pid));
        drop(child.stdin.take());
        super::super::by_pid::ByPid::of(pid).wait();
        // Not buried yet.
        assert_eq!((stat(pid), running().get(&pid)), (None, None));
        child.wait().unwrap();
        assert_eq!(tree(pid), [pid]);
    }
}
