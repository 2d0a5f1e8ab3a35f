//! The supervised process as a table: what is true, what happens, what is to be done. Pure.
//!
//! Every pair of state and input is written out, so that a new one of either does not compile until it is decided.
//! `tests` holds the whole table as text.

mod heard;
#[cfg(test)]
mod tests;

use crate::process::guardian::Report;
use crate::process::signals::{Arrival, Origin};
use heard::{Heard, hear};
use nix::libc;
use std::time::Duration;

/// What is true of the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The guardian was told to start it.
    Starting {
        /// What came meanwhile waits for it.
        waiting: Waiting,
    },
    /// It runs, or is stopped together with us.
    Running {
        /// Its process id.
        pid: u32,
        /// Somebody has signalled us that it should end, and it was told.
        asked: bool,
    },
    /// We are ending it.
    Stopping {
        /// Its process id.
        pid: u32,
        /// The grace is over, or nobody wanted to wait for it.
        killed: bool,
    },
    /// It is over; what it wrote last is still on its way.
    Ended {
        /// The process id it had.
        pid: Option<u32>,
        /// How it ended.
        ending: Ending,
        /// We ended it, because we were asked to stop it.
        stopped: bool,
    },
}

/// What waits for a child that has not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Nothing.
    Nothing,
    /// A signal, and whether somebody asks by it that the child ends.
    Signal(i32, bool),
    /// A stop with this grace.
    Stop(Duration),
    /// A stop at once.
    Kill,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
    /// It never ran: errno of exec(2).
    NotExecuted(i32),
    /// Nobody knows: the guardian is gone.
    Unknown,
    /// It is no child of ours, and the kernel tells only its parent how it ended.
    Untold,
}

impl Ending {
    /// 128 and HUP, INT, QUIT or TERM: how a program that catches the signal says that it was asked to end.
    pub fn tells_of_request(self) -> bool {
        let requests = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];
        matches!(self, Self::Exited(code) if requests.contains(&(code - 128)))
    }
}

impl State {
    /// Whether somebody has asked that it end.
    pub fn is_asked_to_end(self) -> bool {
        match self {
            Self::Starting { waiting } => {
                matches!(waiting, Waiting::Signal(_, true) | Waiting::Stop(_) | Waiting::Kill)
            }
            Self::Running { asked, .. } => asked,
            Self::Stopping { .. } => true,
            Self::Ended { stopped, .. } => stopped,
        }
    }
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The guardian says.
    Report(Report),
    /// A signal came to us.
    Signal(Arrival),
    /// The user's terminal is gone. In the background no signal tells.
    HungUp,
    /// The child is to be stopped: TERM, this grace, KILL. Once more means KILL now.
    Stop {
        /// How long it has.
        grace: Duration,
    },
    /// What the child does is to be interrupted: INT.
    Interrupt,
    /// The grace is over.
    GraceOver,
}

impl Input {
    /// Whether it says that the user's terminal is gone, which may be said twice and happens once.
    pub fn is_hang_up(self) -> bool {
        matches!(self, Self::HungUp) || self == Self::Signal(HANG_UP)
    }
}

/// What the kernel says when the terminal is gone.
const HANG_UP: Arrival = Arrival { signal: libc::SIGHUP, origin: Origin::Kernel };

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Say that the child runs.
    AnnounceRunning(u32),
    /// Send it this signal.
    Forward(i32),
    /// Give the terminal back, stop ourselves by this signal, and go on when continued.
    Suspend(i32),
    /// We were continued: take the terminal again if it is ours.
    TakeTerminal,
    /// The user's terminal has a new size.
    Resize,
    /// Say [`Input::GraceOver`] when so long has passed.
    StartGrace(Duration),
    /// The child is over.
    Finish(Ending),
    /// The guardian is to end the child's family.
    EndFamily,
    /// The guardian is gone: the child and its family are ours to end.
    EndOrphans,
    /// Those of the family that go on are left, and named once the output is through.
    NameFamily,
    /// We are asked to go while only the rest of the output is waited for.
    LeaveNow,
}

impl Action {
    /// Whether it says what becomes of the child's family.
    pub fn is_about_family(&self) -> bool {
        matches!(self, Self::EndFamily | Self::EndOrphans | Self::NameFamily)
    }
}

