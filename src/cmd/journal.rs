//! The journals of this user: where they are, and that of a hub while it is open. What cannot be written down is said, and
//! nothing else comes of it.

use super::redaction::presentable;
use crate::event::body::{Body, Fault, Severity};
use crate::event::{Epoch, SessionId, Source};
use crate::hub::{Hub, Journalist, Numbers};
use crate::instance::private::{self, DirectoryError};
use crate::instance::{Instance, StateDirectory};
use crate::journal::{self, Journal, Retention, SEGMENT_BYTES, Swept, is_epoch};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

/// The directory that has a directory for each session.
const SESSIONS: &str = "sessions";

/// How long one that goes may take to let its journal go: nobody else should have it, and what does is gone soon.
pub(super) const TURN: Duration = Duration::from_secs(1);
/// The same of a hub that stands alone, whose port may be free before it has told its clients and its journal the rest.
const LEAVING: Duration = Duration::from_secs(10);
/// How long a disk may take to open a journal.
const DISK: Duration = Duration::from_secs(2);

/// What comes of it where a journal cannot be opened.
const TRIED_AGAIN: &str = "it is tried again, and until then history is what memory holds";
/// The same where that would be of no use.
const FINAL: &str = "it is not tried again before the next start, and history is what memory holds";

/// Where the journals of all sessions are or would be; makes and checks nothing.
///
/// # Errors
/// Why there is no such place.
pub(super) fn sessions() -> Result<PathBuf, String> {
    let place = StateDirectory::place().map_err(|cause| cause.to_string())?;
    // Whoever goes on for us may do so in another directory.
    std::path::absolute(place.join(SESSIONS)).map_err(|cause| cause.to_string())
}

/// Opens the journal of this name, which is made where there is none.
///
/// # Errors
/// Why that cannot be.
pub(super) fn open(name: &str, patience: Duration) -> Result<Journal, String> {
    let opened = opening(name, patience)?.recv_timeout(patience + DISK);
    opened.unwrap_or_else(|_| {
        let sessions = sessions().map(|sessions| sessions.display().to_string()).unwrap_or_default();
        Err(format!("the disk with {sessions} does not answer"))
    })
}

/// What came of it.
type Opened = Result<Journal, String>;

/// Has it opened, by a thread that nobody need wait for.
fn opening(name: &str, patience: Duration) -> Result<Receiver<Opened>, String> {
    let name = name.to_owned();
    let open = move || {
        let directory = directory_of(&name)?;
        let journal = Journal::open_within(&directory, patience).map_err(|cause| cause.to_string())?;
        if journal.torn() > 0 {
            let (directory, torn) = (directory.display(), journal.torn());
            tracing::warn!("journal {directory}: {torn} bytes of a broken off line put aside");
        }
        Ok(journal)
    };
    begun(open).map_err(|cause| cause.to_string())
}

/// Does this to files; `None` where it takes longer, since nobody waits for a disk that does not answer. It may be done
/// later all the same.
fn in_time<T: Send + 'static>(patience: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    begun(work).ok()?.recv_timeout(patience).ok()
}

fn begun<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<Receiver<T>> {
    let (say, done) = mpsc::channel();
    let work = move || drop(say.send(work()));
    std::thread::Builder::new().name("journal".into()).spawn(work)?;
    Ok(done)
}

/// The journal of a hub that stands alone, and as who it goes on.
#[derive(Debug)]
pub(super) struct Standing {
    /// Why there is none, where there is none.
    pub(super) journal: Result<Journal, String>,
    /// As it was, where it goes on.
    pub(super) session_id: Option<SessionId>,
    /// Those it ended with; new ones where it was broken off, for nobody knows which were used.
    pub(super) numbers: Numbers,
}

