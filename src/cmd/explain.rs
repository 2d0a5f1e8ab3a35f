//! `explain`: which source told of an event, and what the others did; or the same counted over a whole session.

use super::escape::{json_line, visible};
use super::failure::{Exit, Failure};
use super::target::{self, Target};
use super::{column, output, runtime};
use crate::cli::{ExplainOptions, Format};
use crate::client::{ClientError, Frame};
use crate::dialect::summary;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;

const DOING: &str = "explain events of";

/// Runs the verb.
pub(super) fn run(options: &ExplainOptions) -> anyhow::Result<ExitCode> {
    let (targets, event) = meant(options)?;
    let data = runtime()?.block_on(ask_each(&targets, event.as_deref()))?;
    let mut out = output::standard();
    match options.output {
        Format::Json => writeln!(out, "{}", json_line(&data)?)?,
        Format::Text => {
            let lines = if event.is_some() { of_event(&data) } else { of_session(&data) };
            for line in lines {
                writeln!(out, "{}", visible(&line))?;
            }
        }
    }
    Ok(Exit::Ok.into())
}

/// Where to ask, and for which event; without one for the whole session.
fn meant(options: &ExplainOptions) -> Result<(Vec<Target>, Option<String>), Failure> {
    let of_target = || target::resolve(&options.target, DOING).map(|target| vec![target]);
    let is_named = options.target.instance.is_some() || options.target.url.is_some();
    match &options.word {
        None => Ok((of_target()?, None)),
        Some(word) if is_named || is_number(word) => Ok((of_target()?, Some(word.clone()))),
        Some(word) => {
            let running = target::instances()?;
            let is_its = |id: &str| id.starts_with(word.as_str());
            match running.iter().find(|instance| is_its(instance.session_id.as_str())) {
                Some(instance) => Ok((vec![Target::of(instance.clone())], None)),
                None => Ok((running.into_iter().map(Target::of).collect(), Some(word.clone()))),
            }
        }
    }
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The first answer; an event is in one log only.
async fn ask_each(targets: &[Target], event: Option<&str>) -> Result<Value, Failure> {
    let mut failure = Failure::new(
        Exit::NoInstance,
        "cannot explain events: no instance is running, and ended ones keep none",
    );
    for target in targets {
        match ask(target, event).await {
            Ok(data) => return Ok(data),
            Err(cause) => failure = cause,
        }
    }
    Err(failure)
}

async fn ask(target: &Target, event: Option<&str>) -> Result<Value, Failure> {
    let mut connection = target.connect(DOING).await?;
    let asked = connection.request(json!({ "command": "explain", "params": { "event": event } })).await;
    let reply = asked.map_err(|cause: ClientError| target.failure(DOING, &cause))?;
    connection.close().await;
    Ok(reply.data().clone())
}

fn of_event(data: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(event) = data.get("event").and_then(|event| Frame::parse(event.to_string().into())) else {
        return lines;
    };
    lines.push(format!("{} {}: {}", seq(data), event.kind(), summary::beside(event.kind(), event.data())));
    let told_at = event.timestamp().map_or(String::new(), |at| format!(" at {at}"));
    lines.push(format!("told first by {}{told_at}", text(data, "told_by")));
    for sighting in list(data, "also_told_by") {
        lines.push(format!("told also by {} at {}", text(sighting, "source"), text(sighting, "at")));
    }
    let silent: Vec<&str> = list(data, "silent").iter().filter_map(Value::as_str).collect();
    if !silent.is_empty() {
        lines.push(format!("not told by {}", silent.join(", ")));
    }
    lines
}

fn of_session(data: &Value) -> Vec<String> {
    let mut rows = vec![["EVENT", "COUNT", "TOLD FIRST BY", "TOLD ALSO BY"].map(str::to_owned).to_vec()];
    let types = data.get("types").and_then(Value::as_object).into_iter().flatten();
    rows.extend(types.map(|(name, account)| {
        let counted = |field: &str| {
            let counts = account.get(field).and_then(Value::as_object).into_iter().flatten();
            counts.map(|(source, count)| format!("{source} {count}")).collect::<Vec<_>>().join(", ")
        };
        let events = account.get("events").and_then(Value::as_u64).unwrap_or_default();
        vec![name.clone(), events.to_string(), counted("told_by"), counted("also_told_by")]
    }));
    let mut lines = column::align(&rows);
    lines.push(String::new());
    let mut rows = vec![["SOURCE", "STATE", "LAST EVENT", "NOTE"].map(str::to_owned).to_vec()];
    rows.extend(list(data, "sources").iter().map(|source| {
        ["name", "state", "last_event_at", "note"].map(|field| text(source, field).to_owned()).to_vec()
    }));
    lines.extend(column::align(&rows));
    lines
}

fn seq(data: &Value) -> String {
    let seq = data.get("event").and_then(|event| event.get("seq")).and_then(Value::as_u64);
    seq.map_or(String::new(), |seq| format!("#{seq}"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("-")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_who_told_of_it_and_who_did_not() {
        let data = json!({
            "event": {"type": "claude.activity", "seq": 7, "timestamp": "2026-11-21T12:00:00.000Z", "data": {"activity": "idle"}},
            "told_by": "hook",
            "also_told_by": [{"source": "transcript", "at": "2026-11-21T12:00:00.100Z"}],
            "silent": ["stream"],
        });
        assert_eq!(
            of_event(&data),
            [
                "#7 claude.activity: idle",
                "told first by hook at 2026-11-21T12:00:00.000Z",
                "told also by transcript at 2026-11-21T12:00:00.100Z",
                "not told by stream",
            ]
        );
    }
}
