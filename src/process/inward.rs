//! The byte path inward: what the user types goes to the child, and so does what is injected.
//!
//! One thread writes all of the child's keys, so that they never mix: what is injected stands between two keys of the
//! user's, or behind a paste of his, and nothing of his inside of it. It blocks on nothing but its ends and the bell.

use super::draft::{ALONE, Draft};
use super::injection::{Door, Injection, Injector, Outcome, Piece};
use super::pty::Unread;
use super::relay::bell;
use super::signals::thread_beside_main;
use super::terminal::{SignalKey, Terminal, follow_size, signal_key};
use crate::process::best_effort;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{getpgrp, read, write};
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;

const CHUNK: usize = 64 << 10;
/// A child that has drawn nothing of a paste for so long draws nothing.
const DRAWING: Duration = Duration::from_millis(1500);
/// How often it is looked whether it has read it.
const READING: Duration = Duration::from_millis(10);
const UNREAD: &str = "claude does not read what is typed";
/// A child that reads nothing for so long is not typed to.
const PATIENCE: Duration = Duration::from_secs(2);

/// To the child's terminal.
#[derive(Debug)]
pub struct Inward {
    /// The user's; `None` where there is none, or it was hung up.
    terminal: Option<OwnedFd>,
    to: OwnedFd,
    /// Path of the side that the child reads, where it is to be known what it has read.
    slave: Option<CString>,
    /// The size of `to` stays, whatever happens to the terminal.
    fixed_size: bool,
    listening: Arc<AtomicBool>,
    hung_up: Arc<Notify>,
    door: Arc<Door>,
    draft: Draft,
    /// How often the child has written.
    writes: Arc<AtomicU64>,
    /// The end of a paste that the child did not take. Nothing is written in front of it.
    owed: Vec<u8>,
}

/// The switch of a running [`Inward`].
#[derive(Debug)]
pub struct InwardSwitch {
    listening: Arc<AtomicBool>,
    hung_up: Arc<Notify>,
    door: Arc<Door>,
    bell: Arc<OwnedFd>,
}

impl InwardSwitch {
    /// Resolves, once, when the terminal is hung up. The kernel tells only those in the foreground by SIGHUP.
    pub async fn hung_up(&self) {
        self.hung_up.notified().await;
    }

    /// Whether to read the terminal. A background process must not, and after a stop others may.
    pub fn listen(&self, on: bool) {
        self.listening.store(on, Relaxed);
        // The pipe holds far more rings than can be waiting; a full one wakes as well.
        best_effort(write(&*self.bell, b"!"));
    }

    /// Where keys can be injected, for as long as this switch is there.
    pub fn injector(&self) -> Injector {
        Injector { door: Arc::clone(&self.door), bell: Arc::downgrade(&self.bell) }
    }
}

impl Inward {
    /// To the master side `to`, from `terminal` where there is one. `is_told`: see [`Draft::new`].
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn new(
        terminal: Option<&Terminal>,
        to: OwnedFd,
        fixed_size: bool,
        is_told: bool,
    ) -> io::Result<Self> {
        let terminal = terminal.map(|terminal| terminal.fd().try_clone_to_owned()).transpose()?;
        Ok(Self {
            terminal,
            to,
            slave: None,
            fixed_size,
            listening: Arc::default(),
            hung_up: Arc::default(),
            door: Arc::new(Door::new()),
            draft: Draft::new(is_told),
            writes: Arc::default(),
            owed: Vec::new(),
        })
    }

    /// The child reads at this path.
    #[must_use]
    pub fn read_at(mut self, slave: &CStr) -> Self {
        self.slave = Some(slave.to_owned());
        self
    }

