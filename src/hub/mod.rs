//! The log that everything is published into and read from.
//!
//! `publish` is synchronous, never waits for a client and never fails. An event is folded into the status and
//! appended to the ring under one short lock, so it is in both or in neither, and a reader that starts with a
//! snapshot of the status misses nothing between. Who reads, and in which dialect, is not known here.

mod archive;
mod disk;
mod earlier;
mod explain;
mod gauges;
mod history;
mod journalist;
mod lead;
mod log;
mod origins;
mod pace;
mod progress;
mod provenance;
mod publisher;
mod reader;
mod reading;
mod recording;
mod recovery;
mod redaction;
mod relay;
mod retold;
mod sessions;
mod standing;
mod stored;
mod tape;

pub use archive::{Budget, find as find_stored};
pub use explain::{Account, EventName, Explanation};
pub use gauges::{ClientGuard, Gauges};
pub use history::History;
pub use journalist::{Journalist, Opening};
pub use log::{Bounds, Record, SLOTS};
pub use progress::Progress;
pub use provenance::Sighting;
pub use publisher::Publisher;
pub use reader::{Next, Reader, Start};
pub use recording::{Recording, epochs, last_stored};
pub use recovery::Numbers;
pub use redaction::Rules;
pub use relay::Relayed;
pub use retold::Retold;
pub use sessions::Refused;

use crate::detect::whole;
use crate::event::{Body, Draft, Epoch, Event, EventId, SessionId, Source, Timestamp};
use crate::status::{Note, Position, Standing};
use log::Log;
use pace::Pace;
use provenance::Provenance;
use redaction::Redaction;
use sessions::Sessions;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, Semaphore, watch};

/// The hub. Clones share the same log.
#[derive(Debug, Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Short and never held across an await: folding and appending must not be seen apart.
    state: Mutex<State>,
    /// Level-triggered: a reader that looks late sees the newest number and whether the log is closed.
    wake: watch::Sender<Tip>,
    /// Apart from the state, so that looking back never holds up what is new.
    provenance: Mutex<Provenance>,
    /// Rung when events wait for the pacer.
    overdue: Notify,
    gauges: Gauges,
    redaction: Redaction,
    session_id: SessionId,
    epoch: Epoch,
    /// Numbers up to this one are of processes before this one.
    began_behind: u64,
    /// Where its journal is, once there is one.
    journal: OnceLock<PathBuf>,
    /// Other numberings are in it as well.
    has_earlier: AtomicBool,
    /// Rung by everybody who begins to read.
    readers: Notify,
    /// Who looks into it.
    lookups: Arc<Semaphore>,
    /// Where it tells a recording, what is newer is told to nobody.
    until: OnceLock<Timestamp>,
    /// The newest number in it when it was last given up by those who wait for it.
    given_up: AtomicU64,
}

/// As many look into the journal at once.
const LOOKUPS: usize = 2;

#[derive(Debug)]
struct State {
    log: Log,
    sessions: Sessions,
    pace: Pace,
    progress: Option<Progress>,
    closed: bool,
    /// It tells again what was recorded, and nothing else.
    is_recording: bool,
}

/// What readers are woken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tip {
    last_seq: u64,
    closed: bool,
}

impl Hub {
    /// An empty log for one session, with a new epoch, that hides the secrets that are known without being told.
    pub fn new(session_id: SessionId, bounds: Bounds) -> Self {
        Self::with_rules(session_id, bounds, Rules::default())
    }

    /// One that hides what these rules find, as they are at any time.
    pub fn with_rules(session_id: SessionId, bounds: Bounds, rules: Rules) -> Self {
        Self::numbered(session_id, bounds, rules, Numbers::fresh())
    }

