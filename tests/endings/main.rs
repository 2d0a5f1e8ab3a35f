//! What becomes of the processes that a program started and that went their own ways, in a session of their own:
//! however the run ends, they end with it, unless the program exits by itself; and nobody else is hit.
//!
//! `ways`: each way a run can end. `edges`: those that do not want to go, another's, runs within runs, stops.

use nix::libc;
use std::ffi::OsString;
use test_support::DEADLINE;
use test_support::meeting::Meeting;
use test_support::processes::{Doomed, Process};
use test_support::subscriber::Subscriber;
use test_support::terminal::Terminal;
use test_support::wrapper::{Way, Wrapper};

mod edges;
mod ways;

/// What the relative does when it has nothing else to do.
const SLEEPS: &str = r#"echo "relative $$" >"$1/up"; exec sleep 1000"#;
/// Starts the relative (`$2`) in a session of its own, says who it is, and does what it is told.
const PROGRAM: &str = r#"setsid sh -c "$2" sh "$1" </dev/null >/dev/null 2>&1 &
    echo "program $$ $CLAUDE_MPM_URL" >"$1/up"; read -r go <"$1/down"; eval "$go""#;

fn wrapper() -> Wrapper {
    Wrapper::new(env!("CARGO_BIN_EXE_claude-mpm"))
}

/// A program in a terminal, its relative, and a client that watches if there is a hub.
struct Run {
    wrapper: Wrapper,
    meeting: Meeting,
    terminal: Terminal,
    program: Process,
    relative: Doomed,
    client: Option<Subscriber>,
}

fn start(way: Way, options: &[&str], relative: &str) -> Run {
    let (wrapper, meeting) = (wrapper(), Meeting::new());
    let mut words = wrapper.words(way, "/bin/sh", &["-c", PROGRAM, "sh", meeting.folder(), relative]);
    words.splice(1..1, options.iter().map(OsString::from));
    let mut command = std::process::Command::new(&words[0]);
    command.args(&words[1..]);
    wrapper.surround(&mut command);
    let terminal = Terminal::start(command, 80, 24);
    let mut lines = [meeting.hear(), meeting.hear()];
    lines.sort();
    let words: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
    let process = |number: usize| Process::of(words[number].parse().expect("a number"));
    let (program, relative) = (process(1), Doomed(process(words.len() - 1)));
    let client = (way == Way::Watched).then(|| Subscriber::connect(words[2]));
    Run { wrapper, meeting, terminal, program, relative, client }
}

impl Run {
    /// Whether the relative runs.
    fn goes_on(&self) -> bool {
        !self.relative.0.ends_within(std::time::Duration::ZERO)
    }

    /// Expects this exit status, the terminal as it was, and the relative gone by then.
    #[track_caller]
    fn ended(&self, status: i32) {
        assert_eq!(self.terminal.wait_exit(DEADLINE).code(), Some(status));
        assert!(!self.goes_on(), "the relative goes on");
        assert_eq!(self.terminal.modes(), self.terminal.modes_before);
        assert!(self.wrapper.left_behind().is_empty());
    }

    /// The data of each `system.error` of the supervisor, and that of `session.end`, once it is over.
    #[track_caller]
    fn told(&self) -> Option<(Vec<serde_json::Value>, serde_json::Value)> {
        let received = self.client.as_ref()?.wait_close();
        let last = received.events.last().expect("events");
        assert_eq!(last["type"], "session.end", "{received:#?}");
        let faults = received.of("system.error").into_iter().filter(|data| data["component"] == "supervisor");
        Some((faults.cloned().collect(), last["data"].clone()))
    }

    /// What it wrote on the terminal.
    fn written(&self) -> String {
        String::from_utf8_lossy(&self.terminal.raw_output()).into_owned()
    }
}
