//! One body of every kind, for the tests of the dialects.

use crate::event::body::{
    Activity, ActivityState, EndReason, Ended, Fault, HubStats, InstanceInfo, LaunchMethod, Output,
    ProcessState, ProcessStatus, SessionEnd, SessionStart, Severity, Stats, Stream,
};
use crate::event::control::{ControlAction, DecidedBy, Decision, PermissionRequested, PermissionResolved};
use crate::event::surroundings::{
    AlertLevel, ClientConnected, ClientDisconnected, ComponentHealth, ComponentStarted, ComponentState,
    ComponentStopped, ConfigChanged, ResourceAlert, ResourceMetrics,
};
use crate::event::talk::{Hook, Message, Meter, ModelSwitch, Role, Usage};
use crate::event::work::{
    AgentStatus, Delegation, DelegationStatus, FailureReason, Ticket, TicketUpdate, TodoUpdate,
};
use crate::event::{Body, Epoch, Event, EventId, SessionId, Source, Timestamp, channel};
use serde_json::{Value, json};

/// 2025-08-06T12:00:00Z, that of requirement R5's examples.
pub(super) const NOON: Timestamp = Timestamp::from_millis(1_754_481_600_000);

/// An event that says this, number 7 of epoch `e`.
pub(super) fn event(body: Body) -> Event {
    Event {
        id: EventId::from_u128(0x6b6b_0b5e_0d3b_4b3a_8b0a_0a0a_0a0a_0a0a),
        seq: 7,
        epoch: Epoch::new("e"),
        timestamp: NOON,
        session_id: SessionId::new("s-1"),
        source: Source::Screen,
        body,
        remarks: None,
        origin: None,
    }
}

pub(super) fn hook(name: &str, data: &Value) -> Body {
    let data = data.as_object().unwrap().clone();
    Body::Hook(Hook { channel: channel::hook(name), name: name.into(), data })
}

pub(super) fn published(kind: &str, data: &Value) -> Body {
    Body::other(kind, data.as_object().unwrap().clone())
}

pub(super) fn output(content: &str) -> Body {
    Body::Output(Output { content: content.into(), stream: Stream::Stdout, truncated: false })
}

pub(super) fn activity(activity: ActivityState) -> Body {
    Body::Activity(Activity {
        activity,
        previous: None,
        reason: None,
        tool_name: Some("Bash".into()),
        since: NOON,
    })
}

pub(super) fn status(status: ProcessState) -> Body {
    Body::Status(ProcessStatus::alive(status, Some(7), "Claude is well"))
}

pub(super) fn delegation(status: DelegationStatus) -> Body {
    Body::Delegation(Delegation {
        agent: "qa".into(),
        task: "Write tests".into(),
        status,
        duration_ms: (status != DelegationStatus::Started).then_some(1500),
        delegation_id: "toolu_1".into(),
        agent_id: (status != DelegationStatus::Started).then(|| "a81".into()),
        parent_agent: None,
        background: false,
        reason: (status == DelegationStatus::Failed).then_some(FailureReason::Denied),
        tokens: None,
        tool_uses: Some(2),
    })
}

pub(super) fn session_start() -> Body {
    Body::SessionStart(SessionStart {
        session_id: SessionId::new("s-1"),
        start_time: NOON,
        launch_method: LaunchMethod::Subprocess,
        working_directory: "/Users/dev/project".into(),
        websocket_port: Some(8765),
        instance_info: InstanceInfo {
            port: Some(8765),
            host: "127.0.0.1".into(),
            working_dir: "/Users/dev/project".into(),
            name: "new-project".into(),
            pid: 4,
            certificate: None,
        },
    })
}

pub(super) fn session_end() -> Body {
    Body::SessionEnd(SessionEnd {
        session_id: SessionId::new("s-1"),
        end_time: NOON,
        duration_seconds: 12.3,
        exit_code: Some(0),
        signal: None,
        reason: EndReason::Exited,
    })
}

pub(super) fn alert() -> ResourceAlert {
    ResourceAlert {
        component: "claude".into(),
        metrics: ResourceMetrics {
            cpu_percent: 91.5,
            memory_mb: 512.0,
            active_connections: 2,
            event_queue_size: 0,
        },
        alert_level: Some(AlertLevel::Warning),
        message: None,
    }
}

/// One of each.
pub(super) fn bodies() -> Vec<Body> {
    let mut bodies = vec![
        session_start(),
        session_end(),
        status(ProcessState::Running),
        Body::Status(ProcessStatus {
            exit_code: Ended::With(Some(0)),
            signal: Ended::With(None),
            ..ProcessStatus::alive(ProcessState::Stopped, Some(7), "Claude is well")
        }),
        activity(ActivityState::NeedsPermission),
        output("hi"),
        delegation(DelegationStatus::Started),
        delegation(DelegationStatus::Completed),
        delegation(DelegationStatus::Failed),
        hook("PreToolUse", &json!({"tool_name": "Bash", "tool_input": {"command": "npm test"}})),
        published("my.own", &json!({"a": 1})),
    ];
    bodies.extend(of_work());
    bodies.extend(of_surroundings());
    bodies.iter().for_each(has_a_sample);
    bodies
}

