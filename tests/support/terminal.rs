//! Runs a program in a real terminal of a given size: types to it, waits for what its screen shows
//! and for its end. It renders the output as a terminal would, since stripped bytes are not what a
//! user sees; it does not answer a terminal's queries.
//!
//! A wait sees the screen after every piece of output, not every state within a piece: wait for
//! what stays. Dropping a terminal kills its program.

use crate::DEADLINE;
use crate::exit_watch::ExitWatch;
use crate::pty;
use crate::shown::{Reader, Shown};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::PtyMaster;
use nix::sys::termios::{Termios, tcgetattr};
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use crate::shown::Drawn;
pub use nix::sys::signal::Signal;

/// A program in a terminal.
#[derive(Debug)]
pub struct Terminal {
    // Dropped in this order: the program, then the reader, then our end of the terminal.
    program: ExitWatch,
    _reader: Reader,
    ours: Arc<PtyMaster>,
    shown: Arc<Shown>,
    /// The terminal's modes before the program started.
    pub modes_before: Termios,
}

impl Terminal {
    /// Starts `command` in a terminal of that size, as a shell would start it: leader of a
    /// session, the terminal its controlling one and its standard streams.
    ///
    /// # Panics
    /// If there is no terminal to be had or the program cannot be started.
    #[track_caller]
    pub fn start(command: Command, columns: u16, rows: u16) -> Self {
        let (ours, theirs) = pty::open_pair(columns, rows).expect("a terminal");
        let modes_before = tcgetattr(&ours).expect("the terminal's modes");
        let name = command.get_program().to_owned();
        let child = pty::start(command, theirs)
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", name.display()));
        let program = ExitWatch::over(child);
        let (ours, shown) = (Arc::new(ours), Arc::new(Shown::new(columns, rows)));
        let _reader = Reader::start(Arc::clone(&ours), Arc::clone(&shown));
        Self { program, _reader, ours, shown, modes_before }
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// What the screen shows now: its rows, right-trimmed.
    pub fn screen(&self) -> String {
        self.shown.lock().screen()
    }

    /// What scrolled off the screen and what it shows now, wrapped lines joined.
    pub fn history(&self) -> String {
        self.shown.lock().history()
    }

    /// Every byte the program wrote.
    pub fn raw_output(&self) -> Vec<u8> {
        self.shown.lock().raw().to_owned()
    }

    /// What happened on the terminal so far, and when.
    pub fn drawn(&self) -> Vec<(Instant, Drawn)> {
        self.shown.lock().drawn().to_owned()
    }

    /// The terminal's modes now; also after the program's end, as it left them.
    ///
    /// # Panics
    /// If the terminal does not tell.
    pub fn modes(&self) -> Termios {
        tcgetattr(&*self.ours).expect("the terminal's modes")
    }

    /// Types `text`; Enter is `\r`.
    ///
    /// # Panics
    /// If the program does not read it within [`DEADLINE`], or is gone.
    #[track_caller]
    pub fn type_text(&self, text: &str) {
        let (mut rest, until) = (text.as_bytes(), Instant::now() + DEADLINE);
        while !rest.is_empty() {
            match (&*self.ours).write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    if !self.has_room(until) {
                        self.give_up("the program does not read what is typed");
                    }
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => self.give_up(&format!("cannot type {text:?}: {e}")),
            }
        }
    }

    /// Waits until `seen` holds of the screen, and returns that screen.
    ///
    /// # Panics
    /// If it does not within `deadline`, or the output ends before.
    #[track_caller]
    pub fn wait_for(&self, seen: impl Fn(&str) -> bool, deadline: Duration) -> String {
        let output = self.shown.wait_while(deadline, |o| !o.ended() && !seen(&o.screen()));
        let (screen, ended) = (output.screen(), output.ended());
        drop(output);
        if !seen(&screen) {
            self.give_up(if ended {
                "the output ended before the screen showed what was waited for"
            } else {
                "the screen did not show what was waited for in time"
            });
        }
        screen
    }

    /// Waits until the program has written `bytes`.
    ///
    /// # Panics
    /// If it has not within `deadline`.
    #[track_caller]
    pub fn wait_for_output(&self, bytes: &[u8], deadline: Duration) {
        let written = |raw: &[u8]| raw.windows(bytes.len()).any(|window| window == bytes);
        if !written(self.shown.wait_while(deadline, |o| !o.ended() && !written(o.raw())).raw()) {
            self.give_up("the program did not write what was waited for in time");
        }
    }

    /// Waits until the program has ended and all its output is here.
    ///
    /// # Panics
    /// If it runs, or its output is open, when `deadline` has passed.
    #[track_caller]
    pub fn wait_exit(&self, deadline: Duration) -> ExitStatus {
        let until = Instant::now() + deadline;
        let Some(status) = self.program.wait(deadline) else {
            self.give_up("the program did not end in time")
        };
        let left = until.saturating_duration_since(Instant::now());
        if !self.shown.wait_while(left, |o| !o.ended()).ended() {
            self.give_up("the program ended, but somebody holds its terminal open");
        }
        status
    }

    /// Changes the size of the terminal.
    ///
    /// # Panics
    /// If the terminal is gone.
    #[track_caller]
    pub fn resize(&self, columns: u16, rows: u16) {
        // First ours, so that what the program redraws is rendered at the new size.
        self.shown.lock().resize(columns, rows);
        pty::resize(&self.ours, columns, rows).expect("a resized terminal");
    }

    /// Signals the program, not its group; false if it has ended.
    pub fn signal(&self, signal: Signal) -> bool {
        self.program.signal(signal)
    }

    /// Closes the terminal as a user closes a window, and leaves the program to what it makes of that.
    pub fn hang_up(self) -> HungUp {
        let Self { program, _reader, ours, .. } = self;
        drop(_reader);
        drop(ours);
        HungUp(program)
    }

    fn has_room(&self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut ours = [PollFd::new(self.ours.as_fd(), PollFlags::POLLOUT)];
        matches!(poll(&mut ours, timeout), Ok(1..))
    }

    #[track_caller]
    fn give_up(&self, why: &str) -> ! {
        panic!("{why}; the screen:\n{}\n", self.screen())
    }
}

/// A program whose terminal is gone.
#[derive(Debug)]
pub struct HungUp(ExitWatch);

impl HungUp {
    /// The exit status, or `None` if the program still runs when `deadline` has passed.
    pub fn wait_exit(&self, deadline: Duration) -> Option<ExitStatus> {
        self.0.wait(deadline)
    }
}
