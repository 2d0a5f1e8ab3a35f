//! The thread that writes a recording, and the file it writes to: bounded, in whole lines, and put up with where the disk
//! takes nothing.
//!
//! What cannot be written is left out and counted, and a mark in the recording says so as soon as there is room again.

use super::cast::{About, Cast};
use crate::event::body::{Fault, Severity};
use crate::instance::private;
use crate::process::platform;
use crate::process::signals::thread_beside_main;
use crate::process::tap::{Passed, Tap};
use crate::process::terminal::Size;
use std::fs::File;
use std::io::{self, Write};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Size at which a recording ends, bytes.
pub const MAX_BYTES: u64 = 256 << 20;
/// Kept free for the mark that says so.
const LAST_MARK: u64 = 256;
/// Between two attempts where the disk takes nothing.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// Who is told what goes wrong.
type Complain = Box<dyn Fn(Fault) + Send>;

/// A recording that goes on.
#[derive(Debug)]
pub struct Recorder {
    tap: Tap,
    done: oneshot::Receiver<()>,
}

impl Recorder {
    /// Records into an empty file from now on, as far as is passed to its tap.
    ///
    /// # Errors
    /// When the file takes no header, or no thread can be had.
    pub fn start(file: File, about: &About, complain: Complain) -> io::Result<Self> {
        let tap = Tap::new();
        let mut tape = Tape::begin(file, about, MAX_BYTES.min(private::size_limit()), complain)?;
        let (theirs, (say, done)) = (tap.clone(), oneshot::channel());
        thread_beside_main("recording", move || {
            platform::stand_behind();
            while let Some(passed) = theirs.take(None) {
                let now = tape.began.elapsed();
                passed.into_iter().for_each(|passed| tape.take(passed, now));
                tape.write(now);
            }
            tape.finish();
            _ = say.send(());
        })?;
        Ok(Self { tap, done })
    }

    /// Where what is to be recorded passes.
    pub fn tap(&self) -> Tap {
        self.tap.clone()
    }

    /// Nothing more passes. Waits until all of it is on the disk, but no longer than this; whether it is.
    pub async fn finish(self, patience: Duration) -> bool {
        self.tap.close();
        tokio::time::timeout(patience, self.done).await.is_ok_and(|done| done.is_ok())
    }
}

/// How the file does.
#[derive(Debug, PartialEq, Eq)]
enum State {
    /// It takes what it is given.
    Well,
    /// It did not, and is tried again.
    Failing { again: Instant, pause: Duration },
    /// It has its size, and gets no more.
    Full,
}

struct Tape {
    file: File,
    most: u64,
    began: Instant,
    cast: Cast,
    /// Lines that are not written yet, and how many bytes of the terminal they tell, or tell to be missing.
    lines: Vec<u8>,
    told: u64,
    size: u64,
    /// Bytes of the terminal that are not in the file and have no mark yet.
    missing: u64,
    /// The terminal's size, where the file does not have it.
    shape: Option<Size>,
    state: State,
    complain: Complain,
}

impl Tape {
    fn begin(mut file: File, about: &About, most: u64, complain: Complain) -> io::Result<Self> {
        let header = about.line();
        file.write_all(&header)?;
        let size = header.len() as u64;
        Ok(Self {
            file,
            most,
            began: Instant::now(),
            cast: Cast::default(),
            lines: Vec::new(),
            told: 0,
            size,
            missing: 0,
            shape: None,
            state: State::Well,
            complain,
        })
    }

    fn take(&mut self, passed: Passed, now: Duration) {
        match passed {
            Passed::Bytes(_, bytes) => {
                self.cast.output(now, &bytes, &mut self.lines);
                self.told += bytes.len() as u64;
            }
            Passed::Resized(size) => {
                Cast::resized(now, size, &mut self.lines);
                self.shape = Some(size);
            }
            Passed::Skipped(_, count) => {
                self.told += count;
                self.cast.break_off(now, &mut self.lines);
                Cast::remark(now, &missing(count), &mut self.lines);
            }
        }
    }

