//! Which session is meant: one that runs, or one that is over; where its journal is, and what is known of it as a whole.

use crate::cmd::ended::{self, Ended};
use crate::cmd::failure::{Exit, Failure};
use crate::cmd::journal;
use crate::cmd::target::{self, Target};
use crate::export::{End, Head};
use crate::instance::{Choice, Instance, choose};
use crate::journal::segments;
use serde_json::Value;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a hub that cannot be reached may need until it is gone, and how often that is looked for.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

/// The session.
pub(super) struct Session {
    pub(super) instance: Instance,
    /// Its hub, while it runs.
    pub(super) target: Option<Target>,
    /// The directory that it has or would have; `None` where there is no place for one.
    pub(super) home: Option<PathBuf>,
    /// The same, where a journal is in it.
    pub(super) directory: Option<PathBuf>,
    ended: Option<Ended>,
}

impl Session {
    /// The one that is meant by this word.
    ///
    /// # Errors
    /// When none is, or several are.
    pub(super) fn named(word: &str) -> Result<Self, Failure> {
        let (replays, live): (Vec<_>, Vec<_>) =
            target::instances()?.into_iter().partition(Instance::is_replay);
        let is_meant = |instances: &[Instance]| choose(instances, Some(word), None) != Choice::None;
        // One, or several, which is told there.
        let running = || Self::running(target::by_word(Some(word), "export")?);
        if is_meant(&live) {
            return running();
        }
        match ended::meant(word)? {
            Some(ended) => Self::over(ended),
            // What is told again is not all there yet: it is meant where there is nothing else.
            None if is_meant(&replays) => running(),
            None => Err(Failure::new(
                Exit::NoInstance,
                format!("cannot export {word:?}: no session that runs or is over has this name or id"),
            )
            .tip("sessions that run: claude-mpm list")
            .tip("sessions that are over: claude-mpm list --ended")),
        }
    }

    fn over(ended: Ended) -> Result<Self, Failure> {
        let (instance, home) = (ended.instance.clone(), ended.directory.clone());
        Ok(Self {
            instance,
            target: None,
            directory: Some(home.clone()),
            home: Some(home),
            ended: Some(ended),
        })
    }

    fn running(target: Target) -> Result<Self, Failure> {
        let failed = |cause: &str| Failure::new(Exit::Failed, format!("cannot export: {cause}"));
        let instance = target.instance.clone().ok_or_else(|| failed("the instance has no record"))?;
        let home = journal::sessions().ok().map(|sessions| sessions.join(journal::name_of(&instance)));
        let has_journal = |home: &PathBuf| segments(home).is_ok_and(|segments| !segments.is_empty());
        let directory = home.clone().filter(has_journal);
        Ok(Self { instance, target: Some(target), home, directory, ended: None })
    }

    /// Whether its hub could not be asked because it is gone, and has left a journal. One that cannot be reached may be
    /// writing the last of it: that is waited for. Whoever answers otherwise may be another one, at the port that it had.
    pub(super) fn has_ended_since(&self, failure: &Failure) -> bool {
        let runs = || {
            target::instances().map_or(true, |running| {
                running.iter().any(|instance| instance.session_id == self.instance.session_id)
            })
        };
        let until = Instant::now() + PATIENCE;
        let has_journal = self.directory.is_some();
        while has_journal && failure.exit() == Exit::Unreachable && runs() && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
        has_journal && !runs()
    }

    /// Its journal cannot be read.
    pub(super) fn failure(&self, cause: &io::Error) -> Failure {
        Failure::new(Exit::Failed, format!("cannot read journal of {}: {cause}", self.instance.name))
    }

    /// What a protocol begins with.
    pub(super) fn head(&self) -> Head {
        let Instance { name, working_dir, session_id, started_at, .. } = &self.instance;
        let end = match self.ended.as_ref().map(Ended::end) {
            None => End::GoesOn,
            Some(end) => match end.and_then(|end| serde_json::to_value(end.end?).ok()) {
                Some(Value::Object(data)) => End::Told(data),
                _ => End::Unknown,
            },
        };
        Head {
            name: name.clone(),
            directory: working_dir.clone(),
            session_id: session_id.to_string(),
            began: *started_at,
            end,
        }
    }
}
