//! `status`: what is true of one instance now.

use super::escape::json_line;
use super::failure::Exit;
use super::{column, output, runtime, target};
use crate::cli::{Format, StatusOptions};
use crate::dialect::summary;
use crate::event::Timestamp;
use crate::instance::Instance;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;

const DOING: &str = "read status of";

/// Runs the verb.
pub(super) fn run(options: &StatusOptions) -> anyhow::Result<ExitCode> {
    let target = target::resolve(&options.target, DOING)?;
    let reply = runtime()?.block_on(async {
        let mut connection = target.connect(DOING).await?;
        let asked = connection.request(json!({"command": "get_status"})).await;
        let reply = asked.map_err(|cause| target.failure(DOING, &cause))?;
        connection.close().await;
        Ok::<_, anyhow::Error>(reply)
    })?;
    let replay = target.record().filter(Instance::is_replay);
    let mut out = output::standard();
    match options.output {
        Format::Json => writeln!(out, "{}", json_line(&reply.data())?)?,
        Format::Text => {
            for line in column::align(&rows(reply.data(), replay.as_ref())) {
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(Exit::Ok.into())
}

/// What a replay tells is the status of the session as it was recorded, but for what is of the replay itself.
fn rows(status: &Value, replay: Option<&Instance>) -> Vec<Vec<String>> {
    let info = status.get("instance_info").unwrap_or(&Value::Null);
    let mut lines = vec![
        ("instance", replay.map_or_else(|| text(info, "name"), |replay| replay.name.clone())),
        ("session", text(status, "session_id")),
        ("directory", text(info, "working_dir")),
        ("claude", claude(status)),
        ("activity", text(status, "activity")),
        ("started", started(status, replay)),
        ("launch", text(status, "launch_method")),
        ("hub", hub(status, info, replay)),
        ("sessions", sessions(status)),
        ("events", format!("{} to {}", text(status, "first_seq"), text(status, "last_seq"))),
        ("sources", sources(status)),
        ("version", text(status, "version")),
    ];
    if let Some(replay) = replay {
        lines.insert(1, ("replay", format!("since {}", ago(replay.started_at, crate::hub::now()))));
    }
    lines.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect()
}

/// A field as text; `?` where nothing is known.
fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => "?".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn claude(status: &Value) -> String {
    let pid = status.get("claude_pid").and_then(Value::as_u64);
    format!("{}{}", text(status, "claude_status"), pid.map_or(String::new(), |pid| format!(", pid {pid}")))
}

fn started(status: &Value, replay: Option<&Instance>) -> String {
    let start = text(status, "session_start");
    let uptime = status.get("uptime_seconds").and_then(Value::as_f64).unwrap_or_default();
    // How long ago that is says nothing of a recording.
    if replay.is_some() { start } else { format!("{start} ({} ago)", summary::duration(uptime)) }
}

fn ago(start: Timestamp, now: Timestamp) -> String {
    format!("{start} ({} ago)", summary::duration(now.millis_since(start) as f64 / 1000.0))
}

fn hub(status: &Value, info: &Value, replay: Option<&Instance>) -> String {
    let (host, port) = match replay {
        Some(replay) => (replay.host.clone(), replay.port.map(u64::from)),
        None => (text(info, "host"), status.get("websocket_port").and_then(Value::as_u64)),
    };
    let clients = text(status, "connected_clients");
    let place = port.map_or("no port".into(), |port| format!("{host} port {port}"));
    format!("{place}, {clients} clients")
}

/// All that the hub knows, the hub's own first.
fn sessions(status: &Value) -> String {
    let all = status.get("sessions").and_then(Value::as_array).cloned().unwrap_or_default();
    let one = |session: &Value| {
        let name = session.get("name").and_then(Value::as_str).map(str::to_owned);
        let name = name.unwrap_or_else(|| text(session, "session_id").chars().take(8).collect());
        let ended = !session.get("session_end").unwrap_or(&Value::Null).is_null();
        let state = if ended { "over".to_owned() } else { text(session, "activity") };
        format!("{name} {state}")
    };
    let others = all.iter().skip(1).map(one).collect::<Vec<_>>();
    if others.is_empty() { "its own".to_owned() } else { others.join(", ") }
}

fn sources(status: &Value) -> String {
    let all = status.get("sources").and_then(Value::as_array).cloned().unwrap_or_default();
    all.iter()
        .map(|source| format!("{} {}", text(source, "name"), text(source, "state")))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_a_question_mark_and_never_a_panic() {
        for status in [Value::Null, json!({}), json!([1]), json!({"instance_info": 1, "sources": {}})] {
            let rows = rows(&status, None);
            assert_eq!(rows[3], ["claude", "?"]);
        }
        let full = json!({"claude_status": "running", "claude_pid": 7, "websocket_port": 1, "connected_clients": 2,
            "instance_info": {"host": "::1", "name": "web"}, "sources": [{"name": "screen", "state": "active"}]});
        let rows = rows(&full, None);
        assert_eq!((&rows[0][1], &rows[3][1]), (&"web".into(), &"running, pid 7".into()));
        assert_eq!((&rows[7][1], &rows[10][1]), (&"::1 port 1, 2 clients".into(), &"screen active".into()));
    }
}
