//! The signals that end or stop us where something has to be done first: the terminal given back, a file removed.

use crate::process::signals::is_ignored;
use futures_util::future::{pending, select_all};
use nix::libc::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// To end, by this signal.
    End(i32),
    /// To stop until we are continued.
    Stop,
    /// We were continued, in the foreground maybe.
    Continued,
}

/// The signals we wait for.
pub(super) struct Calls(Vec<(Call, Signal)>);

impl Calls {
    /// Catches them from now on; one that whoever started us has us ignore stays ignored.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn catch() -> io::Result<Self> {
        let ends = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].map(|number| (number, Call::End(number)));
        Self::of(ends.into_iter().chain([(SIGTSTP, Call::Stop), (SIGCONT, Call::Continued)]))
    }

    /// The same, of those alone that ask for the end.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn catch_ends() -> io::Result<Self> {
        Self::of([SIGHUP, SIGINT, SIGTERM].into_iter().map(|number| (number, Call::End(number))))
    }

    fn of(calls: impl Iterator<Item = (i32, Call)>) -> io::Result<Self> {
        let wanted = calls.filter(|(number, _)| !is_ignored(*number));
        let caught = wanted.map(|(number, call)| Ok((call, signal(SignalKind::from_raw(number))?)));
        caught.collect::<io::Result<_>>().map(Self)
    }

    /// Waits for the next one. Cancel-safe.
    pub(super) async fn next(&mut self) -> Call {
        if self.0.is_empty() {
            return pending().await;
        }
        let each = self.0.iter_mut().map(|(call, signal)| {
            Box::pin(async move {
                signal.recv().await;
                *call
            })
        });
        select_all(each).await.0
    }
}
