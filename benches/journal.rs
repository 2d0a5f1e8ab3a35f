//! What the journal costs: to append events in batches, to write what a hub publishes, to open a journal of 100,000 records
//! after a crash and read it, and to go on in its middle. In memory (`/dev/shm`) and on the disk that holds `target`.
//!
//! The goals are 1.5 µs per appended event, and 0.2 s to open and read 100,000 records. `plain` is the same bytes written
//! by the same number of writes: the kernel's own part.
//!
//! ```sh
//! cargo bench --bench journal
//! ```

use claude_mpm::event::body::{Body, Output, Stream};
use claude_mpm::event::{Epoch, Event, EventId, SessionId, Source, Timestamp};
use claude_mpm::hub::{Bounds, Hub};
use claude_mpm::journal::{Batch, Cursor, From, Journal, SEGMENT_BYTES, closed};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Of all records.
const EPOCH: &str = "0123456789abcdef";
const RECORDS: u64 = 100_000;
const RUNS: usize = 7;
/// Bytes given to a reader at once.
const PART: usize = 128 << 10;

fn main() {
    let objects = objects();
    let bytes: usize = objects.iter().map(Vec::len).sum();
    println!("{RECORDS} events of {} bytes\n", bytes as u64 / RECORDS);
    println!("{:<46} {:>10} {:>10} {:>8}", "", "memory", "disk", "goal");
    for batch in [16, 256, 4096] {
        row(&format!("append, batches of {batch}, ns per event"), "1500", |base| {
            each(appended(base, &objects, batch))
        });
    }
    row("append, batches of 256, plain, ns per event", "", |base| each(plain(base, &objects, 256)));
    row("written by a hub's thread, ns of it per event", "", written);
    row("open and read after a crash, ms", "200", |base| millis(recovered(base, &objects)));
    row("go on in the middle, first part, ms", "", |base| millis(resumed(base, &objects)));
}

/// The median of some runs in each place, each in an empty directory.
fn row(name: &str, goal: &str, run: impl Fn(&Path) -> f64) {
    let places = [PathBuf::from("/dev/shm"), PathBuf::from(env!("CARGO_TARGET_TMPDIR"))];
    let measured = places.map(|place| {
        let mut figures: Vec<f64> = (0..RUNS)
            .map(|_| {
                let base = tempfile::tempdir_in(&place).expect("a folder");
                run(base.path())
            })
            .collect();
        figures.sort_by(f64::total_cmp);
        figures[RUNS / 2]
    });
    println!("{name:<46} {:>10.1} {:>10.1} {goal:>8}", measured[0], measured[1]);
}

fn each(time: Duration) -> f64 {
    time.as_nanos() as f64 / RECORDS as f64
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What claude's output is on disk.
fn objects() -> Vec<Vec<u8>> {
    let object = |seq| {
        let event = Event {
            id: EventId::from_u128(u128::from(seq) << 64 | 0x4000_8000_0000_0000),
            seq,
            epoch: Epoch::new(EPOCH),
            timestamp: Timestamp::from_millis(1_795_176_000_000 + seq.cast_signed()),
            session_id: SessionId::new("6f1c9f64-6c1e-4d7c-9a54-0f1f7b1f6a11"),
            source: Source::Screen,
            body: line(seq),
            remarks: None,
            origin: None,
        };
        serde_json::to_vec(&event).expect("an event has a text")
    };
    (1..=RECORDS).map(object).collect()
}

fn line(number: u64) -> Body {
    let content = format!("line {number} of what claude writes to its terminal, as long as most are");
    Body::Output(Output { content, stream: Stream::Stdout, truncated: false })
}

/// Appends all of them, sealing included, and leaves the journal as a crash does.
fn appended(base: &Path, objects: &[Vec<u8>], size: usize) -> Duration {
    let mut writer = Journal::open(&base.join("s")).expect("a journal").writer(EPOCH, SEGMENT_BYTES);
    let (mut batch, mut seq) = (Batch::default(), 0);
    let began = Instant::now();
    for part in objects.chunks(size) {
        batch.clear();
        for object in part {
            seq += 1;
            assert!(batch.push(seq, 0, object));
        }
        writer.append(&batch).expect("room");
    }
    began.elapsed()
}

fn plain(base: &Path, objects: &[Vec<u8>], size: usize) -> Duration {
    let mut file = File::create(base.join("file")).expect("a file");
    let parts: Vec<Vec<u8>> = objects.chunks(size).map(<[_]>::concat).collect();
    let began = Instant::now();
    for part in &parts {
        file.write_all(part).expect("room");
    }
    began.elapsed()
}

/// Processor time of the thread that writes what a hub publishes, per event.
fn written(base: &Path) -> f64 {
    let hub = Hub::new(SessionId::new("bench"), Bounds::default());
    let writer =
        Journal::open(&base.join("s")).expect("a journal").writer(hub.epoch().as_str(), SEGMENT_BYTES);
    let journalist = hub.keep_journal(writer, Box::new(|| {})).expect("a thread");
    let publisher = hub.publisher(Source::Screen);
    for number in 1..=RECORDS {
        publisher.publish(line(number));
        // As a program does that writes for long; and so that it keeps up.
        if number % 2000 == 0 {
            std::thread::sleep(Duration::from_millis(4));
        }
    }
    let time = settled();
    hub.close();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(journalist.end());
    assert_eq!(closed(&base.join("s")).map(|end| end.last_seq), Some(RECORDS), "it is not all on the disk");
    each(time)
}

/// What that thread has used (proc(5), schedstat) when it uses no more.
fn settled() -> Duration {
    let mut before = Duration::ZERO;
    loop {
        std::thread::sleep(Duration::from_millis(30));
        let now = used_by("journal");
        if now == before {
            return now;
        }
        before = now;
    }
}

fn used_by(name: &str) -> Duration {
    let is_it = |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|text| text.trim() == name);
    let tasks = fs::read_dir("/proc/self/task").expect("proc").flatten().map(|entry| entry.path());
    let used = tasks.filter(is_it).find_map(|task| fs::read_to_string(task.join("schedstat")).ok());
    let nanos = used.and_then(|text| text.split(' ').next()?.parse().ok());
    Duration::from_nanos(nanos.expect("its thread"))
}

/// Opens the journal of a crash, and reads it to its end.
fn recovered(base: &Path, objects: &[Vec<u8>]) -> Duration {
    appended(base, objects, 256);
    let began = Instant::now();
    let journal = Journal::open(&base.join("s")).expect("a journal");
    assert_eq!(journal.last().map(|last| last.last_seq), Some(RECORDS));
    let mut cursor = Cursor::open(&base.join("s"), &From::Start).expect("a journal");
    let mut count = 0;
    loop {
        let part = cursor.read(PART).expect("readable");
        count += part.records.len() as u64;
        if part.is_end {
            assert_eq!(count, RECORDS);
            return began.elapsed();
        }
    }
}

fn resumed(base: &Path, objects: &[Vec<u8>]) -> Duration {
    appended(base, objects, 256);
    let began = Instant::now();
    let from = From::After { epoch: EPOCH.into(), seq: RECORDS / 2 };
    let part =
        Cursor::open(&base.join("s"), &from).and_then(|mut cursor| cursor.read(PART)).expect("readable");
    assert_eq!(part.records.first().and_then(|record| record.seq), Some(RECORDS / 2 + 1));
    began.elapsed()
}
