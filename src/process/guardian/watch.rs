//! The guardian's life: take its place, wait for orders and for the child, report; name and end the family when told.

use super::child::{self, Dispositions};
use super::ward::{Ward, next_change};
use super::wire::{Order, Report, write_remaining};
use super::{Charge, Departed, bereaved};
use crate::process::best_effort;
use crate::process::descriptors::{Stdio, is_close_on_exec, let_go_of_standard};
use crate::process::family::{Family, Mark, Relative};
use crate::process::platform;
use nix::errno::Errno;
use nix::libc;
use nix::sys::select::{FdSet, pselect};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask};
use nix::sys::wait::WaitPidFlag;
use nix::unistd::setsid;
use std::ffi::CString;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Runs the guardian, forked from `parent`; never returns.
pub(super) fn run(charge: Charge, socket: UnixStream, parent: u32) -> ! {
    let status = match Watch::begin(charge, socket, parent) {
        Ok(mut watch) => watch.serve(),
        Err(_) => 1,
    };
    leave(status)
}

#[expect(
    unsafe_code,
    reason = "the guardian must not run destructors or exit handlers copied from its parent"
)]
fn leave(status: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}

struct Watch {
    charge: Charge,
    socket: UnixStream,
    /// Where the child is to run. It cannot be opened when our parent is dead already, who may have taken the user's
    /// terminal: then there is nothing to start, and the rest is to be done all the same.
    tty: io::Result<Option<OwnedFd>>,
    found: Dispositions,
    ward: Option<Ward>,
    departed: Departed,
    family: Family,
}

impl Watch {
    fn begin(charge: Charge, socket: UnixStream, parent: u32) -> io::Result<Self> {
        let found = Dispositions::found();
        close_ours_but(&charge, &socket);
        settle_signals()?;
        platform::become_subreaper();
        let tty = charge.tty.as_deref().map(|path| {
            setsid()?;
            child::open_terminal(path)
        });
        // In a run within a run we would be found as one of the outer one's, killed, and our own family left alone.
        charge.mark.iter().for_each(Mark::put_over_anothers);
        let family = charge.family(parent);
        Ok(Self {
            tty: tty.transpose(),
            charge,
            socket,
            found,
            ward: None,
            departed: Departed::default(),
            family,
        })
    }

    /// Returns the guardian's exit status.
    fn serve(&mut self) -> i32 {
        loop {
            let readable = wait_for(self.socket.as_fd());
            self.reap();
            if !readable {
                continue;
            }
            match Order::read(&mut self.socket) {
                Some(Order::Start) => self.start(),
                Some(Order::Signal(signal)) => self.signal(signal),
                Some(Order::EndFamily(grace)) => {
                    let grace = Duration::from_millis(u64::try_from(grace).unwrap_or(0));
                    self.name(self.family.end(grace));
                }
                Some(Order::NameFamily) => self.name(self.going_on()),
                Some(Order::CallWith(length)) => self.call_with(usize::try_from(length).unwrap_or(0)),
                Some(Order::Dismissed) => return 0,
                None => {
                    let exit = bereaved::clean_up(&self.charge, self.ward, &self.family);
                    self.departed.exit = self.departed.exit.or(exit);
                    if let Some(heir) = self.charge.heir.take() {
                        heir.take_over(self.departed);
                    }
                    return 0;
                }
            }
        }
    }

    fn start(&mut self) {
        self.take_tty_again();
        let started = match &self.tty {
            Ok(tty) => child::start(&self.charge, tty.as_ref(), &self.found),
            Err(cause) => Err(io::Error::from_raw_os_error(cause.raw_os_error().unwrap_or(libc::EINVAL))),
        };
        let report = match started {
            Ok(pid) => {
                self.ward = Some(Ward { pid, leads_group: self.charge.tty.is_some() });
                self.departed.pid = Some(pid.as_raw().unsigned_abs());
                Report::Started(pid.as_raw())
            }
            Err(error) => Report::Failed(error.raw_os_error().unwrap_or(libc::EINVAL)),
        };
        if !self.charge.is_kept {
            self.let_go();
        }
        self.report(report);
    }

