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
        channel::CLAUDE_MESSAGE => message(frame),
        channel::AGENT_DELEGATION => delegation(frame),
        channel::AGENT_STATUS => agents(frame),
        channel::TODO_UPDATE => todos(frame),
        channel::TICKET_CREATED | channel::TICKET_UPDATED => ticket(frame),
        channel::USAGE_UPDATE => usage(frame),
        channel::ROUTER_MODEL_SWITCH => {
            format!("{} instead of {}", frame.text("to_model"), frame.text("from_model"))
        }
        channel::SYSTEM_STATS => stats(frame),
        channel::SYSTEM_ERROR => error(frame),
        channel::SYSTEM_GAP => gap(frame),
        kind if kind.starts_with(channel::HOOKS) => hook(frame),
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

fn message(frame: &Frame) -> String {
    let agent = behind(" of agent ", frame.text("agent_id"));
    format!("{}{agent}: {}", frame.text("role"), frame.text("text"))
}

fn delegation(frame: &Frame) -> String {
    let took = number(frame, "duration_ms").filter(|_| frame.text("status") != "started");
    let took =
        took.map_or(String::new(), |millis| format!(" after {}", moment::duration(millis as f64 / 1000.0)));
    let details = [behind(", ", frame.text("reason")), took, behind(", for ", frame.text("parent_agent"))];
    let background =
        if frame.data().get("background") == Some(&Value::Bool(true)) { " in the background" } else { "" };
    let [agent, status, task] = ["agent", "status", "task"].map(|name| frame.text(name));
    format!("{agent} {status}{background}{}: {task}", details.concat())
}

fn agents(frame: &Frame) -> String {
    let active = frame.data().get("active_agents").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<&str> = active.filter_map(Value::as_str).collect();
    if names.is_empty() { "none active".into() } else { format!("active: {}", names.join(", ")) }
}

fn todos(frame: &Frame) -> String {
    let stats = frame.data().get("stats").unwrap_or(&Value::Null);
    let count = |name: &str| stats.get(name).and_then(Value::as_u64).unwrap_or_default();
    let items = frame.data().get("todos").and_then(Value::as_array).into_iter().flatten();
    let mut current = items.filter(|item| item.get("status").and_then(Value::as_str) == Some("in_progress"));
    let now = current.next().and_then(|item| item.get("content")?.as_str()).unwrap_or_default();
    format!("{} of {} done{}", count("completed"), count("total"), behind(", now: ", now))
}

fn ticket(frame: &Frame) -> String {
    let changed = frame.data().get("changed").and_then(Value::as_array).into_iter().flatten();
    let changed: Vec<&str> = changed.filter_map(Value::as_str).collect();
    let details = [
        behind(" ", frame.text("title")),
        behind(", to ", frame.text("assigned_to")),
        behind(", changed: ", &changed.join(", ")),
        behind(", ", frame.text("url")),
    ];
    format!("{}{}", frame.text("id"), details.concat())
}

fn usage(frame: &Frame) -> String {
    let count = |name: &str| number(frame, name).unwrap_or_default();
    let cost = frame.data().get("cost_usd").and_then(Value::as_f64);
    let cost = cost.map_or(String::new(), |dollars| format!(", ${dollars:.4}"));
    let (input, output) = (count("input_tokens"), count("output_tokens"));
    format!("{input} tokens in, {output} out{cost}{}", behind(", ", frame.text("model")))
}

/// The fields that say most; all of them stand in the JSON.
fn hook(frame: &Frame) -> String {
    const SAID: [&str; 8] =
        ["tool_name", "prompt", "error", "message", "source", "reason", "agent_type", "notification_type"];
    let said = SAID.map(|name| frame.text(name)).into_iter().filter(|text| !text.is_empty());
    said.collect::<Vec<_>>().join(" ")
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
            ("made.up", json!({"agent": "a", "n": null, "x": [1]}), "agent=a x=[1]"),
            (
                "claude.message",
                json!({"role": "assistant", "text": "hi", "agent_id": "a1"}),
                "assistant of agent a1: hi",
            ),
            (
                "agent.delegation",
                json!({"agent": "qa", "task": "T", "status": "started", "duration_ms": null, "background": true}),
                "qa started in the background: T",
            ),
            (
                "agent.delegation",
                json!({"agent": "qa", "task": "T", "status": "failed", "duration_ms": 1500, "reason": "denied", "parent_agent": "pm"}),
                "qa failed, denied after 1.5 s, for pm: T",
            ),
            ("agent.status", json!({"active_agents": ["a", "b"]}), "active: a, b"),
            ("agent.status", json!({"active_agents": []}), "none active"),
            (
                "todo.update",
                json!({"todos": [{"content": "A", "status": "in_progress"}], "stats": {"total": 3, "completed": 1}}),
                "1 of 3 done, now: A",
            ),
            (
                "ticket.updated",
                json!({"id": "T-1", "title": "Fix", "changed": ["title"], "url": null}),
                "T-1 Fix, changed: title",
            ),
            (
                "usage.update",
                json!({"model": "m", "input_tokens": 5, "output_tokens": 6, "cost_usd": 0.5}),
                "5 tokens in, 6 out, $0.5000, m",
            ),
            ("router.model.switch", json!({"from_model": "a", "to_model": "b"}), "b instead of a"),
            ("hook.pre_tool", json!({"tool_name": "Bash", "agent_id": "a1", "agent_type": "qa"}), "Bash qa"),
        ] {
            let frame = Frame::parse(json!({"type": kind, "data": data}).to_string().into()).unwrap();
            assert_eq!(summary(&frame), expected, "{kind}");
        }
    }
}
