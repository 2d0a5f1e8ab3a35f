//! The pseudo-terminal the child runs on. portable-pty opens the pair and resizes it; its way of spawning and
//! its writer are not used (they hide failures to exec, and type newline and `^D` into the child when dropped).

use super::terminal::Size;
use crate::process::best_effort;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::termios::{self, FlushArg, SetArg, Termios};
use portable_pty::{MasterPty, PtySize, SlavePty, native_pty_system};
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

/// A pair of which we hold the master side.
pub struct Pty {
    _pair: Box<dyn MasterPty + Send>,
    /// Kept open until the guardian has its own, so that the master is never without a slave before the child runs.
    slave: Option<Box<dyn SlavePty + Send>>,
    /// The same, opened again.
    held: Option<OwnedFd>,
    master: OwnedFd,
    path: CString,
    began_with: Termios,
}

impl std::fmt::Debug for Pty {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Pty")
            .field("master", &self.master)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Pty {
    /// Opens a pair of this size, if it is to have one, with these settings where a real terminal is to be matched.
    ///
    /// # Errors
    /// When the system has no pseudo-terminal left, or the settings are refused.
    pub fn open(size: Option<Size>, settings: Option<&Termios>) -> io::Result<Self> {
        let size = size.map_or(PtySize { rows: 0, cols: 0, pixel_width: 0, pixel_height: 0 }, cells);
        let pair = native_pty_system().openpty(size).map_err(io::Error::other)?;
        let raw = pair.master.as_raw_fd().ok_or_else(|| io::Error::other("the pair has no descriptor"))?;
        let master = duplicate(raw)?;
        let flags = OFlag::from_bits_truncate(fcntl(&master, FcntlArg::F_GETFL)?);
        fcntl(&master, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        if let Some(settings) = settings {
            termios::tcsetattr(&master, SetArg::TCSANOW, settings)?;
        }
        let path = pair.master.tty_name().ok_or_else(|| io::Error::other("the pair has no name"))?;
        let path = CString::new(path.into_os_string().into_vec())?;
        let began_with = termios::tcgetattr(&master)?;
        Ok(Self { _pair: pair.master, slave: Some(pair.slave), held: None, master, path, began_with })
    }

    /// The master side, not blocking.
    pub fn master(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    /// Path of the slave side.
    pub fn slave_path(&self) -> &CString {
        &self.path
    }

    /// Closes our hold on the slave side. To be called once the child runs or is known never to: a master whose
    /// slave is open nowhere reads as ended.
    pub fn release_slave(&mut self) {
        self.slave = None;
        self.held = None;
    }

    /// Holds the slave side once more, for another child: until that runs, the master would read as ended.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn hold_slave(&mut self) -> io::Result<()> {
        if self.slave.is_none() && self.held.is_none() {
            let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
            self.held = Some(nix::fcntl::open(self.path.as_c_str(), flags, nix::sys::stat::Mode::empty())?);
        }
        Ok(())
    }

    /// Gives the child's side, which is held, back the settings it began with, and throws away what was typed and is
    /// unread: it was for the last child. A terminal that is gone needs none.
    pub fn reset(&self) {
        if let Some(held) = &self.held {
            best_effort(termios::tcflush(held, FlushArg::TCIFLUSH));
        }
        best_effort(termios::tcsetattr(&self.master, SetArg::TCSANOW, &self.began_with));
    }

    /// Gives the child's side new settings, where it still has those it began with.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn renew_settings(&self, began_with: &Termios, now: &Termios) -> io::Result<()> {
        if termios::tcgetattr(&self.master)? == *began_with {
            termios::tcsetattr(&self.master, SetArg::TCSANOW, now)?;
        }
        Ok(())
    }
}

/// The slave side, held for a moment to see what the child has read.
#[derive(Debug)]
pub(super) struct Unread(OwnedFd);

impl Unread {
    /// At this path; `None` where it cannot be opened.
    pub(super) fn at(path: &CStr) -> Option<Self> {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        nix::fcntl::open(path, flags, nix::sys::stat::Mode::empty()).ok().map(Self)
    }

    /// Whether something was written that the child has not read.
    #[expect(unsafe_code, reason = "ioctl(2) has no safe wrapper")]
    pub(super) fn is_there(&self) -> bool {
        let mut count = 0;
        // SAFETY: the request writes one int, and `count` is one.
        let result = unsafe { nix::libc::ioctl(self.0.as_raw_fd(), nix::libc::FIONREAD, &raw mut count) };
        result == 0 && count > 0
    }
}

fn cells(size: Size) -> PtySize {
    PtySize { rows: size.rows, cols: size.cols, pixel_width: 0, pixel_height: 0 }
}

#[expect(unsafe_code, reason = "portable-pty gives only the number of its descriptor")]
fn duplicate(raw: i32) -> io::Result<OwnedFd> {
    // SAFETY: the pair that owns the number is alive in the caller.
    let copy = fcntl(unsafe { BorrowedFd::borrow_raw(raw) }, FcntlArg::F_DUPFD_CLOEXEC(3))?;
    // SAFETY: F_DUPFD_CLOEXEC has just made this number, and nobody else knows it.
    let owned = unsafe { OwnedFd::from_raw_fd(copy) };
    fcntl(&owned, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::termios::cfmakeraw;
    use nix::unistd::{read, write};
    use std::os::fd::AsFd;

    #[test]
    fn what_one_child_has_not_read_is_not_read_by_the_next() {
        let mut pty = Pty::open(None, None).unwrap();
        let slave = Unread::at(pty.slave_path()).unwrap();
        let mut raw = termios::tcgetattr(&slave.0).unwrap();
        cfmakeraw(&mut raw);
        termios::tcsetattr(&slave.0, SetArg::TCSANOW, &raw).unwrap();
        write(pty.master(), b"\x1b[200~for the first\x1b[201~\r").unwrap();
        drop(slave);
        pty.release_slave();
        pty.hold_slave().unwrap();
        pty.reset();
        let slave = Unread::at(pty.slave_path()).unwrap();
        termios::tcsetattr(&slave.0, SetArg::TCSANOW, &raw).unwrap();
        write(pty.master(), b"next").unwrap();
        let mut bytes = [0; 64];
        let count = read(slave.0.as_fd(), &mut bytes).unwrap();
        assert_eq!(&bytes[..count], b"next");
    }
}