    /// For the relay that sees what the child writes: an Enter waits until the child has drawn what it is for.
    pub fn writes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.writes)
    }

    /// Starts relaying, switched off. The thread ends when the switch is dropped.
    ///
    /// # Errors
    /// When no thread or pipe can be had.
    pub fn start(mut self) -> io::Result<InwardSwitch> {
        let (ring, bell) = bell()?;
        let (listening, hung_up, door) = (self.listening.clone(), self.hung_up.clone(), self.door.clone());
        thread_beside_main("relay-in", move || {
            self.run(&ring);
            self.door.close();
        })?;
        Ok(InwardSwitch { listening, hung_up, door, bell: Arc::new(bell) })
    }

    fn run(&mut self, ring: &OwnedFd) {
        let mut buffer = vec![0; CHUNK];
        loop {
            match self.wait(ring) {
                Woken::Rung if matches!(read(ring, &mut buffer), Ok(0)) => return,
                Woken::Rung => self.look_around(ring.as_fd()),
                Woken::Typed => self.read(&mut buffer, ring.as_fd()),
                Woken::HungUp => self.terminal_is_gone(),
                Woken::Settled => self.look_around(ring.as_fd()),
                Woken::Nothing => {}
            }
        }
    }

    fn wait(&self, ring: &OwnedFd) -> Woken {
        // That it was hung up is told even where nothing is asked for.
        let keys = if self.listening.load(Relaxed) { PollFlags::POLLIN } else { PollFlags::empty() };
        let rung = PollFd::new(ring.as_fd(), PollFlags::POLLIN);
        let Some(terminal) = &self.terminal else {
            let mut ends = [rung];
            return if poll(&mut ends, PollTimeout::NONE).is_ok() { Woken::Rung } else { Woken::Nothing };
        };
        let mut ends = [rung, PollFd::new(terminal.as_fd(), keys)];
        match poll(&mut ends, self.timeout()) {
            Err(_) => Woken::Nothing,
            Ok(0) => Woken::Settled,
            Ok(_) if ends[0].any() == Some(true) => Woken::Rung,
            Ok(_) if ends[1].revents().is_some_and(|events| events.contains(PollFlags::POLLIN)) => {
                Woken::Typed
            }
            Ok(_) => Woken::HungUp,
        }
    }

    /// Where the last key may still become another one, it is looked at again.
    fn timeout(&self) -> PollTimeout {
        let soon = || PollTimeout::try_from(ALONE + 1).unwrap_or(PollTimeout::NONE);
        if self.draft.awaits_more() { soon() } else { PollTimeout::NONE }
    }

    fn read(&mut self, buffer: &mut [u8], ring: BorrowedFd<'_>) {
        let Some(terminal) = &self.terminal else { return };
        match read(terminal, buffer) {
            Ok(count) if count > 0 => self.pass(&buffer[..count], ring),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            _ => self.terminal_is_gone(),
        }
    }

    fn terminal_is_gone(&mut self) {
        self.terminal = None;
        self.hung_up.notify_one();
    }

    /// Bytes go in piece by piece, because a signal key reaches the others of our process group as well: the
    /// terminal driver would have signalled the whole pipeline, of which the child's group is only a part.
    fn pass(&mut self, bytes: &[u8], ring: BorrowedFd<'_>) {
        // A key that is typed after a change of the size must not come before it.
        if let (false, Some(terminal)) = (self.fixed_size, &self.terminal) {
            best_effort(follow_size(terminal.as_fd(), self.to.as_fd()));
        }
        // As they are when the key is typed: the child may change them because of it.
        let settings = nix::sys::termios::tcgetattr(&self.to);
        if !self.owed.is_empty() && !self.write_owed(ring, None) {
            return;
        }
        // Before it is written: the child may be quick.
        let at = now();
        if write_until(self.to.as_fd(), bytes, ring, None) < bytes.len() {
            return;
        }
        if let Ok(settings) = settings {
            for key in bytes.iter().filter_map(|byte| signal_key(&settings, *byte)) {
                let signal = match key {
                    SignalKey::Interrupt => Signal::SIGINT,
                    SignalKey::Quit => Signal::SIGQUIT,
                    // The child stops first; then we stop the group.
                    SignalKey::Suspend => continue,
                };
                best_effort(killpg(getpgrp(), signal));
            }
        }
        self.follow(bytes, at, true);
    }

    /// `false` when it could not be written yet.
    fn write_owed(&mut self, ring: BorrowedFd<'_>, patience: Option<Duration>) -> bool {
        let at = now();
        let written = write_until(self.to.as_fd(), &self.owed, ring, patience);
        let sent: Vec<u8> = self.owed.drain(..written).collect();
        self.follow(&sent, at, false);
        self.owed.is_empty()
    }

    /// Keeps up with what is typed.
    fn follow(&mut self, bytes: &[u8], at: i64, is_users: bool) {
        self.door.inform(&mut self.draft);
        self.draft.feed(bytes, at, is_users);
        self.door.show(&self.draft);
    }

    /// Somebody rang: because something waits, or the draft may be another.
    fn look_around(&mut self, ring: BorrowedFd<'_>) {
        self.door.inform(&mut self.draft);
        self.draft.tick(now());
        self.door.show(&self.draft);
        while let Some(injection) = self.door.next() {
            let outcome = self.inject(&injection, ring);
            injection.tell(outcome);
        }
    }

    fn inject(&mut self, injection: &Injection, ring: BorrowedFd<'_>) -> Outcome {
        if !self.owed.is_empty() && !self.write_owed(ring, Some(PATIENCE)) {
            return Outcome::Unwritten(UNREAD.into());
        }
        for (number, piece) in injection.pieces.iter().enumerate() {
            match (injection.check)(&self.draft, number) {
                Err(reason) if number == 0 => return Outcome::Refused(reason),
                Err(reason) => return Outcome::Unwritten(format!("it was begun, and then {reason}")),
                Ok(()) => {}
            }
            let bytes = piece.bytes();
            let (at, before) = (now(), self.writes.load(Relaxed));
            let written = write_until(self.to.as_fd(), &bytes, ring, Some(PATIENCE));
            self.follow(&bytes[..written], at, false);
            if written < bytes.len() {
                self.owed = piece.owed(written);
                return Outcome::Unwritten(UNREAD.into());
            }
            self.rest(piece, before, ring);
        }
        Outcome::Typed
    }
}

