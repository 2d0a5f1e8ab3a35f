//! Memory that was freed. It knows nothing of what it was for.

/// A block of this size is given back to the system at once when it is freed, bytes.
#[cfg(target_env = "gnu")]
const LARGE: nix::libc::c_int = 1 << 20;

/// Large blocks go back to the system when they are freed, whatever was freed before. By itself glibc keeps ever larger ones
/// once the first was freed (mallopt(3), `M_MMAP_THRESHOLD`): a process that once read something large stays large.
/// To be called while there is one thread.
#[cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "mallopt(3) has no safe wrapper"))]
pub fn give_back_large_blocks() {
    #[cfg(target_env = "gnu")]
    // SAFETY: a documented parameter with a value within its range; nothing else is touched.
    unsafe {
        // Where it is refused, memory is given back later.
        _ = nix::libc::mallopt(nix::libc::M_MMAP_THRESHOLD, LARGE);
    }
}
