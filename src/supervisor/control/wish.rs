//! The lines between the loop that supervises claude and the desk: what is wished of the loop, and how claude stands.

use crate::process::injection::Injector;
use crate::process::modes::Modes;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Wishes that wait at most.
const WAITING: usize = 16;

/// What the loop is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::supervisor) enum Wish {
    /// End claude: TERM, this grace, KILL. A second one means KILL now.
    Stop {
        /// How long it has.
        grace: Duration,
    },
    /// The same, and start it again.
    Restart {
        /// How long it has.
        grace: Duration,
    },
    /// SIGINT.
    Interrupt,
}

/// How claude stands.
#[derive(Debug, Clone)]
pub(in crate::supervisor) enum Phase {
    /// It is about to be started.
    Starting,
    /// It runs.
    Running(Child),
    /// It is over, and will be started again.
    Pausing,
    /// It is over.
    Over,
}

/// One claude.
#[derive(Debug, Clone)]
pub(in crate::supervisor) struct Child {
    /// Its process id.
    pub(in crate::supervisor) pid: u32,
    /// Which start it was, from 1 on.
    pub(in crate::supervisor) start: u32,
    /// Where its keys are typed, and the modes of its terminal; `None` where it has none of ours.
    pub(in crate::supervisor) keys: Option<(Injector, Modes)>,
}

/// The loop's ends.
#[derive(Debug)]
pub(in crate::supervisor) struct Lines {
    wishes: mpsc::Receiver<Wish>,
    phase: watch::Sender<Phase>,
    starts: u32,
}

/// The desk's ends.
#[derive(Debug)]
pub(super) struct DeskLines {
    pub(super) wishes: mpsc::Sender<Wish>,
    pub(super) phase: watch::Receiver<Phase>,
}

impl Lines {
    /// Both ends.
    pub(super) fn new() -> (Self, DeskLines) {
        let (wish, wishes) = mpsc::channel(WAITING);
        let (phase, shown) = watch::channel(Phase::Starting);
        (Self { wishes, phase, starts: 0 }, DeskLines { wishes: wish, phase: shown })
    }

    /// Where nobody asks for anything.
    pub(in crate::supervisor) fn unused() -> Self {
        Self::new().0
    }

    /// The next wish; without anybody who wishes, never. Cancel-safe.
    pub(in crate::supervisor) async fn wish(&mut self) -> Wish {
        match self.wishes.recv().await {
            Some(wish) => wish,
            None => std::future::pending().await,
        }
    }

    /// Claude runs.
    pub(in crate::supervisor) fn running(&mut self, pid: u32, keys: Option<(Injector, Modes)>) {
        self.starts += 1;
        self.show(Phase::Running(Child { pid, start: self.starts, keys }));
    }

    pub(in crate::supervisor) fn show(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }
}
