//! The guardian: a process of ours that is claude's parent, forked before there is any thread.
//!
//! It is session leader on the pseudo-terminal and gives the child its own foreground process group, as a shell
//! would; it reports the child's process id, its stops and its exact end. What the child's own children leave behind
//! comes to it, and it names or ends the whole family when it is told to. It outlives us when we are killed, puts
//! the terminal back and ends the child and its family. Because it is the parent, a signal it sends never hits a
//! reused pid.

mod bereaved;
mod child;
mod heir;
mod ward;
mod watch;
mod wire;

pub use heir::{Departed, Heir};
pub use wire::Report;

use super::descriptors::Stdio;
use super::family::{Family, Mark, Relative, Remaining};
use super::modes::Modes;
use super::processes;
use super::program::{Command, Image};
use super::terminal::Terminal;
use crate::process::best_effort;
use nix::sys::termios::Termios;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wire::{Message, Order, RECORD};

/// How long an answer about the family may take beyond the grace it was given.
const ANSWER: Duration = Duration::from_secs(2);

/// Everything the guardian needs to know, made before the fork.
#[derive(Debug)]
pub struct Charge {
    image: Image,
    /// The slave side of the pseudo-terminal, where there is one.
    tty: Option<CString>,
    stdio: [Stdio; 3],
    /// The user's terminal and the settings it had, to be put back when we die.
    terminal: Option<(OwnedFd, Termios)>,
    modes: Modes,
    /// What the child's family carries.
    mark: Option<Mark>,
    /// Who goes on when we are dead.
    heir: Option<Heir>,
    /// The child may be started more than once, so what it is given is kept.
    is_kept: bool,
}

impl Charge {
    /// The command, the terminal it runs on and its three descriptors.
    ///
    /// # Errors
    /// When an argument contains a NUL byte or no descriptor is left.
    pub fn new(
        command: &Command,
        tty: Option<CString>,
        stdio: [Stdio; 3],
        terminal: Option<&Terminal>,
        modes: Modes,
    ) -> io::Result<Self> {
        let terminal = terminal
            .map(|terminal| Ok::<_, io::Error>((terminal.fd().try_clone_to_owned()?, terminal.found())))
            .transpose()?;
        Ok(Self {
            image: Image::of(command)?,
            tty,
            stdio,
            terminal,
            modes,
            mark: None,
            heir: None,
            is_kept: false,
        })
    }

    /// By this the child's family is found where it went its own ways.
    #[must_use]
    pub fn marked(mut self, mark: Option<Mark>) -> Self {
        self.mark = mark;
        self
    }

    /// Whoever goes on when we are dead and the child is over.
    #[must_use]
    pub fn leaving_to(mut self, heir: Option<Heir>) -> Self {
        self.heir = heir;
        self
    }

    /// Whether what the child is given is kept, to start it again. Then neither a pipe nor a terminal ends with it.
    #[must_use]
    pub fn kept(mut self, is_kept: bool) -> Self {
        self.is_kept = is_kept;
        self
    }

    /// Everything below the guardian, which asks, and whatever carries the mark; us, its parent, excepted.
    fn family(&self, parent: u32) -> Family {
        let own = std::process::id();
        let family = Family::marked(self.mark.clone()).sparing(&[own, parent]);
        match processes::start_time(own) {
            Some(started) => family.below(own, started),
            None => family,
        }
    }

    /// The descriptors it holds.
    fn descriptors(&self) -> Vec<RawFd> {
        let pipes = self.stdio.iter().filter_map(|stdio| match stdio {
            Stdio::Pipe(fd) => Some(fd.as_raw_fd()),
            _ => None,
        });
        let inherited = self.heir.iter().flat_map(|heir| heir.keeps().iter().copied());
        pipes.chain(self.terminal.as_ref().map(|(fd, _)| fd.as_raw_fd())).chain(inherited).collect()
    }
}

/// A forked guardian that waits for the order to start the child.
#[derive(Debug)]
pub struct Posted {
    socket: UnixStream,
    pid: Pid,
}

