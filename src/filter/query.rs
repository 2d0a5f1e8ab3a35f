//! Which past events somebody asks for.

use super::Filter;
use crate::event::{Epoch, Timestamp};

/// The newest of those that fit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// What the events must be.
    pub filter: Filter,
    /// The newest this many.
    pub limit: usize,
    /// Only numbers above this one.
    pub after: Option<u64>,
    /// Only numbers below this one.
    pub before: Option<u64>,
    /// Only of this numbering, and these are its numbers; without it numbers are of the one that the log has now.
    pub epoch: Option<Epoch>,
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Not newer than this.
    pub until: Option<Timestamp>,
}
