//! What is done to a run: a name, and a function that does it and gives the moment from which the end is counted.

use crate::stand::{Method, Stand};
use nix::libc::{SIGHUP, SIGKILL, SIGTERM};
use std::time::Instant;
use test_support::DEADLINE;

/// Something that is done to a run.
pub(crate) struct Deed {
    pub(crate) name: &'static str,
    /// A shell with job control is the parent.
    pub(crate) in_job_control: bool,
    pub(crate) act: fn(&Stand) -> Instant,
}

const fn deed(name: &'static str, act: fn(&Stand) -> Instant) -> Deed {
    Deed { name, in_job_control: false, act }
}

pub(crate) const ESCAPE: Deed = deed("escape, /exit", interrupt_and_leave);
pub(crate) const CONTROL_C: Deed = deed("^C, ^C ^C", |stand| {
    stand.types("\x03");
    stand.sees("Interrupted");
    stand.command_ends();
    stand.idles();
    stand.types("\x03");
    stand.sees("again to exit");
    stand.types("\x03");
    stand.claude_ends()
});
pub(crate) const STOPPED: Deed = Deed {
    name: "^Z, fg, escape, /exit",
    in_job_control: true,
    act: |stand| {
        stand.types("\x1a");
        stand.sees_last("#2> ");
        assert!(stand.command_runs());
        stand.types("fg\r");
        stand.is_redrawn();
        let since = interrupt_and_leave(stand);
        stand.sees_last("#3> ");
        since
    },
};
pub(crate) const RESIZED: Deed = deed("resized, escape, /exit", |stand| {
    stand.resizes();
    interrupt_and_leave(stand)
});
pub(crate) const TERMINATED: Deed = deed("SIGTERM", |stand| kill(stand, SIGTERM));
pub(crate) const HUNG_UP: Deed = deed("SIGHUP", |stand| kill(stand, SIGHUP));
pub(crate) const WINDOW_CLOSED: Deed = deed("window closed", |stand| {
    let since = Instant::now();
    stand.close_window();
    since
});
pub(crate) const CLAUDE_KILLED: Deed = deed("SIGKILL claude", |stand| {
    let since = Instant::now();
    assert!(stand.claude.signal(SIGKILL));
    since
});
pub(crate) const WE_KILLED: Deed = deed("SIGKILL supervisor", |stand| kill(stand, SIGKILL));
pub(crate) const SECOND_KILLED: Deed = deed("SIGKILL guardian", |stand| {
    let since = Instant::now();
    assert!(stand.ours().second.signal(SIGKILL));
    since
});
pub(crate) const FIRST_AND_CLAUDE_KILLED: Deed = deed("SIGKILL us (1st) and claude", |stand| {
    let ours = stand.ours();
    let since = Instant::now();
    assert!(ours.first.signal(SIGKILL) && stand.claude.signal(SIGKILL));
    since
});
pub(crate) const SECOND_AND_CLAUDE_KILLED: Deed = deed("SIGKILL us (2nd) and claude", |stand| {
    let ours = stand.ours();
    let since = Instant::now();
    assert!(ours.second.signal(SIGKILL) && stand.claude.signal(SIGKILL));
    since
});

/// A signal to the process that the shell has started.
fn kill(stand: &Stand, signal: i32) -> Instant {
    let ours = (stand.method == Method::Subprocess).then(|| stand.ours());
    let since = Instant::now();
    let started = ours.as_ref().map_or(&stand.claude, |ours| &ours.first);
    assert!(started.signal(signal));
    since
}

/// Ends the command as a user does, and claude with `/exit`.
pub(crate) fn interrupt_and_leave(stand: &Stand) -> Instant {
    stand.types("\x1b");
    stand.sees("Interrupted");
    stand.command_ends();
    stand.idles();
    leave(stand)
}

pub(crate) fn leave(stand: &Stand) -> Instant {
    stand.types("/exit\r");
    assert!(stand.claude.ends_within(DEADLINE));
    Instant::now()
}
