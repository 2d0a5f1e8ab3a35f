//! How the sources of events are doing.

use crate::event::{Source, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

/// A source that said nothing for this long is idle.
const ACTIVE_MILLIS: u64 = 60_000;
/// Most sources that are listed; publishers beyond are not.
const MAX_SOURCES: usize = 64;

/// What is known of a source beside its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It may speak; whether it does shows by its events.
    Expected,
    /// It should have spoken by now and has not.
    Missing,
    /// It cannot speak (any more).
    Failed,
}

/// The sources, in the order they were first heard of.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    name: String,
    last_event_at: Option<Timestamp>,
    health: Health,
    note: Option<String>,
}

impl Sources {
    /// The source published something.
    pub(super) fn spoke(&mut self, source: &Source, at: Timestamp) {
        if let Some(entry) = self.entry(source) {
            entry.last_event_at = Some(at);
            if entry.health == Health::Missing {
                entry.health = Health::Expected;
                entry.note = None;
            }
        }
    }

    /// Something else is known of it.
    pub(super) fn note(&mut self, source: &Source, health: Health, note: Option<String>) {
        if let Some(entry) = self.entry(source) {
            entry.health = health;
            entry.note = note;
        }
    }

    fn entry(&mut self, source: &Source) -> Option<&mut Entry> {
        let name = source.as_str();
        let place = self.0.iter().position(|entry| entry.name == name);
        if place.is_none() && self.0.len() < MAX_SOURCES {
            let health = Health::Expected;
            self.0.push(Entry { name: name.into(), last_event_at: None, health, note: None });
        }
        let place = place.unwrap_or(self.0.len().saturating_sub(1));
        self.0.get_mut(place).filter(|entry| entry.name == name)
    }

    /// What is kept of them, bytes, about.
    pub(super) fn bytes(&self) -> usize {
        let texts = |entry: &Entry| entry.name.len() + entry.note.as_ref().map_or(0, String::len);
        self.0.iter().map(|entry| size_of::<Entry>() + texts(entry)).sum()
    }

    /// What else is known of it.
    pub(super) fn health(&self, source: &Source) -> Option<Health> {
        self.0.iter().find(|entry| entry.name == source.as_str()).map(|entry| entry.health)
    }

    /// Whether the source has published something.
    pub(super) fn have_heard(&self, source: &Source) -> bool {
        self.0.iter().any(|entry| entry.name == source.as_str() && entry.last_event_at.is_some())
    }

    /// As `system.status` shows them.
    pub(super) fn snapshot(&self, now: Timestamp) -> Vec<SourceHealth> {
        let show = |entry: &Entry| SourceHealth {
            name: entry.name.clone(),
            state: entry.state(now),
            last_event_at: entry.last_event_at,
            note: entry.note.clone(),
        };
        self.0.iter().map(show).collect()
    }
}

impl Entry {
    fn state(&self, now: Timestamp) -> &'static str {
        match (self.health, self.last_event_at) {
            (Health::Missing, _) => "missing",
            (Health::Failed, _) => "failed",
            (Health::Expected, Some(last)) if now.millis_since(last) < ACTIVE_MILLIS => "active",
            (Health::Expected, _) => "idle",
        }
    }
}

/// How one source of events is doing.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SourceHealth {
    /// Its name, the `source` of its events.
    pub name: String,
    /// `active`: it spoke within the last minute; `idle`: not so lately; `missing`: it should have spoken by now;
    /// `failed`: it cannot.
    #[schemars(extend("enum" = ["active", "idle", "missing", "failed"]))]
    pub state: &'static str,
    /// When it spoke last.
    pub last_event_at: Option<Timestamp>,
    /// Why it is missing or failed.
    pub note: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_active_idle_missing_or_failed() {
        let mut sources = Sources::default();
        let at = Timestamp::from_millis;
        let state = |sources: &Sources, now| {
            let shown = sources.snapshot(at(now)).remove(0);
            (shown.state, shown.note)
        };
        sources.note(&Source::Hook, Health::Expected, None);
        assert_eq!(state(&sources, 0), ("idle", None));
        sources.note(&Source::Hook, Health::Missing, Some("none came".into()));
        assert_eq!(state(&sources, 0), ("missing", Some("none came".into())));
        sources.spoke(&Source::Hook, at(1000));
        assert_eq!(state(&sources, 60_999), ("active", None));
        assert_eq!(state(&sources, 61_000), ("idle", None));
        sources.note(&Source::Hook, Health::Failed, Some("broken".into()));
        sources.spoke(&Source::Hook, at(62_000));
        assert_eq!(state(&sources, 62_000), ("failed", Some("broken".into())));
    }
}
