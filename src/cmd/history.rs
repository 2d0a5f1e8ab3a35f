//! `history`: past events, and `watch --no-follow`, which is the same.

mod paged;

use super::ended::{self, Ended};
use super::failure::{Exit, Failure};
use super::printer::{Printer, Sieve};
use super::target::{self, Target};
use super::watch::{patterns, time};
use super::{note, output, runtime};
use crate::cli::{HistoryOptions, LogOptions};
use crate::client::{Frame, Start, Subscription};
use crate::dialect::{Dialect, Reply, Stamp};
use crate::event::{EventId, Timestamp};
use crate::filter::{Filter, Pattern, Query};
use crate::hub::{self, Record};
use crate::instance::{Choice, choose};
use paged::Past;
use serde_json::{Map, Value, json};
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// As many as a hub gives at once.
pub(super) const MOST: u64 = 10_000;
/// What is said where more fits than was asked for.
const MORE: &str =
    "there is more than these: -n shows more, up to 10,000; --since, --until and --after another part";
/// The same where no more can be asked for.
const MORE_THAN_MOST: &str =
    "there is more than these 10,000: --since, --until and --after show another part, and export all of it";
/// What is said where not all that fits could be shown.
const HOLES: &str = "some that fit may be missing here: they are not kept any more, or cannot be read";

/// Runs the verb.
pub(super) fn run(options: &HistoryOptions, log: &LogOptions) -> anyhow::Result<ExitCode> {
    let params = params(options)?;
    let printer = Printer::new(options.output, options.time, Sieve::default());
    let target = match target::resolve(&options.target, "read history of") {
        // What is told again is not all there yet.
        Ok(target) if target.is_replay() => match meant(options)? {
            Some(ended) => return of_ended(options, &ended, printer, log),
            None => target,
        },
        Ok(target) => target,
        Err(nobody) if nobody.exit() == Exit::NoInstance && is_meant_by_none(options)? => {
            let nobody = nobody.tip("sessions that are over: claude-mpm list --ended");
            return of_ended(options, &meant(options)?.ok_or(nobody)?, printer, log);
        }
        Err(failure) => return Err(failure.into()),
    };
    let mut printer = printer.with_sessions(target.hub());
    runtime()?.block_on(async {
        let past = paged::newest(&target, params, options.lines).await?;
        let exit = print(past.events.iter().map(|event| (target.label.as_str(), event)), &mut printer)?;
        tell_what_is_missing(&past, options, log);
        Ok(exit)
    })
}

/// Whether no instance that runs is meant, and not several.
fn is_meant_by_none(options: &HistoryOptions) -> Result<bool, Failure> {
    let word = options.target.instance.as_deref();
    Ok(word.is_none() || choose(&target::instances()?, word, None) == Choice::None)
}

/// The session that is over which is meant.
fn meant(options: &HistoryOptions) -> Result<Option<Ended>, Failure> {
    Ok(options.target.instance.as_deref().map(ended::meant).transpose()?.flatten())
}

fn of_ended(
    options: &HistoryOptions,
    ended: &Ended,
    printer: Printer,
    log: &LogOptions,
) -> anyhow::Result<ExitCode> {
    let mut printer =
        printer.with_sessions(Some(ended.instance.clone()).filter(|instance| instance.stands_alone()));
    let wanted = query(options)?;
    let most = wanted.limit;
    // One more tells whether there are more.
    let mut history = ended.find(&Query { limit: most.saturating_add(1), ..wanted })?;
    let too_many = history.records.len().saturating_sub(most);
    drop(history.records.drain(..too_many));
    let is_cut = too_many > 0;
    let events = ended::frames(&history).collect();
    let past = Past { events, is_cut, has_holes: !is_cut && !history.complete };
    let label = ended.instance.name.as_str();
    let exit = print(past.events.iter().map(|frame| (label, frame)), &mut printer)?;
    if history.damaged > 0 && !log.quiet {
        note(&format!("its journal is damaged: {} lines of it are left out", history.damaged));
    }
    tell_what_is_missing(&past, options, log);
    Ok(exit)
}

fn tell_what_is_missing(past: &Past, options: &HistoryOptions, log: &LogOptions) {
    let missing = match (past.is_cut, past.has_holes) {
        (true, _) if options.lines < MOST => Some(MORE),
        (true, _) => Some(MORE_THAN_MOST),
        (false, true) => Some(HOLES),
        (false, false) => None,
    };
    if let Some(missing) = missing.filter(|_| !log.quiet) {
        note(missing);
    }
}

