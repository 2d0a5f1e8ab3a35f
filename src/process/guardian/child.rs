//! Starting the child: from the guardian's fork to the new program.

use super::Charge;
use crate::process::best_effort;
use crate::process::descriptors::Stdio;
use crate::process::platform::pipe;
use crate::process::program::{close_again, give_back_sigpipe};
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::unistd::{ForkResult, Pid, dup2_raw, fork, getpid, setpgid, tcsetpgrp};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};

/// How signals stood when we came, for the child to have.
#[derive(Debug)]
pub(super) struct Dispositions {
    ignored: Vec<i32>,
    mask: SigSet,
}

impl Dispositions {
    pub(super) fn found() -> Self {
        let ignored = (1..=31)
            .filter(|signal| *signal != libc::SIGPIPE && crate::process::signals::is_ignored(*signal));
        let mut mask = SigSet::empty();
        best_effort(sigprocmask(SigmaskHow::SIG_BLOCK, None, Some(&mut mask)));
        Self { ignored: ignored.collect(), mask }
    }

    /// Puts them back, after the guardian changed its own.
    #[expect(unsafe_code, reason = "dispositions without a handler run no code of ours")]
    fn restore(&self) {
        for signal_name in Signal::iterator() {
            let handler = if self.ignored.contains(&(signal_name as i32)) {
                SigHandler::SigIgn
            } else {
                SigHandler::SigDfl
            };
            // SAFETY: no handler function is installed. KILL and STOP refuse, which is as it should be.
            best_effort(unsafe { signal(signal_name, handler) });
        }
        give_back_sigpipe();
        best_effort(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.mask), None));
    }
}

/// Starts the child. `tty` is the open slave side where there is one.
///
/// # Errors
/// What exec(2) or what comes before it said; the child is gone then.
#[expect(unsafe_code, reason = "fork(2): the guardian has one thread, so its copy may do everything")]
pub(super) fn start(charge: &Charge, tty: Option<&OwnedFd>, found: &Dispositions) -> io::Result<Pid> {
    let (mut reader, writer) =
        pipe(OFlag::empty()).map(|(reader, writer)| (File::from(reader), File::from(writer)))?;
    // Until the new process has its own dispositions it has the guardian's, and would ignore what is meant to end it.
    let before = hold_signals();
    // SAFETY: one thread.
    let forked = unsafe { fork() };
    if !matches!(forked, Ok(ForkResult::Child)) {
        best_effort(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None));
    }
    match forked? {
        ForkResult::Child => {
            let error = become_child(charge, tty, found);
            let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
            best_effort((&writer).write_all(&errno.to_ne_bytes()));
            // SAFETY: leaves without running destructors that belong to the guardian.
            unsafe { libc::_exit(127) }
        }
        ForkResult::Parent { child } => {
            drop(writer);
            if tty.is_some() {
                // Both sides do it, so that it is done whoever runs first.
                best_effort(setpgid(child, child));
            }
            let mut errno = [0; 4];
            match reader.read_exact(&mut errno) {
                Ok(()) => {
                    best_effort(nix::sys::wait::waitpid(child, None));
                    Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno)))
                }
                Err(_) => Ok(child),
            }
        }
    }
}

/// Lets every signal wait, and gives the mask there was.
fn hold_signals() -> SigSet {
    let mut before = SigSet::empty();
    best_effort(sigprocmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::all()), Some(&mut before)));
    before
}

/// Returns only with what failed.
fn become_child(charge: &Charge, tty: Option<&OwnedFd>, found: &Dispositions) -> io::Error {
    if let Err(error) = take_place(tty).and_then(|()| take_descriptors(charge, tty)) {
        return error;
    }
    found.restore();
    charge.image.execute()
}

/// Its own process group, in the foreground. SIGTTOU is ignored here, so this cannot stop it.
fn take_place(tty: Option<&OwnedFd>) -> io::Result<()> {
    if let Some(tty) = tty {
        setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
        tcsetpgrp(tty, getpid())?;
    }
    Ok(())
}

fn take_descriptors(charge: &Charge, tty: Option<&OwnedFd>) -> io::Result<()> {
    for (number, stdio) in (0..).zip(&charge.stdio) {
        match (stdio, tty) {
            (Stdio::Terminal, Some(tty)) => put(tty, number)?,
            (Stdio::Pipe(fd), _) => put(fd, number)?,
            (Stdio::Closed, _) => close_again(number),
            _ => {}
        }
    }
    Ok(())
}

/// Makes `number` a copy of `fd` that stays open over exec. The two are never the same: ours are above 2.
#[expect(
    unsafe_code,
    reason = "the standard descriptors are owned by nobody else in this short-lived process"
)]
fn put(fd: &impl AsFd, number: RawFd) -> io::Result<()> {
    // SAFETY: the number is one of 0-2, which nothing in this process owns; the result is let go of unclosed.
    let put = unsafe { dup2_raw(fd, number) }?;
    std::mem::forget(put);
    Ok(())
}

/// Opens the slave side and makes it the controlling terminal of this session leader.
#[expect(unsafe_code, reason = "ioctl(2) has no safe wrapper")]
pub(super) fn open_terminal(path: &std::ffi::CStr) -> io::Result<OwnedFd> {
    use nix::fcntl::open;
    use nix::sys::stat::Mode;
    use std::os::fd::AsRawFd;
    // The request's type is not the same everywhere.
    nix::ioctl_write_int_bad!(take_control, libc::TIOCSCTTY);
    let tty = open(path, OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    // Linux has done this at open already; elsewhere it takes the request.
    // SAFETY: the descriptor is open, and the request takes a plain 0.
    unsafe { take_control(tty.as_raw_fd(), 0) }?;
    Ok(above_standard(tty))
}

/// Our standard descriptors may have been closed, and then open(2) gives one of their numbers.
#[expect(unsafe_code, reason = "the number comes fresh from F_DUPFD_CLOEXEC")]
fn above_standard(fd: OwnedFd) -> OwnedFd {
    use nix::fcntl::{FcntlArg, fcntl};
    match fcntl(&fd, FcntlArg::F_DUPFD_CLOEXEC(3)) {
        // SAFETY: nobody else knows the new number.
        Ok(copy) => unsafe { OwnedFd::from_raw_fd(copy) },
        Err(_) => fd,
    }
}
