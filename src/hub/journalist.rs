//! The thread that writes the log to its journal: it reads as a client does, and nobody waits for it.
//!
//! What it has not written stays in memory, up to twice the bounds of the ring. Where the disk does not take it for longer,
//! the oldest leave unwritten, and the journal says how many; the terminal, claude and the clients do not notice.

use super::log::{Bounds, Record};
use super::origins::Origins;
use super::{Hub, Tip, stored};
use crate::event::Source;
use crate::event::body::{Body, Fault, Severity};
use crate::journal::{Batch, Writer};
use serde_json::json;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// Most written at once.
const BATCH: Bounds = Bounds { records: 4096, bytes: 1 << 20 };
/// Written events are on the disk after this long.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How long the disk may take at the end.
const END: Duration = Duration::from_secs(2);
/// Between two attempts where the disk does not take them.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// Who writes the journal of a hub.
#[derive(Debug)]
pub struct Journalist {
    done: oneshot::Receiver<()>,
    _thread: JoinHandle<()>,
}

impl Journalist {
    /// Waits until the log is closed and all of it is on the disk, as long as a disk may take.
    pub async fn end(self) {
        if !self.finish(END).await {
            tracing::warn!("the end of the journal is not on the disk");
        }
    }

    /// Waits until the log is closed and all of it is on the disk, but no longer than this; whether it is.
    pub(super) async fn finish(self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.done).await.is_ok_and(|done| done.is_ok())
    }
}

/// Opens a journal to write, once it can be.
pub type Opening = Box<dyn FnMut() -> Option<Writer> + Send>;

impl Hub {
    /// Writes everything that is published from now on to this journal. Each time another file of it begins, this is done; it
    /// must not take long.
    ///
    /// # Errors
    /// What the system said where there can be no thread for it.
    pub fn keep_journal(&self, writer: Writer, on_segment: Box<dyn Fn() + Send>) -> io::Result<Journalist> {
        _ = self.shared.journal.set(writer.directory().to_owned());
        let mut writer = Some(writer);
        self.start_journalist(Box::new(move || writer.take()), on_segment, false)
    }

    /// The same for a journal that could not be opened: that is tried again and again. Until then what earlier processes
    /// have left in this directory is told, where there is one that may be read, and what is published waits in memory.
    ///
    /// # Errors
    /// As above.
    pub fn keep_journal_later(
        &self,
        readable: Option<PathBuf>,
        opening: Opening,
        on_segment: Box<dyn Fn() + Send>,
    ) -> io::Result<Journalist> {
        if let Some(directory) = readable {
            _ = self.shared.journal.set(directory);
        }
        self.start_journalist(opening, on_segment, true)
    }

    fn start_journalist(
        &self,
        opening: Opening,
        on_segment: Box<dyn Fn() + Send>,
        fails: bool,
    ) -> io::Result<Journalist> {
        let (say, done) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (next_seq, origins) = {
            let mut state = self.shared.lock();
            let newest = state.log.keep_unstored();
            if fails {
                state.log.stuck();
            }
            (newest + 1, state.sessions.origins().clone())
        };
        let (hub, mut wake) = (self.clone(), self.shared.wake.subscribe());
        let (batch, pause) = (Batch::default(), PAUSES.0);
        let thread = std::thread::Builder::new().name("journal".into()).spawn(move || {
            let Some(writer) = runtime.block_on(opened(opening, &mut wake)) else { return };
            // Nobody reads below a place that nobody could say was ours, until it is.
            _ = hub.shared.journal.set(writer.directory().to_owned());
            let (marked, synced) = (None, Instant::now());
            let mut desk = Desk {
                hub,
                wake,
                writer,
                batch,
                origins,
                marked,
                on_segment,
                next_seq,
                pause,
                synced,
                fails,
            };
            let whole = runtime.block_on(desk.run());
            let last_seq = desk.hub.last_seq();
            match whole.then(|| desk.writer.finish(last_seq)) {
                Some(Ok(())) => _ = say.send(()),
                Some(Err(cause)) => tracing::warn!("cannot end the journal: {cause}"),
                None => {}
            }
        })?;
        Ok(Journalist { done, _thread: thread })
    }
}

