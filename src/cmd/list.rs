//! `list`: the running instances.

use super::escape::json_line;
use super::failure::Exit;
use super::paint::{self, Paint};
use super::target::{self, Target};
use super::{column, note, runtime};
use crate::cli::{Format, ListOptions, LogOptions};
use crate::client::Connection;
use crate::dialect::summary;
use crate::event::Timestamp;
use crate::instance::Instance;
use anstyle::Style;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long an instance may take to say what it does.
const ANSWER: Duration = Duration::from_secs(1);
const HEADER: [&str; 6] = ["NAME", "PORT", "PID", "ACTIVITY", "UPTIME", "DIRECTORY"];

/// Runs the verb.
pub(super) fn run(options: &ListOptions, log: &LogOptions) -> anyhow::Result<ExitCode> {
    let instances = target::instances()?;
    if instances.is_empty() && !log.quiet {
        note("no instance is running");
    }
    let states = runtime()?.block_on(states(&instances));
    let mut out = io::stdout().lock();
    match options.output {
        Format::Json => {
            writeln!(out, "{}", json_line(&json(&instances, &states)?)?)?;
        }
        Format::Text => {
            let lines = column::align(&rows(&instances, &states));
            let paint = Paint::for_stdout();
            for (index, line) in lines.iter().enumerate().filter(|_| !instances.is_empty()) {
                let style = if index == 0 { paint::STRONG } else { Style::new() };
                writeln!(out, "{}", paint.paint(style, line))?;
            }
        }
    }
    Ok(Exit::Ok.into())
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
            instance.port.map_or("-".into(), |port| port.to_string()),
            instance.pid.to_string(),
            if instance.stands_alone() { hub(state) } else { activity(state) },
            uptime(instance.started_at, now),
            instance.working_dir.clone(),
        ]
    };
    let header = HEADER.map(String::from).to_vec();
    std::iter::once(header).chain(instances.iter().zip(states).map(row)).collect()
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
