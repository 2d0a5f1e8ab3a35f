//! A signal for one process and no other: by a descriptor of it, so that a pid used again is never hit.

use super::Relative;
use crate::process::proc_fs;
use nix::errno::Errno;
#[cfg(any(test, target_os = "linux"))]
use nix::libc;
#[cfg(target_os = "linux")]
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

impl Relative {
    /// Sends it the signals, one after the other. One that has ended gets none, and that is no error.
    ///
    /// # Errors
    /// When the kernel does not allow it, as with a process of another user.
    pub(super) fn send(&self, signals: &[i32]) -> Result<(), Errno> {
        let sent = self.send_to_it_alone(signals);
        if sent == Err(Errno::ESRCH) { Ok(()) } else { sent }
    }

    /// Why it is still there, for people.
    pub fn resistance(&self) -> &'static str {
        match nix::sys::signal::kill(self.target(), None) {
            Err(Errno::EPERM) => "it belongs to another user",
            _ => "it has outlived SIGKILL",
        }
    }

    fn target(&self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(self.pid.cast_signed())
    }

    #[cfg(target_os = "linux")]
    fn send_to_it_alone(&self, signals: &[i32]) -> Result<(), Errno> {
        let held = match open(self.pid) {
            Ok(held) => held,
            Err(Errno::ESRCH) => return Err(Errno::ESRCH),
            // An old kernel, a sandbox, or no descriptor left.
            Err(_) => return self.send_by_pid(signals),
        };
        // What is held now is what was found, or its pid has been used again before.
        if !proc_fs::is_running(self.pid, self.start_time) {
            return Err(Errno::ESRCH);
        }
        signals.iter().try_for_each(|signal| send(&held, *signal))
    }

    #[cfg(not(target_os = "linux"))]
    fn send_to_it_alone(&self, signals: &[i32]) -> Result<(), Errno> {
        self.send_by_pid(signals)
    }

    /// Where a process cannot be held: looked at once more, right before.
    fn send_by_pid(&self, signals: &[i32]) -> Result<(), Errno> {
        for signal in signals {
            if !proc_fs::is_running(self.pid, self.start_time) {
                return Err(Errno::ESRCH);
            }
            nix::sys::signal::kill(self.target(), nix::sys::signal::Signal::try_from(*signal)?)?;
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "pidfd_open(2) has no safe wrapper")]
fn open(pid: u32) -> Result<OwnedFd, Errno> {
    // SAFETY: takes two numbers and gives a descriptor, close-on-exec, or -1.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    let fd = i32::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "pidfd_send_signal(2) has no safe wrapper")]
fn send(held: &OwnedFd, signal: i32) -> Result<(), Errno> {
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null siginfo means the usual one; the rest are numbers.
    Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, held.as_raw_fd(), signal, none, 0) })
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command};

    fn sleeper() -> (Child, Relative) {
        let child = Command::new("sleep").arg("1000").spawn().unwrap();
        let start_time = proc_fs::start_time(child.id()).unwrap();
        let relative = Relative { pid: child.id(), start_time, command: "sleep".into() };
        (child, relative)
    }

    #[test]
    fn a_signal_reaches_the_process_both_ways() {
        type Way = fn(&Relative, &[i32]) -> Result<(), Errno>;
        for way in [Relative::send as Way, Relative::send_by_pid] {
            let (mut child, relative) = sleeper();
            assert_eq!(way(&relative, &[libc::SIGTERM, libc::SIGCONT]), Ok(()));
            assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGTERM));
        }
    }

    #[test]
    fn a_process_that_has_the_pid_of_an_earlier_one_is_not_hit() {
        let (mut child, relative) = sleeper();
        let earlier = Relative { start_time: relative.start_time - 1, ..relative.clone() };
        assert_eq!(earlier.send(&[libc::SIGKILL]), Ok(()));
        assert_eq!(earlier.send_by_pid(&[libc::SIGKILL]), Err(Errno::ESRCH));
        assert_eq!(relative.send(&[libc::SIGTERM]), Ok(()));
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGTERM));
    }
}
