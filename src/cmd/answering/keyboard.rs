//! The keys of the user's terminal, one by one while a question is asked, and as always in between. It is given back on
//! every way out: when dropped, before a signal ends us, and before one stops us.

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::sys::termios::{self, FlushArg, LocalFlags, SetArg, SpecialCharacterIndices, Termios};
use nix::unistd::{getpgrp, tcgetpgrp, ttyname};
use std::future::pending;
use std::io;
use tokio::net::unix::pipe::Receiver;

/// Bytes of one read.
const MOST: usize = 1024;

/// The terminal that is our standard input, by a descriptor of its own: not to wait is set for whoever shares one.
pub(super) struct Keyboard {
    tty: Receiver,
    /// As it was before it was taken.
    found: Option<Termios>,
}

impl Keyboard {
    /// Of standard input. To be called in a runtime.
    ///
    /// # Errors
    /// When that is no terminal, or it cannot be opened.
    pub(super) fn of_stdin() -> io::Result<Self> {
        let name = ttyname(io::stdin())?;
        let flags = OFlag::O_RDONLY | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        // Not to wait is set already; that it is no pipe matters to nobody who only reads.
        let tty = Receiver::from_owned_fd_unchecked(open(&name, flags, Mode::empty())?)?;
        Ok(Self { tty, found: None })
    }

    /// Keys come one by one and are not shown; those that signal go on to do so. What was typed before counts no more.
    /// In the background nothing is done: it would stop us.
    pub(super) fn take(&mut self) {
        let tty = &self.tty;
        if !self.is_ours() {
            return;
        }
        if self.found.is_none()
            && let Ok(found) = termios::tcgetattr(tty)
        {
            let mut single = found.clone();
            single.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
            single.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
            single.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
            if termios::tcsetattr(tty, SetArg::TCSANOW, &single).is_ok() {
                self.found = Some(found);
            }
        }
        // A terminal that cannot forget has nothing typed ahead either.
        let _refused = termios::tcflush(tty, FlushArg::TCIFLUSH);
    }

    /// The terminal as it was found.
    pub(super) fn give_back(&mut self) {
        if let Some(found) = self.found.take()
            && self.is_ours()
        {
            // One that is gone needs nothing.
            let _gone = termios::tcsetattr(&self.tty, SetArg::TCSANOW, &found);
        }
    }

    fn is_ours(&self) -> bool {
        tcgetpgrp(&self.tty).is_ok_and(|group| group == getpgrp())
    }

    /// What is typed while the terminal is taken; empty when it was hung up. Cancel-safe.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) async fn read(&self) -> io::Result<Vec<u8>> {
        if self.found.is_none() || !self.is_ours() {
            return pending().await;
        }
        let mut bytes = vec![0; MOST];
        loop {
            self.tty.readable().await?;
            match self.tty.try_read(&mut bytes) {
                Ok(read) => {
                    bytes.truncate(read);
                    return Ok(bytes);
                }
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
                Err(cause) => return Err(cause),
            }
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.give_back();
    }
}
