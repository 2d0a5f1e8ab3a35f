//! Job control in a real shell: stop, go on, background and foreground, alone and in pipelines, and once inside a
//! real terminal multiplexer.

use crate::{program, wrapper};
use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use test_support::DEADLINE;
use test_support::meeting::Meeting;
use test_support::terminal::Terminal;
use test_support::wrapper::{PARENT, Way, Wrapper};

const EVERY: [Way; 4] = [Way::Bare, Way::Supervised, Way::Watched, Way::Exec];

/// An interactive bash whose command `run` is `copy.py`, started this way. Each prompt has a number of its own.
struct Shell {
    terminal: Terminal,
    meeting: Meeting,
    prompts: Cell<u32>,
    _bin: TempDir,
    _wrapper: Wrapper,
}

impl Shell {
    fn start(way: Way) -> Self {
        let (wrapper, meeting) = (wrapper(), Meeting::new());
        let bin = command(&wrapper, way, &program("copy.py"), &[meeting.folder()]);
        let mut bash = bash(bin.path());
        wrapper.surround(&mut bash);
        let terminal = Terminal::start(bash, 100, 40);
        let shell = Self { terminal, meeting, prompts: Cell::new(0), _bin: bin, _wrapper: wrapper };
        shell.prompt();
        shell
    }

    /// Starts a job in the foreground.
    fn job(&self, line: &str) {
        self.keys(&format!("{line}\r"));
        assert_eq!(self.meeting.hear(), "here");
    }

    /// Continues it in the foreground. It runs when this returns.
    fn foreground(&self) {
        self.keys("fg\r");
        assert_eq!(self.meeting.hear(), "again");
    }

    /// Types something and does not wait.
    fn keys(&self, text: &str) {
        self.terminal.type_text(text);
    }

    /// Waits for the next prompt.
    fn prompt(&self) -> String {
        self.prompts.set(self.prompts.get() + 1);
        let prompt = format!("#{}>", self.prompts.get());
        self.terminal.wait_for(|screen| screen.ends_with(&prompt), DEADLINE)
    }

    /// Types a command, and gives what it wrote on a clear screen. `$S` is the status of the job before, `$P` its members'.
    fn asks(&self, text: &str) -> String {
        self.keys(&format!("S=$? P=\"${{PIPESTATUS[*]}}\"; clear; {text}\r"));
        let screen = self.prompt();
        screen.rsplit_once('\n').map_or_else(String::new, |(answer, _)| answer.to_owned())
    }

    fn shows(&self, text: &str) {
        self.terminal.wait_for(|screen| screen.contains(text), DEADLINE);
    }

    fn end(self) {
        self.keys("exit\r");
        self.terminal.wait_exit(DEADLINE);
        assert_eq!(self.terminal.modes(), self.terminal.modes_before);
    }
}

/// A folder with a command `run` that is this program.
fn command(wrapper: &Wrapper, way: Way, name: &str, arguments: &[&str]) -> TempDir {
    let quoted =
        |word: &std::ffi::OsString| format!("'{}'", word.to_str().expect("text").replace('\'', r"'\''"));
    let words: Vec<_> = wrapper.words(way, name, arguments).iter().map(quoted).collect();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("run");
    fs::write(&path, format!("#!/bin/sh\nexec {}\n", words.join(" "))).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    folder
}

fn bash(bin: &Path) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-i"]);
    bash.env("PS1", r"#\#> ").env("HISTFILE", "/dev/null").env("PATH", format!("{}:{path}", bin.display()));
    bash
}

#[test]
fn a_program_stops_and_goes_on_as_often_as_is_wanted() {
    for way in EVERY {
        let shell = Shell::start(way);
        shell.job("run");
        for round in 0..5 {
            shell.keys("\x1a");
            shell.prompt();
            // The shell's own line editing works meanwhile.
            assert_eq!(shell.asks("echo mean\x08nwhile"), "meanwhile", "{way:?}");
            shell.foreground();
            shell.keys(&format!("typed-{round}\r"));
            shell.shows(&format!("typed-{round}\ntyped-{round}"));
        }
        shell.keys("\x04");
        // Whatever else it was told would come before: it was continued as often as it was stopped.
        assert_eq!(shell.meeting.hear(), "over", "{way:?}");
        shell.prompt();
        shell.end();
    }
}

