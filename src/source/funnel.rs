//! The one place where hooks, stream, transcript and screen become events of claude's work.
//!
//! It owns the only [`Detector`] and is the only publisher of its facts; the others send it what they see over bounded
//! queues. When claude has ended it takes in what is left, closes what is open, and ends.

use super::asked::{Answered, Around, Asking};
use super::claude_folder::MAX_PATH;
use super::claude_state::OwnWord;
use super::hook_watch::HookWatch;
use super::repeats::Repeats;
use super::seen::{FaultKind, Seen, Track};
use crate::control::{Command, Hold, HookMail, HookPost, Order};
use crate::detect::hook::{self, Heard};
use crate::detect::observation::{Fact, Observation};
use crate::detect::tool::{Detector, FactKey, Told};
use crate::event::body::{Body, Fault, Severity};
use crate::event::{Source, Timestamp};
use crate::hub::{self, Publisher};
use crate::status::{Health, Note};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Observations that may wait, of all sources but hooks.
pub const QUEUE: usize = 4096;
/// Most facts whose event is remembered, so that it can be confirmed.
const MAX_FACTS: usize = 8192;
/// Most claude sessions that are announced once.
const MAX_SESSIONS: usize = 256;

/// The funnel.
#[derive(Debug)]
pub struct Funnel {
    publisher: Publisher,
    detector: Detector,
    tracks: mpsc::Sender<Track>,
    facts: Facts,
    sessions: HashSet<Arc<str>>,
    faults: HashMap<(String, FaultKind), u64>,
    hook_watch: HookWatch,
    repeats: Repeats,
    asking: Asking,
    own_word: Option<OwnWord>,
    hooks_lost: u64,
    /// A source with ids has spoken: the screen is not asked any more.
    is_exact: bool,
}

impl Funnel {
    /// A funnel that publishes with `publisher`. `hook_watch` knows whether hooks should come; `tracks` is where it is
    /// said which transcripts there are.
    pub fn new(
        publisher: Publisher,
        detector: Detector,
        hook_watch: HookWatch,
        tracks: mpsc::Sender<Track>,
    ) -> Self {
        Self {
            publisher,
            detector,
            tracks,
            facts: Facts::default(),
            sessions: HashSet::new(),
            faults: HashMap::new(),
            hook_watch,
            repeats: Repeats::default(),
            asking: Asking::default(),
            own_word: None,
            hooks_lost: 0,
            is_exact: false,
        }
    }

    /// Claude is asked itself, too, before an answer is given to it.
    #[must_use]
    pub fn with_own_word(mut self, own_word: Option<OwnWord>) -> Self {
        self.own_word = own_word;
        self
    }

    /// Runs until `end` says so; what was sent by then is taken in. Then everything open ends.
    pub async fn run(
        mut self,
        mut hooks: mpsc::Receiver<HookMail>,
        mut seen: mpsc::Receiver<Seen>,
        mut answers: mpsc::Receiver<Order>,
        mut end: watch::Receiver<bool>,
    ) {
        let mut hooks_open = true;
        loop {
            let overdue = self.hook_watch.deadline();
            let due = self.detector.due();
            let unsure = self.asking.due();
            tokio::select! {
                biased;
                mail = hooks.recv(), if hooks_open => match mail {
                    Some(mail) => self.mail(mail),
                    None => hooks_open = false,
                },
                item = seen.recv() => match item {
                    Some(item) => self.seen(item),
                    None => break,
                },
                Some(order) = answers.recv() => self.answer(order),
                // The sender dropped is the end too.
                _ = end.wait_for(|end| *end) => break,
                () = at(overdue) => self.hooks_are_missing(),
                () = at(unsure) => self.asking.give_up(tokio::time::Instant::now()),
                () = until(due) => {
                    let told = self.detector.tick(hub::now());
                    self.tell(told);
                }
            }
        }
        while let Ok(mail) = hooks.try_recv() {
            self.mail(mail);
        }
        self.look_for_lost_hooks();
        while let Ok(item) = seen.try_recv() {
            self.seen(item);
        }
        if self.hook_watch.deadline().is_some() {
            self.hooks_are_missing();
        }
        let told = self.detector.finish(hub::now());
        self.tell(told);
    }

