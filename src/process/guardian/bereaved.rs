//! What the guardian does when we died without dismissing it: the terminal first, then the child, within 5 s.

use super::Charge;
use super::watch::{Child, has_ended, signal_group};
use crate::process::best_effort;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::termios::{SetArg, tcsetattr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

const GRACE: Duration = Duration::from_secs(3);
const AFTER_KILL: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(super) fn clean_up(charge: &Charge, child: Option<Child>) {
    restore_terminal(charge);
    if let Some(child) = child {
        end(child);
        // What the child wrote in its last moments can have switched modes on again.
        restore_terminal(charge);
    }
}

fn restore_terminal(charge: &Charge) {
    let Some((terminal, found)) = &charge.terminal else { return };
    best_effort(tcsetattr(terminal, SetArg::TCSANOW, found));
    write_soon(terminal.as_fd(), &charge.modes.undo());
}

/// Writes a few bytes, but never waits long for a terminal that takes none.
fn write_soon(terminal: BorrowedFd<'_>, bytes: &[u8]) {
    let mut ready = [PollFd::new(terminal, PollFlags::POLLOUT)];
    if !bytes.is_empty() && poll(&mut ready, PollTimeout::from(500_u16)).is_ok_and(|count| count > 0) {
        best_effort(nix::unistd::write(terminal, bytes));
    }
}

/// TERM, so that it can put its own things in order; KILL for one that does not go.
fn end(child: Child) {
    signal_group(child, Signal::SIGTERM);
    signal_group(child, Signal::SIGCONT);
    if !ends_within(child, GRACE) {
        signal_group(child, Signal::SIGKILL);
        ends_within(child, AFTER_KILL);
    }
}

fn ends_within(child: Child, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while !has_ended(child) {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    true
}
