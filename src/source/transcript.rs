//! Follows claude's transcripts: the file of each session it is told of, and the files of that session's agents.
//!
//! What a line means is `detect::transcript`'s business. It listens to the folders, and looks once a second as well,
//! because not every file system tells of changes. Everything here is bounded: sessions, agents, what is read of a
//! file at once, what waits to be handed on.

mod session;

use self::session::Session;
use crate::detect::claude_json;
use crate::event::{Source, Timestamp};
use crate::process::folders::Folders;
use crate::source::claude_folder::ClaudeFolder;
use crate::source::seen::{FaultKind, Seen, Track};
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// Between two looks, where nothing is heard.
const LOOK: Duration = Duration::from_secs(1);

/// From the first sign of a change to the look, so that what claude writes within a moment is seen together and can be
/// put in order.
const GATHER: Duration = Duration::from_millis(20);

/// For reading everything once more at the end.
const LAST_LOOK: Duration = Duration::from_millis(500);

/// Most sessions that are followed; the oldest is left first.
const MAX_SESSIONS: usize = 64;

/// Most causes that are told.
const MAX_FAULTS: usize = 256;

/// Follows what `tracks` names until `stop` is done, then reads every file to its end once more, for at most 500 ms.
/// It also ends when nobody takes from `out` any longer. What is older than `since` is past.
pub async fn follow(
    mut tracks: mpsc::Receiver<Track>,
    folder: ClaudeFolder,
    since: Timestamp,
    out: mpsc::Sender<Seen>,
    stop: impl Future<Output = ()>,
) {
    let mut follower = Follower::new(folder, since, out);
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(track) = tracks.recv() => follower.track(track),
            () = follower.folders.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        tokio::select! {
            biased;
            () = &mut stop => break,
            () = tokio::time::sleep(GATHER) => {}
        }
        while let Ok(track) = tracks.try_recv() {
            follower.track(track);
        }
        tokio::select! {
            biased;
            () = &mut stop => break,
            looked = follower.look() => if looked.is_err() { return },
        }
    }
    while let Ok(track) = tracks.try_recv() {
        follower.track(track);
    }
    let _timed_out = tokio::time::timeout(LAST_LOOK, follower.look()).await;
}

/// Nobody takes what is seen.
struct Closed;

struct Follower {
    folder: ClaudeFolder,
    since: Timestamp,
    folders: Folders,
    sessions: VecDeque<Session>,
    outlet: Outlet,
}

impl Follower {
    fn new(folder: ClaudeFolder, since: Timestamp, out: mpsc::Sender<Seen>) -> Self {
        let outlet = Outlet { out, waiting: VecDeque::new(), told: BTreeSet::new() };
        Self { folder, since, folders: Folders::new(), sessions: VecDeque::new(), outlet }
    }

    fn track(&mut self, track: Track) {
        if claude_json::session_id(&track.claude_session).is_none() {
            return;
        }
        let outlet = &mut self.outlet;
        let mut is_sane = |path: &PathBuf| {
            self.folder.check(path).map_err(|why| outlet.fault(FaultKind::Refused, why)).is_ok()
        };
        let told = track.path.filter(&mut is_sane);
        let known = self.sessions.iter_mut().find(|session| *session.id() == track.claude_session);
        match (known, told) {
            (Some(session), Some(path)) => session.moves_to(path, self.since),
            (Some(_), None) => {}
            (None, told) => {
                let cwd = track.cwd.unwrap_or_default();
                let path = told.or_else(|| self.folder.transcript(&cwd, &track.claude_session));
                path.into_iter()
                    .for_each(|path| self.begin(Session::new(&track.claude_session, path, self.since)));
            }
        }
    }

    fn begin(&mut self, session: Session) {
        if self.sessions.len() >= MAX_SESSIONS {
            self.sessions.pop_front();
        }
        self.sessions.push_back(session);
    }

    /// Reads everything there is. It may be dropped at any point: what was read is not lost.
    async fn look(&mut self) -> Result<(), Closed> {
        self.outlet.flush().await?;
        for session in &mut self.sessions {
            // Before it is looked for, so that what comes into being meanwhile is heard of.
            session.listen(&self.folders, self.folder.path());
            session.find_agents(self.since, &mut self.outlet);
            self.outlet.flush().await?;
            for file in session.files() {
                while file.read_on(&self.folder, &mut self.outlet) {
                    self.outlet.flush().await?;
                    tokio::task::yield_now().await;
                }
                self.outlet.flush().await?;
            }
        }
        Ok(())
    }
}

/// The way out: what one piece of a file said waits here until it is taken.
#[derive(Debug)]
struct Outlet {
    out: mpsc::Sender<Seen>,
    waiting: VecDeque<Seen>,
    told: BTreeSet<String>,
}

impl Outlet {
    /// Tells of a fault, once.
    fn fault(&mut self, kind: FaultKind, what: String) {
        if self.told.len() < MAX_FAULTS && self.told.insert(what.clone()) {
            self.waiting.push_back(Seen::Fault { source: Source::Transcript, kind, what });
        }
    }

    async fn flush(&mut self) -> Result<(), Closed> {
        while !self.waiting.is_empty() {
            let room = self.out.reserve().await.map_err(|_| Closed)?;
            if let Some(seen) = self.waiting.pop_front() {
                room.send(seen);
            }
        }
        Ok(())
    }
}

fn time_of(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
