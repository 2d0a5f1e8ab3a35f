//! What the readers and followers send into the funnel, and what tells the followers where to look.

use crate::detect::observation::Observation;
use crate::event::Source;
use crate::event::body::ActivityState;
use std::path::PathBuf;
use std::sync::Arc;

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// A fact, and who saw it: a source that knows claude's ids.
    Observed(Source, Observation),
    /// The screen shows something; it knows no ids and is not always right.
    Drawn(Observation),
    /// Claude's process is over, and another may follow.
    Over,
    /// The terminal looks as if claude were in this state.
    Looks(ActivityState),
    /// Something could not be read; reading goes on where that is possible.
    Fault {
        /// Who could not.
        source: Source,
        /// What sort of thing it is; each is told once for each source.
        kind: FaultKind,
        /// `cannot <verb> <object>: <cause>`.
        what: String,
    },
}

/// A sort of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// What was said means nothing.
    Unreadable,
    /// A path or a file that is not followed, as it is not what it should be.
    Refused,
    /// Something came too fast or was too large.
    Lost,
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
