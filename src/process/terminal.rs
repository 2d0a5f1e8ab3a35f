//! The user's terminal: raw mode while the child owns it, and everything put back afterwards.

use crate::process::best_effort;
use nix::sys::termios::{self, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices, Termios};
use nix::unistd::{getpgrp, isatty, tcgetpgrp};
use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Size of a terminal, in character cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns, at least 1.
    pub cols: u16,
    /// Rows, at least 1.
    pub rows: u16,
}

impl Default for Size {
    /// What a terminal has been since the VT100: 80 by 24.
    fn default() -> Self {
        Self { cols: 80, rows: 24 }
    }
}

/// The terminal among our standard descriptors, with the settings it had when we came.
#[derive(Debug)]
pub struct Terminal {
    fd: OwnedFd,
    found: RefCell<Termios>,
    /// Our stdin is something else, so what is typed may be meant for another program of our pipeline.
    typing_is_shared: bool,
}

impl Terminal {
    /// The first standard descriptor that is a terminal; `None` when there is none.
    ///
    /// # Errors
    /// When its settings cannot be read.
    pub fn of_this_process() -> io::Result<Option<Self>> {
        let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        for fd in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()] {
            if isatty(fd).unwrap_or(false) {
                let typing_is_shared = !isatty(stdin.as_fd()).unwrap_or(false);
                return Self::of(fd.try_clone_to_owned()?, typing_is_shared).map(Some);
            }
        }
        Ok(None)
    }

    fn of(fd: OwnedFd, typing_is_shared: bool) -> io::Result<Self> {
        let found = RefCell::new(termios::tcgetattr(&fd)?);
        Ok(Self { fd, found, typing_is_shared })
    }

    /// The same terminal by a descriptor of its own.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn try_clone(&self) -> io::Result<Self> {
        let Self { fd, found, typing_is_shared } = self;
        Ok(Self { fd: fd.try_clone()?, found: found.clone(), typing_is_shared: *typing_is_shared })
    }

    /// The descriptor.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The settings it had.
    pub fn found(&self) -> Termios {
        self.found.borrow().clone()
    }

    /// Reads them again, before it is taken: in the background they were those of the shell's line editor. `true`
    /// when they are others.
    pub fn look_again(&self) -> bool {
        let Ok(now) = termios::tcgetattr(&self.fd) else { return false };
        now != self.found.replace(now.clone())
    }

    /// Whether what is typed may be meant for another program of our pipeline: our stdin is not the terminal. It
    /// is left alone then until the child itself asks for keys; see [`Terminal::wants_keys`].
    pub fn typing_is_shared(&self) -> bool {
        self.typing_is_shared
    }

    /// The settings the child's pseudo-terminal begins with. Where this terminal stays as it is, it processes
    /// output itself, and that must not be done twice.
    pub fn settings_for_child(&self) -> Termios {
        let mut settings = self.found();
        if self.typing_is_shared {
            settings.output_flags.remove(OutputFlags::OPOST);
        }
        settings
    }

    /// Whether the child reads keys from the pseudo-terminal behind `master`: it changed how keys are taken.
    pub fn wants_keys(&self, master: BorrowedFd<'_>) -> bool {
        let keys = LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG;
        let found = self.found.borrow().local_flags & keys;
        termios::tcgetattr(master).is_ok_and(|now| now.local_flags & keys != found)
    }

    /// Whether our process group may change its settings without being stopped for it. A terminal that does not
    /// control us may be used by anyone.
    pub fn is_ours(&self) -> bool {
        tcgetpgrp(&self.fd).map_or(true, |group| group == getpgrp())
    }

    /// Its size now; `None` when it does not know (a serial line, a size of 0).
    pub fn size(&self) -> Option<Size> {
        size_of(self.fd.as_fd())
    }

    /// Passes every byte through: no echo, no line editing, no signals from keys.
    ///
    /// # Errors
    /// When the terminal refuses, for instance because it was hung up.
    pub fn make_raw(&self) -> io::Result<()> {
        let mut raw = self.found();
        termios::cfmakeraw(&mut raw);
        if self.typing_is_shared {
            raw.output_flags = self.found.borrow().output_flags;
        }
        Ok(termios::tcsetattr(&self.fd, SetArg::TCSANOW, &raw)?)
    }

    /// Gives the terminal the settings it had. A terminal that is gone needs none.
    pub fn restore(&self) {
        best_effort(termios::tcsetattr(&self.fd, SetArg::TCSANOW, &self.found.borrow()));
    }
}

/// Restores the terminal when dropped, on every way out that unwinds.
#[derive(Debug)]
pub struct RawMode<'a>(pub &'a Terminal);

