//! What is written down of callers: who came, who was turned away. Those who are turned away by the hundred are counted.

use super::Shared;
use super::role::Visitor;
use crate::hub;
use crate::instance::audit::{Entry, Subject};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Entries of one kind at once, and how long until there may be one more: whoever fills the log pushes out what others
/// did, and this way that takes days.
const AT_ONCE: u32 = 60;
const ONE_MORE: Duration = Duration::from_secs(30);

/// What anybody can have written down as often as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Who came.
    Came,
    /// Who was turned away.
    TurnedAway,
    /// What was asked by somebody who may not.
    MayNot,
}

/// How much may be written down of each kind.
#[derive(Debug, Default)]
pub(super) struct Paces([Mutex<Pace>; 3]);

#[derive(Debug, Default)]
struct Pace {
    /// Counted from here, one is forgiven after each [`ONE_MORE`].
    since: Option<Instant>,
    written: u32,
    unwritten: u64,
}

impl Paces {
    /// How many were left out before this one; `None` where it is left out too.
    pub(super) fn admit(&self, kind: Kind, now: Instant) -> Option<u64> {
        let pace = &self.0[kind as usize];
        let mut pace = pace.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *pace.since.get_or_insert(now);
        let forgiven = u32::try_from(now.duration_since(since).as_secs() / ONE_MORE.as_secs());
        let forgiven = forgiven.unwrap_or(u32::MAX).min(AT_ONCE);
        if forgiven > 0 {
            pace.since = Some(if forgiven < pace.written { since + ONE_MORE * forgiven } else { now });
            pace.written = pace.written.saturating_sub(forgiven);
        }
        if pace.written >= AT_ONCE {
            pace.unwritten += 1;
            return None;
        }
        pace.written += 1;
        Some(std::mem::take(&mut pace.unwritten))
    }
}

/// That there were others, in words.
pub(super) fn others(unwritten: u64) -> Option<String> {
    (unwritten > 0).then(|| format!("{unwritten} more of the kind before"))
}

impl Shared {
    /// Without secrets: a path, or why something was refused, may repeat what a caller said.
    pub(super) fn clean(&self, text: &str) -> String {
        self.hub.rules().now().redacted(text).unwrap_or_else(|| text.to_owned())
    }

    /// Writes down what somebody did, and what came of it.
    pub(super) fn note(
        &self,
        visitor: &Visitor,
        (event, action): (Subject, &str),
        outcome: &str,
        detail: Option<&str>,
    ) {
        let kind = match event {
            Subject::Connection => Some(Kind::Came),
            Subject::Refusal => Some(Kind::TurnedAway),
            Subject::Control | Subject::Token => (outcome == "refused").then_some(Kind::MayNot),
        };
        let unwritten = kind.map_or(Some(0), |kind| self.paces.admit(kind, Instant::now()));
        let Some(unwritten) = unwritten else { return };
        let parts = [detail.map(|detail| self.clean(detail)), others(unwritten)];
        let detail = parts.into_iter().flatten().reduce(|a, b| format!("{a}; {b}"));
        self.access.audit.enter(&Entry {
            at: hub::now(),
            event,
            peer: visitor.description(),
            pid: visitor.peer.pid(),
            uid: visitor.peer.uid,
            role: visitor.role,
            action: self.clean(action),
            session: Some(self.hub.session_id().to_string()),
            outcome: outcome.into(),
            detail,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_does_not_hide_the_other_kind() {
        let (paces, start) = (Paces::default(), Instant::now());
        let written = |kind, at| (0..500).filter(|_| paces.admit(kind, at).is_some()).count();
        assert_eq!(written(Kind::TurnedAway, start), 60);
        assert_eq!(paces.admit(Kind::Came, start), Some(0));
        assert_eq!(paces.admit(Kind::TurnedAway, start + ONE_MORE / 2), None);
        assert_eq!(paces.admit(Kind::TurnedAway, start + ONE_MORE), Some(441));
        assert_eq!(paces.admit(Kind::TurnedAway, start + ONE_MORE + ONE_MORE / 2), None);
        assert_eq!(written(Kind::TurnedAway, start + 4 * ONE_MORE), 3);
        assert_eq!(written(Kind::TurnedAway, start + 1000 * ONE_MORE), 60);
    }
}
