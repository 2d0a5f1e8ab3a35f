//! Runs a program in a real terminal whose bytes are kept as they are: for programs that write megabytes of
//! anything. What a user would see is [`crate::terminal`]'s business.
//!
//! Dropping one kills its program.

use crate::DEADLINE;
use crate::exit_watch::ExitWatch;
use crate::pty;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::PtyMaster;
use nix::sys::signal::Signal;
use nix::sys::termios::{Termios, tcgetattr};
use std::io::{ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A program in a terminal that renders nothing.
#[derive(Debug)]
pub struct Unrendered {
    // Dropped in this order: the program, then the reader, then our end of the terminal.
    program: ExitWatch,
    reader: Option<Reader>,
    ours: Arc<PtyMaster>,
    taken: Arc<Taken>,
    /// The terminal's modes before the program started.
    pub modes_before: Termios,
}

#[derive(Debug, Default)]
struct Taken {
    /// The bytes, and whether the terminal has hung up.
    output: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

impl Unrendered {
    /// Starts `command` as [`crate::terminal::Terminal::start`] does.
    ///
    /// # Panics
    /// If there is no terminal to be had or the program cannot be started.
    #[track_caller]
    pub fn start(command: Command, columns: u16, rows: u16) -> Self {
        let mut terminal = Self::start_stalled(command, columns, rows);
        terminal.read_on();
        terminal
    }

    /// Starts `command` in a terminal that takes nothing of what is written until [`Self::read_on`].
    ///
    /// # Panics
    /// As [`Self::start`].
    #[track_caller]
    pub fn start_stalled(command: Command, columns: u16, rows: u16) -> Self {
        let (ours, theirs) = pty::open_pair(columns, rows).expect("a terminal");
        let modes_before = tcgetattr(&ours).expect("the terminal's modes");
        let program = ExitWatch::over(pty::start(command, theirs).expect("a started program"));
        let (ours, taken) = (Arc::new(ours), Arc::new(Taken::default()));
        Self { program, reader: None, ours, taken, modes_before }
    }

    /// Takes what is written, from now on.
    pub fn read_on(&mut self) {
        self.reader = Some(Reader::start(Arc::clone(&self.ours), Arc::clone(&self.taken)));
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// The terminal's modes now; also after the program's end, as it left them.
    ///
    /// # Panics
    /// If the terminal does not tell.
    pub fn modes(&self) -> Termios {
        tcgetattr(&*self.ours).expect("the terminal's modes")
    }

    /// Signals the program, not its group; false if it has ended.
    pub fn signal(&self, signal: Signal) -> bool {
        self.program.signal(signal)
    }

    /// Changes the size of the terminal.
    ///
    /// # Panics
    /// If the terminal is gone.
    #[track_caller]
    pub fn resize(&self, columns: u16, rows: u16) {
        pty::resize(&self.ours, columns, rows).expect("a resized terminal");
    }

    /// Types bytes.
    ///
    /// # Panics
    /// If the program does not read them within [`DEADLINE`], or is gone.
    #[track_caller]
    pub fn type_bytes(&self, mut bytes: &[u8]) {
        let until = Instant::now() + DEADLINE;
        while !bytes.is_empty() {
            match (&*self.ours).write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    let left = until.saturating_duration_since(Instant::now());
                    let mut end = [PollFd::new(self.ours.as_fd(), PollFlags::POLLOUT)];
                    let waited = poll(&mut end, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
                    assert!(waited != Ok(0), "the program does not read what is typed");
                }
                Err(e) => panic!("cannot type: {e}"),
            }
        }
    }

    /// Waits until `seen` holds of everything written so far.
    ///
    /// # Panics
    /// If it does not within [`DEADLINE`], or the output ends before.
    #[track_caller]
    pub fn wait_for(&self, seen: impl Fn(&[u8]) -> bool) {
        let output = self.wait_while(DEADLINE, |bytes, ended| !ended && !seen(bytes));
        assert!(seen(&output), "never seen; what was written ends with:\n{}", tail(&output));
    }

    /// Waits until so many bytes were written; unlike [`Self::wait_for`], without looking at them.
    ///
    /// # Panics
    /// If they were not within [`DEADLINE`].
    #[track_caller]
    pub fn wait_for_length(&self, length: usize) {
        let output = self.taken.output.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |output: &mut (Vec<u8>, bool)| !output.1 && output.0.len() < length;
        let waited = self.taken.changed.wait_timeout_while(output, DEADLINE, waiting);
        let output = waited.unwrap_or_else(PoisonError::into_inner).0;
        assert!(output.0.len() >= length, "{} of {length} bytes came", output.0.len());
    }

    /// Waits until the program has ended, whoever else holds its terminal.
    ///
    /// # Panics
    /// If it runs when `deadline` has passed.
    #[track_caller]
    pub fn wait_program(&self, deadline: Duration) -> ExitStatus {
        self.program.wait(deadline).expect("it ends in time")
    }

    /// Waits until the program has ended and all its output is here, and gives both.
    ///
    /// # Panics
    /// If it runs, or its output is open, when `deadline` has passed.
    #[track_caller]
    pub fn wait_exit(&self, deadline: Duration) -> (ExitStatus, Vec<u8>) {
        let until = Instant::now() + deadline;
        let status = self.program.wait(deadline);
        let left = until.saturating_duration_since(Instant::now());
        let output = self.wait_while(left, |_, ended| !ended);
        let status =
            status.unwrap_or_else(|| panic!("it did not end in time, having written {}", tail(&output)));
        assert!(
            self.taken.output.lock().unwrap_or_else(PoisonError::into_inner).1,
            "its terminal is held open"
        );
        (status, output)
    }

    fn wait_while(&self, limit: Duration, waiting: impl Fn(&[u8], bool) -> bool) -> Vec<u8> {
        let output = self.taken.output.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |output: &mut (Vec<u8>, bool)| waiting(&output.0, output.1);
        let waited = self.taken.changed.wait_timeout_while(output, limit, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.0.clone()
    }
}

fn tail(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(2000)..]).into_owned()
}

/// The thread that takes what the program writes. It ends with the terminal, or when dropped.
#[derive(Debug)]
struct Reader {
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    fn start(ours: Arc<PtyMaster>, taken: Arc<Taken>) -> Self {
        let (stopped, stop) = std::io::pipe().expect("a pipe");
        let thread = std::thread::spawn(move || read(&ours, &stopped, &taken));
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _reported = thread.join();
        }
    }
}

fn read(mut ours: &PtyMaster, stopped: &PipeReader, taken: &Taken) {
    let mut bytes = [0; 64 * 1024];
    loop {
        let mut ready =
            [PollFd::new(ours.as_fd(), PollFlags::POLLIN), PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
        let polled = poll(&mut ready, PollTimeout::NONE);
        if polled.is_ok() && ready[1].any() == Some(true) {
            return;
        }
        let read = ours.read(&mut bytes);
        let mut output = taken.output.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(count @ 1..) => output.0.extend_from_slice(&bytes[..count]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => continue,
            Ok(0) | Err(_) => output.1 = true,
        }
        taken.changed.notify_all();
        if output.1 {
            return;
        }
    }
}
