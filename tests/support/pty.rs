//! Opens a pseudo-terminal and starts a program on it as its controlling terminal. What the
//! program writes, and how it is rendered, is `terminal`'s business.

#![expect(unsafe_code, reason = "two ioctls and a pre_exec that safe wrappers lack")]

use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::pty::{PtyMaster, Winsize, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat::Mode;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

nix::ioctl_write_ptr_bad!(set_window_size, libc::TIOCSWINSZ, Winsize);
nix::ioctl_write_int_bad!(set_controlling_terminal, libc::TIOCSCTTY);

/// Opens a pair: our end, non-blocking, and the program's end.
///
/// Both are close-on-exec from birth. A copy that leaked into another test's child would keep the
/// terminal alive after its program is gone.
pub(crate) fn open_pair(columns: u16, rows: u16) -> io::Result<(PtyMaster, OwnedFd)> {
    let ours = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let theirs = open(Path::new(&ptsname_r(&ours)?), flags, Mode::empty())?;
    resize(&ours, columns, rows)?;
    Ok((ours, theirs))
}

/// Changes the size; the kernel tells the foreground programs by SIGWINCH.
pub(crate) fn resize(ours: &PtyMaster, columns: u16, rows: u16) -> io::Result<()> {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is open, and the kernel only reads the struct during the call.
    unsafe { set_window_size(ours.as_raw_fd(), &raw const size) }?;
    Ok(())
}

/// Starts `command` in a session of its own, with `theirs` as controlling terminal and standard
/// streams. Takes both, since every descriptor we kept would hold the terminal open.
pub(crate) fn start(mut command: Command, theirs: OwnedFd) -> io::Result<Child> {
    command.stdin(theirs.try_clone()?).stdout(theirs.try_clone()?).stderr(theirs);
    // SAFETY: between fork and exec only the two system calls run; neither allocates nor locks.
    unsafe { command.pre_exec(lead_session) };
    command.spawn()
}

/// Runs in the child, whose standard input is the terminal already.
fn lead_session() -> io::Result<()> {
    nix::unistd::setsid()?;
    // SAFETY: the argument is a plain integer: do not steal a terminal from another session.
    unsafe { set_controlling_terminal(libc::STDIN_FILENO, 0) }?;
    Ok(())
}
