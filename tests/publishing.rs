//! What others publish: events over every dialect and by POST, components and their health, clients that come and go;
//! and what is refused, answered, counted and never in the log.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "server/eventually.rs"]
mod eventually;
#[path = "server/hub_server.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod hub_server;
#[path = "server/raw_http.rs"]
mod raw_http;
#[path = "server/ws_client.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod ws_client;

use claude_mpm::filter::{Filter, Query};
use claude_mpm::hub::Bounds;
use claude_mpm::server::Limits;
use eventually::eventually;
use hub_server::{TestServer, quiet};
use raw_http::{Answer, exchange};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use ws_client::Client;

/// Requirement R4, Communication Patterns 1 and 2, as they stand there.
const STARTED: &str = r#"{"type":"event","data":{"event_type":"component.started","source":"claude-router",
    "timestamp":1706181600000,"payload":{"version":"1.0.0","capabilities":["model-switching","request-proxying"],
    "config":{"default_model":"claude-3-opus","port":3001}}}}"#;
const USED: &str = r#"{"type":"event","data":{"event_type":"PreToolUse","source":"claude-flow",
    "source_app":"agent-123","session_id":"sess_abc123","timestamp":1706181600000,
    "payload":{"tool_name":"Bash","tool_input":{"command":"npm test"}},"summary":"Running test suite"}}"#;

/// The events of the log, as classic frames.
fn log(server: &TestServer) -> Vec<Value> {
    let query = Query { filter: Filter::all(), limit: 1000, ..Query::default() };
    let records = server.hub.history(&query).records;
    records.iter().map(|record| serde_json::to_value(&record.event).unwrap()).collect()
}

