//! The supervised process as a table: what is true, what happens, what is to be done. Pure.

use crate::process::guardian::Report;
use crate::process::signals::{Arrival, Origin};
use nix::libc;

/// What is true of the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The guardian was told to start it. A signal that came meanwhile waits for it.
    Starting {
        /// The signal that waits.
        pending: Option<i32>,
    },
    /// It runs, or is stopped together with us.
    Running {
        /// Its process id.
        pid: u32,
    },
    /// It is over; what it wrote last is still on its way.
    Ended {
        /// The process id it had.
        pid: Option<u32>,
        /// How it ended.
        ending: Ending,
    },
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

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The guardian says.
    Report(Report),
    /// A signal came to us.
    Signal(Arrival),
    /// The user's terminal is gone. In the background no signal tells.
    HungUp,
}

impl Input {
    /// Whether it says that the user's terminal is gone, which may be said twice and happens once.
    pub fn is_hang_up(self) -> bool {
        let by_kernel = Arrival { signal: libc::SIGHUP, origin: Origin::Kernel };
        matches!(self, Self::HungUp) || self == Self::Signal(by_kernel)
    }
}

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
    /// The child is over.
    Finish(Ending),
    /// We are asked to go while only the rest of the output is waited for.
    LeaveNow,
}

/// What does not change during a run.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The child has a terminal and a process group of its own; what the kernel sends to our group does not reach it.
    pub own_group: bool,
    /// Our own process id.
    pub our_pid: i32,
}

/// One step.
pub fn step(setting: Setting, state: State, input: Input) -> (State, Vec<Action>) {
    match input {
        Input::Report(report) => reported(state, report),
        Input::HungUp => {
            let arrival = Arrival { signal: libc::SIGHUP, origin: Origin::Kernel };
            step(setting, state, Input::Signal(arrival))
        }
        Input::Signal(arrival) => {
            (signalled(setting, state, arrival), signal_actions(setting, state, arrival))
        }
    }
}

fn reported(state: State, report: Report) -> (State, Vec<Action>) {
    use State::{Ended, Running, Starting};
    match (state, report) {
        (Starting { pending }, Report::Started(pid)) => {
            let pid = pid.unsigned_abs();
            let actions =
                [Action::AnnounceRunning(pid)].into_iter().chain(pending.map(Action::Forward)).collect();
            (Running { pid }, actions)
        }
        (Running { .. }, Report::Stopped(signal)) => (state, vec![Action::Suspend(signal)]),
        // It is over already, or such a report makes no sense here.
        (Ended { .. }, _) | (Running { .. }, Report::Started(_)) | (Starting { .. }, Report::Stopped(_)) => {
            (state, Vec::new())
        }
        (Starting { .. } | Running { .. }, Report::Exited(code)) => ended(state, Ending::Exited(code)),
        (Starting { .. } | Running { .. }, Report::Signaled(signal)) => {
            ended(state, Ending::Signaled(signal))
        }
        (Starting { .. } | Running { .. }, Report::Failed(errno)) => ended(state, Ending::NotExecuted(errno)),
        (Starting { .. } | Running { .. }, Report::Lost) => ended(state, Ending::Unknown),
    }
}

fn ended(state: State, ending: Ending) -> (State, Vec<Action>) {
    let pid = match state {
        State::Running { pid } => Some(pid),
        _ => None,
    };
    (State::Ended { pid, ending }, vec![Action::Finish(ending)])
}

fn signalled(setting: Setting, state: State, arrival: Arrival) -> State {
    // To a program that has not begun; a TERM that came before (systemd sends both) must not be forgotten for it.
    let means_nothing = [libc::SIGCONT, libc::SIGWINCH, libc::SIGCHLD].contains(&arrival.signal);
    match state {
        State::Starting { .. } if is_for_child(setting, arrival) && !means_nothing => {
            State::Starting { pending: Some(arrival.signal) }
        }
        _ => state,
    }
}

fn signal_actions(setting: Setting, state: State, arrival: Arrival) -> Vec<Action> {
    let is_request_to_end =
        [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT].contains(&arrival.signal);
    match (state, arrival.signal) {
        (State::Running { .. }, libc::SIGWINCH) if is_for_child(setting, arrival) => {
            vec![Action::Resize, Action::Forward(libc::SIGWINCH)]
        }
        (State::Starting { .. } | State::Running { .. }, libc::SIGWINCH) => vec![Action::Resize],
        (State::Starting { .. }, libc::SIGCONT) => vec![Action::TakeTerminal],
        (State::Running { .. }, libc::SIGCONT) => vec![Action::TakeTerminal, Action::Forward(libc::SIGCONT)],
        (State::Running { .. }, signal) if is_for_child(setting, arrival) => vec![Action::Forward(signal)],
        (State::Ended { .. }, _) if is_request_to_end => vec![Action::LeaveNow],
        _ => Vec::new(),
    }
}

