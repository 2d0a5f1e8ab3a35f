//! A process by its pid and when it started, where nothing holds it: it is looked at before it is sent a signal, and
//! again and again until it has ended.
//!
//! Between a look and what follows it the pid can become another's; that moment is all that is left to chance here.

use super::processes;
use nix::errno::Errno;
use nix::libc;
use std::time::Duration;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// The process.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByPid {
    pub(super) pid: u32,
    /// `None` where it had ended when it was first looked at.
    pub(super) started: Option<u64>,
}

impl ByPid {
    /// Whoever has this pid now.
    pub(super) fn of(pid: u32) -> Self {
        Self { pid, started: processes::start_time(pid) }
    }

    /// Whether it has ended; a zombie has.
    pub(super) fn has_ended(self) -> bool {
        self.started.is_none_or(|started| !processes::is_running(self.pid, started))
    }

    /// Blocks until it has ended.
    pub(super) fn wait(self) {
        while !self.has_ended() {
            std::thread::sleep(LOOK);
        }
    }

    /// Sends it the signals, one after the other.
    ///
    /// # Errors
    /// `ESRCH` when it has ended; what kill(2) says else.
    #[expect(unsafe_code, reason = "nix cannot send real-time signals")]
    pub(super) fn send(self, signals: &[i32]) -> Result<(), Errno> {
        for signal in signals {
            if self.has_ended() {
                return Err(Errno::ESRCH);
            }
            // SAFETY: kill(2) takes two numbers.
            Errno::result(unsafe { libc::kill(self.pid.cast_signed(), *signal) })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_is_looked_at_until_it_has_ended() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let it = ByPid::of(child.id());
        assert!(!it.has_ended());
        drop(child.stdin.take());
        it.wait();
        assert!(it.has_ended());
        child.wait().unwrap();
        assert!(ByPid::of(child.id()).has_ended());
    }

    #[test]
    fn a_signal_reaches_the_process_and_no_other_that_has_its_pid() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let it = ByPid::of(child.id());
        let earlier = ByPid { started: it.started.map(|started| started - 1), ..it };
        assert_eq!(earlier.send(&[libc::SIGKILL]), Err(Errno::ESRCH));
        assert_eq!(it.send(&[libc::SIGCONT, libc::SIGTERM]), Ok(()));
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGTERM));
    }
}
