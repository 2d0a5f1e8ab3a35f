//! What `watch` shows beside the type and the source of an event. Nothing is cut.

use super::words::{
    after_millis, after_seconds, behind, bracketed, fields, float, is_true, listed, load, number, text,
    todo_at_hand, todo_counts,
};
use super::{Data, around};
use crate::event::channel;
use serde_json::Value;

/// What the event says.
pub fn beside(kind: &str, data: &Value) -> String {
    let Value::Object(data) = data else { return data.to_string() };
    match kind {
        channel::CLAUDE_OUTPUT => output(data),
        channel::SESSION_START => {
            format!("{} in {}", text(data, "launch_method"), text(data, "working_directory"))
        }
        channel::SESSION_END => end(data),
        channel::CLAUDE_STATUS => status(data),
        channel::CLAUDE_ACTIVITY => activity(data),
        channel::CLAUDE_MESSAGE => message(data),
        channel::AGENT_DELEGATION => delegation(data),
        channel::AGENT_STATUS => agents(data),
        channel::TODO_UPDATE => {
            let (done, total) = todo_counts(data);
            format!("{done} of {total} done{}", behind(", now: ", todo_at_hand(data)))
        }
        channel::TICKET_CREATED | channel::TICKET_UPDATED => ticket(data),
        channel::USAGE_UPDATE => usage(data),
        channel::ROUTER_MODEL_SWITCH => {
            format!("{} instead of {}", text(data, "to_model"), text(data, "from_model"))
        }
        channel::SYSTEM_STATS => {
            let (memory, cpu, processes) = load(data);
            format!("{memory:.1} MiB, {cpu:.1} % CPU, {processes} processes")
        }
        channel::SYSTEM_ERROR => error(data),
        channel::SYSTEM_GAP => gap(data),
        kind if kind.starts_with(channel::HOOKS) => hook(data),
        kind => around::sentence(kind, data).unwrap_or_else(|| fields(data)),
    }
}

fn output(data: &Data) -> String {
    let origin = if text(data, "stream") == "stderr" { "stderr: " } else { "" };
    let cut = if is_true(data, "truncated") { " [cut]" } else { "" };
    format!("{origin}{}{cut}", text(data, "content"))
}

fn end(data: &Data) -> String {
    let how = match (number(data, "exit_code"), number(data, "signal")) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "end unknown".to_owned(),
    };
    let stopped = if text(data, "reason") == "stopped" { ", stopped on request" } else { "" };
    format!("{how}{}{stopped}", after_seconds(data, "duration_seconds"))
}

fn status(data: &Data) -> String {
    let pid = number(data, "pid").map_or(String::new(), |pid| format!(", pid {pid}"));
    format!("{}{pid}{}", text(data, "status"), behind(": ", text(data, "message")))
}

fn activity(data: &Data) -> String {
    let details = [behind(": ", text(data, "tool_name")), behind(", ", text(data, "reason"))].concat();
    format!("{}{details}", text(data, "activity"))
}

fn message(data: &Data) -> String {
    let agent = behind(" of agent ", text(data, "agent_id"));
    format!("{}{agent}: {}", text(data, "role"), text(data, "text"))
}

fn delegation(data: &Data) -> String {
    let [agent, status, task] = ["agent", "status", "task"].map(|name| text(data, name));
    let took = if status == "started" { String::new() } else { after_millis(data, "duration_ms") };
    let details = [behind(", ", text(data, "reason")), took, behind(", for ", text(data, "parent_agent"))];
    let background = if is_true(data, "background") { " in the background" } else { "" };
    format!("{agent} {status}{background}{}: {task}", details.concat())
}

fn agents(data: &Data) -> String {
    match listed(data, "active_agents") {
        none if none.is_empty() => "none active".to_owned(),
        names => format!("active: {names}"),
    }
}

fn ticket(data: &Data) -> String {
    let details = [
        behind(" ", text(data, "title")),
        behind(", to ", text(data, "assigned_to")),
        behind(", changed: ", &listed(data, "changed")),
        behind(", ", text(data, "url")),
    ];
    format!("{}{}", text(data, "id"), details.concat())
}

fn usage(data: &Data) -> String {
    let count = |name: &str| number(data, name).unwrap_or_default();
    let cost = float(data, "cost_usd").map_or(String::new(), |dollars| format!(", ${dollars:.4}"));
    let (input, output) = (count("input_tokens"), count("output_tokens"));
    format!("{input} tokens in, {output} out{cost}{}", behind(", ", text(data, "model")))
}

/// The fields that say most; all of them stand in the JSON.
fn hook(data: &Data) -> String {
    const SAID: [&str; 8] =
        ["tool_name", "prompt", "error", "message", "source", "reason", "agent_type", "notification_type"];
    let said = SAID.map(|name| text(data, name)).into_iter().filter(|text| !text.is_empty());
    said.collect::<Vec<_>>().join(" ")
}

fn error(data: &Data) -> String {
    let code = bracketed(text(data, "error_code"));
    format!("{} in {}: {}{code}", text(data, "severity"), text(data, "component"), text(data, "error"))
}

fn gap(data: &Data) -> String {
    let missed = number(data, "missed").map_or("some".to_owned(), |missed| missed.to_string());
    format!("{missed} events missed{}", behind(": ", text(data, "reason")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_event_says_what_its_type_does_not() {
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
            (
                "ws.connected",
                json!({"client_id": 3, "transport": "unix", "dialect": "monitor", "clients": 1}),
                "Client 3 came over unix (monitor), 1 client in all",
            ),
            ("component.stopped", json!({"component": "router"}), "Component router has left"),
            ("component.stopped", json!({"test": true}), "test=true"),
            ("x", json!([1]), "[1]"),
            ("hook.pre_tool", json!({"tool_name": "Bash", "agent_id": "a1", "agent_type": "qa"}), "Bash qa"),
        ] {
            assert_eq!(beside(kind, &data), expected, "{kind}");
        }
    }
}
