//! The terminals and relays of a run, and what is done to them. What is to be done is decided elsewhere.

use super::announce::Announcer;
use super::launch::Pipe;
use super::state::Action;
use crate::process::descriptors;
use crate::process::guardian::Guardian;
use crate::process::injection::Injector;
use crate::process::inward::{Inward, InwardSwitch};
use crate::process::modes::{Modes, Scanner};
use crate::process::processes;
use crate::process::pty::Pty;
use crate::process::relay::{Draining, Outward, Relay};
use crate::process::signals::{stop_self, times_continued};
use crate::process::sizes::Sizes;
use crate::process::tap::{Tap, Way};
use crate::process::terminal::{RawMode, Terminal};
use nix::libc;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// A terminal that takes nothing keeps us from stopping for this long at most.
const CATCH_UP: Duration = Duration::from_millis(200);

/// What actions are performed on. When it goes, the terminal is as it was.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    terminal: Option<&'a Terminal>,
    /// Puts the terminal back, whatever way this ends.
    _raw: Option<RawMode<'a>>,
    /// That of the pseudo-terminal, if there is one, comes first.
    relays: Vec<Relay>,
    /// Those that have been told of the end.
    draining: Vec<Draining>,
    /// Pipes that are open when the child is over.
    left: Vec<Pipe>,
    inward: Option<InwardSwitch>,
    pty: Option<Pty>,
    modes: Modes,
    tap: Option<Tap>,
    /// Where the terminal is recorded.
    recording: Option<Tap>,
    fixed_size: bool,
    /// Makes the pseudo-terminal follow the terminal; `None` where its size stays.
    sizes: Option<Sizes>,
    /// The terminal is raw and what is typed goes to the child.
    has_keys: bool,
    /// Its process id, and when it started, where that is known.
    child: Option<(u32, Option<u64>)>,
    /// The user's terminal is gone.
    is_hung_up: bool,
    /// How many SIGCONT have been dealt with.
    continued: u32,
    /// How many had come when we last went on after a stop.
    went_on_at: u32,
}

/// The child's ends, before anything is relayed.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) pty: Option<Pty>,
    pub(super) pipes: Vec<Pipe>,
    pub(super) modes: Modes,
    pub(super) fixed_size: bool,
    /// Where the terminal is recorded, from one child to the next.
    pub(super) recording: Option<Tap>,
}

impl<'a> Stage<'a> {
    /// Starts the relays and takes the terminal. `is_told`: the child tells of the prompts it takes.
    pub(super) fn set(
        ends: Ends,
        terminal: Option<&'a Terminal>,
        tap: Option<Tap>,
        is_told: bool,
    ) -> io::Result<Self> {
        let Ends { pty, pipes, modes, fixed_size, recording } = ends;
        let (mut relays, mut inward) = (Vec::new(), None);
        let taps: Vec<Tap> = tap.iter().chain(&recording).cloned().collect();
        let follows = pty.as_ref().filter(|_| !fixed_size);
        let sizes = follows.map(|pty| Sizes::new(pty.master(), taps.clone()));
        if let Some(pty) = &pty {
            let to = terminal.map(|terminal| terminal.fd().try_clone_to_owned()).transpose()?;
            // Where there is no terminal to put right, somebody may ask for something to be typed.
            let has_keys = terminal.is_some() || tap.is_some();
            let scanner = has_keys.then(|| Scanner::new(modes));
            let from = pty.master().try_clone_to_owned()?;
            let keys = terminal.filter(|terminal| terminal.typing_is_shared());
            let keys = keys.map(Terminal::try_clone).transpose()?;
            let mut writes = Arc::default();
            if has_keys {
                let to = pty.master().try_clone_to_owned()?;
                let keys = Inward::new(terminal, to, sizes.clone(), is_told)?.read_at(pty.slave_path());
                writes = keys.writes();
                inward = Some(keys.start()?);
            }
            relays.push(Outward { from, to, way: Way::Terminal, taps, scanner, keys, writes }.start()?);
        }
        for Pipe { from, to, way } in pipes {
            let taps = tap.iter().cloned().collect();
            relays.push(
                Outward { from, to: Some(to), way, taps, scanner: None, keys: None, writes: Arc::default() }
                    .start()?,
            );
        }
        let raw = terminal.map(RawMode);
        let mut stage = Self {
            terminal,
            _raw: raw,
            relays,
            draining: Vec::new(),
            left: Vec::new(),
            inward,
            pty,
            modes,
            tap,
            recording,
            fixed_size,
            sizes,
            has_keys: false,
            child: None,
            is_hung_up: false,
            continued: 0,
            went_on_at: 0,
        };
        stage.take_terminal();
        Ok(stage)
    }

