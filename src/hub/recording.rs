//! A session that was recorded, told again: its records as its journal has them, and a hub that has those and nothing
//! else. When each is told is decided elsewhere.

use super::log::Record;
use super::{Bounds, Hub, Numbers, Rules, stored};
use crate::event::{Body, Epoch, Event, SessionId, Timestamp};
use crate::journal::{Cursor, From, segments};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Bytes read at once.
const PART: usize = 128 << 10;

/// The records of one epoch of a journal, in order.
#[derive(Debug)]
pub struct Recording {
    cursor: Cursor,
    epoch: Epoch,
    /// Records that are whole and that this version does not know.
    unknown: u64,
}

impl Recording {
    /// From the first record of that epoch on.
    ///
    /// # Errors
    /// What the system said of the directory.
    pub fn open(directory: &Path, epoch: Epoch) -> io::Result<Self> {
        let from = From::After { epoch: epoch.as_str().to_owned(), seq: 0 };
        Ok(Self { cursor: Cursor::open(directory, &from)?, epoch, unknown: 0 })
    }

    /// The next records; none where there are no more, or not yet.
    ///
    /// # Errors
    /// What the system said.
    pub fn read(&mut self) -> io::Result<Vec<Arc<Record>>> {
        loop {
            let part = self.cursor.read(PART)?;
            let of_epoch = |epoch: &str| *epoch == *self.epoch.as_str();
            let mut records = Vec::new();
            for stored in part.records.iter().filter(|stored| of_epoch(&stored.epoch) && stored.seq.is_some())
            {
                match stored::record(&stored.object) {
                    Some(record) => records.push(record),
                    None => self.unknown += 1,
                }
            }
            // An epoch stands in one piece, whatever began behind it.
            let is_over = part.records.iter().any(|stored| !of_epoch(&stored.epoch));
            if part.is_end || is_over || !records.is_empty() {
                return Ok(records);
            }
        }
    }

    /// Lines that were passed over because they are not as they were written, or are of no event that is known.
    pub fn passed_over(&self) -> u64 {
        self.cursor.damaged() + self.unknown
    }
}

/// The epochs of a journal, in the order in which they began.
///
/// # Errors
/// What the system said of the directory.
pub fn epochs(directory: &Path) -> io::Result<Vec<Epoch>> {
    let mut epochs: Vec<Epoch> =
        segments(directory)?.iter().map(|segment| Epoch::new(&segment.epoch)).collect();
    epochs.dedup();
    Ok(epochs)
}

/// The last records of a journal, some of them at least: how it ended, without reading the rest.
///
/// # Errors
/// What the system said.
pub fn last_stored(directory: &Path) -> io::Result<Vec<Arc<Record>>> {
    for segment in segments(directory)?.iter().rev() {
        let (mut cursor, mut records) = (Cursor::at_end_of(segment), Vec::new());
        loop {
            let part = cursor.read(PART)?;
            let numbered = part.records.iter().filter(|stored| stored.seq.is_some());
            records.extend(numbered.filter_map(|stored| stored::record(&stored.object)));
            if part.is_end {
                break;
            }
        }
        if !records.is_empty() {
            return Ok(records);
        }
    }
    Ok(Vec::new())
}

impl Hub {
    /// An empty log that has what is told again of the journal in this directory, under its own numbers: nothing else is
    /// published there.
    pub fn of_recording(session_id: SessionId, epoch: Epoch, directory: &Path, bounds: Bounds) -> Self {
        let numbers = Numbers { epoch, last_seq: 0 };
        let hub = Self::numbered(session_id, bounds, Rules::default(), numbers);
        hub.shared.lock().is_recording = true;
        // What has left memory is read there.
        _ = hub.shared.journal.set(directory.to_owned());
        hub
    }

    /// Has it tell nothing that is newer, though it stands in the journal between what is told.
    pub fn telling_until(self, until: Option<Timestamp>) -> Self {
        if let Some(until) = until {
            _ = self.shared.until.set(until);
        }
        self
    }

    /// Whether it tells again what was recorded: nobody publishes here.
    pub fn is_recording(&self) -> bool {
        self.shared.lock().is_recording
    }

    /// Waits until somebody has begun to read. For one who waits.
    pub async fn first_reader(&self) {
        self.shared.readers.notified().await;
    }

    /// Tells a record again, which stands behind all that were told before. What follows from it is recorded, too;
    /// numbers between are missing, and readers are told so.
    pub fn tell_again(&self, record: &Record) {
        let event = record.event.clone();
        let mut state = self.shared.lock();
        let next = state.log.last_seq() + 1;
        if state.closed || event.seq < next {
            return;
        }
        if event.seq > next {
            state.log.skip_to(event.seq);
        }
        let owns = owns(&mut state.sessions, &event);
        let status = state.sessions.of_event(&event.session_id, event.seq);
        match owns {
            true => drop(status.fold(&event)),
            false => status.heard(&event),
        }
        state.sessions.bound(&event.session_id);
        let weight = state.log.append(event, record.before.clone());
        self.wake(state, weight);
    }
}

