//! A hook whose answer waits for somebody: claude asks for a permission, and whoever is first decides.

use crate::event::Timestamp;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// The id of one question of claude's: letters, digits and dashes, unique on this machine.
pub type PermissionId = Arc<str>;

/// What is done with the answer; `false` when nobody waits for it any more.
type Release = Box<dyn FnOnce(Option<Bytes>) -> bool + Send + Sync>;

/// The right to answer. Dropped, it lets claude go on without an answer, as if nobody had been asked.
pub struct Hold {
    id: PermissionId,
    until: Timestamp,
    release: Option<Release>,
}

impl Hold {
    /// `release` is called once, with the answer or without.
    pub fn new(
        id: PermissionId,
        until: Timestamp,
        release: impl FnOnce(Option<Bytes>) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { id, until, release: Some(Box::new(release)) }
    }

    /// Its id.
    pub fn id(&self) -> &PermissionId {
        &self.id
    }

    /// Then claude goes on without an answer.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Gives claude the answer, JSON. `false` when claude no longer waits for it.
    #[must_use]
    pub fn answer(mut self, json: Bytes) -> bool {
        self.release.take().is_some_and(|release| release(Some(json)))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release(None);
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Hold").field("id", &self.id).field("until", &self.until).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn an_answer_is_given_once_and_none_where_it_is_dropped() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let hold = || {
            let said = Arc::clone(&said);
            Hold::new("p".into(), Timestamp::from_millis(0), move |answer| {
                said.lock().unwrap().push(answer);
                true
            })
        };
        assert!(hold().answer(Bytes::from_static(b"{}")));
        drop(hold());
        assert_eq!(*said.lock().unwrap(), [Some(Bytes::from_static(b"{}")), None]);
    }
}
