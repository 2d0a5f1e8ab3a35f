//! What is true now, asked of the hub: of its own session, and of all others.

use super::Hub;
use crate::event::control::PermissionRequested;
use crate::event::{SessionId, Source};
use crate::status::{Health, Position, Snapshot, Standing};

impl Hub {
    /// What is true now of the hub's own session, with all others in short.
    pub fn status(&self) -> Snapshot {
        let mut state = self.shared.lock();
        let position = self.shared.position(&state.log);
        let mut snapshot = state.sessions.own().snapshot(&position);
        snapshot.sessions = state.sessions.summaries();
        snapshot
    }

    /// How the hub's own session stands: the least of [`Hub::status`].
    pub fn standing(&self) -> Standing {
        self.shared.lock().sessions.own().standing()
    }

    /// Whether claude asks something in it that nobody has answered.
    pub fn has_questions(&self) -> bool {
        self.shared.lock().sessions.own().has_questions()
    }

    /// An open question of claude's in it, as everybody is told of it.
    pub fn question(&self, permission_id: &str) -> Option<PermissionRequested> {
        self.shared.lock().sessions.own().question(permission_id).cloned()
    }

    /// What is known of a source of the hub's own session beside its events; `None` where it is not known.
    pub fn health(&self, source: &Source) -> Option<Health> {
        self.shared.lock().sessions.own().health(source)
    }

    /// What is true now of one session; `None` where this hub knows nothing of it.
    pub fn status_of(&self, session_id: &SessionId) -> Option<Snapshot> {
        let state = self.shared.lock();
        let position = Position { session_id: session_id.clone(), ..self.shared.position(&state.log) };
        Some(state.sessions.get(session_id)?.snapshot(&position))
    }

    /// Whether the events of this session come from a supervisor: nobody else may speak for it.
    pub fn is_supervised(&self, session_id: &SessionId) -> bool {
        self.shared.lock().sessions.is_taken(session_id)
    }
}
