//! Everything that watches claude's work, started together and ended together: the funnel, the followers of claude's
//! files, and the way into the funnel for the reader of the output.

use super::claude_folder::ClaudeFolder;
use super::claude_state::OwnWord;
use super::funnel::{Funnel, QUEUE};
use super::hook_watch::HookWatch;
use super::output::Meaning;
use super::seen::Seen;
use super::{claude_state, transcript};
use crate::control::{HookMail, Order};
use crate::detect::ticket::Tickets;
use crate::detect::tool::Detector;
use crate::event::body::{Body, Fault, Severity};
use crate::event::{Source, Timestamp};
use crate::hub::Publisher;
use crate::status::{Health, Note};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// After claude's end, its files are read to their ends within this.
const LAST_READ: Duration = Duration::from_millis(700);
/// Then the funnel takes in what is left within this.
const LAST_WORD: Duration = Duration::from_millis(1000);
/// Why there is no `claude.output`.
const UNSEEN: &str = "claude has the terminal for itself (--launch-method exec): what it writes is not seen";
/// Sessions whose transcripts wait to be followed.
const TRACKS: usize = 64;
/// Answers to claude's questions that wait to be given.
const ANSWERS: usize = 64;

/// What claude's output is to those who watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// What it shows to people.
    Text,
    /// Its stream of JSON lines.
    Stream,
    /// Its own affair: it writes to what it was given, and nothing of ours is between.
    Unseen,
}

/// What there is to watch.
#[derive(Debug)]
pub struct Plan {
    /// Claude's process id, once it runs.
    pub child: watch::Receiver<Option<u32>>,
    /// What claude posts; `None` where nothing can be posted.
    pub hooks: Option<mpsc::Receiver<HookMail>>,
    /// Claude was asked to post.
    pub hooks_expected: bool,
    /// Why hooks will not come that should.
    pub hooks_missing: Option<String>,
    /// What claude's output is to us.
    pub output: Output,
    /// How tickets are recognised.
    pub tickets: Tickets,
    /// Where claude keeps its files, where that is known.
    pub claude_folder: Option<ClaudeFolder>,
    /// What is older is of an earlier run.
    pub since: Timestamp,
}

/// Those who watch.
#[derive(Debug)]
pub struct Watchers {
    publisher: Publisher,
    hooks_missing: Option<String>,
    hooks_expected: bool,
    claude_folder: Option<ClaudeFolder>,
    seen: mpsc::Sender<Seen>,
    permissions: mpsc::Sender<Order>,
    has_stream: bool,
    stop: watch::Sender<bool>,
    followers: Vec<JoinHandle<()>>,
    end: watch::Sender<bool>,
    funnel: JoinHandle<()>,
}

impl Watchers {
    /// Starts them; they publish with `publisher`.
    pub fn start(publisher: &Publisher, plan: Plan) -> Self {
        tell_sources(publisher, &plan);
        let has_stream = plan.output == Output::Stream;
        let (seen, seen_by_funnel) = mpsc::channel(QUEUE);
        let (tracks, tracked) = mpsc::channel(TRACKS);
        let (permissions, answered) = mpsc::channel(ANSWERS);
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let hook_watch = HookWatch::new(plan.hooks_expected);
        let detector = Detector::new(plan.tickets, has_stream);
        let own_word = plan.claude_folder.clone().map(|folder| OwnWord { child: plan.child.clone(), folder });
        let funnel = Funnel::new(publisher.clone(), detector, hook_watch, tracks.clone());
        let funnel = funnel.with_own_word(own_word);
        let hooks = plan.hooks.unwrap_or_else(|| mpsc::channel(1).1);
        let funnel = tokio::spawn(funnel.run(hooks, seen_by_funnel, answered, ended));
        let claude_folder = plan.claude_folder.clone();
        let followers = plan.claude_folder.map_or_else(Vec::new, |folder| {
            let state = claude_state::follow(plan.child, folder.clone(), tracks, seen.clone());
            let state = stopped_by(stopped.clone(), state);
            let stop = signalled(stopped);
            let transcripts = transcript::follow(tracked, folder, plan.since, seen.clone(), stop);
            vec![tokio::spawn(state), tokio::spawn(transcripts)]
        });
        Self {
            publisher: publisher.as_source(Source::Hook),
            hooks_expected: plan.hooks_expected && plan.hooks_missing.is_none(),
            hooks_missing: plan.hooks_missing,
            claude_folder,
            seen,
            permissions,
            has_stream,
            stop,
            followers,
            end,
            funnel,
        }
    }

    /// Says what will not be seen of the session that has begun.
    pub fn warn(&self) {
        if let Some(why) = &self.hooks_missing {
            self.publisher.publish(Body::Error(Fault {
                error: why.clone(),
                component: Source::Hook.as_str().into(),
                severity: Severity::Warning,
                error_code: "CFG001".into(),
            }));
        }
    }

    /// For the reader of claude's output.
    pub fn meaning(&self) -> Meaning {
        Meaning { seen: self.seen.clone(), has_stream: self.has_stream }
    }

    /// Where claude's questions are answered.
    pub fn permissions(&self) -> mpsc::Sender<Order> {
        self.permissions.clone()
    }

    /// Whether claude was told to tell by hooks, and can.
    pub fn expects_hooks(&self) -> bool {
        self.hooks_expected
    }

    /// Where claude keeps its files, where that is known.
    pub fn claude_folder(&self) -> Option<&ClaudeFolder> {
        self.claude_folder.as_ref()
    }

    /// Claude's process is over, and another may follow: what is open ends.
    pub async fn over(&self) {
        // A funnel that does not take it in time is busy with what came before, and ends what is open at the end.
        drop(tokio::time::timeout(LAST_WORD, self.seen.send(Seen::Over)).await);
    }

    /// Claude has ended: what is left is taken in, what is open ends. Takes no longer than its bounds.
    pub async fn finish(self) {
        self.stop.send_replace(true);
        let all_read = async {
            for follower in self.followers {
                // One that has failed has nothing more to say.
                let _failed = follower.await;
            }
        };
        if tokio::time::timeout(LAST_READ, all_read).await.is_err() {
            tracing::warn!("cannot read claude's files to their ends in time");
        }
        self.end.send_replace(true);
        if tokio::time::timeout(LAST_WORD, self.funnel).await.is_err() {
            tracing::warn!("cannot take in all that was seen in time");
        }
    }
}

/// Waits for the signal; the sender dropped is one too.
async fn signalled(mut stop: watch::Receiver<bool>) {
    drop(stop.wait_for(|on| *on).await);
}

async fn stopped_by(stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        () = signalled(stop) => {}
    }
}

/// Says in the status which sources there are, before they have spoken.
fn tell_sources(publisher: &Publisher, plan: &Plan) {
    let off = |why: &str| Some(why.to_owned());
    let hooks = match &plan.hooks_missing {
        Some(why) => (Health::Missing, Some(why.clone())),
        None if plan.hooks_expected => (Health::Expected, None),
        None => (Health::Expected, off("none were asked for")),
    };
    let transcript = if plan.claude_folder.is_some() { None } else { off("claude's folder is not known") };
    let mut sources = vec![(Source::Hook, hooks), (Source::Transcript, (Health::Expected, transcript))];
    match plan.output {
        Output::Text => {}
        Output::Stream => sources.push((Source::Stream, (Health::Expected, None))),
        Output::Unseen => sources.push((Source::Screen, (Health::Missing, off(UNSEEN)))),
    }
    for (source, (health, note)) in sources {
        publisher.note(Note::Source(source, health, note));
    }
}