impl Inward {
    /// Leaves the child alone with a piece; `before`: so often it had written in front of it. What it reads in one go
    /// with a paste is lost, so it must have read that, and drawn it.
    fn rest(&self, piece: &Piece, mut before: u64, ring: BorrowedFd<'_>) {
        if piece.rest().is_zero() {
            return;
        }
        let until = Instant::now() + DRAWING;
        if let Some(unread) = self.slave.as_deref().and_then(Unread::at) {
            while unread.is_there() && Instant::now() < until {
                before = self.writes.load(Relaxed);
                if pause(ring, READING) {
                    return;
                }
            }
        }
        while !pause(ring, piece.rest()) && piece.is_drawn() && Instant::now() < until {
            if self.writes.load(Relaxed) > before {
                return;
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Woken {
    Rung,
    Typed,
    HungUp,
    /// The last key has become no other one.
    Settled,
    Nothing,
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Waits so long, unless the switch is dropped: `true`.
fn pause(ring: BorrowedFd<'_>, time: Duration) -> bool {
    let mut end = [PollFd::new(ring, PollFlags::empty())];
    matches!(poll(&mut end, PollTimeout::try_from(time).unwrap_or(PollTimeout::ZERO)), Ok(1..))
}

/// Writes to a master side that may be full, until the switch is dropped, or nothing was taken for as long as
/// `patience`. Gives how much was written.
fn write_until(to: BorrowedFd<'_>, bytes: &[u8], ring: BorrowedFd<'_>, patience: Option<Duration>) -> usize {
    let mut written = 0;
    let mut until = patience.map(|patience| Instant::now() + patience);
    while written < bytes.len() {
        match write(to, &bytes[written..]) {
            Ok(count) => {
                written += count;
                until = patience.map(|patience| Instant::now() + patience);
            }
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let left = until.map(|until| until.saturating_duration_since(Instant::now()));
                let timeout = left.map_or(PollTimeout::NONE, |left| {
                    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
                });
                let mut ends = [PollFd::new(to, PollFlags::POLLOUT), PollFd::new(ring, PollFlags::empty())];
                best_effort(poll(&mut ends, timeout));
                let hung_up = ends[1].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP));
                if hung_up || left == Some(Duration::ZERO) {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    written
}

#[cfg(test)]
mod tests;
