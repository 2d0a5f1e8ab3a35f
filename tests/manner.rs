//! How a client wants to be told of events: in arrays, and no more than so many a second.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "server/eventually.rs"]
mod eventually;
#[path = "server/hub_server.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod hub_server;
#[path = "server/ws_client.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod ws_client;

use claude_mpm::event::body::{Body, EndReason, Fault, SessionEnd, Severity};
use claude_mpm::event::{SessionId, Timestamp};
use claude_mpm::hub::Bounds;
use hub_server::{TestServer, quiet};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};
use test_support::schema;
use ws_client::Client;

/// The next message, which has to be an array of events.
async fn array(client: &mut Client, dialect: &str) -> Vec<Value> {
    let text = client.text().await;
    let array: Value = serde_json::from_str(&text).unwrap();
    schema::hold(&format!("{dialect}/batch"), &array);
    match array {
        Value::Array(events) => events,
        other => panic!("expected an array: {other}"),
    }
}

fn seqs(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

fn say_many(server: &TestServer, count: usize) {
    (0..count).for_each(|number| _ = server.say(&format!("line {number}")));
}

fn fail(server: &TestServer) -> u64 {
    let (error, component, error_code) = ("e".into(), "c".into(), "RES001".into());
    server.publisher().publish(Body::Error(Fault { error, component, severity: Severity::Error, error_code }))
}

fn end_session(server: &TestServer) -> u64 {
    server.publisher().publish(Body::SessionEnd(SessionEnd {
        session_id: SessionId::new("session-1"),
        end_time: Timestamp::from_millis(0),
        duration_seconds: 1.5,
        exit_code: Some(0),
        signal: None,
        reason: EndReason::Exited,
    }))
}

#[tokio::test]
async fn events_come_in_arrays_and_replies_alone_until_the_client_has_enough_of_it() {
    let server = TestServer::start().await;
    say_many(&server, 1_000);
    let mut client = Client::connect(&server).await;
    let subscribe = r#"{"command":"subscribe","channels":["*"],"replay":1000,"batch":true}"#;
    assert_eq!(client.ask(subscribe).await["type"], "subscribed");
    let mut seen = Vec::new();
    while seen.len() < 1_000 {
        let events = array(&mut client, "classic").await;
        assert!(events.len() <= 256);
        seen.extend(seqs(&events));
    }
    assert_eq!(seen, (1..=1_000).collect::<Vec<_>>());
    assert_eq!(client.ask(r#"{"command":"ping"}"#).await["type"], "pong");
    server.say("alone");
    assert_eq!(seqs(&array(&mut client, "classic").await), [1_001]);
    // What does not name it leaves it.
    assert_eq!(client.ask(r#"{"command":"subscribe","channels":["claude.*"]}"#).await["type"], "subscribed");
    server.say("alone");
    assert_eq!(seqs(&array(&mut client, "classic").await), [1_002]);
    let off = r#"{"command":"subscribe","channels":["*"],"batch":false}"#;
    assert_eq!(client.ask(off).await["type"], "subscribed");
    server.say("as ever");
    assert_eq!(client.next().await["seq"], 1_003);
}

#[tokio::test]
async fn an_array_is_no_longer_than_64_kib_unless_one_event_is() {
    let server = TestServer::start().await;
    let mut client = Client::connect_to(&server, "/?channels=*&batch=1").await.0;
    assert_eq!(client.next().await["type"], "subscribed");
    let sizes = [30_000, 30_000, 30_000, 70_000, 10, 10];
    let large = |size: usize| "\u{1}".repeat(size / 6);
    for size in sizes {
        server.say(&large(size));
    }
    let mut seen = Vec::new();
    while seen.len() < sizes.len() {
        let text = client.text().await;
        let events: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert!(text.len() <= 64 << 10 || events.len() == 1, "{} bytes", text.len());
        seen.extend(events);
    }
    let contents: Vec<_> = seen.iter().map(|event| event["data"]["content"].as_str().unwrap()).collect();
    assert_eq!(contents, sizes.map(large));
}

#[tokio::test]
async fn every_dialect_has_arrays_and_a_url_may_ask_for_them_alone() {
    let server = TestServer::start().await;
    for (path, dialect, subscribe) in [
        ("/?batch=1", "classic", r#"{"command":"subscribe","channels":["*"],"replay":0}"#),
        ("/monitor?batch=1", "monitor", r#"{"action":"subscribe","replay":0}"#),
        ("/events?batch=1&replay=0", "envelope", r#"{"type":"subscribe","data":{"replay":0}}"#),
    ] {
        let mut client = Client::greeted(&server, path).await.0;
        client.ask(subscribe).await;
        let seq = server.say("x");
        let events = array(&mut client, dialect).await;
        let event = if dialect == "envelope" { &events[0]["data"] } else { &events[0] };
        assert_eq!((events.len(), &event["seq"]), (1, &json!(seq)), "{path}");
    }
    let (mut client, _) = Client::connect_to(&server, "/?batch=maybe").await;
    assert_eq!(client.next().await["data"]["error_code"], "REQ002");
}

/// The lines that frames stand for, joined or not.
fn lines_of(frame: &Value) -> Vec<String> {
    let content = frame["data"]["content"].as_str().unwrap();
    let lines: Vec<_> = content.split('\n').map(str::to_owned).collect();
    assert_eq!(frame["data"]["coalesced"].as_u64().unwrap_or(1), lines.len() as u64, "{frame}");
    lines
}

#[tokio::test]
async fn output_beyond_the_rate_comes_together_and_nothing_of_it_is_lost() {
    let server = TestServer::start().await;
    let mut client = Client::connect(&server).await;
    let subscribe = r#"{"command":"subscribe","channels":["*"],"max_rate":5}"#;
    assert_eq!(client.ask(subscribe).await["type"], "subscribed");
    let start = Instant::now();
    say_many(&server, 500);
    let (mut lines, mut frames, mut newest) = (Vec::new(), 0, 0);
    while lines.len() < 500 {
        let frame = client.next().await;
        lines.extend(lines_of(&frame));
        frames += 1;
        assert!(frame["seq"].as_u64().unwrap() > newest, "{frame}");
        newest = frame["seq"].as_u64().unwrap();
    }
    assert_eq!(lines, (0..500).map(|number| format!("line {number}")).collect::<Vec<_>>());
    let allowed = 5.0 + 5.0 * start.elapsed().as_secs_f64() + 1.0;
    assert!(f64::from(frames) <= allowed, "{frames} frames");
    assert_eq!(newest, 500);
}

#[tokio::test]
async fn what_is_dropped_is_counted_and_what_is_pressing_comes_at_once() {
    let server = TestServer::start().await;
    let mut client = Client::connect(&server).await;
    let subscribe = r#"{"command":"subscribe","channels":["*"],"max_rate":{"x.*":1,"x.free":1000000}}"#;
    assert_eq!(client.ask(subscribe).await["type"], "subscribed");
    let publish = |kind: &str| server.publisher().publish(Body::other(kind, Map::new()));
    let first = publish("x.y");
    let dropped: Vec<u64> = (0..10).map(|_| publish("x.y")).collect();
    let (other, free, fault) = (publish("z.y"), publish("x.free"), fail(&server));
    assert_eq!(client.next().await["seq"], first);
    let gap = client.next().await;
    assert_eq!(gap["type"], "system.gap", "whoever goes on behind what comes next knows what is missing");
    let told = json!({ "missed": 10, "from_seq": dropped[0], "to_seq": dropped[9], "reason": "max_rate" });
    assert_eq!(gap["data"], told);
    for seq in [other, free, fault] {
        assert_eq!(client.next().await["seq"], seq);
    }
    // Where nothing comes next, it is told all the same.
    let seq = publish("x.y");
    let gap = client.next().await;
    assert_eq!((&gap["type"], &gap["data"]["from_seq"]), (&json!("system.gap"), &json!(seq)));
    assert_eq!(server.hub.gauges().dropped(), 0, "nobody wanted them");
}

#[tokio::test]
async fn the_end_of_the_session_and_a_new_manner_bring_what_waits() {
    let server = TestServer::start().await;
    let mut client = Client::connect(&server).await;
    let subscribe = r#"{"command":"subscribe","channels":["*"],"max_rate":0.01,"batch":true}"#;
    assert_eq!(client.ask(subscribe).await["type"], "subscribed");
    say_many(&server, 5);
    assert_eq!(seqs(&array(&mut client, "classic").await), [1]);
    client.send(r#"{"command":"subscribe","channels":["*"],"max_rate":{"*":0.02},"batch":false}"#).await;
    let events = array(&mut client, "classic").await;
    assert_eq!((seqs(&events), &events[0]["data"]["coalesced"]), (vec![5], &json!(4)));
    assert_eq!(client.next().await["type"], "subscribed");
    say_many(&server, 5);
    assert_eq!(client.next().await["seq"], 6);
    let publish = || server.publisher().publish(Body::other("x.y", Map::new()));
    let last = [publish(), publish(), publish()][2];
    assert_eq!(
        (client.next().await["seq"].clone(), client.next().await["seq"].clone()),
        (json!(10), json!(11))
    );
    let end = end_session(&server);
    server.hub.close();
    let gap = client.next().await;
    assert_eq!((&gap["data"]["missed"], &gap["data"]["to_seq"]), (&json!(2), &json!(last)));
    assert_eq!(client.next().await["seq"], end);
    assert_eq!(client.closed().await, 1000);
}

#[tokio::test]
async fn no_bound_at_all_is_the_way_back() {
    let server = TestServer::start().await;
    let (mut client, _) = Client::connect_to(&server, "/?channels=*&max_rate=0.01").await;
    assert_eq!(client.next().await["type"], "subscribed");
    say_many(&server, 3);
    assert_eq!(client.next().await["seq"], 1);
    client.send(r#"{"command":"subscribe","channels":["*"],"max_rate":{}}"#).await;
    assert_eq!(client.next().await["seq"], 3);
    assert_eq!(client.next().await["type"], "subscribed");
    say_many(&server, 3);
    assert_eq!(client.lines(3).await, ["line 0", "line 1", "line 2"]);
}

#[tokio::test]
async fn joined_lines_are_as_the_schema_says_on_every_dialect() {
    let server = TestServer::start().await;
    for (path, subscribe) in [
        ("/monitor", r#"{"action":"subscribe","replay":0,"max_rate":1}"#),
        ("/events?replay=0", r#"{"type":"subscribe","data":{"replay":0,"max_rate":{"claude.*":1}}}"#),
    ] {
        let mut client = Client::greeted(&server, path).await.0;
        client.ask(subscribe).await;
        say_many(&server, 4);
        client.next().await;
        let joined = client.next().await;
        let data = if path == "/monitor" { &joined["data"] } else { &joined["data"]["payload"] };
        assert_eq!((&data["coalesced"], &data["content"]), (&json!(3), &json!("line 1\nline 2\nline 3")));
    }
}

/// What was dropped is told soon, but never on top of what a client has not taken yet.
#[tokio::test]
async fn what_waits_goes_out_only_once_the_client_has_taken_what_was_sent() {
    let server = TestServer::with(quiet(), Bounds { records: 100_000, bytes: 256 << 20 }).await;
    let mut client = Client::connect(&server).await;
    let subscribe = r#"{"command":"subscribe","channels":["*"],"replay":0,"max_rate":{"few.*":0.01}}"#;
    assert_eq!(client.ask(subscribe).await["type"], "subscribed");
    let large = json!({ "text": "x".repeat(60_000) }).as_object().unwrap().clone();
    let gauges = server.hub.gauges();
    let (mut last, mut same, mut few) = (0, 0, 0);
    eventually::eventually("the client blocks", || {
        server.publisher().publish(Body::other("many.x", large.clone()));
        server.publisher().publish(Body::other("few.x", Map::new()));
        few += 1;
        let waiting = gauges.queue_bytes();
        same = if waiting > 0 && waiting == last { same + 1 } else { 0 };
        last = waiting;
        same > 50
    })
    .await;
    // Long enough for it to be told, were it not for the client.
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    assert_eq!(gauges.queue_bytes(), last);
    let end = fail(&server);
    let (mut newest, mut missed) = (0, 0);
    while newest < end {
        let frame = client.next().await;
        match frame["seq"].as_u64() {
            Some(seq) => {
                assert!(seq > newest && frame["type"] != "few.x" || newest < 3, "{seq} behind {newest}");
                newest = seq;
            }
            None => missed += frame["data"]["missed"].as_u64().unwrap(),
        }
    }
    assert_eq!(missed + 1, few, "all that was dropped is told");
}