impl Standing {
    /// Of the hub at this address.
    pub(super) fn at(address: SocketAddr) -> Self {
        let journal = open(&hub_name(address), LEAVING);
        let (mut session_id, mut numbers) = (None, Numbers::fresh());
        if let Ok(journal) = &journal {
            let known = journal::label(journal.directory());
            let known = known.and_then(|label| serde_json::from_slice::<Instance>(&label).ok());
            session_id = known.map(|instance| instance.session_id);
            if let Some(last) = journal.last() {
                numbers = Numbers::fresh_behind(&last.epoch);
            }
            if let Some(end) = journal.closed().filter(|end| is_epoch(&end.epoch)) {
                let newest = journal.last().filter(|last| last.epoch == end.epoch);
                let last_seq = newest.map_or(end.last_seq, |last| last.last_seq.max(end.last_seq));
                numbers = Numbers { epoch: Epoch::new(&end.epoch), last_seq };
            }
        }
        Self { journal, session_id, numbers }
    }
}

/// What the journal of an instance is called: that of a hub that stands alone goes on over restarts.
pub(super) fn name_of(instance: &Instance) -> String {
    let address = || Some(SocketAddr::new(instance.host.parse().ok()?, instance.port?));
    let hub = if instance.launch_method.is_none() { address().map(hub_name) } else { None };
    hub.unwrap_or_else(|| instance.session_id.as_str().to_owned())
}

/// Hubs on other addresses of this machine may have the same port.
fn hub_name(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => format!("hub-{}", address.port()),
        ip => format!("hub-{}-{}", ip.to_string().replace([':', '%'], "_"), address.port()),
    }
}

/// What is kept on disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keeping {
    /// Of all journals together.
    pub(super) all: Retention,
    /// Of one that is being written.
    pub(super) one: Retention,
}

/// Takes in what the journal has already, and writes down from now on what this hub of this instance publishes. Where that
/// cannot be done, an event says why, and it is tried again as long as the hub lives; `None` where nobody can say where the
/// place for it would be.
pub(super) fn keep(
    hub: &Hub,
    instance: &Instance,
    journal: Result<Journal, String>,
    keeping: Keeping,
) -> Option<Journalist> {
    match journal.and_then(|journal| begin(hub, instance, journal, keeping)) {
        Ok(journalist) => Some(journalist),
        Err(cause) => {
            let journalist = later(hub, instance, keeping);
            let outlook = if journalist.is_ok() { TRIED_AGAIN } else { FINAL };
            let error = format!("cannot keep a journal: {cause}; {outlook}");
            tracing::warn!("{}", presentable(&error));
            let (component, error_code) = ("journal".into(), "RES001".into());
            let fault = Fault { error, component, severity: Severity::Error, error_code };
            hub.publisher(Source::System).publish(Body::Error(fault));
            if let Err(other) = &journalist
                && *other != cause
            {
                tracing::warn!("there will be no journal: {other}");
            }
            journalist.ok()
        }
    }
}

/// Has it opened once that can be done. What is no place of ours today may be one tomorrow, and is looked at anew each time.
///
/// # Errors
/// Why it is not tried again.
fn later(hub: &Hub, instance: &Instance, keeping: Keeping) -> Result<Journalist, String> {
    let (name, instance, epoch) = (name_of(instance), instance.clone(), hub.epoch().clone());
    let directory = sessions()?.join(&name);
    let checked = name.clone();
    // What cannot be written may be there to be read: what publishers have told already, for one.
    let readable = match in_time(DISK, move || readable_of(&checked)) {
        Some(Ok(directory)) => {
            take_in(hub, &directory);
            Some(directory)
        }
        // Nobody reads below what is not ours.
        Some(Err(_)) => {
            hub.may_have_earlier();
            None
        }
        None => {
            hub.may_have_earlier();
            Some(directory.clone())
        }
    };
    let told = instance.clone();
    let mut pending = None;
    let opening = move || {
        // A disk that does not answer has one thread that waits for it, however often it is looked.
        let done = pending.take().or_else(|| opening(&name, Duration::ZERO).ok())?;
        let journal = match done.recv_timeout(DISK) {
            Err(RecvTimeoutError::Timeout) => {
                pending = Some(done);
                return None;
            }
            done => done.ok()?.ok()?,
        };
        label(journal.directory(), &instance);
        Some(journal.writer(epoch.as_str(), SEGMENT_BYTES))
    };
    let tidy = tidying(directory, told, keeping);
    hub.keep_journal_later(readable, Box::new(opening), tidy).map_err(|cause| cause.to_string())
}

