//! The signals that end or stop us while we have the terminal: it has to be given back first.

use crate::process::signals::is_ignored;
use futures_util::future::{pending, select_all};
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cmd) enum Call {
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
        use nix::libc::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
        let ends = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].map(|number| (number, Call::End(number)));
        let others = [(SIGTSTP, Call::Stop), (SIGCONT, Call::Continued)];
        let wanted = ends.into_iter().chain(others).filter(|(number, _)| !is_ignored(*number));
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
