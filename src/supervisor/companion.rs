//! One run of a claude that took the place of the process that started it (`--launch-method exec`): say what happens,
//! and come back with how it ended.
//!
//! The companion is no parent of claude's and has no terminal. It follows claude by its pidfd; terminal, signals and job
//! control are between claude and the user alone. It may be killed and followed by another companion, who goes on with
//! the same session.

use super::Audience;
use super::announce::Announcer;
use super::state::{Ending, State};
use crate::process::followed::{Exit, Followed};
use crate::process::keeper::{Departure, Turn};
use std::io;
use std::sync::Arc;

/// Follows claude to its end. `ended` is told of it first.
///
/// # Errors
/// When claude cannot be followed.
pub async fn run(
    claude: Arc<Followed>,
    turn: Turn,
    audience: Audience,
    ended: impl FnOnce(Ending),
) -> io::Result<Ending> {
    let (announcer, watchers) = Announcer::new(Some(audience));
    let deaths = turn.deaths;
    match deaths {
        0 => {
            announcer.starting();
            watchers.as_ref().inspect(|watchers| watchers.warn());
        }
        _ => announcer.goes_on(deaths),
    }
    let (pid, ending) = match turn.begin()?.await {
        Departure::Failed(errno) => (None, Ending::NotExecuted(errno)),
        Departure::Done => {
            announcer.running(claude.pid());
            (Some(claude.pid()), ending(claude.end().await?))
        }
    };
    ended(ending);
    if let Some(watchers) = watchers {
        watchers.finish().await;
    }
    announcer.ended(State::Ended { pid, ending });
    Ok(ending)
}

fn ending(exit: Option<Exit>) -> Ending {
    match exit {
        Some(Exit::Code(code)) => Ending::Exited(code),
        Some(Exit::Signal(signal)) => Ending::Signaled(signal),
        None => Ending::Untold,
    }
}
