//! The handoff: before this process becomes claude, its work goes to a companion that outlives the exec.
//!
//! Two processes are forked off, in a session of their own: the keeper, which holds every descriptor of ours and does
//! nothing but wait, and its child, the companion, which does the work. Should the companion die, the keeper forks
//! another one, so that callers wait at the listeners meanwhile instead of being refused. Neither is a child of ours
//! afterwards: claude would never bury it. Nothing here knows what the work is.

use super::best_effort;
use super::descriptors::{is_close_on_exec, let_go_of_standard};
use super::platform;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, killpg, signal, sigprocmask};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, chdir, fork, setsid};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// A companion that lived this long was well; its death begins a new count.
const WELL: Duration = Duration::from_millis(500);
/// So many deaths in a row, each within [`WELL`], and there is no other companion: callers are refused then, because
/// one that waits for nobody would keep claude waiting.
const MOST_DEATHS: u32 = 20;
/// Before the second companion there is no pause, then this longer before each.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Our side of the handoff: we are about to become claude.
#[derive(Debug)]
pub struct Handoff {
    ready: OwnedFd,
    /// Closed by a successful exec.
    departure: File,
    /// The process group of both.
    group: Pid,
}

/// What a companion is given.
#[derive(Debug)]
pub struct Turn {
    /// Companions that died before this one.
    pub deaths: u32,
    /// Process id of the keeper.
    pub keeper: u32,
    ready: File,
    departure: OwnedFd,
}

/// How the process that handed over went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// It is claude now, or it is gone.
    Done,
    /// Exec failed with this errno.
    Failed(i32),
}

/// Forks keeper and companion. `work` is done in the companion, with an exit status of 0 when all is done; any other
/// end of it brings another companion, which begins with the same memory. The process must have one thread.
///
/// # Errors
/// When the kernel refuses a pipe or a process.
#[expect(unsafe_code, reason = "fork(2) is unsafe where there are threads; callers promise there are none")]
pub fn hand_over(work: impl FnOnce(Turn) -> u8) -> io::Result<Handoff> {
    let (ready, tell_ready) = platform::pipe(OFlag::empty())?;
    let (departure, depart) = platform::pipe(OFlag::empty())?;
    // SAFETY: one thread, as documented, so the copy may allocate and lock as it likes.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop((ready, depart));
            leave(stand_apart().map_or(1, |()| keep(&tell_ready.into(), &departure, work)))
        }
        ForkResult::Parent { child } => {
            drop((tell_ready, departure));
            // The one between us and the keeper leads the session and is gone at once.
            best_effort(waitpid(child, None));
            Ok(Handoff { ready, departure: depart.into(), group: child })
        }
    }
}

impl Handoff {
    /// Whether the companion is ready, waited for until then. It is not where it cannot be.
    pub fn is_ready_by(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut ready = [PollFd::new(self.ready.as_fd(), PollFlags::POLLIN)];
            match poll(&mut ready, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
                Ok(0) => return false,
                Err(Errno::EINTR) => {}
                _ => return matches!(nix::unistd::read(&self.ready, &mut [0]), Ok(1)),
            }
        }
    }

    /// We could not become claude: errno.
    pub fn failed(mut self, errno: i32) {
        best_effort(self.departure.write_all(&errno.to_ne_bytes()));
    }

    /// Ends both: there will be no companion.
    pub fn abandon(self) {
        best_effort(killpg(self.group, Signal::SIGKILL));
    }
}

impl Turn {
    /// Says that the work is being done, and gives what tells of the departure. To be called inside a runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch the pipe.
    pub fn begin(mut self) -> io::Result<impl Future<Output = Departure>> {
        use nix::fcntl::{FcntlArg, fcntl};
        fcntl(&self.departure, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let mut departure = pipe::Receiver::from_owned_fd(self.departure)?;
        // Where nobody waits for it any longer, nobody is told.
        best_effort(self.ready.write_all(b"!"));
        Ok(async move {
            let mut errno = [0; 4];
            match departure.read_exact(&mut errno).await {
                Ok(_) => Departure::Failed(i32::from_ne_bytes(errno)),
                Err(_) => Departure::Done,
            }
        })
    }
}

/// A session of our own, no terminal, no folder, nothing of the user's, and every signal as a new program has it.
#[expect(unsafe_code, reason = "a disposition without a handler runs no code of ours; fork with one thread")]
fn stand_apart() -> io::Result<()> {
    setsid()?;
    // SAFETY: one thread.
    if let ForkResult::Parent { .. } = unsafe { fork() }? {
        leave(0);
    }
    for name in Signal::iterator().filter(|name| *name != Signal::SIGPIPE) {
        // SAFETY: no handler function is installed; KILL and STOP refuse.
        best_effort(unsafe { signal(name, SigHandler::SigDfl) });
    }
    best_effort(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None));
    let_go_of_standard()?;
    close_what_the_user_gave();
    chdir("/")?;
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    Ok(())
}

/// Somebody may wait for the end of a pipe that is among them. What is ours is close-on-exec.
fn close_what_the_user_gave() {
    for fd in platform::open_descriptors().into_iter().filter(|fd| *fd > 2) {
        if is_close_on_exec(fd) == Some(false) {
            best_effort(nix::unistd::close(fd));
        }
    }
}

/// The keeper's life. Returns its exit status.
#[expect(unsafe_code, reason = "fork(2): the keeper never has a second thread")]
fn keep(ready: &File, departure: &OwnedFd, work: impl FnOnce(Turn) -> u8) -> u8 {
    let keeper = std::process::id();
    let (mut deaths, mut in_a_row) = (0, 0);
    loop {
        let began = Instant::now();
        let turn = ready.try_clone().and_then(|ready| Ok((ready, departure.try_clone()?)));
        // SAFETY: one thread.
        match (turn, unsafe { fork() }) {
            (Ok((ready, departure)), Ok(ForkResult::Child)) => {
                leave(work(Turn { deaths, keeper, ready, departure }))
            }
            (_, Ok(ForkResult::Child)) => leave(1),
            (_, Ok(ForkResult::Parent { child })) => {
                if matches!(bury(child), Ok(WaitStatus::Exited(_, 0))) {
                    return 0;
                }
            }
            (_, Err(_)) => {}
        }
        deaths += 1;
        in_a_row = if began.elapsed() < WELL { in_a_row + 1 } else { 1 };
        if in_a_row >= MOST_DEATHS {
            return 1;
        }
        std::thread::sleep((PAUSE * (in_a_row - 1)).min(LONGEST_PAUSE));
    }
}

fn bury(child: Pid) -> nix::Result<WaitStatus> {
    loop {
        match waitpid(child, None) {
            Err(Errno::EINTR) => {}
            ended => return ended,
        }
    }
}

#[expect(unsafe_code, reason = "destructors and exit handlers are those of the process that forked")]
fn leave(status: u8) -> ! {
    // SAFETY: ends the process.
    unsafe { nix::libc::_exit(i32::from(status)) }
}
