//! `run --launch-method exec`: claude takes our place, and where there is a hub, a companion goes on with it.
//!
//! Everything is claimed first, then handed over; only when the companion says that it serves do we become claude.
//! Should there be no companion, claude runs all the same, as it was typed.

use super::failure::Failure;
use super::hub_site::HubSite;
use super::{note, run, run_log, run_to_end};
use crate::cli::{LogOptions, RunOptions};
use crate::event::SessionId;
use crate::process::followed::Followed;
use crate::process::keeper::{self, Handoff, Turn};
use crate::process::left_terminal::LeftTerminal;
use crate::process::program::{Command, RunError, become_program};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long claude's start waits for the companion, which takes a few milliseconds.
const READY: Duration = Duration::from_secs(2);

/// Becomes claude, with a companion. Comes back only with why that failed.
///
/// # Errors
/// When the hub cannot be claimed; nothing was started then.
pub(super) fn run(options: &RunOptions, session_id: &SessionId, typed: Command) -> Result<RunError, Failure> {
    let mut command = typed.clone();
    let site = HubSite::claim(options, session_id, &mut command)?;
    command.environment.extend(run::environment(session_id, Some(&site)));
    if !options.log.quiet {
        site.introduce();
    }
    match hand_over(options, site) {
        Ok((handoff, mut left)) => {
            let failed = become_claude(&command);
            left.leave_behind();
            handoff.failed(failed.errno());
            Ok(failed)
        }
        Err(cause) => {
            note(&format!("cannot watch claude: {cause}; it runs without"));
            Ok(become_claude(&typed))
        }
    }
}

/// Becomes the program. Comes back only with why that failed.
pub(super) fn become_claude(command: &Command) -> RunError {
    RunError::exec_failed(&command.path, become_program(command))
}

/// Once it is back, a companion serves.
fn hand_over(options: &RunOptions, site: HubSite) -> io::Result<(Handoff, HubSite)> {
    let claude = Arc::new(Followed::this_process());
    let terminal = LeftTerminal::of_this_process();
    let mut log = options.log.clone();
    log.log_file = log.log_file.map(|path| std::path::absolute(&path).unwrap_or(path));
    // In the forked process it is taken; here it stays.
    let mut site = Some(site);
    let handoff = keeper::hand_over(|turn| match site.take() {
        Some(site) => accompany(site, &log, (claude, terminal), turn),
        None => 1,
    });
    let ready = handoff.and_then(|handoff| match handoff.is_ready_by(Instant::now() + READY) {
        true => Ok(handoff),
        false => {
            handoff.abandon();
            Err(io::Error::other("the process that was to do so did not begin"))
        }
    });
    match (ready, site) {
        (Ok(handoff), Some(site)) => Ok((handoff, site)),
        (Err(cause), _) => Err(cause),
        (Ok(_), None) => unreachable!("only the forked process takes it"),
    }
}

/// The companion's whole life. Returns its exit status.
fn accompany(
    site: HubSite,
    log: &LogOptions,
    (claude, terminal): (Arc<Followed>, Option<LeftTerminal>),
    turn: Turn,
) -> u8 {
    // Nobody sees it where it cannot be written.
    let _unlogged = run_log::start(log);
    let followed = run_to_end(site.accompany(claude, terminal, turn)).flatten();
    match followed {
        Ok(_) => 0,
        Err(cause) => {
            tracing::error!("cannot follow claude: {cause}");
            1
        }
    }
}