    /// Where the child's keys are injected, and its modes.
    pub(super) fn keys(&self) -> Option<(Injector, Modes)> {
        self.inward.as_ref().map(|inward| (inward.injector(), self.modes))
    }

    /// The child's process id and start time, once it began.
    pub(super) fn child(&self) -> Option<(u32, u64)> {
        let (pid, started) = self.child?;
        Some((pid, started?))
    }

    pub(super) async fn perform(&mut self, action: Action, guardian: &mut Guardian, announcer: &Announcer) {
        match action {
            Action::AnnounceRunning(pid) => {
                self.child = Some((pid, processes::start_time(pid)));
                match &mut self.pty {
                    Some(pty) => pty.release_slave(),
                    None => let_go_of_stdout(),
                }
                if self.is_hung_up {
                    self.hang_up();
                }
                announcer.running(pid);
            }
            // What continued our group has continued the child in it. Sent once more, it may come late, behind the next
            // `^Z`, and the child would run on alone.
            Action::Forward(libc::SIGCONT)
                if self.continued <= self.went_on_at && !self.child_is_stopped() => {}
            Action::Forward(signal) => guardian.signal(signal).await,
            Action::TakeTerminal => {
                self.continued += 1;
                self.take_terminal();
            }
            Action::Resize => self.resize(),
            // It may be old news: where the child shares our group, the shell has continued it together with us. What
            // continues us is among the signals that wait then, and is forwarded like any other.
            Action::Suspend(signal) if self.child_is_stopped() => {
                if self.suspend(signal) {
                    self.went_on_at = times_continued();
                } else {
                    guardian.signal(libc::SIGCONT).await;
                }
            }
            Action::Suspend(_) => {}
            Action::Finish(_) => {
                self.listen(false);
                if let Some(pty) = &mut self.pty {
                    pty.release_slave();
                }
            }
            // The loop's; what follows when the child is over; and only while the rest of the output is waited for, see
            // `asked_to_leave`.
            Action::StartGrace(_)
            | Action::EndFamily
            | Action::EndOrphans
            | Action::NameFamily
            | Action::LeaveNow => {}
        }
    }

    /// Resolves, once, when the terminal is hung up.
    pub(super) async fn hung_up(&self) {
        match &self.inward {
            Some(inward) => inward.hung_up().await,
            None => std::future::pending().await,
        }
    }

    /// The user's terminal is gone, and so is the child's, as it would be bare: what it reads there has ended.
    pub(super) fn hang_up(&mut self) {
        self.is_hung_up = true;
        // Before it runs, the guardian still has to open it.
        if self.child.is_some() && self.pty.take().is_some() {
            self.inward = None;
            // It holds the master side too, for as long as there is something to pass on.
            self.draining.push(self.relays.remove(0).child_ended());
        }
    }

    /// Whether the keys may become the child's, or cease to be, without a sign.
    pub(super) fn must_look_around(&self) -> bool {
        self.terminal.is_some_and(|terminal| terminal.typing_is_shared() || !self.has_keys)
    }

    /// In the background the terminal is somebody else's; SIGCONT tells when that changes.
    fn take_terminal(&mut self) {
        let Some(terminal) = self.terminal else { return };
        let wanted = !terminal.typing_is_shared() || self.child_wants_keys();
        let take = wanted && terminal.is_ours();
        if take && !self.has_keys && !terminal.typing_is_shared() {
            self.renew_settings(terminal);
        }
        if take && let Err(error) = terminal.make_raw() {
            tracing::warn!("cannot switch the terminal to raw mode: {error}");
        }
        self.listen(take);
        self.resize();
    }

