//! Every text of an event, for whoever has to look at all of them: each field of each body is named here, so that a new one
//! is not forgotten.

use super::body::{Body, Fault, InstanceInfo, ProcessStatus, SessionEnd, SessionStart};
use super::control::{ControlAction, PermissionRequested, PermissionResolved};
use super::published::Remarks;
use super::surroundings::{ComponentHealth, ComponentStarted, ComponentStopped, ResourceAlert};
use super::talk::{Message, ModelSwitch, Usage};
use super::work::{AgentStats, AgentStatus, Delegation, Ticket, Todo, TodoUpdate};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Looks at a text and may change it.
type Visit<'a> = &'a mut dyn FnMut(&mut String);

impl Body {
    /// Shows every text of the content to `visit`, names of fields too; not the event type, and no id of a session of
    /// ours.
    pub fn visit_texts(&mut self, visit: Visit<'_>) {
        match self {
            Self::Output(output) => visit(&mut output.content),
            Self::Message(Message { role: _, text, message_id, agent_id }) => {
                visit(text);
                optional([message_id, agent_id], visit);
            }
            Self::Hook(hook) => fields(&mut hook.data, visit),
            Self::Published(published) => fields(&mut published.data, visit),
            Self::SessionStart(start) => session_start(start, visit),
            Self::SessionEnd(SessionEnd { .. }) | Self::Stats(_) | Self::ClientDisconnected(_) => {}
            Self::Status(ProcessStatus { message, .. }) => visit(message),
            Self::Activity(activity) => optional([&mut activity.reason, &mut activity.tool_name], visit),
            Self::Delegation(delegation) => of_delegation(delegation, visit),
            Self::Agents(AgentStatus { active_agents, agent_stats }) => {
                active_agents.iter_mut().for_each(&mut *visit);
                names(agent_stats, visit);
            }
            Self::Todos(TodoUpdate { todos, stats: _ }) => {
                todos.iter_mut().for_each(|todo| of_todo(todo, visit));
            }
            Self::TicketCreated(ticket) => of_ticket(ticket, visit),
            Self::TicketUpdated(update) => {
                of_ticket(&mut update.ticket, visit);
                update.changed.iter_mut().for_each(visit);
            }
            Self::Usage(Usage { model, .. }) => optional([model], visit),
            Self::ModelSwitch(ModelSwitch { from_model, to_model, claude_session }) => {
                [from_model, to_model, claude_session].into_iter().for_each(visit);
            }
            Self::PermissionRequested(asked) => of_question(asked, visit),
            Self::PermissionResolved(PermissionResolved { permission_id, decision: _, by: _, message }) => {
                visit(permission_id);
                optional([message], visit);
            }
            Self::Control(ControlAction { control_id, action, outcome, reason, detail, peer }) => {
                [control_id, action, outcome, peer].into_iter().for_each(&mut *visit);
                optional([reason, detail], visit);
            }
            Self::Error(Fault { error, component, severity: _, error_code }) => {
                [error, component, error_code].into_iter().for_each(visit);
            }
            Self::ComponentStarted(started) => of_component(started, visit),
            Self::ComponentStopped(ComponentStopped { component, reason }) => {
                [component, reason].into_iter().for_each(visit);
            }
            Self::ComponentHealth(ComponentHealth { component, reason, .. }) => {
                visit(component);
                optional([reason], visit);
            }
            Self::ClientConnected(client) => {
                [&mut client.dialect, &mut client.transport].into_iter().for_each(visit);
            }
            Self::ConfigChanged(change) => {
                visit(&mut change.path);
                change.changed.iter_mut().for_each(visit);
            }
            Self::ResourceAlert(ResourceAlert { component, metrics: _, alert_level: _, message }) => {
                visit(component);
                optional([message], visit);
            }
        }
    }
}

impl Remarks {
    /// Shows every text of it to `visit`.
    pub fn visit_texts(&mut self, visit: Visit<'_>) {
        let Self { source_app, hook_event_type, summary, chat } = self;
        optional([source_app, hook_event_type, summary], visit);
        if let Some(chat) = chat {
            value(chat, visit);
        }
    }
}

