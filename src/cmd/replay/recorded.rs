//! Which recording is meant: whose it is, where its journal is, and which of its numberings is told.

use crate::cmd::failure::{Exit, Failure};
use crate::cmd::{ended, escape, journal, note, target};
use crate::event::{Epoch, Event};
use crate::hub::{self, Recording};
use crate::instance::{Choice, Instance, choose};
use crate::journal::{Hold, hold, label, segments};
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// A journal that has something to tell.
#[derive(Debug)]
pub(super) struct Recorded {
    /// What the record said while it ran.
    pub(super) instance: Instance,
    pub(super) directory: PathBuf,
    pub(super) epoch: Epoch,
    /// How many other numberings the journal has.
    others: Vec<Epoch>,
    /// The journal is not removed meanwhile; `None` where the file system cannot see to that.
    _hold: Option<Hold>,
}

impl Recorded {
    /// The one that is meant by this word, in the numbering that begins like this, or else its newest.
    pub(super) fn find(word: &str, epoch: Option<&str>) -> Result<Self, Failure> {
        let (instance, directory) = meant(word)?;
        let failed = |cause: &dyn Display| {
            Failure::new(Exit::Failed, format!("cannot replay {}: {cause}", escape::visible(word)))
        };
        if directory.is_file() {
            return Err(failed(&"a journal is a directory"));
        }
        let hold = match hold(&directory) {
            Ok(hold) => Some(hold),
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {
                return Err(failed(&"its journal is being removed"));
            }
            Err(_) => None,
        };
        let mut others = hub::epochs(&directory).map_err(|cause| failed(&cause))?;
        let (epoch, first) = match epoch {
            Some(beginning) => named(&directory, &others, beginning, &failed)?,
            None => newest(&directory, &others, &failed)?,
        };
        others.retain(|other| *other != epoch);
        let instance = instance.unwrap_or_else(|| unlabelled(&directory, &first));
        Ok(Self { instance, directory, epoch, others, _hold: hold })
    }

    /// Its records, from the first on.
    pub(super) fn open(&self) -> Result<Recording, Failure> {
        Recording::open(&self.directory, self.epoch.clone()).map_err(|cause| self.failure(&cause))
    }

    /// Its journal cannot be read.
    pub(super) fn failure(&self, cause: &io::Error) -> Failure {
        Failure::new(Exit::Failed, format!("cannot read journal {}: {cause}", self.directory.display()))
    }

    /// Says that this is not all that the journal has.
    pub(super) fn tell_of_others(&self) {
        if !self.others.is_empty() {
            let (count, others) = (self.others.len(), names(&self.others));
            note(&format!(
                "this is numbering {}; the journal has {count} more: {others} (--epoch ID chooses one)",
                self.epoch
            ));
        }
    }
}

/// What its record said, where that is kept, and the journal's directory.
fn meant(word: &str) -> Result<(Option<Instance>, PathBuf), Failure> {
    if word.contains('/') || word == "." || word == ".." {
        let directory = PathBuf::from(word);
        return Ok((labelled(&directory), directory));
    }
    let mut ended = ended::all_meant(word)?;
    let failure = |cause: &str| {
        Failure::new(Exit::NoInstance, format!("cannot replay {}: {cause}", escape::visible(word)))
            .tip("sessions that are over: claude-mpm list --ended")
    };
    if let Some(newest) = ended.pop() {
        return match ended.is_empty() {
            true => Ok((Some(newest.instance), newest.directory)),
            false => Err(failure("several sessions begin like this")),
        };
    }
    let mut running = target::instances()?;
    running.retain(|instance| !instance.is_replay());
    match choose(&running, Some(word), None) {
        Choice::One(instance) => {
            let sessions = journal::sessions().map_err(|cause| failure(&cause))?;
            let directory = sessions.join(journal::name_of(instance));
            match directory.is_dir() {
                true => Ok((Some(instance.clone()), directory)),
                false => Err(failure("it runs, and keeps no journal")),
            }
        }
        Choice::Several(_) => Err(failure("several that run are meant")),
        Choice::None => Err(failure("no session that is kept has this name or id")),
    }
}

fn labelled(directory: &Path) -> Option<Instance> {
    serde_json::from_slice(&label(directory)?).ok()
}

/// Of a journal that does not say what it is of.
fn unlabelled(directory: &Path, first: &Event) -> Instance {
    let name =
        directory.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    Instance {
        name: name.unwrap_or_else(|| "recording".into()),
        session_id: first.session_id.clone(),
        replays: None,
        pid: 0,
        start_time: 0,
        host: String::new(),
        port: None,
        certificate: None,
        socket: None,
        working_dir: String::new(),
        launch_method: Some(crate::event::body::LaunchMethod::Exec),
        version: String::new(),
        epoch: first.epoch.clone(),
        started_at: first.timestamp,
    }
}

fn names(epochs: &[Epoch]) -> String {
    epochs.iter().map(Epoch::as_str).collect::<Vec<_>>().join(", ")
}

type Failed<'a> = &'a dyn Fn(&dyn Display) -> Failure;

/// The numbering whose name begins like this, and its first event.
fn named(
    directory: &Path,
    epochs: &[Epoch],
    beginning: &str,
    failed: Failed<'_>,
) -> Result<(Epoch, Event), Failure> {
    let fits: Vec<&Epoch> = epochs.iter().filter(|epoch| epoch.as_str().starts_with(beginning)).collect();
    let epoch = match fits[..] {
        [epoch] => epoch,
        _ => {
            let cause = format!(
                "it has {} numberings that begin with {beginning:?}",
                if fits.is_empty() { "no" } else { "several" }
            );
            return Err(failed(&cause).tip(format!("it has: {}", names(epochs))));
        }
    };
    match first_of(directory, epoch) {
        Ok(Some(first)) => Ok((epoch.clone(), first)),
        Ok(None) => Err(failed(&"no record of this numbering is whole")),
        Err(cause) => Err(failed(&cause)),
    }
}

/// The newest numbering that has a record that is whole, and its first event.
fn newest(directory: &Path, epochs: &[Epoch], failed: Failed<'_>) -> Result<(Epoch, Event), Failure> {
    for epoch in epochs.iter().rev() {
        if let Some(first) = first_of(directory, epoch).map_err(|cause| failed(&cause))? {
            return Ok((epoch.clone(), first));
        }
    }
    Err(failed(&why_nothing(directory)))
}

fn first_of(directory: &Path, epoch: &Epoch) -> io::Result<Option<Event>> {
    let records = Recording::open(directory, epoch.clone())?.read()?;
    Ok(records.first().map(|record| record.event.clone()))
}

/// Why there is nothing to tell.
fn why_nothing(directory: &Path) -> String {
    let segments = segments(directory).unwrap_or_default();
    let files: Vec<_> = segments.iter().map(|segment| (segment, segment.open())).collect();
    let is_empty = |file: &std::fs::File| file.metadata().is_ok_and(|found| found.len() == 0);
    let refused = files.iter().find_map(|(segment, file)| {
        let cause = file.as_ref().err()?;
        Some(format!("{}: {cause}", segment.path.display()))
    });
    match refused {
        Some(refused) => refused,
        None if files.is_empty() => "there is no journal in its directory".into(),
        None if files.iter().all(|(_, file)| file.as_ref().is_ok_and(is_empty)) => {
            "its journal is empty".into()
        }
        None => "its journal is damaged: none of its records is whole".into(),
    }
}
