//! The platform, by what every Unix has: POSIX, `/dev/fd`, and processes as the crate `sysinfo` tells of them. It is
//! what macOS is built with; the cargo feature `portable` builds it on Linux too.
//!
//! What is less than by the way of Linux: a process is known by its pid and the second it started in, its end is
//! looked for by the clock, how it ended is known to its parent alone, orphans go to the system instead of coming to
//! us, nobody tells who listens on a port, who is at the other end of a socket or what happens in a folder, and there are no real-time signals.

mod folder_watch;
mod held;
mod peer;
mod sysinfo_processes;

pub(super) use folder_watch::FolderWatch;
pub(super) use held::Held;
pub(super) use peer::{holders_of, owner_of_tcp, pid_of_unix_peer};
pub use sysinfo_processes::{command_name, is_stopped, tree};
pub(super) use sysinfo_processes::{environment, running, stat, survey};

use crate::process::processes::Process;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use std::os::fd::{OwnedFd, RawFd};

/// Makes orphans below this process its own children: not possible, so `false`.
pub fn become_subreaper() -> bool {
    false
}

/// Lets the calling thread stand behind others: nothing is changed, because priorities belong to processes.
pub fn stand_behind() {}

/// The descriptors that are open now, in no order.
pub fn open_descriptors() -> Vec<RawFd> {
    let listed = || {
        let entries = std::fs::read_dir("/dev/fd").ok()?;
        Some(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
    };
    listed().unwrap_or_else(|| (0..1024).collect())
}

/// A pipe: the end to read from, the end to write to. Both are close-on-exec, a moment after they come into being;
/// `flags` may add `O_NONBLOCK`.
///
/// # Errors
/// When the process or the kernel has no descriptor left.
pub fn pipe(flags: OFlag) -> nix::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = nix::unistd::pipe()?;
    for end in [&reader, &writer] {
        fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        fcntl(end, FcntlArg::F_SETFL(flags & OFlag::O_NONBLOCK))?;
    }
    Ok((reader, writer))
}

/// Every signal there is.
pub(super) fn signals() -> impl Iterator<Item = i32> {
    1..32
}

/// Who listens on the TCP port: nobody tells.
pub fn listener_holder(_port: u16) -> Option<Process> {
    None
}

/// When the process started, clock ticks since boot, as other programs read it in `/proc`: nobody counts them.
pub fn start_ticks(_pid: u32) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn a_pipe_closes_at_exec_and_waits_only_where_that_is_wanted() {
        for wanted in [OFlag::empty(), OFlag::O_NONBLOCK] {
            let (reader, writer) = pipe(wanted).unwrap();
            for end in [reader.as_raw_fd(), writer.as_raw_fd()] {
                assert_eq!(crate::process::descriptors::is_close_on_exec(end), Some(true));
                assert!(open_descriptors().contains(&end));
            }
            let flags = OFlag::from_bits_retain(fcntl(&reader, FcntlArg::F_GETFL).unwrap());
            assert_eq!(flags & OFlag::O_NONBLOCK, wanted);
        }
    }
}
