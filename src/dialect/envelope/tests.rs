//! Requirement R4, example by example; every body; every bad request.

use super::{decode, event, hook_event, reply};
use crate::dialect::reply::{Reply, Stamp};
use crate::dialect::request::{Request, RequestId};
use crate::dialect::samples::{self, NOON, bodies, delegation, hook};
use crate::dialect::{Code, Fault, Subscribe};
use crate::event::channel::Vocabulary;
use crate::event::surroundings::ComponentState;
use crate::event::talk::{Message, Role};
use crate::event::work::DelegationStatus;
use crate::event::{Body, Epoch, Event, EventId, Origin, Remarks, SessionId, Source, Timestamp};
use crate::filter::{Filter, Pattern, Query};
use crate::status::{Position, Standing, Status};
use serde_json::{Value, json};

const SERVER_TIME: Timestamp = Timestamp::from_millis(1_754_481_600_500);

fn shown(body: Body) -> Value {
    inside(&samples::event(body))
}

fn inside(event: &Event) -> Value {
    serde_json::from_slice(&hook_event(event)).unwrap()
}

/// Requirement R4's `validateEvent`, word by word, and the types of all fields it declares.
fn is_valid(event: &Value) -> bool {
    let is_text = |name: &str| event[name].as_str().is_some_and(|text| !text.is_empty());
    ["id", "source", "session_id", "event_type", "source_app", "hook_event_type", "summary"]
        .into_iter()
        .all(is_text)
        && event["timestamp"].as_u64().is_some_and(|millis| millis > 0)
        && event["version"] == "1.0"
        && event["payload"].is_object()
        && EventId::parse(event["id"].as_str().unwrap()).is_some_and(EventId::is_v4)
}

#[test]
fn every_body_is_a_valid_event_in_a_message() {
    for body in bodies() {
        let told = samples::event(body);
        let message: Value = serde_json::from_slice(&event(&told, SERVER_TIME)).unwrap();
        assert_eq!(message["type"], "event");
        let metadata = json!({"server_time": 1_754_481_600_500_u64, "message_id": told.id});
        assert_eq!(message["metadata"], metadata);
        assert!(is_valid(&message["data"]), "{message}");
        assert_eq!(message["data"], inside(&told));
        assert_eq!(message["data"]["event_type"], told.body.channel_in(Vocabulary::Envelope));
        assert_eq!(message["data"]["hook_event_type"], message["data"]["event_type"]);
        let summary = message["data"]["summary"].as_str().unwrap();
        assert!((5..=200).contains(&summary.chars().count()), "{summary}");
    }
}

#[test]
fn an_event_has_the_fields_of_requirement_4_and_behind_them_its_place_in_the_log() {
    let body = hook("Stop", &json!({"stop_hook_active": false}));
    let event = Event { source: Source::Hook, ..samples::event(body) };
    assert_eq!(
        String::from_utf8(hook_event(&event)).unwrap(),
        concat!(
            r#"{"id":"6b6b0b5e-0d3b-4b3a-8b0a-0a0a0a0a0a0a","timestamp":1754481600000,"source":"hook","#,
            r#""session_id":"s-1","event_type":"Stop","version":"1.0","source_app":"claude-code","#,
            r#""hook_event_type":"Stop","payload":{"stop_hook_active":false},"#,
            r#""summary":"Claude has finished its turn","seq":7,"epoch":"e"}"#
        )
    );
}

#[test]
fn the_application_behind_an_event_is_named() {
    let stop = || hook("Stop", &json!({}));
    for (source, body, expected) in [
        (Source::Hook, stop(), "claude-code"),
        (Source::Screen, samples::output("x"), "claude-mpm"),
        (Source::Component("router".into()), stop(), "router"),
    ] {
        let event = Event { source, ..samples::event(body) };
        assert_eq!(inside(&event)["source_app"], expected);
    }
}

