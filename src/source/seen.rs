//! What the followers of claude's files hand on, and what tells them where to look.

use crate::detect::observation::Observation;
use crate::event::Source;
use std::path::PathBuf;
use std::sync::Arc;

/// One thing that was seen.
#[expect(clippy::large_enum_variant, reason = "nearly every one is an observation")]
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// A fact, and who saw it.
    Observed(Source, Observation),
    /// Something could not be read. It is told once per cause; reading goes on where that is possible.
    Fault {
        /// Who could not.
        source: Source,
        /// `cannot <verb> <object>: <cause>`.
        what: String,
    },
}

/// A session of claude to follow. The same may be said any number of times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Claude's id of it.
    pub claude_session: Arc<str>,
    /// Where its transcript is, as a hook says; it need not be true.
    pub path: Option<PathBuf>,
    /// Where it runs, from which follows where its transcript is.
    pub cwd: Option<PathBuf>,
}
