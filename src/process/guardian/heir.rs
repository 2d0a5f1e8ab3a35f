//! Who goes on in the guardian's place when we were killed and the child is over. What it does is not known here.

use crate::process::followed::Exit;
use std::fmt;
use std::os::fd::RawFd;

/// The child that is over, as far as its parent knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Departed {
    /// The process id it had; `None` when it never ran.
    pub pid: Option<u32>,
    /// How it ended; `None` when it could not be ended.
    pub exit: Option<Exit>,
}

/// The heir, made before the fork. It is heard in the guardian, and only when we died without dismissing that.
pub struct Heir {
    keeps: Vec<RawFd>,
    work: Box<dyn FnOnce(Departed)>,
}

impl Heir {
    /// Does `work` with the descriptors `keeps`, which the guardian holds open for it.
    pub fn new(keeps: Vec<RawFd>, work: impl FnOnce(Departed) + 'static) -> Self {
        Self { keeps, work: Box::new(work) }
    }

    pub(super) fn keeps(&self) -> &[RawFd] {
        &self.keeps
    }

    pub(super) fn take_over(self, departed: Departed) {
        (self.work)(departed);
    }
}

impl fmt::Debug for Heir {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Heir").field("keeps", &self.keeps).finish_non_exhaustive()
    }
}
