//! Hooks whose answer waits for somebody: claude says how long it waits, and who holds the other end answers.
//!
//! Claude waits no longer when its user has refused at its terminal, or when it ends; its connection ends with that,
//! which is told in the inbox. A place for that is kept there from the beginning.

use super::intake::only;
use crate::claude::settings::WAIT_HEADER;
use crate::control::{Hold, HookMail, PermissionId};
use crate::event::Timestamp;
use crate::hub;
use bytes::Bytes;
use hyper::header::HeaderName;
use hyper::http::request::Parts;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// Longest wait, seconds.
const LONGEST: u64 = 86_400;
/// So long before claude gives up by itself, it is let go.
const BEFORE: Duration = Duration::from_secs(5);
/// After that, whoever was to let it go has forgotten it.
const FORGOTTEN: Duration = Duration::from_secs(2);

/// The places for hooks that wait.
#[derive(Debug, Clone)]
pub(super) struct Holding(Arc<Semaphore>);

/// A hook that waits.
#[derive(Debug)]
pub(super) struct Held {
    answer: oneshot::Receiver<Option<Bytes>>,
    patience: Duration,
    left: Left,
    _place: OwnedSemaphorePermit,
}

/// Says that nobody waits any more, unless it was answered.
#[derive(Debug)]
struct Left {
    id: PermissionId,
    inbox: Option<mpsc::OwnedPermit<HookMail>>,
}

impl Holding {
    /// Nobody would answer.
    pub(super) fn none() -> Self {
        Self::of(0)
    }

    /// So many may wait.
    pub(super) fn of(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
    }

    /// The right to answer and the wait for it, where the hook may wait and there is a place.
    pub(super) fn hold(&self, parts: &Parts, inbox: &mpsc::Sender<HookMail>) -> Option<(Hold, Held)> {
        let wait = wait(parts)?;
        let place = self.0.clone().try_acquire_owned().ok()?;
        let inbox = inbox.clone().try_reserve_owned().ok()?;
        let id: PermissionId = hub::fresh_id().to_string().into();
        let (sender, answer) = oneshot::channel();
        let patience = Duration::from_secs(wait).saturating_sub(BEFORE).max(Duration::from_secs(1));
        let millis = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        let until = Timestamp::from_millis(hub::now().as_millis().saturating_add(millis));
        let hold = Hold::new(Arc::clone(&id), until, move |answer| sender.send(answer).is_ok());
        Some((hold, Held { answer, patience, left: Left { id, inbox: Some(inbox) }, _place: place }))
    }
}

impl Held {
    /// Waits for the answer; `None` where there is none, and claude goes on without.
    pub(super) async fn answer(mut self) -> Option<Bytes> {
        let answer = timeout(self.patience + FORGOTTEN, self.answer).await;
        self.left.inbox = None;
        answer.ok()?.ok()?
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        if let Some(inbox) = self.inbox.take() {
            inbox.send(HookMail::Left(Arc::clone(&self.id)));
        }
    }
}

/// How long claude waits, seconds; `None` where it does not.
fn wait(parts: &Parts) -> Option<u64> {
    let seconds = only(parts, HeaderName::from_static(WAIT_HEADER))?;
    let seconds: u64 = std::str::from_utf8(seconds).ok()?.parse().ok()?;
    (1..=LONGEST).contains(&seconds).then_some(seconds)
}
