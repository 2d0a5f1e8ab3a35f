//! A log that goes on where an earlier process left it: with its numbers, its newest records in memory, and how its
//! sessions stand.

use super::origins::Origins;
use super::{Hub, State, fresh_id, now, stored};
use crate::event::{Epoch, Event, channel};
use crate::journal::{Cursor, End, From, Part, Segment, Stored, segments};
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// Of a journal, about so many bytes at its end are taken in.
const TAIL: u64 = 32 << 20;
/// Bytes read at once.
const PART: usize = 1 << 20;
/// How long the disk may take for such a part.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the numbers of a log begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// The numbering.
    pub epoch: Epoch,
    /// The next number is the one behind this.
    pub last_seq: u64,
}

impl Numbers {
    /// Whether a journal that ends so has the newest of them.
    pub fn are_all_in(&self, last: Option<&End>) -> bool {
        let of_these = last.filter(|last| last.epoch == self.epoch.as_str());
        of_these.map_or(0, |last| last.last_seq) == self.last_seq
    }

    /// Those of a new epoch, which nothing had. Epochs that begin later have names that come later: who names one of which
    /// nothing is left gets those that followed.
    pub fn fresh() -> Self {
        let millis = u64::try_from(now().as_millis()).unwrap_or(0);
        let (random, _) = fresh_id().as_u64_pair();
        Self::named(millis << 16 | random >> 48)
    }

    /// Those of a new epoch behind one of this name, whatever the clock says.
    pub fn fresh_behind(epoch: &str) -> Self {
        let fresh = Self::fresh();
        match u64::from_str_radix(epoch, 16) {
            Ok(before) if fresh.epoch.as_str() <= epoch => Self::named(before.saturating_add(1)),
            _ => fresh,
        }
    }

    fn named(name: u64) -> Self {
        Self { epoch: Epoch::new(&format!("{name:016x}")), last_seq: 0 }
    }

    /// Whether they have such a name: epochs of it can be told apart by which came later.
    pub(super) fn are_named(epoch: &Epoch) -> bool {
        let name = epoch.as_str();
        name.len() == 16 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
}

impl Hub {
    /// Takes in the end of what earlier processes wrote to the journal in this directory: as much as memory holds of this
    /// numbering, and of all of it what it says of sessions. To be called before anything is published.
    ///
    /// # Errors
    /// What the system said; what was read before that is taken in.
    pub fn recover(&self, directory: &Path) -> io::Result<()> {
        // Until that is known.
        self.may_have_earlier();
        let parts = self.read_tail(directory)?;
        let (mut recent, mut origins) = (Vec::new(), Origins::default());
        let read = loop {
            let part = match parts.recv_timeout(PATIENCE) {
                Ok(Ok(part)) => part,
                Ok(Err(cause)) => break Err(cause),
                Err(RecvTimeoutError::Timeout) => break Err(io::ErrorKind::TimedOut.into()),
                Err(RecvTimeoutError::Disconnected) => break Ok(()),
            };
            let mut state = self.shared.lock();
            for stored in &part.records {
                let is_recent = state.is_recent(stored, self.epoch());
                origins.read(&stored.object);
                if !is_recent && says_nothing_of_sessions(&stored.object) {
                    continue;
                }
                let Some((event, before)) = stored::read(&stored.object) else { continue };
                state.take_in(&event);
                if is_recent {
                    recent.push((event, before));
                }
            }
        };
        let mut state = self.shared.lock();
        state.log.put_back(recent);
        state.sessions.went_so_far(origins);
        read
    }

    /// Earlier numberings may be in the journal: whoever wants all there is has to look.
    pub fn may_have_earlier(&self) {
        self.shared.has_earlier.store(true, Relaxed);
    }

    /// Reads the end of a journal in a thread of its own, since a disk may never answer.
    fn read_tail(&self, directory: &Path) -> io::Result<Receiver<io::Result<Part>>> {
        let (say, parts) = mpsc::sync_channel(1);
        let (hub, directory) = (self.clone(), directory.to_owned());
        let read = move || {
            let mut cursor = match hub.tail(&directory) {
                Ok(Some(cursor)) => cursor,
                Ok(None) => return,
                Err(cause) => return drop(say.send(Err(cause))),
            };
            // Until the end, an error, or nobody waits for it any more.
            loop {
                let part = cursor.read(PART);
                let is_last = part.as_ref().map_or(true, |part| part.is_end);
                if say.send(part).is_err() || is_last {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("recovery".into()).spawn(read)?;
        Ok(parts)
    }

    /// Where its end begins, if there is anything; whether earlier numberings are there is known then.
    fn tail(&self, directory: &Path) -> io::Result<Option<Cursor>> {
        let segments = match segments(directory) {
            // It could not be made.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed?,
        };
        let has_earlier = segments.iter().any(|segment| segment.epoch != self.epoch().as_str());
        self.shared.has_earlier.store(has_earlier, Relaxed);
        let Some(first) = beginning(&segments) else { return Ok(None) };
        let from = From::After { epoch: first.epoch.clone(), seq: first.first_seq.saturating_sub(1) };
        Cursor::open(directory, &from).map(Some)
    }
}

impl State {
    /// Whether it is one of the newest of this numbering, that memory may hold.
    fn is_recent(&self, stored: &Stored, epoch: &Epoch) -> bool {
        let (last_seq, most) = (self.log.last_seq(), self.log.bounds().records as u64);
        let fits = |seq| seq <= last_seq && last_seq - seq < most;
        *stored.epoch == *epoch.as_str() && stored.seq.is_some_and(fits)
    }

    /// Folds what was folded before.
    fn take_in(&mut self, event: &Event) {
        let session_id = &event.session_id;
        let status = self.sessions.of_event(session_id, 0);
        // What others said of a session that was not theirs changed nothing in it.
        if event.source.is_own() || event.origin.is_some() {
            drop(status.fold(event));
        } else {
            status.heard(event);
        }
        self.sessions.bound(session_id);
    }
}

/// The first of the last segments, as many as are looked at.
fn beginning(segments: &[Segment]) -> Option<&Segment> {
    let mut bytes = 0;
    let tail = segments.iter().rev().enumerate().take_while(|(count, segment)| {
        let before = bytes;
        bytes += std::fs::metadata(&segment.path).map_or(0, |file| file.len());
        // The last may have been broken off before it said how far uplinks had come.
        before < TAIL || *count < 2
    });
    tail.last().map(|(_, segment)| segment)
}

/// Lines of output and measurements are most of a journal.
fn says_nothing_of_sessions(text: &[u8]) -> bool {
    let name = text.strip_prefix(br#"{"type":""#).and_then(|rest| rest.split(|byte| *byte == b'"').next());
    [channel::CLAUDE_OUTPUT, channel::SYSTEM_STATS].map(|name| Some(name.as_bytes())).contains(&name)
}
