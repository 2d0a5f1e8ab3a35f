//! Signals as a stream of bytes: who sent which, in the order they came.
//!
//! tokio's own signals do not say who sent one, and that decides here: what the kernel sent to the whole
//! process group has already reached the child, what a person sent to us alone has not.

use super::at_start;
use super::platform;
use crate::process::best_effort;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc::{self, c_int};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its number.
    pub signal: i32,
    /// Who sent it.
    pub origin: Origin,
}

/// Who sent a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The kernel, for instance the terminal driver: the whole foreground group got it.
    Kernel,
    /// A process, to us.
    Process(i32),
}

/// The signals that came, to be read one by one.
#[derive(Debug)]
pub struct Signals {
    pipe: pipe::Receiver,
    /// The handler's end; stays open as long as a handler may run.
    _handler: OwnedFd,
}

/// How often we were continued.
static CONTINUED: AtomicU32 = AtomicU32::new(0);

/// Where the handler writes. A handler can be given nothing but a global.
static HANDLER_FD: AtomicI32 = AtomicI32::new(-1);

/// Bytes of one arrival: signal, kernel or process, sender.
const RECORD: usize = 12;

/// Every signal that can be caught.
pub fn catchable() -> impl Iterator<Item = i32> {
    const LEFT_ALONE: [i32; 2] = [libc::SIGKILL, libc::SIGSTOP];
    platform::signals().filter(|signal| !LEFT_ALONE.contains(signal))
}

/// Faults: sent by the kernel they are our own and must end us as always.
fn is_fault(signal: i32) -> bool {
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS].contains(&signal)
}

impl Signals {
    /// Catches everything [`catchable`] from now on. Signals that were ignored when we came stay ignored, as a
    /// child would have them. To be called once, inside a runtime.
    ///
    /// # Errors
    /// When the kernel has no pipe left.
    pub fn catch() -> io::Result<Self> {
        let (reader, writer) = platform::pipe(OFlag::O_NONBLOCK)?;
        HANDLER_FD.store(writer.as_raw_fd(), Relaxed);
        for signal in catchable().filter(|signal| !came_ignored(*signal)) {
            install(signal)?;
        }
        Ok(Self { pipe: pipe::Receiver::from_owned_fd(reader)?, _handler: writer })
    }

    /// Waits for the next one. Cancel-safe: a record is far below PIPE_BUF and comes whole.
    pub async fn next(&mut self) -> Arrival {
        let mut record = [0; RECORD];
        loop {
            // The writing end is ours, so neither end of file nor an error can come but EINTR.
            if matches!(self.pipe.read(&mut record).await, Ok(RECORD)) {
                return decode(record);
            }
            tokio::task::yield_now().await;
        }
    }
}

fn decode(record: [u8; RECORD]) -> Arrival {
    let number = |at: usize| i32::from_ne_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
    let origin = if number(4) == 0 { Origin::Process(number(8)) } else { Origin::Kernel };
    Arrival { signal: number(0), origin }
}

/// Whether the signal was ignored when we came; SIGPIPE is now, whatever it was.
fn came_ignored(signal: c_int) -> bool {
    if signal == libc::SIGPIPE { at_start::ignored_sigpipe() } else { is_ignored(signal) }
}

/// Whether the signal is ignored now.
#[expect(unsafe_code, reason = "nix cannot read a disposition without changing it")]
pub fn is_ignored(signal: c_int) -> bool {
    // SAFETY: a null new action only reads, into a structure that is ours.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}

#[expect(unsafe_code, reason = "a handler is a C function; this one makes only async-signal-safe calls")]
fn install(signal: c_int) -> io::Result<()> {
    extern "C" fn handler(signal: c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the kernel hands a valid siginfo; errno is saved because the interrupted code may read it.
        unsafe {
            let errno = Errno::last_raw();
            let by_kernel = (*info).si_code > 0;
            if by_kernel && is_fault(signal) {
                libc::signal(signal, libc::SIG_DFL);
                return;
            }
            if signal == libc::SIGCONT {
                CONTINUED.fetch_add(1, Relaxed);
            }
            let mut record = [0; RECORD];
            record[..4].copy_from_slice(&signal.to_ne_bytes());
            record[4..8].copy_from_slice(&i32::from(by_kernel).to_ne_bytes());
            record[8..].copy_from_slice(&(*info).si_pid().to_ne_bytes());
            libc::write(HANDLER_FD.load(Relaxed), record.as_ptr().cast(), RECORD);
            Errno::set_raw(errno);
        }
    }
    // SAFETY: the structure is filled in below, and the handler stays for the life of the process.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, std::ptr::null_mut())
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// How often the process was continued (SIGCONT) since signals are caught.
pub fn times_continued() -> u32 {
    CONTINUED.load(Relaxed)
}

/// A thread beside the main one. SIGCONT is not its to take: when the main thread goes on after a stop it has to know
/// whether it was continued, and a handler on another thread may tell it too late.
///
/// # Errors
/// When no thread can be had.
pub fn thread_beside_main<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<std::thread::JoinHandle<T>> {
    use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
    let mut before = SigSet::empty();
    let not_theirs = SigSet::from(Signal::SIGCONT);
    pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&not_theirs), Some(&mut before))?;
    let thread = std::thread::Builder::new().name(name.into()).spawn(work);
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
    thread
}

/// Stops this process as `signal` (SIGTSTP or SIGSTOP) would have, and returns once it goes on. `false` when it was
/// never stopped: the kernel stops no process group that nobody could continue (an orphaned one), and SIGCONT will
/// not come. To be called on the main thread, which the kernel chooses for signals to the process.
#[expect(unsafe_code, reason = "changing a disposition is unsafe in nix")]
pub fn stop_self(signal: c_int, whole_group: bool) -> bool {
    use nix::sys::signal::{SigHandler, Signal, kill, raise, signal as dispose};
    use nix::unistd::Pid;
    let Ok(name) = Signal::try_from(signal) else { return false };
    let before = CONTINUED.load(Relaxed);
    if name != Signal::SIGSTOP {
        // SAFETY: the default disposition runs no code of ours.
        best_effort(unsafe { dispose(name, SigHandler::SigDfl) });
    }
    best_effort(if whole_group { kill(Pid::from_raw(0), name) } else { raise(name) });
    if name != Signal::SIGSTOP {
        best_effort(install(signal));
    }
    CONTINUED.load(Relaxed) != before
}

/// Ends this process as `signal` does that nobody catches, or, where it cannot, by the status a shell shows for it.
#[expect(unsafe_code, reason = "changing a disposition is unsafe in nix")]
pub fn end_self(signal: c_int) -> ! {
    use nix::sys::signal::{SigHandler, Signal, raise, signal as dispose};
    if let Ok(name) = Signal::try_from(signal) {
        // SAFETY: the default disposition runs no code of ours.
        best_effort(unsafe { dispose(name, SigHandler::SigDfl) });
        best_effort(raise(name));
    }
    std::process::exit(128 + signal)
}