#[test]
fn what_a_publisher_says_beside_stands_in_place_of_ours() {
    let remarks = Remarks {
        source_app: Some("agent-123".into()),
        hook_event_type: Some("PreToolUse".into()),
        summary: Some("Running test suite".into()),
        chat: Some(json!([{"role": "system", "content": "x"}])),
    };
    let event = Event {
        source: Source::Component("claude-flow".into()),
        remarks: Some(Box::new(remarks)),
        origin: Some(Origin { epoch: Epoch::new("o"), seq: 3, session_id: None }),
        ..samples::event(samples::published("flow.step", &json!({"a": 1})))
    };
    let shown = inside(&event);
    assert_eq!(shown["source"], "claude-flow");
    assert_eq!(shown["source_app"], "agent-123");
    assert_eq!(
        (&shown["event_type"], &shown["hook_event_type"]),
        (&json!("flow.step"), &json!("PreToolUse"))
    );
    assert_eq!(shown["summary"], "Running test suite");
    assert_eq!(shown["chat"], json!([{"role": "system", "content": "x"}]));
    assert_eq!(shown["origin"], json!({"epoch": "o", "seq": 3}));
}

#[test]
fn delegations_are_agent_payloads() {
    for (status, kind, word, agent_id) in [
        (DelegationStatus::Started, "flow.agent.spawned", "spawned", "toolu_1"),
        (DelegationStatus::Completed, "flow.agent.completed", "completed", "a81"),
        (DelegationStatus::Failed, "flow.agent.completed", "failed", "a81"),
    ] {
        let shown = shown(delegation(status));
        assert_eq!(shown["event_type"], kind);
        let payload = &shown["payload"];
        assert_eq!([&payload["agent_id"], &payload["agent_type"]], [agent_id, "qa"]);
        assert_eq!([&payload["task"], &payload["status"]], ["Write tests", word]);
        assert_eq!(payload["delegation_id"], "toolu_1");
        assert!(payload.get("parent_agent").is_none(), "{payload}");
    }
    assert_eq!(
        shown(delegation(DelegationStatus::Started))["summary"],
        "Claude delegated \"Write tests\" to qa"
    );
}

#[test]
fn tool_uses_have_the_names_of_requirement_4() {
    let used = json!({
        "tool_name": "Bash", "tool_input": {"command": "npm test"}, "tool_response": {"stdout": "ok"},
        "duration_ms": 12, "tool_use_id": "t", "truncated": ["tool_response", "tool_input"],
    });
    let expected = json!({
        "tool_name": "Bash", "tool_input": {"command": "npm test"}, "tool_output": {"stdout": "ok"},
        "duration_ms": 12, "tool_use_id": "t", "truncated": ["tool_output", "tool_input"],
    });
    assert_eq!(shown(hook("PostToolUse", &used))["payload"], expected);
    let theirs = json!({"tool_name": "Bash", "tool_output": 1, "tool_response": 2});
    assert_eq!(shown(hook("PostToolUse", &theirs))["payload"], theirs);
    let failed = json!({"tool_name": "Bash", "error": "Exit code 1"});
    assert_eq!(shown(hook("PostToolUseFailure", &failed))["payload"], failed);
}

#[test]
fn an_alert_is_a_resource_payload() {
    let expected = json!({
        "component": "claude",
        "metrics": {"cpu_percent": 91.5, "memory_mb": 512.0, "active_connections": 2, "event_queue_size": 0},
        "alert_level": "warning",
    });
    assert_eq!(shown(Body::ResourceAlert(samples::alert()))["payload"], expected);
}

#[test]
fn what_was_said_is_chat() {
    let message = Message { role: Role::Assistant, text: "Hello".into(), message_id: None, agent_id: None };
    let said = json!([{"role": "assistant", "content": "Hello"}]);
    assert_eq!(shown(Body::Message(message))["chat"], said);
    let asked = shown(hook("UserPromptSubmit", &json!({"prompt": "Hi"})));
    assert_eq!(asked["chat"], json!([{"role": "user", "content": "Hi"}]));
    assert!(shown(hook("UserPromptSubmit", &json!({}))).get("chat").is_none());
}

