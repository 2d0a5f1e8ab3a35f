//! A process that is held: by a pidfd (pidfd_open(2)), which never means another one, even when the number is used
//! again. Where the kernel gives none (before 5.3, in some sandboxes, with no descriptor left) it is gone by pid and
//! start time.
//!
//! How it ended is its parent's business: for a moment it stands in `/proc/PID/stat` of the zombie, and from Linux
//! 6.15 on the pidfd knows it afterwards (`PIDFD_GET_INFO`). Where neither tells, it is not known.

use super::proc_fs::zombie_exit_status;
use crate::process::by_pid::ByPid;
use crate::process::processes;
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long a parent may take to bury it before the kernel is asked no more.
const BURIAL: Duration = Duration::from_millis(300);
/// Between two questions meanwhile.
const ASK: Duration = Duration::from_millis(2);

/// The process.
#[derive(Debug)]
pub(in crate::process) struct Held {
    it: ByPid,
    pidfd: Option<OwnedFd>,
}

impl Held {
    /// Whoever has this pid now.
    pub(in crate::process) fn of(pid: u32) -> Self {
        let pidfd = pidfd_open(pid);
        Self { it: ByPid::of(pid), pidfd }
    }

    /// The one that started then. Where its pid is another's by now, it counts as ended.
    pub(in crate::process) fn exactly(pid: u32, started: u64) -> Self {
        let it = ByPid { pid, started: Some(started) };
        // What is held is what is meant only if that still runs once it is held.
        let pidfd = pidfd_open(pid).filter(|_| processes::is_running(pid, started));
        Self { it, pidfd }
    }

    pub(in crate::process) fn pid(&self) -> u32 {
        self.it.pid
    }

    /// Whether it has ended; a zombie has.
    pub(in crate::process) fn has_ended(&self) -> bool {
        match &self.pidfd {
            Some(pidfd) => ended_within(pidfd, PollTimeout::ZERO),
            None => self.it.has_ended(),
        }
    }

    /// Blocks until it has ended.
    pub(in crate::process) fn wait(&self) {
        match &self.pidfd {
            Some(pidfd) => while !ended_within(pidfd, PollTimeout::NONE) {},
            None => self.it.wait(),
        }
    }

    /// How it ended, as wait(2) gives it; blocks for the moment that its burial takes. For one that has ended.
    pub(in crate::process) fn exit_status(&self) -> Option<i32> {
        let deadline = Instant::now() + BURIAL;
        loop {
            let buried = self.pidfd.as_ref().and_then(buried_exit_status);
            let status = buried.or_else(|| zombie_exit_status(self.it.pid, self.it.started?));
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            std::thread::sleep(ASK);
        }
    }

    /// Sends it the signals, one after the other.
    ///
    /// # Errors
    /// `ESRCH` when it has ended; what kill(2) says else.
    pub(in crate::process) fn send(&self, signals: &[i32]) -> Result<(), Errno> {
        match &self.pidfd {
            Some(pidfd) => signals.iter().try_for_each(|signal| send(pidfd, *signal)),
            None => self.it.send(signals),
        }
    }
}

#[expect(unsafe_code, reason = "pidfd_open(2) has no safe wrapper")]
fn pidfd_open(pid: u32) -> Option<OwnedFd> {
    // SAFETY: takes two numbers and gives a new descriptor, close-on-exec, or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether the process has ended; a zombie has.
pub(super) fn ended(pidfd: &OwnedFd) -> bool {
    ended_within(pidfd, PollTimeout::ZERO)
}

/// The number of the process, from what `/proc` says of the descriptor; `None` once it is buried.
pub(super) fn pid_of_pidfd(pidfd: &OwnedFd) -> Option<u32> {
    let said = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).ok()?;
    let pid = said.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()?;
    (pid > 0).then_some(pid)
}

/// Whether the process has ended, waited for so long. A signal may end the wait early.
fn ended_within(pidfd: &OwnedFd, most: PollTimeout) -> bool {
    let mut end = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    poll(&mut end, most).is_ok_and(|count| count > 0)
}

#[expect(unsafe_code, reason = "pidfd_send_signal(2) has no safe wrapper")]
fn send(pidfd: &OwnedFd, signal: i32) -> Result<(), Errno> {
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null siginfo means the usual one; the rest are numbers.
    Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, none, 0) })
        .map(drop)
}

/// The status of a process that its parent has buried; from Linux 6.15 on (`PIDFD_INFO_EXIT`).
#[expect(unsafe_code, reason = "ioctl(2) has no safe wrapper")]
fn buried_exit_status(pidfd: &OwnedFd) -> Option<i32> {
    /// `struct pidfd_info` of linux/pidfd.h in its first version: mask, cgroup, eleven ids, exit status.
    #[repr(C)]
    #[derive(Default)]
    struct Info {
        mask: u64,
        cgroup: u64,
        ids: [u32; 11],
        exit_status: i32,
    }
    const EXIT: u64 = 1 << 3;
    let request = nix::request_code_readwrite!(0xff, 11, size_of::<Info>());
    let mut info = Info { mask: EXIT, ..Info::default() };
    // SAFETY: the request carries the size of the structure it reads and writes, and this is one.
    let result = unsafe { libc::ioctl(pidfd.as_raw_fd(), request, &raw mut info) };
    (result == 0 && info.mask & EXIT != 0).then_some(info.exit_status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    fn sh(script: &str) -> Child {
        Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn how_a_process_ended_is_known_while_nobody_has_buried_it() {
        for (script, status) in [("read x; exit 7", 7 << 8), ("read x; kill -9 $$", 9), ("read x", 1 << 8)] {
            let mut child = sh(script);
            let held = Held::of(child.id());
            let by_pid = Held { it: held.it, pidfd: None };
            assert!(!held.has_ended() && !by_pid.has_ended());
            drop(child.stdin.take());
            held.wait();
            by_pid.wait();
            assert_eq!((held.exit_status(), by_pid.exit_status()), (Some(status), Some(status)), "{script}");
            child.wait().unwrap();
        }
    }

    #[test]
    fn a_process_that_was_buried_at_once_is_known_to_have_ended() {
        let mut child = sh("exit 3");
        let held = Held::of(child.id());
        child.wait().unwrap();
        assert!(held.has_ended());
        // Kernels before 6.15 do not tell how.
        assert!(matches!(held.exit_status(), Some(0x300) | None));
    }
}
