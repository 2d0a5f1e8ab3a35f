//! The types of requirement R4, held by its own compiler against what a hub really sends, and its `validateEvent`.

use crate::blocks::block;
use crate::scene::told;
use crate::{place, typescript};
use serde_json::{Value, json};
use std::fmt::Write;
use test_support::conversation::Conversation;

/// The declarations, in the order in which they need each other.
const DECLARATIONS: [&str; 11] = [
    "4-event-schema/01-base-event.ts",
    "4-event-schema/02-hook-event.ts",
    "4-event-schema/03-message-wrapper.ts",
    "4-event-schema/04-hook-event-types.ts",
    "4-event-schema/05-system-event-types.ts",
    "4-event-schema/06-integration-event-types.ts",
    "4-event-schema/07-tool-use-payload.ts",
    "4-event-schema/08-agent-payload.ts",
    "4-event-schema/09-resource-payload.ts",
    "4-event-schema/15-error-data.ts",
    "4-event-schema/16-error-codes.ts",
];
/// What the document names and does not declare, and how a value is held against a type: additions are free, so that
/// its type may be one that has more.
const REST: &str = "
interface ChatMessage { role: string; content: string; }
interface HeartbeatData { components: Record<string, string>; timestamp: number; next_check: number; }
declare function message<T extends WebSocketMessage>(sent: T): void;
declare function event<T extends HookEvent>(sent: T): void;
declare function heartbeat<T extends HeartbeatData>(sent: T): void;
declare function fault<T extends ErrorData>(sent: T): void;
declare function tool<T extends ToolUsePayload>(sent: T): void;
declare function agent<T extends AgentPayload>(sent: T): void;
declare function resource<T extends ResourcePayload>(sent: T): void;
declare function hookType(sent: `${HookEventType}`): void;
declare function systemType(sent: `${SystemEventType}`): void;
declare function integrationType(sent: `${IntegrationEventType}`): void;
declare function errorCode(sent: `${ErrorCode}`): void;
";
/// Each type refuses what it should, so that a check that is passed says something.
const WRONG: [&str; 7] = [
    r#"message({"type": "nonsense", "data": []})"#,
    r#"event({"id": "x", "timestamp": 1, "source": "s", "session_id": "s", "event_type": "e", "version": "2.0",
        "source_app": "a", "hook_event_type": "h", "payload": {}})"#,
    r#"heartbeat({"components": {}, "timestamp": "1", "next_check": 2})"#,
    r#"fault({"error_code": "e", "error_message": "m", "component": "c", "severity": "loud"})"#,
    r#"tool({"tool_input": {}})"#,
    r#"agent({"agent_id": "a", "agent_type": "t", "status": "started"})"#,
    r#"resource({"component": "c", "metrics": {"cpu_percent": 1}})"#,
];

/// Hooks of claude that the schema lists.
const HOOKS: [&str; 7] =
    ["PreToolUse", "PostToolUse", "Notification", "Stop", "SubagentStop", "UserPromptSubmit", "PreCompact"];
/// System events of the schema that a hub tells of by itself.
const SYSTEM: [&str; 4] =
    ["component.started", "component.stopped", "flow.agent.spawned", "flow.agent.completed"];

fn declarations() -> String {
    DECLARATIONS.iter().map(|name| block(name)).chain([REST.to_owned()]).collect()
}

/// What a hub answers and broadcasts beside the events of a session.
fn answers() -> Vec<Value> {
    let place = place();
    let hub = place.serve(0);
    let mut client = Conversation::open(&format!("{}/events", hub.url()));
    let mut heard = vec![client.greeting.clone()];
    let metrics =
        json!({"cpu_percent": 91.5, "memory_mb": 512, "active_connections": 2, "event_queue_size": 0});
    let alert =
        json!({"component": "hub", "metrics": metrics, "alert_level": "warning", "message": "It is much"});
    let alert =
        json!({"event_type": "resource.alert", "source": "watcher", "timestamp": 1, "payload": alert});
    let register = json!({"component": "watcher", "version": "1", "capabilities": ["watching"]});
    let health = json!({"event_type": "component.health", "source": "nobody", "timestamp": 1, "payload": {}});
    for (kind, data) in [
        ("register", register),
        ("event", alert),
        ("event", health),
        ("no such thing", json!({})),
        ("subscribe", json!({"filters": {"event_types": ["resource.alert"]}})),
        ("get_status", json!({})),
        ("get_history", json!({"limit": 5})),
        ("unsubscribe", json!({})),
        ("ping", json!({})),
    ] {
        client.say(&json!({"type": kind, "data": data}).to_string());
        heard.extend(
            client.hear_until(|message| {
                message["type"] == "error" || !message["metadata"]["reply_to"].is_null()
            }),
        );
    }
    heard.push(client.ask("no JSON"));
    hub.stop();
    heard
}

