//! How the journal of a hub is doing, as its snapshots show it.

use schemars::JsonSchema;
use serde::Serialize;

/// Whether what is published is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JournalState {
    /// It is.
    Writing,
    /// The disk does not take it at present: it waits in memory, as far as there is room.
    Failing,
}

/// A journal that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct JournalHealth {
    /// How it is doing.
    pub state: JournalState,
    /// Newest number that is written; 0 before there is one.
    pub last_seq: u64,
}
