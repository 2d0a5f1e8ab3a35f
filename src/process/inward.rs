//! The byte path inward: what the user types goes to the child, and so does what is injected.
//!
//! One thread writes all of the child's keys, so that they never mix: what is injected stands between two keys of the
//! user's, or behind a paste of his. The user comes first: his keys are looked for in front of every piece of what is
//! injected, and what belongs together is not gone on with behind one. It blocks on nothing but its ends and the bell.

mod inject;
mod write;

use super::draft::{ALONE, Draft};
use super::injection::{Door, Injection, Injector, Outcome};
use super::relay::bell;
use super::signals::thread_beside_main;
use super::sizes::Sizes;
use super::terminal::{SignalKey, Terminal, signal_key};
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
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use write::write_all;

const CHUNK: usize = 64 << 10;
const AMID: &str = "the user is in the middle of a paste";
/// So long it waits for the end of a paste or key of the user's.
const HOLD: Duration = Duration::from_secs(2);

/// To the child's terminal.
#[derive(Debug)]
pub struct Inward {
    /// The user's; `None` where there is none, or it was hung up.
    terminal: Option<OwnedFd>,
    to: OwnedFd,
    /// Path of the side that the child reads, where it is to be known what it has read.
    slave: Option<CString>,
    /// Makes `to` follow the size of the terminal; `None` where it stays, whatever happens to that.
    sizes: Option<Sizes>,
    listening: Arc<AtomicBool>,
    hung_up: Arc<Notify>,
    door: Arc<Door>,
    draft: Draft,
    /// How often the child has written.
    writes: Arc<AtomicU64>,
    /// The end of a paste that the child did not take. Nothing is written in front of it.
    owed: Vec<u8>,
    /// What waits until the user is between two keys, and until when.
    held: Option<(Injection, Instant)>,
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
    /// To the master side `to`, from `terminal` where there is one, whose size `sizes` follows. `is_told`: see
    /// [`Draft::new`].
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn new(
        terminal: Option<&Terminal>,
        to: OwnedFd,
        sizes: Option<Sizes>,
        is_told: bool,
    ) -> io::Result<Self> {
        let terminal = terminal.map(|terminal| terminal.fd().try_clone_to_owned()).transpose()?;
        Ok(Self {
            terminal,
            to,
            slave: None,
            sizes,
            listening: Arc::default(),
            hung_up: Arc::default(),
            door: Arc::new(Door::new()),
            draft: Draft::new(is_told),
            writes: Arc::default(),
            owed: Vec::new(),
            held: None,
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
            let woken = self.wait(ring);
            if woken.is_typed {
                self.read(&mut buffer, ring.as_fd());
            } else if woken.is_hung_up {
                self.terminal_is_gone();
            }
            if woken.is_rung && matches!(read(ring, &mut buffer), Ok(0)) {
                return;
            }
            self.look_around(&mut buffer, ring.as_fd());
        }
    }

    fn wait(&self, ring: &OwnedFd) -> Woken {
        // That it was hung up is told even where nothing is asked for.
        let keys = if self.listening.load(Relaxed) { PollFlags::POLLIN } else { PollFlags::empty() };
        let rung = PollFd::new(ring.as_fd(), PollFlags::POLLIN);
        let terminal = self.terminal.as_ref().map(|terminal| PollFd::new(terminal.as_fd(), keys));
        let mut ends: Vec<PollFd<'_>> = [rung].into_iter().chain(terminal).collect();
        if poll(&mut ends, self.timeout()).is_err() {
            return Woken::default();
        }
        let terminal = ends.get(1).and_then(PollFd::revents).unwrap_or(PollFlags::empty());
        let is_typed = terminal.contains(PollFlags::POLLIN);
        Woken {
            is_rung: ends[0].any() == Some(true),
            is_typed,
            is_hung_up: !is_typed && !terminal.is_empty(),
        }
    }

    /// Where the last key may still become another one, or something waits, it is looked at again.
    fn timeout(&self) -> PollTimeout {
        let soon = PollTimeout::try_from(ALONE + 1).unwrap_or(PollTimeout::NONE);
        match &self.held {
            None if self.door.is_wanted() => PollTimeout::ZERO,
            None if !self.draft.awaits_more() => PollTimeout::NONE,
            None | Some(_) => soon,
        }
    }

    fn read(&mut self, buffer: &mut [u8], ring: BorrowedFd<'_>) {
        let Some(terminal) = &self.terminal else { return };
        match read(terminal, buffer) {
            Ok(count) if count > 0 => self.pass(&buffer[..count], ring),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            _ => self.terminal_is_gone(),
        }
    }

    /// Whether the user has pressed a key that was not passed on.
    fn is_typed_at(&self) -> bool {
        let Some(terminal) = self.terminal.as_ref().filter(|_| self.listening.load(Relaxed)) else {
            return false;
        };
        let mut end = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
        poll(&mut end, PollTimeout::ZERO).is_ok()
            && end[0].revents().is_some_and(|events| events.contains(PollFlags::POLLIN))
    }

    fn terminal_is_gone(&mut self) {
        self.terminal = None;
        self.hung_up.notify_one();
    }

    /// Bytes go in piece by piece, because a signal key reaches the others of our process group as well: the
    /// terminal driver would have signalled the whole pipeline, of which the child's group is only a part.
    fn pass(&mut self, bytes: &[u8], ring: BorrowedFd<'_>) {
        // A key that is typed after a change of the size must not come before it.
        if let (Some(sizes), Some(terminal)) = (&self.sizes, &self.terminal) {
            best_effort(sizes.follow(terminal.as_fd(), self.to.as_fd()));
        }
        // As they are when the key is typed: the child may change them because of it.
        let settings = nix::sys::termios::tcgetattr(&self.to);
        if !self.owed.is_empty() && !self.write_owed(ring, None) {
            return;
        }
        // Before it is written: the child may be quick.
        let at = self.door.now();
        if write_all(self.to.as_fd(), bytes, ring, None) < bytes.len() {
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
    fn write_owed(&mut self, ring: BorrowedFd<'_>, until: Option<Instant>) -> bool {
        let at = self.door.now();
        let written = write_all(self.to.as_fd(), &self.owed, ring, until);
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

    /// Something waits, or the draft may be another. One injection is done, and then the user is heard again.
    fn look_around(&mut self, buffer: &mut [u8], ring: BorrowedFd<'_>) {
        self.keep_up();
        let waiting = self.held.take();
        let Some((injection, until)) = waiting.or_else(|| Some((self.door.next()?, Instant::now() + HOLD)))
        else {
            return;
        };
        // The end of a paste that is owed is not the user's.
        if !self.owed.is_empty() || !self.draft.is_amid(self.door.now()) {
            let outcome = self.inject(&injection, buffer, ring);
            injection.tell(outcome);
        } else if Instant::now() < until {
            self.held = Some((injection, until));
        } else {
            injection.tell(Outcome::Unwritten(AMID.into()));
        }
    }

    fn keep_up(&mut self) {
        self.door.inform(&mut self.draft);
        self.draft.tick(self.door.now());
        self.door.show(&self.draft);
    }
}

/// What has happened.
#[derive(Debug, Default)]
struct Woken {
    is_rung: bool,
    is_typed: bool,
    is_hung_up: bool,
}

#[cfg(test)]
mod tests;
