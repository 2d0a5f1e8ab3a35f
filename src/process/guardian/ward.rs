//! The child as its parent holds it: signalling it and learning how it is. The pid cannot be another process's,
//! because nobody but the guardian can bury it.

use super::wire::Report;
use crate::process::followed::Exit;
use nix::libc;
use nix::sys::wait::WaitPidFlag;
use nix::unistd::Pid;

/// The child, while there is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ward {
    pub(super) pid: Pid,
    /// Whether its process group is its own, made by us.
    pub(super) leads_group: bool,
}

impl Ward {
    /// Sends a signal to it, and to its group where we made that. By number, because real-time signals have no
    /// name in nix.
    #[expect(unsafe_code, reason = "nix cannot send real-time signals")]
    pub(super) fn signal(self, signal: i32) {
        let target = if self.leads_group { -self.pid.as_raw() } else { self.pid.as_raw() };
        // SAFETY: kill(2) takes two numbers.
        unsafe { libc::kill(target, signal) };
    }

    /// How it has ended, asked without waiting; for the time when nobody is left to report to.
    pub(super) fn exit(self) -> Option<Exit> {
        while let Some((pid, report)) = next_change(WaitPidFlag::WNOHANG) {
            if pid == self.pid && report.exit().is_some() {
                return report.exit();
            }
        }
        None
    }
}

/// The next child that changed. By raw status, because real-time signals have no name in nix.
#[expect(unsafe_code, reason = "nix fails on a child that a real-time signal ended")]
pub(super) fn next_change(flags: WaitPidFlag) -> Option<(Pid, Report)> {
    let mut status = 0;
    // SAFETY: writes one int that is ours.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, flags.bits()) };
    if pid <= 0 {
        return None;
    }
    let report = if libc::WIFEXITED(status) {
        Report::Exited(libc::WEXITSTATUS(status))
    } else if libc::WIFSTOPPED(status) {
        Report::Stopped(libc::WSTOPSIG(status))
    } else {
        Report::Signaled(libc::WTERMSIG(status))
    };
    Some((Pid::from_raw(pid), report))
}
