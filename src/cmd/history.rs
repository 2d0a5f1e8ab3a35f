//! `history`: past events, and `watch --no-follow`, which is the same.

use super::failure::{Exit, Failure};
use super::printer::{Printer, Sieve};
use super::target::{self, Target};
use super::watch::{patterns, time};
use super::{note, runtime};
use crate::cli::{HistoryOptions, LogOptions};
use crate::client::{Frame, Start, Subscription};
use crate::filter::Pattern;
use serde_json::{Map, Value, json};
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// As many as a hub gives at once.
const MOST: u64 = 10_000;

/// Runs the verb.
pub(super) fn run(options: &HistoryOptions, log: &LogOptions) -> anyhow::Result<ExitCode> {
    let params = params(options)?;
    let target = target::resolve(&options.target, "read history of")?;
    let printer = Printer::new(options.output, options.time, Sieve::default());
    let mut printer = printer.with_sessions(target.hub());
    runtime()?.block_on(async {
        let past = ask(&target, params).await?;
        let exit = print(past.events.iter().map(|event| (target.label.as_str(), event)), &mut printer)?;
        if !past.complete && !log.quiet {
            note("there is more than these; -n shows more of it, as far as it is kept");
        }
        Ok(exit)
    })
}

fn params(options: &HistoryOptions) -> Result<Map<String, Value>, Failure> {
    patterns(&options.channels)?;
    let mut params = object(&options.channels, &options.session, options.lines);
    for (name, text) in [("since", &options.since), ("until", &options.until)] {
        if let Some(text) = text {
            params.insert(name.into(), time(text)?.into());
        }
    }
    if let Some(after) = options.after {
        params.insert("after".into(), after.into());
    }
    Ok(params)
}

fn object(channels: &[String], sessions: &[String], limit: u64) -> Map<String, Value> {
    let everything = [Pattern::All.to_string()];
    let channels = if channels.is_empty() { &everything } else { channels };
    let mut params =
        Map::from_iter([("event_types".into(), json!(channels)), ("limit".into(), limit.into())]);
    if !sessions.is_empty() {
        params.insert("sessions".into(), json!(sessions));
    }
    params
}

/// What a subscription would begin with, and nothing more; of all running instances when there is no single target.
pub(super) async fn show_past(
    single: Option<Target>,
    wanted: &Subscription,
    mut printer: Printer,
    log: &LogOptions,
) -> anyhow::Result<ExitCode> {
    let everybody = || Ok(target::instances()?.into_iter().map(Target::of).collect());
    let targets = single.map_or_else(everybody, |target| Ok::<_, Failure>(vec![target]))?;
    let mut events: Vec<(&str, Frame)> = Vec::new();
    for target in &targets {
        match ask(target, start_params(wanted)).await {
            Ok(past) => events.extend(past.events.into_iter().map(|event| (target.label.as_str(), event))),
            Err(failure) if targets.len() == 1 => return Err(failure.into()),
            Err(failure) if !log.quiet => note(&super::escape::visible(&failure.to_string())),
            Err(_) => {}
        }
    }
    // A stable sort: the order of one instance stays what its numbers say.
    if targets.len() > 1 {
        events.sort_by_key(|(_, event)| event.timestamp());
    }
    print(events.iter().map(|(label, event)| (*label, event)), &mut printer)
}

fn start_params(wanted: &Subscription) -> Map<String, Value> {
    let with = |name: &str, value: Value| {
        let mut params = object(&wanted.channels, &wanted.sessions, MOST);
        params.insert(name.into(), value);
        params
    };
    match &wanted.start {
        Start::Last(count) => object(&wanted.channels, &wanted.sessions, (*count).min(MOST)),
        Start::After(cursor) => with("after", cursor.seq.into()),
        Start::Since(time) => with("since", time.as_str().into()),
    }
}

struct Past {
    events: Vec<Frame>,
    complete: bool,
}

async fn ask(target: &Target, params: Map<String, Value>) -> Result<Past, Failure> {
    const DOING: &str = "read history of";
    if params.get("limit").and_then(Value::as_u64) == Some(0) {
        return Ok(Past { events: Vec::new(), complete: true });
    }
    let mut connection = target.connect(DOING).await?;
    let asked = connection.request(json!({"command": "get_history", "params": params})).await;
    let reply = asked.map_err(|cause| target.failure(DOING, &cause))?;
    connection.close().await;
    let none = || Failure::new(Exit::Failed, "cannot read history: the hub's answer has none");
    let events = reply.events().ok_or_else(none)?;
    let complete = reply.data().get("complete") != Some(&Value::Bool(false));
    Ok(Past { events, complete })
}

fn print<'a>(
    events: impl Iterator<Item = (&'a str, &'a Frame)>,
    printer: &mut Printer,
) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for (label, event) in events {
        if printer.show(&mut out, label, event)?.is_break() {
            break;
        }
    }
    out.flush()?;
    Ok(Exit::Ok.into())
}
