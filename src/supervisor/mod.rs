//! One supervised run: start claude, keep its terminal and its signals as they would be without us, say what
//! happens, and come back with how it ended.
//!
//! The loop only waits and performs; what is to be done is decided by the table in [`state`]. Who listens to the
//! events is not known here.

pub mod announce;
pub mod launch;
pub mod state;

use crate::event::Source;
use crate::event::body::SessionStart;
use crate::hub::Publisher;
use crate::process::guardian::Guardian;
use crate::process::relay::{Inward, InwardSwitch, Outward, Relay};
use crate::process::modes::Scanner;
use crate::process::pty::Pty;
use crate::process::signals::{Signals, stop_self};
use crate::process::tap::{Tap, Way};
use crate::process::terminal::{RawMode, Terminal};
use crate::source::output;
use announce::Announcer;
use launch::Launch;
use nix::libc;
use state::{Action, Ending, Input, Setting, State, step};
use std::io;
use std::os::fd::AsFd;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// After the child's end, the detectors have this long to catch up with its output.
const CATCH_UP: Duration = Duration::from_secs(2);
/// How often a child that shares the typing with a pipeline is asked whether it wants keys. There is nothing that
/// would tell.
const LOOK_FOR_KEYS: Duration = Duration::from_millis(50);

/// Who is told, when anybody is.
#[derive(Debug)]
pub struct Audience {
    /// Where events are published.
    pub publisher: Publisher,
    /// What the session is.
    pub session: SessionStart,
    /// Where claude's process id is made known.
    pub child: watch::Sender<Option<u32>>,
}

/// Runs claude until its end and all its output has gone out. The terminal is as it was when this returns.
///
/// # Errors
/// When the run cannot begin; claude has not been started then.
pub async fn run(launch: Launch, audience: Option<Audience>) -> io::Result<Ending> {
    let mut signals = Signals::catch()?;
    let mut guardian = launch.posted.take_up()?;
    let terminal = launch.terminal;
    let raw = terminal.as_ref().map(RawMode);
    let tap = audience.as_ref().map(|_| Tap::new());
    let setting =
        Setting { own_group: launch.pty.is_some(), our_pid: i32::try_from(std::process::id()).unwrap_or(0) };
    let stage = Wiring { pty: launch.pty, pipes: launch.pipes, modes: launch.modes };
    let fixed_size = launch.options.window_size.is_some() || launch.options.headless;
    let (relays, inward, pty) = stage.start(terminal.as_ref(), tap.as_ref())?;
    let mut announcer = Announcer::new(audience);
    let reader = match (&tap, announcer.publisher()) {
        (Some(tap), Some(publisher)) => {
            Some(output::start(tap.clone(), launch.size, publisher.as_source(Source::Screen))?)
        }
        _ => None,
    };
    let mut stage = Stage { terminal: terminal.as_ref(), inward, pty, tap, fixed_size, has_keys: false };
    let mut look_for_keys = tokio::time::interval(LOOK_FOR_KEYS);
    announcer.starting();
    stage.take_terminal();
    guardian.start().await;

    let mut state = State::Starting { pending: None };
    let ending = loop {
        let input = tokio::select! {
            report = guardian.report() => Input::Report(report),
            arrival = signals.next() => Input::Signal(arrival),
            _ = look_for_keys.tick(), if stage.typing_is_shared() => {
                stage.follow_child();
                continue;
            }
        };
        let (next, actions) = step(setting, state, input);
        state = next;
        for action in &actions {
            stage.perform(*action, &mut guardian, &mut announcer).await;
        }
        if let State::Ended { ending, .. } = state {
            break ending;
        }
    };
    tokio::select! {
        () = drain(relays) => {}
        () = asked_to_leave(&mut signals, setting, state) => {}
    }
    if matches!(ending, Ending::Signaled(_) | Ending::Unknown) {
        stage.undo_modes(&launch.modes.undo());
    }
    drop(raw);
    stage.close();
    finish_reading(reader).await;
    announcer.ended(state);
    guardian.dismiss().await;
    Ok(ending)
}

async fn drain(relays: Vec<Relay>) {
    let relays: Vec<_> = relays.into_iter().map(Relay::child_ended).collect();
    for relay in relays {
        relay.finished().await;
    }
}

/// Resolves when a signal means that we are not to wait any longer.
async fn asked_to_leave(signals: &mut Signals, setting: Setting, state: State) {
    loop {
        let input = Input::Signal(signals.next().await);
        if step(setting, state, input).1.contains(&Action::LeaveNow) {
            return;
        }
    }
}