    fn mail(&mut self, mail: HookMail) {
        match mail {
            HookMail::Post(mut post) => {
                let hold = post.hold.take();
                self.hook(&post, hold);
            }
            HookMail::Left(id) => self.detector.left(&id, hub::now()),
        }
    }

    /// A hold that goes lets claude go on without an answer.
    fn hook(&mut self, post: &HookPost, hold: Option<Hold>) {
        self.look_for_lost_hooks();
        if self.repeats.has(post) && !self.asks_anew(post) {
            return;
        }
        match hook::read(&post.event, &post.body, post.arrived) {
            Ok(Heard { event, mut observations, transcript_path, claude_session, cwd }) => {
                self.hook_watch.heard();
                let question = self.asking.asks(&event.name, &mut observations, hold);
                self.publisher.as_source(Source::Hook).publish(Body::Hook(event));
                if let Some(claude_session) = claude_session {
                    self.track(claude_session, transcript_path, cwd);
                }
                for observation in &observations {
                    self.observed(&Source::Hook, observation);
                }
                if let Some(question) = question.filter(|question| self.detector.is_open(question.id())) {
                    self.asking.wait(question);
                }
            }
            Err(fault) => self.fault(&Source::Hook, FaultKind::Unreadable, fault.to_string()),
        }
    }

    /// Questions have no ids: two calls of the same words are asked for with the same hook. One that is asked for twice is
    /// a call that was asked for already.
    fn asks_anew(&mut self, post: &HookPost) -> bool {
        let heard = hook::read(&post.event, &post.body, post.arrived).ok();
        let asks = heard.into_iter().flat_map(|heard| heard.observations).find_map(|seen| match &seen.fact {
            Fact::PermissionAsked(asked) => {
                let is_new = self.detector.asks_anew(&seen);
                Some(is_new.unwrap_or_else(|| !self.asking.has_waiting(asked)))
            }
            _ => None,
        });
        let is_new = asks == Some(true);
        if is_new {
            self.repeats.renew(post);
        }
        is_new
    }

    /// Somebody answers a question from elsewhere.
    fn answer(&mut self, order: Order) {
        let Command::Respond { permission_id, .. } = &order.command else { return };
        let around = Around {
            shown: self.publisher.hub().question(permission_id),
            is_presumed: self.detector.is_presumed(permission_id),
            asks_nobody_since: self.own_word.as_ref().and_then(OwnWord::asks_nobody_since),
        };
        let Some(answered) = self.asking.answer(order, &around) else { return };
        let Answered { id, decision, message, at, is_unsure } = answered;
        if is_unsure {
            self.detector.refused(&id, message, at);
        } else {
            let told = self.detector.decided(&id, decision, message, at);
            self.tell(told);
        }
    }

    fn track(&mut self, claude_session: Arc<str>, path: Option<String>, cwd: Option<String>) {
        let is_path = |text: &String| text.len() <= MAX_PATH;
        if path.as_ref().is_some_and(|path| !is_path(path)) {
            let what = format!("cannot follow transcript: its path is longer than {MAX_PATH} bytes");
            self.fault(&Source::Transcript, FaultKind::Refused, what);
        }
        let [path, cwd] = [path, cwd].map(|text| text.filter(is_path).map(Into::into));
        // A full queue holds the same sessions already, and a later hook says it again.
        let _full = self.tracks.try_send(Track { claude_session, path, cwd });
    }

