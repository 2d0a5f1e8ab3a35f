//! Sessions that are over, as their journals tell, without any hub: which there were, and what they published.

use super::failure::{Exit, Failure};
use super::journal;
use super::target;
use crate::client::Frame;
use crate::dialect::Dialect;
use crate::event::body::{InstanceInfo, SessionEnd};
use crate::event::{Body, Epoch, SessionId, Timestamp, channel};
use crate::filter::{Filter, Pattern, Query};
use crate::hub::{self, Budget, History, Record};
use crate::instance::Instance;
use crate::journal::{label, segments};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For what somebody asks of one session.
const WHOLE: Budget = Budget { bytes: 256 << 20, time: Duration::from_secs(120) };

/// As many are named where several are meant.
const MOST_NAMED: usize = 5;

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    /// What its record said while it ran.
    pub(super) instance: Instance,
    pub(super) directory: PathBuf,
}

impl Ended {
    /// Whether it is not where it was written: somebody has put it aside, or a link to it.
    fn is_a_copy(&self) -> bool {
        self.directory.file_name().is_none_or(|name| name != journal::name_of(&self.instance).as_str())
    }

    /// How it ended, and when it published its last event, as far as its journal tells.
    pub(super) fn end(&self) -> Option<End> {
        let records = hub::last_stored(&self.directory).ok()?;
        let end = records.iter().rev().find_map(|record| match &record.event.body {
            Body::SessionEnd(end) if record.event.session_id == self.instance.session_id => Some(end.clone()),
            _ => None,
        });
        Some(End { end, last_event: records.last()?.event.timestamp })
    }

    /// What it published. Numbers in the query are those of its last epoch.
    pub(super) fn find(&self, query: &Query) -> Result<History, Failure> {
        let failed = |cause| {
            Failure::new(Exit::Failed, format!("cannot read journal of {}: {cause}", self.instance.name))
        };
        let epoch = segments(&self.directory).map_err(failed)?.pop().map(|last| Epoch::new(&last.epoch));
        hub::find_stored(&self.directory, query, epoch.as_ref().map(|epoch| (epoch, u64::MAX)), WHOLE)
            .map_err(failed)
    }
}

/// The end of one of them.
#[derive(Debug, Clone)]
pub(super) struct End {
    /// `None` where nobody could say so any more.
    pub(super) end: Option<SessionEnd>,
    pub(super) last_event: Timestamp,
}

/// All that are kept and no longer run, those that began last first.
pub(super) fn all() -> Result<Vec<Ended>, Failure> {
    let failed =
        |cause: String| Failure::new(Exit::Failed, format!("cannot look for ended sessions: {cause}"));
    let running: HashSet<_> = target::instances()?.into_iter().map(|instance| instance.session_id).collect();
    let sessions = journal::sessions().map_err(failed)?;
    let entries = match std::fs::read_dir(&sessions) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(failed(cause.to_string())),
    };
    let read = |directory: PathBuf| {
        let labelled = label(&directory).and_then(|label| serde_json::from_slice(&label).ok());
        let instance = labelled.or_else(|| as_named(&directory)).or_else(|| as_published(&directory))?;
        Some(Ended { instance, directory })
    };
    let mut ended: Vec<_> = entries.flatten().filter_map(|entry| read(entry.path())).collect();
    ended.retain(|ended| !running.contains(&ended.instance.session_id));
    ended.sort_by_key(|ended| {
        let id = ended.instance.session_id.as_str().to_owned();
        (std::cmp::Reverse(ended.instance.started_at), id, ended.is_a_copy())
    });
    ended.dedup_by(|copy, ended| copy.is_a_copy() && copy.instance.session_id == ended.instance.session_id);
    Ok(ended)
}

/// Where its label is damaged: the hub that stood alone at the address in the name of its journal. It published nothing of
/// itself; what it was told of sessions does not make it one of them.
fn as_named(directory: &Path) -> Option<Instance> {
    let name = directory.file_name()?.to_str()?;
    let port = name.strip_prefix("hub-")?.rsplit('-').next()?.parse().ok()?;
    let last = hub::last_stored(directory).ok()?.pop()?;
    Some(Instance {
        name: "hub".into(),
        session_id: SessionId::new(name),
        pid: 0,
        start_time: 0,
        host: "127.0.0.1".into(),
        port: Some(port),
        certificate: None,
        socket: None,
        working_dir: "?".into(),
        launch_method: None,
        version: String::new(),
        epoch: last.event.epoch.clone(),
        started_at: last.event.timestamp,
        replays: None,
    })
}

/// What the session itself says of its instance, where its label is damaged.
fn as_published(directory: &Path) -> Option<Instance> {
    let filter = Filter::channels(vec![Pattern::Exact(channel::SESSION_START.to_owned())]);
    let query = Query { filter, limit: 1, ..Query::default() };
    let found = hub::find_stored(directory, &query, None, WHOLE).ok()?;
    let event = &found.records.first()?.event;
    let Body::SessionStart(start) = &event.body else { return None };
    let InstanceInfo { port, host, working_dir, name, pid, certificate } = start.instance_info.clone();
    Some(Instance {
        name,
        session_id: start.session_id.clone(),
        pid,
        start_time: 0,
        host,
        port,
        certificate,
        socket: None,
        working_dir,
        launch_method: Some(start.launch_method),
        version: String::new(),
        epoch: event.epoch.clone(),
        started_at: start.start_time,
        replays: None,
    })
}

/// The one that is meant by a name, a session id or the beginning of one: the newest of that name. A port or pid means
/// nothing any more.
pub(super) fn meant(word: &str) -> Result<Option<Ended>, Failure> {
    let mut meant = all_meant(word)?;
    let newest = meant.pop();
    if meant.is_empty() {
        return Ok(newest);
    }
    let ids = meant.iter().chain(&newest).take(MOST_NAMED).map(|ended| ended.instance.session_id.as_str());
    let ids = ids.collect::<Vec<_>>().join(", ");
    let failure = format!("cannot choose session {word:?}: several that are over begin like this");
    Err(Failure::new(Exit::NoInstance, failure).tip(format!("more of the id is needed: {ids}")))
}

/// The same, where several sessions begin with that word all of them.
pub(super) fn all_meant(word: &str) -> Result<Vec<Ended>, Failure> {
    let all = all()?;
    let newest = |fits: &dyn Fn(&Instance) -> bool| all.iter().find(|ended| fits(&ended.instance)).cloned();
    let exact = newest(&|instance| instance.name == word)
        .or_else(|| newest(&|instance| instance.session_id.as_str() == word))
        .or_else(|| newest(&|instance| instance.label() == word));
    if let Some(exact) = exact {
        return Ok(vec![exact]);
    }
    let begins = |ended: &&Ended| !word.is_empty() && ended.instance.session_id.as_str().starts_with(word);
    Ok(all.iter().filter(begins).cloned().collect())
}

/// The frames that a hub would have sent of these.
pub(super) fn frames(history: &History) -> impl Iterator<Item = Frame> {
    history.records.iter().filter_map(|record| frame(record))
}

/// The frame that a hub would have sent of this one.
pub(super) fn frame(record: &Record) -> Option<Frame> {
    let frame = Dialect::Classic.event(&record.event, &record.before, record.event.timestamp);
    Frame::parse(String::from_utf8(frame).ok()?.into())
}
