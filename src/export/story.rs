//! What a protocol for people tells of a session: which events, in which order, and what of each. How that looks is the
//! matter of a [`Sheet`].

use super::text::{day_and_time, lines};
use super::{Entry, Head};
use crate::dialect::summary;
use crate::event::channel;
use serde_json::{Map, Value};

/// Lines of output that stand together at most, and their bytes.
const MOST_LINES: usize = 500;
const MOST_BYTES: usize = 256 << 10;

/// Who spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    User,
    Claude,
    Agent,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Session,
    Agents,
    Tools,
    Tickets,
    Permissions,
    Errors,
    Others,
}

/// Where and when something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) seq: Option<u64>,
    /// `12:00:00`; empty where it is not known.
    pub(super) time: String,
}

/// One form of the protocol. Texts come to it as they were told: it makes plain text of them in its own way.
pub(super) trait Sheet {
    fn begin(&mut self, head: &Head, out: &mut String);
    fn day(&mut self, day: &str, out: &mut String);
    /// What somebody said, in its own lines.
    fn said(&mut self, place: &Place, who: (Speaker, &str), text: &str, out: &mut String);
    /// What happened, in one sentence, and the details of it.
    fn told(
        &mut self,
        place: &Place,
        about: About,
        sentence: &str,
        details: &[(&str, String)],
        out: &mut String,
    );
    /// The list of what is to do; each with its status.
    fn todos(&mut self, place: &Place, sentence: &str, todos: &[(&str, &str)], out: &mut String);
    /// Lines of output, without characters that act.
    fn shown(&mut self, place: &Place, is_error: bool, lines: &[String], out: &mut String);
    fn end(&mut self, out: &mut String);
}

/// Tells a session on a sheet.
#[derive(Debug)]
pub(super) struct Story<S> {
    sheet: S,
    everything: bool,
    day: String,
    /// Output that waits for more of it.
    shown: Option<Shown>,
}

#[derive(Debug)]
struct Shown {
    place: Place,
    is_error: bool,
    lines: Vec<String>,
    bytes: usize,
}

impl<S: Sheet> Story<S> {
    pub(super) fn new(sheet: S, everything: bool) -> Self {
        Self { sheet, everything, day: String::new(), shown: None }
    }

    pub(super) fn begin(&mut self, head: &Head, out: &mut String) {
        self.sheet.begin(head, out);
    }

    pub(super) fn end(&mut self, out: &mut String) {
        self.show(out);
        self.sheet.end(out);
    }

    pub(super) fn event(&mut self, entry: &Entry<'_>, out: &mut String) {
        if !self.everything && !is_for_people(entry.kind) {
            return;
        }
        let (day, time) = entry.timestamp.map(day_and_time).unwrap_or_default();
        if !day.is_empty() && day != self.day {
            self.show(out);
            self.sheet.day(&day, out);
            self.day = day;
        }
        let place = Place { seq: entry.seq, time };
        if entry.kind == channel::CLAUDE_OUTPUT {
            return self.gather(place, entry.data, out);
        }
        self.show(out);
        let sentence = summary::sentence(entry.kind, entry.data);
        match entry.kind {
            channel::CLAUDE_MESSAGE => {
                let (speaker, name) = speaker(entry.data);
                self.sheet.said(&place, (speaker, &name), text(entry.data, "text"), out);
            }
            channel::TODO_UPDATE => self.sheet.todos(&place, &sentence, &todos(entry.data), out),
            kind => self.sheet.told(&place, about(kind), &sentence, &details(kind, entry.data), out),
        }
    }

