//! How far the journal has come with what uplinks tell: by the session of the instance, the newest of its own numbers that
//! is written. Whoever goes on with the journal asks for what is behind.
//!
//! Each segment has a remark of it near its beginning, so that not all of a long journal has to be read.

use crate::event::{Origin, SessionId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Most sessions; beyond, the one that was told of longest ago is forgotten.
const MOST: usize = 4096;
/// What is in the text of each event that came over an uplink, and of each remark.
const MARK: &[u8] = br#""origin"#;

/// By session.
#[derive(Debug, Clone, Default)]
pub(super) struct Origins {
    newest: HashMap<SessionId, Newest>,
    /// How often something was taken.
    count: u64,
}

#[derive(Debug, Clone)]
struct Newest {
    origin: Origin,
    /// The count when it was taken.
    taken: u64,
}

/// What is read of a record or a remark.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
    #[serde(default)]
    origins: Vec<(SessionId, Origin)>,
}

impl Origins {
    /// An event of this session that is written; what an instance says of another session counts for its own.
    pub(super) fn take(&mut self, session_id: &SessionId, origin: &Origin) {
        let session_id = origin.session_id.as_ref().unwrap_or(session_id);
        let origin = Origin { session_id: None, ..origin.clone() };
        self.count += 1;
        let taken = self.count;
        if let Some(newest) = self.newest.get_mut(session_id) {
            let is_behind = newest.origin.epoch == origin.epoch && newest.origin.seq >= origin.seq;
            newest.taken = taken;
            if !is_behind {
                newest.origin = origin;
            }
            return;
        }
        if self.newest.len() >= MOST {
            let oldest = self.newest.iter().min_by_key(|(_, newest)| newest.taken).map(|(id, _)| id.clone());
            oldest.map(|id| self.newest.remove(&id));
        }
        self.newest.insert(session_id.clone(), Newest { origin, taken });
    }

    /// Takes what the text of a record or a remark says.
    pub(super) fn read(&mut self, text: &[u8]) {
        if memchr::memmem::find(text, MARK).is_none() {
            return;
        }
        let told: Told = serde_json::from_slice(text).unwrap_or_default();
        if let (Some(session_id), Some(origin)) = (&told.session_id, &told.origin) {
            self.take(session_id, origin);
        }
        for (session_id, origin) in &told.origins {
            self.take(session_id, origin);
        }
    }

    /// The newest that is written of what the instance of this session numbered; `None` where there is nothing.
    pub(super) fn newest(&self, session_id: &SessionId) -> Option<&Origin> {
        self.newest.get(session_id).map(|newest| &newest.origin)
    }

    /// All of it in one line of JSON, those that were taken last at the end; `None` where there is nothing.
    pub(super) fn remark(&self) -> Option<Vec<u8>> {
        let mut all: Vec<_> = self.newest.iter().collect();
        all.sort_by_key(|(_, newest)| newest.taken);
        let origins = all.into_iter().map(|(id, newest)| (id.clone(), newest.origin.clone())).collect();
        let told = Told { origins, ..Told::default() };
        (!told.origins.is_empty()).then(|| serde_json::to_vec(&told).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Epoch;

    fn origin(epoch: &str, seq: u64) -> Origin {
        Origin { epoch: Epoch::new(epoch), seq, session_id: None }
    }

    fn newest(origins: &Origins, session_id: &str) -> Option<(String, u64)> {
        let newest = origins.newest(&SessionId::new(session_id))?;
        Some((newest.epoch.as_str().into(), newest.seq))
    }

    #[test]
    fn what_is_written_is_read_back_from_a_record_and_from_a_remark() {
        let mut origins = Origins::default();
        assert_eq!(origins.remark(), None);
        origins.read(br#"{"type":"x","session_id":"a","data":{"origin":1},"origin":{"epoch":"e","seq":7}}"#);
        origins.read(br#"{"type":"x","session_id":"b","data":{},"origin":{"epoch":"f","seq":9}}"#);
        origins.read(br#"{"type":"x","session_id":"a","data":{},"origin":{"epoch":"e","seq":3}}"#);
        origins.read(br#"{"type":"x","session_id":"a","data":{"content":"\"origin\""}}"#);
        let of_another = br#"{"type":"x","session_id":"c","origin":{"epoch":"f","seq":10,"session_id":"b"}}"#;
        origins.read(of_another);
        let mut again = Origins::default();
        again.read(&origins.remark().unwrap());
        assert_eq!(newest(&again, "a"), Some(("e".into(), 7)));
        assert_eq!(newest(&again, "b"), Some(("f".into(), 10)), "what it says of another session is its own");
        assert_eq!(newest(&again, "c"), None);
        again.take(&SessionId::new("a"), &origin("g", 1));
        assert_eq!(newest(&again, "a"), Some(("g".into(), 1)), "the instance began anew");
    }

    #[test]
    fn where_there_are_too_many_the_one_that_was_silent_longest_is_forgotten() {
        let mut origins = Origins::default();
        for number in 0..=MOST {
            origins.take(&SessionId::new(&number.to_string()), &origin("e", 1));
            origins.take(&SessionId::new("0"), &origin("e", number as u64 + 1));
        }
        let seq = |id: &str| newest(&origins, id).map_or(0, |(_, seq)| seq);
        assert_eq!((seq("0"), seq("1"), seq("2")), (MOST as u64 + 1, 0, 1));
        assert_eq!(origins.newest.len(), MOST);
    }
}
