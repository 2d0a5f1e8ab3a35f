//! `publish`: puts events of one's own on a hub, one from the command line or a stream from standard input.

mod envelope;
mod lines;
mod parcel;

use super::failure::{Exit, Failure};
use super::target::{self, Target};
use super::{escape, note, output, runtime};
use crate::cli::{Format, PublishOptions};
use crate::client::{ClientError, Connection};
use crate::filter::Pattern;
use envelope::Template;
use lines::Lines;
use parcel::{Item, Parcel};
use serde_json::json;
use std::io::{self, Write};
use std::process::ExitCode;

const DOING: &str = "publish to";
/// The word for standard input.
const STDIN: &str = "-";

/// What is published.
enum Work {
    /// This one.
    One(Item),
    /// Each line: a whole event, or the content of one of this kind.
    Each(Option<Template>),
}

/// Runs the verb.
pub(super) fn run(options: &PublishOptions) -> anyhow::Result<ExitCode> {
    let work = plan(options)?;
    let target = target::resolve_from_inside(&options.target, DOING)?;
    runtime()?.block_on(async {
        let connection = target.connect(DOING).await?;
        let mut errand = Errand { connection, target: &target, output: options.output, failed: false };
        match work {
            Work::One(item) => errand.send(Parcel::of(item)).await?,
            Work::Each(template) => errand.send_all(Lines::of_stdin(template)).await?,
        }
        errand.connection.close().await;
        Ok(if errand.failed { Exit::Failed } else { Exit::Ok }.into())
    })
}

fn plan(options: &PublishOptions) -> Result<Work, Failure> {
    let refuse = |cause: &str| Failure::new(Exit::Usage, format!("cannot publish {}: {cause}", options.kind));
    let template = Template::of(options);
    if options.kind == STDIN {
        let shapes = [&options.data, &options.source, &options.session, &options.summary];
        if options.test || shapes.iter().any(|option| option.is_some()) {
            let failure = refuse("whole events say everything themselves");
            return Err(failure.tip("name the type of the events: claude-mpm publish TYPE -"));
        }
        return Ok(Work::Each(None));
    }
    check_kind(&options.kind).map_err(|cause| refuse(&cause))?;
    let event = match options.data.as_deref() {
        Some(STDIN) => return Ok(Work::Each(Some(template))),
        None if options.test => template.test_event(),
        data => template.event(data.unwrap_or("{}")),
    };
    event.and_then(|text| Item::new(None, text)).map(Work::One).map_err(|cause| refuse(&cause))
}

/// What would be wrong with every line is said once.
fn check_kind(kind: &str) -> Result<(), String> {
    match Pattern::parse(kind) {
        Ok(Pattern::Exact(_)) => Ok(()),
        Ok(_) => Err("it is a pattern and no type".into()),
        Err(cause) => Err(cause.to_string()),
    }
}

/// The way to the hub, and how it went so far.
struct Errand<'a> {
    connection: Connection,
    target: &'a Target,
    output: Format,
    failed: bool,
}

impl Errand<'_> {
    /// Sends what comes, as soon as it comes, and what is there already together.
    async fn send_all(&mut self, mut lines: Lines) -> anyhow::Result<()> {
        let mut parcel = Parcel::default();
        loop {
            let line = match lines.try_next() {
                Some(line) => Some(line),
                None => {
                    self.send(std::mem::take(&mut parcel)).await?;
                    self.wait_for(&mut lines).await?
                }
            };
            match line {
                None => return Ok(()),
                Some(Err((number, cause))) => self.complain(Some(number), &cause),
                Some(Ok(item)) => {
                    if !parcel.has_room_for(&item) {
                        self.send(std::mem::take(&mut parcel)).await?;
                    }
                    parcel.add(item);
                }
            }
        }
    }

    /// Waits for a line, and answers the hub's signs of life meanwhile.
    async fn wait_for(&mut self, lines: &mut Lines) -> Result<Option<lines::Line>, Failure> {
        loop {
            tokio::select! {
                line = lines.next() => return Ok(line),
                // Nobody subscribed to anything: only the greeting comes.
                frame = self.connection.next() => {
                    frame.map_err(|cause| self.target.failure(DOING, &cause))?;
                }
            }
        }
    }

    /// Sends a parcel; where the hub refuses it, its halves, until the event that is refused is alone.
    async fn send(&mut self, parcel: Parcel) -> anyhow::Result<()> {
        let mut waiting = vec![parcel];
        while let Some(parcel) = waiting.pop() {
            if parcel.is_empty() {
                continue;
            }
            match self.connection.publish(parcel.texts()).await {
                Ok(seqs) => self.tell(&seqs)?,
                Err(ClientError::Reply { code, message }) if !is_stranger(&code) => match parcel.halve() {
                    Ok((first, second)) => waiting.extend([second, first]),
                    Err(item) => self.complain(item.line, &format!("the hub answers {code}: {message}")),
                },
                Err(cause) => return Err(self.target.failure(DOING, &cause).into()),
            }
        }
        Ok(())
    }

    fn tell(&self, seqs: &[u64]) -> io::Result<()> {
        if self.output == Format::Text {
            return Ok(());
        }
        let mut out = output::standard();
        writeln!(out, "{}", json!({ "seqs": seqs }))?;
        out.flush()
    }

    fn complain(&mut self, line: Option<u64>, cause: &str) {
        self.failed = true;
        let which = line.map_or_else(|| "the event".to_owned(), |number| format!("line {number}"));
        note(&escape::visible(&format!("cannot publish {which}: {cause}")));
    }
}

/// Whether the hub refuses whoever asks, and not what is asked.
fn is_stranger(code: &str) -> bool {
    code == "AUTH001"
}
