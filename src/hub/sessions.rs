//! The sessions of one hub: what is true of each, and how far each uplink has come.
//!
//! A hub has one session of its own. Others come with what is published for them, or over an uplink.

use super::Numbers;
use super::origins::Origins;
use crate::event::{Epoch, Origin, SessionId};
use crate::status::{SessionSummary, Status};
use std::collections::HashMap;

/// Most sessions beside the own; beyond, the one that was silent longest is forgotten, unless it
/// has an uplink; where all have, one whose uplink is lost.
const MAX_OTHERS: usize = 1024;
/// Most bytes that is kept of all of them together. Beyond, those are forgotten that would be next, and where all have
/// uplinks, lists of the one that grew.
const MAX_OTHER_BYTES: usize = 8 << 20;

/// All of them.
#[derive(Debug)]
pub(super) struct Sessions {
    own_id: SessionId,
    own: Status,
    others: HashMap<SessionId, Other>,
    /// What is kept of the others.
    bytes: usize,
    /// How far an earlier process has come with uplinks.
    origins: Origins,
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
    /// What is kept of it.
    bytes: usize,
}

/// An instance that tells of its session.
#[derive(Debug)]
struct Link {
    /// Whoever shows it again is the same instance.
    key: String,
    /// Its numbering now. Those it had before have names that come earlier.
    epoch: Epoch,
    /// The newest of its numbers that has been taken.
    taken: Option<Origin>,
    /// Its connection has ended.
    is_lost: bool,
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

impl Link {
    fn has_as_news(&self, epoch: &Epoch, seq: u64) -> bool {
        let is_behind = self.taken.as_ref().is_none_or(|taken| {
            if *epoch == taken.epoch { seq > taken.seq } else { epoch.as_str() > taken.epoch.as_str() }
        });
        let is_of_it =
            *epoch == self.epoch || Numbers::are_named(epoch) && epoch.as_str() < self.epoch.as_str();
        is_behind && is_of_it
    }
}

impl Sessions {
    pub(super) fn new(own_id: SessionId) -> Self {
        Self { own_id, own: Status::default(), others: HashMap::new(), bytes: 0, origins: Origins::default() }
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

    /// An instance begins to tell of its session, or goes on; the newest of its numbers that has been taken.
    pub(super) fn link(
        &mut self,
        id: &SessionId,
        epoch: &Epoch,
        key: &str,
    ) -> Result<Option<Origin>, Refused> {
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
            Some(link) => {
                (link.epoch, link.is_lost) = (epoch.clone(), false);
                Ok(link.taken.clone())
            }
            slot => {
                let taken = self.origins.newest(id).cloned();
                let epoch = epoch.clone();
                *slot = Some(Link { key: key.to_owned(), epoch, taken: taken.clone(), is_lost: false });
                Ok(taken)
            }
        }
    }

    /// The connection of its uplink has ended.
    pub(super) fn lost(&mut self, id: &SessionId) {
        if let Some(link) = self.others.get_mut(id).and_then(|other| other.uplink.as_mut()) {
            link.is_lost = true;
        }
    }

    /// What is kept of the session may have grown: others make room for it, or it keeps less.
    pub(super) fn bound(&mut self, id: &SessionId) {
        let Some(other) = self.others.get_mut(id) else { return };
        let before = std::mem::replace(&mut other.bytes, other.status.bytes());
        let has_grown = other.bytes > before;
        self.bytes = self.bytes - before + other.bytes;
        while has_grown && self.bytes > MAX_OTHER_BYTES {
            if self.forget_one(Some(id)) {
                continue;
            }
            if let Some(other) = self.others.get_mut(id) {
                other.status.forget_lists();
                self.bytes -= other.bytes - other.status.bytes();
                other.bytes = other.status.bytes();
            }
            return;
        }
    }

    /// Whether this number is news; from then on it is none.
    pub(super) fn take(&mut self, id: &SessionId, epoch: &Epoch, seq: u64) -> bool {
        let link = self.others.get_mut(id).and_then(|other| other.uplink.as_mut());
        match link.filter(|link| link.has_as_news(epoch, seq)) {
            Some(link) => {
                let taken = Origin { epoch: epoch.clone(), seq, session_id: None };
                (link.taken, link.is_lost) = (Some(taken), false);
                true
            }
            None => false,
        }
    }

    /// How far an earlier process has come: whoever goes on with a session goes on behind it.
    pub(super) fn went_so_far(&mut self, origins: Origins) {
        self.origins = origins;
    }

    /// How far an earlier process has come.
    pub(super) fn origins(&self) -> &Origins {
        &self.origins
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
        self.others.len() < MAX_OTHERS || self.forget_one(None)
    }

