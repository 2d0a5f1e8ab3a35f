//! What the guardian does when we died without dismissing it: the terminal first, then the child and its family,
//! within 5 s. Nobody is left to be told who resists.

use super::Charge;
use super::ward::Ward;
use crate::process::best_effort;
use crate::process::family::Family;
use crate::process::followed::Exit;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{SetArg, tcsetattr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

const GRACE: Duration = Duration::from_millis(2500);
const AFTER_KILL: Duration = Duration::from_millis(500);
/// For the family, once the child is gone.
const FAMILY_GRACE: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Gives how the child ended, where it did only now.
pub(super) fn clean_up(charge: &Charge, ward: Option<Ward>, family: &Family) -> Option<Exit> {
    restore_terminal(charge);
    let exit = ward.and_then(end);
    // What the child wrote in its last moments can have switched modes on again.
    restore_terminal(charge);
    // Also where the child is gone already, killed together with us.
    family.end(FAMILY_GRACE);
    restore_terminal(charge);
    exit
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
fn end(ward: Ward) -> Option<Exit> {
    ward.signal(libc::SIGTERM);
    ward.signal(libc::SIGCONT);
    exit_within(ward, GRACE).or_else(|| {
        ward.signal(libc::SIGKILL);
        exit_within(ward, AFTER_KILL)
    })
}

fn exit_within(ward: Ward, limit: Duration) -> Option<Exit> {
    let deadline = Instant::now() + limit;
    loop {
        let exit = ward.exit();
        if exit.is_some() || Instant::now() >= deadline {
            return exit;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