/// The directory of this session, below one that is surely ours; makes nothing in it.
///
/// # Errors
/// Why there is no such place.
pub(super) fn directory_of(name: &str) -> Result<PathBuf, String> {
    let sessions = sessions()?;
    StateDirectory::open().map_err(|cause| cause.to_string())?;
    StateDirectory::at(&sessions).map_err(|cause| cause.to_string())?;
    Ok(sessions.join(name))
}

/// The same, where nothing else stands in its own place either.
fn readable_of(name: &str) -> Result<PathBuf, String> {
    let directory = directory_of(name)?;
    match private::check_directory(&directory) {
        // It is not there yet, or not to be had at this moment.
        Ok(()) | Err(DirectoryError::Io { .. }) => Ok(directory),
        Err(cause) => Err(cause.to_string()),
    }
}

fn begin(hub: &Hub, instance: &Instance, journal: Journal, keeping: Keeping) -> Result<Journalist, String> {
    let directory = journal.directory().to_owned();
    take_in(hub, &directory);
    let (place, told) = (directory.clone(), instance.clone());
    if in_time(DISK, move || label(&place, &told)).is_none() {
        tracing::warn!("journal {} is not labelled yet: its disk does not answer", directory.display());
    }
    let writer = journal.writer(hub.epoch().as_str(), SEGMENT_BYTES);
    hub.keep_journal(writer, tidying(directory, instance.clone(), keeping)).map_err(|cause| cause.to_string())
}

fn take_in(hub: &Hub, directory: &Path) {
    if let Err(cause) = hub.recover(directory) {
        tracing::warn!("cannot read all of journal {}: {cause}", directory.display());
    }
}

/// Has old journals go. Nobody waits for it, and the next one removes what this one could not.
fn tidying(directory: PathBuf, instance: Instance, keeping: Keeping) -> Box<dyn Fn() + Send> {
    Box::new(move || {
        let (directory, instance) = (directory.clone(), instance.clone());
        let tidy = move || {
            // Somebody may have removed it with all that was there.
            if journal::label(&directory).is_none() {
                label(&directory, &instance);
            }
            tidy(&directory, keeping);
        };
        _ = std::thread::Builder::new().name("retention".into()).spawn(tidy);
    })
}

/// Says of which session a journal is.
pub(super) fn label(directory: &Path, instance: &Instance) {
    let label = serde_json::to_vec(instance).map_err(std::io::Error::other);
    if let Err(cause) = label.and_then(|label| journal::set_label(directory, &label)) {
        tracing::warn!("cannot label journal {}: {cause}", directory.display());
    }
}

/// Lets old journals go, and the oldest of this one.
fn tidy(directory: &Path, keeping: Keeping) {
    let now = SystemTime::now();
    if let Err(cause) = journal::sync_label(directory) {
        tracing::warn!("cannot label journal {}: {cause}", directory.display());
    }
    let swept = directory.parent().map_or(Ok(Swept::default()), |all| journal::sweep(all, &keeping.all, now));
    match (swept, journal::trim(directory, &keeping.one, now)) {
        (Ok(Swept { journals: 0, .. }), Ok(0)) => {}
        (Ok(swept), Ok(trimmed)) => tracing::info!(
            "{} old journals removed, {} bytes, and {trimmed} bytes of this one",
            swept.journals,
            swept.bytes
        ),
        (Err(cause), _) | (_, Err(cause)) => tracing::warn!("cannot remove old journals: {cause}"),
    }
}
