//! An interactive bash in a terminal, whose command `run` is a program run by the contestant: what job control is
//! tried in.

use crate::run::Run;
use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use test_support::DEADLINE;
use test_support::terminal::Terminal;

/// The shell. Each prompt has a number of its own.
pub(crate) struct Shell<'a> {
    pub(crate) terminal: Terminal,
    run: &'a Run,
    prompts: Cell<u32>,
}

impl<'a> Shell<'a> {
    /// A shell whose command `run` is `program` with `arguments`.
    pub(crate) fn start(run: &'a Run, program: &str, arguments: &[&str]) -> Self {
        let shell = Self {
            terminal: Terminal::start(bash(run, program, arguments), 100, 40),
            run,
            prompts: Cell::new(0),
        };
        shell.prompt();
        shell
    }

    /// Starts a job in the foreground, and waits until it says so.
    pub(crate) fn job(&self, line: &str) {
        self.keys(&format!("{line}\r"));
        assert_eq!(self.run.meeting.hear(), "here");
    }

    /// Continues it in the foreground. It runs when this returns.
    pub(crate) fn foreground(&self) {
        self.keys("fg\r");
        assert_eq!(self.run.meeting.hear(), "again");
    }

    /// Types something and does not wait.
    pub(crate) fn keys(&self, text: &str) {
        self.terminal.type_text(text);
    }

    /// Waits for the next prompt.
    pub(crate) fn prompt(&self) -> String {
        self.prompts.set(self.prompts.get() + 1);
        let prompt = format!("#{}>", self.prompts.get());
        self.terminal.wait_for(|screen| screen.ends_with(&prompt), DEADLINE)
    }

    /// Types a command, and gives what it wrote on a clear screen. `$S` is the status of the job before, `$P` its
    /// members'.
    pub(crate) fn asks(&self, text: &str) -> String {
        self.keys(&format!("S=$? P=\"${{PIPESTATUS[*]}}\"; clear; {text}\r"));
        let screen = self.prompt();
        screen.rsplit_once('\n').map_or_else(String::new, |(answer, _)| answer.to_owned())
    }

    pub(crate) fn shows(&self, text: &str) {
        self.terminal.wait_for(|screen| screen.contains(text), DEADLINE);
    }

    /// Whether the terminal is as it was before the shell, when the shell has ended.
    pub(crate) fn end(self) -> String {
        self.keys("exit\r");
        self.terminal.wait_exit(DEADLINE);
        format!("as before: {}", self.terminal.modes() == self.terminal.modes_before)
    }
}

/// A bash with a command `run` on its path.
pub(crate) fn bash(run: &Run, program: &str, arguments: &[&str]) -> Command {
    let path = run.file("run", format!("#!/bin/sh\nexec {}\n", run.quoted(program, arguments)).as_bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-i"]);
    let path = std::env::var("PATH").unwrap_or_default();
    bash.env("PS1", r"#\#> ").env("HISTFILE", "/dev/null");
    bash.env("PATH", format!("{}:{path}", run.folder().display()));
    run.surrounded(bash)
}
