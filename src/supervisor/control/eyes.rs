//! What claude is doing at this moment, asked of all that know: what the hub has folded, and claude's own file. The thread
//! that types reads no file and waits for nobody: directly before something is typed, it compares what was seen last, and
//! how long ago that was.

use super::manner::Program;
use crate::event::body::{ActivityState, ProcessState};
use crate::hub::Hub;
use crate::source::claude_folder::ClaudeFolder;
use crate::source::claude_state::{self, Said};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Works.
    Busy,
    /// Asks something, whose answer a key would be.
    Asks,
    /// Waits for a prompt, by a source that knows.
    Idle,
    /// It has just finished, and puts things in order: soon it is idle.
    Settles,
    /// It looks idle, and nobody who knows has said so.
    Unsure,
    /// It has not begun.
    Starting,
}

/// Those who know.
#[derive(Debug, Clone)]
pub(super) struct Eyes {
    hub: Hub,
    folder: Option<ClaudeFolder>,
    program: Program,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Claude tells by hooks.
    has_hooks: AtomicBool,
    /// When the first has come from this claude. Short: nothing is asked while it is held.
    heard: Mutex<Option<Instant>>,
    /// What it does was last told by somebody who knows.
    is_exact: AtomicBool,
    /// What was seen last, of which process, and when. Short: three words are copied.
    seen: Mutex<Option<(u32, Doing, Instant)>>,
    /// The turn of the last prompt, until its end was seen. Short: nothing is asked while it is held.
    turn: Mutex<Option<Turn>>,
}

/// A turn that has begun. For a moment, what claude's file says is older.
#[derive(Debug, Clone, Copy)]
struct Turn {
    since: Instant,
    /// It was seen to work.
    was_busy: bool,
}

/// So long after its first word, claude may show what is typed and not hear Enter (2.1.197).
const BEGINNING: Duration = Duration::from_secs(1);
/// A turn of which nobody sees anything for so long was over before it was looked at.
const UNSEEN: Duration = Duration::from_secs(2);
/// What was seen so long ago is not known any more.
const FRESH: Duration = Duration::from_secs(1);

/// Nobody looks.
pub(super) const NOT_SEEN: &str = "it is not known what claude does now";

impl Eyes {
    pub(super) fn new(hub: Hub, folder: Option<ClaudeFolder>, program: Program, has_hooks: bool) -> Self {
        let shared = Shared {
            has_hooks: AtomicBool::new(has_hooks),
            heard: Mutex::default(),
            is_exact: AtomicBool::new(false),
            seen: Mutex::default(),
            turn: Mutex::default(),
        };
        Self { hub, folder, program, shared: Arc::new(shared) }
    }

    /// Whether claude tells of the prompts it takes.
    pub(super) fn is_told_of_prompts(&self) -> bool {
        self.shared.has_hooks.load(SeqCst)
    }

    /// Hooks that should come do not.
    pub(super) fn hooks_are_missing(&self) {
        self.shared.has_hooks.store(false, SeqCst);
    }

    /// A hook came.
    pub(super) fn heard(&self) {
        locked(&self.shared.heard).get_or_insert_with(Instant::now);
    }

    /// What it does was told, exactly or by its looks.
    pub(super) fn was_told(&self, is_exact: bool) {
        self.shared.is_exact.store(is_exact, SeqCst);
    }

    /// A turn has begun, or is over.
    pub(super) fn turn(&self, has_begun: bool) {
        let turn = Turn { since: Instant::now(), was_busy: false };
        *locked(&self.shared.turn) = has_begun.then_some(turn);
    }

    /// Whether the last turn goes on, for all that looks idle.
    pub(super) fn is_in_turn(&self, looks_busy: bool) -> bool {
        let mut turn = locked(&self.shared.turn);
        let Some(begun) = turn.as_mut() else { return false };
        begun.was_busy |= looks_busy;
        let is_over = !looks_busy && (begun.was_busy || begun.since.elapsed() >= UNSEEN);
        if is_over {
            *turn = None;
        }
        !is_over
    }

    /// Another claude begins.
    pub(super) fn forget(&self) {
        *locked(&self.shared.heard) = None;
        *locked(&self.shared.seen) = None;
        self.shared.is_exact.store(false, SeqCst);
        self.turn(false);
    }

    /// What this claude does. It reads claude's file.
    pub(super) fn doing(&self, pid: u32) -> Doing {
        let doing = self.look(pid);
        *locked(&self.shared.seen) = Some((pid, doing, Instant::now()));
        doing
    }

    /// What this claude did a moment ago, by [`Eyes::doing`]; `None` where nobody has looked since.
    pub(super) fn seen(&self, pid: u32) -> Option<Doing> {
        let (whose, doing, at) = (*locked(&self.shared.seen))?;
        (whose == pid && at.elapsed() < FRESH).then_some(doing)
    }

    fn look(&self, pid: u32) -> Doing {
        use ActivityState::{Busy, Idle, NeedsInput, NeedsPermission};
        let standing = self.hub.standing();
        if standing.claude != Some(ProcessState::Running) {
            return Doing::Starting;
        }
        let said = match (&self.folder, self.program) {
            (Some(folder), Program::Claude) => claude_state::now(folder, pid),
            _ => None,
        };
        if self.hub.has_questions() {
            return Doing::Asks;
        }
        let own = match said {
            Some(Said::Activity(own)) => Some(own),
            Some(Said::Unknown) | None => None,
        };
        let looks_busy = standing.activity == Some(Busy) && own.is_none() || own == Some(Busy);
        let is_in_turn = self.is_in_turn(looks_busy);
        match (standing.activity, own) {
            (Some(NeedsPermission | NeedsInput), _) | (_, Some(NeedsPermission | NeedsInput)) => Doing::Asks,
            (Some(Busy), _) => Doing::Busy,
            (_, Some(Busy)) => Doing::Settles,
            (Some(Idle), Some(Idle) | None) if is_in_turn => Doing::Busy,
            (Some(Idle), None) if said == Some(Said::Unknown) => Doing::Unsure,
            (None, Some(Idle)) => self.idle(true),
            (None, _) => Doing::Starting,
            (Some(Idle), own) => self.idle(own.is_some()),
        }
    }

    /// A dialog at its start (whether its folder is trusted) comes before the first hook and any word of its own.
    fn idle(&self, says_so_itself: bool) -> Doing {
        let heard = *locked(&self.shared.heard);
        let is_exact = says_so_itself || self.shared.is_exact.load(SeqCst) || self.program == Program::Other;
        match heard {
            _ if !is_exact => Doing::Unsure,
            None if self.is_told_of_prompts() => Doing::Unsure,
            Some(heard) if heard.elapsed() < BEGINNING => Doing::Settles,
            None | Some(_) => Doing::Idle,
        }
    }
}

/// Whether a prompt can be typed while claude does this; `Err` says why not.
pub(super) fn may_type(doing: Doing) -> Result<(), &'static str> {
    match doing {
        Doing::Idle => Ok(()),
        Doing::Busy | Doing::Settles => Err("claude is busy"),
        Doing::Asks => Err("a permission is pending: answer it with respond_permission"),
        Doing::Starting => Err("claude is starting"),
        Doing::Unsure => Err("it is not known for certain that claude is idle"),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