#[test]
fn a_stopped_program_has_its_status_and_can_be_ended() {
    for way in EVERY {
        let shell = Shell::start(way);
        shell.job("run");
        shell.keys("\x1a");
        shell.prompt();
        assert_eq!(shell.asks("echo status $S"), "status 148", "{way:?}");
        assert!(shell.asks("jobs").contains("Stopped"), "{way:?}");
        shell.asks("kill %1; fg; wait");
        assert_eq!(shell.asks("jobs; echo none"), "none", "{way:?}");
        shell.end();
    }
}

#[test]
fn a_program_started_in_the_background_leaves_the_terminal_to_the_shell() {
    for way in PARENT {
        let shell = Shell::start(way);
        shell.job("run &");
        shell.prompt();
        // Bare it would be stopped when it reads; wrapped it reads a terminal of its own and just waits. The keys are
        // the shell's, until `fg`, which sends no signal to a job that runs.
        assert!(shell.asks("echo foreground").ends_with("foreground"), "{way:?}");
        shell.keys("fg\r");
        shell.shows("fg\nrun");
        shell.keys("typed\r");
        shell.shows("typed\ntyped");
        shell.keys("\x03");
        shell.prompt();
        assert_eq!(shell.asks("echo after $S"), "after 130", "{way:?}");
        shell.end();
    }
}

#[test]
fn a_pipeline_stops_and_goes_on_as_one() {
    for way in EVERY {
        for line in ["run | cat", "cat | run", "cat | run | cat"] {
            let shell = Shell::start(way);
            shell.job(line);
            for round in 0..3 {
                shell.keys("\x1a");
                shell.prompt();
                assert_eq!(shell.asks("echo meanwhile"), "meanwhile", "{way:?}: {line}");
                // Where the program shares our group, it may have been continued by the shell and by us.
                shell.meeting.forget();
                shell.foreground();
                shell.keys(&format!("typed-{round}\r"));
                shell.shows(&format!("typed-{round}\ntyped-{round}"));
            }
            shell.keys("\x03");
            shell.prompt();
            assert_eq!(shell.asks("jobs -l; echo after"), "after", "{way:?}: {line}");
            shell.end();
        }
    }
}

#[test]
fn the_interrupt_key_ends_a_pipeline_with_the_statuses_it_has_bare() {
    // Not `cat | run`: on the terminal, the program hears of the key a little later than `cat`, whose end may be the
    // end of its input first.
    for line in ["run | cat", "cat | run | cat"] {
        let status = |way| {
            let shell = Shell::start(way);
            shell.job(line);
            // Through all of it once, so that each member runs.
            shell.keys("through\r");
            shell.shows("through\nthrough");
            shell.keys("\x03");
            shell.prompt();
            let status = shell.asks("echo $P");
            shell.end();
            status
        };
        let bare = status(Way::Bare);
        EVERY[1..].iter().for_each(|way| assert_eq!(status(*way), bare, "{way:?}: {line}"));
    }
}

/// A real multiplexer with a private server, and what a user has in it: a shell, a program, a stop, a new size.
#[test]
fn a_program_lives_in_a_multiplexer() {
    for way in [Way::Bare, Way::Supervised, Way::Watched] {
        let wrapper = wrapper();
        let bin = command(&wrapper, way, &program("sizes.py"), &[]);
        let socket = bin.path().join("socket");
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(&socket).args(["-f", "/dev/null", "new-session"]);
        tmux.arg(r"PS1='#\#> ' exec bash --norc --noprofile -i").env_remove("TMUX");
        let path = std::env::var("PATH").unwrap_or_default();
        tmux.env("PATH", format!("{}:{path}", bin.path().display()));
        wrapper.surround(&mut tmux);
        let terminal = Terminal::start(tmux, 100, 31);
        let _server = Server(&socket);
        let shows = |text: &str| terminal.wait_for(|screen| screen.contains(text), DEADLINE);
        shows("#1>");
        terminal.type_text("clear; run\r");
        shows("[100x30]");
        terminal.resize(90, 21);
        shows("[90x20]");
        terminal.type_text("\x1a");
        shows("#2>");
        terminal.resize(110, 26);
        terminal.type_text("clear; echo mean''while\r");
        shows("meanwhile\n#3>");
        terminal.type_text("clear; fg\r");
        shows("[110x25]");
        terminal.type_text("q\r");
        shows("#4>");
        terminal.type_text("exit\r");
        terminal.wait_exit(DEADLINE);
    }
}

/// Ends the multiplexer's server, however the test ends.
struct Server<'a>(&'a Path);

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // It may have ended with its last session: as good.
        let _gone = Command::new("tmux").arg("-S").arg(self.0).arg("kill-server").output();
    }
}
