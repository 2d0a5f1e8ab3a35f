//! Follows what claude says of itself in `sessions/<pid>.json`: whether it works or waits, and in which session.
//!
//! The file is the only exact word on a turn that was interrupted. It changes its session at `/clear` and is gone when
//! claude is.

use crate::detect::observation::{Fact, Observation};
use crate::detect::session_state::{self, Other, SessionState};
use crate::event::body::ActivityState;
use crate::event::{Source, Timestamp};
use crate::hub;
use crate::process::folders::Folders;
use crate::process::processes;
use crate::source::claude_folder::{ClaudeFolder, open_own};
use crate::source::seen::{Seen, Track};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// Between two looks, where nothing is heard.
const LOOK: Duration = Duration::from_secs(1);

/// How long claude has to be idle before what is still open is not coming back.
const SETTLED: Duration = Duration::from_millis(500);

/// Most of the file that is read, bytes.
const MAX_STATE: u64 = 64 * 1024;

/// Follows the state of `child`, claude's process id, until its other end is closed or nobody takes from `out` any
/// longer. Each session claude turns out to be in is handed to `tracks`.
pub async fn follow(
    mut child: watch::Receiver<Option<u32>>,
    folder: ClaudeFolder,
    tracks: mpsc::Sender<Track>,
    out: mpsc::Sender<Seen>,
) {
    let mut follower = Follower { folder, folders: Folders::new(), tracks, out, last: None, settles: None };
    loop {
        let pid = *child.borrow_and_update();
        if let Some(pid) = pid
            && follower.look(pid).await.is_err()
        {
            return;
        }
        tokio::select! {
            biased;
            changed = child.changed() => if changed.is_err() { break },
            () = follower.folders.changed() => {}
            () = at(follower.settles) => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    let pid = *child.borrow();
    if let Some(pid) = pid {
        let _timed_out = tokio::time::timeout(SETTLED, follower.look(pid)).await;
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// What claude says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It does this.
    Activity(ActivityState),
    /// A word that is not known.
    Unknown,
}

/// What the claude of this process id says of itself at this moment; `None` where it says nothing.
pub fn now(folder: &ClaudeFolder, pid: u32) -> Option<Said> {
    let state = read(&folder.sessions().join(format!("{pid}.json")), pid)?;
    match (state.activity, state.other) {
        (Some(activity), _) => Some(Said::Activity(activity)),
        (None, Some(Other::Shells)) => Some(Said::Activity(ActivityState::Idle)),
        (None, Some(Other::Unknown)) => Some(Said::Unknown),
        (None, None) => None,
    }
}

/// Claude's own word on what it does at this moment, asked directly.
#[derive(Debug)]
pub struct OwnWord {
    /// Claude's process id, while it runs.
    pub child: watch::Receiver<Option<u32>>,
    /// Where its files are.
    pub folder: ClaudeFolder,
}

impl OwnWord {
    /// Since when it has not waited for its user's answer; `None` where it waits, or does not say.
    pub fn asks_nobody_since(&self) -> Option<Timestamp> {
        let pid = (*self.child.borrow())?;
        let state = read(&self.folder.sessions().join(format!("{pid}.json")), pid)?;
        let asks_nobody = matches!(state.activity, Some(ActivityState::Busy | ActivityState::Idle));
        state.at.filter(|_| asks_nobody)
    }
}

/// Nobody takes what is seen.
struct Closed;

struct Follower {
    folder: ClaudeFolder,
    folders: Folders,
    tracks: mpsc::Sender<Track>,
    out: mpsc::Sender<Seen>,
    last: Option<SessionState>,
    /// When claude will have been idle for long enough.
    settles: Option<Instant>,
}

impl Follower {
    async fn look(&mut self, pid: u32) -> Result<(), Closed> {
        let sessions = self.folder.sessions();
        self.folders.listen_down(self.folder.path(), &sessions);
        if let Some(state) = read(&sessions.join(format!("{pid}.json")), pid) {
            self.take(state).await?;
        }
        self.settle().await
    }

    async fn take(&mut self, state: SessionState) -> Result<(), Closed> {
        let last = self.last.as_ref();
        let same_session = last.is_some_and(|last| last.claude_session == state.claude_session);
        if !same_session {
            let claude_session = Arc::clone(&state.claude_session);
            let cwd = state.cwd.clone().map(Into::into);
            // Where nobody follows transcripts, the state is told all the same.
            let _closed = self.tracks.send(Track { claude_session, path: None, cwd }).await;
        }
        let same_activity = same_session && last.is_some_and(|last| last.activity == state.activity);
        if let Some(activity) = state.activity.filter(|_| !same_activity) {
            let settles = activity == ActivityState::Idle;
            self.settles = settles.then(|| Instant::now() + SETTLED);
            self.tell(&state, state.at, Fact::State(activity)).await?;
        }
        self.last = Some(state);
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Closed> {
        if self.settles.is_none_or(|at| Instant::now() < at) {
            return Ok(());
        }
        self.settles = None;
        match self.last.clone() {
            // As of when it was said: a prompt that came meanwhile is not over.
            Some(state) => self.tell(&state, state.at, Fact::Settled).await,
            None => Ok(()),
        }
    }

    /// `at` is when claude says it happened; else it is now.
    async fn tell(&self, state: &SessionState, at: Option<Timestamp>, fact: Fact) -> Result<(), Closed> {
        let claude_session = Arc::clone(&state.claude_session);
        let at = at.unwrap_or_else(hub::now);
        let observation = Observation { claude_session, agent: None, at, past: false, fact };
        self.out.send(Seen::Observed(Source::Transcript, observation)).await.map_err(|_| Closed)
    }
}

/// The state of exactly this process: a file may be left over from another one that had its id.
fn read(path: &Path, pid: u32) -> Option<SessionState> {
    let mut content = Vec::new();
    open_own(path).ok()?.take(MAX_STATE).read_to_end(&mut content).ok()?;
    let state = session_state::read(&content).filter(|state| state.pid == pid)?;
    let started = processes::start_ticks(pid);
    let same = state.started.is_none() || started.is_none() || state.started == started;
    same.then_some(state)
}

#[cfg(test)]
mod tests;