    fn seen(&mut self, item: Seen) {
        match item {
            Seen::Observed(source, observation) => {
                if !observation.past && shows_work(&observation.fact) {
                    self.hook_watch.work_seen();
                }
                self.observed(&source, &observation);
            }
            Seen::Over => {
                let told = self.detector.finish(hub::now());
                self.tell(told);
            }
            Seen::Looks(state) => {
                let told = self.detector.looks(state, hub::now());
                self.tell(told);
            }
            Seen::Drawn(observation) if !self.is_exact => self.observed(&Source::Screen, &observation),
            Seen::Drawn(_) => {}
            Seen::Fault { source, kind, what } => self.fault(&source, kind, what),
        }
    }

    fn observed(&mut self, source: &Source, observation: &Observation) {
        if *source != Source::Screen && !observation.past {
            self.is_exact = true;
            self.session(&observation.claude_session);
        }
        let told = self.detector.feed(source, observation);
        self.tell(told);
        self.publisher.hub().took_in();
    }

    fn tell(&mut self, told: Vec<Told>) {
        for Told { source, key, body } in told {
            if let Some(Body::PermissionResolved(end)) = &body {
                self.asking.over(end);
            }
            let publisher = self.publisher.as_source(source);
            match body {
                Some(body) => self.facts.insert(key, publisher.publish(body)),
                None => {
                    if let Some(seq) = self.facts.seq(&key) {
                        publisher.confirm(seq);
                    }
                }
            }
        }
    }

    /// Claude's session is made known once.
    fn session(&mut self, id: &Arc<str>) {
        if self.sessions.len() < MAX_SESSIONS && self.sessions.insert(Arc::clone(id)) {
            self.publisher.note(Note::ClaudeSession(id.to_string()));
        }
    }

    /// The listener answers hooks that it cannot hand on, so that claude is not held up, and counts them.
    fn look_for_lost_hooks(&mut self) {
        let lost = self.publisher.hub().gauges().hooks_lost();
        if std::mem::replace(&mut self.hooks_lost, lost) < lost {
            let what = format!("cannot take in all hooks: {lost} came too fast or too large");
            self.fault(&Source::Hook, FaultKind::Lost, what);
        }
    }

    fn hooks_are_missing(&mut self) {
        let why = self.hook_watch.given_up();
        self.publisher.note(Note::Source(Source::Hook, Health::Missing, Some(why.clone())));
        self.error(&Source::Hook, why, "CFG001");
    }

    /// Says it the first time, and counts.
    fn fault(&mut self, source: &Source, kind: FaultKind, what: String) {
        let count = self.faults.entry((source.as_str().to_owned(), kind)).or_default();
        *count += 1;
        let note = format!("{count} times something could not be read, last: {what}");
        let is_first = *count == 1;
        self.publisher.note(Note::Source(source.clone(), Health::Expected, Some(note)));
        if is_first {
            let what = format!("{what}; more of the kind are counted in the status");
            self.error(source, what, "WS002");
        }
    }

    fn error(&self, source: &Source, error: String, code: &str) {
        self.publisher.as_source(source.clone()).publish(Body::Error(Fault {
            error,
            component: source.as_str().into(),
            severity: Severity::Warning,
            error_code: code.into(),
        }));
    }
}

/// Whether claude does something that it would have told with a hook as well.
fn shows_work(fact: &Fact) -> bool {
    matches!(fact, Fact::Called(_) | Fact::Prompted | Fact::TurnOver { .. })
}

async fn until(due: Option<Timestamp>) {
    match due {
        Some(due) => tokio::time::sleep(Duration::from_millis(due.millis_since(hub::now()))).await,
        None => std::future::pending().await,
    }
}

async fn at(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The numbers of the events of facts; the oldest are forgotten.
#[derive(Debug, Default)]
struct Facts {
    seqs: HashMap<FactKey, u64>,
    order: VecDeque<FactKey>,
}

impl Facts {
    fn insert(&mut self, key: FactKey, seq: u64) {
        if self.order.len() >= MAX_FACTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.seqs.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.seqs.insert(key, seq);
    }

    fn seq(&self, key: &FactKey) -> Option<u64> {
        self.seqs.get(key).copied()
    }
}
