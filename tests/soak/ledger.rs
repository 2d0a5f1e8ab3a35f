//! What was written, received and kept, held against one another.

use crate::crowd::{Acknowledged, END};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use test_support::standalone::named;
use test_support::steady::Steady;

/// What is acknowledged is on the disk after this long, whoever is killed.
pub(crate) const WRITTEN_WITHIN: Duration = Duration::from_secs(1);
/// A writer may note the time of an answer so long after it came.
const SKEW: Duration = Duration::from_millis(200);

/// When hubs were killed.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    kills: Vec<Instant>,
}

/// A journal as its files have it.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Epochs in their order, each with the numbers of its records in theirs.
    epochs: Vec<(String, Vec<u64>)>,
    words: HashSet<String>,
    /// The number of the record with which clients stop, in the last epoch.
    end: u64,
}

impl Ledger {
    pub(crate) fn killed(&mut self, at: Instant) {
        self.kills.push(at);
    }

    pub(crate) fn hold(&self, journal: &Path, acknowledged: &[Acknowledged], clients: &[Steady]) {
        let kept = Kept::read(journal);
        let records: usize = kept.epochs.iter().map(|(_, numbers)| numbers.len()).sum();
        let connections: u32 = clients.iter().map(|client| client.connections).sum();
        println!("{records} records in {} epochs, {connections} connections", kept.epochs.len());
        kept.is_whole();
        for (number, client) in clients.iter().enumerate() {
            kept.was_received(client, &format!("client {number}"));
        }
        self.is_kept(acknowledged, &kept);
    }

    /// What was acknowledged is there, but for the last moments before a kill.
    fn is_kept(&self, acknowledged: &[Acknowledged], kept: &Kept) {
        let mut lost = 0;
        for Acknowledged { words, at } in acknowledged {
            let missing = words.iter().filter(|word| !kept.words.contains(*word)).count();
            let is_near = |kill: &Instant| *kill + SKEW >= *at && *kill <= *at + WRITTEN_WITHIN;
            assert!(
                missing == 0 || self.kills.iter().any(is_near),
                "{missing} events are lost that were acknowledged long before a kill: {:?}",
                words.first()
            );
            lost += missing;
        }
        println!("{lost} acknowledged events were lost with {} kills", self.kills.len());
    }
}

impl Kept {
    pub(crate) fn read(journal: &Path) -> Self {
        let mut segments = named(journal, ".ndjson");
        segments.sort();
        let mut kept = Self::default();
        for segment in segments {
            let name = segment.file_name().unwrap().to_str().unwrap().to_owned();
            let epoch = name.split('-').nth(1).unwrap().to_owned();
            if kept.epochs.last().is_none_or(|(last, _)| *last != epoch) {
                kept.epochs.push((epoch, Vec::new()));
            }
            for line in fs::read_to_string(&segment).unwrap().lines() {
                kept.enter(line, &name);
            }
        }
        kept
    }

    fn enter(&mut self, line: &str, name: &str) {
        let line: Value =
            serde_json::from_str(line).unwrap_or_else(|cause| panic!("{name}: {cause}: {line}"));
        assert_ne!(line["type"], "system.gap", "{name}: the disk was never full");
        // What has no number is for hubs that go on.
        if line["seq"].is_null() {
            return;
        }
        let seq = line["seq"].as_u64().unwrap_or_else(|| panic!("{name}: {line}"));
        self.epochs.last_mut().unwrap().1.push(seq);
        let word = line.pointer("/data/payload/word").or_else(|| line.pointer("/data/word"));
        if word.is_some_and(|word| word == END) || self.end == 0 && line["type"] == "session.end" {
            self.end = seq;
        }
        self.words.extend(word.and_then(Value::as_str).map(str::to_owned));
    }

    /// No epoch begins twice, and within each no number is missing.
    pub(crate) fn is_whole(&self) {
        let names: HashSet<&String> = self.epochs.iter().map(|(epoch, _)| epoch).collect();
        assert_eq!(names.len(), self.epochs.len(), "an epoch came back");
        for (epoch, numbers) in &self.epochs {
            let hole = numbers.windows(2).find(|pair| pair[0] + 1 != pair[1]);
            assert!(hole.is_none(), "epoch {epoch}: {hole:?}");
        }
    }

    /// Everything that is kept was received once and in order; what was received beyond is the end of an epoch that
    /// is over.
    pub(crate) fn was_received(&self, client: &Steady, who: &str) {
        let last_of: HashMap<&str, u64> = self
            .epochs
            .iter()
            .map(|(epoch, numbers)| (epoch.as_str(), numbers.last().copied().unwrap_or(0)))
            .collect();
        let current = self.epochs.last().map(|(epoch, _)| epoch.as_str());
        let mut received: Vec<(&str, u64)> = Vec::new();
        for run in &client.runs {
            let last = last_of.get(run.epoch.as_str()).copied().unwrap_or(0);
            assert!(
                run.last <= last || current != Some(&run.epoch),
                "{who}: {run:?}, and in the journal up to {last}"
            );
            received.extend((run.first..=run.last.min(last)).map(|seq| (run.epoch.as_str(), seq)));
        }
        let kept =
            self.epochs.iter().flat_map(|(epoch, numbers)| numbers.iter().map(|seq| (epoch.as_str(), *seq)));
        let kept: Vec<(&str, u64)> =
            kept.filter(|one| *one <= (one.0, self.end) || Some(one.0) != current).collect();
        let differs = kept.iter().zip(&received).position(|(one, other)| one != other);
        let differs = differs.or((kept.len() != received.len()).then(|| kept.len().min(received.len())));
        if let Some(at) = differs {
            panic!(
                "{who}: expected {:?}, received {:?}; {} kept, {} received; gaps {:?}; epochs {:?}; runs {:?}",
                kept.get(at),
                received.get(at),
                kept.len(),
                received.len(),
                client.gaps,
                last_of,
                client.runs
            );
        }
    }
}
