//! What claude writes: settled lines become `claude.output`, and the way it writes `claude.activity`.
//!
//! It reads the tap on a thread of its own, because emulating a screen is work and nobody must wait for it.

use crate::detect::activity::{ActivityDetector, Change};
use crate::detect::lines::{Line, Lines};
use crate::detect::screen::{self, Screen};
use crate::event::body::{Activity, Body, Fault, Output, Severity, Stream};
use crate::hub::{self, Publisher};
use crate::process::linux;
use crate::process::tap::{Passed, Tap, Way};
use crate::process::terminal::Size;
use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Starts reading `tap` until it is closed. `terminal` is the size of the terminal claude writes to, where it does;
/// `publisher` speaks for the screen.
///
/// # Errors
/// When no thread can be had.
pub fn start(tap: Tap, terminal: Option<Size>, publisher: Publisher) -> io::Result<JoinHandle<()>> {
    let reader = OutputReader::new(terminal, publisher);
    std::thread::Builder::new().name("output".into()).spawn(move || reader.run(&tap))
}

struct OutputReader {
    publisher: Publisher,
    started: Instant,
    screen: Screen,
    stdout: Lines,
    stderr: Lines,
    activity: ActivityDetector,
}

impl OutputReader {
    fn new(terminal: Option<Size>, publisher: Publisher) -> Self {
        let size = terminal.unwrap_or_default();
        Self {
            publisher,
            started: Instant::now(),
            screen: Screen::new(size.cols, size.rows),
            stdout: Lines::default(),
            stderr: Lines::default(),
            activity: ActivityDetector::new(terminal.is_some()),
        }
    }

    fn run(mut self, tap: &Tap) {
        linux::stand_behind();
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
        let publish = |stream: Stream| {
            let publisher = self.publisher.clone();
            move |line: Line| {
                let output = Output { content: line.text, stream, truncated: line.truncated };
                publisher.publish(Body::Output(output));
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

    fn skipped(&mut self, way: Way, count: u64) {
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
                    self.publisher.publish(Body::Output(Output::line(text, Stream::Stdout)));
                }
                screen::Output::Title(title) => {
                    let change = self.activity.title(&title);
                    self.publish_activity(change);
                }
            }
        }
    }

    fn publish_activity(&self, change: Option<Change>) {
        if let Some(Change { now, previous }) = change {
            self.publisher.publish(Body::Activity(Activity {
                activity: now,
                previous,
                reason: None,
                tool_name: None,
                since: hub::now(),
            }));
        }
    }

    fn finish(mut self) {
        self.screen.finish();
        self.publish_screen();
        for (lines, stream) in [(&mut self.stdout, Stream::Stdout), (&mut self.stderr, Stream::Stderr)] {
            if let Some(Line { text, truncated }) = lines.finish() {
                self.publisher.publish(Body::Output(Output { content: text, stream, truncated }));
            }
        }
    }
}
