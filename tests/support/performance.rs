//! Plays one run of a scenario: starts the command, does what the user does, waits for the end. The command may be
//! claude itself or a wrapper around it; every wait looks at the screen, at claude's own files or at its
//! processes, never at what a wrapper tells.

use crate::DEADLINE;
use crate::catalogue::{COLUMNS, Ends, Interface, ROWS, Run, Step};
use crate::program::Program;
use crate::stage::Stage;
use crate::terminal::{Drawn, Terminal};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// How often a wait looks where nothing tells it of a change.
const LOOK: Duration = Duration::from_millis(5);

/// A run that goes on. Dropping it kills the program.
#[derive(Debug)]
pub struct Performance<'a> {
    stage: &'a Stage,
    run: &'a Run,
    player: Player,
}

#[derive(Debug)]
enum Player {
    Pipes(Program),
    Terminal(Terminal),
}

/// A run that is over.
#[derive(Debug)]
pub struct Performed {
    /// How the program ended.
    pub status: ExitStatus,
    /// When its end was known.
    pub ended: Instant,
    /// The lines of stdout and when each came; none on a terminal.
    pub stdout: Vec<(Instant, String)>,
    /// The lines of stderr; none on a terminal.
    pub stderr: Vec<String>,
    /// What happened on the terminal; nothing on pipes.
    pub drawn: Vec<(Instant, Drawn)>,
}

impl<'a> Performance<'a> {
    /// Starts `command`, which [`Stage::bare`] or [`Stage::wrapped`] made for `run`.
    ///
    /// # Panics
    /// If it cannot be started.
    #[track_caller]
    pub fn start(stage: &'a Stage, run: &'a Run, command: Command) -> Self {
        let player = match run.on {
            Interface::Print => Player::Pipes(Program::start(command, b"")),
            Interface::Terminal => Player::Terminal(Terminal::start(command, COLUMNS, ROWS)),
        };
        Self { stage, run, player }
    }

    /// Does all that the user does, and waits for the end.
    ///
    /// # Panics
    /// If something that is waited for does not come in time, or the end is not the run's.
    #[track_caller]
    pub fn finish(self) -> Performed {
        for step in &self.run.steps {
            self.does(step);
        }
        let performed = self.player.finish();
        let (ends, status) = (self.run.ends, performed.status);
        let ended = match (status.code(), status.signal()) {
            (Some(code), _) => Ends::Code(code),
            (None, signal) => Ends::Signal(signal.unwrap_or_default()),
        };
        // A wrapper may put a code in the place of a signal, as a shell does.
        let as_shells_say = matches!(ends, Ends::Signal(signal) if ended == Ends::Code(128 + signal));
        assert!(ends.admits(ended) || as_shells_say, "it ended with {status}, not {ends:?}; {performed:#?}");
        performed
    }

    #[track_caller]
    fn does(&self, step: &Step) {
        match *step {
            Step::Types(text) => self.terminal().type_text(text),
            Step::Hesitates(time) => std::thread::sleep(time),
            Step::Sees(text) => drop(self.terminal().wait_for(|screen| screen.contains(text), DEADLINE)),
            Step::Misses(text) => drop(self.terminal().wait_for(|screen| !screen.contains(text), DEADLINE)),
            Step::Resizes(columns, rows) => self.terminal().resize(columns, rows),
            Step::Is(status) => self.waits(step, || self.stage.status().as_deref() == Some(status)),
            Step::Logs(text) => self.waits(step, || self.stage.has_logged(text)),
            Step::Runs(words) => self.waits(step, || self.runs(words)),
            Step::Signals(signal) => {
                self.waits(step, || self.stage.claude().is_some_and(|claude| claude.signal(signal)));
            }
        }
    }

    fn runs(&self, words: &str) -> bool {
        self.stage.running().iter().any(|process| process.command_line() == words)
    }

    #[track_caller]
    fn terminal(&self) -> &Terminal {
        match &self.player {
            Player::Terminal(terminal) => terminal,
            Player::Pipes(_) => panic!("a run on pipes has no screen and no keys"),
        }
    }

    /// Looks again and again: neither a file of claude's nor a process tells when it changes.
    #[track_caller]
    fn waits(&self, step: &Step, holds: impl Fn() -> bool) {
        let until = Instant::now() + DEADLINE;
        while !holds() {
            assert!(Instant::now() < until, "{step:?} did not come true in time; {}", self.player.shows());
            std::thread::sleep(LOOK);
        }
    }
}

impl Player {
    fn shows(&self) -> String {
        match self {
            Self::Pipes(program) => program.out().join("\n"),
            Self::Terminal(terminal) => terminal.screen(),
        }
    }

    #[track_caller]
    fn finish(self) -> Performed {
        match self {
            Self::Pipes(program) => {
                let (status, stdout, stderr) = program.finish_timed();
                Performed { status, ended: Instant::now(), stdout, stderr, drawn: Vec::new() }
            }
            Self::Terminal(terminal) => {
                let status = terminal.wait_exit(DEADLINE);
                let ended = Instant::now();
                Performed { status, ended, stdout: Vec::new(), stderr: Vec::new(), drawn: terminal.drawn() }
            }
        }
    }
}
