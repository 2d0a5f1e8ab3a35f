//! What a signal that came to us means, before it is known how the child is. Pure.

use super::Setting;
use crate::process::signals::{Arrival, Origin};
use nix::libc;
use std::time::Duration;

/// What it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Stop the child: nobody sits at its terminal.
    Stop {
        /// How long it has.
        grace: Duration,
    },
    /// End: TERM, INT, HUP or QUIT.
    End {
        /// The signal.
        signal: i32,
        /// The child has not got it and should.
        told: bool,
        /// Somebody asks; what is typed (INT and QUIT from the kernel) is between the user and the child.
        asks: bool,
    },
    /// The user's terminal may have a new size.
    Resized {
        /// A process sent it, so the child is told.
        told: bool,
    },
    /// We were continued.
    Continued,
    /// Anything else that the child has not got and should.
    Other(i32),
    /// Anything else that the child has, or that is about us.
    NotForChild,
}

/// What the signal means.
pub(super) fn hear(setting: Setting, arrival: Arrival) -> Heard {
    let Arrival { signal, origin } = arrival;
    let told = is_for_child(setting, arrival);
    let by_somebody = matches!(origin, Origin::Process(_));
    match (signal, setting.stop_grace) {
        (libc::SIGTERM | libc::SIGINT | libc::SIGHUP, Some(grace)) if told && by_somebody => {
            Heard::Stop { grace }
        }
        (libc::SIGTERM | libc::SIGINT | libc::SIGHUP | libc::SIGQUIT, _) => {
            Heard::End { signal, told, asks: by_somebody || signal == libc::SIGHUP }
        }
        (libc::SIGWINCH, _) => Heard::Resized { told },
        (libc::SIGCONT, _) => Heard::Continued,
        _ if told => Heard::Other(signal),
        _ => Heard::NotForChild,
    }
}

/// Whether the child has not got it and should. What the kernel sent went to our whole group, or is about us alone;
/// what we sent ourselves went to the others of our group on the child's behalf.
fn is_for_child(setting: Setting, arrival: Arrival) -> bool {
    let about_us =
        [libc::SIGWINCH, libc::SIGCONT, libc::SIGTTIN, libc::SIGTTOU, libc::SIGCHLD, libc::SIGPIPE];
    match arrival.origin {
        Origin::Kernel => setting.own_group && !about_us.contains(&arrival.signal),
        Origin::Process(sender) => sender != setting.our_pid,
    }
}
