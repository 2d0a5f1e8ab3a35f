//! The child from its start to its end, with all its output gone out: once in a run, or again where it is restarted.

use super::announce::Announcer;
use super::control::{Lines, Wish};
use super::relatives::Relatives;
use super::stage::{Ends, Stage};
use super::state::{Action, Ending, Input, Setting, State, Waiting, asks_to_end, step};
use crate::event::Source;
use crate::process::family::Mark;
use crate::process::guardian::Guardian;
use crate::process::signals::Signals;
use crate::process::tap::Tap;
use crate::process::terminal::{Size, Terminal};
use crate::source::output;
use crate::source::watchers::Watchers;
use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// From the child's end, the detectors have this long to catch up with its output, the drain included.
const CATCH_UP: Duration = Duration::from_millis(2500);
/// However long the drain took, they have this much.
const CATCH_UP_AT_LEAST: Duration = Duration::from_millis(500);
/// How often it is looked whether the keys are the child's by now: whether one that shares them with a pipeline asks
/// for them, and whether one in the background is in the foreground. There is nothing that would tell: a shell sends
/// no SIGCONT to a job that runs.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// What stays the same each time.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) signals: Signals,
    pub(super) guardian: Guardian,
    pub(super) announcer: Announcer,
    pub(super) watchers: Option<Watchers>,
    pub(super) terminal: Option<&'a Terminal>,
    /// Size of the terminal that claude's stdout is, where it is one.
    pub(super) screen: Option<Size>,
    pub(super) setting: Setting,
    /// What the processes of this run carry.
    pub(super) mark: Option<Mark>,
    /// To whoever takes what is asked.
    pub(super) lines: Lines,
}

/// The child is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Over {
    pub(super) state: State,
    pub(super) ending: Ending,
    /// What becomes of its family.
    pub(super) family: Option<Action>,
    /// Somebody had asked that it end.
    pub(super) was_asked: bool,
    /// And that it is started again.
    pub(super) again: bool,
}

impl Run<'_> {
    /// From the start to the end. Gives what is left of the ends for another child.
    pub(super) async fn once(&mut self, ends: Ends) -> io::Result<(Over, Ends)> {
        let tap = self.announcer.publisher().map(|_| Tap::new());
        let is_told = self.watchers.as_ref().is_some_and(Watchers::expects_hooks);
        let mut stage = Stage::set(ends, self.terminal, tap.clone(), is_told)?;
        let reader =
            tap.and_then(|tap| start_reading(tap, self.screen, &self.announcer, self.watchers.as_ref()?));
        self.guardian.start().await;
        let mut over = self.attend(&mut stage).await;
        let Self { signals, guardian, announcer, setting, lines, .. } = self;

        let ended = Instant::now();
        let relatives = Relatives { mark: self.mark.clone(), child: stage.child() };
        let (mut resisting, asked) = tokio::join!(relatives.end(over.family, guardian), async {
            tokio::select! {
                biased;
                asked = asked_to_leave(signals, lines, *setting, over.state) => Some(asked),
                () = drained(&mut stage) => None,
            }
        });
        over.was_asked |= asked.is_some();
        over.again &= asked.is_none();
        // The program may have heard of a signal to everybody before us, and was no more when we did.
        if let (Some(Action::NameFamily), Some(Some(instead))) = (over.family, asked) {
            over.family = Some(instead);
            resisting = relatives.end(over.family, guardian).await;
        }
        if matches!(over.ending, Ending::Signaled(_) | Ending::Unknown) {
            stage.undo_modes();
        }
        let left = stage.strike();
        announcer.resisting(&resisting);
        finish_reading(reader, ended).await;
        Ok((over, left))
    }

    /// Waits so long, or until somebody asks for the start. `false` when somebody asks that we end meanwhile.
    pub(super) async fn rests(&mut self, time: Duration, state: State) -> bool {
        let Self { lines, signals, guardian, setting, .. } = self;
        let mut unused = Lines::unused();
        let until = tokio::time::Instant::now() + time;
        loop {
            tokio::select! {
                biased;
                _ = asked_to_leave(signals, &mut unused, *setting, state) => return false,
                _ = guardian.report() => return false,
                wish = lines.wish() => match wish {
                    Wish::Stop { .. } => return false,
                    Wish::Restart { .. } => return true,
                    Wish::Interrupt => {}
                },
                () = tokio::time::sleep_until(until) => return true,
            }
        }
    }

    /// Waits for what happens and has it dealt with, until the child is over.
    async fn attend(&mut self, stage: &mut Stage<'_>) -> Over {
        let Self { signals, guardian, announcer, setting, lines, .. } = self;
        let setting = *setting;
        let mut state = State::Starting { waiting: Waiting::Nothing };
        let (mut hung_up, mut again, mut grace_ends) = (false, false, None);
        let mut look_around = tokio::time::interval(LOOK_AROUND);
        loop {
            let (input, is_for_again) = tokio::select! {
                report = guardian.report() => (Input::Report(report), again),
                arrival = signals.next() => {
                    let input = Input::Signal(arrival);
                    (input, again && !asks_to_end(setting, input))
                }
                () = stage.hung_up() => (Input::HungUp, false),
                () = passed(grace_ends) => (Input::GraceOver, again),
                wish = lines.wish() => match wish {
                    Wish::Stop { grace } => (Input::Stop { grace }, false),
                    Wish::Restart { grace } => (Input::Stop { grace }, true),
                    Wish::Interrupt => (Input::Interrupt, again),
                },
                _ = look_around.tick(), if stage.must_look_around() => {
                    stage.look_around();
                    continue;
                }
            };
            again = is_for_again;
            if input.is_hang_up() && std::mem::replace(&mut hung_up, true) {
                continue;
            }
            let (next, actions) = step(setting, state, input);
            let was_asked = state.is_asked_to_end();
            state = next;
            grace_ends = deadline(&actions).or(grace_ends.filter(|_| input != Input::GraceOver));
            for action in &actions {
                stage.perform(*action, guardian, announcer).await;
                if let Action::AnnounceRunning(pid) = action {
                    lines.running(*pid, stage.keys());
                }
            }
            if input.is_hang_up() {
                stage.hang_up();
            }
            if let State::Ended { ending, .. } = state {
                let family = actions.into_iter().find(Action::is_about_family);
                return Over { state, ending, family, was_asked, again };
            }
        }
    }
}

/// Waits for the last output, and until the runtime has looked for signals once more: one that came in the same moment as
/// the child's end is known to it only then.
async fn drained(stage: &mut Stage<'_>) {
    stage.drain().await;
    tokio::task::yield_now().await;
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

/// Resolves when a signal or a wish means that we are not to wait any longer, with what it means for the child's family.
async fn asked_to_leave(
    signals: &mut Signals,
    lines: &mut Lines,
    setting: Setting,
    state: State,
) -> Option<Action> {
    loop {
        let input = tokio::select! {
            arrival = signals.next() => Input::Signal(arrival),
            wish = lines.wish() => match wish {
                Wish::Stop { grace } => Input::Stop { grace },
                Wish::Restart { .. } | Wish::Interrupt => continue,
            },
        };
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
