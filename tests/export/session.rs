//! A user's place, and sessions in it that are run from their beginning to their end.

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use test_support::program::Program;
use test_support::standalone::{self, named};
use test_support::{DEADLINE, piped};

pub(super) const MPM: &str = env!("CARGO_BIN_EXE_claude-mpm");
const OPTIONS: [&str; 5] = ["--launch-method", "subprocess", "--websocket-port", "auto", "--headless"];

/// What a verb did.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) status: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

pub(super) struct Place(pub(super) standalone::Place);

impl Place {
    pub(super) fn new() -> Self {
        Self(standalone::Place::new(MPM))
    }

    /// The command line of a session with this name whose claude is a shell script; `$MPM` is the program under test.
    pub(super) fn command(&self, name: &str, options: &[&str], script: &str) -> std::process::Command {
        let mut command = self.0.command(&OPTIONS);
        command.args(["-n", name]).args(options).args(["--claude", "sh", "--", "-c", script]);
        command.env("MPM", MPM).env("TERM", "xterm-256color");
        command
    }

    /// Runs it to its end.
    #[track_caller]
    pub(super) fn session(&self, name: &str, options: &[&str], script: &str) -> Done {
        done(piped::run(self.command(name, options, script), b"", DEADLINE))
    }

    /// Starts it, and waits until it has said `ready` on its terminal, and the journal has that.
    #[track_caller]
    pub(super) fn start(&self, name: &str, options: &[&str], script: &str) -> Program {
        let program = Program::start(self.command(name, options, script), b"");
        program.wait_err(|line| line.contains("on ws://127.0.0.1:"));
        let mut watch = self.0.command(&["watch", "claude.output", "-i", name, "-g", "ready", "-n", "100"]);
        watch.args(["--count", "1"]);
        let seen = done(piped::run(watch, b"", DEADLINE));
        assert_eq!(seen.status, Some(0), "{}", seen.err);
        program
    }

    /// What a verb does.
    #[track_caller]
    pub(super) fn run(&self, args: &[&str]) -> Done {
        done(piped::run(self.0.command(args), b"", DEADLINE))
    }

    /// The recordings that are kept.
    pub(super) fn recordings(&self) -> Vec<PathBuf> {
        let sessions = fs::read_dir(self.0.path(".local/state/claude-mpm/sessions")).into_iter().flatten();
        sessions.flatten().flat_map(|session| named(&session.path(), "terminal.cast")).collect()
    }
}

fn done(output: Output) -> Done {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
