//! An event in one sentence. What it says is hostile text still: [`super::escape`] comes after.

use super::moment;
use crate::client::Frame;
use crate::event::channel;
use serde_json::Value;

/// What the event says.
pub(super) fn summary(frame: &Frame) -> String {
    match frame.kind() {
        channel::CLAUDE_OUTPUT => output(frame),
        channel::SESSION_START => {
            format!("{} in {}", frame.text("launch_method"), frame.text("working_directory"))
        }
        channel::SESSION_END => end(frame),
        channel::CLAUDE_STATUS => status(frame),
        channel::CLAUDE_ACTIVITY => activity(frame),
        channel::SYSTEM_STATS => stats(frame),
        channel::SYSTEM_ERROR => error(frame),
        channel::SYSTEM_GAP => gap(frame),
        _ => fields(frame.data()),
    }
}

fn output(frame: &Frame) -> String {
    let origin = if frame.text("stream") == "stderr" { "stderr: " } else { "" };
    let cut = if frame.data().get("truncated") == Some(&Value::Bool(true)) { " [cut]" } else { "" };
    format!("{origin}{}{cut}", frame.text("content"))
}

fn end(frame: &Frame) -> String {
    let how = match (number(frame, "exit_code"), number(frame, "signal")) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "end unknown".to_owned(),
    };
    let seconds = frame.data().get("duration_seconds").and_then(Value::as_f64);
    let stopped = if frame.text("reason") == "stopped" { ", stopped on request" } else { "" };
    format!("{how}{}{stopped}", seconds.map_or(String::new(), |s| format!(" after {}", moment::duration(s))))
}

fn status(frame: &Frame) -> String {
    let pid = number(frame, "pid").map_or(String::new(), |pid| format!(", pid {pid}"));
    format!("{}{pid}{}", frame.text("status"), behind(": ", frame.text("message")))
}

fn activity(frame: &Frame) -> String {
    let details = [behind(": ", frame.text("tool_name")), behind(", ", frame.text("reason"))].concat();
    format!("{}{details}", frame.text("activity"))
}

fn stats(frame: &Frame) -> String {
    let float = |name: &str| frame.data().get(name).and_then(Value::as_f64).unwrap_or_default();
    let processes = number(frame, "processes").unwrap_or_default();
    format!("{:.1} MiB, {:.1} % CPU, {processes} processes", float("memory_usage_mb"), float("cpu_percent"))
}

fn error(frame: &Frame) -> String {
    let code = frame.text("error_code");
    let code = if code.is_empty() { String::new() } else { format!(" ({code})") };
    format!("{} in {}: {}{code}", frame.text("severity"), frame.text("component"), frame.text("error"))
}

fn gap(frame: &Frame) -> String {
    let missed = number(frame, "missed").map_or("some".to_owned(), |missed| missed.to_string());
    format!("{missed} events missed{}", behind(": ", frame.text("reason")))
}

/// Any other event: its fields, as far as they hold something.
fn fields(data: &Value) -> String {
    let Value::Object(fields) = data else { return data.to_string() };
    let show = |(name, value): (&String, &Value)| match value {
        Value::Null => None,
        Value::String(text) => Some(format!("{name}={text}")),
        other => Some(format!("{name}={other}")),
    };
    fields.iter().filter_map(show).collect::<Vec<_>>().join(" ")
}

fn number(frame: &Frame, name: &str) -> Option<i64> {
    frame.data().get(name).and_then(Value::as_i64)
}

fn behind(mark: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{mark}{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_event_is_a_sentence() {
        for (kind, data, expected) in [
            ("claude.output", json!({"content": "hi", "stream": "stdout"}), "hi"),
            (
                "claude.output",
                json!({"content": "oh", "stream": "stderr", "truncated": true}),
                "stderr: oh [cut]",
            ),
            ("session.start", json!({"launch_method": "exec", "working_directory": "/w"}), "exec in /w"),
            (
                "session.end",
                json!({"exit_code": 0, "signal": null, "duration_seconds": 12.3}),
                "exit code 0 after 12.3 s",
            ),
            (
                "session.end",
                json!({"exit_code": null, "signal": 15, "duration_seconds": 61.0, "reason": "stopped"}),
                "signal 15 after 1 m 01 s, stopped on request",
            ),
            ("session.end", json!({}), "end unknown"),
            ("claude.status", json!({"status": "running", "pid": 7, "message": "up"}), "running, pid 7: up"),
            ("claude.activity", json!({"activity": "idle", "reason": null}), "idle"),
            (
                "system.stats",
                json!({"memory_usage_mb": 10.25, "cpu_percent": 1.0, "processes": 2}),
                "10.2 MiB, 1.0 % CPU, 2 processes",
            ),
            (
                "system.error",
                json!({"severity": "warning", "component": "hub", "error": "no", "error_code": "X1"}),
                "warning in hub: no (X1)",
            ),
            ("system.gap", json!({"missed": 7, "reason": "slow"}), "7 events missed: slow"),
            ("agent.delegation", json!({"agent": "a", "n": null, "x": [1]}), "agent=a x=[1]"),
        ] {
            let frame = Frame::parse(json!({"type": kind, "data": data}).to_string().into()).unwrap();
            assert_eq!(summary(&frame), expected, "{kind}");
        }
    }
}