/// What does not change during a run.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The child has a terminal and a process group of its own; what the kernel sends to our group does not reach it.
    pub own_group: bool,
    /// Our own process id.
    pub our_pid: i32,
    /// A TERM, INT or HUP from a process means a stop with this grace, because nobody sits at the terminal; `None`:
    /// the child is told, as bare.
    pub stop_grace: Option<Duration>,
    /// What the child leaves running when it exits by itself is ended.
    pub reap: bool,
}

/// One step.
pub fn step(setting: Setting, state: State, input: Input) -> (State, Vec<Action>) {
    match input {
        Input::Report(report) => reported(setting, state, report),
        Input::HungUp => heard(state, hear(setting, HANG_UP)),
        Input::Signal(arrival) => heard(state, hear(setting, arrival)),
        Input::Stop { grace } => stop(state, grace),
        Input::Interrupt => heard(state, Heard::Other(libc::SIGINT)),
        Input::GraceOver => grace_over(state),
    }
}

/// Whether somebody asks by it that the child ends, or it is told that it should.
pub fn asks_to_end(setting: Setting, input: Input) -> bool {
    match input {
        Input::Signal(arrival) => {
            matches!(hear(setting, arrival), Heard::Stop { .. } | Heard::End { asks: true, .. })
        }
        Input::HungUp | Input::Stop { .. } => true,
        Input::Report(_) | Input::Interrupt | Input::GraceOver => false,
    }
}

fn reported(setting: Setting, state: State, report: Report) -> (State, Vec<Action>) {
    use Report::{Exited, Failed, Lost, Signaled, Started, Stopped};
    use State::{Ended, Running, Starting, Stopping};
    let over = |ending| ended(setting, state, ending);
    match (state, report) {
        (Starting { waiting }, Started(pid)) => began(pid.unsigned_abs(), waiting),
        (Running { .. }, Stopped(signal)) => (state, vec![Action::Suspend(signal)]),
        // It is to hear that it should end.
        (Stopping { .. }, Stopped(_)) => (state, vec![Action::Forward(libc::SIGCONT)]),
        // Such a report makes no sense here.
        (Running { .. } | Stopping { .. }, Started(_)) | (Starting { .. }, Stopped(_)) => (state, Vec::new()),
        (Starting { .. } | Running { .. } | Stopping { .. }, Exited(code)) => over(Ending::Exited(code)),
        (Starting { .. } | Running { .. } | Stopping { .. }, Signaled(signal)) => {
            over(Ending::Signaled(signal))
        }
        (Starting { .. } | Running { .. } | Stopping { .. }, Failed(errno)) => {
            over(Ending::NotExecuted(errno))
        }
        (Starting { .. } | Running { .. } | Stopping { .. }, Lost) => over(Ending::Unknown),
        (Ended { .. }, Started(_) | Stopped(_) | Exited(_) | Signaled(_) | Failed(_) | Lost) => {
            (state, Vec::new())
        }
    }
}

fn began(pid: u32, waiting: Waiting) -> (State, Vec<Action>) {
    let (state, mut actions) = match waiting {
        Waiting::Nothing => (State::Running { pid, asked: false }, Vec::new()),
        Waiting::Signal(signal, asked) => (State::Running { pid, asked }, vec![Action::Forward(signal)]),
        Waiting::Stop(grace) => stop(State::Running { pid, asked: false }, grace),
        Waiting::Kill => (State::Stopping { pid, killed: true }, vec![Action::Forward(libc::SIGKILL)]),
    };
    actions.insert(0, Action::AnnounceRunning(pid));
    (state, actions)
}

fn ended(setting: Setting, state: State, ending: Ending) -> (State, Vec<Action>) {
    let (pid, asked, stopped) = match state {
        State::Starting { .. } => (None, false, false),
        State::Running { pid, asked } => (Some(pid), asked, false),
        State::Stopping { pid, .. } => (Some(pid), true, true),
        State::Ended { pid, stopped, .. } => (pid, false, stopped),
    };
    let actions = [Some(Action::Finish(ending)), for_family(setting.reap, ending, asked)];
    (State::Ended { pid, ending, stopped }, actions.into_iter().flatten().collect())
}

/// What becomes of the child's family. Who ended the child, or asked it to end, meant all of it; a child that exits
/// by itself leaves what it started, as it does bare.
pub(super) fn for_family(reap: bool, ending: Ending, asked: bool) -> Option<Action> {
    match ending {
        Ending::NotExecuted(_) => None,
        Ending::Unknown => Some(Action::EndOrphans),
        Ending::Signaled(_) => Some(Action::EndFamily),
        Ending::Exited(_) if asked || reap || ending.tells_of_request() => Some(Action::EndFamily),
        Ending::Untold if asked || reap => Some(Action::EndFamily),
        Ending::Exited(_) | Ending::Untold => Some(Action::NameFamily),
    }
}

