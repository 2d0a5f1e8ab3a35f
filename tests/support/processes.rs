//! Looks at processes that are not the test's own children: who is whose parent, and when one has ended. It
//! signals only through a descriptor of the process, so a stranger with a reused pid is never hit.

#![expect(unsafe_code, reason = "pidfd_open and pidfd_send_signal have no safe wrapper")]

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long one that is just being executed is waited for.
const SETTLING: Duration = Duration::from_millis(50);

/// One process, whatever becomes of its pid.
#[derive(Debug)]
pub struct Process {
    /// The pid it had when it was looked up.
    pub pid: u32,
    fd: OwnedFd,
}

impl Process {
    /// The process that has this pid now.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn of(pid: u32) -> Self {
        Self::find(pid).unwrap_or_else(|| panic!("there is no process {pid}"))
    }

    /// The process that has this pid now, if there is one.
    pub fn find(pid: u32) -> Option<Self> {
        // SAFETY: takes two numbers and gives a descriptor or -1.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0)?;
        // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
        Some(Self { pid, fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Every process that has `entry`, such as `HOME=/tmp/x`, in the environment it was started with; those of other
    /// users excepted, whose environment nobody may read.
    pub fn with_env(entry: &str) -> Vec<Self> {
        let pids = std::fs::read_dir("/proc").expect("proc").flatten();
        let pids = pids.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
        pids.filter_map(Self::find).filter(|process| process.has_env(entry)).collect()
    }

    /// One that is just being executed has no environment for a moment.
    fn has_env(&self, entry: &str) -> bool {
        let until = Instant::now() + SETTLING;
        loop {
            let env = std::fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
            let settled = !env.is_empty()
                || std::fs::read_link(format!("/proc/{}/exe", self.pid)).is_err()
                || !self.command_line().is_empty();
            if settled || Instant::now() >= until {
                return env.split(|byte| *byte == 0).any(|word| word == entry.as_bytes());
            }
            std::thread::yield_now();
        }
    }

    /// Its command line, the words separated by spaces; empty if it has ended.
    pub fn command_line(&self) -> String {
        let words = std::fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&words).trim_end_matches('\0').replace('\0', " ")
    }

    /// Its parent.
    ///
    /// # Panics
    /// If it has ended.
    #[track_caller]
    pub fn parent(&self) -> Self {
        Self::of(self.parent_pid().expect("it runs"))
    }

    /// The pid of its parent; `None` if it has ended.
    pub fn parent_pid(&self) -> Option<u32> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
    }

    /// Whether it ends within `limit`; a zombie has ended.
    pub fn ends_within(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let mut end = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
            match poll(&mut end, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
                Ok(count) => return count > 0,
                Err(_) => assert!(!left.is_zero(), "the wait is interrupted again and again"),
            }
        }
    }

    /// Sends it a signal; false if it has ended.
    pub fn signal(&self, signal: i32) -> bool {
        let (fd, none) = (self.fd.as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
        // SAFETY: a null siginfo means the usual one; the rest are numbers.
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, none, 0) == 0 }
    }
}

/// Ends a process when the test is over, however it ends. For what a program leaves behind on purpose.
#[derive(Debug)]
pub struct Doomed(pub Process);

impl Drop for Doomed {
    fn drop(&mut self) {
        self.0.signal(libc::SIGKILL);
    }
}
