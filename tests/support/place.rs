//! A user's place: a home, a configuration folder and a runtime directory of its own, where instances of claude-mpm run
//! a small shell program in claude's place.

use crate::program::Program;
use crate::{DEADLINE, piped};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Lives until it is ended.
const LIVES: &str = "read line";

/// A place; it is gone when dropped.
#[derive(Debug)]
pub struct Place {
    root: tempfile::TempDir,
    binary: PathBuf,
}

/// An instance that runs there; it is killed when dropped.
#[derive(Debug)]
pub struct Live {
    /// Where its events are, `ws://127.0.0.1:PORT`.
    pub url: String,
    /// Its process.
    pub program: Program,
}

impl Place {
    /// An empty one, for the claude-mpm at `binary`.
    ///
    /// # Panics
    /// If there are no folders to be had.
    pub fn new(binary: impl AsRef<Path>) -> Self {
        let root = tempfile::Builder::new().prefix("mpm").tempdir().expect("a folder");
        for folder in ["run", "work", "config/claude-mpm"] {
            fs::create_dir_all(root.path().join(folder)).expect("a folder");
        }
        fs::set_permissions(root.path().join("run"), fs::Permissions::from_mode(0o700)).expect("ours");
        Self { root, binary: binary.as_ref().to_owned() }
    }

    /// The settings file.
    pub fn config(&self) -> PathBuf {
        self.root.path().join("config/claude-mpm/config.toml")
    }

    /// `claude-mpm ARGS`, with nothing of the user's who runs the test.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.root.path())
            .env("XDG_RUNTIME_DIR", self.root.path().join("run"))
            .env("XDG_CONFIG_HOME", self.root.path().join("config"))
            .current_dir(self.root.path().join("work"))
            .args(args);
        command
    }

    /// `claude-mpm ARGS`, to its end.
    ///
    /// # Panics
    /// If it does not end within [`DEADLINE`].
    #[track_caller]
    pub fn run(&self, args: &[&str], input: &[u8]) -> Output {
        piped::run(self.command(args), input, DEADLINE)
    }

    /// An instance on a free port, that runs until it is dropped.
    ///
    /// # Panics
    /// If it does not begin within [`DEADLINE`].
    #[track_caller]
    pub fn start(&self) -> Live {
        let mut command =
            self.command(&["--launch-method", "subprocess", "--websocket-port", "auto", "--headless"]);
        command.args(["--claude", "sh", "--", "-c", LIVES]);
        let program = Program::start(command, b"");
        let line = program.wait_err(|line| line.contains("ws://127.0.0.1:"));
        let url = line.split_whitespace().find(|word| word.starts_with("ws://")).expect("an address");
        Live { url: url.trim_end_matches([',', ';', '.']).to_owned(), program }
    }
}
