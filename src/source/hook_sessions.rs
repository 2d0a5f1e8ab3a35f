//! Hooks of claudes that no instance supervises, told to a hub that stands alone: each claude session is a session of
//! the hub, and is watched as an instance would watch it, by its hooks and its transcript.

use super::claude_folder::ClaudeFolder;
use super::watchers::{Output, Plan, Watchers};
use crate::control::{HookMail, HookPost};
use crate::detect::ticket::Tickets;
use crate::event::{SessionId, Source};
use crate::hub::{self, Hub, Publisher};
use crate::status::Note;
use serde::Deserialize;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Most sessions that are watched at once; beyond, the one that was silent longest ends.
const MAX_SESSIONS: usize = 128;
/// Hooks of one session that may wait to be looked at.
const INBOX: usize = 1024;
/// A session that was silent for so long is no longer watched; its next hook begins anew.
const FORGOTTEN: Duration = Duration::from_secs(12 * 3600);
/// Between two looks for those.
const LOOK: Duration = Duration::from_secs(60);
/// The hook with which claude says that a session is over.
const LAST_HOOK: &str = "SessionEnd";

/// How sessions are watched.
#[derive(Debug)]
pub struct Site {
    /// Where they are told of.
    pub hub: Hub,
    /// How tickets are recognised.
    pub tickets: Tickets,
    /// Where claude keeps its files, where that is known.
    pub claude_folder: Option<ClaudeFolder>,
}

#[derive(Debug)]
struct Watched {
    hooks: mpsc::Sender<HookMail>,
    watchers: Watchers,
    publisher: Publisher,
    heard: Instant,
}

/// Takes hooks until the inbox is closed; then what is open ends.
pub async fn run(site: Site, mut inbox: mpsc::Receiver<HookMail>) {
    let mut sessions = HashMap::<SessionId, Watched>::new();
    let mut endings = JoinSet::new();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            mail = inbox.recv() => match mail {
                // Nothing is held here: nobody could answer for a session that is not supervised.
                Some(HookMail::Left(_)) => {}
                Some(HookMail::Post(post)) => {
                    let Some(id) = session_of(&post) else { continue };
                    if !sessions.contains_key(&id) && sessions.len() >= MAX_SESSIONS {
                        endings.extend(longest_silent(&mut sessions).map(end));
                    }
                    let is_last = post.event == LAST_HOOK;
                    let session = sessions.entry(id.clone()).or_insert_with(|| site.watch(&id));
                    session.take(post).await;
                    if is_last {
                        endings.extend(sessions.remove(&id).map(end));
                    }
                }
                None => break,
            },
            now = looks.tick() => {
                let silent = sessions.extract_if(|_, session| now.duration_since(session.heard) >= FORGOTTEN);
                endings.extend(silent.map(|(_, session)| end(session)));
            }
            Some(_) = endings.join_next() => {}
        }
    }
    endings.extend(sessions.into_values().map(end));
    while endings.join_next().await.is_some() {}
}

impl Site {
    fn watch(&self, id: &SessionId) -> Watched {
        let (hooks, posted) = mpsc::channel(INBOX);
        let plan = Plan {
            // Nobody here knows the process.
            child: tokio::sync::watch::channel(None).1,
            hooks: Some(posted),
            hooks_expected: true,
            hooks_missing: None,
            output: Output::Unseen,
            tickets: self.tickets.clone(),
            claude_folder: self.claude_folder.clone(),
            since: hub::now(),
        };
        let publisher = self.hub.publisher(Source::Hook).in_session(id.clone());
        self.hub.watch_session(id);
        publisher.note(Note::Begun);
        Watched { hooks, watchers: Watchers::start(&publisher, plan), publisher, heard: Instant::now() }
    }
}

impl Watched {
    async fn take(&mut self, post: HookPost) {
        self.heard = Instant::now();
        // The one who reads them lives as long as the watchers do.
        let _read = self.hooks.send(HookMail::Post(post)).await;
    }
}

/// The session ends once its hooks are read: the sender goes first.
async fn end(session: Watched) {
    let Watched { hooks, watchers, publisher, .. } = session;
    drop(hooks);
    watchers.finish().await;
    publisher.note(Note::Over(hub::now()));
}

fn longest_silent(sessions: &mut HashMap<SessionId, Watched>) -> Option<Watched> {
    let oldest = sessions.iter().min_by_key(|(_, session)| session.heard).map(|(id, _)| id.clone())?;
    sessions.remove(&oldest)
}

/// Claude's own id of its session, which every hook carries.
fn session_of(post: &HookPost) -> Option<SessionId> {
    #[derive(Deserialize)]
    struct Head {
        session_id: String,
    }
    let head: Head = serde_json::from_slice(&post.body).ok()?;
    (!head.session_id.is_empty() && head.session_id.len() <= 256).then(|| SessionId::new(&head.session_id))
}
