//! Gives a command the signal dispositions of a program started by hand. Tests themselves may be run in the background
//! or under nohup, where some signals are ignored, and what is ignored is handed down.

#![expect(unsafe_code, reason = "dispositions are changed between fork and exec")]

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Lets `command` begin with no signal ignored and none blocked.
pub(crate) fn as_by_hand(command: &mut Command) {
    // SAFETY: between fork and exec only system calls run; none of them allocates or locks.
    unsafe { command.pre_exec(reset) };
}

fn reset() -> io::Result<()> {
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: the default disposition runs no code. KILL, STOP and the C library's own refuse.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?)
}
