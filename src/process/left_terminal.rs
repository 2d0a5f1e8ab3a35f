//! The terminal that claude had for itself in exec mode, after claude was killed there.
//!
//! Nobody saw which modes it had switched on, and a shell may be at its prompt already. So only those are switched off
//! that no shell uses and that make a terminal unusable when they stay on; where they are off already, nothing happens.

use nix::fcntl::OFlag;
use nix::sys::stat::{dev_t, fstat};
use nix::unistd::{isatty, ttyname};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Mouse tracking, focus reports, synchronised output, the alternate screen (by the number that does nothing where it
/// is not on), kitty's keys, modified keys, colour reports, and the cursor shown.
const UNDO: &[u8] =
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\
    \x1b[?2026l\x1b[?1047l\x1b[<u\x1b[>4m\x1b[?2031l\x1b[?25h";

/// How long a terminal may take nothing.
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two attempts meanwhile.
const PAUSE: Duration = Duration::from_millis(1);

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

    /// Whether nobody holds its other side any more: the window was closed.
    pub fn is_gone(&self) -> bool {
        self.open().is_none()
    }

    fn open(&self) -> Option<File> {
        let flags = (OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits();
        let terminal = OpenOptions::new().write(true).custom_flags(flags).open(&self.path).ok()?;
        fstat(&terminal).is_ok_and(|found| found.st_rdev == self.device).then_some(terminal)
    }

    /// Switches off what claude may have left on. The terminal may be gone, or its name another's.
    pub fn undo_modes(&self) {
        if let Some(mut terminal) = self.open() {
            write_soon(&mut terminal, UNDO);
        }
    }
}

/// Writes it all, as soon as nobody else is writing there; gives up on a terminal that takes nothing for so long.
fn write_soon(terminal: &mut impl Write, mut bytes: &[u8]) {
    let deadline = Instant::now() + PATIENCE;
    while !bytes.is_empty() && Instant::now() < deadline {
        match terminal.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            // Linux says so too while a shell writes its prompt, and poll(2) does not tell when that is over.
            Err(cause) if cause.kind() == ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a byte at a time, and none before it was asked some times.
    struct Busy {
        refusals: u32,
        taken: Vec<u8>,
    }

    impl Write for Busy {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.refusals > 0 {
                self.refusals -= 1;
                return Err(ErrorKind::WouldBlock.into());
            }
            self.taken.extend(bytes.first());
            Ok(1)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_terminal_on_which_somebody_writes_is_waited_for() {
        let mut busy = Busy { refusals: 3, taken: Vec::new() };
        write_soon(&mut busy, UNDO);
        assert_eq!(busy.taken, UNDO);
    }

    #[test]
    fn a_terminal_that_takes_nothing_is_given_up() {
        let mut stuck = Busy { refusals: u32::MAX, taken: Vec::new() };
        let begun = Instant::now();
        write_soon(&mut stuck, UNDO);
        assert!(begun.elapsed() < 4 * PATIENCE && stuck.taken.is_empty());
    }
}
