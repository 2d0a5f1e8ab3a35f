//! The ways to run a program: bare, or under the wrapper in one of its forms. A test says what is to run and
//! gets a command for each way, so that it can compare them.
//!
//! Every wrapper has a runtime directory of its own: instances of two tests never see each other. It starts
//! nothing itself.

use crate::dispositions;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// How a program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As it is.
    Bare,
    /// As a child of the wrapper, which serves nobody.
    Supervised,
    /// As a child of the wrapper, with the hub on.
    Watched,
    /// In place of the wrapper.
    Exec,
    /// In place of the wrapper, with a hub beside it.
    ExecWatched,
}

/// The ways in which a child of the wrapper runs, or in place of it with nobody beside it.
pub const WRAPPED: [Way; 3] = [Way::Supervised, Way::Watched, Way::Exec];
/// The ways in which the wrapper stays.
pub const PARENT: [Way; 2] = [Way::Supervised, Way::Watched];

/// The wrapper under test.
#[derive(Debug)]
pub struct Wrapper {
    binary: PathBuf,
    runtime: TempDir,
    state: TempDir,
}

impl Wrapper {
    /// The wrapper at `binary`, with a runtime directory of its own.
    ///
    /// # Panics
    /// If there is no temporary directory to be had.
    pub fn new(binary: impl AsRef<Path>) -> Self {
        let [runtime, state] = ["mpm", "state"]
            .map(|prefix| tempfile::Builder::new().prefix(prefix).tempdir().expect("a temporary directory"));
        Self { binary: binary.as_ref().to_owned(), runtime, state }
    }

    /// The words of a command line that runs `program` with `arguments` this way.
    pub fn words<A: AsRef<OsStr>>(&self, way: Way, program: &str, arguments: &[A]) -> Vec<OsString> {
        let options: &[&str] = match way {
            Way::Bare => &[],
            Way::Exec => &["-q", "--claude"],
            Way::Supervised => &["-q", "--launch-method", "subprocess", "--claude"],
            Way::ExecWatched => {
                &["-q", "--websocket", "--websocket-port", "auto", "--launch-method", "exec", "--claude"]
            }
            Way::Watched => &["-q", "--launch-method", "subprocess", "--websocket-port", "auto", "--claude"],
        };
        let mut words = Vec::new();
        if way != Way::Bare {
            words.push(self.binary.clone().into());
            words.extend(options.iter().map(OsString::from));
        }
        words.push(program.into());
        if way != Way::Bare {
            words.push("--".into());
        }
        words.extend(arguments.iter().map(OsString::from));
        words
    }

    /// A command that runs `program` with `arguments` this way.
    pub fn command<A: AsRef<OsStr>>(&self, way: Way, program: &str, arguments: &[A]) -> Command {
        let words = self.words(way, program, arguments);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        self.surround(&mut command);
        command
    }

    /// A shell that runs `script`, in which `"$@"` runs `program` with `arguments` this way.
    pub fn shell<A: AsRef<OsStr>>(&self, way: Way, script: &str, program: &str, arguments: &[A]) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "sh"]).args(self.words(way, program, arguments));
        self.surround(&mut command);
        command
    }

    /// Gives `command` the environment of this wrapper's programs, and signals as when it is started by hand.
    pub fn surround(&self, command: &mut Command) {
        dispositions::as_by_hand(command);
        command
            .env("XDG_RUNTIME_DIR", self.runtime.path())
            .env("XDG_STATE_HOME", self.state.path())
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("CLAUDE_MPM_SESSION")
            .env_remove("CLAUDE_MPM_URL");
    }

    /// The entry in the environment of every program of this wrapper, and of no other.
    pub fn mark(&self) -> String {
        format!("XDG_RUNTIME_DIR={}", self.runtime.path().display())
    }

    /// Files that instances left behind in the runtime directory.
    ///
    /// # Panics
    /// If the directory cannot be read.
    pub fn left_behind(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.runtime.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a readable directory").flatten() {
                if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
            }
        }
        found
    }
}
