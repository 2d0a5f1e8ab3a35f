//! Events of instances elsewhere, that come over an uplink: each once, in the order of the instance's own log.
//!
//! They keep their id, time, session and source, and get a number of this log; where they were numbered first stands
//! beside. What follows from them follows in the instance already.

use super::sessions::Refused;
use super::{Hub, State};
use crate::event::body::{Fault, Severity};
use crate::event::{Body, Draft, Epoch, Event, Origin, SessionId, Source};
use crate::status::Status;

/// What became of one event.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relayed {
    /// It got this number.
    New(u64),
    /// It was there already.
    Known,
    /// It is of a session that another speaks for.
    Foreign,
    /// The log is closed.
    Closed,
}

impl Hub {
    /// An instance begins to tell of its session, or goes on: the newest number of its log that is here already, which may
    /// be one of an earlier numbering. Where the session stands is recollected, for what the instance still has may begin
    /// in the middle.
    ///
    /// # Errors
    /// When it may not.
    pub fn link(
        &self,
        session_id: &SessionId,
        (epoch, key): (&Epoch, &str),
        recollection: &[Body],
    ) -> Result<Option<Origin>, Refused> {
        let mut recollection = recollection.to_vec();
        for body in &mut recollection {
            self.shared.redaction.clean(session_id, &Source::Supervisor, body);
        }
        let mut state = self.shared.lock();
        let taken = state.sessions.link(session_id, epoch, key)?;
        let seq = state.log.last_seq();
        state.sessions.of_event(session_id, seq).recollect(&recollection);
        state.sessions.bound(session_id);
        Ok(taken)
    }

    /// What tells another hub where the session of this one stands.
    pub fn recollection(&self) -> Vec<Body> {
        self.shared.lock().sessions.own().recollection()
    }

    /// Whether the hub's own session is over: nothing of it comes any more.
    pub fn is_session_over(&self) -> bool {
        self.shared.lock().sessions.own().is_over()
    }

    /// This publisher begins to tell of the session, unless another does; whether it may.
    pub fn begin_session(&self, session_id: &SessionId, source: &str) -> bool {
        self.shared.lock().sessions.begin(session_id, source)
    }

    /// This hub itself watches the session from now on: nobody else speaks for it.
    pub fn watch_session(&self, session_id: &SessionId) {
        self.shared.lock().sessions.watch(session_id);
    }

    /// Whether this publisher tells of the session.
    pub fn speaks(&self, session_id: &SessionId, source: &str) -> bool {
        self.shared.lock().sessions.speaks(session_id, source)
    }

    /// Takes an event that came over the uplink of a session.
    pub fn relay(&self, uplink: &SessionId, mut event: Event) -> Relayed {
        self.clean_event(&mut event);
        let mut state = self.shared.lock();
        if !state.takes_in() {
            return Relayed::Closed;
        }
        let of_another = event.session_id != *uplink && state.sessions.is_taken(&event.session_id);
        if !state.sessions.take(uplink, &event.epoch, event.seq) {
            return Relayed::Known;
        }
        if of_another {
            return Relayed::Foreign;
        }
        let owns = event.session_id == *uplink;
        let event = self.renumbered(&state, uplink, event);
        let seq = event.seq;
        // What is derived from it comes over the uplink too.
        let weight = if owns { self.append(&mut state, event).0 } else { state.append_foreign(event) };
        self.wake(state, weight);
        Relayed::New(seq)
    }

    /// The connection of an uplink has ended: where a place is needed, that of its session may be taken.
    pub fn uplink_ended(&self, session_id: &SessionId) {
        self.shared.lock().sessions.lost(session_id);
    }

    /// Says that an instance has gone in the middle of its session; it may come back.
    pub fn uplink_lost(&self, session_id: &SessionId) {
        let is_over = self.shared.lock().sessions.get(session_id).is_none_or(Status::is_over);
        if !is_over {
            let error =
                "the instance does not answer: what happens in this session is not seen until it is back";
            self.say_of_uplink(session_id, error.to_owned(), "CMP001");
        }
    }

    /// Says that so many events of a session were lost on their way.
    pub fn missed_over_uplink(&self, session_id: &SessionId, missed: u64) {
        self.gauges().drop_more(missed);
        let error =
            format!("{missed} events of this session did not reach this hub: it was away for too long");
        self.say_of_uplink(session_id, error, "RES001");
    }

    fn say_of_uplink(&self, session_id: &SessionId, error: String, error_code: &str) {
        let (component, severity) = ("uplink".into(), Severity::Warning);
        let body = Body::Error(Fault { error, component, severity, error_code: error_code.into() });
        let session_id = Some(session_id.clone());
        self.submit(Draft { session_id, ..Draft::new(Source::System, body) }, true);
    }

    fn renumbered(&self, state: &State, uplink: &SessionId, event: Event) -> Event {
        let session_id = Some(uplink).filter(|uplink| **uplink != event.session_id).cloned();
        let origin = Origin { epoch: event.epoch, seq: event.seq, session_id };
        Event {
            seq: state.log.last_seq() + 1,
            epoch: self.shared.epoch.clone(),
            origin: Some(origin),
            ..event
        }
    }
}