fn kinds(server: &TestServer) -> Vec<String> {
    log(server).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

async fn post(server: &TestServer, head: &str, body: &str) -> Answer {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "POST /api/events HTTP/1.1\r\nHost: {}\r\n{head}Content-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    exchange(stream, request.as_bytes()).await
}

const JSON: &str = "Content-Type: application/json\r\n";

#[tokio::test]
async fn an_event_of_requirement_4_reaches_every_dialect_in_its_own_words() {
    let server = TestServer::start().await;
    let mut classic = Client::connect(&server).await;
    classic.ask(r#"{"command":"subscribe","channels":["*"]}"#).await;
    let (mut monitor, _) = Client::greeted(&server, "/monitor").await;
    monitor.ask(r#"{"action":"subscribe","filters":{"types":["hook.*"]}}"#).await;
    let (mut publisher, initial) = Client::greeted(&server, "/events").await;
    assert_eq!((&initial["type"], &initial["data"]), (&json!("initial"), &json!([])));
    publisher.send(STARTED).await;
    publisher.send(USED).await;

    let started = publisher.find(|frame| frame["data"]["event_type"] == "component.started").await;
    assert_eq!(started["type"], "event");
    assert_eq!(started["data"]["source"], "claude-router");
    assert_eq!(started["data"]["payload"]["config"]["port"], 3001);
    let used = publisher.find(|frame| frame["data"]["event_type"] == "PreToolUse").await;
    let data = &used["data"];
    assert_eq!(data["timestamp"], 1_706_181_600_000_u64);
    assert_eq!((&data["source_app"], &data["summary"]), (&json!("agent-123"), &json!("Running test suite")));
    assert_eq!((&data["session_id"], &data["version"]), (&json!("sess_abc123"), &json!("1.0")));

    let seen = classic.find(|frame| frame["type"] == "hook.pre_tool").await;
    assert_eq!((&seen["id"], &seen["source"]), (&data["id"], &json!("claude-flow")));
    assert_eq!(seen["data"]["tool_input"]["command"], "npm test");
    let shown = monitor.find(|frame| frame["type"] == "hook.pre_tool").await;
    assert_eq!((&shown["session"], &shown["window"]), (&json!("sess_abc123"), &json!(0)));
    server.stop().await;
}

#[tokio::test]
async fn the_frame_of_requirement_3_is_published_as_it_is() {
    let server = TestServer::start().await;
    let mut client = Client::connect(&server).await;
    let frame = r#"{"type":"hook.user_prompt","timestamp":"2025-07-31T12:00:00.000Z",
        "data":{"prompt":"User's prompt text","session_id":"abc123","cwd":"/path/to/project"}}"#;
    let reply = client.ask(frame).await;
    assert_eq!((&reply["type"], &reply["data"]["seqs"]), (&json!("published"), &json!([1])));
    let event = &log(&server)[0];
    assert_eq!((&event["session_id"], &event["data"]["cwd"]), (&json!("abc123"), &json!("/path/to/project")));
    assert_eq!(event["timestamp"], "2025-07-31T12:00:00.000Z");
    server.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_answered_with_its_code_and_never_in_the_log() {
    let server = TestServer::start().await;
    let good = json!({"event_type": "my.event", "source": "s", "timestamp": 1, "payload": {}});
    let with = |name: &str, value: Value| {
        let mut event = good.clone();
        event[name] = value;
        event
    };
    let without = |name: &str| {
        let mut event = good.clone();
        event.as_object_mut().unwrap().remove(name);
        event
    };
    let end = json!({"session_id": "session-1", "end_time": "2026-01-01T00:00:00.000Z", "duration_seconds": 1.0,
                     "exit_code": 0, "signal": null, "reason": "exited"});
    let mut claim = with("event_type", json!("session.end"));
    (claim["session_id"], claim["payload"]) = (json!("session-1"), end);
    let mut begun = with("event_type", json!("claude.status"));
    (begun["session_id"], begun["payload"]) =
        (json!("nobody-began-it"), json!({"status": "error", "pid": null, "message": ""}));
    let mut unknown = with("event_type", json!("component.health"));
    unknown["payload"] = json!({"status": "healthy"});
    let cases = [
        (without("timestamp"), "WS002"),
        (without("source"), "WS002"),
        (without("event_type"), "WS002"),
        (with("timestamp", json!(-1)), "WS002"),
        (with("timestamp", json!("now")), "WS002"),
        (with("version", json!("2.0")), "WS002"),
        (with("id", json!("not-a-uuid")), "WS002"),
        (with("payload", json!([1])), "WS002"),
        (with("source", json!("supervisor")), "AUTH002"),
        (claim, "AUTH002"),
        (begun, "AUTH002"),
        (unknown, "CMP001"),
    ];
    let (mut client, _) = Client::greeted(&server, "/events").await;
    for (event, code) in &cases {
        let error = client.ask(&json!({"type": "event", "data": event}).to_string()).await;
        assert_eq!(error["type"], "error", "{event}: {error}");
        assert_eq!(error["data"]["error_code"], *code, "{event}: {error}");
        assert_eq!(error["data"]["severity"], "error");
        let answer = post(&server, JSON, &event.to_string()).await;
        assert!((400..500).contains(&answer.status), "{event}: {answer:?}");
        assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap()["error_code"], *code);
    }
    // One bad event in a list keeps all of it out.
    let answer = post(&server, JSON, &json!([good, without("source")]).to_string()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(kinds(&server), [""; 0]);
    assert_eq!(server.hub.gauges().refused(), 2 * cases.len() as u64 + 1);
    server.stop().await;
}

#[tokio::test]
async fn a_session_belongs_to_whoever_told_of_its_start() {
    let server = TestServer::start().await;
    let info = json!({"port": null, "host": "h", "working_dir": "/", "name": "theirs", "pid": 1});
    let start = json!({"session_id": "s1", "start_time": "2026-01-01T00:00:00.000Z", "launch_method": "exec",
                       "working_directory": "/", "websocket_port": null, "instance_info": info});
    let status = json!({"status": "running", "pid": 1, "message": "m"});
    let told = |source: &str, kind: &str, payload: &Value| {
        json!({"event_type": kind, "source": source, "session_id": "s1", "timestamp": 1, "payload": payload})
            .to_string()
    };
    assert_eq!(post(&server, JSON, &told("early", "my.event", &json!({}))).await.status, 202);
    assert_eq!(post(&server, JSON, &told("owner", "session.start", &start)).await.status, 202);
    assert_eq!(post(&server, JSON, &told("owner", "claude.status", &status)).await.status, 202);
    for kind in ["session.start", "claude.status"] {
        let payload = if kind == "session.start" { &start } else { &status };
        assert_eq!(post(&server, JSON, &told("thief", kind, payload)).await.status, 403, "{kind}");
    }
    let known = server.hub.status_of(&claude_mpm::event::SessionId::new("s1")).unwrap();
    assert_eq!(known.instance_info.unwrap().name, "theirs");
    server.stop().await;
}

#[tokio::test]
async fn what_is_unsubscribed_stays_out_of_a_wider_channel() {
    let server = TestServer::start().await;
    let mut client = Client::connect(&server).await;
    client.ask(r#"{"command":"subscribe","channels":["*"]}"#).await;
    client.ask(r#"{"command":"unsubscribe","channels":["my.noise"]}"#).await;
    for kind in ["my.noise", "my.event"] {
        let event = json!({"event_type": kind, "source": "s", "timestamp": 1});
        assert_eq!(post(&server, JSON, &event.to_string()).await.status, 202);
    }
    assert_eq!(client.next().await["type"], "my.event");
    server.stop().await;
}

#[tokio::test]
async fn events_are_posted_one_or_many() {
    let server = TestServer::start().await;
    let event = json!({"event_type": "my.event", "source": "s", "timestamp": 1});
    let one = post(&server, JSON, &event.to_string()).await;
    assert_eq!((one.status, one.body.as_str()), (202, r#"{"seqs":[1]}"#));
    let two = post(&server, JSON, &json!([event, event]).to_string()).await;
    assert_eq!((two.status, two.body.as_str()), (202, r#"{"seqs":[2,3]}"#));
    assert_eq!(kinds(&server), ["my.event"; 3]);
    assert_eq!(post(&server, "", &event.to_string()).await.status, 415);
    assert_eq!(post(&server, JSON, "nonsense").await.status, 400);
    let own = format!("{JSON}Origin: http://{}\r\n", server.address);
    assert_eq!(post(&server, &own, &event.to_string()).await.status, 403);
    let foreign = format!("{JSON}Origin: http://evil.example\r\n");
    assert_eq!(post(&server, &foreign, &event.to_string()).await.status, 403);
    let stream = TcpStream::connect(server.address).await.unwrap();
    let get = format!("GET /api/events HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    let answer = exchange(stream, get.as_bytes()).await;
    assert!(answer.status == 405 && answer.has("allow: POST"), "{answer:?}");
    assert_eq!(kinds(&server).len(), 3);
    server.stop().await;
}

#[tokio::test]
async fn a_payload_of_ten_megabytes_is_refused_before_it_is_read() {
    let server = TestServer::start().await;
    let event = json!({"event_type": "my.event", "source": "s", "timestamp": 1,
                       "payload": {"text": "x".repeat(10 << 20)}});
    let answer = post(&server, JSON, &event.to_string()).await;
    assert_eq!(answer.status, 413);
    for path in ["/", "/events", "/monitor"] {
        let (mut client, _) = Client::greeted(&server, path).await;
        // The server may hang up while it is sent.
        let _cut = client.try_send(&json!({"type": "event", "data": event}).to_string()).await;
        let error = client.next().await;
        assert_eq!(
            (&error["type"], &error["data"]["error_code"]),
            (&json!("error"), &json!("RES001")),
            "{path}"
        );
        assert_eq!(client.closed().await, 1009);
    }
    assert_eq!(kinds(&server), [""; 0]);
    server.stop().await;
}

/// What the usual clients take of one message before they close the connection.
const USUAL: usize = 1 << 20;

#[tokio::test]
async fn no_event_is_larger_than_the_usual_clients_take() {
    let server = TestServer::start().await;
    let mut clients = Vec::new();
    for (path, subscribe) in [
        ("/", json!({"command": "subscribe", "channels": ["my.*"]})),
        ("/events", json!({"type": "subscribe", "data": {"event_types": ["my.*"]}})),
        ("/monitor", json!({"action": "subscribe", "filters": {"types": ["my.*"]}})),
    ] {
        let (mut client, _) = Client::greeted(&server, path).await;
        client.ask(&subscribe.to_string()).await;
        clients.push(client);
    }
    let long = "x".repeat(60_000);
    let many = vec![&long; 20];
    // What stands in the place of these secrets is longer than they.
    let growing = vec!["a://b:c@d ".repeat(10); 9_000];
    for (kind, payload) in [
        ("my.long", json!({"first": "kept", "many": many})),
        ("my.growing", json!({"first": "kept", "growing": growing})),
    ] {
        let event =
            json!({"event_type": kind, "source": "s", "timestamp": 1, "payload": payload, "chat": many});
        let answer = post(&server, JSON, &event.to_string()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        for client in &mut clients {
            let text = client.text().await;
            assert!(text.len() < USUAL && text.contains(kind), "{} bytes: {text:.300}", text.len());
        }
    }
    let told = log(&server);
    for (event, cut) in told.iter().zip(["many", "growing"]) {
        assert_eq!((&event["data"]["first"], &event["data"]["truncated"]), (&json!("kept"), &json!([cut])));
        let kept = event["data"][cut].as_array().unwrap();
        assert!(kept.len() > 5 && event["chat"].to_string().len() > 200_000, "{}", kept.len());
    }
    assert!(!told[1].to_string().contains(":c@"));
    server.stop().await;
}

#[tokio::test]
async fn a_registered_component_may_say_more_at_once_and_its_name_is_its_own() {
    let server = TestServer::start().await;
    let register = r#"{"type":"register","data":{"component":"cli-monitor","version":"1.0.0","capabilities":["display","filtering"]}}"#;
    let (mut client, _) = Client::greeted(&server, "/events").await;
    let welcome = client.ask(register).await;
    let (started, welcome) = match welcome["type"].as_str() {
        Some("event") => (welcome, client.next().await),
        _ => (client.find(|frame| frame["type"] == "event").await, welcome),
    };
    assert_eq!(started["data"]["payload"]["capabilities"], json!(["display", "filtering"]));
    assert_eq!(welcome["type"], "heartbeat", "{welcome}");
    assert_eq!(welcome["data"]["components"]["cli-monitor"], "healthy");
    let long = json!({"type": "event", "data": {"event_type": "my.event", "source": "cli-monitor", "timestamp": 1,
                      "payload": {"text": "x".repeat(500_000)}}});
    client.send(&long.to_string()).await;
    client.find(|frame| frame["data"]["event_type"] == "my.event").await;

    let (mut other, _) = Client::greeted(&server, "/events?replay=0").await;
    assert_eq!(other.ask(register).await["data"]["error_code"], "AUTH002");
    let posing =
        json!({"type": "event", "data": {"event_type": "x", "source": "cli-monitor", "timestamp": 1}});
    assert_eq!(other.ask(&posing.to_string()).await["data"]["error_code"], "AUTH002");
    drop(client);
    let stopped = other.find(|frame| frame["data"]["event_type"] == "component.stopped").await;
    assert_eq!(stopped["data"]["payload"]["component"], "cli-monitor");
    other.ask(register).await;
    server.stop().await;
}

#[tokio::test]
async fn a_component_that_does_not_answer_is_degraded_and_then_gone() {
    let ping = Duration::from_millis(50);
    let limits = Limits { ping, unanswered_pings: 4, farewell: ping, ..quiet() };
    let server = TestServer::with(limits, Bounds::default()).await;
    let (mut client, _) = Client::greeted(&server, "/events").await;
    client.send(r#"{"type":"register","data":{"component":"flow","version":"1","capabilities":[]}}"#).await;
    client.find(|frame| frame["data"]["components"]["flow"] == "healthy").await;
    // From here on nothing is read, so no ping is answered.
    let has = |kind: &str| kinds(&server).iter().any(|known| known == kind);
    eventually("it is degraded", || has("component.health")).await;
    let health = log(&server).into_iter().find(|event| event["type"] == "component.health").unwrap();
    assert_eq!((&health["data"]["status"], &health["source"]), (&json!("degraded"), &json!("flow")));
    eventually("it is gone", || has("component.stopped")).await;
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn a_heartbeat_tells_how_everybody_is_doing() {
    let limits = Limits { heartbeat: Duration::from_millis(50), ..quiet() };
    let server = TestServer::with(limits, Bounds::default()).await;
    let (mut client, _) = Client::greeted(&server, "/events").await;
    let beat = client.find(|frame| frame["type"] == "heartbeat").await;
    let data = &beat["data"];
    assert_eq!(data["components"]["claude-mpm"], "healthy");
    let next_in = data["next_check"].as_u64().unwrap() - data["timestamp"].as_u64().unwrap();
    assert_eq!(next_in, 50);
    assert!(beat["metadata"]["server_time"].is_u64() && beat["metadata"]["message_id"].is_string());
    client.find(|frame| frame["type"] == "heartbeat").await;
    server.stop().await;
}

#[tokio::test]
async fn clients_that_come_and_go_are_told_of() {
    let moment = Duration::from_millis(20);
    let limits = Limits { acquaintance: moment, ..Limits::default() };
    let server = TestServer::with(limits, Bounds::default()).await;
    let mut observer = Client::connect(&server).await;
    observer.ask(r#"{"command":"subscribe","channels":["ws.*"]}"#).await;
    let itself = observer.next().await;
    assert_eq!((&itself["type"], &itself["data"]["clients"]), (&json!("ws.connected"), &json!(1)));
    // One that only asks is nobody.
    let mut passer_by = Client::connect(&server).await;
    passer_by.ask(r#"{"command":"get_status"}"#).await;
    drop(passer_by);
    let (mut monitor, _) = Client::greeted(&server, "/monitor").await;
    monitor.ask(r#"{"action":"subscribe","filters":{}}"#).await;
    let came = observer.next().await;
    assert_eq!((&came["data"]["dialect"], &came["data"]["transport"]), (&json!("monitor"), &json!("tcp")));
    drop(monitor);
    let left = observer.next().await;
    assert_eq!(left["type"], "ws.disconnected");
    assert_eq!(left["data"]["client_id"], came["data"]["client_id"]);
    server.stop().await;
}

#[tokio::test]
async fn a_session_that_a_client_has_registered_for_is_all_it_sees_unless_it_asks() {
    let server = TestServer::start().await;
    for session in ["one", "two"] {
        let event = json!({"event_type": "my.event", "source": "s", "session_id": session, "timestamp": 1});
        assert_eq!(post(&server, JSON, &event.to_string()).await.status, 202);
    }
    let mut client = Client::connect(&server).await;
    client.ask(r#"{"type":"register","session_id":"one"}"#).await;
    assert_eq!(client.next().await["session_id"], "one");
    let subscribed = client.ask(r#"{"command":"subscribe","channels":["my.*"],"after":0}"#).await;
    assert_eq!(subscribed["type"], "subscribed");
    assert_eq!(client.next().await["session_id"], "one");
    let pong = client.ask(r#"{"command":"ping"}"#).await;
    assert_eq!(pong["type"], "pong");
    client.ask(r#"{"command":"subscribe","channels":["my.*"],"sessions":["*"],"after":0}"#).await;
    assert_eq!(
        [client.next().await, client.next().await].map(|event| event["session_id"].clone()),
        ["one", "two"]
    );
    server.stop().await;
}
