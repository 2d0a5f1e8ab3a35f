//! An event in one sentence that stands alone: what it says is whole without the type beside it.

use super::words::{
    after_millis, after_seconds, behind, bracketed, capitalised, counted, fields, float, is_true, line,
    listed, load, number, quoted, text, todo_at_hand, todo_counts,
};
use super::{Data, around, hook};
use crate::event::channel;
use serde_json::Value;

/// Longest sentence, characters.
pub const MAX_CHARS: usize = 200;

/// The sentence: one line, never empty, at most [`MAX_CHARS`] characters, and with an ellipsis where it was cut.
pub fn sentence(kind: &str, data: &Data) -> String {
    let whole = match kind {
        channel::CLAUDE_OUTPUT => output(data),
        channel::SESSION_START => session_start(data),
        channel::SESSION_END => session_end(data),
        channel::CLAUDE_STATUS => status(data),
        channel::CLAUDE_ACTIVITY => activity(data),
        channel::CLAUDE_MESSAGE => message(data),
        channel::AGENT_DELEGATION => delegation(data),
        channel::AGENT_STATUS => agents(data),
        channel::TODO_UPDATE => todos(data),
        channel::TICKET_CREATED => ticket(data, "created"),
        channel::TICKET_UPDATED => ticket(data, "updated"),
        channel::USAGE_UPDATE => usage(data),
        channel::ROUTER_MODEL_SWITCH => model_switch(data),
        channel::SYSTEM_STATS => stats(data),
        channel::SYSTEM_STATUS => snapshot(data),
        channel::SYSTEM_ERROR => error(data),
        channel::SYSTEM_GAP => gap(data),
        kind if kind.starts_with(channel::HOOKS) => hook::sentence(&channel::hook_name(kind), data),
        kind => around::sentence(kind, data).unwrap_or_else(|| other(kind, data)),
    };
    line(&whole, MAX_CHARS)
}

fn output(data: &Data) -> String {
    let place = if text(data, "stream") == "stderr" { " on standard error" } else { "" };
    match text(data, "content") {
        "" => format!("Claude shows an empty line{place}"),
        content => format!("Claude shows{place}: {content}"),
    }
}

fn session_start(data: &Data) -> String {
    let exec = if text(data, "launch_method") == "exec" { ", without a process between" } else { "" };
    format!("A session of claude begins{}{exec}", behind(" in ", text(data, "working_directory")))
}

fn session_end(data: &Data) -> String {
    let took = after_seconds(data, "duration_seconds");
    let asked = if text(data, "reason") == "stopped" { ", as it was asked to" } else { "" };
    match (number(data, "exit_code"), number(data, "signal")) {
        (Some(code), _) => format!("Claude exited with code {code}{took}{asked}"),
        (None, Some(signal)) => format!("Claude was ended by signal {signal}{took}{asked}"),
        (None, None) => format!("The session is over{took}; nobody knows how claude ended"),
    }
}

fn status(data: &Data) -> String {
    let pid = number(data, "pid").map_or(String::new(), |pid| format!("pid {pid}"));
    match (text(data, "message"), text(data, "status")) {
        ("", status) => format!("Claude is {status}{}", bracketed(&pid)),
        (message, "running") => format!("{}{}", capitalised(message), bracketed(&pid)),
        (message, _) => capitalised(message),
    }
}

fn activity(data: &Data) -> String {
    let tool = text(data, "tool_name");
    let what = match text(data, "activity") {
        "busy" => format!("Claude is busy{}", behind(" with ", tool)),
        "idle" => "Claude has finished and waits for a prompt".to_owned(),
        "needs_permission" => format!("Claude needs a permission{}", behind(" to use ", tool)),
        "needs_input" => "Claude needs an answer".to_owned(),
        activity => format!("Claude is {activity}"),
    };
    format!("{what}{}", behind(": ", text(data, "reason")))
}

fn message(data: &Data) -> String {
    let speaker = match (text(data, "agent_id"), text(data, "role")) {
        ("", "user") => "The user".to_owned(),
        ("", _) => "Claude".to_owned(),
        (agent, "user") => format!("Agent {agent} was told"),
        (agent, _) => format!("Agent {agent}"),
    };
    let verb = if speaker.ends_with("told") { "" } else { " said" };
    format!("{speaker}{verb}: {}", text(data, "text"))
}