/// Who adds a kind has to add a sample of it above, and a line here.
fn has_a_sample(body: &Body) {
    match body {
        Body::SessionStart(_)
        | Body::SessionEnd(_)
        | Body::Status(_)
        | Body::Activity(_)
        | Body::Output(_)
        | Body::Message(_)
        | Body::Delegation(_)
        | Body::Agents(_)
        | Body::Todos(_)
        | Body::TicketCreated(_)
        | Body::TicketUpdated(_)
        | Body::Usage(_)
        | Body::ModelSwitch(_)
        | Body::PermissionRequested(_)
        | Body::PermissionResolved(_)
        | Body::Control(_)
        | Body::Hook(_)
        | Body::Stats(_)
        | Body::Error(_)
        | Body::ComponentStarted(_)
        | Body::ComponentStopped(_)
        | Body::ComponentHealth(_)
        | Body::ClientConnected(_)
        | Body::ClientDisconnected(_)
        | Body::ConfigChanged(_)
        | Body::ResourceAlert(_)
        | Body::Published(_) => {}
    }
}

fn of_work() -> Vec<Body> {
    let ticket = Ticket {
        id: "T-1".into(),
        title: Some("Fix".into()),
        priority: None,
        assigned_to: None,
        url: None,
        system: "text".into(),
    };
    vec![
        Body::Message(Message {
            role: Role::Assistant,
            text: "Hello".into(),
            message_id: None,
            agent_id: None,
        }),
        Body::Agents(AgentStatus { active_agents: vec!["qa".into()], ..AgentStatus::default() }),
        Body::Todos(TodoUpdate::default()),
        Body::TicketCreated(ticket.clone()),
        Body::TicketUpdated(TicketUpdate { ticket, changed: vec!["title".into()] }),
        Body::Usage(Usage {
            model: None,
            input_tokens: 1,
            output_tokens: 2,
            cache_read_tokens: 3,
            cache_creation_tokens: 4,
            cost_usd: None,
            measured_by: Meter::Stream,
        }),
        Body::ModelSwitch(ModelSwitch {
            from_model: "a".into(),
            to_model: "b".into(),
            claude_session: "c".into(),
        }),
        Body::PermissionRequested(PermissionRequested {
            permission_id: "p-1".into(),
            tool_name: "Bash".into(),
            tool_input: json!({ "command": "ls" }),
            truncated: Vec::new(),
            redacted: vec!["command".into()],
            agent: None,
            suggestions: Vec::new(),
            questions: None,
            expires_at: Some(NOON),
        }),
        Body::PermissionResolved(PermissionResolved {
            permission_id: "p-1".into(),
            decision: Decision::Deny,
            by: DecidedBy::Remote,
            message: Some("not now".into()),
        }),
        Body::Control(ControlAction {
            control_id: "c-1".into(),
            action: "send_input".into(),
            outcome: "rejected".into(),
            reason: Some("claude is busy".into()),
            detail: None,
            peer: "unix pid 7".into(),
        }),
        Body::Stats(Stats {
            memory_usage_mb: 1.0,
            cpu_percent: 2.0,
            uptime_seconds: 3,
            processes: 4,
            hub: HubStats {
                memory_usage_mb: 1.0,
                cpu_percent: 2.0,
                clients: 3,
                events: 4,
                queue_bytes: 5,
                dropped: 6,
            },
        }),
        Body::Error(Fault {
            error: "lost".into(),
            component: "hub".into(),
            severity: Severity::Error,
            error_code: "RES001".into(),
        }),
    ]
}

fn of_surroundings() -> Vec<Body> {
    let component = || "router".to_owned();
    vec![
        Body::ComponentStarted(ComponentStarted {
            component: component(),
            version: Some("1.0.0".into()),
            capabilities: vec!["display".into()],
            config: None,
            more: serde_json::Map::new(),
        }),
        Body::ComponentStopped(ComponentStopped { component: component(), reason: "left".into() }),
        Body::ComponentHealth(ComponentHealth {
            component: component(),
            status: ComponentState::Degraded,
            previous: Some(ComponentState::Healthy),
            reason: None,
            since: NOON,
        }),
        Body::ClientConnected(ClientConnected {
            client_id: 1,
            dialect: "monitor".into(),
            transport: "tcp".into(),
            clients: 1,
            untold: 0,
        }),
        Body::ClientDisconnected(ClientDisconnected {
            client_id: 1,
            dialect: "monitor".into(),
            close_code: None,
            duration_seconds: 1.5,
            clients: 0,
        }),
        Body::ConfigChanged(ConfigChanged { path: "/c.toml".into(), changed: vec!["port".into()] }),
        Body::ResourceAlert(alert()),
    ]
}