#[test]
fn the_messages_of_requirement_4_are_read() {
    let register = r#"{"type":"register","data":{"component":"cli-monitor","version":"1.0.0",
        "capabilities":["display","filtering"]}}"#;
    let Request::Component(component) = decode(register).unwrap().request else { panic!() };
    assert_eq!((component.component.as_str(), component.version.as_deref()), ("cli-monitor", Some("1.0.0")));
    assert_eq!(component.capabilities, ["display", "filtering"]);
    let started = r#"{"type":"event","data":{"event_type":"component.started","source":"claude-router",
        "timestamp":1706181600000,"payload":{"version":"1.0.0","capabilities":["model-switching","request-proxying"],
        "config":{"default_model":"claude-3-opus","port":3001}}}}"#;
    let Request::Publish(drafts) = decode(started).unwrap().request else { panic!() };
    assert_eq!(drafts[0].body.channel(), "component.started");
    let used = r#"{"event_type":"PreToolUse","source":"claude-flow","source_app":"agent-123",
        "session_id":"sess_abc123","timestamp":1706181600000,
        "payload":{"tool_name":"Bash","tool_input":{"command":"npm test"}},"summary":"Running test suite"}"#;
    let both = format!(r#"{{"type":"event","data":[{used},{used}],"metadata":{{"request_id":4}}}}"#);
    let call = decode(&both).unwrap();
    assert_eq!(serde_json::to_string(&call.request_id).unwrap(), "4");
    let Request::Publish(drafts) = call.request else { panic!() };
    assert_eq!(drafts.len(), 2);
    assert_eq!(drafts[1].remarks.as_ref().unwrap().summary.as_deref(), Some("Running test suite"));
}

fn subscription(text: &str) -> Subscribe {
    let Request::Subscribe(wanted) = decode(text).unwrap().request else { panic!("{text}") };
    wanted
}

