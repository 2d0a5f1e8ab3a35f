//! Which of the child's three standard descriptors becomes what, decided one by one.
//!
//! Where stdout is a terminal, every terminal becomes the pseudo-terminal. Where it is none, nobody draws on the
//! terminal, and what is left of it is inherited: the keys may be meant for the rest of the pipeline
//! (`claude-mpm -- -p | less`), and the child shares our group and its `^C`. A stdin that is no terminal is inherited
//! untouched, because a pump would read ahead and eat the next command's input. A stdout or stderr that is no
//! terminal is inherited too, unless somebody reads along; then it becomes a pipe that is pumped, one for each, so
//! that both are told apart, and one for both where they are one file, so that their order stays. A device that is none
//! of these is inherited always, because what it answers only its writer can hear.

use super::at_start;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, isatty};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

/// What one descriptor of the child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The pseudo-terminal.
    Terminal,
    /// Ours, as it is.
    Inherited,
    /// A pipe that we pump to ours.
    Pumped,
    /// Closed, as it was given to us.
    Closed,
}

/// The three decisions: stdin, stdout, stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan(pub [Kind; 3]);

impl Plan {
    /// As our own descriptors are. `read_along`: somebody wants to know what passes.
    pub fn of_this_process(read_along: bool) -> Self {
        let terminal = [
            isatty(std::io::stdin().as_fd()).unwrap_or(false),
            isatty(std::io::stdout().as_fd()).unwrap_or(false),
            isatty(std::io::stderr().as_fd()).unwrap_or(false),
        ];
        let closed = [0, 1, 2].map(at_start::was_closed);
        let plan = Self::decide(terminal, closed, read_along);
        let is_device = [false, is_device(std::io::stdout()), is_device(std::io::stderr())];
        Self(std::array::from_fn(|fd| match plan.0[fd] {
            Kind::Pumped if is_device[fd] => Kind::Inherited,
            kind => kind,
        }))
    }

    /// Everything on a pseudo-terminal that nobody looks at.
    pub fn headless() -> Self {
        Self([Kind::Terminal; 3])
    }

    fn decide(terminal: [bool; 3], closed: [bool; 3], read_along: bool) -> Self {
        let draws = terminal[1] && !closed[1];
        Self(std::array::from_fn(|fd| match (closed[fd], terminal[fd]) {
            (true, _) => Kind::Closed,
            (false, true) if draws => Kind::Terminal,
            (false, false) if read_along && fd > 0 => Kind::Pumped,
            _ => Kind::Inherited,
        }))
    }

    /// Whether any of them needs a pseudo-terminal.
    pub fn needs_terminal(self) -> bool {
        self.0.contains(&Kind::Terminal)
    }
}

/// What the guardian puts on one descriptor of the child.
#[derive(Debug)]
pub enum Stdio {
    /// The pseudo-terminal's slave side.
    Terminal,
    /// Leave ours.
    Inherited,
    /// This one.
    Pipe(OwnedFd),
    /// Nothing.
    Closed,
}

/// Whether it is a device that answers to what is written, as `/dev/full` does; `/dev/null` takes everything.
fn is_device(fd: impl AsFd) -> bool {
    use nix::sys::stat::{SFlag, fstat, stat};
    fstat(fd).is_ok_and(|found| {
        let kind = SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT;
        kind == SFlag::S_IFCHR && stat("/dev/null").is_ok_and(|null| null.st_rdev != found.st_rdev)
    })
}

/// Whether the descriptor closes at exec; `None` where it is not open.
#[expect(unsafe_code, reason = "a number from a listing can only be borrowed")]
pub(super) fn is_close_on_exec(fd: RawFd) -> Option<bool> {
    // SAFETY: only its flags are asked for; a number that is closed by now gives an error.
    let flags = fcntl(unsafe { BorrowedFd::borrow_raw(fd) }, FcntlArg::F_GETFD).ok()?;
    Some(FdFlag::from_bits_truncate(flags).contains(FdFlag::FD_CLOEXEC))
}

/// Replaces our stdin by `/dev/null`, so that we do not hold a pipe of somebody's open.
///
/// # Errors
/// When `/dev/null` cannot be opened.
pub fn let_go_of_stdin() -> io::Result<()> {
    Ok(dup2_stdin(nothing()?)?)
}

/// The same for stdout: when the child closes its own, the reader must see the end.
///
/// # Errors
/// When `/dev/null` cannot be opened.
pub fn let_go_of_stdout() -> io::Result<()> {
    Ok(dup2_stdout(nothing()?)?)
}

/// The same for all three.
pub(super) fn let_go_of_standard() -> io::Result<()> {
    let_go_of_stdin()?;
    let_go_of_stdout()?;
    Ok(dup2_stderr(nothing()?)?)
}

fn nothing() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/null")
}

#[cfg(test)]
mod tests {
    use super::{Kind::*, *};

    #[test]
    fn each_descriptor_is_decided_by_itself() {
        for (terminal, read_along, expected) in [
            ([true, true, true], true, [Terminal, Terminal, Terminal]),
            ([false, true, true], true, [Inherited, Terminal, Terminal]),
            ([true, true, false], true, [Terminal, Terminal, Pumped]),
            ([true, true, false], false, [Terminal, Terminal, Inherited]),
            ([true, false, true], true, [Inherited, Pumped, Inherited]),
            ([false, false, false], true, [Inherited, Pumped, Pumped]),
            ([false, false, false], false, [Inherited, Inherited, Inherited]),
        ] {
            assert_eq!(Plan::decide(terminal, [false; 3], read_along), Plan(expected));
        }
        assert_eq!(Plan::decide([true; 3], [true, false, false], true).0[0], Closed);
    }

    #[test]
    fn a_pseudo_terminal_is_made_only_where_there_is_a_terminal() {
        assert!(!Plan::decide([false; 3], [false; 3], true).needs_terminal());
        assert!(!Plan::decide([true, false, true], [false; 3], true).needs_terminal());
        assert!(Plan::decide([false, true, false], [false; 3], true).needs_terminal());
    }
}
