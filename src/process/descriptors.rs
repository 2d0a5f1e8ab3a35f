//! Which of the child's three standard descriptors becomes what, decided one by one.
//!
//! A terminal becomes the pseudo-terminal. A stdin that is no terminal is inherited untouched, because a pump
//! would read ahead and eat the next command's input. A stdout or stderr that is no terminal becomes a pipe of
//! its own that is pumped, so that both are told apart.

use super::at_start;
use nix::unistd::isatty;
use std::os::fd::{AsFd, OwnedFd};

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
    /// As our own descriptors are.
    pub fn of_this_process() -> Self {
        let terminal = [
            isatty(std::io::stdin().as_fd()).unwrap_or(false),
            isatty(std::io::stdout().as_fd()).unwrap_or(false),
            isatty(std::io::stderr().as_fd()).unwrap_or(false),
        ];
        let closed = [0, 1, 2].map(at_start::was_closed);
        Self::decide(terminal, closed)
    }

    /// Everything on a pseudo-terminal that nobody looks at.
    pub fn headless() -> Self {
        Self([Kind::Terminal; 3])
    }

    fn decide(terminal: [bool; 3], closed: [bool; 3]) -> Self {
        Self(std::array::from_fn(|fd| match (closed[fd], terminal[fd], fd) {
            (true, _, _) => Kind::Closed,
            (false, true, _) => Kind::Terminal,
            (false, false, 0) => Kind::Inherited,
            (false, false, _) => Kind::Pumped,
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

#[cfg(test)]
mod tests {
    use super::{Kind::*, *};

    #[test]
    fn each_descriptor_is_decided_by_itself() {
        for (terminal, expected) in [
            ([true, true, true], [Terminal, Terminal, Terminal]),
            ([false, true, true], [Inherited, Terminal, Terminal]),
            ([true, false, true], [Terminal, Pumped, Terminal]),
            ([false, false, false], [Inherited, Pumped, Pumped]),
        ] {
            assert_eq!(Plan::decide(terminal, [false; 3]), Plan(expected));
        }
        assert_eq!(Plan::decide([true; 3], [true, false, false]).0[0], Closed);
    }

    #[test]
    fn a_pseudo_terminal_is_made_only_where_there_is_a_terminal() {
        assert!(!Plan::decide([false; 3], [false; 3]).needs_terminal());
        assert!(Plan::decide([false, false, true], [false; 3]).needs_terminal());
    }
}
