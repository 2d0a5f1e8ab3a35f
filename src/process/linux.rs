//! What only Linux has, behind plain functions; elsewhere the portable way stands beside it.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// How far [`stand_behind`] stands behind: a third of an ordinary share.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

/// Makes orphans below this process its own children, so that none gets lost. `false` where that is not possible.
pub fn become_subreaper() -> bool {
    #[cfg(target_os = "linux")]
    return nix::sys::prctl::set_child_subreaper(true).is_ok();
    #[cfg(not(target_os = "linux"))]
    return false;
}

/// Lets the calling thread stand behind others where processors are short, so that what only reads along never takes
/// time from the way between claude and its terminal. Elsewhere than on Linux priorities belong to processes, and
/// nothing is changed.
#[expect(unsafe_code, reason = "setpriority(2) has no safe wrapper")]
pub fn stand_behind() {
    #[cfg(target_os = "linux")]
    // SAFETY: takes three numbers; 0 is the calling thread on Linux.
    unsafe {
        nix::libc::setpriority(nix::libc::PRIO_PROCESS, 0, NICE)
    };
}

/// The descriptors that are open now, in no order.
pub fn open_descriptors() -> Vec<RawFd> {
    let listed = |path: &str| -> Option<Vec<RawFd>> {
        let entries = std::fs::read_dir(path).ok()?;
        Some(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
    };
    let directory = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    listed(directory).unwrap_or_else(|| (0..1024).collect())
}

/// Most processes of one tree that are looked at.
const MAX_TREE: usize = 4096;

/// `root` and everything below it, as far as it is alive. Elsewhere than on Linux, `root` alone.
pub fn tree(root: u32) -> Vec<u32> {
    let mut tree = vec![root];
    let mut next = 0;
    while next < tree.len() && tree.len() < MAX_TREE {
        tree.extend(children(tree[next]));
        next += 1;
    }
    tree
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

/// A descriptor that means this process and never another (pidfd_open(2)). `None` where the kernel has none.
#[expect(unsafe_code, reason = "nix has no pidfd_open")]
pub(super) fn pidfd_open(pid: u32) -> Option<OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        use nix::libc::{SYS_pidfd_open, syscall};
        use std::os::fd::FromRawFd;
        // SAFETY: takes two numbers and gives a new descriptor, close-on-exec, or -1.
        let fd = unsafe { syscall(SYS_pidfd_open, pid, 0) };
        let fd = RawFd::try_from(fd).ok().filter(|fd| *fd >= 0)?;
        // SAFETY: the number is new and nobody else knows it.
        Some(unsafe { OwnedFd::from_raw_fd(fd) })
    }
    #[cfg(not(target_os = "linux"))]
    None.filter(|_: &OwnedFd| pid == 0)
}

/// Whether the process has ended, waited for so long; `None` waits for ever. A signal may end the wait early.
pub(super) fn pidfd_ended(pidfd: &OwnedFd, most: Option<Duration>) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut end = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    let timeout =
        most.map_or(PollTimeout::NONE, |most| PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX));
    poll(&mut end, timeout).is_ok_and(|count| count > 0)
}

/// The status of a process that its parent has buried, as wait(2) gives it; from Linux 6.15 on (`PIDFD_INFO_EXIT`).
#[expect(unsafe_code, reason = "ioctl(2) has no safe wrapper")]
pub(super) fn pidfd_exit_status(pidfd: &OwnedFd) -> Option<i32> {
    #[cfg(target_os = "linux")]
    {
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
        let result = unsafe { nix::libc::ioctl(pidfd.as_raw_fd(), request, &raw mut info) };
        (result == 0 && info.mask & EXIT != 0).then_some(info.exit_status)
    }
    #[cfg(not(target_os = "linux"))]
    None.filter(|_: &i32| pidfd.as_raw_fd() == -1)
}
