//! What can be done with claude, by how it was started.

use crate::control::Abilities;
use crate::supervisor::launch::Launch;

/// What is supervised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Claude, at which somebody can sit.
    Claude,
    /// Claude, called to print an answer and end (`-p`).
    Printing,
    /// Something else.
    Other,
}

/// How it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It took our place, and has the terminal for itself.
    Exec(Program),
    /// It is below us.
    Subprocess {
        /// What it is.
        program: Program,
        /// On a pseudo-terminal of ours.
        on_terminal: bool,
        /// A second one can be given what the first one had.
        can_restart: bool,
    },
}

/// Why not.
const EXEC: &str = "claude has the terminal for itself (--launch-method exec)";
const PRINTS: &str = "claude was called with -p: it takes no prompts, prints its answer and ends";
const NO_TERMINAL: &str = "claude has no terminal of ours: what it writes goes to a pipe or a file";
const NO_SECOND: &str = "claude writes to a pipe or a file, which is kept for another one only with --restart on-failure or always";

impl Manner {
    /// Of a run that was prepared.
    pub fn of(launch: &Launch, program: Program) -> Self {
        Self::Subprocess { program, on_terminal: launch.pty.is_some(), can_restart: launch.can_restart }
    }

    pub(super) fn program(self) -> Program {
        match self {
            Self::Exec(program) | Self::Subprocess { program, .. } => program,
        }
    }

    /// Whether it reads keys from a terminal of ours.
    pub(super) fn takes_keys(self) -> bool {
        let prints = self.program() == Program::Printing;
        matches!(self, Self::Subprocess { on_terminal: true, .. }) && !prints
    }
}

/// What can be done with claude. `Err` says why not.
pub fn abilities(manner: Manner) -> Abilities {
    match manner {
        Manner::Exec(program) => Abilities {
            typing: Err(EXEC),
            interrupt: if program == Program::Printing { Ok(()) } else { Err(EXEC) },
            stop: Ok(()),
            restart: Err(EXEC),
            respond: Ok(()),
        },
        Manner::Subprocess { program, on_terminal, can_restart } => Abilities {
            typing: match (program, on_terminal) {
                (_, false) => Err(NO_TERMINAL),
                (Program::Printing, true) => Err(PRINTS),
                (Program::Claude | Program::Other, true) => Ok(()),
            },
            interrupt: Ok(()),
            stop: Ok(()),
            restart: if can_restart { Ok(()) } else { Err(NO_SECOND) },
            respond: Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_done_says_why() {
        let below =
            |program, on_terminal| Manner::Subprocess { program, on_terminal, can_restart: on_terminal };
        for (manner, typing, interrupt, restart) in [
            (Manner::Exec(Program::Claude), Err(EXEC), Err(EXEC), Err(EXEC)),
            (Manner::Exec(Program::Printing), Err(EXEC), Ok(()), Err(EXEC)),
            (below(Program::Claude, true), Ok(()), Ok(()), Ok(())),
            (below(Program::Printing, true), Err(PRINTS), Ok(()), Ok(())),
            (below(Program::Other, false), Err(NO_TERMINAL), Ok(()), Err(NO_SECOND)),
        ] {
            let able = abilities(manner);
            assert_eq!(
                (able.typing, able.interrupt, able.restart),
                (typing, interrupt, restart),
                "{manner:?}"
            );
            assert_eq!((able.stop, able.respond), (Ok(()), Ok(())));
        }
    }
}
