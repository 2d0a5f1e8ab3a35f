//! What the process was given, read before Rust's runtime changes it.
//!
//! The runtime opens `/dev/null` on closed standard descriptors and ignores SIGPIPE before `main`. A child that
//! must not notice us gets both as they were, so they are read by an initialiser that runs earlier still.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

const SIGPIPE_IGNORED: u8 = 1 << 7;

/// Bits 0-2: the descriptor was closed. Bit 7: SIGPIPE was ignored.
static FOUND: AtomicU8 = AtomicU8::new(0);

/// Whether standard descriptor `fd` (0-2) was closed when the process started.
pub fn was_closed(fd: i32) -> bool {
    (0..3).contains(&fd) && FOUND.load(Relaxed) & (1 << fd) != 0
}

/// Whether SIGPIPE was ignored when the process started.
pub fn ignored_sigpipe() -> bool {
    FOUND.load(Relaxed) & SIGPIPE_IGNORED != 0
}

#[expect(unsafe_code, reason = "the loader calls it once, before any thread; it only makes two system calls")]
mod initialiser {
    use super::{FOUND, Relaxed, SIGPIPE_IGNORED};
    use nix::libc;

    #[used]
    #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
    #[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
    static LOOK: extern "C" fn() = look;

    extern "C" fn look() {
        let mut found = 0;
        for fd in 0..3 {
            // SAFETY: asking for the flags of any number is harmless; a closed one gives EBADF.
            if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
                found |= 1 << fd;
            }
        }
        // SAFETY: a null new action only reads; the zeroed structure is a valid place to read into.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(libc::SIGPIPE, std::ptr::null(), &raw mut action) == 0
                && action.sa_sigaction == libc::SIG_IGN
            {
                found |= SIGPIPE_IGNORED;
            }
        }
        FOUND.store(found, Relaxed);
    }
}