/// One line for each type a message has to be of.
fn claims(message: &Value) -> String {
    let mut text = String::new();
    let mut claim = |function: &str, value: &Value| writeln!(text, "{function}({value});").unwrap();
    claim("message", message);
    let data = &message["data"];
    match message["type"].as_str().unwrap() {
        "heartbeat" => claim("heartbeat", data),
        "error" => claim("fault", data),
        _ => {
            let alone = std::slice::from_ref(data);
            for event in data.as_array().map_or(alone, Vec::as_slice) {
                claim("event", event);
                match event["event_type"].as_str().unwrap() {
                    "PreToolUse" | "PostToolUse" | "PostToolUseFailure" => claim("tool", &event["payload"]),
                    "flow.agent.spawned" | "flow.agent.completed" => claim("agent", &event["payload"]),
                    "resource.alert" => claim("resource", &event["payload"]),
                    _ => {}
                }
            }
        }
    }
    text
}

#[test]
fn everything_that_is_sent_has_the_types_the_schema_declares() {
    let mut text = declarations();
    let messages: Vec<Value> = told().envelope.iter().cloned().chain(answers()).collect();
    let claims: String = messages.iter().map(claims).collect();
    for function in ["message", "event", "heartbeat", "fault", "tool", "agent", "resource"] {
        assert!(claims.lines().any(|line| line.starts_with(function)), "nothing sent is a {function}");
    }
    text.push_str(&claims);
    WRONG
        .iter()
        .for_each(|wrong| writeln!(text, "// @ts-expect-error\n{};", wrong.replace('\n', " ")).unwrap());
    typescript::check(&text);
}