    /// A text that does not come whole is our parent's death, which the next read shows.
    fn call_with(&mut self, length: usize) {
        let mut text = vec![0; length];
        if self.socket.read_exact(&mut text).is_ok() {
            let words = text.split(|byte| *byte == 0).map(|word| CString::new(word).unwrap_or_default());
            self.charge.image.call_with(words.collect());
        }
    }

    /// One that was let go is opened once more, for a child that follows on the first.
    fn take_tty_again(&mut self) {
        if let (Some(path), Ok(None)) = (&self.charge.tty, &self.tty) {
            self.tty = child::open_terminal(path).map(Some);
        }
    }

    /// The child has what it needs; what we keep open would keep others waiting for its end. What was not the terminal
    /// is lost to a second child.
    fn let_go(&mut self) {
        for stdio in &mut self.charge.stdio {
            if matches!(stdio, Stdio::Pipe(_)) {
                *stdio = Stdio::Inherited;
            }
        }
        self.tty = Ok(None);
        best_effort(let_go_of_standard());
    }

    fn signal(&self, signal: i32) {
        if let Some(ward) = self.ward {
            ward.signal(signal);
        }
    }

    /// Who goes on when the run is over. What is still on our terminal hears of its end.
    fn going_on(&self) -> Vec<Relative> {
        let leads_session = self.charge.tty.is_some();
        match leads_session {
            true => self.family.clone().outside_session(std::process::id()).find(),
            false => self.family.find(),
        }
    }

    fn name(&mut self, relatives: Vec<Relative>) {
        best_effort(write_remaining(&relatives.into(), &mut self.socket));
    }

    /// Takes every child that changed: ours is reported, orphans that came to us are only buried.
    fn reap(&mut self) {
        let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED;
        while let Some((pid, report)) = next_change(flags) {
            if self.ward.is_none_or(|ward| ward.pid != pid) {
                continue;
            }
            if let Some(exit) = report.exit() {
                self.ward = None;
                self.departed.exit = Some(exit);
            }
            self.report(report);
        }
    }

    /// A failed write is our parent's death, which the next read shows.
    fn report(&mut self, report: Report) {
        best_effort(report.write(&mut self.socket));
    }
}

/// Closes what belongs to our parent: all its descriptors are close-on-exec, what the user gave us is not.
fn close_ours_but(charge: &Charge, socket: &UnixStream) {
    let mut keep = charge.descriptors();
    keep.push(socket.as_raw_fd());
    for fd in platform::open_descriptors() {
        if fd > 2 && !keep.contains(&fd) && is_close_on_exec(fd) == Some(true) {
            best_effort(nix::unistd::close(fd));
        }
    }
}

/// Nothing that is meant for the child or for us ends the guardian; SIGCHLD only while it waits.
#[expect(unsafe_code, reason = "sigaction(2); the one handler does nothing")]
fn settle_signals() -> io::Result<()> {
    extern "C" fn nothing(_: libc::c_int) {}
    use Signal::{
        SIGALRM, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
    };
    let act = |handler| SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    for signal in
        [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM]
    {
        // SAFETY: ignoring runs no code.
        unsafe { sigaction(signal, &act(SigHandler::SigIgn)) }?;
    }
    // SAFETY: the handler does nothing; it is there so that SIGCHLD interrupts the wait.
    unsafe { sigaction(Signal::SIGCHLD, &act(SigHandler::Handler(nothing))) }?;
    let mut child = SigSet::empty();
    child.add(Signal::SIGCHLD);
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&child), None)?;
    Ok(())
}

/// Waits for an order or for SIGCHLD, which is let through only here. `true` when the socket has something.
fn wait_for(socket: BorrowedFd<'_>) -> bool {
    let mut set = FdSet::new();
    set.insert(socket);
    match pselect(None, &mut set, None, None, None, &SigSet::empty()) {
        Ok(count) => count > 0,
        Err(Errno::EINTR) => false,
        Err(_) => true,
    }
}
