//! Who said what: of one event, and of the whole log as far as it is in memory.

use super::log::{Log, Record};
use super::provenance::{Provenance, Sighting};
use super::sessions::Sessions;
use crate::event::{EventId, Source};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How an event is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventName {
    /// By its id.
    Id(EventId),
    /// By its number in this log.
    Seq(u64),
}

/// One event and who else told of it.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The event; it names the source that was first.
    pub record: Arc<Record>,
    /// The others, in the order they spoke.
    pub also: Vec<Sighting>,
    /// Sources that tell of claude's work and have spoken in this session, but not of this event, where it is a fact
    /// that each of them might have told.
    pub silent: Vec<String>,
}

/// Who told of the events of one type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Events in memory.
    pub events: u64,
    /// How many each source told of first.
    pub told_by: BTreeMap<String, u64>,
    /// How many each source told of after another had.
    pub also_told_by: BTreeMap<String, u64>,
}

/// Looks an event up.
pub(super) fn event(
    log: &Log,
    sessions: &Sessions,
    provenance: &Provenance,
    name: EventName,
) -> Option<Explanation> {
    let is_meant = |record: &&Arc<Record>| match name {
        EventName::Id(id) => record.event.id == id,
        EventName::Seq(seq) => record.event.seq == seq,
    };
    let first = match name {
        EventName::Id(_) => log.first_seq(),
        EventName::Seq(seq) => seq.max(1),
    };
    let record = log.from(first).find(is_meant)?;
    let also = provenance.of(record.event.seq);
    let mut silent = Vec::new();
    if record.event.body.is_told_by_several() {
        let has_told = |source: &Source| {
            *source == record.event.source || also.iter().any(|sighting| sighting.source == source.as_str())
        };
        let others = [Source::Hook, Source::Stream, Source::Transcript].into_iter();
        let status = sessions.get(&record.event.session_id);
        let has_spoken = |source: &Source| status.is_some_and(|status| status.has_spoken(source));
        let others = others.filter(|source| has_spoken(source) && !has_told(source));
        silent.extend(others.map(|source| source.to_string()));
    }
    Some(Explanation { record: Arc::clone(record), also, silent })
}

/// Counts the log, by event type.
pub(super) fn accounts(log: &Log, provenance: &Provenance) -> BTreeMap<String, Account> {
    let mut accounts = BTreeMap::<String, Account>::new();
    for record in log.from(log.first_seq()) {
        let event = &record.event;
        let account = accounts.entry(event.body.channel().to_owned()).or_default();
        account.events += 1;
        *account.told_by.entry(event.source.as_str().to_owned()).or_default() += 1;
        for sighting in provenance.of(event.seq) {
            *account.also_told_by.entry(sighting.source).or_default() += 1;
        }
    }
    accounts
}
