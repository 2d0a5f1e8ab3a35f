//! `export`: a session as a document, in a file or on standard output.
//!
//! What is on disk is told from the journal, a part at a time; what a hub that runs has not written yet, by the hub.

mod outlet;
mod remembered;
mod session;

use super::failure::{Exit, Failure};
use super::{ended, history, note, runtime};
use crate::cli::{ExportFormat, ExportOptions, Format, HistoryOptions, LogOptions, TimeStyle};
use crate::client::Frame;
use crate::export::{Entry, Exporter, Form};
use crate::filter::Query;
use crate::hub::Retold;
use crate::instance::private;
use crate::journal::RECORDING;
use outlet::Outlet;
use serde::de::IgnoredAny;
use serde_json::Map;
use session::Session;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

/// Of a recording, bytes: what waited for the disk together is one, at most 8 MiB, six times as many where all of it has to
/// be escaped.
const LONGEST_LINE: u64 = 64 << 20;

/// Runs the verb.
pub(super) fn run(options: &ExportOptions, log: &LogOptions) -> anyhow::Result<ExitCode> {
    let format = format(options)?;
    let query = query(options)?;
    let session = Session::named(&options.session_word)?;
    let Some(form) = form(format) else {
        refuse_to_choose(options)?;
        return export_recording(&session, options, log);
    };
    let outlet = Outlet::open(options.output.as_deref(), options.force)?;
    let mut document = Document::begin(form, !options.channels.is_empty(), outlet, &session)?;
    let failed = |cause| session.failure(&cause);
    let epoch = &session.instance.epoch;
    let mut told = match &session.directory {
        Some(directory) => Retold::open(directory, query).map_err(failed)?,
        None => Retold::without_journal(query, Some(epoch.clone())),
    };
    document.add_all(&mut told, &session)?;
    if let Some(target) = &session.target {
        match runtime()?.block_on(remembered::behind(target, epoch, told.came_to(epoch))) {
            Ok(frames) => frames.iter().for_each(|frame| _ = told.hear(frame.line().as_bytes())),
            // It ended meanwhile: what the hub had is in the journal by now.
            Err(failure) if session.has_ended_since(&failure) => told.go_on(),
            Err(failure) => return Err(failure.into()),
        }
        document.add_all(&mut told, &session)?;
    }
    let missing = document.end()?;
    if log.quiet {
        return Ok(Exit::Ok.into());
    }
    if told.passed_over() > 0 {
        note(&format!("{} lines of the journal are damaged and left out", told.passed_over()));
    }
    if missing > 0 {
        note(&format!("{missing} events are missing, whichever they were: they are not kept any more"));
    }
    Ok(Exit::Ok.into())
}

/// The form that was named, or that of the file's ending.
fn format(options: &ExportOptions) -> Result<ExportFormat, Failure> {
    let name = options.output.as_deref().and_then(Path::to_str).unwrap_or_default();
    let is_format = ["json", "text", "ndjson", "csv", "markdown", "md", "html", "asciicast"].contains(&name);
    if is_format && options.format.is_none() {
        let failure = Failure::new(
            Exit::Usage,
            format!("cannot export to {name:?}: that is a format, and -o names a file"),
        );
        return Err(failure
            .tip("--format names the format")
            .tip(format!("for a file of that name: -o ./{name}")));
    }
    let ending = options.output.as_deref().and_then(Path::extension).and_then(|ending| ending.to_str());
    let by_ending = match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => ExportFormat::Csv,
        Some("md" | "markdown") => ExportFormat::Markdown,
        Some("html" | "htm") => ExportFormat::Html,
        Some("cast") => ExportFormat::Asciicast,
        _ => ExportFormat::Ndjson,
    };
    Ok(options.format.unwrap_or(by_ending))
}

/// `None` for what is no document of events.
fn form(format: ExportFormat) -> Option<Form> {
    match format {
        ExportFormat::Ndjson => Some(Form::Ndjson),
        ExportFormat::Csv => Some(Form::Csv),
        ExportFormat::Markdown => Some(Form::Markdown),
        ExportFormat::Html => Some(Form::Html),
        ExportFormat::Asciicast => None,
    }
}

