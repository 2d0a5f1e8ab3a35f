//! One supervised run: start claude, keep its terminal and its signals as they would be without us, say what
//! happens, and come back with how it ended.
//!
//! The loop only waits and performs; what is to be done is decided by the table in [`state`]. Who listens to the
//! events is not known here.

pub mod announce;
pub mod companion;
pub mod control;
pub mod launch;
mod once;
mod relatives;
pub mod restart;
mod stage;
pub mod state;
mod unfinished;

use crate::control::Order;
use crate::event::body::SessionStart;
use crate::hub::Publisher;
use crate::process::signals::Signals;
use crate::source::watchers::Watchers;
use announce::Announcer;
use control::{Desk, Lines, Manner, Phase, Program};
use launch::Launch;
use once::Run;
use restart::{Restart, Restarts};
use stage::Ends;
use state::{Ending, Setting};
use std::io;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// What a child has that nobody sits in front of, when a process asks us to end.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Who is told, when anybody is.
#[derive(Debug)]
pub struct Audience {
    /// Where events are published.
    pub publisher: Publisher,
    /// What the session is.
    pub session: SessionStart,
    /// Where claude's process id is made known.
    pub child: watch::Sender<Option<u32>>,
    /// Who watches claude's work.
    pub watchers: Watchers,
    /// What somebody asks to be done with claude; `None` where nobody may.
    pub orders: Option<mpsc::Receiver<Order>>,
    /// What is supervised.
    pub program: Program,
}

/// How long the desk may take to tell everybody that claude is over.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs claude until its end and all its output has gone out, and again where `restart` says so. The terminal is as it
/// was when this returns.
///
/// # Errors
/// When the run cannot begin; claude has not been started then.
pub async fn run(
    launch: Launch,
    restart: Option<Restart>,
    mut audience: Option<Audience>,
) -> io::Result<Ending> {
    let (lines, desk) = open_desk(&launch, audience.as_mut());
    let Launch { posted, pty, terminal, pipes, modes, screen, fixed_size, .. } = launch;
    let (headless, reap, mark, recording) = (launch.headless, launch.reap, launch.mark, launch.recording);
    let (announcer, watchers) = Announcer::new(audience);
    let setting = Setting {
        own_group: pty.is_some(),
        our_pid: std::process::id().cast_signed(),
        stop_grace: headless.then_some(STOP_GRACE),
        reap,
    };
    let terminal = terminal.as_ref();
    let (signals, guardian) = (Signals::catch()?, posted.take_up()?);
    let mut run = Run { signals, guardian, announcer, watchers, terminal, screen, setting, mark, lines };
    let mut restarts = restart.map(Restarts::new);

    run.announcer.starting();
    run.watchers.as_ref().inspect(|watchers| watchers.warn());
    let mut ends = Ends { pty, pipes, modes, fixed_size, recording };
    let over = loop {
        let began = Instant::now();
        let (over, left) = run.once(ends).await?;
        ends = left;
        let next = restarts.as_mut().and_then(|restarts| restarts.after(&over, began.elapsed()));
        let has_ends = ends.pty.is_some() == setting.own_group;
        let Some(next) = next.filter(|_| has_ends) else { break over };
        run.lines.show(Phase::Pausing);
        run.announcer.pauses(over.state, &next);
        if let Some(watchers) = &run.watchers {
            watchers.over().await;
        }
        if !run.rests(next.pause, over.state).await {
            break over;
        }
        if let Some(pty) = &mut ends.pty {
            pty.hold_slave()?;
            pty.reset();
        }
        run.lines.show(Phase::Starting);
        run.announcer.starting_again(&next);
        run.guardian.call_with(next.arguments).await;
    };
    run.lines.show(Phase::Over);
    if let Some(desk) = desk
        && tokio::time::timeout(LAST_WORDS, desk).await.is_err()
    {
        tracing::warn!("cannot tell everybody in time that claude is over");
    }
    if let Some(watchers) = run.watchers.take() {
        watchers.finish().await;
    }
    if run.announcer.publisher().is_some() {
        run.announcer.going_on(&relatives::going_on(over.family, &mut run.guardian).await);
    }
    run.announcer.ended(over.state);
    run.guardian.dismiss().await;
    Ok(over.ending)
}

/// Where somebody may ask for something: who takes it, and our ends of the lines to it.
fn open_desk(launch: &Launch, audience: Option<&mut Audience>) -> (Lines, Option<JoinHandle<()>>) {
    let asked = audience.and_then(|audience| Some((audience.orders.take()?, audience)));
    let Some((orders, Audience { publisher, watchers, program, .. })) = asked else {
        return (Lines::unused(), None);
    };
    let manner = Manner::of(launch, *program);
    let (lines, desk) = Desk::open(orders, manner, publisher.hub().clone(), watchers);
    (lines, Some(desk))
}
