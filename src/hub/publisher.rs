//! The doors of the hub's own sources.

use super::Hub;
use crate::event::{Body, SessionId, Source};
use crate::status::Note;

/// It is looked once in so many numbers how far the journal is.
const LOOK_EVERY: u64 = 256;

/// A source's door into the log.
#[derive(Debug, Clone)]
pub struct Publisher {
    pub(super) hub: Hub,
    pub(super) source: Source,
    pub(super) session_id: SessionId,
}

impl Publisher {
    /// Takes the secrets out of the body, stamps it and appends it. Returns its number; 0 when the log is closed and it was discarded.
    pub fn publish(&self, body: Body) -> u64 {
        self.hub.publish(&self.source, &self.session_id, body)
    }

    /// The same, for a thread that may wait where the journal cannot follow so fast: what it is given then waits before it.
    pub fn publish_in_step(&self, body: Body) -> u64 {
        let seq = self.publish(body);
        if seq.is_multiple_of(LOOK_EVERY) {
            self.hub.let_journal_follow();
        }
        seq
    }

    /// Tells that this source, too, has seen the event of this number.
    pub fn confirm(&self, seq: u64) {
        self.hub.sighted(&self.source, seq);
    }

    /// The source it speaks for.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The same hub, as another source.
    pub fn as_source(&self, source: Source) -> Self {
        Self { hub: self.hub.clone(), source, session_id: self.session_id.clone() }
    }

    /// The same hub and source, for another session.
    pub fn in_session(&self, session_id: SessionId) -> Self {
        Self { hub: self.hub.clone(), source: self.source.clone(), session_id }
    }

    /// Takes in what is true of the session and no event.
    pub fn note(&self, note: Note) {
        let note = self.hub.shared.redaction.note(note);
        let mut state = self.hub.shared.lock();
        let seq = state.log.last_seq();
        state.sessions.of_event(&self.session_id, seq).note(note);
    }

    /// The hub behind it.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }
}
