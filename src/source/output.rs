//! What claude writes: settled lines become `claude.output`; what the way it writes and what it says mean goes into
//! the funnel.
//!
//! It reads the tap on a thread of its own, because emulating a screen is work and nobody must wait for it.

#[cfg(test)]
mod tests;

use super::seen::{FaultKind, Seen};
use crate::detect::activity::{ActivityDetector, Change};
use crate::detect::drawn::Drawn;
use crate::detect::lines::{Line, Lines};
use crate::detect::observation::Observation;
use crate::detect::screen::{self, Screen};
use crate::detect::stream_json::StreamDecoder;
use crate::event::Source;
use crate::event::body::{Body, Fault, Output, Severity, Stream};
use crate::hub::{self, Publisher};
use crate::process::platform;
use crate::process::signals::thread_beside_main;
use crate::process::tap::{Passed, Tap, Way};
use crate::process::terminal::Size;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Where what claude's output means is sent.
#[derive(Debug, Clone)]
pub struct Meaning {
    /// The funnel. A thread may wait for room in it: the tap holds what comes meanwhile.
    pub seen: mpsc::Sender<Seen>,
    /// Claude writes one JSON object on each line of its stdout.
    pub has_stream: bool,
}

/// Starts reading `tap` until it is closed. `terminal` is the size of the terminal claude writes to, where it does;
/// `publisher` speaks for the screen.
///
/// # Errors
/// When no thread can be had.
pub fn start(
    tap: Tap,
    terminal: Option<Size>,
    publisher: Publisher,
    meaning: Meaning,
) -> io::Result<JoinHandle<()>> {
    let reader = OutputReader::new(terminal, publisher, meaning);
    thread_beside_main("output", move || reader.run(&tap))
}

struct OutputReader {
    publisher: Publisher,
    started: Instant,
    screen: Screen,
    stdout: Lines,
    stderr: Lines,
    activity: ActivityDetector,
    drawn: Drawn,
    stream: Option<StreamDecoder>,
    unread: u64,
    seen: mpsc::Sender<Seen>,
    no_session: Arc<str>,
}

impl OutputReader {
    fn new(terminal: Option<Size>, publisher: Publisher, meaning: Meaning) -> Self {
        let size = terminal.unwrap_or_default();
        Self {
            publisher,
            started: Instant::now(),
            screen: Screen::new(size.cols, size.rows),
            stdout: Lines::default(),
            stderr: Lines::default(),
            activity: ActivityDetector::new(terminal.is_some()),
            drawn: Drawn::default(),
            stream: meaning.has_stream.then(StreamDecoder::default),
            unread: 0,
            seen: meaning.seen,
            no_session: Arc::from(""),
        }
    }

    fn run(mut self, tap: &Tap) {
        platform::stand_behind();
        let change = self.activity.started(self.started.elapsed());
        self.publish_activity(change);
        while let Some(passed) = tap.take(self.deadline()) {
            let now = self.started.elapsed();
            passed.into_iter().for_each(|passed| self.take(passed, now));
            self.screen.tick(now);
            self.publish_screen();
            let change = self.activity.tick(now);
            self.publish_activity(change);
        }
        self.finish();
    }

    fn deadline(&self) -> Option<Instant> {
        let next = [self.screen.deadline(), self.activity.deadline()].into_iter().flatten().min();
        next.map(|at: Duration| self.started + at)
    }

    fn take(&mut self, passed: Passed, now: Duration) {
        match passed {
            Passed::Bytes(way, bytes) => self.read(way, &bytes, now),
            Passed::Resized(size) => self.screen.resize(size.cols, size.rows, now),
            Passed::Skipped(way, count) => self.skipped(way, count),
        }
    }

    fn read(&mut self, way: Way, bytes: &[u8], now: Duration) {
        if way != Way::Stderr {
            self.read_stream(bytes);
        }
        let publish = |stream: Stream| {
            let publisher = self.publisher.clone();
            move |line: Line| {
                let output = Output { content: line.text, stream, truncated: line.truncated };
                publisher.publish_in_step(Body::Output(output));
            }
        };
        let change = self.activity.output(now);
        self.publish_activity(change);
        match way {
            Way::Terminal => self.screen.feed(bytes, now),
            Way::Stdout => self.stdout.feed(bytes, publish(Stream::Stdout)),
            Way::Stderr => self.stderr.feed(bytes, publish(Stream::Stderr)),
        }
        self.publish_screen();
    }

    fn read_stream(&mut self, bytes: &[u8]) {
        let Some(stream) = &mut self.stream else { return };
        let seen = &self.seen;
        stream.feed(bytes, hub::now(), &mut |observation| {
            send(seen, Seen::Observed(Source::Stream, observation))
        });
        self.tell_unread();
    }

    /// Says how many lines of the stream were none.
    fn tell_unread(&mut self) {
        let unread = self.stream.as_ref().map_or(0, StreamDecoder::unread);
        if std::mem::replace(&mut self.unread, unread) < unread {
            let what = "cannot read a line of claude's stream: it is no JSON object".to_owned();
            send(&self.seen, Seen::Fault { source: Source::Stream, kind: FaultKind::Unreadable, what });
        }
    }

    fn skipped(&mut self, way: Way, count: u64) {
        if way != Way::Stderr
            && let Some(stream) = &mut self.stream
        {
            stream.lost();
        }
        match way {
            Way::Terminal => self.screen.restart(),
            Way::Stdout => self.stdout.restart(),
            Way::Stderr => self.stderr.restart(),
        }
        self.publisher.hub().gauges().drop_more(count);
        self.publisher.publish(Body::Error(Fault {
            error: format!("cannot follow claude's output: it came too fast, {count} bytes were skipped"),
            component: "output".into(),
            severity: Severity::Warning,
            error_code: "RES001".into(),
        }));
    }

    fn publish_screen(&mut self) {
        let found: Vec<screen::Output> = self.screen.drain().collect();
        for output in found {
            match output {
                screen::Output::Line(text) => {
                    self.look_at(&text);
                    self.publisher.publish_in_step(Body::Output(Output::line(text, Stream::Stdout)));
                }
                screen::Output::Title(title) => {
                    let change = self.activity.title(&title);
                    self.publish_activity(change);
                }
            }
        }
    }

    fn publish_activity(&self, change: Option<Change>) {
        if let Some(Change { now, .. }) = change {
            send(&self.seen, Seen::Looks(now));
        }
    }

    /// What a settled line tells by its looks.
    fn look_at(&mut self, line: &str) {
        for fact in self.drawn.line(line) {
            let claude_session = Arc::clone(&self.no_session);
            let at = hub::now();
            send(&self.seen, Seen::Drawn(Observation { claude_session, agent: None, at, past: false, fact }));
        }
    }

    fn finish(mut self) {
        if let Some(mut stream) = self.stream.take() {
            let seen = &self.seen;
            stream.finish(hub::now(), &mut |observation| {
                send(seen, Seen::Observed(Source::Stream, observation))
            });
        }
        self.screen.finish();
        self.publish_screen();
        for (lines, stream) in [(&mut self.stdout, Stream::Stdout), (&mut self.stderr, Stream::Stderr)] {
            if let Some(Line { text, truncated }) = lines.finish() {
                self.publisher.publish(Body::Output(Output { content: text, stream, truncated }));
            }
        }
    }
}

/// A funnel that has ended needs nothing any more.
fn send(seen: &mpsc::Sender<Seen>, item: Seen) {
    let _ended = seen.blocking_send(item);
}