/// Types of events that a hub tells of by itself when a component comes and goes.
fn surroundings() -> Vec<Value> {
    let place = place();
    let hub = place.serve(0);
    let mut observer = Conversation::open(&format!("{}/events", hub.url()));
    let is_of = |kind: &'static str| move |message: &Value| message["data"]["event_type"] == kind;
    let mut component = Conversation::open(&format!("{}/events", hub.url()));
    component.say(r#"{"type":"register","data":{"component":"watcher"}}"#);
    let mut heard = Vec::new();
    while !["component.started", "ws.connected"].iter().all(|kind| heard.iter().any(is_of(kind))) {
        heard.push(observer.hear());
    }
    drop(component);
    heard.extend(observer.hear_until(is_of("component.stopped")));
    hub.stop();
    heard
}

/// The types of events and the codes of errors that the schema lists, as far as a session and a hub bring them about by
/// themselves; events of the other types are taken from publishers.
#[test]
fn what_is_sent_has_the_names_the_schema_lists() {
    let around = surroundings();
    let events = told().hook_events().into_iter().chain(around.iter().map(|message| &message["data"]));
    let kinds: Vec<&str> = events.filter_map(|event| event["event_type"].as_str()).collect();
    let errors: Vec<Value> = answers().into_iter().filter(|message| message["type"] == "error").collect();
    let codes: Vec<&str> = errors.iter().filter_map(|error| error["data"]["error_code"].as_str()).collect();
    let mut text = declarations();
    for (function, sent, listed) in [
        ("hookType", &kinds, &HOOKS[..]),
        ("systemType", &kinds, &SYSTEM),
        ("integrationType", &kinds, &["ws.connected"]),
        ("errorCode", &codes, &["WS002", "CMP001"]),
    ] {
        for name in listed {
            assert!(sent.contains(name), "{name} in {sent:?}");
            writeln!(text, "{function}({name:?});").unwrap();
        }
    }
    typescript::check(&text);
}

/// What `validateEvent` says of each of these.
#[track_caller]
fn verdicts(events: &[&Value]) -> Vec<bool> {
    let script = format!(
        "{}\nfor (const event of {}) console.log(validateEvent(event));",
        block("4-event-schema/17-event-validation.ts"),
        json!(events)
    );
    typescript::run(&script).iter().map(|line| line == "true").collect()
}

#[test]
fn every_event_that_is_sent_is_valid_by_the_schemas_own_function() {
    let events = told().hook_events();
    let invalid: Vec<&Value> = verdicts(&events)
        .iter()
        .zip(&events)
        .filter(|(valid, _)| !**valid)
        .map(|(_, event)| *event)
        .collect();
    assert!(events.len() > 30 && invalid.is_empty(), "{invalid:#?}");
}

/// One that is there and wrong is refused; one without an id or a version is completed, as the schema's own examples need.
#[test]
fn events_that_are_invalid_by_the_schemas_own_function_are_refused_or_made_valid() {
    let good = json!({"id": "6b6b0b5e-0d3b-4b3a-8b0a-0a0a0a0a0a0a", "timestamp": 1706181600000_u64, "source": "s",
        "session_id": "x", "event_type": "my.event", "version": "1.0", "source_app": "a", "hook_event_type": "my.event",
        "payload": {}});
    let changed = |(name, value): (&str, Option<Value>)| {
        let mut event = good.clone();
        match value {
            Some(value) => event[name] = value,
            None => drop(event.as_object_mut().unwrap().remove(name)),
        }
        event
    };
    let refused = [
        ("id", Some(json!(""))),
        ("timestamp", None),
        ("timestamp", Some(json!(0))),
        ("timestamp", Some(json!(-1))),
        ("timestamp", Some(json!("now"))),
        ("timestamp", Some(Value::Null)),
        ("source", None),
        ("source", Some(json!(""))),
        ("event_type", None),
        ("event_type", Some(json!(""))),
        ("version", Some(json!("2.0"))),
        ("version", Some(json!(1))),
    ]
    .map(changed);
    let completed = [("id", None), ("version", None), ("version", Some(Value::Null))].map(changed);
    let all: Vec<&Value> = refused.iter().chain(&completed).chain([&good]).collect();
    let (last, others) = verdicts(&all).split_last().map(|(last, others)| (*last, others.to_vec())).unwrap();
    assert!(last && others.iter().all(|valid| !valid), "{others:?}");
    let place = place();
    let hub = place.serve(0);
    for event in &refused {
        let (status, answer) = hub.post("/api/events", &event.to_string());
        assert_eq!(status, 400, "{event}: {answer}");
    }
    let mut client = Conversation::open(&format!("{}/events", hub.url()));
    assert_eq!(client.greeting["data"], json!([]), "nothing of it is in the log");
    let mut back = Vec::new();
    for event in completed.iter().chain([&good]) {
        client.say(&json!({"type": "event", "data": event}).to_string());
        back.push(client.hear_of(|message| message["type"] == "event" || message["type"] == "error"));
    }
    let back: Vec<&Value> = back.iter().map(|message| &message["data"]).collect();
    assert_eq!(verdicts(&back), [true; 4], "{back:#?}");
    hub.stop();
}

/// Whatever time a publisher of the other dialects claims, on this one it is a valid event.
#[test]
fn times_before_all_times_are_refused_on_every_dialect() {
    let place = place();
    let hub = place.serve(0);
    for time in ["1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"] {
        let frame = json!({"type": "my.event", "timestamp": time, "data": {}});
        let answer = Conversation::open(&format!("{}/", hub.url())).ask(&frame.to_string());
        assert_eq!(
            (&answer["type"], &answer["data"]["error_code"]),
            (&json!("error"), &json!("WS002")),
            "{time}"
        );
        assert_eq!(hub.post("/api/events", &frame.to_string()).0, 400, "{time}");
    }
    hub.stop();
}
