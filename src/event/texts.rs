//! Every text of an event, for whoever has to look at all of them: each field of each body is named here, so that a new one
//! is not forgotten. Types of events, and ids of sessions of ours, are judged by whoever lets them in.

use super::body::{
    Activity, Body, Fault, InstanceInfo, Output, ProcessStatus, SessionEnd, SessionStart, Stats,
};
use super::control::{ControlAction, PermissionRequested, PermissionResolved};
use super::published::{Published, Remarks};
use super::surroundings::{
    ClientConnected, ClientDisconnected, ComponentHealth, ComponentStarted, ComponentStopped, ConfigChanged,
    ResourceAlert,
};
use super::talk::{Hook, Message, ModelSwitch, Usage};
use super::work::{AgentStats, AgentStatus, Delegation, Ticket, TicketUpdate, Todo, TodoUpdate};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Looks at what an event is made of.
pub(super) trait Visitor {
    /// A text, which it may change.
    fn text(&mut self, text: &mut String);

    /// The name of a field; what it is to be instead.
    fn name(&mut self, name: &str) -> Option<String> {
        let mut new = name.to_owned();
        self.text(&mut new);
        (new != name).then_some(new)
    }

    /// A JSON value, before what is in it.
    fn value(&mut self, _value: &Value) {}
}

/// One that only looks at texts.
struct Texts<'a>(&'a mut dyn FnMut(&mut String));

impl Visitor for Texts<'_> {
    fn text(&mut self, text: &mut String) {
        (self.0)(text);
    }
}

type Visit<'a> = &'a mut dyn Visitor;

impl Body {
    /// Shows every text of the content to `visit`, names of fields too; not the event type, and no id of a session of
    /// ours.
    pub fn visit_texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        self.walk(&mut Texts(visit));
    }

    pub(super) fn walk(&mut self, visit: Visit<'_>) {
        match self {
            Self::Output(Output { content, stream: _, truncated: _ }) => visit.text(content),
            Self::Message(Message { role: _, text, message_id, agent_id }) => {
                visit.text(text);
                optional([message_id, agent_id], visit);
            }
            Self::Hook(Hook { channel: _, name: _, data }) => fields(data, visit),
            Self::Published(Published { channel: _, data }) => fields(data, visit),
            Self::SessionStart(start) => session_start(start, visit),
            Self::SessionEnd(SessionEnd {
                session_id: _,
                end_time: _,
                duration_seconds: _,
                exit_code: _,
                signal: _,
                reason: _,
            })
            | Self::Stats(Stats {
                memory_usage_mb: _,
                cpu_percent: _,
                uptime_seconds: _,
                processes: _,
                hub: _,
            }) => {}
            Self::Status(ProcessStatus { status: _, pid: _, message, exit_code: _, signal: _ }) => {
                visit.text(message);
            }
            Self::Activity(Activity { activity: _, previous: _, reason, tool_name, since: _ }) => {
                optional([reason, tool_name], visit);
            }
            Self::Delegation(delegation) => of_delegation(delegation, visit),
            Self::Agents(AgentStatus { active_agents, agent_stats }) => {
                active_agents.iter_mut().for_each(|text| visit.text(text));
                names(agent_stats, visit);
            }
            Self::Todos(TodoUpdate { todos, stats: _ }) => {
                todos.iter_mut().for_each(|todo| of_todo(todo, visit));
            }
            Self::TicketCreated(ticket) => of_ticket(ticket, visit),
            Self::TicketUpdated(TicketUpdate { ticket, changed }) => {
                of_ticket(ticket, visit);
                changed.iter_mut().for_each(|text| visit.text(text));
            }
            Self::Usage(usage) => of_usage(usage, visit),
            Self::ModelSwitch(ModelSwitch { from_model, to_model, claude_session }) => {
                [from_model, to_model, claude_session].into_iter().for_each(|text| visit.text(text));
            }
            Self::PermissionRequested(asked) => of_question(asked, visit),
            Self::PermissionResolved(PermissionResolved { permission_id, decision: _, by: _, message }) => {
                visit.text(permission_id);
                optional([message], visit);
            }
            Self::Control(ControlAction { control_id, action, outcome, reason, detail, peer }) => {
                [control_id, action, outcome, peer].into_iter().for_each(|text| visit.text(text));
                optional([reason, detail], visit);
            }
            Self::Error(Fault { error, component, severity: _, error_code }) => {
                [error, component, error_code].into_iter().for_each(|text| visit.text(text));
            }
            Self::ComponentStarted(started) => of_component(started, visit),
            Self::ComponentStopped(ComponentStopped { component, reason }) => {
                [component, reason].into_iter().for_each(|text| visit.text(text));
            }
            Self::ComponentHealth(ComponentHealth {
                component,
                status: _,
                previous: _,
                reason,
                since: _,
            }) => {
                visit.text(component);
                optional([reason], visit);
            }
            Self::ClientConnected(ClientConnected {
                client_id: _,
                dialect,
                transport,
                clients: _,
                untold: _,
            }) => {
                [dialect, transport].into_iter().for_each(|text| visit.text(text));
            }
            Self::ClientDisconnected(ClientDisconnected {
                client_id: _,
                dialect,
                close_code: _,
                duration_seconds: _,
                clients: _,
            }) => visit.text(dialect),
            Self::ConfigChanged(ConfigChanged { path, changed }) => {
                visit.text(path);
                changed.iter_mut().for_each(|text| visit.text(text));
            }
            Self::ResourceAlert(ResourceAlert { component, metrics: _, alert_level: _, message }) => {
                visit.text(component);
                optional([message], visit);
            }
        }
    }
}

