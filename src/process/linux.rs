//! What only Linux has, behind plain functions; elsewhere the portable way stands beside it.

use std::os::fd::RawFd;

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
