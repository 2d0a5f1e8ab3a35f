//! A program that runs beside the test, its output read line by line as it comes: a client that
//! follows, or claude-mpm itself over pipes.

use crate::DEADLINE;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A running program. It is killed when dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    out: Lines,
    err: Lines,
}

/// What a program wrote to one stream so far.
#[derive(Debug)]
struct Lines {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Seen {
    lines: Vec<(Instant, String)>,
    ended: bool,
}

impl Program {
    /// Starts it with `input` on its stdin, which then ends.
    ///
    /// # Panics
    /// If it cannot be started.
    #[track_caller]
    pub fn start(mut command: Command, input: &[u8]) -> Self {
        command.stdin(Stdio::piped());
        let mut program = Self::start_with_its_stdin(command);
        let mut stdin = program.child.stdin.take().expect("a piped stdin");
        let input = input.to_vec();
        // A program that does not read its stdin is none of the writer's business.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
        program
    }

    /// Starts `command` with whatever it has as its stdin.
    ///
    /// # Panics
    /// If it cannot be started.
    #[track_caller]
    pub fn start_with_its_stdin(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|cause| panic!("cannot start {command:?}: {cause}"));
        let out = Lines::of(child.stdout.take().expect("a piped stdout"));
        let err = Lines::of(child.stderr.take().expect("a piped stderr"));
        Self { child, out, err }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line on stdout that `wanted` accepts, and gives it back.
    #[track_caller]
    pub fn wait_out(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.out.wait(wanted).unwrap_or_else(|seen| self.fail("stdout", &seen))
    }

    /// Waits for a line on stderr that `wanted` accepts, and gives it back.
    #[track_caller]
    pub fn wait_err(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.err.wait(wanted).unwrap_or_else(|seen| self.fail("stderr", &seen))
    }

    #[track_caller]
    fn fail(&self, stream: &str, seen: &[String]) -> ! {
        let other = if stream == "stdout" { self.err.now() } else { self.out.now() };
        panic!("the line never came on {stream}\nthere: {seen:#?}\nelsewhere: {other:#?}");
    }

    /// The lines on stdout so far.
    pub fn out(&self) -> Vec<String> {
        self.out.now()
    }

    /// Waits for its end; gives its status and all lines of stdout and stderr.
    #[track_caller]
    pub fn finish(self) -> (ExitStatus, Vec<String>, Vec<String>) {
        let (status, out, err) = self.finish_timed();
        (status, texts(&out), err)
    }

    /// As [`Program::finish`], with the time at which each line of stdout came.
    #[track_caller]
    pub fn finish_timed(mut self) -> (ExitStatus, Vec<(Instant, String)>, Vec<String>) {
        let deadline = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                break status;
            }
            if Instant::now() > deadline {
                panic!("it never ended\nstdout: {:#?}\nstderr: {:#?}", self.out.now(), self.err.now());
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        (status, self.out.all(), texts(&self.err.all()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _gone = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let seen = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let theirs = Arc::clone(&seen);
        let reader = std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(&line);
                lock(&theirs.0).lines.push((Instant::now(), text.trim_end_matches('\n').to_owned()));
                theirs.1.notify_all();
                line.clear();
            }
            lock(&theirs.0).ended = true;
            theirs.1.notify_all();
        });
        Self { seen, reader: Some(reader) }
    }

    fn wait(&self, wanted: impl Fn(&str) -> bool) -> Result<String, Vec<String>> {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = lock(&self.seen.0);
        loop {
            if let Some((_, line)) = seen.lines.iter().find(|(_, line)| wanted(line)) {
                return Ok(line.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if seen.ended || left.is_zero() {
                return Err(texts(&seen.lines));
            }
            seen = self.seen.1.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn now(&self) -> Vec<String> {
        texts(&lock(&self.seen.0).lines)
    }

    fn all(&mut self) -> Vec<(Instant, String)> {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("a reader that ends with its stream");
        }
        lock(&self.seen.0).lines.clone()
    }
}

fn texts(lines: &[(Instant, String)]) -> Vec<String> {
    lines.iter().map(|(_, line)| line.clone()).collect()
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
