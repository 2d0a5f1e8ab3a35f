//! One run of a claude that took the place of the process that started it (`--launch-method exec`): say what happens,
//! and come back with how it ended.
//!
//! The companion is no parent of claude's and has no terminal. It follows claude by what holds it; terminal, signals and job
//! control are between claude and the user alone. It may be killed and followed by another companion, who goes on with
//! the same session.

use super::Audience;
use super::announce::Announcer;
use super::control::Afar;
use super::relatives::GRACE;
use super::state::{Action, Ending, State, for_family};
use super::unfinished::{Claude, endings};
use crate::process::family::{Family, Mark, Remaining};
use crate::process::followed::{Exit, Followed};
use crate::process::keeper::{Departure, Turn};
use crate::process::left_terminal::LeftTerminal;
use crate::process::processes;
use crate::process::signals::Signals;
use nix::libc;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is looked who is below claude: what loses its parents and its environment is known from before.
const LOOK: Duration = Duration::from_secs(2);
/// How long a companion that follows one that was killed is there for clients, which are on their way back.
const COME_BACK: Duration = Duration::from_secs(2);
/// Most of them that are remembered.
const MAX_REMEMBERED: usize = 4096;

/// Whom the companion follows, and what is to become of those it leaves.
#[derive(Debug)]
pub struct Charge {
    /// Claude.
    pub claude: Arc<Followed>,
    /// What the processes of this run carry.
    pub mark: Mark,
    /// What goes on when claude has exited by itself is ended.
    pub reap: bool,
    /// It runs inside another session: who ends that one ends us, and means all that is ours.
    pub nested: bool,
    /// The terminal that claude has for itself, where it has one.
    pub terminal: Option<LeftTerminal>,
    /// Claude's record of itself, which it removes when it leaves in order.
    pub record: Option<PathBuf>,
}

/// Follows claude to its end, and puts right first what one that was killed leaves on its terminal.
///
/// # Errors
/// When claude cannot be followed.
pub async fn run(charge: Charge, turn: Turn, mut audience: Audience) -> io::Result<Ending> {
    let began = Instant::now();
    let Audience { orders, program, watchers, .. } = &mut audience;
    let mut afar = Afar::new(orders.take(), watchers.permissions(), *program);
    let (announcer, watchers) = Announcer::new(Some(audience));
    let deaths = turn.deaths;
    let spared = [std::process::id(), turn.keeper];
    match deaths {
        0 => {
            announcer.starting();
            watchers.as_ref().inspect(|watchers| watchers.warn());
        }
        _ => {
            let owed = match announcer.publisher() {
                Some(publisher) => endings(publisher.hub(), Claude::GoesOn).await,
                None => Vec::new(),
            };
            announcer.goes_on(deaths, owed);
        }
    }
    let (pid, ending, below) = match turn.begin()?.await {
        Departure::Failed(errno) => (None, Ending::NotExecuted(errno), Below::default()),
        Departure::Done => {
            let pid = charge.claude.pid();
            announcer.running(pid);
            let (exit, below) = charge.follow(&mut afar).await?;
            (Some(pid), ending(exit), below)
        }
    };
    if let (true, Some(terminal)) = (charge.was_killed(ending), &charge.terminal) {
        terminal.undo_modes();
    }
    let stopped = afar.was_asked_to_end();
    let decided = charge.decide(ending, stopped);
    let family = below.family(charge.mark).sparing(&spared);
    if decided == Some(Action::EndFamily) {
        let family = family.clone();
        let resisting = tokio::task::spawn_blocking(move || family.end(GRACE)).await;
        announcer.resisting(&resisting.unwrap_or_default().into());
    }
    afar.over();
    if let Some(watchers) = watchers {
        watchers.finish().await;
    }
    if decided == Some(Action::NameFamily) {
        announcer.going_on(&Remaining::from(family.find()));
    }
    announcer.ended(State::Ended { pid, ending, stopped });
    if deaths > 0 {
        // Where claude was killed together with that one, nobody is connected yet.
        tokio::time::sleep_until((began + COME_BACK).into()).await;
    }
    Ok(ending)
}

impl Charge {
    /// Waits for claude's end, and remembers who was below it.
    async fn follow(&self, afar: &mut Afar) -> io::Result<(Option<Exit>, Below)> {
        let mut below = Below::default();
        let mut end = std::pin::pin!(self.claude.end());
        let mut signals = if self.nested { Some(Signals::catch()?) } else { None };
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                exit = &mut end => return Ok((exit?, below)),
                () = afar.attend(&self.claude) => {}
                _ = looks.tick() => below.look(self.claude.pid()),
                () = asked_to_end(&mut signals) => {
                    let family = Family::marked(Some(self.mark.clone()));
                    // Who resists is told once claude has ended.
                    let _resisting = tokio::task::spawn_blocking(move || family.end(GRACE)).await;
                }
            }
        }
    }

    /// Whether claude was killed. Where nobody tells how it ended, its record does: one that stays behind is that of a
    /// claude that was.
    fn was_killed(&self, ending: Ending) -> bool {
        let record_stays = || self.record.as_ref().is_some_and(|record| record.exists());
        matches!(ending, Ending::Signaled(_)) || (ending == Ending::Untold && record_stays())
    }

    /// What becomes of the family. Claude may learn that its window was closed by reading there, and then it does not
    /// tell of a signal.
    fn decide(&self, ending: Ending, was_stopped: bool) -> Option<Action> {
        let was_closed = self.terminal.as_ref().is_some_and(LeftTerminal::is_gone);
        for_family(self.reap || self.was_killed(ending), ending, was_closed || was_stopped)
    }
}

fn ending(exit: Option<Exit>) -> Ending {
    match exit {
        Some(Exit::Code(code)) => Ending::Exited(code),
        Some(Exit::Signal(signal)) => Ending::Signaled(signal),
        None => Ending::Untold,
    }
}

/// Resolves when whoever ends the session around us asks us to end; there may be none.
async fn asked_to_end(signals: &mut Option<Signals>) {
    match signals {
        Some(signals) => {
            while ![libc::SIGTERM, libc::SIGHUP, libc::SIGINT].contains(&signals.next().await.signal) {}
        }
        None => std::future::pending().await,
    }
}

/// Who was seen below claude: pid and start time.
#[derive(Debug, Default)]
struct Below(HashMap<u32, u64>);

impl Below {
    fn look(&mut self, pid: u32) {
        self.0.retain(|pid, started| processes::is_running(*pid, *started));
        for pid in processes::tree(pid).into_iter().skip(1) {
            if self.0.len() < MAX_REMEMBERED
                && let Some(started) = processes::start_time(pid)
            {
                self.0.insert(pid, started);
            }
        }
    }

    fn family(self, mark: Mark) -> Family {
        self.0
            .into_iter()
            .fold(Family::marked(Some(mark)), |family, (pid, started)| family.below(pid, started))
    }
}