/// Whether what is true of its session changed by the event, when that was published.
fn owns(sessions: &mut super::Sessions, event: &Event) -> bool {
    let source = event.source.as_str();
    // What came over an uplink was told by the session's own instance.
    event.source.is_own()
        || event.origin.is_some()
        || match &event.body {
            Body::SessionStart(_) => sessions.begin(&event.session_id, source),
            _ => sessions.speaks(&event.session_id, source),
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::body::{Output, Stream};
    use crate::event::{Draft, Source};
    use crate::filter::{Filter, Query};
    use crate::hub::{Next, Reader, Relayed, Start};
    use crate::journal::{Journal, SEGMENT_BYTES};
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn say(hub: &Hub, count: u64) {
        for number in 1..=count {
            let content = format!("line {number}");
            let output = Output { content, stream: Stream::Stdout, truncated: false };
            hub.publisher(Source::Screen).publish(Body::Output(output));
        }
    }

    /// A hub that wrote so many lines to a journal, and is over.
    async fn spoken(directory: &Path, lines: u64) -> Hub {
        let hub = Hub::new(SessionId::new("s"), Bounds::default());
        let writer = Journal::open(directory).unwrap().writer(hub.epoch().as_str(), SEGMENT_BYTES);
        let journalist = hub.keep_journal(writer, Box::new(|| {})).unwrap();
        say(&hub, lines);
        hub.close();
        assert!(journalist.finish(PATIENCE).await);
        hub
    }

    /// What it wrote, as it would be told again.
    async fn recorded(directory: &Path, lines: u64) -> (Hub, Vec<Arc<Record>>) {
        let hub = spoken(directory, lines).await;
        let mut recording = Recording::open(directory, hub.epoch().clone()).unwrap();
        let records = recording.read().unwrap();
        assert!(recording.read().unwrap().is_empty());
        let bounds = Bounds { records: 10, bytes: usize::MAX };
        let again = Hub::of_recording(SessionId::new("s"), hub.epoch().clone(), directory, bounds);
        let paced = again.clone();
        tokio::spawn(async move { paced.run_pacer().await });
        (again, records)
    }

    /// The numbers that are there now: those that came, negative where they were a gap.
    async fn there(reader: &mut Reader, hub: &Hub) -> Vec<i64> {
        let signed = |seq: u64| seq.cast_signed();
        let mut numbers = Vec::new();
        while reader.cursor() < hub.last_seq() {
            match tokio::time::timeout(PATIENCE, reader.next()).await.unwrap() {
                Next::Batch(records) => numbers.extend(records.iter().map(|record| signed(record.event.seq))),
                Next::Gap { from_seq, to_seq, .. } => {
                    numbers.extend((from_seq..=to_seq).map(|seq| -signed(seq)))
                }
                Next::Closed => break,
            }
        }
        assert!(reader.try_next().is_none(), "nothing is told that is to come");
        numbers
    }

    #[tokio::test]
    async fn a_reader_is_told_what_was_told_so_far_and_nothing_of_what_is_to_come() {
        let base = tempfile::tempdir().unwrap();
        // Of an earlier numbering, which is not told.
        spoken(base.path(), 5).await;
        let (hub, records) = recorded(base.path(), 100).await;
        let mut early = hub.reader(Start::After(0), &Filter::all());
        for (told, record) in (1..).zip(&records) {
            hub.tell_again(record);
            let mut late = hub.reader(Start::After(0), &Filter::all());
            assert_eq!(there(&mut late, &hub).await, (1..=told).collect::<Vec<_>>());
            assert_eq!(there(&mut early, &hub).await, [told]);
            let query = Query { filter: Filter::all(), limit: 1000, ..Query::default() };
            let past = hub.past(query).await;
            assert_eq!((past.records.len(), past.complete), (usize::try_from(told).unwrap(), true));
        }
    }

    #[tokio::test]
    async fn what_is_missing_is_a_gap_and_the_rest_comes() {
        let base = tempfile::tempdir().unwrap();
        let (hub, _) = recorded(base.path(), 30).await;
        let there_is = |seq: u64| ![1, 2, 7, 20].contains(&seq);
        let path = segments(base.path()).unwrap().remove(0).path;
        let text = std::fs::read_to_string(&path).unwrap();
        let damaged = (1..).zip(text.lines());
        let damaged = damaged
            .map(|(seq, line)| if there_is(seq) { line.to_owned() } else { line.replace("line", "LINE") });
        std::fs::write(&path, damaged.collect::<Vec<_>>().join("\n") + "\n").unwrap();
        let mut recording = Recording::open(base.path(), hub.epoch().clone()).unwrap();
        let mut early = hub.reader(Start::After(0), &Filter::all());
        let mut heard = Vec::new();
        for record in &recording.read().unwrap() {
            hub.tell_again(record);
            heard.extend(there(&mut early, &hub).await);
        }
        let expected: Vec<i64> =
            (1..=30i64).map(|seq| if there_is(seq.unsigned_abs()) { seq } else { -seq }).collect();
        assert_eq!((heard, recording.passed_over()), (expected.clone(), 4));
        let mut late = hub.reader(Start::After(0), &Filter::all());
        assert_eq!(there(&mut late, &hub).await, expected);
    }

    #[tokio::test]
    async fn nobody_publishes_in_a_recording() {
        let base = tempfile::tempdir().unwrap();
        let (hub, records) = recorded(base.path(), 3).await;
        hub.tell_again(&records[0]);
        say(&hub, 1);
        let body = Body::other("my.event", serde_json::Map::new());
        assert_eq!(hub.submit(Draft::new(Source::named("p"), body), true), 0);
        assert_eq!(hub.relay(&SessionId::new("s"), records[2].event.clone()), Relayed::Closed);
        hub.tell_again(&records[0]);
        assert_eq!(hub.last_seq(), 1);
    }
}
