//! One supervised run: start claude, keep its terminal and its signals as they would be without us, say what
//! happens, and come back with how it ended.
//!
//! The loop only waits and performs; what is to be done is decided by the table in [`state`]. Who listens to the
//! events is not known here.

pub mod announce;
pub mod companion;
pub mod launch;
mod relatives;
mod stage;
pub mod state;

use crate::event::Source;
use crate::event::body::SessionStart;
use crate::hub::Publisher;
use crate::process::guardian::Guardian;
use crate::process::signals::Signals;
use crate::process::tap::Tap;
use crate::process::terminal::Size;
use crate::source::output;
use crate::source::watchers::Watchers;
use announce::Announcer;
use launch::Launch;
use relatives::Relatives;
use stage::{Ends, Stage};
use state::{Action, Ending, Input, Setting, State, Waiting, step};
use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// From the child's end, the detectors have this long to catch up with its output, the drain included.
const CATCH_UP: Duration = Duration::from_millis(2500);
/// However long the drain took, they have this much.
const CATCH_UP_AT_LEAST: Duration = Duration::from_millis(500);
/// How often it is looked whether the keys are the child's by now: whether one that shares them with a pipeline asks
/// for them, and whether one in the background is in the foreground. There is nothing that would tell: a shell sends
/// no SIGCONT to a job that runs.
const LOOK_AROUND: Duration = Duration::from_millis(50);

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
}

/// Runs claude until its end and all its output has gone out. The terminal is as it was when this returns.
///
/// # Errors
/// When the run cannot begin; claude has not been started then.
pub async fn run(launch: Launch, audience: Option<Audience>) -> io::Result<Ending> {
    let Launch { posted, pty, terminal, pipes, modes, screen, fixed_size, headless, reap, mark } = launch;
    let mut signals = Signals::catch()?;
    let mut guardian = posted.take_up()?;
    let (announcer, watchers) = Announcer::new(audience);
    let tap = announcer.publisher().map(|_| Tap::new());
    let mut stage = Stage::set(Ends { pty, pipes, modes, fixed_size }, terminal.as_ref(), tap.clone())?;
    let setting = Setting {
        own_group: stage.has_own_group(),
        our_pid: std::process::id().cast_signed(),
        stop_grace: headless.then_some(STOP_GRACE),
        reap,
    };

    announcer.starting();
    watchers.as_ref().inspect(|watchers| watchers.warn());
    let reader = tap.and_then(|tap| start_reading(tap, screen, &announcer, watchers.as_ref()?));
    guardian.start().await;
    let Over { state, ending, mut family } =
        attend(setting, &mut signals, &mut guardian, &mut stage, &announcer).await;

    let ended = Instant::now();
    let relatives = Relatives { mark, child: stage.child() };
    let (mut resisting, asked) = tokio::join!(relatives.end(family, &mut guardian), async {
        tokio::select! {
            biased;
            family = asked_to_leave(&mut signals, setting, state) => family,
            () = stage.drain() => None,
        }
    });
    // The program may have heard of a signal to everybody before us, and was no more when we did.
    if let (Some(Action::NameFamily), Some(_)) = (family, asked) {
        family = asked;
        resisting = relatives.end(family, &mut guardian).await;
    }
    if matches!(ending, Ending::Signaled(_) | Ending::Unknown) {
        stage.undo_modes();
    }
    stage.strike();
    announcer.resisting(&resisting);
    finish_reading(reader, ended).await;
    if let Some(watchers) = watchers {
        watchers.finish().await;
    }
    if announcer.publisher().is_some() {
        announcer.going_on(&relatives::going_on(family, &mut guardian).await);
    }
    announcer.ended(state);
    guardian.dismiss().await;
    Ok(ending)
}

/// The child is over.
struct Over {
    state: State,
    ending: Ending,
    /// What becomes of its family.
    family: Option<Action>,
}

/// Has the output followed. That it cannot be is no reason to keep claude from running.
fn start_reading(
    tap: Tap,
    screen: Option<Size>,
    announcer: &Announcer,
    watchers: &Watchers,
) -> Option<JoinHandle<()>> {
    let publisher = announcer.publisher()?;
    match output::start(tap, screen, publisher.as_source(Source::Screen), watchers.meaning()) {
        Ok(reader) => Some(reader),
        Err(cause) => {
            announcer.cannot_follow(&cause);
            None
        }
    }
}

/// Waits for what happens and has it dealt with, until the child is over.
async fn attend(
    setting: Setting,
    signals: &mut Signals,
    guardian: &mut Guardian,
    stage: &mut Stage<'_>,
    announcer: &Announcer,
) -> Over {
    let mut state = State::Starting { waiting: Waiting::Nothing };
    let mut hung_up = false;
    let mut grace_ends = None;
    let mut look_around = tokio::time::interval(LOOK_AROUND);
    loop {
        let input = tokio::select! {
            report = guardian.report() => Input::Report(report),
            arrival = signals.next() => Input::Signal(arrival),
            () = stage.hung_up() => Input::HungUp,
            () = passed(grace_ends) => Input::GraceOver,
            _ = look_around.tick(), if stage.must_look_around() => {
                stage.look_around();
                continue;
            }
        };
        if input.is_hang_up() && std::mem::replace(&mut hung_up, true) {
            continue;
        }
        let (next, actions) = step(setting, state, input);
        state = next;
        grace_ends = deadline(&actions).or(grace_ends.filter(|_| input != Input::GraceOver));
        for action in &actions {
            stage.perform(*action, guardian, announcer).await;
        }
        if input.is_hang_up() {
            stage.hang_up();
        }
        if let State::Ended { ending, .. } = state {
            let family = actions.into_iter().find(Action::is_about_family);
            return Over { state, ending, family };
        }
    }
}

/// When a grace that begins now is over.
fn deadline(actions: &[Action]) -> Option<Instant> {
    actions.iter().find_map(|action| match action {
        Action::StartGrace(grace) => Some(Instant::now() + *grace),
        _ => None,
    })
}

/// Resolves at the moment; without one, never.
async fn passed(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// Resolves when a signal means that we are not to wait any longer, with what it means for the child's family.
async fn asked_to_leave(signals: &mut Signals, setting: Setting, state: State) -> Option<Action> {
    loop {
        let input = Input::Signal(signals.next().await);
        let (_, actions) = step(setting, state, input);
        if actions.contains(&Action::LeaveNow) {
            return actions.into_iter().find(Action::is_about_family);
        }
    }
}

/// Waits for the detectors, within their bound.
async fn finish_reading(reader: Option<JoinHandle<()>>, ended: Instant) {
    let Some(reader) = reader else { return };
    let deadline = (ended + CATCH_UP).max(Instant::now() + CATCH_UP_AT_LEAST);
    while !reader.is_finished() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