    /// Forgets the one that was silent longest, but not this one; whether there is one that may be forgotten.
    fn forget_one(&mut self, spared: Option<&SessionId>) -> bool {
        let rank = |other: &Other| match &other.uplink {
            Some(link) if !other.status.is_over() => link.is_lost.then_some(1),
            _ => Some(0),
        };
        let free = self.others.iter().filter(|(id, _)| Some(*id) != spared);
        let free = free.filter_map(|(id, other)| Some((rank(other)?, other.last_seq, id)));
        let Some(oldest) = free.min_by_key(|(rank, seq, _)| (*rank, *seq)).map(|(_, _, id)| id.clone())
        else {
            return false;
        };
        if let Some(other) = self.others.remove(&oldest) {
            self.bytes -= other.bytes;
            // It may come back.
            if let Some(taken) = other.uplink.and_then(|link| link.taken) {
                self.origins.take(&oldest, &taken);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::work::Ticket;
    use crate::event::{Body, Event, EventId, Source, Timestamp};

    fn sessions() -> Sessions {
        Sessions::new(SessionId::new("own"))
    }

    fn link(sessions: &mut Sessions, id: usize) -> Result<Option<Origin>, Refused> {
        sessions.link(&SessionId::new(&id.to_string()), &Epoch::new("e"), "key")
    }

    #[test]
    fn where_all_places_are_taken_the_uplink_goes_that_was_lost_first() {
        let mut sessions = sessions();
        for id in 0..MAX_OTHERS {
            assert_eq!(link(&mut sessions, id), Ok(None));
            sessions.of_event(&SessionId::new(&id.to_string()), id as u64);
        }
        assert_eq!(link(&mut sessions, MAX_OTHERS), Err(Refused::Full));
        for id in ["7", "5", "3"] {
            sessions.lost(&SessionId::new(id));
        }
        // It is back before it was needed.
        assert_eq!(link(&mut sessions, 3), Ok(None));
        assert_eq!(link(&mut sessions, MAX_OTHERS), Ok(None));
        assert!(sessions.get(&SessionId::new("5")).is_none());
        assert!(["3", "7"].iter().all(|id| sessions.get(&SessionId::new(id)).is_some()));
    }

    #[test]
    fn an_instance_that_is_numbered_anew_tells_the_rest_of_what_it_had_before_and_each_once() {
        let (mut sessions, id) = (sessions(), SessionId::new("told"));
        let named = |letter: &str| Epoch::new(&format!("000000000000000{letter}"));
        let mut take = |epoch: &str, seq| sessions.take(&id, &named(epoch), seq);
        assert!(!take("a", 1), "there is no uplink");
        sessions.link(&id, &named("a"), "key").unwrap();
        let mut take = |epoch: &str, seq| sessions.take(&id, &named(epoch), seq);
        assert_eq!([take("a", 1), take("a", 5), take("a", 5), take("b", 1)], [true, true, false, false]);
        let taken = sessions.link(&id, &named("c"), "key").unwrap();
        assert_eq!(taken, Some(Origin { epoch: named("a"), seq: 5, session_id: None }));
        let mut take = |epoch: &str, seq| sessions.take(&id, &named(epoch), seq);
        assert_eq!([take("a", 5), take("a", 6), take("b", 1), take("b", 2)], [false, true, true, true]);
        assert!(!sessions.take(&id, &Epoch::new("000000000000000b-"), 1), "nothing names a numbering so");
        let mut take = |epoch: &str, seq| sessions.take(&id, &named(epoch), seq);
        assert_eq!([take("a", 7), take("c", 1), take("b", 3), take("d", 1)], [false, true, false, false]);
        let again = sessions.link(&id, &named("c"), "key").unwrap();
        assert_eq!(again, Some(Origin { epoch: named("c"), seq: 1, session_id: None }));
    }

    fn fold(sessions: &mut Sessions, id: &SessionId, seq: u64) {
        let ticket = Ticket {
            id: seq.to_string(),
            title: Some("x".repeat(60_000)),
            priority: None,
            assigned_to: None,
            url: None,
            system: "s".into(),
        };
        let event = Event {
            id: EventId::from_u128(1),
            seq,
            epoch: Epoch::new("e"),
            timestamp: Timestamp::from_millis(0),
            session_id: id.clone(),
            source: Source::Hook,
            body: Body::TicketCreated(ticket),
            remarks: None,
            origin: None,
        };
        assert_eq!(sessions.of_event(id, seq).fold(&event), None);
        sessions.bound(id);
    }

    #[test]
    fn all_together_are_bounded_in_bytes_whether_they_have_uplinks_or_not() {
        for has_uplinks in [false, true] {
            let mut sessions = sessions();
            for seq in 0..400 {
                let id = SessionId::new(&(seq % 40).to_string());
                if has_uplinks {
                    sessions.link(&id, &Epoch::new("e"), "key").unwrap();
                }
                fold(&mut sessions, &id, seq);
                let kept: usize = sessions.others.values().map(|other| other.status.bytes()).sum();
                assert!(kept <= MAX_OTHER_BYTES && kept == sessions.bytes, "{kept} {}", sessions.bytes);
            }
            assert!(!has_uplinks || sessions.others.len() == 40);
        }
    }
}