/// The same choice of events as of `history`.
fn query(options: &ExportOptions) -> Result<Query, Failure> {
    let mut query = history::query(&HistoryOptions {
        channels: options.channels.clone(),
        target: crate::cli::Target::default(),
        lines: history::MOST,
        since: options.since.clone(),
        until: options.until.clone(),
        after: options.after,
        session: options.session.clone(),
        time: TimeStyle::Utc,
        output: Format::Json,
    })?;
    if query.filter.sessions.iter().any(|session| session == "*") {
        query.filter.sessions.clear();
    }
    Ok(query)
}

/// A recording has no events.
fn refuse_to_choose(options: &ExportOptions) -> Result<(), Failure> {
    let chooses = !options.channels.is_empty()
        || options.since.is_some()
        || options.until.is_some()
        || options.after.is_some()
        || !options.session.is_empty();
    match chooses {
        true => Err(Failure::new(
            Exit::Usage,
            "cannot choose events of a recording: it has none, and is exported whole",
        )),
        false => Ok(()),
    }
}

fn export_recording(
    session: &Session,
    options: &ExportOptions,
    log: &LogOptions,
) -> anyhow::Result<ExitCode> {
    let path = session.home.as_ref().map(|home| home.join(RECORDING)).unwrap_or_default();
    let opened = private::open_private(&path, u64::MAX).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => {
            Failure::new(Exit::Failed, "cannot export terminal: the session was not recorded")
                .tip("record the next one: claude-mpm --websocket --launch-method subprocess --record")
        }
        _ => Failure::new(Exit::Failed, format!("cannot export terminal: {}: {cause}", path.display())),
    });
    let mut recording = BufReader::new(opened?);
    let mut outlet = Outlet::open(options.output.as_deref(), options.force)?;
    let (mut line, mut damaged) = (Vec::new(), 0);
    // Of one that goes on, the last line may not be whole yet.
    while recording.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        match serde_json::from_slice::<IgnoredAny>(&line) {
            Ok(_) => outlet.write(&line)?,
            Err(_) => damaged += 1,
        }
        line.clear();
    }
    // A disk that lost its power may leave zeros behind the last line.
    damaged += u64::from(line.len() as u64 == LONGEST_LINE);
    outlet.finish()?;
    if damaged > 0 && !log.quiet {
        note(&format!("{damaged} lines of the recording are damaged and left out"));
    }
    Ok(Exit::Ok.into())
}

/// A document that is being written.
struct Document {
    exporter: Exporter,
    outlet: Outlet,
    text: String,
    /// Events that are missing in it.
    missing: u64,
}

impl Document {
    fn begin(form: Form, everything: bool, outlet: Outlet, session: &Session) -> anyhow::Result<Self> {
        let exporter = Exporter::new(form, everything);
        let mut document = Self { exporter, outlet, text: String::new(), missing: 0 };
        document.exporter.begin(&session.head(), &mut document.text);
        document.write()?;
        Ok(document)
    }

    /// Adds what is told, and in front of it what is missing there.
    fn add_all(&mut self, told: &mut Retold, session: &Session) -> anyhow::Result<()> {
        for told in told {
            let told = told.map_err(|cause| session.failure(&cause))?;
            if let Some(missing) = told.missing {
                self.missing += missing.1 - missing.0 + 1;
                let gap = String::from_utf8(history::gap(&told.record, missing, "not kept"))?;
                Frame::parse(gap.into()).map_or(Ok(()), |gap| self.add(&gap))?;
            }
            if told.is_wanted {
                ended::frame(&told.record).map_or(Ok(()), |frame| self.add(&frame))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, frame: &Frame) -> anyhow::Result<()> {
        let nothing = Map::new();
        let line = frame.line();
        let entry = Entry {
            seq: frame.seq(),
            epoch: frame.epoch().unwrap_or_default(),
            timestamp: frame.timestamp(),
            session_id: frame.session_id().unwrap_or_default(),
            source: frame.source().unwrap_or_default(),
            kind: frame.kind(),
            data: frame.data().as_object().unwrap_or(&nothing),
            line: &line,
        };
        self.exporter.event(&entry, &mut self.text);
        self.write()
    }

    /// How many events are missing in it.
    fn end(mut self) -> anyhow::Result<u64> {
        self.exporter.end(&mut self.text);
        self.write()?;
        self.outlet.finish()?;
        Ok(self.missing)
    }

    fn write(&mut self) -> anyhow::Result<()> {
        self.outlet.write(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }
}