fn heard(state: State, heard: Heard) -> (State, Vec<Action>) {
    use Heard::{Continued, End, NotForChild, Other, Resized, Stop};
    use State::{Ended, Running, Starting, Stopping};
    match (state, heard) {
        (Starting { .. } | Running { .. } | Stopping { .. } | Ended { .. }, Stop { grace }) => {
            stop(state, grace)
        }
        (Starting { waiting }, End { signal, told: true, asks }) => {
            (Starting { waiting: waiting.for_end(signal, asks) }, Vec::new())
        }
        (Starting { waiting }, Other(signal)) => {
            (Starting { waiting: waiting.for_other(signal) }, Vec::new())
        }
        (Starting { .. }, Resized { .. }) => (state, vec![Action::Resize]),
        (Starting { .. }, Continued) => (state, vec![Action::TakeTerminal]),
        (Running { pid, asked }, End { signal, told: true, asks }) => {
            (Running { pid, asked: asked || asks }, vec![Action::Forward(signal)])
        }
        (Stopping { .. }, End { signal, told: true, .. })
        | (Running { .. } | Stopping { .. }, Other(signal)) => (state, vec![Action::Forward(signal)]),
        (Running { .. } | Stopping { .. }, Resized { told: true }) => {
            (state, vec![Action::Resize, Action::Forward(libc::SIGWINCH)])
        }
        (Running { .. } | Stopping { .. }, Resized { told: false }) => (state, vec![Action::Resize]),
        (Running { .. } | Stopping { .. }, Continued) => {
            (state, vec![Action::TakeTerminal, Action::Forward(libc::SIGCONT)])
        }
        (Ended { .. }, End { asks: true, .. }) => (state, vec![Action::LeaveNow, Action::EndFamily]),
        (Ended { .. }, End { asks: false, .. }) => (state, vec![Action::LeaveNow]),
        (Starting { .. } | Running { .. } | Stopping { .. }, End { told: false, .. } | NotForChild)
        | (Ended { .. }, Resized { .. } | Continued | Other(_) | NotForChild) => (state, Vec::new()),
    }
}

impl Waiting {
    /// The newest request to end is the one that is made; that somebody asked stays true.
    fn for_end(self, signal: i32, asks: bool) -> Self {
        match self {
            Self::Nothing => Self::Signal(signal, asks),
            Self::Signal(_, asked) => Self::Signal(signal, asked || asks),
            Self::Stop(_) | Self::Kill => self,
        }
    }

    /// To a program that has not begun, SIGCHLD means nothing; and nothing makes a request to end forgotten.
    fn for_other(self, signal: i32) -> Self {
        match self {
            Self::Nothing | Self::Signal(_, false) if signal != libc::SIGCHLD => Self::Signal(signal, false),
            Self::Nothing | Self::Signal(..) | Self::Stop(_) | Self::Kill => self,
        }
    }
}

fn stop(state: State, grace: Duration) -> (State, Vec<Action>) {
    match state {
        State::Starting { waiting: Waiting::Nothing | Waiting::Signal(..) } => {
            (State::Starting { waiting: Waiting::Stop(grace) }, Vec::new())
        }
        State::Starting { waiting: Waiting::Stop(_) | Waiting::Kill } => {
            (State::Starting { waiting: Waiting::Kill }, Vec::new())
        }
        State::Running { pid, .. } => {
            let tell = [libc::SIGTERM, libc::SIGCONT].map(Action::Forward);
            let actions = tell.into_iter().chain([Action::StartGrace(grace)]).collect();
            (State::Stopping { pid, killed: false }, actions)
        }
        State::Stopping { killed: false, .. } => grace_over(state),
        State::Stopping { killed: true, .. } => (state, Vec::new()),
        State::Ended { .. } => (state, vec![Action::LeaveNow, Action::EndFamily]),
    }
}

fn grace_over(state: State) -> (State, Vec<Action>) {
    match state {
        State::Stopping { pid, killed: false } => {
            (State::Stopping { pid, killed: true }, vec![Action::Forward(libc::SIGKILL)])
        }
        State::Starting { .. }
        | State::Running { .. }
        | State::Stopping { killed: true, .. }
        | State::Ended { .. } => (state, Vec::new()),
    }
}