pub(super) fn query(options: &HistoryOptions) -> Result<Query, Failure> {
    let channels =
        if options.channels.is_empty() { vec![Pattern::All] } else { patterns(&options.channels)? };
    Ok(Query {
        filter: Filter { sessions: options.session.clone(), ..Filter::channels(channels) },
        limit: usize::try_from(options.lines).unwrap_or(usize::MAX),
        after: options.after,
        before: None,
        epoch: None,
        since: moment(options.since.as_deref())?,
        until: moment(options.until.as_deref())?,
    })
}

/// The moment that was typed.
pub(super) fn moment(text: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    Ok(text.map(time).transpose()?.and_then(|text| Timestamp::parse(&text)))
}

pub(super) fn params(options: &HistoryOptions) -> Result<Map<String, Value>, Failure> {
    patterns(&options.channels)?;
    let mut params = object(&options.channels, &options.session);
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

fn object(channels: &[String], sessions: &[String]) -> Map<String, Value> {
    let everything = [Pattern::All.to_string()];
    let channels = if channels.is_empty() { &everything } else { channels };
    let mut params = Map::from_iter([("event_types".into(), json!(channels))]);
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
    let (mut events, mut is_cut, mut has_holes): (Vec<(&str, Frame)>, _, _) = (Vec::new(), false, false);
    let (params, most) = (start_params(wanted), start_count(wanted));
    for target in &targets {
        match paged::newest(target, params.clone(), most).await {
            Ok(past) => {
                is_cut |= past.is_cut && !matches!(wanted.start, Start::Last(_));
                has_holes |= past.has_holes;
                events.extend(past.events.into_iter().map(|event| (target.label.as_str(), event)));
            }
            Err(failure) if targets.len() == 1 => return Err(failure.into()),
            Err(failure) if !log.quiet => note(&super::escape::visible(&failure.to_string())),
            Err(_) => {}
        }
    }
    // A stable sort: the order of one instance stays what its numbers say.
    if targets.len() > 1 {
        events.sort_by_key(|(_, event)| event.timestamp());
    }
    let exit = print(events.iter().map(|(label, event)| (*label, event)), &mut printer)?;
    if is_cut && !log.quiet {
        note(
            "these are the newest: there is more, as far as it is kept; without --no-follow all of it is shown",
        );
    }
    if has_holes && !log.quiet {
        note(HOLES);
    }
    Ok(exit)
}

fn start_params(wanted: &Subscription) -> Map<String, Value> {
    let mut params = object(&wanted.channels, &wanted.sessions);
    match &wanted.start {
        Start::Last(_) => None,
        Start::After(cursor) => params.insert("after".into(), cursor.seq.into()),
        Start::Since(time) => params.insert("since".into(), time.as_str().into()),
    };
    params
}

fn start_count(wanted: &Subscription) -> u64 {
    match wanted.start {
        Start::Last(count) => count.min(MOST),
        Start::After(_) | Start::Since(_) => MOST,
    }
}

/// The frame which says that these numbers, in front of this record, are missing.
pub(super) fn gap(record: &Record, (from_seq, to_seq): (u64, u64), reason: &str) -> Vec<u8> {
    let event = &record.event;
    let stamp = Stamp {
        timestamp: event.timestamp,
        epoch: &event.epoch,
        session_id: &event.session_id,
        message_id: EventId::from_uuid(hub::fresh_id()),
        components: &[],
    };
    let missed = to_seq - from_seq + 1;
    Dialect::Classic.reply(&Reply::Gap { missed, from_seq, to_seq, reason }, None, &stamp)
}

/// What a hub says at once of the past.
pub(super) struct Answer {
    /// Oldest first.
    pub(super) events: Vec<Frame>,
    /// Nothing that was asked for is missing.
    pub(super) complete: bool,
}

/// Asks the hub.
pub(super) async fn ask(target: &Target, params: Map<String, Value>) -> Result<Answer, Failure> {
    const DOING: &str = "read history of";
    let mut connection = target.connect(DOING).await?;
    let asked = connection.request(json!({"command": "get_history", "params": params})).await;
    let reply = asked.map_err(|cause| target.failure(DOING, &cause))?;
    connection.close().await;
    let none = || Failure::new(Exit::Failed, "cannot read history: the hub's answer has none");
    let events = reply.events().ok_or_else(none)?;
    let complete = reply.data().get("complete") != Some(&Value::Bool(false));
    Ok(Answer { events, complete })
}

fn print<'a>(
    events: impl Iterator<Item = (&'a str, &'a Frame)>,
    printer: &mut Printer,
) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(output::standard());
    for (label, event) in events {
        if printer.show(&mut out, label, event)?.is_break() {
            break;
        }
    }
    out.flush()?;
    Ok(Exit::Ok.into())
}
