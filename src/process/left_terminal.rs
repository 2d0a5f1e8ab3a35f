//! The terminal that claude had for itself in exec mode, after claude was killed there.
//!
//! Nobody saw which modes it had switched on, and a shell may be at its prompt already. So only those are switched off
//! that no shell uses and that make a terminal unusable when they stay on; where they are off already, nothing happens.

use super::best_effort;
use nix::fcntl::OFlag;
use nix::sys::stat::{dev_t, fstat};
use nix::unistd::{isatty, ttyname};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Mouse tracking, focus reports, synchronised output, the alternate screen (by the number that does nothing where it
/// is not on), kitty's keys, modified keys, colour reports, and the cursor shown.
const UNDO: &[u8] =
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\
    \x1b[?2026l\x1b[?1047l\x1b[<u\x1b[>4m\x1b[?2031l\x1b[?25h";

/// A terminal by its name and device.
#[derive(Debug, Clone)]
pub struct LeftTerminal {
    path: PathBuf,
    device: dev_t,
}

impl LeftTerminal {
    /// The first standard descriptor that is one.
    pub fn of_this_process() -> Option<Self> {
        use std::os::fd::AsFd;
        let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        let terminal = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()]
            .into_iter()
            .find(|fd| isatty(fd).unwrap_or(false))?;
        Some(Self { path: ttyname(terminal).ok()?, device: fstat(terminal).ok()?.st_rdev })
    }

    /// Switches off what claude may have left on. The terminal may be gone, or its name another's.
    pub fn undo_modes(&self) {
        let flags = (OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits();
        let Ok(mut terminal) = OpenOptions::new().write(true).custom_flags(flags).open(&self.path) else {
            return;
        };
        if fstat(&terminal).is_ok_and(|found| found.st_rdev == self.device) {
            best_effort(terminal.write_all(UNDO));
        }
    }
}