#[test]
fn filters_stand_where_clients_put_them() {
    let patterns = || vec![Pattern::parse("PreToolUse").unwrap(), Pattern::parse("flow.*").unwrap()];
    for text in [
        r#"{"type":"subscribe","data":{"filters":{"event_types":["PreToolUse","flow.*"]}}}"#,
        r#"{"type":"subscribe","data":{"event_types":["PreToolUse","flow.*"]}}"#,
        r#"{"type":"subscribe","filters":{"event_types":["PreToolUse","flow.*"]}}"#,
    ] {
        let wanted = subscription(text);
        assert_eq!(wanted.filter.channels, patterns(), "{text}");
        assert_eq!(wanted.filter.vocabulary, Vocabulary::Envelope);
    }
    let wanted = subscription(
        r#"{"type":"subscribe","data":{"filters":{"sources":["hook"],"session_id":"s","since":1706181600000,
            "until":"2026-01-01T00:00:00Z"},"replay":5}}"#,
    );
    let expected = Filter {
        sources: vec!["hook".into()],
        sessions: vec!["s".into()],
        since: Some(Timestamp::from_millis(1_706_181_600_000)),
        until: Timestamp::parse("2026-01-01T00:00:00Z"),
        vocabulary: Vocabulary::Envelope,
        ..Filter::all()
    };
    assert_eq!(wanted, Subscribe { filter: expected, replay: Some(5), ..Subscribe::default() });
    let since = subscription(r#"{"type":"subscribe","data":{"since":5}}"#);
    assert_eq!((since.since, since.filter.since), (Some(Timestamp::from_millis(5)), since.since));
    assert_eq!(subscription(r#"{"type":"subscribe"}"#).filter.channels, [Pattern::All]);
}

#[test]
fn the_other_requests_are_read() {
    let request = |text: &str| decode(text).unwrap().request;
    assert_eq!(request(r#"{"type":"unsubscribe"}"#), Request::Unsubscribe(None));
    let stop = Some(vec![Pattern::parse("Stop").unwrap()]);
    assert_eq!(
        request(r#"{"type":"unsubscribe","data":{"filters":{"event_types":["Stop"]}}}"#),
        Request::Unsubscribe(stop)
    );
    for text in [r#"{"type":"auth","data":{"token":"t"}}"#, r#"{"type":"auth","token":"t"}"#] {
        assert_eq!(request(text), Request::Auth("t".into()));
    }
    for text in [r#"{"type":"ping"}"#, r#"{"type":"heartbeat","data":{"components":{}}}"#] {
        assert_eq!(request(text), Request::Ping);
    }
    assert_eq!(request(r#"{"type":"get_status"}"#), Request::Status(None));
    let past =
        request(r#"{"type":"get_history","data":{"event_types":["Stop"],"limit":3,"since":7,"epoch":"e"}}"#);
    let Request::History(Query { limit: 3, since: Some(since), filter, epoch: Some(epoch), .. }) = past
    else {
        panic!("{past:?}")
    };
    assert_eq!(epoch.as_str(), "e");
    assert_eq!((since.as_millis(), filter.vocabulary), (7, Vocabulary::Envelope));
}

#[test]
fn every_malformed_message_has_a_code() {
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    for (text, expected) in [
        ("", "WS002"),
        ("nonsense", "WS002"),
        ("[]", "WS002"),
        ("7", "WS002"),
        ("null", "WS002"),
        (deep.as_str(), "WS002"),
        (r#"{"type":"ping"} {}"#, "WS002"),
        (r#"{"type":"ping","type":"ping"}"#, "REQ002"),
        ("{}", "REQ001"),
        (r#"{"command":"ping"}"#, "REQ001"),
        (r#"{"type":7}"#, "REQ002"),
        (r#"{"type":"no such thing"}"#, "REQ001"),
        (r#"{"type":"initial","data":[]}"#, "REQ002"),
        (r#"{"type":"error","data":{}}"#, "REQ001"),
        (r#"{"type":"halt"}"#, "REQ001"),
        (r#"{"type":"event"}"#, "REQ002"),
        (r#"{"type":"event","data":7}"#, "WS002"),
        (r#"{"type":"event","data":[]}"#, ""),
        (r#"{"type":"event","data":[{}]}"#, "WS002"),
        (r#"{"type":"event","data":{"event_type":"Stop","source":"s","timestamp":-1}}"#, "WS002"),
        (
            r#"{"type":"event","data":{"event_type":"Stop","source":"s","timestamp":1,"version":"2"}}"#,
            "WS002",
        ),
        (r#"{"type":"register"}"#, "REQ002"),
        (r#"{"type":"register","data":{"component":""}}"#, "REQ002"),
        (r#"{"type":"register","data":{"component":"a\nb"}}"#, "REQ002"),
        (r#"{"type":"register","data":{"component":"a","capabilities":7}}"#, "REQ002"),
        (r#"{"type":"register","data":{"component":"a","version":1}}"#, "REQ002"),
        (r#"{"type":"subscribe","data":[]}"#, "REQ002"),
        (r#"{"type":"subscribe","filters":7}"#, "REQ002"),
        (r#"{"type":"subscribe","data":{"event_types":"Stop"}}"#, "REQ002"),
        (r#"{"type":"subscribe","data":{"event_types":["a..b"]}}"#, "REQ002"),
        (r#"{"type":"subscribe","data":{"since":"yesterday"}}"#, "REQ002"),
        (r#"{"type":"subscribe","data":{"since":-1}}"#, "REQ002"),
        (r#"{"type":"subscribe","data":{"until":true}}"#, "REQ002"),
        (r#"{"type":"subscribe","data":{"replay":-1}}"#, "REQ002"),
        (r#"{"type":"subscribe","metadata":7}"#, "REQ002"),
        (r#"{"type":"auth"}"#, "REQ002"),
        (r#"{"type":"get_history","data":{"limit":10001}}"#, "REQ002"),
    ] {
        let code = decode(text).err().map_or("", |fault| fault.code.as_str());
        assert_eq!(code, expected, "{text:.80}");
    }
}

#[test]
fn a_request_id_is_found_at_three_places_and_given_back_with_a_fault() {
    for text in [
        r#"{"type":"x","request_id":5}"#,
        r#"{"type":"x","data":{"request_id":5}}"#,
        r#"{"type":"x","metadata":{"request_id":5}}"#,
        r#"{"type":"x","request_id":5,"data":{"request_id":6}}"#,
    ] {
        let fault = decode(text).unwrap_err();
        assert_eq!(serde_json::to_string(&fault.request_id).unwrap(), "5", "{text}");
        let call = decode(&text.replace(r#""x""#, r#""ping""#)).unwrap();
        assert_eq!(serde_json::to_string(&call.request_id).unwrap(), "5", "{text}");
    }
    let fault = decode(r#"{"type":"ping","request_id":5,"metadata":7}"#).unwrap_err();
    assert_eq!(serde_json::to_string(&fault.request_id).unwrap(), "5", "although the metadata is none");
}

fn answer(said: &Reply<'_>, request_id: Option<&RequestId>) -> Value {
    let components = [("claude-router".to_owned(), ComponentState::Healthy)];
    let stamp = Stamp {
        timestamp: Timestamp::from_millis(1_706_181_600_000),
        epoch: &Epoch::new("e"),
        session_id: &SessionId::new("s"),
        message_id: EventId::from_u128(9),
        components: &components,
    };
    let message: Value = serde_json::from_slice(&reply(said, request_id, &stamp)).unwrap();
    assert!(["initial", "heartbeat", "error"].contains(&message["type"].as_str().unwrap()), "{message}");
    assert_eq!(message["metadata"]["server_time"], 1_706_181_600_000_u64);
    assert_eq!(message["metadata"]["message_id"], "00000000-0000-0000-0000-000000000009");
    message
}

#[test]
fn the_heartbeat_of_requirement_4_is_one() {
    let state = |name: &str, state| (name.to_owned(), state);
    let components = [
        state("claude-router", ComponentState::Healthy),
        state("claude-flow", ComponentState::Healthy),
        state("cli-monitor", ComponentState::Healthy),
        state("tmux-orchestrator", ComponentState::Degraded),
    ];
    let next_check = Timestamp::from_millis(1_706_181_630_000);
    let message = answer(&Reply::Heartbeat { components: &components, next_check }, None);
    let expected = json!({
        "components": {
            "claude-router": "healthy", "claude-flow": "healthy", "cli-monitor": "healthy",
            "tmux-orchestrator": "degraded",
        },
        "timestamp": 1_706_181_600_000_u64,
        "next_check": 1_706_181_630_000_u64,
    });
    assert_eq!((&message["type"], &message["data"]), (&json!("heartbeat"), &expected));
}

#[test]
fn signs_of_life_answer_what_brings_no_events() {
    let channels = [Pattern::All];
    for (said, reply_to, name, value) in [
        (Reply::Pong, "ping", "reply_to", json!("ping")),
        (Reply::Authenticated { role: "read" }, "auth", "role", json!("read")),
        (Reply::Published { seqs: &[4, 5] }, "event", "seqs", json!([4, 5])),
        (Reply::Unsubscribed(&channels), "unsubscribe", "channels", json!(["*"])),
        (Reply::Component { name: "a", components: &[] }, "register", "component", json!("a")),
    ] {
        let message = answer(&said, None);
        assert_eq!(message["type"], "heartbeat");
        assert_eq!(message["metadata"]["reply_to"], reply_to);
        assert_eq!(message["metadata"][name], value);
        assert_eq!(message["data"]["next_check"], 1_706_181_630_000_u64);
        let known = if reply_to == "register" { json!({}) } else { json!({"claude-router": "healthy"}) };
        assert_eq!(message["data"]["components"], known);
    }
}

#[test]
fn events_of_the_past_are_an_initial() {
    let told = samples::event(samples::output(r#"","metadata":{"server_time":"#));
    let message = event(&told, SERVER_TIME);
    let frames = [&message[..], &message[..]];
    let history = answer(&Reply::History { frames: &frames, complete: false }, None);
    assert_eq!(history["data"], json!([inside(&told), inside(&told)]));
    assert_eq!(history["metadata"]["complete"], false);
    let before = Standing::default();
    let initial = answer(&Reply::Initial { events: &[(&told, &before)] }, None);
    assert_eq!((&initial["type"], &initial["data"]), (&json!("initial"), &json!([inside(&told)])));
    assert!(initial["metadata"].get("reply_to").is_none());
    let subscribed = answer(&Reply::Subscribed { channels: &[Pattern::All], cursor: 8 }, None);
    assert_eq!(subscribed["type"], "heartbeat");
    assert_eq!(subscribed["metadata"]["cursor"], json!({"epoch": "e", "seq": 8}));
}

#[test]
fn the_status_is_an_event_without_a_number() {
    let mut status = Status::default();
    for body in [samples::session_start(), samples::status(crate::event::body::ProcessState::Running)] {
        let _none = status.fold(&samples::event(body));
    }
    let position = Position {
        session_id: SessionId::new("s"),
        epoch: Epoch::new("e"),
        first_seq: 1,
        last_seq: 2,
        journal: None,
        connected_clients: 2,
        now: NOON,
    };
    let message = answer(&Reply::Status(&status.snapshot(&position)), None);
    assert_eq!(message["type"], "initial");
    let event = &message["data"][0];
    assert_eq!((&event["event_type"], &event["source"]), (&json!("system.status"), &json!("system")));
    assert_eq!(event["payload"]["claude_status"], "running");
    assert_eq!(event["summary"], "Claude is running; 2 clients in all");
    assert!(event.get("seq").is_none() && event["hook_event_type"] == "system.status", "{event}");
}

#[test]
fn errors_have_the_data_of_requirement_4() {
    let fault = decode(r#"{"type":"x","request_id":{"n":1e400}}"#).unwrap_err();
    let stamp_free = String::from_utf8(reply(
        &Reply::Fault(&fault),
        fault.request_id.as_ref(),
        &Stamp {
            timestamp: NOON,
            epoch: &Epoch::new("e"),
            session_id: &SessionId::new("s"),
            message_id: EventId::from_u128(9),
            components: &[],
        },
    ))
    .unwrap();
    assert!(stamp_free.contains(r#""request_id":{"n":1e400}}"#), "{stamp_free}");
    let fault = Fault::new(Code::NotJson, "cannot read message: x");
    let expected = json!({
        "error_code": "WS002", "error_message": "cannot read message: x", "component": "server", "severity": "error",
    });
    assert_eq!(answer(&Reply::Fault(&fault), None)["data"], expected);
    let gap = answer(&Reply::Gap { missed: 3, from_seq: 3, to_seq: 5, reason: "fell behind" }, None);
    assert_eq!((&gap["type"], &gap["data"]["error_code"]), (&json!("error"), &json!("RES001")));
    let context = json!({"missed": 3, "from_seq": 3, "to_seq": 5, "reason": "fell behind"});
    assert_eq!((&gap["data"]["severity"], &gap["data"]["context"]), (&json!("warning"), &context));
    let other = answer(&Reply::OtherEpoch { last_seq: 9 }, None);
    assert_eq!(other["data"]["error_code"], "GAP001");
    assert_eq!(other["data"]["context"], json!({"epoch": "e", "last_seq": 9}));
}
