//! An event that has no number yet: what its publisher gives. The rest is the hub's.

use super::{Body, EventId, Remarks, SessionId, Source, Timestamp};

/// What somebody publishes.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Who says so.
    pub source: Source,
    /// What happened.
    pub body: Body,
    /// `None`: a new one.
    pub id: Option<EventId>,
    /// `None`: now.
    pub timestamp: Option<Timestamp>,
    /// `None`: that of the hub.
    pub session_id: Option<SessionId>,
    /// What is said beside.
    pub remarks: Option<Box<Remarks>>,
}

impl Draft {
    /// Only what happened, and who says so.
    pub fn new(source: Source, body: Body) -> Self {
        Self { source, body, id: None, timestamp: None, session_id: None, remarks: None }
    }
}