/// Forks the guardian. The process must have one thread: what is forked is a copy of the calling thread only.
///
/// # Errors
/// When the kernel refuses a socket or a process.
#[expect(unsafe_code, reason = "fork(2) is unsafe where there are threads; callers promise there are none")]
pub fn post(charge: Charge) -> io::Result<Posted> {
    let (ours, theirs) = UnixStream::pair()?;
    let parent = std::process::id();
    // SAFETY: one thread, as documented, so the copy may allocate and lock as it likes.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop(ours);
            watch::run(charge, theirs, parent)
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            ours.set_nonblocking(true)?;
            Ok(Posted { socket: ours, pid: child })
        }
    }
}

impl Posted {
    /// Process id of the guardian itself.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// Turns to asynchronous talk. To be called inside a runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch the socket.
    pub fn take_up(self) -> io::Result<Guardian> {
        Ok(Guardian {
            socket: tokio::net::UnixStream::from_std(self.socket)?,
            pid: self.pid,
            partial: Vec::new(),
        })
    }
}

/// The guardian, as we talk to it.
#[derive(Debug)]
pub struct Guardian {
    socket: tokio::net::UnixStream,
    pid: Pid,
    partial: Vec<u8>,
}

impl Guardian {
    /// Process id of the guardian itself.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// Lets it start the child. [`Report::Started`] or [`Report::Failed`] follows.
    pub async fn start(&mut self) {
        self.order(Order::Start).await;
    }

    /// What the child is called with at the next start, the name it is called by first. Where they cannot be arguments,
    /// it is called as before.
    pub async fn call_with(&mut self, arguments: Vec<OsString>) {
        let words: Vec<Vec<u8>> = arguments.into_iter().map(OsString::into_vec).collect();
        let text = words.join(&0);
        if let Ok(length) = i32::try_from(text.len()) {
            self.order(Order::CallWith(length)).await;
            best_effort(self.socket.write_all(&text).await);
        }
    }

    /// Has it send a signal.
    pub async fn signal(&mut self, signal: i32) {
        self.order(Order::Signal(signal)).await;
    }

    /// Has it end the child's family: TERM, `grace`, KILL. Gives those that resist; `None` when the guardian is gone
    /// or does not answer within the grace and 2 s. To be called when the child has ended.
    pub async fn end_family(&mut self, grace: Duration) -> Option<Remaining> {
        let millis = i32::try_from(grace.as_millis()).unwrap_or(i32::MAX);
        self.order(Order::EndFamily(millis)).await;
        tokio::time::timeout(grace + ANSWER, self.remaining()).await.ok()?
    }

    /// Has it name those of the child's family that go on. On a pseudo-terminal of ours, what is still in its session
    /// is not among them: that hears of its end. `None` as with [`Self::end_family`].
    pub async fn name_family(&mut self) -> Option<Remaining> {
        self.order(Order::NameFamily).await;
        tokio::time::timeout(ANSWER, self.remaining()).await.ok()?
    }

    async fn remaining(&mut self) -> Option<Remaining> {
        let mut named: Vec<Relative> = Vec::new();
        loop {
            match self.message().await? {
                Message::Relative(relative) => named.push(relative),
                Message::Total(total) => return Some(Remaining { named, total }),
                // The child is over; nobody asks any more.
                Message::Report(_) => {}
            }
        }
    }

    async fn order(&mut self, order: Order) {
        // A record always fits; a dead guardian shows as `Lost` where reports are read.
        best_effort(self.socket.write_all(&order.encode()).await);
    }

    /// Waits for its next report. Cancel-safe: what came in part is kept.
    pub async fn report(&mut self) -> Report {
        loop {
            match self.message().await {
                Some(Message::Report(report)) => return report,
                // An answer that came too late.
                Some(Message::Relative(_) | Message::Total(_)) => {}
                None => return Report::Lost,
            }
        }
    }

    async fn message(&mut self) -> Option<Message> {
        while self.partial.len() < RECORD {
            let mut bytes = [0; RECORD];
            let missing = RECORD - self.partial.len();
            match self.socket.read(&mut bytes[..missing]).await {
                Ok(count) if count > 0 => self.partial.extend_from_slice(&bytes[..count]),
                _ => return None,
            }
        }
        let mut record = [0; RECORD];
        record.copy_from_slice(&self.partial);
        self.partial.clear();
        Some(Message::decode(record))
    }

    /// Sends it home. It leaves at once; should it not within a second, it does so when we end.
    pub async fn dismiss(mut self) {
        self.order(Order::Dismissed).await;
        drop(self.socket);
        for _ in 0..1000 {
            match waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
                _ => return,
            }
        }
    }
}
