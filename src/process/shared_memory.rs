//! A few numbers in memory that this process and those it forks see alike, also after one of them is gone.

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

/// So many numbers, each 0. The page they are on lives as long as any of the processes.
///
/// # Errors
/// When the kernel has no page left.
#[expect(unsafe_code, reason = "memory shared over fork(2) has no safe wrapper")]
pub fn shared_words<const COUNT: usize>() -> io::Result<&'static [AtomicU64; COUNT]> {
    let length = NonZeroUsize::new(size_of::<[AtomicU64; COUNT]>()).ok_or(io::ErrorKind::InvalidInput)?;
    let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a fresh anonymous mapping, zeroed by the kernel, page-aligned and never unmapped.
    let page: NonNull<[AtomicU64; COUNT]> =
        unsafe { mmap_anonymous(None, length, protection, MapFlags::MAP_SHARED)?.cast() };
    // SAFETY: as above; zeroed atomics are valid ones.
    Ok(unsafe { page.as_ref() })
}