    /// While the terminal was not ours, a shell may have had settings of its own on it.
    fn renew_settings(&self, terminal: &Terminal) {
        let began_with = terminal.settings_for_child();
        if terminal.look_again()
            && let Some(pty) = &self.pty
            && let Err(error) = pty.renew_settings(&began_with, &terminal.settings_for_child())
        {
            tracing::warn!("cannot give the pseudo-terminal the terminal's settings: {error}");
        }
    }

    fn give_terminal_back(&mut self) {
        self.listen(false);
        if let Some(terminal) = self.terminal
            && terminal.is_ours()
        {
            terminal.restore();
        }
    }

    fn child_wants_keys(&self) -> bool {
        let (Some(terminal), Some(pty)) = (self.terminal, &self.pty) else { return false };
        terminal.wants_keys(pty.master())
    }

    /// Gives the child the keys when they are its, and the pipeline when they no longer are.
    pub(super) fn look_around(&mut self) {
        let Some(terminal) = self.terminal else { return };
        let wanted = !terminal.typing_is_shared() || self.child_wants_keys();
        match (self.has_keys, wanted) {
            (false, true) if terminal.is_ours() => self.take_terminal(),
            (true, false) => self.give_terminal_back(),
            _ => {}
        }
    }

    fn listen(&mut self, on: bool) {
        self.has_keys = on;
        if let Some(inward) = &self.inward {
            inward.listen(on);
        }
    }

    fn child_is_stopped(&self) -> bool {
        self.child.is_none_or(|(pid, _)| processes::is_stopped(pid))
    }

    /// `false` when we were not stopped and nobody will continue the child.
    fn suspend(&mut self, signal: i32) -> bool {
        // An editor puts its screen in order before it stops; the shell's prompt must not come first.
        if let (Some(pty), Some(relay)) = (&self.pty, self.relays.first()) {
            relay.catch_up(pty.master(), CATCH_UP);
        }
        self.give_terminal_back();
        // A typed `^Z` stops the whole pipeline; the kernel has done so where the child shares our group.
        let stopped = stop_self(signal, signal == libc::SIGTSTP && self.pty.is_some());
        self.take_terminal();
        stopped
    }

    fn resize(&mut self) {
        let (Some(sizes), Some(terminal), Some(pty)) = (&self.sizes, self.terminal, &self.pty) else {
            return;
        };
        if let Err(error) = sizes.follow(terminal.fd(), pty.master()) {
            tracing::warn!("cannot resize the pseudo-terminal: {error}");
        }
    }

    /// The child has ended: its last bytes go out. Dropping the future gives them up.
    pub(super) async fn drain(&mut self) {
        self.draining.extend(self.relays.drain(..).map(Relay::child_ended));
        for relay in self.draining.drain(..) {
            if let Some(Outward { from, to: Some(to), way: way @ (Way::Stdout | Way::Stderr), .. }) =
                relay.finished().await
            {
                self.left.push(Pipe { from, to, way });
            }
        }
    }

    /// A child that was ended by force may have left modes on.
    pub(super) fn undo_modes(&self) {
        let undo = self.modes.undo();
        if let Some(terminal) = self.terminal
            && !undo.is_empty()
            && let Err(error) = nix::unistd::write(terminal.fd(), &undo)
        {
            tracing::warn!("cannot undo terminal modes: {error}");
        }
        self.modes.forget();
    }

    /// The terminal goes back, and the detectors see the end. Gives what another child could be given.
    pub(super) fn strike(self) -> Ends {
        if let Some(tap) = &self.tap {
            tap.close();
        }
        let Self { pty, left: pipes, modes, fixed_size, recording, .. } = self;
        Ends { pty, pipes, modes, fixed_size, recording }
    }
}

fn let_go_of_stdout() {
    if let Err(error) = descriptors::let_go_of_stdout() {
        tracing::warn!("cannot let go of stdout: {error}");
    }
}