    /// One that goes on with these numbers.
    pub fn numbered(session_id: SessionId, bounds: Bounds, rules: Rules, numbers: Numbers) -> Self {
        let Numbers { epoch, last_seq } = numbers;
        let mut log = Log::new(bounds);
        log.go_on_behind(last_seq);
        let state = State {
            log,
            sessions: Sessions::new(session_id.clone()),
            pace: Pace::default(),
            progress: None,
            closed: false,
            is_recording: false,
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                wake: watch::Sender::new(Tip { last_seq, closed: false }),
                provenance: Mutex::default(),
                overdue: Notify::new(),
                gauges: Gauges::default(),
                redaction: Redaction::with(rules),
                session_id,
                epoch,
                began_behind: last_seq,
                journal: OnceLock::new(),
                has_earlier: AtomicBool::new(false),
                readers: Notify::new(),
                lookups: Arc::new(Semaphore::new(LOOKUPS)),
                until: OnceLock::new(),
                given_up: AtomicU64::new(u64::MAX),
            }),
        }
    }

    /// How much it has in memory.
    pub fn bounds(&self) -> Bounds {
        self.shared.lock().log.bounds()
    }

    /// Where a source publishes.
    pub fn publisher(&self, source: Source) -> Publisher {
        Publisher { hub: self.clone(), source, session_id: self.shared.session_id.clone() }
    }

    /// The numbering of this log.
    pub fn epoch(&self) -> &Epoch {
        &self.shared.epoch
    }

    /// The session this hub belongs to.
    pub fn session_id(&self) -> &SessionId {
        &self.shared.session_id
    }

    /// Whether it has no session of its own to supervise.
    pub fn stands_alone(&self) -> bool {
        self.shared.lock().sessions.own().stands_alone()
    }

    /// Counters that the server keeps and `system.stats` shows.
    pub fn gauges(&self) -> &Gauges {
        &self.shared.gauges
    }

    /// Number of the newest event; 0 when there was none yet.
    pub fn last_seq(&self) -> u64 {
        self.shared.lock().log.last_seq()
    }

    /// No more events: readers take what is left and then see the end. What is published later is discarded.
    pub fn close(&self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let last_seq = state.log.last_seq();
        drop(state);
        self.shared.wake_readers(Tip { last_seq, closed: true });
    }

    /// Whether [`Hub::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.shared.lock().closed
    }

    /// Waits until [`Hub::close`] is called.
    pub async fn closed(&self) {
        let mut tip = self.shared.wake.subscribe();
        // The sender lives in `shared`, which we hold, so waiting cannot fail.
        drop(tip.wait_for(|tip| tip.closed).await);
    }

    /// Wakes readers of events that came too soon behind others (at most 5 ms late). Runs until dropped.
    pub async fn run_pacer(&self) {
        loop {
            self.shared.overdue.notified().await;
            let due = self.shared.lock().pace.due();
            tokio::time::sleep_until(due.into()).await;
            let mut state = self.shared.lock();
            state.pace.woke();
            let tip = Tip { last_seq: state.log.last_seq(), closed: state.closed };
            drop(state);
            self.shared.wake_readers(tip);
        }
    }

    /// Takes in what is true of the hub's own session and no event.
    pub fn note(&self, note: Note) {
        let note = self.shared.redaction.note(note);
        self.shared.lock().sessions.own().note(note);
    }

    /// Publishes what a client gave, and returns its number; 0 when the log is closed. What is true of a session changes
    /// by it only where the publisher `owns` the session.
    pub fn submit(&self, mut draft: Draft, owns: bool) -> u64 {
        self.clean_draft(&mut draft);
        let mut state = self.shared.lock();
        if !state.takes_in() {
            return 0;
        }
        let event = self.event(&state, draft);
        let seq = event.seq;
        let weight = if owns { self.append(&mut state, event).0 } else { state.append_foreign(event) };
        self.wake(state, weight);
        seq
    }

    fn publish(&self, source: &Source, session_id: &SessionId, mut body: Body) -> u64 {
        self.shared.redaction.clean(session_id, source, &mut body);
        whole::bound(&mut body, None);
        let mut state = self.shared.lock();
        if !state.takes_in() {
            return 0;
        }
        let draft = |body| {
            let session_id = Some(session_id.clone());
            Draft { session_id, ..Draft::new(source.clone(), body) }
        };
        let event = self.event(&state, draft(body));
        let seq = event.seq;
        let (mut weight, derived) = self.append(&mut state, event);
        if let Some(body) = derived {
            let event = self.event(&state, draft(body));
            weight += self.append(&mut state, event).0;
        }
        self.wake(state, weight);
        seq
    }

    /// Lets the state go and tells readers of `weight` bytes more, now or soon.
    fn wake(&self, mut state: MutexGuard<'_, State>, weight: usize) {
        let verdict = state.pace.published(weight);
        let last_seq = state.log.last_seq();
        drop(state);
        match verdict {
            pace::Verdict::WakeNow => self.shared.wake_readers(Tip { last_seq, closed: false }),
            pace::Verdict::Later => self.shared.overdue.notify_one(),
            pace::Verdict::AlreadyWaiting => {}
        }
    }

    /// Folds and appends; returns the weight, and what follows from the event.
    fn append(&self, state: &mut State, event: Event) -> (usize, Option<Body>) {
        let status = state.sessions.of_event(&event.session_id, event.seq);
        let before = status.standing();
        let derived = status.fold(&event);
        // A name stays what it is, and the event that brings it has it already.
        let before = Standing { name: status.standing().name, ..before };
        state.sessions.bound(&event.session_id);
        state.count(&event);
        (state.log.append(event, before), derived)
    }

    /// Gives a draft its number and what else it lacks.
    fn event(&self, state: &State, draft: Draft) -> Event {
        let Draft { source, body, id, timestamp, session_id, remarks } = draft;
        Event {
            id: id.unwrap_or_else(|| EventId::from_uuid(uuid::Uuid::new_v4())),
            seq: state.log.last_seq() + 1,
            epoch: self.shared.epoch.clone(),
            timestamp: timestamp.unwrap_or_else(now),
            session_id: session_id.unwrap_or_else(|| self.shared.session_id.clone()),
            source,
            body,
            remarks,
            origin: None,
        }
    }
}