/// Waits for the detectors, within their bound.
async fn finish_reading(reader: Option<JoinHandle<()>>) {
    let Some(reader) = reader else { return };
    let deadline = Instant::now() + CATCH_UP;
    while !reader.is_finished() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The child's ends, not yet relayed.
struct Wiring {
    pty: Option<Pty>,
    pipes: Vec<launch::Pipe>,
    modes: crate::process::modes::Modes,
}

type Wired = (Vec<Relay>, Option<InwardSwitch>, Option<Pty>);

impl Wiring {
    fn start(self, terminal: Option<&Terminal>, tap: Option<&Tap>) -> io::Result<Wired> {
        let mut relays = Vec::new();
        let mut inward = None;
        if let Some(pty) = &self.pty {
            let to = terminal.map(|terminal| terminal.fd().try_clone_to_owned()).transpose()?;
            let scanner = terminal.map(|_| Scanner::new(self.modes));
            let from = pty.master().try_clone_to_owned()?;
            relays.push(Outward { from, to, way: Way::Terminal, tap: tap.cloned(), scanner }.start()?);
            if let Some(terminal) = terminal {
                inward = Some(Inward::new(terminal, pty.master().try_clone_to_owned()?)?.start()?);
            }
        }
        for launch::Pipe { from, to, way } in self.pipes {
            relays.push(Outward { from, to: Some(to), way, tap: tap.cloned(), scanner: None }.start()?);
        }
        Ok((relays, inward, self.pty))
    }
}

/// What actions are performed on.
struct Stage<'a> {
    terminal: Option<&'a Terminal>,
    inward: Option<InwardSwitch>,
    pty: Option<Pty>,
    tap: Option<Tap>,
    fixed_size: bool,
    /// The terminal is raw and what is typed goes to the child.
    has_keys: bool,
}

impl Stage<'_> {
    async fn perform(&mut self, action: Action, guardian: &mut Guardian, announcer: &mut Announcer) {
        match action {
            Action::AnnounceRunning(pid) => {
                if let Some(pty) = &mut self.pty {
                    pty.release_slave();
                }
                announcer.running(pid);
            }
            Action::Forward(signal) => guardian.signal(signal).await,
            Action::TakeTerminal => self.take_terminal(),
            Action::Resize => self.resize(),
            Action::Suspend(signal) => {
                self.suspend(signal);
                guardian.signal(libc::SIGCONT).await;
            }
            Action::Finish(_) => {
                self.listen(false);
                if let Some(pty) = &mut self.pty {
                    pty.release_slave();
                }
            }
            // Only while the rest of the output is waited for; see `asked_to_leave`.
            Action::LeaveNow => {}
        }
    }

    fn typing_is_shared(&self) -> bool {
        self.terminal.is_some_and(Terminal::typing_is_shared)
    }

    /// In the background the terminal is somebody else's; SIGCONT tells when that changes.
    fn take_terminal(&mut self) {
        let Some(terminal) = self.terminal else { return };
        let wanted = !terminal.typing_is_shared() || self.child_wants_keys();
        let take = wanted && terminal.is_ours();
        if take && let Err(error) = terminal.make_raw() {
            tracing::warn!("cannot switch the terminal to raw mode: {error}");
        }
        self.listen(take);
        self.resize();
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

    /// Gives the child the keys when it asks for them, and the pipeline when it no longer does.
    fn follow_child(&mut self) {
        match (self.has_keys, self.child_wants_keys()) {
            (false, true) => self.take_terminal(),
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

    fn suspend(&mut self, signal: i32) {
        self.give_terminal_back();
        // A typed `^Z` stops the whole pipeline; the kernel has done so where the child shares our group.
        stop_self(signal, signal == libc::SIGTSTP && self.pty.is_some());
        self.take_terminal();
    }

    fn resize(&mut self) {
        let (false, Some(terminal), Some(pty)) = (self.fixed_size, self.terminal, &self.pty) else { return };
        let Some(size) = terminal.size() else { return };
        if crate::process::terminal::size_of(pty.master()) == Some(size) {
            return;
        }
        if let Err(error) = pty.resize(size) {
            tracing::warn!("cannot resize the pseudo-terminal: {error}");
        }
        if let Some(tap) = &self.tap {
            tap.resized(size);
        }
    }

    fn undo_modes(&self, undo: &[u8]) {
        if let Some(terminal) = self.terminal
            && !undo.is_empty()
            && let Err(error) = nix::unistd::write(terminal.fd().as_fd(), undo)
        {
            tracing::warn!("cannot undo terminal modes: {error}");
        }
    }

    fn close(&mut self) {
        self.inward = None;
        if let Some(tap) = &self.tap {
            tap.close();
        }
    }
}
