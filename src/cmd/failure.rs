//! How a verb fails: what is said, what helps, and the exit status. One home for the statuses.

use super::{note, redaction};
use crate::client::ClientError;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// Exit statuses: those of every verb, and behind them those of `run`, where claude's own come through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// As asked.
    Ok,
    /// Not as asked.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// No such instance.
    NoInstance,
    /// The hub turns us away.
    NotAuthorised,
    /// Cannot connect, or timed out.
    Unreachable,
    /// Claude could not be run, and that was our doing.
    RunFailed,
    /// The program is there but cannot be executed.
    NotExecutable,
    /// There is no such program.
    NotFound,
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::NoInstance => 3,
            Exit::NotAuthorised => 4,
            Exit::Unreachable => 5,
            Exit::RunFailed => 125,
            Exit::NotExecutable => 126,
            Exit::NotFound => 127,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(u8::from(exit))
    }
}

/// `cannot <verb> <object>: <cause>`, with what may help.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    message: String,
    tips: Vec<String>,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), tips: Vec::new() }
    }

    /// With something that may help.
    pub(super) fn tip(mut self, tip: impl Into<String>) -> Self {
        self.tips.push(tip.into());
        self
    }

    /// With which status it ends a verb.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// What a client could not do; `object` is like `watch web:8765`.
    pub(super) fn client(doing: &str, cause: &ClientError) -> Self {
        let exit = match cause {
            ClientError::Refused(_) => Exit::NotAuthorised,
            ClientError::Reply { code, .. } if code.starts_with("AUTH") => Exit::NotAuthorised,
            ClientError::Reply { .. } => Exit::Failed,
            ClientError::Connect { .. }
            | ClientError::Untrusted { .. }
            | ClientError::Handshake { .. }
            | ClientError::TimedOut { .. }
            | ClientError::Lost(_)
            | ClientError::Closed { .. } => Exit::Unreachable,
        };
        Self::new(exit, format!("cannot {doing}: {cause}"))
    }

    /// Says it on standard error.
    pub(super) fn print(&self) -> ExitCode {
        note(&self.message);
        for tip in &self.tips {
            drop(writeln!(io::stderr(), "  tip: {}", redaction::presentable(tip)));
        }
        self.exit.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
