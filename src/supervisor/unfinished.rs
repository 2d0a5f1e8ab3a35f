//! What an earlier process of the same session began to tell and could not end: it was killed. What begins, ends.

use crate::event::control::{DecidedBy, Decision, PermissionResolved};
use crate::event::work::{Delegation, DelegationStatus, FailureReason};
use crate::event::{Body, Timestamp, channel};
use crate::filter::{Filter, Pattern, Query};
use crate::hub::{Budget, Hub, now};
use std::time::Duration;

/// Most events that are looked through.
const MOST: usize = 10_000;
/// A task has up to 64 KiB. Who goes on with a session waits for it.
const BUDGET: Budget = Budget { bytes: 16 << 20, time: Duration::from_secs(5) };

/// Whether claude is there still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claude {
    /// It goes on: its own terminal may have the question yet, and who works is found again in its files.
    GoesOn,
    /// It is over, and all that was going on with it.
    IsOver,
}

/// What is to be told as the end of that, in the order it began.
pub(super) async fn endings(hub: &Hub, claude: Claude) -> Vec<Body> {
    let channels = [channel::AGENT_DELEGATION, channel::PERMISSION_REQUESTED, channel::PERMISSION_RESOLVED];
    let channels = channels.map(|name| Pattern::Exact(name.to_owned())).to_vec();
    let sessions = vec![hub.session_id().as_str().to_owned()];
    let filter = Filter { sessions, ..Filter::channels(channels) };
    let told = hub.past_within(Query { filter, limit: MOST, ..Query::default() }, BUDGET).await;
    let mut open = Open::default();
    for record in &told.records {
        open.take(&record.event.body, record.event.timestamp);
    }
    open.endings(claude, now())
}

/// What has begun.
#[derive(Debug, Default)]
struct Open(Vec<(Begun, Timestamp)>);

#[derive(Debug)]
enum Begun {
    Delegation(Delegation),
    /// Its id.
    Question(String),
}

impl Open {
    fn take(&mut self, body: &Body, at: Timestamp) {
        match body {
            Body::Delegation(delegation) => {
                let id = &delegation.delegation_id;
                self.0.retain(
                    |(begun, _)| !matches!(begun, Begun::Delegation(known) if known.delegation_id == *id),
                );
                if delegation.status == DelegationStatus::Started {
                    self.0.push((Begun::Delegation(delegation.clone()), at));
                }
            }
            Body::PermissionRequested(asked) => {
                self.0.push((Begun::Question(asked.permission_id.clone()), at));
            }
            Body::PermissionResolved(end) => {
                let id = &end.permission_id;
                self.0.retain(|(begun, _)| !matches!(begun, Begun::Question(known) if known == id));
            }
            _ => {}
        }
    }

    fn endings(self, claude: Claude, now: Timestamp) -> Vec<Body> {
        let ending = |(begun, at)| match (begun, claude) {
            (Begun::Question(permission_id), _) => Some(resolved(permission_id, claude)),
            (Begun::Delegation(_), Claude::GoesOn) => None,
            (Begun::Delegation(delegation), Claude::IsOver) => Some(failed(delegation, at, now)),
        };
        self.0.into_iter().filter_map(ending).collect()
    }
}

fn resolved(permission_id: String, claude: Claude) -> Body {
    let decision = match claude {
        Claude::GoesOn => Decision::Expired,
        Claude::IsOver => Decision::Cancelled,
    };
    Body::PermissionResolved(PermissionResolved {
        permission_id,
        decision,
        by: DecidedBy::Session,
        message: None,
    })
}

fn failed(delegation: Delegation, began: Timestamp, now: Timestamp) -> Body {
    Body::Delegation(Delegation {
        status: DelegationStatus::Failed,
        duration_ms: u64::try_from(now.as_millis() - began.as_millis()).ok(),
        reason: Some(FailureReason::SessionEnded),
        ..delegation
    })
}
