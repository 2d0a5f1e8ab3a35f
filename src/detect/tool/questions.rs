//! The detector as those see it who answer claude's questions. What becomes of each is the matter of `permissions`.

use super::telling::Telling;
use super::{Detector, Told};
use crate::detect::observation::{Fact, Observation};
use crate::event::control::Decision;
use crate::event::{Source, Timestamp};
use std::sync::Arc;

impl Detector {
    /// Whether this question has no end yet.
    pub fn is_open(&self, question: &str) -> bool {
        self.permissions.is_open(question)
    }

    /// Whether this question seems to have been decided at claude's terminal.
    pub fn is_presumed(&self, question: &str) -> bool {
        self.permissions.is_presumed(question)
    }

    /// Whether a dialog that asks for these words asks for a call that was not asked for yet; `None` where no call of
    /// these words is known.
    pub fn asks_anew(&self, seen: &Observation) -> Option<bool> {
        let Fact::PermissionAsked(asked) = &seen.fact else { return None };
        self.attention.asks_anew(asked, seen)
    }

    /// Somebody has refused a question from elsewhere, and claude was told; whether in time is not known yet.
    pub fn refused(&mut self, question: &str, message: Option<String>, at: Timestamp) {
        self.permissions.refused(question, message, at);
    }

    /// Nobody waits for the answer to this question any more.
    pub fn left(&mut self, question: &str, at: Timestamp) {
        self.permissions.left(question, at);
    }

    /// Somebody has answered a question from elsewhere, and claude has taken it; `message` is what the model was told.
    pub fn decided(
        &mut self,
        question: &str,
        decision: Decision,
        message: Option<String>,
        at: Timestamp,
    ) -> Vec<Told> {
        let mut told = Vec::new();
        self.by_us(at, &mut told, |detector, telling| {
            detector.permissions.decided(question, decision, message, telling);
            detector.attention.decided(question, telling);
        });
        told
    }

    pub(super) fn by_us(
        &mut self,
        at: Timestamp,
        told: &mut Vec<Told>,
        say: impl FnOnce(&mut Self, &mut Telling<'_>),
    ) {
        let claude_session = Arc::from("");
        let source = &Source::Supervisor;
        say(self, &mut Telling { source, claude_session: &claude_session, at, past: false, told });
    }
}
