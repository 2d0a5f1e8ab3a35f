//! The child's family when the child is over: who has it ended or named, and what is said of those that are left.

use super::state::Action;
use crate::process::family::{Family, Mark, Remaining};
use crate::process::guardian::Guardian;
use std::io::Write;
use std::time::Duration;

/// What the family has to end by itself.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// Where to find them, should the guardian be gone.
#[derive(Debug)]
pub(super) struct Relatives {
    /// What they carry.
    pub(super) mark: Option<Mark>,
    /// The child's process id and start time.
    pub(super) child: Option<(u32, u64)>,
}

impl Relatives {
    /// Has them ended, where the table says so, and gives those that resist. Takes 1.7 s at most, and 4.7 s where the
    /// guardian is there but does not answer.
    pub(super) async fn end(&self, decided: Option<Action>, guardian: &mut Guardian) -> Remaining {
        let answer = match decided {
            Some(Action::EndFamily) => guardian.end_family(GRACE).await,
            Some(Action::EndOrphans) => None,
            _ => return Remaining::default(),
        };
        match answer {
            Some(resisting) => resisting,
            None => self.end_ourselves(guardian.pid()).await,
        }
    }

    /// Nobody is left to do it for us.
    async fn end_ourselves(&self, guardian: u32) -> Remaining {
        let family = Family::marked(self.mark.clone()).sparing(&[std::process::id(), guardian]);
        let family = match self.child {
            Some((pid, started)) => family.below(pid, started),
            None => family,
        };
        let ended = tokio::task::spawn_blocking(move || family.end(GRACE)).await;
        ended.unwrap_or_default().into()
    }
}

/// Those that go on, where the table says that they are named; nobody where the guardian does not answer.
pub(super) async fn going_on(decided: Option<Action>, guardian: &mut Guardian) -> Remaining {
    match decided {
        Some(Action::NameFamily) => guardian.name_family().await.unwrap_or_default(),
        _ => Remaining::default(),
    }
}

/// What is said of those that were to end and have not; `None` when there are none.
pub(super) fn complaint(resisting: &Remaining) -> Option<String> {
    let first = resisting.named.first()?;
    Some(format!("cannot end {resisting}: {}", first.resistance()))
}

/// Said on standard error whether anybody watches or not: a person has to act.
pub(super) fn complain(complaint: &str) {
    // A standard error that cannot be written to is nobody's loss.
    drop(writeln!(std::io::stderr(), "claude-mpm: {complaint}"));
}
