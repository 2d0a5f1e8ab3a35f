//! The platform, by what only Linux has: pidfds, subreapers, `/proc`, inotify, real-time signals, threads with a
//! priority of their own. The folder `portable` has the same functions with what every Unix has.

mod held;
mod inotify;
mod listener;
mod peer;
mod proc_fs;
mod proc_net;
mod sock_diag;
mod unix_diag;

pub(super) use held::Held;
pub(super) use inotify::FolderWatch;
pub use listener::listener_holder;
pub(super) use peer::{holders_of, pid_of_unix_peer};
pub use proc_fs::{command_name, is_stopped, start_ticks, tree};
pub(super) use proc_fs::{environment, running, stat, survey};
pub(super) use sock_diag::owner_of_tcp;

use nix::fcntl::OFlag;
use nix::libc;
use std::os::fd::{OwnedFd, RawFd};

/// How far [`stand_behind`] stands behind: a third of an ordinary share.
const NICE: i32 = 5;

/// Makes orphans below this process its own children, so that none gets lost. `false` where that is not possible.
pub fn become_subreaper() -> bool {
    nix::sys::prctl::set_child_subreaper(true).is_ok()
}

/// Lets the calling thread stand behind others where processors are short, so that what only reads along never takes
/// time from the way between claude and its terminal.
#[expect(unsafe_code, reason = "setpriority(2) has no safe wrapper")]
pub fn stand_behind() {
    // SAFETY: takes three numbers; 0 is the calling thread on Linux.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
}

/// The descriptors that are open now, in no order.
pub fn open_descriptors() -> Vec<RawFd> {
    let listed = || {
        let entries = std::fs::read_dir("/proc/self/fd").ok()?;
        Some(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
    };
    listed().unwrap_or_else(|| (0..1024).collect())
}

/// A pipe: the end to read from, the end to write to. Both are close-on-exec; `flags` may add `O_NONBLOCK`.
///
/// # Errors
/// When the process or the kernel has no descriptor left.
pub fn pipe(flags: OFlag) -> nix::Result<(OwnedFd, OwnedFd)> {
    nix::unistd::pipe2(flags | OFlag::O_CLOEXEC)
}

/// Every signal there is. The C library keeps the first real-time signals for itself.
pub(super) fn signals() -> impl Iterator<Item = i32> {
    (1..32).chain(libc::SIGRTMIN()..=libc::SIGRTMAX())
}
