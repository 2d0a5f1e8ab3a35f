//! One run of one case: the contestant, a folder, a place to meet its program, and the end of all that was started
//! when the case is over.

use crate::contestant::Contestant;
use nix::libc;
use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Output};
use tempfile::TempDir;
use test_support::DEADLINE;
use test_support::meeting::Meeting;
use test_support::piped;
use test_support::processes::Process;
use test_support::running::Running;
use test_support::shell::{self, Shell};
use test_support::terminal::Terminal;
use test_support::unrendered::Unrendered;
use test_support::wrapper::Wrapper;

/// What a case is given.
#[derive(Debug)]
pub(crate) struct Run {
    contestant: Contestant,
    wrapper: Wrapper,
    folder: TempDir,
    pub(crate) meeting: Meeting,
}

impl Run {
    pub(crate) fn new(contestant: Contestant) -> Self {
        Self {
            contestant,
            wrapper: Wrapper::new(env!("CARGO_BIN_EXE_claude-mpm")),
            folder: tempfile::tempdir().expect("a temporary directory"),
            meeting: Meeting::new(),
        }
    }

    /// A command that runs `program` with `arguments` by the contestant.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, program: &str, arguments: &[A]) -> Command {
        let words = self.contestant.words(&self.wrapper, program, arguments);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        self.surrounded(command)
    }

    /// A shell that runs `script`, in which `"$@"` runs `program` with `arguments` by the contestant.
    pub(crate) fn shell<A: AsRef<OsStr>>(&self, script: &str, program: &str, arguments: &[A]) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "sh"]).args(self.contestant.words(&self.wrapper, program, arguments));
        self.surrounded(command)
    }

    /// A command that runs the shell script `program` by the contestant; its `$1` is the place to meet, `$2` the
    /// folder of the run.
    pub(crate) fn script(&self, program: &str) -> Command {
        self.command("/bin/sh", &["-c", program, "sh", self.meeting.folder(), text(self.folder())])
    }

    /// Gives `command` the environment of this run, and signals as when it is started by hand.
    pub(crate) fn surrounded(&self, mut command: Command) -> Command {
        self.wrapper.surround(&mut command);
        command
    }

    /// `script` of a shell, run by the contestant in a terminal of 80 columns and 24 rows.
    pub(crate) fn terminal(&self, script: &str) -> Terminal {
        Terminal::start(self.script(script), 80, 24)
    }

    /// The same, in a terminal that keeps every byte.
    pub(crate) fn unrendered(&self, script: &str) -> Unrendered {
        Unrendered::start(self.script(script), 80, 24)
    }

    /// `script` of a shell, run by the contestant on pipes while the case goes on.
    pub(crate) fn running(&self, script: &str) -> Running {
        Running::start(self.script(script))
    }

    /// What the shell `script` and the program in it write on pipes, and how the shell ends. See [`Self::shell`].
    pub(crate) fn piped(&self, script: &str, program: &str, arguments: &[&str]) -> String {
        seen(piped::run(self.shell(script, program, arguments), b"", DEADLINE))
    }

    /// The process whose id is the next line that the meeting hears.
    pub(crate) fn hear_process(&self) -> Process {
        Process::of(self.meeting.hear().parse().expect("a process id"))
    }

    /// An interactive shell whose command `run` runs `program` with `arguments` by the contestant.
    pub(crate) fn jobs(&self, program: &str, arguments: &[&str]) -> Shell<'_> {
        Shell::start(self.bash(program, arguments), &self.meeting)
    }

    /// The command that starts such a shell.
    pub(crate) fn bash(&self, program: &str, arguments: &[&str]) -> Command {
        let words = self.contestant.words(&self.wrapper, program, arguments);
        self.surrounded(shell::bash(&words, self.folder()))
    }

    /// A folder of this run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of a file of that name in the folder, with these bytes.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder().join(name);
        std::fs::write(&path, bytes).expect("a file");
        text(&path).to_owned()
    }
}

impl Drop for Run {
    /// Some programs leave others behind, and a contestant that is killed leaves its program.
    fn drop(&mut self) {
        for process in Process::with_env(&self.wrapper.mark()) {
            process.signal(libc::SIGKILL);
        }
    }
}

/// Path of a small program that the tests run.
pub(crate) fn program(name: &str) -> String {
    format!("{}/fixtures/programs/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary directory whose name is text")
}

/// As a shell tells it: whether it says 130 or that it was ended by signal 2 is the same.
pub(crate) fn ended(status: ExitStatus) -> String {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    format!("status {}", code.unwrap_or(-1))
}

/// What a program wrote and how it ended.
pub(crate) fn seen(output: Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}\nerrors:\n{}", ended(output.status), text(&output.stdout), text(&output.stderr))
}

/// How a program in a terminal ends, and what its screen shows then.
pub(crate) fn screen_at_end(terminal: &Terminal) -> String {
    let status = terminal.wait_exit(DEADLINE);
    format!("{}\n{}", ended(status), terminal.screen())
}
