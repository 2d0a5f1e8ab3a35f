//! Whether the hooks that should come do come.
//!
//! They do not where claude was told so (`--bare`, `disableAllHooks`), where a rule of its owner forbids it, or where a
//! newer claude reads settings differently. Then other sources show work that no hook has told of.

use std::time::Duration;
use tokio::time::Instant;

/// From the first sign of work, a hook has this long to arrive.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is expected of hooks, and what came.
#[derive(Debug)]
pub enum HookWatch {
    /// None were asked for, or it is settled.
    Settled,
    /// They were asked for, and none has come yet.
    Waiting,
    /// Claude works, and none has come: until then they may.
    Overdue(Instant),
}

impl HookWatch {
    /// At the start of a run.
    pub fn new(expected: bool) -> Self {
        if expected { Self::Waiting } else { Self::Settled }
    }

    pub(super) fn heard(&mut self) {
        *self = Self::Settled;
    }

    pub(super) fn work_seen(&mut self) {
        if let Self::Waiting = self {
            *self = Self::Overdue(Instant::now() + PATIENCE);
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Overdue(deadline) => Some(*deadline),
            Self::Settled | Self::Waiting => None,
        }
    }

    /// Why the status says that they are missing.
    pub(super) fn given_up(&mut self) -> String {
        *self = Self::Settled;
        "cannot hear hooks: claude works and none has come; events come from the other sources. Look for --bare, \
         --safe-mode, disableAllHooks or allowManagedHooksOnly in claude's settings"
            .into()
    }
}
