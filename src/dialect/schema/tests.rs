//! What the schema takes and what it refuses: an example of every type, and every way to spoil it.

mod every_frame;
mod other_dialects;
mod replies_and_requests;

use super::*;
use crate::dialect::classic;
use crate::event::{Body, Epoch, Event, EventId, SessionId, Source, Timestamp, channel};
use jsonschema::Validator;
use serde_json::value::RawValue;

/// The data of each type, by name; its Rust type reads and writes it unchanged.
const EXAMPLES: [(&str, &str); 26] = [
    (
        channel::SESSION_START,
        r#"{"session_id":"s","start_time":"2026-11-21T12:00:00.000Z","launch_method":"exec","working_directory":"/p",
            "websocket_port":8765,"instance_info":{"port":8765,"host":"127.0.0.1","working_dir":"/p","name":"p","pid":7}}"#,
    ),
    (
        channel::SESSION_END,
        r#"{"session_id":"s","end_time":"2026-11-21T12:00:00.000Z","duration_seconds":1.5,"exit_code":0,"signal":null,
            "reason":"exited"}"#,
    ),
    (
        channel::CLAUDE_STATUS,
        r#"{"status":"stopped","pid":7,"message":"Claude exited","exit_code":0,"signal":null}"#,
    ),
    (
        channel::CLAUDE_ACTIVITY,
        r#"{"activity":"busy","previous":null,"reason":null,"tool_name":"Bash","since":"2026-11-21T12:00:00.000Z"}"#,
    ),
    (channel::CLAUDE_OUTPUT, r#"{"content":"hi","stream":"stdout","truncated":true}"#),
    (channel::CLAUDE_MESSAGE, r#"{"role":"user","text":"hi","message_id":null,"agent_id":null}"#),
    (
        channel::AGENT_DELEGATION,
        r#"{"agent":"qa","task":"t","status":"failed","duration_ms":5,"delegation_id":"d","agent_id":"a",
            "parent_agent":null,"background":false,"reason":"denied","tokens":null,"tool_uses":1}"#,
    ),
    (
        channel::AGENT_STATUS,
        r#"{"active_agents":["qa"],"agent_stats":{"qa":{"tasks":1,"completed":0,"failed":0,"avg_duration_ms":null}}}"#,
    ),
    (
        channel::TODO_UPDATE,
        r#"{"todos":[{"id":"1","content":"c","status":"in_progress","priority":null,"created_at":"2026-11-21T12:00:00.000Z",
            "updated_at":"2026-11-21T12:00:00.000Z","active_form":"doing c","owner":null}],
            "stats":{"total":1,"completed":0,"in_progress":1,"pending":0}}"#,
    ),
    (
        channel::TICKET_CREATED,
        r#"{"id":"A-1","title":"t","priority":null,"assigned_to":null,"url":null,"system":"jira"}"#,
    ),
    (
        channel::TICKET_UPDATED,
        r#"{"id":"A-1","title":null,"priority":"high","assigned_to":null,"url":null,"system":"jira","changed":["priority"]}"#,
    ),
    (
        channel::USAGE_UPDATE,
        r#"{"model":"m","input_tokens":1,"output_tokens":2,"cache_read_tokens":3,"cache_creation_tokens":4,
            "cost_usd":0.5,"measured_by":"stream"}"#,
    ),
    (channel::ROUTER_MODEL_SWITCH, r#"{"from_model":"a","to_model":"b","claude_session":"c"}"#),
    (
        channel::PERMISSION_REQUESTED,
        r#"{"permission_id":"p","tool_name":"Bash","tool_input":{"command":"ls"},"truncated":["command"],"redacted":[],"agent":null,"suggestions":[{"type":"setMode"}],
            "questions":null,"expires_at":"2026-11-21T12:00:00.000Z"}"#,
    ),
    (
        channel::PERMISSION_RESOLVED,
        r#"{"permission_id":"p","decision":"cancelled","by":"session","message":null}"#,
    ),
    (
        channel::CONTROL_ACTION,
        r#"{"control_id":"c","action":"stop","outcome":"done","reason":null,"detail":"grace 5 s","peer":"unix pid 7"}"#,
    ),
    (
        "hook.pre_tool",
        r#"{"hook_event_name":"PreToolUse","tool_name":"Bash","session_id":"c","truncated":["tool_input"]}"#,
    ),
    (
        channel::SYSTEM_STATS,
        r#"{"memory_usage_mb":1.5,"cpu_percent":120.5,"uptime_seconds":3,"processes":2,"hub":{"memory_usage_mb":1.5,
            "cpu_percent":0.5,"clients":1,"events":9,"queue_bytes":0,"dropped":0}}"#,
    ),
    (channel::SYSTEM_ERROR, r#"{"error":"e","component":"hub","severity":"critical","error_code":"RES001"}"#),
    (
        channel::COMPONENT_STARTED,
        r#"{"component":"router","version":null,"capabilities":["x"],"config":{"port":3001}}"#,
    ),
    (channel::COMPONENT_STOPPED, r#"{"component":"router","reason":"left"}"#),
    (
        channel::COMPONENT_HEALTH,
        r#"{"component":"router","status":"degraded","previous":"healthy","reason":null,"since":"2026-11-21T12:00:00.000Z"}"#,
    ),
    (
        channel::WS_CONNECTED,
        r#"{"client_id":1,"dialect":"classic","transport":"tcp","clients":1,"untold":0}"#,
    ),
    (
        channel::WS_DISCONNECTED,
        r#"{"client_id":1,"dialect":"classic","close_code":1001,"duration_seconds":1.5,"clients":0}"#,
    ),
    (channel::CONFIG_CHANGED, r#"{"path":"/c","changed":["ticket"]}"#),
    (
        channel::RESOURCE_ALERT,
        r#"{"component":"hub","metrics":{"cpu_percent":1.5,"memory_mb":1.5,"active_connections":1,"event_queue_size":0},
            "alert_level":"warning","message":"m"}"#,
    ),
];

/// A new body stops here: it needs an example above, and a line in `kinds`.
fn is_known(body: &Body) -> bool {
    match body {
        Body::SessionStart(_)
        | Body::SessionEnd(_)
        | Body::Status(_)
        | Body::Activity(_)
        | Body::Output(_) => true,
        Body::Message(_)
        | Body::Delegation(_)
        | Body::Agents(_)
        | Body::Todos(_)
        | Body::TicketCreated(_) => true,
        Body::TicketUpdated(_) | Body::Usage(_) | Body::ModelSwitch(_) | Body::Hook(_) | Body::Stats(_) => {
            true
        }
        Body::Error(_) | Body::ComponentStarted(_) | Body::ComponentStopped(_) | Body::ComponentHealth(_) => {
            true
        }
        Body::ClientConnected(_) | Body::ClientDisconnected(_) => true,
        Body::PermissionRequested(_) | Body::PermissionResolved(_) | Body::Control(_) => true,
        Body::ConfigChanged(_) | Body::ResourceAlert(_) => true,
        Body::Published(_) => false,
    }
}

fn validator(name: &str) -> Validator {
    let schema = named(name).unwrap_or_else(|| panic!("no {name}"));
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

fn event(body: Body, source: &str) -> Event {
    Event {
        id: EventId::parse("6b6b0b5e-0d3b-4b3a-8b0a-0a0a0a0a0a0a").unwrap(),
        seq: 3,
        epoch: Epoch::new("e"),
        timestamp: Timestamp::from_millis(1_795_176_000_123),
        session_id: SessionId::new("s"),
        source: Source::named(source),
        body,
        remarks: None,
        origin: None,
    }
}

fn example(kind: &str, data: &str) -> Body {
    let raw: Box<RawValue> = serde_json::from_str(data).unwrap();
    let body = Body::read(kind, &raw).unwrap();
    let given: Value = serde_json::from_str(data).unwrap();
    assert_eq!(serde_json::to_value(&body).unwrap(), given, "{kind}");
    body
}

/// The classic frame of each example.
fn frames() -> Vec<Value> {
    let frame = |(kind, data): (&str, &str)| {
        serde_json::from_slice(&classic::event(&event(example(kind, data), "supervisor"))).unwrap()
    };
    EXAMPLES.into_iter().map(frame).collect()
}

/// Every way to lack a field, to have one too many, or one that is something else, at any depth.
fn spoiled(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Object(members) => {
            let mut more = members.clone();
            more.insert("invented".into(), json!(1));
            all.push(more.into());
            for (name, member) in members {
                let mut less = members.clone();
                less.remove(name);
                all.push(less.into());
                let mut changed = vec![json!([[]]), json!(true), json!("no such word\n"), json!(-0.5)];
                changed.extend(spoiled(member));
                for other in changed {
                    let mut spoiled = members.clone();
                    spoiled.insert(name.clone(), other);
                    all.push(spoiled.into());
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            all.extend(spoiled(&items[0]).into_iter().map(|item| json!([item])));
        }
        _ => {}
    }
    all
}

/// What a change at that place may be without harm: fields that may be missing, or hold any text or number.
fn may_differ(frame: &Value, spoiled: &Value) -> bool {
    let typed = serde_json::value::to_raw_value(&spoiled["data"]).unwrap();
    let kind = spoiled["type"].as_str().unwrap_or_default();
    let heads = |value: &Value| {
        let mut value = value.clone();
        value["data"] = Value::Null;
        value
    };
    if heads(frame) != heads(spoiled) {
        // Ids, epochs and sources are any text.
        return ["epoch", "session_id", "source"].iter().any(|name| spoiled[*name] == "no such word\n");
    }
    // Whatever the Rust type reads and writes back unchanged is good.
    Body::read(kind, &typed).is_ok_and(|body| serde_json::to_value(&body).unwrap() == spoiled["data"])
}

#[test]
fn the_document_is_a_schema_whose_references_lead_somewhere() {
    jsonschema::draft202012::meta::validate(document()).unwrap();
    let definitions = document()["$defs"].as_object().unwrap();
    each_reference(document(), &mut |target| assert!(definitions.contains_key(&target), "{target}"));
    assert_eq!(document()["$id"], "urn:claude-mpm:schema:1.0");
    let text = document().to_string();
    assert!(
        !text.contains("[`"),
        "a link of rustdoc stands in {:?}",
        text.split("[`").nth(1).map(|t| &t[..40])
    );
    for name in names() {
        let alone = named(name).unwrap();
        jsonschema::validator_for(&alone).unwrap();
        each_reference(&alone, &mut |target| {
            assert!(alone["$defs"].get(&target).is_some(), "{name}: {target}")
        });
    }
    assert!(named("claude.nothing").is_none());
}

#[test]
fn every_body_is_described() {
    let known = EXAMPLES.into_iter().filter(|(kind, data)| is_known(&example(kind, data)));
    assert_eq!(known.count(), EXAMPLES.len());
    let kinds = kinds::write(&mut Book::new());
    assert_eq!(kinds.len(), EXAMPLES.len());
    for kind in kinds {
        assert!(names().any(|name| name == kind.name), "{}", kind.name);
        assert!(names().any(|name| name == format!("classic/{}", kind.name)), "{}", kind.name);
    }
}

#[test]
fn every_event_is_taken_and_every_spoiled_one_refused() {
    let whole = validator("classic/frame");
    let mut count = 0;
    for frame in frames() {
        whole.validate(&frame).unwrap_or_else(|cause| panic!("{cause}: {frame}"));
        for spoiled in spoiled(&frame) {
            if whole.is_valid(&spoiled) {
                assert!(may_differ(&frame, &spoiled), "taken: {spoiled}");
            } else {
                count += 1;
            }
        }
    }
    assert!(count > 1_500, "{count} refused");
}

#[test]
fn what_is_refused_is_named() {
    let whole = validator("classic/frame");
    for (from, to, place, cause) in [
        (r#""status":"failed""#, r#""status":"lost""#, "/data/status", "lost"),
        (r#""background":false,"#, "", "/data", "\"background\" is a required property"),
        (r#""tool_uses":1"#, r#""tool_uses":1,"more":2"#, "/data", "'more' was unexpected"),
        (r#""seq":3,"#, "", "", "\"seq\" is a required property"),
        (r#""source":"hook""#, r#""source":"hook","extra":1"#, "", "'extra' was unexpected"),
        (r#".123Z"#, "Z", "/timestamp", "does not match"),
    ] {
        let (kind, data) = EXAMPLES[6];
        let frame = String::from_utf8(classic::event(&event(example(kind, data), "hook"))).unwrap();
        assert!(frame.contains(from), "{frame}");
        let frame: Value = serde_json::from_str(&frame.replacen(from, to, 1)).unwrap();
        let found = whole
            .iter_errors(&frame)
            .any(|error| error.instance_path().to_string() == place && error.to_string().contains(cause));
        let errors: Vec<String> = whole.iter_errors(&frame).map(|error| error.to_string()).collect();
        assert!(found, "{cause}: {errors:#?}");
    }
}

#[test]
fn types_of_publishers_are_open_to_publishers_alone() {
    let whole = validator("classic/frame");
    let frame = |kind: &str, source: &str| {
        let body = Body::other(kind, json!({"test": true}).as_object().unwrap().clone());
        serde_json::from_slice::<Value>(&classic::event(&event(body, source))).unwrap()
    };
    for kind in
        ["resource.alert", "ws.connected", "component.health", "router.model.switch", "config.changed"]
    {
        assert!(whole.is_valid(&frame(kind, "test-generator")), "{kind}");
        assert!(!whole.is_valid(&frame(kind, "system")), "{kind}");
    }
    for kind in
        ["flow.agent.spawned", "tmux.session.created", "pane.output", "bus.message", "my.own", "hook.x"]
    {
        assert!(whole.is_valid(&frame(kind, "test-generator")), "{kind}");
    }
    for kind in
        [channel::CLAUDE_OUTPUT, "agent.delegation", "todo.update", "component.started", "a..b", "a b", ""]
    {
        assert!(!whole.is_valid(&frame(kind, "test-generator")), "{kind}");
    }
}

#[test]
fn ours_says_how_claude_ended_exactly_when_it_has() {
    let whole = validator("classic/frame");
    let frame = |source: &str, data: Value| {
        let mut frame = frames()[2].clone();
        (frame["source"], frame["data"]) = (json!(source), data);
        whole.is_valid(&frame)
    };
    let running = json!({"status": "running", "pid": 7, "message": "m"});
    let stopped = json!({"status": "stopped", "pid": 7, "message": "m"});
    let odd = json!({"status": "running", "pid": 7, "message": "m", "exit_code": 0, "signal": null});
    assert!(frame("supervisor", running) && frame("other", stopped.clone()));
    assert!(!frame("supervisor", stopped) && !frame("supervisor", odd));
}

#[test]
fn what_a_publisher_or_an_uplink_adds_stands_beside() {
    let whole = validator("classic/frame");
    for (name, good, bad) in [
        ("source_app", json!("x"), json!(7)),
        ("hook_event_type", json!("Stop"), json!(null)),
        ("summary", json!("s"), json!([])),
        ("chat", json!([{"role": "user", "content": "c"}]), json!("c")),
        ("origin", json!({"epoch": "e", "seq": 1}), json!({"epoch": "e"})),
    ] {
        let mut frame = frames()[0].clone();
        frame[name] = good;
        assert!(whole.is_valid(&frame), "{frame}");
        frame[name] = bad;
        assert!(!whole.is_valid(&frame), "{frame}");
    }
}
