//! Who runs the programs: nobody, the wrapper in each of its forms, and programs that others put around one. What is
//! run, and what is made of it, it does not know.

use std::ffi::{OsStr, OsString};
use test_support::wrapper::{Way, Wrapper};

/// One that runs programs; a column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    /// The wrapper in one of its ways, or nobody.
    Ours(Way),
    /// `script` of util-linux, which records a terminal.
    Script,
    /// An init for containers, here with all that it can do for a program below another init.
    Tini,
    /// Another init for containers.
    DumbInit,
}

pub(crate) const BARE: Contestant = Contestant::Ours(Way::Bare);

/// All of them, in the order of the table.
pub(crate) const EVERY: [Contestant; 8] = [
    BARE,
    Contestant::Ours(Way::Supervised),
    Contestant::Ours(Way::Watched),
    Contestant::Ours(Way::Exec),
    Contestant::Ours(Way::ExecWatched),
    Contestant::Script,
    Contestant::Tini,
    Contestant::DumbInit,
];

/// `script` takes a line for a shell, so that every word has to be quoted for one that reads `$'\xff'`.
const SCRIPT: &str = r#"SHELL=/bin/bash exec script -qec "${*@Q}" /dev/null"#;

impl Contestant {
    /// What the table calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours(Way::Bare) => "bare",
            Self::Ours(Way::Supervised) => "`subprocess`",
            Self::Ours(Way::Watched) => "`subprocess`, hub",
            Self::Ours(Way::Exec) => "`exec`",
            Self::Ours(Way::ExecWatched) => "`exec`, hub",
            Self::Script => "`script -qec`",
            Self::Tini => "`tini -s`",
            Self::DumbInit => "`dumb-init`",
        }
    }

    /// Whether it can be had on this machine.
    pub(crate) fn is_there(self) -> bool {
        match self {
            Self::Ours(_) => true,
            Self::Script => installed("script"),
            Self::Tini => installed("tini"),
            Self::DumbInit => installed("dumb-init"),
        }
    }

    /// Whether something of it is there as long as the program runs: who is not there can put nothing back.
    pub(crate) fn stays(self) -> bool {
        !matches!(self, Self::Ours(Way::Bare | Way::Exec | Way::ExecWatched))
    }

    /// The words of a command line that runs `program` with `arguments`.
    pub(crate) fn words<A: AsRef<OsStr>>(
        self,
        wrapper: &Wrapper,
        program: &str,
        arguments: &[A],
    ) -> Vec<OsString> {
        let before: &[&str] = match self {
            Self::Ours(way) => return wrapper.words(way, program, arguments),
            Self::Script => &["bash", "-c", SCRIPT, "script"],
            Self::Tini => &["tini", "-s", "--"],
            Self::DumbInit => &["dumb-init", "--"],
        };
        let words = before.iter().map(OsString::from).chain([program.into()]);
        words.chain(arguments.iter().map(OsString::from)).collect()
    }
}

fn installed(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}
