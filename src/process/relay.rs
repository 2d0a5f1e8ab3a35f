//! The byte path outward: what the child writes goes to the user. What is typed goes the other way, in
//! [`super::inward`].
//!
//! Each direction is a thread that blocks on nothing but its two ends. The reader along, the hub and its clients
//! are behind the [`Tap`], which never makes a relay wait.

use super::modes::Scanner;
use super::signals::thread_beside_main;
use super::tap::{Tap, Way};
use super::terminal::Terminal;
use crate::process::best_effort;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{read, write};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const CHUNK: usize = 64 << 10;
/// After the child's end, this much silence means that nothing more comes.
const SILENCE: Duration = Duration::from_millis(200);
/// After the child's end, a grandchild that goes on writing is listened to for this long.
const DRAIN: Duration = Duration::from_secs(2);

/// A running relay.
#[derive(Debug)]
pub struct Relay {
    thread: JoinHandle<Option<Outward>>,
    /// Dropping it tells the thread that the child has ended.
    bell: OwnedFd,
    /// What was read is not passed on yet.
    carrying: Arc<AtomicBool>,
}

impl Relay {
    /// Waits until all that a stopped child wrote to the terminal behind `from` has gone out, `limit` at most: a
    /// terminal may take nothing.
    pub fn catch_up(&self, from: BorrowedFd<'_>, limit: Duration) {
        let until = Instant::now() + limit;
        let waits = || {
            let mut end = [PollFd::new(from, PollFlags::POLLIN)];
            // First whether there is more: what is no longer there is being carried, or was.
            matches!(poll(&mut end, PollTimeout::ZERO), Ok(1..)) || self.carrying.load(SeqCst)
        };
        while waits() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The child has ended: relay what is still there, then stop.
    pub fn child_ended(self) -> Draining {
        drop(self.bell);
        Draining(self.thread)
    }
}

/// A relay that is on its last bytes.
#[derive(Debug)]
pub struct Draining(JoinHandle<Option<Outward>>);

impl Draining {
    /// Resolves when they are out. That waits for a terminal that takes none, as the kernel would have made the
    /// child wait; dropping the future gives them up. Gives a pipe back, where neither of its ends was closed.
    pub async fn finished(self) -> Option<Outward> {
        while !self.0.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.0.join().ok()?
    }
}

/// From the child to the user.
#[derive(Debug)]
pub struct Outward {
    /// Where the child's bytes come from.
    pub from: OwnedFd,
    /// Where they go; nowhere when nobody looks.
    pub to: Option<OwnedFd>,
    /// Which way this is.
    pub way: Way,
    /// Who reads along.
    pub taps: Vec<Tap>,
    /// Who keeps track of terminal modes.
    pub scanner: Option<Scanner>,
    /// The user's terminal, where its keys are shared with a pipeline: a child that asks for keys has them before
    /// its prompt is seen.
    pub keys: Option<Terminal>,
    /// Counts how often the child has written.
    pub writes: Arc<AtomicU64>,
}

impl Outward {
    /// Starts relaying.
    ///
    /// # Errors
    /// When no thread or pipe can be had.
    pub fn start(mut self) -> io::Result<Relay> {
        let (ring, bell) = bell()?;
        let carrying = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&carrying);
        let thread = thread_beside_main("relay-out", move || {
            let is_open = self.run(&ring, &theirs);
            // A master side that is held here would keep the child from hearing that its terminal is gone.
            (is_open && self.way != Way::Terminal).then_some(self)
        })?;
        Ok(Relay { thread, bell, carrying })
    }

    /// `false` when one of its ends was closed.
    fn run(&mut self, ring: &OwnedFd, carrying: &AtomicBool) -> bool {
        let mut buffer = vec![0; CHUNK];
        let mut drain_until = None;
        loop {
            match wait_for_output(self.from.as_fd(), ring.as_fd(), drain_until) {
                Woken::Readable => {}
                Woken::ChildEnded => {
                    drain_until.get_or_insert_with(|| Instant::now() + DRAIN);
                    continue;
                }
                Woken::Silence => return true,
            }
            carrying.store(true, SeqCst);
            match read(&self.from, &mut buffer) {
                // EIO is how a pseudo-terminal without a slave side says end of file.
                Ok(0) | Err(Errno::EIO) => return false,
                Ok(count) => {
                    self.writes.fetch_add(1, Relaxed);
                    if !self.pass(&buffer[..count]) {
                        return false;
                    }
                }
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(_) => return false,
            }
            carrying.store(false, SeqCst);
        }
    }

    /// `false` when the way has ended: the other end of a pipe is gone, which the child must learn by its own write.
    fn pass(&mut self, bytes: &[u8]) -> bool {
        if let Some(terminal) = &self.keys
            && terminal.wants_keys(self.from.as_fd())
            && terminal.is_ours()
        {
            best_effort(terminal.make_raw());
        }
        // First, because we may be killed in between: undoing what is not on does no harm.
        if let Some(scanner) = &mut self.scanner {
            scanner.feed(bytes);
        }
        if let Some(to) = &self.to
            && write_all(to.as_fd(), bytes).is_err()
        {
            if self.way != Way::Terminal {
                return false;
            }
            // A terminal that was hung up: the child hears of it by SIGHUP, and may still be listened to.
            self.to = None;
        }
        for tap in &self.taps {
            tap.pass(self.way, bytes);
        }
        true
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Woken {
    Readable,
    ChildEnded,
    Silence,
}

fn wait_for_output(from: BorrowedFd<'_>, ring: BorrowedFd<'_>, drain_until: Option<Instant>) -> Woken {
    loop {
        let mut ends = [PollFd::new(from, PollFlags::POLLIN), PollFd::new(ring, PollFlags::POLLIN)];
        let (watched, timeout) = match drain_until {
            None => (&mut ends[..], PollTimeout::NONE),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Woken::Silence;
                }
                (&mut ends[..1], PollTimeout::try_from(left.min(SILENCE)).unwrap_or(PollTimeout::ZERO))
            }
        };
        match poll(watched, timeout) {
            Ok(0) => return Woken::Silence,
            Ok(_) if ends[0].any() == Some(true) => return Woken::Readable,
            Ok(_) => return Woken::ChildEnded,
            Err(_) => {}
        }
    }
}

/// Writes everything, also to a descriptor that somebody else made non-blocking.
fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match write(to, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let mut end = [PollFd::new(to, PollFlags::POLLOUT)];
                best_effort(poll(&mut end, PollTimeout::NONE));
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// A pipe whose closing wakes a thread.
pub(super) fn bell() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(super::platform::pipe(nix::fcntl::OFlag::O_NONBLOCK)?)
}