impl Drop for RawMode<'_> {
    fn drop(&mut self) {
        if self.0.is_ours() {
            self.0.restore();
        }
    }
}

/// Size of the terminal behind `fd`.
pub fn size_of(fd: BorrowedFd<'_>) -> Option<Size> {
    in_cells(winsize(fd)?)
}

/// `None` where it does not know its own.
fn in_cells(size: nix::libc::winsize) -> Option<Size> {
    (size.ws_col > 0 && size.ws_row > 0).then_some(Size { cols: size.ws_col, rows: size.ws_row })
}

/// Gives `to` the size that `from` has, in cells and in pixels, where it has another, after `before` was told it; one that
/// does not know its own is not followed. The kernel tells the foreground process group by SIGWINCH.
///
/// # Errors
/// When the kernel refuses.
#[expect(unsafe_code, reason = "ioctl(2) has no safe wrapper")]
pub(super) fn take_size(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    before: impl FnOnce(Size),
) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let (Some(wanted), Some(found)) = (winsize(from), winsize(to)) else { return Ok(()) };
    let Some(size) = in_cells(wanted) else { return Ok(()) };
    before(size);
    if wanted == found {
        return Ok(());
    }
    // SAFETY: the request reads one winsize, and `wanted` is one.
    let result = unsafe { nix::libc::ioctl(to.as_raw_fd(), nix::libc::TIOCSWINSZ, &raw const wanted) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[expect(unsafe_code, reason = "ioctl(2) has no safe wrapper")]
fn winsize(fd: BorrowedFd<'_>) -> Option<nix::libc::winsize> {
    use std::os::fd::AsRawFd;
    let mut size = nix::libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the request writes one winsize, and `size` is one.
    let result = unsafe { nix::libc::ioctl(fd.as_raw_fd(), nix::libc::TIOCGWINSZ, &raw mut size) };
    (result == 0).then_some(size)
}

/// A key that makes the terminal driver signal the foreground group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalKey {
    /// Interrupt, usually `^C`.
    Interrupt,
    /// Quit, usually `^\`.
    Quit,
    /// Suspend, usually `^Z`.
    Suspend,
}

/// The signal key that `byte` is under these settings, if they turn keys into signals at all.
pub fn signal_key(settings: &Termios, byte: u8) -> Option<SignalKey> {
    use SpecialCharacterIndices::{VINTR, VQUIT, VSUSP};
    if !settings.local_flags.contains(LocalFlags::ISIG) || byte == 0 {
        return None;
    }
    [(VINTR, SignalKey::Interrupt), (VQUIT, SignalKey::Quit), (VSUSP, SignalKey::Suspend)]
        .into_iter()
        .find(|(index, _)| settings.control_chars[*index as usize] == byte)
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::pty::{OpenptyResult, openpty};
    use nix::sys::termios::tcgetattr;

    fn pair(typing_is_shared: bool) -> (OwnedFd, Terminal) {
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        (master, Terminal::of(slave, typing_is_shared).unwrap())
    }

    #[test]
    fn a_panic_leaves_the_terminal_as_it_was() {
        let (_master, terminal) = pair(false);
        let changed = std::cell::Cell::new(false);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _raw = RawMode(&terminal);
            terminal.make_raw().unwrap();
            changed.set(tcgetattr(terminal.fd()).unwrap() != terminal.found());
            panic!("on purpose");
        }));
        assert!(panicked.is_err() && changed.get());
        assert_eq!(tcgetattr(terminal.fd()).unwrap(), terminal.found());
    }

    #[test]
    fn keys_become_signals_only_where_the_terminal_says_so() {
        let (_master, terminal) = pair(false);
        assert_eq!(signal_key(&terminal.found(), 0x03), Some(SignalKey::Interrupt));
        assert_eq!(signal_key(&terminal.found(), 0x1a), Some(SignalKey::Suspend));
        assert_eq!(signal_key(&terminal.found(), b'a'), None);
        terminal.make_raw().unwrap();
        assert_eq!(signal_key(&tcgetattr(terminal.fd()).unwrap(), 0x03), None);
    }

    #[test]
    fn a_child_that_shares_the_typing_gets_keys_once_it_changes_how_they_are_taken() {
        let (_outer_master, terminal) = pair(true);
        let OpenptyResult { master, slave } = openpty(None, &terminal.settings_for_child()).unwrap();
        assert!(!terminal.wants_keys(master.as_fd()));
        let mut silent = tcgetattr(&slave).unwrap();
        silent.local_flags.remove(LocalFlags::ECHO);
        termios::tcsetattr(&slave, SetArg::TCSANOW, &silent).unwrap();
        assert!(terminal.wants_keys(master.as_fd()));
    }
}
