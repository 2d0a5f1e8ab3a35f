//! What is written down of callers: who came, who was turned away. Those who are turned away by the hundred are counted.

use super::Shared;
use super::role::Visitor;
use crate::hub;
use crate::instance::audit::{Entry, Subject};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Most entries of one kind in a second.
const MOST: u32 = 10;

/// How much was written down in this second, of who came and of who was turned away.
#[derive(Debug, Default)]
pub(super) struct Paces([Mutex<Pace>; 2]);

#[derive(Debug, Default)]
struct Pace {
    since: Option<Instant>,
    written: u32,
    unwritten: u64,
}

impl Paces {
    /// How many were left out before this one; `None` where it is left out too.
    fn admit(&self, subject: Subject, now: Instant) -> Option<u64> {
        let pace = &self.0[usize::from(subject == Subject::Refusal)];
        let mut pace = pace.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.since.is_none_or(|since| now.duration_since(since) >= Duration::from_secs(1)) {
            (pace.since, pace.written) = (Some(now), 0);
        }
        if pace.written >= MOST {
            pace.unwritten += 1;
            return None;
        }
        pace.written += 1;
        Some(std::mem::take(&mut pace.unwritten))
    }
}

impl Shared {
    /// Writes down what somebody did, and what came of it.
    pub(super) fn note(
        &self,
        visitor: &Visitor,
        (event, action): (Subject, &str),
        outcome: &str,
        detail: Option<&str>,
    ) {
        let unwritten = match event {
            Subject::Connection | Subject::Refusal => self.paces.admit(event, Instant::now()),
            Subject::Control | Subject::Token => Some(0),
        };
        let Some(unwritten) = unwritten else { return };
        let before = (unwritten > 0).then(|| format!("{unwritten} more of the kind before"));
        let detail =
            [detail.map(str::to_owned), before].into_iter().flatten().reduce(|a, b| format!("{a}; {b}"));
        self.access.audit.enter(&Entry {
            at: hub::now(),
            event,
            peer: visitor.description(),
            pid: visitor.peer.pid(),
            uid: visitor.peer.uid,
            role: visitor.role,
            action: action.into(),
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
        let written = (0..500).filter(|_| paces.admit(Subject::Refusal, start).is_some()).count();
        assert_eq!(written, 10);
        assert_eq!(paces.admit(Subject::Connection, start), Some(0));
        let later = start + Duration::from_secs(1);
        assert_eq!(paces.admit(Subject::Refusal, later), Some(490));
    }
}