impl State {
    /// Whether events are published here.
    fn takes_in(&self) -> bool {
        !self.closed && !self.is_recording
    }

    /// Appends an event of one who does not own its session.
    fn append_foreign(&mut self, event: Event) -> usize {
        let status = self.sessions.of_event(&event.session_id, event.seq);
        let before = status.standing();
        status.heard(&event);
        self.sessions.bound(&event.session_id);
        self.count(&event);
        self.log.append(event, before)
    }

    fn count(&self, event: &Event) {
        if let Some(progress) = self.progress {
            progress.published(event.seq, event.timestamp);
        }
    }
}

impl Shared {
    /// A panic elsewhere cannot leave the state half changed in a way that matters to readers.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Always taken before the state's lock where both are needed.
    fn provenance(&self) -> MutexGuard<'_, Provenance> {
        self.provenance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Callers come here after the lock, in any order: an older tip must neither hide a newer one nor reopen.
    fn wake_readers(&self, tip: Tip) {
        self.wake.send_modify(|newest| {
            newest.last_seq = newest.last_seq.max(tip.last_seq);
            newest.closed |= tip.closed;
        });
    }

    fn position(&self, log: &Log) -> Position {
        Position {
            session_id: self.session_id.clone(),
            epoch: self.epoch.clone(),
            first_seq: if log.last_seq() == 0 { 0 } else { log.first_seq() },
            last_seq: log.last_seq(),
            journal: log.journal(),
            connected_clients: self.gauges.clients(),
            now: now(),
        }
    }
}

/// The wall clock, as events are stamped.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A new id, by the system's own randomness. The generator of this process stays untouched: processes that are forked
/// later would all go on with the same state of it, and give different events the same ids.
pub fn fresh_id() -> uuid::Uuid {
    let mut bytes = [0; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => uuid::Builder::from_random_bytes(bytes).into_uuid(),
        Err(_) => uuid::Uuid::new_v4(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::body::{Fault, Severity};
    use crate::filter::Filter;
    use std::sync::atomic::AtomicU64;

    fn fault() -> Body {
        let (error, component, error_code) = ("e".into(), "c".into(), "RES001".into());
        Body::Error(Fault { error, component, severity: Severity::Info, error_code })
    }

    /// The second hub is that of a companion that follows one that was killed.
    #[test]
    fn a_log_goes_on_behind_an_earlier_one_and_tells_what_is_lost() {
        let progress = Progress::kept_in(Box::leak(Box::new([const { AtomicU64::new(0) }; 3])));
        let first = Hub::new(SessionId::new("s"), Bounds::default());
        first.keep_progress(progress);
        (0..3).for_each(|_| assert_ne!(first.publisher(Source::System).publish(fault()), 0));
        let second = Hub::new(SessionId::new("s"), Bounds::default());
        second.keep_progress(progress);
        let mut late = second.reader(Start::After(1), &Filter::default());
        let mut up_to_date = second.reader(Start::After(3), &Filter::default());
        assert!(matches!(late.try_next(), Some(Next::Gap { from_seq: 2, to_seq: 3, .. })));
        assert!(late.try_next().is_none() && up_to_date.try_next().is_none());
        assert_eq!(second.publisher(Source::System).publish(fault()), 4);
        for reader in [&mut late, &mut up_to_date] {
            assert!(matches!(reader.try_next(), Some(Next::Batch(batch)) if batch[0].event.seq == 4));
        }
    }

    /// Two publishers leave the lock in one order and wake in the other: once a reader slept on an event that was
    /// there, and after `close` readers never saw the end.
    #[test]
    fn an_older_tip_neither_hides_a_newer_one_nor_reopens_the_log() {
        let hub = Hub::new(SessionId::new("s"), Bounds::default());
        hub.shared.wake_readers(Tip { last_seq: 6, closed: true });
        hub.shared.wake_readers(Tip { last_seq: 5, closed: false });
        assert_eq!(*hub.shared.wake.borrow(), Tip { last_seq: 6, closed: true });
    }
}
