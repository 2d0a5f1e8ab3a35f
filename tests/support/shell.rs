//! An interactive bash in a terminal with one command of its own: what job control is tried in. The command is
//! somebody else's.

use crate::DEADLINE;
use crate::meeting::Meeting;
use crate::terminal::Terminal;
use std::cell::Cell;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The shell. Each prompt has a number of its own.
#[derive(Debug)]
pub struct Shell<'a> {
    /// Its terminal.
    pub terminal: Terminal,
    meeting: &'a Meeting,
    prompts: Cell<u32>,
}

impl<'a> Shell<'a> {
    /// A shell started by [`bash`], whose job meets the test there.
    ///
    /// # Panics
    /// If it does not come to its prompt within [`DEADLINE`].
    #[track_caller]
    pub fn start(bash: Command, meeting: &'a Meeting) -> Self {
        let terminal = Terminal::start(bash, 100, 40);
        let shell = Self { terminal, meeting, prompts: Cell::new(0) };
        shell.prompt();
        shell
    }

    /// Starts a job in the foreground, and waits until it says so.
    ///
    /// # Panics
    /// If that does not happen within [`DEADLINE`].
    #[track_caller]
    pub fn job(&self, line: &str) {
        self.keys(&format!("{line}\r"));
        assert_eq!(self.meeting.hear(), "here");
    }

    /// Continues it in the foreground. It runs when this returns.
    ///
    /// # Panics
    /// If that does not happen within [`DEADLINE`].
    #[track_caller]
    pub fn foreground(&self) {
        self.keys("fg\r");
        assert_eq!(self.meeting.hear(), "again");
    }

    /// Types something and does not wait.
    ///
    /// # Panics
    /// If that does not happen within [`DEADLINE`].
    #[track_caller]
    pub fn keys(&self, text: &str) {
        self.terminal.type_text(text);
    }

    /// Waits for the next prompt.
    ///
    /// # Panics
    /// If that does not happen within [`DEADLINE`].
    #[track_caller]
    pub fn prompt(&self) -> String {
        self.prompts.set(self.prompts.get() + 1);
        let prompt = format!("#{}>", self.prompts.get());
        self.terminal.wait_for(|screen| screen.ends_with(&prompt), DEADLINE)
    }

    /// Types a command, and gives what it wrote on a clear screen. `$S` is the status of the job before, `$P` its
    /// members'.
    ///
    /// # Panics
    /// If that does not happen within [`DEADLINE`].
    #[track_caller]
    pub fn asks(&self, text: &str) -> String {
        self.keys(&format!("S=$? P=\"${{PIPESTATUS[*]}}\"; clear; {text}\r"));
        let screen = self.prompt();
        screen.rsplit_once('\n').map_or_else(String::new, |(answer, _)| answer.to_owned())
    }

    /// Waits until the screen shows it.
    ///
    /// # Panics
    /// If it does not within [`DEADLINE`].
    #[track_caller]
    pub fn shows(&self, text: &str) {
        self.terminal.wait_for(|screen| screen.contains(text), DEADLINE);
    }

    /// Whether the terminal is as it was before the shell, when the shell has ended.
    ///
    /// # Panics
    /// If that does not happen within [`DEADLINE`].
    #[track_caller]
    pub fn end(self) -> String {
        self.keys("exit\r");
        self.terminal.wait_exit(DEADLINE);
        format!("as before: {}", self.terminal.modes() == self.terminal.modes_before)
    }
}

/// A bash whose command `run` runs these words; it is a file in `folder`.
///
/// # Panics
/// If the file cannot be written.
pub fn bash(words: &[OsString], folder: &Path) -> Command {
    let quoted = |word: &OsString| format!("'{}'", word.to_str().expect("text").replace('\'', r"'\''"));
    let line = words.iter().map(quoted).collect::<Vec<_>>().join(" ");
    let file = folder.join("run");
    fs::write(&file, format!("#!/bin/sh\nexec {line}\n")).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("its mode");
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-i"]);
    let path = std::env::var("PATH").unwrap_or_default();
    bash.env("PS1", r"#\#> ").env("HISTFILE", "/dev/null");
    bash.env("PATH", format!("{}:{path}", folder.display()));
    bash
}
