//! What a process costs, as the kernel says: resident memory and its highest, threads, descriptors.

use std::fs;

/// At one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Resident, KiB.
    pub(crate) memory: u64,
    /// The most there was since [`forget_peak`], KiB.
    pub(crate) peak: u64,
    pub(crate) threads: u64,
    pub(crate) descriptors: usize,
}

impl Cost {
    pub(crate) fn of(pid: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let number = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).expect(name);
            line.split_whitespace().nth(1).and_then(|digits| digits.parse().ok()).expect(name)
        };
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("ours").count();
        Self { memory: number("VmRSS:"), peak: number("VmHWM:"), threads: number("Threads:"), descriptors }
    }
}

/// From now on the highest is counted anew (proc(5), clear_refs).
pub(crate) fn forget_peak(pid: u32) {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("a process of ours");
}
