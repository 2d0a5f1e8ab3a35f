//! The sessions of one hub: what is true of each, and how far each uplink has come.
//!
//! A hub has one session of its own. Others come with what is published for them, or over an uplink.

use crate::event::{Epoch, SessionId};
use crate::status::{SessionSummary, Status};
use std::collections::HashMap;

/// Most sessions beside the own; beyond, the one that was silent longest is forgotten, unless it has an uplink.
const MAX_OTHERS: usize = 1024;

/// All of them.
#[derive(Debug)]
pub(super) struct Sessions {
    own_id: SessionId,
    own: Status,
    others: HashMap<SessionId, Other>,
}

/// A session that is not the hub's own.
#[derive(Debug, Default)]
struct Other {
    status: Status,
    /// Number of its newest event in this log.
    last_seq: u64,
    uplink: Option<Link>,
    /// The publisher that tells of it, where that is no instance.
    speaker: Option<String>,
    /// The hub itself watches it.
    is_watched: bool,
}

/// An instance that tells of its session.
#[derive(Debug)]
struct Link {
    /// Whoever shows it again is the same instance.
    key: String,
    epoch: Epoch,
    /// Newest number of that epoch that has been taken.
    taken: u64,
}

/// Why an uplink is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The session is that of this hub itself.
    #[error("the session is this hub's own")]
    Own,
    /// Another has the session.
    #[error("the session belongs to another uplink")]
    Foreign,
    /// There are too many.
    #[error("this hub has {MAX_OTHERS} sessions with uplinks already")]
    Full,
}

impl Sessions {
    pub(super) fn new(own_id: SessionId) -> Self {
        Self { own_id, own: Status::default(), others: HashMap::new() }
    }

    /// The hub's own.
    pub(super) fn own(&mut self) -> &mut Status {
        &mut self.own
    }

    /// What is true of a session; `None` where it is not known.
    pub(super) fn get(&self, id: &SessionId) -> Option<&Status> {
        if *id == self.own_id { Some(&self.own) } else { self.others.get(id).map(|other| &other.status) }
    }

    /// The session an event belongs to, which has this number in the log.
    pub(super) fn of_event(&mut self, id: &SessionId, seq: u64) -> &mut Status {
        if *id == self.own_id {
            return &mut self.own;
        }
        if !self.others.contains_key(id) {
            // Where all have uplinks there is one too many for a while.
            let _crowded = self.make_room();
        }
        let other = self.others.entry(id.clone()).or_default();
        other.last_seq = seq;
        &mut other.status
    }

    /// Whether the session is there and its events come from elsewhere: nobody else may speak for it.
    pub(super) fn is_taken(&self, id: &SessionId) -> bool {
        *id == self.own_id
            || self.others.get(id).is_some_and(|other| other.uplink.is_some() || other.is_watched)
    }

    /// This publisher begins to tell of the session, unless another does; whether it may.
    pub(super) fn begin(&mut self, id: &SessionId, source: &str) -> bool {
        if self.is_taken(id) || (!self.others.contains_key(id) && !self.make_room()) {
            return false;
        }
        let other = self.others.entry(id.clone()).or_default();
        // What others have said before it began makes nobody its owner.
        other.speaker.get_or_insert_with(|| source.to_owned()) == source
    }

    /// This hub itself watches the session from now on.
    pub(super) fn watch(&mut self, id: &SessionId) {
        if *id != self.own_id {
            // Where all have uplinks there is one too many for a while.
            let _crowded = self.others.contains_key(id) || self.make_room();
            self.others.entry(id.clone()).or_default().is_watched = true;
        }
    }

    /// Whether this publisher tells of the session.
    pub(super) fn speaks(&self, id: &SessionId, source: &str) -> bool {
        self.others.get(id).is_some_and(|other| other.speaker.as_deref() == Some(source))
    }

    /// An instance begins to tell of its session, or goes on; the newest number that has been taken.
    pub(super) fn link(&mut self, id: &SessionId, epoch: &Epoch, key: &str) -> Result<u64, Refused> {
        if *id == self.own_id {
            return Err(Refused::Own);
        }
        if !self.others.contains_key(id) && !self.make_room() {
            return Err(Refused::Full);
        }
        let other = self.others.entry(id.clone()).or_default();
        match &mut other.uplink {
            None if other.speaker.is_some() || other.is_watched => Err(Refused::Foreign),
            Some(link) if link.key != key => Err(Refused::Foreign),
            Some(link) if link.epoch == *epoch => Ok(link.taken),
            slot => {
                *slot = Some(Link { key: key.to_owned(), epoch: epoch.clone(), taken: 0 });
                Ok(0)
            }
        }
    }

    /// Whether this number is news; from then on it is none.
    pub(super) fn take(&mut self, id: &SessionId, epoch: &Epoch, seq: u64) -> bool {
        let link = self.others.get_mut(id).and_then(|other| other.uplink.as_mut());
        match link.filter(|link| link.epoch == *epoch && link.taken < seq) {
            Some(link) => {
                link.taken = seq;
                true
            }
            None => false,
        }
    }

    /// All in short, the own first, then by their newest event.
    pub(super) fn summaries(&self) -> Vec<SessionSummary> {
        let mut others: Vec<_> = self.others.iter().collect();
        others.sort_by_key(|(_, other)| std::cmp::Reverse(other.last_seq));
        let own = self.own.summary(self.own_id.clone(), false);
        let others =
            others.into_iter().map(|(id, other)| other.status.summary(id.clone(), other.uplink.is_some()));
        std::iter::once(own).chain(others).collect()
    }

    fn make_room(&mut self) -> bool {
        if self.others.len() < MAX_OTHERS {
            return true;
        }
        let is_free = |other: &Other| other.uplink.is_none() || other.status.is_over();
        let silent = self.others.iter().filter(|(_, other)| is_free(other));
        let oldest = silent.min_by_key(|(_, other)| other.last_seq).map(|(id, _)| id.clone());
        oldest.is_some_and(|oldest| self.others.remove(&oldest).is_some())
    }
}