/// Whether the child has not got it and should. What the kernel sent went to our whole group, or is about us alone;
/// what we sent ourselves went to the others of our group on the child's behalf.
fn is_for_child(setting: Setting, arrival: Arrival) -> bool {
    let about_us =
        [libc::SIGWINCH, libc::SIGCONT, libc::SIGTTIN, libc::SIGTTOU, libc::SIGCHLD, libc::SIGPIPE];
    match arrival.origin {
        Origin::Kernel => setting.own_group && !about_us.contains(&arrival.signal),
        Origin::Process(sender) => sender != setting.our_pid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Setting = Setting { own_group: true, our_pid: 7 };
    const SHARED: Setting = Setting { own_group: false, our_pid: 7 };
    const STARTING: State = State::Starting { pending: None };
    const RUNNING: State = State::Running { pid: 42 };
    const ENDED: State = State::Ended { pid: Some(42), ending: Ending::Exited(0) };

    fn by(origin: Origin, signal: i32) -> Input {
        Input::Signal(Arrival { signal, origin })
    }

    #[test]
    fn reports_move_the_state_and_a_child_ends_once() {
        use Report::{Exited, Failed, Lost, Signaled, Started, Stopped};
        let over = |ending| State::Ended { pid: Some(42), ending };
        for (state, report, next, actions) in [
            (STARTING, Started(42), RUNNING, vec![Action::AnnounceRunning(42)]),
            (
                STARTING,
                Failed(2),
                State::Ended { pid: None, ending: Ending::NotExecuted(2) },
                vec![Action::Finish(Ending::NotExecuted(2))],
            ),
            (RUNNING, Stopped(20), RUNNING, vec![Action::Suspend(20)]),
            (RUNNING, Exited(3), over(Ending::Exited(3)), vec![Action::Finish(Ending::Exited(3))]),
            (RUNNING, Signaled(9), over(Ending::Signaled(9)), vec![Action::Finish(Ending::Signaled(9))]),
            (RUNNING, Lost, over(Ending::Unknown), vec![Action::Finish(Ending::Unknown)]),
            (ENDED, Lost, ENDED, vec![]),
            (ENDED, Exited(1), ENDED, vec![]),
        ] {
            assert_eq!(step(ALONE, state, Input::Report(report)), (next, actions), "{state:?} {report:?}");
        }
    }

    #[test]
    fn a_signal_reaches_the_child_once() {
        use Origin::{Kernel, Process};
        for (setting, origin, signal, actions) in [
            (ALONE, Process(1), libc::SIGTERM, vec![Action::Forward(libc::SIGTERM)]),
            (SHARED, Process(1), libc::SIGTERM, vec![Action::Forward(libc::SIGTERM)]),
            (ALONE, Kernel, libc::SIGHUP, vec![Action::Forward(libc::SIGHUP)]),
            (SHARED, Kernel, libc::SIGINT, vec![]),
            (ALONE, Process(7), libc::SIGINT, vec![]),
            (ALONE, Kernel, libc::SIGWINCH, vec![Action::Resize]),
            (SHARED, Kernel, libc::SIGTTIN, vec![]),
            (ALONE, Kernel, libc::SIGCHLD, vec![]),
            (ALONE, Process(7), libc::SIGPIPE, vec![]),
            (ALONE, Process(1), libc::SIGTTIN, vec![Action::Forward(libc::SIGTTIN)]),
            (ALONE, Process(1), libc::SIGWINCH, vec![Action::Resize, Action::Forward(libc::SIGWINCH)]),
            (ALONE, Process(1), libc::SIGUSR1, vec![Action::Forward(libc::SIGUSR1)]),
        ] {
            assert_eq!(
                step(setting, RUNNING, by(origin, signal)),
                (RUNNING, actions),
                "{setting:?} {signal}"
            );
        }
    }

    #[test]
    fn a_terminal_that_is_gone_is_told_as_the_kernel_would() {
        assert_eq!(step(ALONE, RUNNING, Input::HungUp), (RUNNING, vec![Action::Forward(libc::SIGHUP)]));
        assert!(Input::HungUp.is_hang_up() && by(Origin::Kernel, libc::SIGHUP).is_hang_up());
        assert!(!by(Origin::Process(1), libc::SIGHUP).is_hang_up());
    }

    #[test]
    fn a_signal_that_comes_before_the_child_waits_for_it() {
        let (state, actions) = step(ALONE, STARTING, by(Origin::Process(1), libc::SIGTERM));
        assert!(actions.is_empty());
        let (state, _) = step(ALONE, state, by(Origin::Process(1), libc::SIGCONT));
        let (_, actions) = step(ALONE, state, Input::Report(Report::Started(42)));
        assert_eq!(actions, [Action::AnnounceRunning(42), Action::Forward(libc::SIGTERM)]);
    }

    #[test]
    fn after_the_end_a_request_to_end_means_now() {
        assert_eq!(step(ALONE, ENDED, by(Origin::Process(1), libc::SIGTERM)).1, [Action::LeaveNow]);
        assert!(step(ALONE, ENDED, by(Origin::Kernel, libc::SIGWINCH)).1.is_empty());
    }
}