    /// Writes the lines that wait, or counts what they tell.
    fn write(&mut self, now: Duration) {
        let mut lines = std::mem::take(&mut self.lines);
        let told = std::mem::take(&mut self.told);
        match self.state {
            State::Full => return,
            State::Failing { again, .. } if Instant::now() < again => return self.missing += told,
            State::Failing { .. } => lines = [self.catch_up(now), lines].concat(),
            State::Well => {}
        }
        if self.size + lines.len() as u64 > self.most.saturating_sub(LAST_MARK) {
            return self.end(now);
        }
        match self.append(&lines) {
            Ok(()) => (self.state, self.missing, self.shape) = (State::Well, 0, None),
            Err(cause) => {
                self.missing += told;
                self.failed(&cause);
            }
        }
    }

    /// What is said where it goes on.
    fn catch_up(&self, now: Duration) -> Vec<u8> {
        let mut lines = Vec::new();
        if self.missing > 0 {
            Cast::remark(now, &missing(self.missing), &mut lines);
        }
        if let Some(shape) = self.shape {
            Cast::resized(now, shape, &mut lines);
        }
        lines
    }

    /// All of it, or nothing.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.state != State::Well {
            // What the last attempt left.
            self.file.set_len(self.size)?;
        }
        self.file.write_all(lines)?;
        self.size += lines.len() as u64;
        Ok(())
    }

    /// Said once, until it works again.
    fn failed(&mut self, cause: &io::Error) {
        let pause = match self.state {
            State::Failing { pause, .. } => (pause * 2).min(PAUSES.1),
            State::Well | State::Full => {
                let error =
                    format!("cannot record terminal: {cause}; what is shown until it works is left out");
                self.fault(Severity::Error, error);
                PAUSES.0
            }
        };
        drop(self.file.set_len(self.size));
        self.cast = Cast::default();
        self.state = State::Failing { again: Instant::now() + pause, pause };
    }

    /// There is no room for more.
    fn end(&mut self, now: Duration) {
        let (most, unit) =
            if self.most < 1 << 20 { (self.most >> 10, "KiB") } else { (self.most >> 20, "MiB") };
        let said = format!("the recording ends here: it has the {most} {unit} that it may have");
        let mut mark = Vec::new();
        Cast::remark(now, &said, &mut mark);
        if self.append(&mark).is_err() {
            drop(self.file.set_len(self.size));
        }
        self.state = State::Full;
        self.fault(Severity::Warning, format!("cannot record any more of the terminal: {said}"));
    }

    fn finish(mut self) {
        let now = self.began.elapsed();
        self.cast.break_off(now, &mut self.lines);
        if let State::Failing { again, .. } = &mut self.state {
            *again = Instant::now();
        }
        if !self.lines.is_empty() || self.missing > 0 {
            self.write(now);
        }
        if let Err(cause) = self.file.sync_all() {
            tracing::warn!("the end of the recording is not on the disk: {cause}");
        }
    }

    fn fault(&self, severity: Severity, error: String) {
        tracing::warn!("{error}");
        (self.complain)(Fault {
            error,
            component: "recording".into(),
            severity,
            error_code: "RES001".into(),
        });
    }
}

