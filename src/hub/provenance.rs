//! Which other sources told of an event: what `explain` answers with.
//!
//! An event names the source that told of it first; the others come later, when the event is long on its way.

use crate::event::{Source, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;

/// Most sightings of one event; a source that repeats itself is one.
const MAX_SIGHTINGS: usize = 8;

/// A source told of an event that was known already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// Which source, by its name on the wire.
    pub source: String,
    /// When we heard of it.
    pub at: Timestamp,
}

/// Sightings by the number of the event.
#[derive(Debug, Default)]
pub(super) struct Provenance(BTreeMap<u64, Vec<Sighting>>);

impl Provenance {
    /// Notes a sighting. Those of events before `first_seq` are forgotten with them.
    pub(super) fn sighted(&mut self, seq: u64, source: &Source, at: Timestamp, first_seq: u64) {
        while self.0.first_key_value().is_some_and(|(oldest, _)| *oldest < first_seq) {
            self.0.pop_first();
        }
        if seq < first_seq {
            return;
        }
        let sightings = self.0.entry(seq).or_default();
        let is_known = sightings.iter().any(|sighting| sighting.source == source.as_str());
        if !is_known && sightings.len() < MAX_SIGHTINGS {
            sightings.push(Sighting { source: source.as_str().to_owned(), at });
        }
    }

    pub(super) fn of(&self, seq: u64) -> Vec<Sighting> {
        self.0.get(&seq).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_noted_once_and_forgotten_with_its_event() {
        let mut provenance = Provenance::default();
        let at = Timestamp::from_millis(5);
        for (seq, source) in [(3, Source::Hook), (3, Source::Stream), (3, Source::Hook), (1, Source::Hook)] {
            provenance.sighted(seq, &source, at, 1);
        }
        let names: Vec<_> = provenance.of(3).into_iter().map(|sighting| sighting.source).collect();
        assert_eq!(names, ["hook", "stream"]);
        provenance.sighted(4, &Source::Hook, at, 4);
        provenance.sighted(2, &Source::Hook, at, 4);
        assert_eq!(provenance.0.keys().collect::<Vec<_>>(), [&4]);
    }
}