fn delegation(data: &Data) -> String {
    let [agent, task] = ["agent", "task"].map(|name| text(data, name));
    let task = if task.is_empty() { "a task".to_owned() } else { quoted(task) };
    let took = after_millis(data, "duration_ms");
    match text(data, "status") {
        "completed" => format!("Agent {agent} completed {task}{took}"),
        "failed" => {
            let why = match text(data, "reason") {
                "denied" => ": it was not allowed",
                "interrupted" => ": it was interrupted",
                "session_ended" => ": the session ended first",
                _ => "",
            };
            format!("Agent {agent} failed at {task}{took}{why}")
        }
        _ => {
            let who = match text(data, "parent_agent") {
                "" => "Claude".to_owned(),
                parent => format!("Agent {parent}"),
            };
            let background = if is_true(data, "background") { ", in the background" } else { "" };
            format!("{who} delegated {task} to {agent}{background}")
        }
    }
}

fn agents(data: &Data) -> String {
    let active = data.get("active_agents").and_then(Value::as_array).map_or(0, Vec::len) as u64;
    match active {
        0 => "No agent is at work".to_owned(),
        1 => format!("1 agent is at work: {}", listed(data, "active_agents")),
        count => format!("{count} agents are at work: {}", listed(data, "active_agents")),
    }
}

fn todos(data: &Data) -> String {
    match (todo_counts(data), todo_at_hand(data)) {
        ((_, 0), _) => "The todo list is empty".to_owned(),
        ((done, total), "") => format!("{done} of {} done", counted(total, "todo")),
        ((done, total), now) => format!("{done} of {} done, now: {now}", counted(total, "todo")),
    }
}

fn ticket(data: &Data, done: &str) -> String {
    let details = [
        behind(": ", text(data, "title")),
        behind(", for ", text(data, "assigned_to")),
        behind(", changed: ", &listed(data, "changed")),
    ];
    format!("Ticket {} was {done}{}", text(data, "id"), details.concat())
}

fn usage(data: &Data) -> String {
    let count = |name: &str| number(data, name).unwrap_or_default();
    let cost = float(data, "cost_usd").map_or(String::new(), |dollars| format!(" for ${dollars:.4}"));
    let (input, output) = (count("input_tokens"), count("output_tokens"));
    let model = match text(data, "model") {
        "" => "Claude",
        model => model,
    };
    format!("{model} read {input} tokens and wrote {output}{cost}")
}

fn model_switch(data: &Data) -> String {
    match (text(data, "from_model"), text(data, "to_model")) {
        (_, "") => other(channel::ROUTER_MODEL_SWITCH, data),
        ("", to) => format!("The model is {to} now"),
        (from, to) => format!("The model is {to} now, and was {from}"),
    }
}

fn stats(data: &Data) -> String {
    let (memory, cpu, processes) = load(data);
    let processes = if processes == 1 { "1 process".to_owned() } else { format!("{processes} processes") };
    format!("Claude uses {memory:.1} MiB and {cpu:.1} % CPU in {processes}")
}

fn snapshot(data: &Data) -> String {
    let state = match (text(data, "claude_status"), text(data, "activity")) {
        ("", _) => "This hub has no claude of its own".to_owned(),
        ("running", "") => "Claude is running".to_owned(),
        ("running", activity) => format!("Claude is running and {}", activity.replace('_', " ")),
        (status, _) => format!("Claude is {status}"),
    };
    let clients = data.get("connected_clients").and_then(Value::as_u64).unwrap_or_default();
    format!("{state}; {} in all", counted(clients, "client"))
}

fn error(data: &Data) -> String {
    let severity = match text(data, "severity") {
        "" => "error",
        severity => severity,
    };
    let code = bracketed(text(data, "error_code"));
    format!(
        "{}{}: {}{code}",
        capitalised(severity),
        behind(" from ", text(data, "component")),
        text(data, "error")
    )
}

fn gap(data: &Data) -> String {
    let missed = data.get("missed").and_then(Value::as_u64).unwrap_or_default();
    format!("This client missed {}{}", counted(missed, "event"), behind(": ", text(data, "reason")))
}

/// Somebody's own type: the words of its publisher where there are some.
fn other(kind: &str, data: &Data) -> String {
    const SAID: [&str; 7] = ["message", "summary", "text", "content", "description", "title", "error"];
    let mut said = SAID.iter().map(|name| text(data, name)).filter(|text| !text.is_empty());
    match (said.next(), fields(data)) {
        (Some(words), _) => format!("{kind}: {words}"),
        (None, fields) if fields.is_empty() => format!("{kind} happened"),
        (None, fields) => format!("{kind}: {fields}"),
    }
}