    /// Keeps a line of output until it is known whether more of them follow.
    fn gather(&mut self, place: Place, data: &Map<String, Value>, out: &mut String) {
        let is_error = text(data, "stream") == "stderr";
        let fits = |shown: &Shown| {
            shown.is_error == is_error && shown.lines.len() < MOST_LINES && shown.bytes < MOST_BYTES
        };
        if !self.shown.as_ref().is_some_and(fits) {
            self.show(out);
        }
        let first = || Shown { place, is_error, lines: Vec::new(), bytes: 0 };
        let shown = self.shown.get_or_insert_with(first);
        shown.bytes += text(data, "content").len();
        shown.lines.extend(lines(text(data, "content")));
    }

    fn show(&mut self, out: &mut String) {
        if let Some(Shown { place, is_error, lines, .. }) = self.shown.take() {
            self.sheet.shown(&place, is_error, &lines, out);
        }
    }
}

fn text<'a>(data: &'a Map<String, Value>, name: &str) -> &'a str {
    data.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn speaker(data: &Map<String, Value>) -> (Speaker, String) {
    match (text(data, "agent_id"), text(data, "role")) {
        ("", "user") => (Speaker::User, "User".to_owned()),
        ("", _) => (Speaker::Claude, "Claude".to_owned()),
        (agent, "user") => (Speaker::Agent, format!("To agent {agent}")),
        (agent, _) => (Speaker::Agent, format!("Agent {agent}")),
    }
}

/// What there is to do, and its status.
fn todos(data: &Map<String, Value>) -> Vec<(&str, &str)> {
    let items =
        data.get("todos").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    items.map(|item| (text(item, "content"), text(item, "status"))).collect()
}

/// Of a call of a tool: what it was given, and what came of it.
fn details<'a>(kind: &str, data: &'a Map<String, Value>) -> Vec<(&'a str, String)> {
    const OF_A_CALL: [&str; 3] = ["tool_input", "tool_response", "error"];
    if about(kind) != About::Tools {
        return Vec::new();
    }
    let fields = data.iter().filter(|(name, value)| OF_A_CALL.contains(&name.as_str()) && !value.is_null());
    let pretty = |(name, value): (&'a String, &'a Value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            other => serde_json::to_string_pretty(other).unwrap_or_default(),
        };
        (name.as_str(), text)
    };
    fields.map(pretty).collect()
}

fn about(kind: &str) -> About {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| kind.starts_with(prefix));
    match kind {
        channel::SYSTEM_ERROR | channel::SYSTEM_GAP | channel::RESOURCE_ALERT => About::Errors,
        channel::AGENT_DELEGATION | channel::AGENT_STATUS => About::Agents,
        channel::TICKET_CREATED | channel::TICKET_UPDATED => About::Tickets,
        _ if begins(&[channel::PERMISSIONS]) => About::Permissions,
        _ if begins(&[channel::SESSIONS, channel::CLAUDE, channel::CONTROLS]) => About::Session,
        _ if is_of_a_tool(kind) => About::Tools,
        _ => About::Others,
    }
}

fn is_of_a_tool(kind: &str) -> bool {
    kind.starts_with(channel::HOOKS) && channel::hook_name(kind).contains("Tool")
}

/// Whether an event tells something that no other one tells, to whoever reads the whole of it.
fn is_for_people(kind: &str) -> bool {
    const NEWS_OF_HOOKS: [&str; 5] =
        ["PostToolUse", "PostToolUseFailure", "PermissionDenied", "PostCompact", "StopFailure"];
    match kind {
        channel::CLAUDE_ACTIVITY
        | channel::AGENT_STATUS
        | channel::USAGE_UPDATE
        | channel::SYSTEM_STATS
        | channel::SYSTEM_STATUS
        | channel::COMPONENT_STARTED
        | channel::COMPONENT_STOPPED
        | channel::COMPONENT_HEALTH
        | channel::WS_CONNECTED
        | channel::WS_DISCONNECTED
        | channel::CONFIG_CHANGED => false,
        hook if hook.starts_with(channel::HOOKS) => {
            NEWS_OF_HOOKS.contains(&channel::hook_name(hook).as_str())
        }
        _ => true,
    }
}