/// Tries until it can be opened; `None` where the log is closed before.
async fn opened(mut opening: Opening, wake: &mut watch::Receiver<Tip>) -> Option<Writer> {
    let mut pause = PAUSES.0;
    loop {
        let is_over = wake.borrow().closed;
        if let Some(writer) = opening() {
            return Some(writer);
        }
        if is_over {
            return None;
        }
        _ = tokio::time::timeout(pause, wake.wait_for(|tip| tip.closed)).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// What the thread works with.
struct Desk {
    hub: Hub,
    wake: watch::Receiver<Tip>,
    writer: Writer,
    batch: Batch,
    /// How far uplinks have come, as it is written.
    origins: Origins,
    /// The segment that says so.
    marked: Option<u32>,
    on_segment: Box<dyn Fn() + Send>,
    /// The next number to write.
    next_seq: u64,
    pause: Duration,
    synced: Instant,
    /// The last attempt failed, and that was told.
    fails: bool,
}

impl Desk {
    /// Until the log is closed; whether all of it is written.
    async fn run(&mut self) -> bool {
        loop {
            let tip = *self.wake.borrow_and_update();
            let written = self.write_all();
            match written {
                Ok(()) if tip.closed => return true,
                Ok(()) => self.wait(SYNC_EVERY).await,
                Err(cause) => {
                    self.failed(&cause);
                    if tip.closed {
                        return false;
                    }
                    let pause = self.pause;
                    self.pause = (pause * 2).min(PAUSES.1);
                    self.rest(pause).await;
                }
            }
        }
    }

    /// Until there is more, or what is written has to be on the disk.
    async fn wait(&mut self, most: Duration) {
        _ = tokio::time::timeout(most, self.wake.changed()).await;
    }

    /// So long, or until the log is closed.
    async fn rest(&mut self, pause: Duration) {
        _ = tokio::time::timeout(pause, self.wake.wait_for(|tip| tip.closed)).await;
    }

    fn write_all(&mut self) -> io::Result<()> {
        while let Some((records, next_seq)) = self.gather() {
            self.writer.append(&self.batch)?;
            self.next_seq = next_seq;
            self.note_origins(&records);
            self.hub.shared.lock().log.stored(self.next_seq - 1);
            (self.fails, self.pause) = (false, PAUSES.0);
            self.mark()?;
            // Under load there is always more.
            self.sync_in_time()?;
        }
        self.sync_in_time()
    }

    fn sync_in_time(&mut self) -> io::Result<()> {
        if self.synced.elapsed() >= SYNC_EVERY {
            self.writer.sync()?;
            self.synced = Instant::now();
        }
        Ok(())
    }

    /// Where another segment has begun, it says once how far uplinks have come.
    fn mark(&mut self) -> io::Result<()> {
        let ordinal = self.writer.segment().map(|segment| segment.ordinal);
        if ordinal == self.marked {
            return Ok(());
        }
        if let Some(remark) = self.origins.remark() {
            self.batch.clear();
            self.batch.remark(&remark);
            self.writer.append(&self.batch)?;
        }
        self.marked = self.writer.segment().map(|segment| segment.ordinal);
        (self.on_segment)();
        Ok(())
    }

    fn note_origins(&mut self, records: &[Arc<Record>]) {
        for event in records.iter().map(|record| &record.event) {
            if let Some(origin) = &event.origin {
                self.origins.take(&event.session_id, origin);
            }
        }
    }

    /// Takes the next records, and says which number follows them; `None` where there is nothing to write.
    fn gather(&mut self) -> Option<(Vec<Arc<Record>>, u64)> {
        let (first, records) = {
            let mut state = self.hub.shared.lock();
            let batch = state.log.batch(self.next_seq, BATCH);
            state.log.write(batch.last().map_or(0, |record| record.event.seq));
            (state.log.first_seq(), batch)
        };
        self.batch.clear();
        if self.next_seq < first {
            self.remark_gap(self.next_seq, first - 1);
        }
        for record in &records {
            self.push(record);
        }
        // What is in the batch as a gap is done with, too.
        let next_seq = records.last().map_or(first, |record| record.event.seq + 1);
        (!self.batch.is_empty()).then_some((records, next_seq))
    }

    fn push(&mut self, record: &Arc<Record>) {
        let event = &record.event;
        if !self.batch.push(event.seq, event.timestamp.as_millis(), &stored::text(record)) {
            self.remark_gap(event.seq, event.seq);
        }
    }

    /// Readers see it by the numbers as well; people read the file.
    fn remark_gap(&mut self, from_seq: u64, to_seq: u64) {
        let gap = json!({"missed": to_seq - from_seq + 1, "from_seq": from_seq, "to_seq": to_seq, "reason": "not written"});
        let remark =
            json!({"type": crate::event::channel::SYSTEM_GAP, "timestamp": super::now(), "data": gap});
        self.batch.remark(remark.to_string().as_bytes());
    }

    /// Said once, until it works again.
    fn failed(&mut self, cause: &io::Error) {
        self.hub.shared.lock().log.stuck();
        if std::mem::replace(&mut self.fails, true) {
            return;
        }
        let error =
            format!("cannot write journal: {cause}; history is kept in memory until it can be written again");
        tracing::warn!("{error}");
        let fault = Fault {
            error,
            component: "journal".into(),
            severity: Severity::Error,
            error_code: "RES001".into(),
        };
        self.hub.publisher(Source::System).publish(Body::Error(fault));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Draft, SessionId};
    use crate::filter::Filter;
    use crate::hub::{Next, Reader, Start};
    use crate::journal::{Journal, SEGMENT_BYTES};
    use std::path::Path;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn hub(records: usize, directory: &Path) -> (Hub, Journalist) {
        let hub = Hub::new(SessionId::new("s"), Bounds { records, bytes: usize::MAX });
        let writer = Journal::open(directory).unwrap().writer(hub.epoch().as_str(), SEGMENT_BYTES);
        let journalist = hub.keep_journal(writer, Box::new(|| {})).unwrap();
        (hub, journalist)
    }

    fn say(hub: &Hub, count: u64) {
        let publisher = hub.publisher(Source::System);
        for number in 0..count {
            let error = format!("number {number}");
            let fault =
                Fault { error, component: "c".into(), severity: Severity::Info, error_code: "RES001".into() };
            publisher.publish(Body::Error(fault));
        }
    }

    /// Until the journal has them all.
    async fn written(hub: &Hub) {
        while hub.shared.lock().log.unstored() > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// The runs of numbers up to the end: those that came, and those that were a gap.
    async fn rest(mut reader: Reader) -> Vec<(&'static str, u64, u64)> {
        let mut runs: Vec<(&'static str, u64, u64)> = Vec::new();
        loop {
            match tokio::time::timeout(PATIENCE, reader.next()).await.unwrap() {
                Next::Batch(records) => {
                    for record in records {
                        let seq = record.event.seq;
                        match runs.last_mut() {
                            Some(("events", _, last)) if *last + 1 == seq => *last = seq,
                            _ => runs.push(("events", seq, seq)),
                        }
                    }
                }
                Next::Gap { from_seq, to_seq, .. } => runs.push(("gap", from_seq, to_seq)),
                Next::Closed => return runs,
            }
        }
    }

    #[tokio::test]
    async fn a_reader_gets_what_left_memory_from_the_journal_and_the_rest_from_memory() {
        let base = tempfile::tempdir().unwrap();
        let (hub, journalist) = hub(100, base.path());
        let early = hub.reader(Start::After(0), &Filter::all());
        for _ in 0..50 {
            say(&hub, 90);
            written(&hub).await;
        }
        hub.close();
        assert!(journalist.finish(PATIENCE).await);
        assert_eq!(hub.shared.lock().log.first_seq(), 4_401, "the rest has left memory");
        let late = hub.reader(Start::After(17), &Filter::all());
        assert_eq!(rest(early).await, [("events", 1, 4_500)]);
        assert_eq!(rest(late).await, [("events", 18, 4_500)]);
    }

    #[tokio::test]
    async fn an_event_that_is_too_long_for_a_line_is_one_remark_and_what_follows_is_written() {
        let base = tempfile::tempdir().unwrap();
        let (hub, journalist) = hub(100, base.path());
        say(&hub, 2);
        let error = "x".repeat(crate::journal::MAX_LINE);
        let (component, error_code) = ("c".into(), "RES001".into());
        let fault = Fault { error, component, severity: Severity::Info, error_code };
        // No door lets one in: `detect::whole`.
        {
            let mut state = hub.shared.lock();
            let event = hub.event(&state, Draft::new(Source::System, Body::Error(fault)));
            hub.append(&mut state, event);
        }
        say(&hub, 2);
        hub.close();
        assert!(journalist.finish(PATIENCE).await);
        let segments = crate::journal::segments(base.path()).unwrap();
        let text: String = segments.into_iter().map(|s| std::fs::read_to_string(s.path).unwrap()).collect();
        let is_gap = |line: &&str| line.contains(r#""missed":1,"from_seq":3,"to_seq":3"#);
        assert_eq!((text.lines().count(), text.lines().filter(is_gap).count()), (5, 1), "{text}");
    }

    #[tokio::test]
    async fn what_the_disk_is_too_slow_for_is_a_gap_for_readers_and_a_remark_in_the_journal() {
        let base = tempfile::tempdir().unwrap();
        let (hub, journalist) = hub(100, base.path());
        say(&hub, 50);
        written(&hub).await;
        say(&hub, 100_000);
        hub.close();
        assert!(journalist.finish(PATIENCE).await);
        let runs = rest(hub.reader(Start::After(0), &Filter::all())).await;
        let mut behind = 0;
        for (_, first, last) in &runs {
            assert_eq!(*first, behind + 1, "{runs:?}");
            behind = *last;
        }
        assert_eq!(behind, 100_050, "{runs:?}");
        let missed: u64 =
            runs.iter().filter(|(what, ..)| *what == "gap").map(|(_, from, to)| to - from + 1).sum();
        let texts = crate::journal::segments(base.path())
            .unwrap()
            .into_iter()
            .map(|s| std::fs::read_to_string(s.path).unwrap());
        let remarked = texts.collect::<String>().lines().filter(|line| line.contains("system.gap")).count();
        assert!(missed > 0 && remarked > 0, "{missed} {remarked}");
    }
}
