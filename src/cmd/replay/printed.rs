//! A recording on standard output, as `watch` shows a session.

use super::player::{Clock, Player, Span};
use super::recorded::Recorded;
use crate::cli::ReplayOptions;
use crate::client::Frame;
use crate::cmd::failure::Exit;
use crate::cmd::history::gap;
use crate::cmd::note;
use crate::cmd::output::{self, Standard};
use crate::cmd::printer::{Printer, Sieve};
use crate::cmd::watch::{excluded, patterns, reader_is_gone};
use crate::dialect::Dialect;
use crate::filter::{Filter, Pattern};
use crate::hub::Record;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often a closed pipe is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// Prints it.
pub(super) fn run(
    recorded: Recorded,
    options: &ReplayOptions,
    span: Span,
    quiet: bool,
) -> anyhow::Result<ExitCode> {
    let channels = match &options.channels[..] {
        [] => vec![Pattern::All],
        typed => patterns(typed)?,
    };
    let filter = Filter { sessions: options.session.clone(), ..Filter::channels(channels) };
    let sieve = Sieve { grep: None, exclude: excluded(&options.exclude, &options.channels)? };
    let hub = Some(recorded.instance.clone()).filter(|instance| instance.stands_alone());
    let printer = Printer::new(options.output, options.time, sieve).with_sessions(hub);
    let out = BufWriter::new(output::standard());
    let label = recorded.instance.name.clone();
    let mut page = Page { out, printer, label, filter, span, last: (0, false), clock: Clock::default() };
    let mut player = Player::new(recorded.open()?, options, span);
    while player.read().map_err(|cause| recorded.failure(&cause))? {
        while let Some((wait, record)) = player.next() {
            if !page.wait(wait)? {
                return Ok(Exit::Ok.into());
            }
            page.show(&record)?;
        }
    }
    page.out.flush()?;
    if player.passed_over() > 0 && !quiet {
        note(&format!("{} records of the journal are damaged and left out", player.passed_over()));
    }
    Ok(Exit::Ok.into())
}

struct Page {
    out: BufWriter<Standard>,
    printer: Printer,
    label: String,
    filter: Filter,
    span: Span,
    /// The last that was read, and whether it is newer than the span.
    last: (u64, bool),
    clock: Clock,
}

impl Page {
    /// False where nobody reads any more.
    fn wait(&mut self, pause: Duration) -> io::Result<bool> {
        let Some(due) = self.clock.due_behind(pause, Instant::now()) else { return Ok(true) };
        self.out.flush()?;
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(true);
            }
            std::thread::sleep(left.min(LOOK));
            if reader_is_gone() {
                return Ok(false);
            }
        }
    }

    fn show(&mut self, record: &Record) -> io::Result<()> {
        let event = &record.event;
        let ((last_seq, was_behind), is_behind) = (self.last, self.span.is_behind(event.timestamp));
        let (from_seq, to_seq) = (last_seq + 1, event.seq - 1);
        self.last = (event.seq, is_behind);
        if self.span.is_before(event.timestamp) {
            return Ok(());
        }
        if from_seq <= to_seq && !was_behind {
            self.put(&gap(record, (from_seq, to_seq), "not in the journal"))?;
        }
        if !is_behind && record.is_for(&self.filter) {
            self.put(&Dialect::Classic.event(event, &record.before, event.timestamp))?;
        }
        Ok(())
    }

    fn put(&mut self, frame: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(frame).into_owned();
        if let Some(frame) = Frame::parse(text.into()) {
            _ = self.printer.show(&mut self.out, &self.label, &frame)?;
        }
        Ok(())
    }
}
