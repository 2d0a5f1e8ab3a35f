//! The classic dialect over the wire: what clients ask and what they are sent.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "server/hub_server.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod hub_server;
#[path = "server/ws_client.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod ws_client;

use claude_mpm::event::body::{Body, EndReason, Fault, ProcessState, ProcessStatus, SessionEnd, Severity};
use claude_mpm::event::{SessionId, Timestamp};
use claude_mpm::hub::Bounds;
use claude_mpm::server::Limits;
use hub_server::{TestServer, quiet};
use serde_json::{Value, json};
use ws_client::Client;

fn say_many(server: &TestServer, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        server.say(&format!("line {number}"));
    }
}

fn lines(numbers: std::ops::RangeInclusive<u32>) -> Vec<String> {
    numbers.map(|number| format!("line {number}")).collect()
}

fn fail(server: &TestServer, severity: Severity) {
    let (error, component, error_code) = ("e".into(), "c".into(), "RES001".into());
    server.publisher().publish(Body::Error(Fault { error, component, severity, error_code }));
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

fn run_claude(server: &TestServer) {
    let status = ProcessStatus::alive(ProcessState::Running, Some(7), "Claude is running");
    server.publisher().publish(Body::Status(status));
}

/// A reply has the shape of a frame, without `id` and `seq`.
fn assert_reply(server: &TestServer, reply: &Value, kind: &str) {
    assert_eq!(reply["type"], kind, "{reply}");
    assert_eq!(reply["epoch"], server.hub.epoch().as_str(), "{reply}");
    assert_eq!(reply["session_id"], "session-1", "{reply}");
    assert!(reply["timestamp"].as_str().unwrap().ends_with('Z'), "{reply}");
    assert!(reply.get("id").is_none() && reply.get("seq").is_none(), "{reply}");
}

#[tokio::test]
async fn a_client_is_greeted_with_the_status_and_hears_nothing_until_it_subscribes() {
    let server = TestServer::start().await;
    run_claude(&server);
    let (mut client, greeting) = Client::connect_to(&server, "/ws").await;
    assert_reply(&server, &greeting, "system.status");
    assert_eq!(greeting["data"]["claude_pid"], 7);
    assert_eq!(greeting["data"]["connected_clients"], 1);
    assert_eq!(greeting["data"]["last_seq"], 1);
    server.say("unheard");
    assert_reply(&server, &client.ask(r#"{"command":"ping"}"#).await, "pong");
}

#[tokio::test]
async fn a_first_subscription_replays_the_last_hundred_and_goes_on_live() {
    let server = TestServer::start().await;
    say_many(&server, 1..=150);
    let mut client = Client::connect(&server).await;
    let reply = client.ask(r#"{"command":"subscribe","channels":["*"],"request_id":[1,"a"]}"#).await;
    assert_reply(&server, &reply, "subscribed");
    assert_eq!(reply["request_id"], json!([1, "a"]));
    let expected = json!({"channels": ["*"], "cursor": {"epoch": server.hub.epoch().as_str(), "seq": 50}});
    assert_eq!(reply["data"], expected);
    server.say("line 151");
    let frame = client.next().await;
    assert_eq!((&frame["seq"], &frame["data"]["content"]), (&json!(51), &json!("line 51")));
    assert_eq!(frame["source"], "screen");
    assert_eq!(client.lines(100).await, lines(52..=151));
}

#[tokio::test]
async fn patterns_sessions_sources_and_severity_select() {
    let server = TestServer::start().await;
    server.say("a");
    run_claude(&server);
    fail(&server, Severity::Info);
    fail(&server, Severity::Critical);
    for (selection, expected) in [
        (json!({"channels": ["*"]}), vec![1, 2, 3, 4]),
        (json!({"channels": ["claude.*"]}), vec![1, 2]),
        (json!({"channels": ["claude.status", "system.*"]}), vec![2, 3, 4]),
        (json!({"channels": ["*"], "min_severity": "error"}), vec![4]),
        (json!({"channels": ["*"], "sources": ["screen"]}), vec![1, 2, 3, 4]),
        (json!({"channels": ["*"], "sources": ["hook"]}), vec![]),
        (json!({"channels": ["*"], "sessions": ["session-1", "x"], "after": 3}), vec![4]),
        (json!({"channels": ["*"], "sessions": ["x"]}), vec![]),
        (json!({"channels": ["*"], "replay": 2}), vec![3, 4]),
        (json!({"channels": ["*"], "replay": 0}), vec![]),
        (json!({"channels": ["*"], "since": "2020-01-01T00:00:00Z"}), vec![1, 2, 3, 4]),
        (json!({"channels": ["*"], "since": "2999-01-01T00:00:00Z"}), vec![]),
    ] {
        let mut client = Client::connect(&server).await;
        let mut request = selection.clone();
        request["command"] = json!("subscribe");
        assert_eq!(client.ask(&request.to_string()).await["type"], "subscribed");
        for seq in expected {
            assert_eq!(client.next().await["seq"], seq, "{selection}");
        }
        assert_eq!(client.ask(r#"{"command":"ping"}"#).await["type"], "pong", "{selection}");
    }
}

#[tokio::test]
async fn a_cursor_resumes_without_gap_or_repetition() {
    let server = TestServer::start().await;
    say_many(&server, 1..=10);
    let epoch = server.hub.epoch().as_str().to_owned();
    let (mut client, _) = Client::connect_to(&server, "/").await;
    let request = json!({"command": "subscribe", "channels": ["*"], "after": 7, "epoch": epoch});
    assert_eq!(client.ask(&request.to_string()).await["data"]["cursor"]["seq"], 7);
    assert_eq!(client.lines(3).await, lines(8..=10));
    say_many(&server, 11..=12);
    assert_eq!(client.lines(2).await, lines(11..=12));
}

#[tokio::test]
async fn a_cursor_of_another_epoch_is_named_and_gets_everything_in_memory() {
    let server = TestServer::start().await;
    say_many(&server, 1..=3);
    let mut client = Client::connect(&server).await;
    let request =
        r#"{"command":"subscribe","channels":["*"],"after":2,"epoch":"elsewhere","request_id":"r"}"#;
    assert_reply(&server, &client.ask(request).await, "subscribed");
    let notice = client.next().await;
    assert_reply(&server, &notice, "error");
    assert_eq!(notice["request_id"], "r");
    assert_eq!(notice["data"]["error_code"], "GAP001");
    assert_eq!((&notice["data"]["epoch"], &notice["data"]["last_seq"]), (&notice["epoch"], &json!(3)));
    assert_eq!(client.lines(3).await, lines(1..=3));
}

#[tokio::test]
async fn a_number_that_was_never_given_is_of_another_epoch_too() {
    let server = TestServer::start().await;
    say_many(&server, 1..=3);
    let epoch = server.hub.epoch().as_str().to_owned();
    for epoch in [None, Some(epoch)] {
        let (mut client, _) = Client::connect_to(&server, "/").await;
        let request = json!({"command": "subscribe", "channels": ["*"], "after": 4, "epoch": epoch});
        assert_eq!(client.ask(&request.to_string()).await["data"]["cursor"]["seq"], 0);
        assert_eq!(client.next().await["data"]["error_code"], "GAP001");
        assert_eq!(client.lines(3).await, lines(1..=3));
    }
}

#[tokio::test]
async fn a_second_subscription_replaces_the_filter_and_keeps_the_place() {
    let server = TestServer::start().await;
    say_many(&server, 1..=2);
    let mut client = Client::connect(&server).await;
    client.ask(r#"{"command":"subscribe","channels":["claude.output"]}"#).await;
    assert_eq!(client.lines(2).await, lines(1..=2));
    client.ask(r#"{"command":"subscribe","channels":["claude.status"]}"#).await;
    server.say("unheard");
    run_claude(&server);
    assert_eq!(client.next().await["type"], "claude.status");
    client.ask(r#"{"command":"subscribe","channels":["claude.output"],"replay":1}"#).await;
    assert_eq!(client.lines(1).await, ["unheard"]);
}

#[tokio::test]
async fn unsubscribing_says_what_is_left() {
    let server = TestServer::start().await;
    let mut client = Client::connect(&server).await;
    client.ask(r#"{"command":"subscribe","channels":["claude.*","system.error"]}"#).await;
    let reply =
        client.ask(r#"{"command":"unsubscribe","channels":["claude.*","other"],"request_id":1}"#).await;
    assert_reply(&server, &reply, "unsubscribed");
    assert_eq!((&reply["data"]["channels"], &reply["request_id"]), (&json!(["system.error"]), &json!(1)));
    server.say("unheard");
    fail(&server, Severity::Error);
    assert_eq!(client.next().await["type"], "system.error");
    assert_eq!(client.ask(r#"{"command":"unsubscribe"}"#).await["data"]["channels"], json!([]));
    fail(&server, Severity::Error);
    assert_eq!(client.ask(r#"{"command":"ping"}"#).await["type"], "pong");
}

#[tokio::test]
async fn status_and_history_are_answered() {
    let server = TestServer::start().await;
    say_many(&server, 1..=20);
    let mut client = Client::connect(&server).await;
    let status = client.ask(r#"{"command":"get_status","request_id":"s"}"#).await;
    assert_reply(&server, &status, "system.status");
    assert_eq!((&status["request_id"], &status["data"]["last_seq"]), (&json!("s"), &json!(20)));
    for (params, from, to, complete) in [
        (json!({}), 1, 20, true),
        (json!({"limit": 5}), 16, 20, false),
        (json!({"limit": 5, "before": 10}), 5, 9, false),
        (json!({"after": 17}), 18, 20, true),
        (json!({"event_types": ["claude.*"], "after": 2, "before": 4}), 3, 3, true),
        (json!({"until": "2020-01-01T00:00:00Z"}), 1, 0, true),
    ] {
        let request = json!({"command": "get_history", "params": params});
        let reply = client.ask(&request.to_string()).await;
        assert_reply(&server, &reply, "history");
        let seqs: Vec<_> =
            reply["data"]["events"].as_array().unwrap().iter().map(|e| e["seq"].as_u64()).collect();
        assert_eq!(seqs, (from..=to).map(Some).collect::<Vec<_>>(), "{params}");
        assert_eq!(reply["data"]["complete"], complete, "{params}");
    }
}

#[tokio::test]
async fn history_that_is_too_large_for_one_reply_is_cut_at_the_old_end() {
    let limits = Limits { history_bytes: 10_000, ..quiet() };
    let server = TestServer::with(limits, Bounds::default()).await;
    for _ in 0..20 {
        server.say(&"x".repeat(1000));
    }
    let reply = Client::connect(&server).await.ask(r#"{"command":"get_history"}"#).await;
    let events = reply["data"]["events"].as_array().unwrap();
    assert!((5..=9).contains(&events.len()), "{}", events.len());
    assert_eq!((&events[events.len() - 1]["seq"], &reply["data"]["complete"]), (&json!(20), &json!(false)));
}

#[tokio::test]
async fn register_subscribes_to_one_session_or_to_all() {
    let server = TestServer::start().await;
    server.say("line 1");
    for (request, id, heard) in [
        (r#"{"type":"register","session_id":"session-1"}"#, "session-1", true),
        (r#"{"type":"register","session_id":"other"}"#, "other", false),
        (r#"{"type":"register","session_id":"global"}"#, "global", true),
        (r#"{"type":"register"}"#, "global", true),
    ] {
        let mut client = Client::connect(&server).await;
        let reply = client.ask(request).await;
        assert_reply(&server, &reply, "registered");
        assert_eq!(reply["data"]["session_id"], id);
        match heard {
            true => assert_eq!(client.lines(1).await, ["line 1"]),
            false => assert_eq!(client.ask(r#"{"command":"ping"}"#).await["type"], "pong"),
        }
    }
}

#[tokio::test]
async fn a_url_subscribes_at_once() {
    let server = TestServer::start().await;
    say_many(&server, 1..=3);
    let (mut client, _) = Client::connect_to(&server, "/?channels=claude.output,system.*&replay=2").await;
    let reply = client.next().await;
    assert_reply(&server, &reply, "subscribed");
    assert_eq!(reply["data"]["channels"], json!(["claude.output", "system.*"]));
    assert_eq!(client.lines(2).await, lines(2..=3));
    for path in ["/ws?channels=a..b", "/ws?channels=%zz", "/?channels=a&channels=b"] {
        let (mut client, _) = Client::connect_to(&server, path).await;
        assert_eq!(client.next().await["data"]["error_code"], "REQ002", "{path}");
        assert_eq!(client.ask(r#"{"command":"ping"}"#).await["type"], "pong");
    }
}

#[tokio::test]
async fn every_malformed_message_is_answered_and_the_connection_kept() {
    let server = TestServer::with(Limits { burst: 1000.0, ..quiet() }, Bounds::default()).await;
    let mut client = Client::connect(&server).await;
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let deep_id = format!(r#"{{"command":"ping","request_id":{}1{}}}"#, "[".repeat(127), "]".repeat(127));
    let many = format!(r#"{{"command":"subscribe","channels":[{}"a"]}}"#, r#""a","#.repeat(15_000));
    for (text, code) in [
        ("", "WS002"),
        ("nonsense", "WS002"),
        ("{\"command\":", "WS002"),
        ("\u{0}", "WS002"),
        ("[]", "REQ002"),
        ("null", "REQ002"),
        ("\"ping\"", "REQ002"),
        (&deep, "REQ002"),
        (&many, "REQ002"),
        ("{}", "REQ001"),
        (r#"{"command":"explode"}"#, "REQ001"),
        (r#"{"command":"publish"}"#, "REQ002"),
        (r#"{"command":"publish","events":[{}]}"#, "WS002"),
        (r#"{"command":"relay","events":[]}"#, "AUTH002"),
        (r#"{"type":"hook.user_prompt","timestamp":"yesterday","data":{}}"#, "WS002"),
        (r#"{"command":["subscribe"]}"#, "REQ002"),
        (r#"{"command":"ping","command":"get_status"}"#, "REQ002"),
        (r#"{"command":"subscribe","channels":"*"}"#, "REQ002"),
        (r#"{"command":"subscribe","channels":["*"],"replay":-1}"#, "REQ002"),
        (r#"{"command":"subscribe","channels":["*"],"replay":1.5}"#, "REQ002"),
        (r#"{"command":"subscribe","channels":["*"],"after":99999999999999999999999}"#, "REQ002"),
        (r#"{"command":"get_history","params":{"limit":1000000}}"#, "REQ002"),
    ] {
        let reply = client.ask(text).await;
        assert_reply(&server, &reply, "error");
        assert_eq!(reply["data"]["error_code"], code, "{text:.60}");
        assert_eq!(
            (&reply["data"]["component"], &reply["data"]["severity"]),
            (&json!("server"), &json!("error"))
        );
    }
    // The id comes back letter by letter, even where few parsers could hold it.
    client.send(&deep_id).await;
    assert!(client.text().await.ends_with(&deep_id[r#"{"command":"ping","#.len()..]));
    client.send(r#"{"command":"x","request_id":{"n":1e400}}"#).await;
    let huge = client.text().await;
    assert_eq!(huge.matches(r#""request_id":{"n":1e400}"#).count(), 2, "{huge}");
}

#[tokio::test]
async fn too_many_requests_are_refused_and_then_end_the_connection() {
    let server = TestServer::with(
        Limits { requests_per_second: 0.0, burst: 3.0, refusals: 2, ..quiet() },
        Bounds::default(),
    )
    .await;
    let mut client = Client::connect(&server).await;
    for expected in ["pong", "pong", "pong", "error", "error"] {
        assert_eq!(client.ask(r#"{"command":"ping"}"#).await["type"], expected);
    }
    client.send(r#"{"command":"ping"}"#).await;
    assert_eq!(client.closed().await, 4429);
}

#[tokio::test]
async fn a_client_that_fell_off_the_ring_is_told_how_many_it_missed() {
    let server = TestServer::with(quiet(), Bounds { records: 100, bytes: usize::MAX }).await;
    let mut client = Client::connect(&server).await;
    client.ask(r#"{"command":"subscribe","channels":["*"]}"#).await;
    // The server shares this thread and cannot read on before all of these are published.
    say_many(&server, 1..=1000);
    let gap = client.next().await;
    assert_reply(&server, &gap, "system.gap");
    let expected = json!({"missed": 900, "from_seq": 1, "to_seq": 900, "reason": "fell behind"});
    assert_eq!(gap["data"], expected);
    assert_eq!(client.lines(100).await, lines(901..=1000));
    assert_eq!(server.hub.gauges().dropped(), 900);
}

#[tokio::test]
async fn everything_arrives_in_order_under_load() {
    let server = TestServer::start().await;
    let mut client = Client::connect(&server).await;
    client.ask(r#"{"command":"subscribe","channels":["*"]}"#).await;
    for round in 0..50 {
        say_many(&server, round * 100 + 1..=round * 100 + 100);
        if round % 3 == 0 {
            assert_eq!(client.lines(1).await.len(), 1);
        }
    }
    let mut last = client.next().await;
    while last["seq"] != 5000 {
        let next = client.next().await;
        assert_eq!(next["seq"].as_u64(), last["seq"].as_u64().map(|seq| seq + 1));
        last = next;
    }
}

#[tokio::test]
async fn what_is_left_is_delivered_before_the_session_over_close() {
    let server = TestServer::start().await;
    let (mut idle, mut client) = (Client::connect(&server).await, Client::connect(&server).await);
    client.ask(r#"{"command":"subscribe","channels":["*"]}"#).await;
    (0..3000).for_each(|_| assert_ne!(server.say("line"), 0));
    end_session(&server);
    server.hub.close();
    assert_eq!(client.lines(3000).await.len(), 3000);
    assert_eq!(client.next().await["type"], "session.end");
    assert_eq!(client.closed().await, 1000);
    assert_eq!(idle.closed().await, 1000);
    let mut late = Client::connect(&server).await;
    assert_eq!(late.closed().await, 1000);
    server.stop().await;
}
