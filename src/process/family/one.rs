//! A signal for one process and no other: it is held, so that a pid used again is never hit.

use super::Relative;
use crate::process::platform::Held;
use nix::errno::Errno;

impl Relative {
    /// Sends it the signals, one after the other. One that has ended gets none, and that is no error.
    ///
    /// # Errors
    /// When the kernel does not allow it, as with a process of another user.
    pub(super) fn send(&self, signals: &[i32]) -> Result<(), Errno> {
        let sent = Held::exactly(self.pid, self.start_time).send(signals);
        if sent == Err(Errno::ESRCH) { Ok(()) } else { sent }
    }

    /// Why it is still there, for people.
    pub fn resistance(&self) -> &'static str {
        match nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.pid.cast_signed()), None) {
            Err(Errno::EPERM) => "it belongs to another user",
            _ => "it has outlived SIGKILL",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::processes;
    use nix::libc;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    #[test]
    fn a_signal_reaches_the_process_and_no_other_that_has_its_pid() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let start_time = processes::start_time(child.id()).unwrap();
        let relative = Relative { pid: child.id(), start_time, command: "sleep".into() };
        let earlier = Relative { start_time: start_time - 1, ..relative.clone() };
        assert_eq!(earlier.send(&[libc::SIGKILL]), Ok(()));
        assert_eq!(relative.send(&[libc::SIGTERM, libc::SIGCONT]), Ok(()));
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGTERM));
    }
}
