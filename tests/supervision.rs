//! A program under the wrapper behaves as it does bare: how it ends, what reaches it, what it is given, every byte
//! both ways, job control, and how the terminal is left. One file for each of these.
//!
//! What is exactly as bare stands in the table of `tests/transparency`; here is what goes further: who watches, what is
//! promised beyond, more ways to the same.
//!
//! Wherever it can be, the bare program is the expectation: the same command line runs both ways, in the same kind
//! of terminal or pipes, and the results are compared. What watches it is on or off; both are tried.

use std::process::{Command, Output};
use test_support::DEADLINE;
use test_support::piped;
use test_support::wrapper::{WRAPPED, Way, Wrapper};

#[path = "supervision/bytes.rs"]
mod bytes;
#[path = "supervision/endings.rs"]
mod endings;
#[path = "supervision/jobs.rs"]
mod jobs;
#[path = "supervision/mixed.rs"]
mod mixed;
#[path = "supervision/pipes.rs"]
mod pipes;
#[path = "supervision/signals.rs"]
mod signals;
#[path = "supervision/surroundings.rs"]
mod surroundings;
#[path = "supervision/ways_out.rs"]
mod ways_out;
#[path = "supervision/windows.rs"]
mod windows;

fn wrapper() -> Wrapper {
    Wrapper::new(env!("CARGO_BIN_EXE_claude-mpm"))
}

/// Path of a small program that the tests run.
fn program(name: &str) -> String {
    format!("{}/fixtures/programs/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// What a run wrote and how it ended, in a form that is compared and shown.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    stdout: String,
    stderr: String,
    status: String,
}

fn see(command: Command) -> Seen {
    seen(piped::run(command, b"", DEADLINE))
}

fn seen(output: Output) -> Seen {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Seen { stdout: text(output.stdout), stderr: text(output.stderr), status: output.status.to_string() }
}

/// Runs `script` with `"$@"` as the bare program and as the wrapped one, and expects no difference. Gives what both
/// wrote.
#[track_caller]
fn same_in(ways: &[Way], script: &str, name: &str, arguments: &[&str]) -> Seen {
    let wrapper = wrapper();
    let bare = see(wrapper.shell(Way::Bare, script, name, arguments));
    for way in ways {
        assert_eq!(see(wrapper.shell(*way, script, name, arguments)), bare, "{way:?}: {script}");
        assert!(wrapper.left_behind().is_empty(), "{way:?}: {:?}", wrapper.left_behind());
    }
    bare
}

#[track_caller]
fn same(script: &str, name: &str, arguments: &[&str]) -> Seen {
    same_in(&WRAPPED, script, name, arguments)
}