impl Remarks {
    /// Shows every text of it to `visit`.
    pub fn visit_texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        self.walk(&mut Texts(visit));
    }

    pub(super) fn walk(&mut self, visit: Visit<'_>) {
        let Self { source_app, hook_event_type, summary, chat } = self;
        optional([source_app, hook_event_type, summary], visit);
        if let Some(chat) = chat {
            value(chat, visit);
        }
    }
}

impl InstanceInfo {
    /// Shows every text of it to `visit`.
    pub fn visit_texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        self.walk(&mut Texts(visit));
    }

    fn walk(&mut self, visit: Visit<'_>) {
        let Self { port: _, host, working_dir, name, pid: _, certificate } = self;
        [host, working_dir, name].into_iter().for_each(|text| visit.text(text));
        optional([certificate], visit);
    }
}

fn of_question(asked: &mut PermissionRequested, visit: Visit<'_>) {
    let PermissionRequested {
        permission_id,
        tool_name,
        tool_input,
        truncated,
        redacted,
        agent,
        suggestions,
        questions,
        expires_at: _,
    } = asked;
    let names = truncated.iter_mut().chain(redacted);
    names.chain([permission_id, tool_name]).for_each(|text| visit.text(text));
    optional([agent], visit);
    suggestions.iter_mut().chain(questions).chain([tool_input]).for_each(|part| value(part, visit));
}

fn session_start(start: &mut SessionStart, visit: Visit<'_>) {
    let SessionStart {
        session_id: _,
        start_time: _,
        launch_method: _,
        working_directory,
        websocket_port: _,
        instance_info,
    } = start;
    visit.text(working_directory);
    instance_info.walk(visit);
}

fn of_delegation(delegation: &mut Delegation, visit: Visit<'_>) {
    let Delegation {
        agent,
        task,
        status: _,
        duration_ms: _,
        delegation_id,
        agent_id,
        parent_agent,
        background: _,
        reason: _,
        tokens: _,
        tool_uses: _,
    } = delegation;
    [agent, task, delegation_id].into_iter().for_each(|text| visit.text(text));
    optional([agent_id, parent_agent], visit);
}

fn of_usage(usage: &mut Usage, visit: Visit<'_>) {
    let Usage {
        model,
        input_tokens: _,
        output_tokens: _,
        cache_read_tokens: _,
        cache_creation_tokens: _,
        cost_usd: _,
        measured_by: _,
    } = usage;
    optional([model], visit);
}

fn of_todo(todo: &mut Todo, visit: Visit<'_>) {
    let Todo { id, content, status: _, priority, created_at: _, updated_at: _, active_form, owner } = todo;
    [id, content].into_iter().for_each(|text| visit.text(text));
    optional([priority, active_form, owner], visit);
}

fn of_ticket(ticket: &mut Ticket, visit: Visit<'_>) {
    let Ticket { id, title, priority, assigned_to, url, system } = ticket;
    [id, system].into_iter().for_each(|text| visit.text(text));
    optional([title, priority, assigned_to, url], visit);
}

fn of_component(started: &mut ComponentStarted, visit: Visit<'_>) {
    let ComponentStarted { component, version, capabilities, config, more } = started;
    visit.text(component);
    optional([version], visit);
    capabilities.iter_mut().for_each(|text| visit.text(text));
    if let Some(config) = config {
        value(config, visit);
    }
    fields(more, visit);
}

/// Cuts a text at a character so that it has at most so many bytes, and lets go of the memory of the rest; whether anything
/// was cut.
pub fn cut_text(text: &mut String, most: usize) -> bool {
    let is_cut = text.len() > most;
    if is_cut {
        text.truncate(text.floor_char_boundary(most));
        text.shrink_to_fit();
    }
    is_cut
}

/// Shows every text of a JSON value to `visit`, names of fields too.
pub fn texts_of(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    self::value(value, &mut Texts(visit));
}

fn optional<const N: usize>(texts: [&mut Option<String>; N], visit: Visit<'_>) {
    texts.into_iter().flatten().for_each(|text| visit.text(text));
}

fn value(value: &mut Value, visit: Visit<'_>) {
    visit.value(value);
    match value {
        Value::String(text) => visit.text(text),
        Value::Array(items) => items.iter_mut().for_each(|item| self::value(item, visit)),
        Value::Object(map) => fields(map, visit),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn fields(map: &mut Map<String, Value>, visit: Visit<'_>) {
    map.values_mut().for_each(|item| value(item, visit));
    if !map.keys().any(|name| visit.name(name).is_some()) {
        return;
    }
    for (name, item) in std::mem::take(map) {
        let mut new = visit.name(&name).unwrap_or(name);
        // Two secrets of one kind are two fields still.
        while map.contains_key(&new) {
            new.push('\'');
        }
        map.insert(new, item);
    }
}

fn names(stats: &mut BTreeMap<String, AgentStats>, visit: Visit<'_>) {
    if !stats.keys().any(|name| visit.name(name).is_some()) {
        return;
    }
    for (name, stats_of) in std::mem::take(stats) {
        let mut name = visit.name(&name).unwrap_or(name);
        while stats.contains_key(&name) {
            name.push('\'');
        }
        stats.insert(name, stats_of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_text_of_a_value_is_seen_and_names_too() {
        let data = json!({"a": ["x", {"x": "x", "n": 1}], "x1": null, "x2": true});
        let Value::Object(data) = data else { unreachable!() };
        let mut body = Body::Published(Published { channel: "c".into(), data });
        body.visit_texts(&mut |text| {
            if text.starts_with('x') {
                *text = "y".into();
            }
        });
        let Body::Published(Published { data, .. }) = body else { unreachable!() };
        assert_eq!(Value::Object(data), json!({"a": ["y", {"y": "y", "n": 1}], "y": null, "y'": true}));
    }
}