impl InstanceInfo {
    /// Shows every text of it to `visit`.
    pub fn visit_texts(&mut self, visit: Visit<'_>) {
        let Self { port: _, host, working_dir, name, pid: _, certificate: _ } = self;
        [host, working_dir, name].into_iter().for_each(visit);
    }
}

fn of_question(asked: &mut PermissionRequested, visit: Visit<'_>) {
    let PermissionRequested {
        permission_id,
        tool_name,
        tool_input,
        agent,
        suggestions,
        questions,
        expires_at: _,
    } = asked;
    [permission_id, tool_name].into_iter().for_each(&mut *visit);
    optional([agent], visit);
    suggestions.iter_mut().chain(questions).chain([tool_input]).for_each(|part| value(part, visit));
}

fn session_start(start: &mut SessionStart, visit: Visit<'_>) {
    visit(&mut start.working_directory);
    start.instance_info.visit_texts(visit);
}

fn of_delegation(delegation: &mut Delegation, visit: Visit<'_>) {
    let Delegation { agent, task, delegation_id, agent_id, parent_agent, .. } = delegation;
    [agent, task, delegation_id].into_iter().for_each(&mut *visit);
    optional([agent_id, parent_agent], visit);
}

fn of_todo(todo: &mut Todo, visit: Visit<'_>) {
    let Todo { id, content, status: _, priority, created_at: _, updated_at: _, active_form, owner } = todo;
    [id, content].into_iter().for_each(&mut *visit);
    optional([priority, active_form, owner], visit);
}

fn of_ticket(ticket: &mut Ticket, visit: Visit<'_>) {
    let Ticket { id, title, priority, assigned_to, url, system } = ticket;
    [id, system].into_iter().for_each(&mut *visit);
    optional([title, priority, assigned_to, url], visit);
}

fn of_component(started: &mut ComponentStarted, visit: Visit<'_>) {
    let ComponentStarted { component, version, capabilities, config, more } = started;
    visit(component);
    optional([version], visit);
    capabilities.iter_mut().for_each(&mut *visit);
    if let Some(config) = config {
        value(config, visit);
    }
    fields(more, visit);
}

fn optional<const N: usize>(texts: [&mut Option<String>; N], visit: Visit<'_>) {
    texts.into_iter().flatten().for_each(visit);
}

fn value(value: &mut Value, visit: Visit<'_>) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter_mut().for_each(|item| self::value(item, visit)),
        Value::Object(map) => fields(map, visit),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn fields(map: &mut Map<String, Value>, visit: Visit<'_>) {
    map.values_mut().for_each(|item| value(item, visit));
    let renamed = |name: &String, visit: Visit<'_>| {
        let mut new = name.clone();
        visit(&mut new);
        (new != *name).then_some(new)
    };
    if !map.keys().any(|name| renamed(name, visit).is_some()) {
        return;
    }
    for (name, item) in std::mem::take(map) {
        let mut new = renamed(&name, visit).unwrap_or(name);
        // Two secrets of one kind are two fields still.
        while map.contains_key(&new) {
            new.push('\'');
        }
        map.insert(new, item);
    }
}

fn names(stats: &mut BTreeMap<String, AgentStats>, visit: Visit<'_>) {
    for (mut name, stats_of) in std::mem::take(stats) {
        visit(&mut name);
        while stats.contains_key(&name) {
            name.push('\'');
        }
        stats.insert(name, stats_of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::published::Published;
    use serde_json::json;

    #[test]
    fn every_text_of_a_value_is_seen_and_names_too() {
        let data = json!({"a": ["x", {"x": "x", "n": 1}], "x1": null, "x2": true});
        let Value::Object(data) = data else { unreachable!() };
        let mut body = Body::Published(Published { channel: "c".into(), data, bytes: 1 });
        body.visit_texts(&mut |text| {
            if text.starts_with('x') {
                *text = "y".into();
            }
        });
        let Body::Published(Published { data, .. }) = body else { unreachable!() };
        assert_eq!(Value::Object(data), json!({"a": ["y", {"y": "y", "n": 1}], "y": null, "y'": true}));
    }
}