fn missing(count: u64) -> String {
    format!("{count} bytes are missing here")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::tap::Way;
    use std::fs;
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    type Faults = Arc<Mutex<Vec<Fault>>>;

    fn about() -> About {
        About { size: Size { cols: 80, rows: 24 }, began: 0, title: "t".into(), term: None }
    }

    fn complaints() -> (Faults, Complain) {
        let faults = Faults::default();
        let theirs = Arc::clone(&faults);
        (faults, Box::new(move |fault| theirs.lock().unwrap().push(fault)))
    }

    fn tape(path: &Path, most: u64) -> (Tape, Faults) {
        let (faults, complain) = complaints();
        (Tape::begin(private::create_private(path).unwrap(), &about(), most, complain).unwrap(), faults)
    }

    fn say(tape: &mut Tape, text: &str) {
        tape.take(Passed::Bytes(Way::Terminal, text.into()), Duration::from_secs(1));
        tape.write(Duration::from_secs(1));
    }

    /// Codes and data of all lines behind the header.
    fn told(path: &Path) -> Vec<(char, String)> {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n'));
        let read = |line| serde_json::from_str::<(f64, char, String)>(line).unwrap();
        text.lines().skip(1).map(read).map(|(_, code, data)| (code, data)).collect()
    }

    #[tokio::test]
    async fn what_passes_is_recorded_until_the_end() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("t.cast");
        let (faults, complain) = complaints();
        let recorder = Recorder::start(private::create_private(&path).unwrap(), &about(), complain).unwrap();
        let tap = recorder.tap();
        tap.pass(Way::Terminal, "a●".as_bytes());
        tap.resized(Size { cols: 100, rows: 50 });
        tap.pass(Way::Terminal, b"b\xe2");
        assert!(recorder.finish(Duration::from_secs(20)).await);
        let expected = [('o', "a●"), ('r', "100x50"), ('o', "b"), ('o', "\u{fffd}")];
        assert_eq!(told(&path), expected.map(|(code, data)| (code, data.to_owned())));
        assert!(faults.lock().unwrap().is_empty());
    }

    #[test]
    fn what_was_skipped_has_a_mark_with_its_bytes() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("t.cast");
        let (mut tape, _) = tape(&path, MAX_BYTES);
        for passed in [
            Passed::Bytes(Way::Terminal, b"a\xe2".to_vec()),
            Passed::Skipped(Way::Terminal, 77),
            Passed::Bytes(Way::Terminal, b"\x97\x8fb".to_vec()),
        ] {
            tape.take(passed, Duration::ZERO);
        }
        tape.finish();
        let expected =
            [('o', "a"), ('o', "\u{fffd}"), ('m', "77 bytes are missing here"), ('o', "\u{fffd}\u{fffd}b")];
        assert_eq!(told(&path), expected.map(|(code, data)| (code, data.to_owned())));
    }

    #[test]
    fn it_ends_with_a_mark_at_its_size_and_says_so_once() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("t.cast");
        let (mut tape, faults) = tape(&path, 1 << 20);
        for _ in 0..40 {
            say(&mut tape, &"x".repeat(100_000));
        }
        tape.finish();
        let told = told(&path);
        assert!(
            told[..told.len() - 1].iter().all(|(code, _)| *code == 'o') && told.len() == 11,
            "{}",
            told.len()
        );
        assert_eq!(told.last().unwrap().1, "the recording ends here: it has the 1 MiB that it may have");
        assert!(fs::metadata(&path).unwrap().len() <= 1 << 20);
        assert_eq!(faults.lock().unwrap().len(), 1);
    }

    #[test]
    fn what_the_disk_does_not_take_is_counted_and_said_where_it_goes_on() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("t.cast");
        let (mut tape, faults) = tape(&path, MAX_BYTES);
        say(&mut tape, "before");
        let writable = std::mem::replace(&mut tape.file, File::open(&path).unwrap());
        tape.take(Passed::Skipped(Way::Terminal, 30), Duration::ZERO);
        for text in ["gone", "and gone"] {
            tape.take(Passed::Resized(Size { cols: 9, rows: 8 }), Duration::from_secs(1));
            say(&mut tape, text);
        }
        // Half of a line, as a disk leaves it that is full.
        (&writable).write_all(b"[1.0, \"o").unwrap();
        tape.file = writable;
        if let State::Failing { again, .. } = &mut tape.state {
            *again = Instant::now();
        }
        say(&mut tape, "after");
        say(&mut tape, "more");
        tape.finish();
        let expected = [
            ('o', "before"),
            ('m', "42 bytes are missing here"),
            ('r', "9x8"),
            ('o', "after"),
            ('o', "more"),
        ];
        assert_eq!(told(&path), expected.map(|(code, data)| (code, data.to_owned())));
        assert_eq!(faults.lock().unwrap().len(), 1);
    }
}
