//! `list`: the running instances, or the sessions that are over.

use super::ended::{self, End, Ended};
use super::escape::json_line;
use super::failure::Exit;
use super::paint::{self, Paint};
use super::target::{self, Target};
use super::{column, note, output, runtime};
use crate::cli::{Format, ListOptions, LogOptions};
use crate::client::Connection;
use crate::dialect::summary;
use crate::event::Timestamp;
use crate::event::body::SessionEnd;
use crate::instance::Instance;
use anstyle::Style;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long an instance may take to say what it does.
const ANSWER: Duration = Duration::from_secs(1);
const ENDED_HEADER: [&str; 6] = ["NAME", "SESSION", "STARTED", "LASTED", "EXIT", "DIRECTORY"];
const HEADER: [&str; 6] = ["NAME", "PORT", "PID", "ACTIVITY", "UPTIME", "DIRECTORY"];

/// Runs the verb.
pub(super) fn run(options: &ListOptions, log: &LogOptions) -> anyhow::Result<ExitCode> {
    if options.ended {
        return list_ended(options.output, log);
    }
    let instances = target::instances()?;
    if instances.is_empty() && !log.quiet {
        note("no instance is running");
    }
    let states = runtime()?.block_on(states(&instances));
    let mut out = output::standard();
    match options.output {
        Format::Json => {
            writeln!(out, "{}", json_line(&json(&instances, &states)?)?)?;
        }
        Format::Text if instances.is_empty() => {}
        Format::Text => print_table(&mut out, &rows(&instances, &states))?,
    }
    Ok(Exit::Ok.into())
}

fn list_ended(format: Format, log: &LogOptions) -> anyhow::Result<ExitCode> {
    let sessions = ended::all()?;
    if sessions.is_empty() && !log.quiet {
        note("no session is kept that is over");
    }
    let ends: Vec<_> = sessions.iter().map(|ended| (ended, ended.end())).collect();
    let mut out = output::standard();
    match format {
        Format::Json => {
            let record = |(ended, end): &(&Ended, Option<End>)| {
                let mut record = serde_json::to_value(&ended.instance)?;
                record["end"] = serde_json::to_value(end.as_ref().and_then(|end| end.end.as_ref()))?;
                record["last_event"] = serde_json::to_value(end.as_ref().map(|end| end.last_event))?;
                Ok(record)
            };
            let records: Vec<Value> = ends.iter().map(record).collect::<serde_json::Result<_>>()?;
            writeln!(out, "{}", json_line(&Value::from(records))?)?;
        }
        Format::Text if sessions.is_empty() => {}
        Format::Text => print_table(&mut out, &ended_rows(&ends))?,
    }
    Ok(Exit::Ok.into())
}

fn ended_rows(ends: &[(&Ended, Option<End>)]) -> Vec<Vec<String>> {
    let row = |(ended, end): &(&Ended, Option<End>)| {
        let Ended { instance, .. } = ended;
        let over = end.as_ref().map(|end| end.end.as_ref().map_or(end.last_event, |end| end.end_time));
        vec![
            instance.name.clone(),
            instance.session_id.as_str().chars().take(8).collect(),
            instance.started_at.to_string(),
            over.map_or("?".into(), |over| uptime(instance.started_at, over)),
            end.as_ref().and_then(|end| end.end.as_ref()).map_or("?".into(), how_it_ended),
            instance.working_dir.clone(),
        ]
    };
    std::iter::once(ENDED_HEADER.map(String::from).to_vec()).chain(ends.iter().map(row)).collect()
}

/// Its exit code, or the signal that ended it, as a shell tells both.
fn how_it_ended(end: &SessionEnd) -> String {
    match (end.exit_code, end.signal) {
        (Some(code), _) => code.to_string(),
        (None, Some(signal)) => (128 + signal).to_string(),
        (None, None) => "?".into(),
    }
}

fn print_table(out: &mut impl Write, rows: &[Vec<String>]) -> io::Result<()> {
    let paint = Paint::for_stdout();
    for (index, line) in column::align(rows).iter().enumerate() {
        let style = if index == 0 { paint::STRONG } else { Style::new() };
        writeln!(out, "{}", paint.paint(style, line))?;
    }
    Ok(())
}

/// What each instance says of itself, all asked at once; null for one that does not answer in time.
async fn states(instances: &[Instance]) -> Vec<Value> {
    let mut asked = JoinSet::new();
    for (index, instance) in instances.iter().enumerate() {
        let target = Target::of(instance.clone());
        asked
            .spawn(async move { (index, tokio::time::timeout(ANSWER, state(&target)).await.ok().flatten()) });
    }
    let mut states = vec![Value::Null; instances.len()];
    while let Some(answer) = asked.join_next().await {
        if let Ok((index, Some(state))) = answer {
            states[index] = state;
        }
    }
    states
}

async fn state(target: &Target) -> Option<Value> {
    let (mut connection, _) = Connection::open_any(&target.endpoints).await.ok()?;
    let reply = connection.request(json!({"command": "get_status"})).await.ok()?;
    connection.close().await;
    Some(reply.data().clone())
}

fn json(instances: &[Instance], states: &[Value]) -> serde_json::Result<Value> {
    let record = |(instance, state): (&Instance, &Value)| {
        let mut record = serde_json::to_value(instance)?;
        for field in ["claude_status", "activity"] {
            record[field] = state.get(field).cloned().unwrap_or_default();
        }
        Ok(record)
    };
    instances.iter().zip(states).map(record).collect::<serde_json::Result<Vec<_>>>().map(Value::from)
}

fn rows(instances: &[Instance], states: &[Value]) -> Vec<Vec<String>> {
    let now = crate::hub::now();
    let row = |(instance, state): (&Instance, &Value)| {
        vec![
            instance.name.clone(),
            instance.place().unwrap_or_else(|| "-".into()),
            instance.pid.to_string(),
            doing(instance, state),
            uptime(instance.started_at, now),
            instance.working_dir.clone(),
        ]
    };
    let header = HEADER.map(String::from).to_vec();
    std::iter::once(header).chain(instances.iter().zip(states).map(row)).collect()
}

fn doing(instance: &Instance, state: &Value) -> String {
    let doing = if instance.stands_alone() { hub(state) } else { activity(state) };
    match (instance.is_replay(), state["last_seq"].as_u64()) {
        (false, _) => doing,
        (true, Some(0)) => "replay, waiting".into(),
        (true, _) => format!("replay, {doing}"),
    }
}

/// How many sessions a hub has that are not over, beside its own.
fn hub(state: &Value) -> String {
    let sessions = state.get("sessions").and_then(Value::as_array).into_iter().flatten().skip(1);
    let open = sessions.filter(|session| session["session_end"].is_null()).count();
    format!("hub of {open}")
}

/// What it does, or else the state of its process.
fn activity(state: &Value) -> String {
    let field = |name: &str| state.get(name).and_then(Value::as_str);
    field("activity").or_else(|| field("claude_status")).unwrap_or("?").to_owned()
}

fn uptime(started: Timestamp, now: Timestamp) -> String {
    summary::duration(now.millis_since(started) as f64 / 1000.0)
}
