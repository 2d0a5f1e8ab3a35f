//! How connections live and end: violations, slow and silent clients, the end of the session, the shutdown.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "server/eventually.rs"]
mod eventually;
#[path = "server/hub_server.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod hub_server;
#[path = "server/raw_ws.rs"]
mod raw_ws;
#[path = "server/ws_client.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod ws_client;

use claude_mpm::event::body::{Body, EndReason, SessionEnd};
use claude_mpm::event::{SessionId, Timestamp};
use claude_mpm::filter::{Filter, Query};
use claude_mpm::hub::Bounds;
use claude_mpm::journal::Journal;
use claude_mpm::server::Limits;
use eventually::eventually;
use hub_server::{TestServer, quiet};
use raw_ws::{RawSocket, masked};
use serde_json::Value;
use std::time::{Duration, Instant};
use test_support::schema;
use ws_client::Client;

const ALL: &str = r#"{"command":"subscribe","channels":["*"]}"#;
const MOMENT: Duration = Duration::from_millis(200);

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

/// A client that reads nothing, and so much published that its kernel buffers are full.
async fn blocked_client(server: &TestServer) -> RawSocket {
    let mut client = RawSocket::connect(server).await;
    client.send_text(ALL).await;
    let line = "x".repeat(60_000);
    let (gauges, mut last, mut same) = (server.hub.gauges(), 0, 0);
    eventually("the client blocks", || {
        server.say(&line);
        let waiting = gauges.queue_bytes();
        same = if waiting > 0 && waiting == last { same + 1 } else { 0 };
        last = waiting;
        same > 50
    })
    .await;
    client
}

async fn no_clients(server: &TestServer) {
    eventually("the client is gone", || server.hub.gauges().clients() == 0).await;
    assert_eq!(server.hub.gauges().queue_bytes(), 0);
}

#[tokio::test]
async fn every_violation_ends_with_its_code() {
    let server = TestServer::start().await;
    let mut reserved_bit = masked(0x81, b"x");
    reserved_bit[0] |= 0x40;
    let fragments = |second: u8, payload: &[u8]| [masked(0x01, b"a"), masked(second, payload)].concat();
    let mut growing = masked(0x01, &vec![b'a'; 40_000]);
    growing.extend(masked(0x80, &vec![b'a'; 40_000]));
    for (what, bytes, code) in [
        ("binary", masked(0x82, b"x"), 1003),
        ("unmasked", vec![0x81, 1, b'x'], 1002),
        ("reserved bit", reserved_bit, 1002),
        ("reserved data opcode", masked(0x83, b"x"), 1002),
        ("reserved control opcode", masked(0x8b, b""), 1002),
        ("fragmented ping", masked(0x09, b"x"), 1002),
        ("long ping", masked(0x89, &[0; 126]), 1002),
        ("continuation of nothing", masked(0x80, b"x"), 1002),
        ("text between fragments", fragments(0x81, b"b"), 1002),
        ("close of one byte", masked(0x88, b"x"), 1002),
        ("close code 1005", masked(0x88, &[0x03, 0xed]), 1002),
        ("close code 999", masked(0x88, &[0x03, 0xe7]), 1002),
        ("close reason not UTF-8", masked(0x88, &[0x03, 0xe8, 0xff]), 1007),
        ("text not UTF-8", masked(0x81, b"a\xffb"), 1007),
        ("fragments not UTF-8", fragments(0x80, b"\xff"), 1007),
        ("too big", masked(0x81, &vec![b'x'; 65_537]), 1009),
        ("too big in fragments", growing, 1009),
        ("too big by its header", vec![0x81, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], 1009),
    ] {
        let mut client = RawSocket::connect(&server).await;
        client.send(&bytes).await;
        assert_eq!(client.close_code().await, Some(code), "{what}");
    }
    no_clients(&server).await;
}

#[tokio::test]
async fn a_text_of_exactly_the_limit_split_between_fragments_is_read() {
    let server = TestServer::start().await;
    let mut client = RawSocket::connect(&server).await;
    let mut text = br#"{"command":"ping","pad":""#.to_vec();
    text.resize(65_534, b'x');
    text.extend_from_slice(b"\"}");
    client.send(&masked(0x01, &text[..30_001])).await;
    client.send(&masked(0x89, b"in between")).await;
    client.send(&masked(0x80, &text[30_001..])).await;
    client.frame().await.unwrap();
    let (pong, reply) = (client.frame().await.unwrap(), client.frame().await.unwrap());
    assert_eq!((pong.opcode, &pong.payload[..]), (10, &b"in between"[..]));
    assert!(String::from_utf8(reply.payload).unwrap().starts_with(r#"{"type":"pong""#));
}

#[tokio::test]
async fn the_clients_own_close_is_answered_with_its_code() {
    let server = TestServer::start().await;
    for (payload, code) in [(vec![0x03, 0xe8], 1000), (vec![0x0b, 0xb8, b'b'], 3000)] {
        let mut client = RawSocket::connect(&server).await;
        client.send(&masked(0x88, &payload)).await;
        assert_eq!(client.close_code().await, Some(code));
        assert!(client.frame().await.is_err(), "the server ends the connection");
    }
    no_clients(&server).await;
}

#[tokio::test]
async fn a_client_still_behind_at_the_end_gets_a_gap_the_end_and_1000() {
    let limits = Limits { delivery_at_end: MOMENT, farewell: hub_server::PATIENCE, ..quiet() };
    let server = TestServer::with(limits, Bounds::default()).await;
    let mut client = blocked_client(&server).await;
    let end = end_session(&server);
    server.hub.close();
    // Reads again only when the server gave up on delivering everything.
    eventually("the rest is counted as missed", || server.hub.gauges().dropped() > 0).await;
    let (mut seen, mut missed) = (0, 0);
    loop {
        let frame = client.frame().await.unwrap();
        if frame.opcode == 8 {
            assert_eq!(frame.payload[..2], [0x03, 0xe8]);
            break;
        }
        let frame: Value = serde_json::from_slice(&frame.payload).unwrap();
        schema::check("classic", &frame);
        match frame["type"].as_str().unwrap() {
            "claude.output" | "session.end" => seen += 1,
            "system.gap" => missed += frame["data"]["missed"].as_u64().unwrap(),
            _ => {}
        }
    }
    assert_eq!(seen + missed, end, "every number was sent or counted");
}

/// What is looked up takes as long as the one thread for that is busy.
#[test]
fn what_was_asked_before_the_end_is_answered_before_1000() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().max_blocking_threads(1).build().unwrap().block_on(async {
        let base = tempfile::tempdir().unwrap();
        let limits = Limits { delivery_at_end: hub_server::PATIENCE, ..quiet() };
        let server = TestServer::with(limits, Bounds { records: 10, ..Bounds::default() }).await;
        let writer = Journal::open(base.path()).unwrap().writer(server.hub.epoch().as_str(), u64::MAX);
        let _journalist = server.hub.keep_journal(writer, Box::new(|| {})).unwrap();
        eventually("memory has not all", || {
            server.say("line");
            let query = Query { filter: Filter::all(), limit: usize::MAX, ..Query::default() };
            !server.hub.history(&query).complete
        })
        .await;
        let [mut idle, mut reading, mut other] =
            [Client::connect(&server).await, Client::connect(&server).await, Client::connect(&server).await];
        let subscribe = r#"{"command":"subscribe","channels":["session.*"],"replay":0}"#;
        assert_eq!(reading.ask(subscribe).await["type"], "subscribed");
        let (release, busy) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || busy.recv());
        for client in [&mut idle, &mut reading] {
            client.send(r#"{"command":"get_history","params":{"limit":1000}}"#).await;
        }
        // What was sent before this was answered has been read.
        for _ in 0..3 {
            assert_eq!(other.ask(r#"{"command":"ping"}"#).await["type"], "pong");
        }
        end_session(&server);
        server.hub.close();
        assert_eq!(other.closed().await, 1000);
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        for mut client in [idle, reading] {
            let history = client.find(|frame| frame["type"] == "history").await;
            assert_eq!(history["data"]["events"][0]["seq"], 1);
            assert_eq!(client.closed().await, 1000);
        }
    });
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_and_the_others_do_not_notice() {
    // Long enough that the client is known to be blocked before it is given up, on a loaded machine too.
    let limits = Limits { write: Duration::from_secs(4), farewell: MOMENT, ..quiet() };
    let server = TestServer::with(limits, Bounds::default()).await;
    let _blocked = blocked_client(&server).await;
    assert!(server.hub.gauges().queue_bytes() < 256 << 10, "one outbox and one large frame");
    let mut other = Client::connect(&server).await;
    other.ask(r#"{"command":"subscribe","channels":["*"],"replay":0}"#).await;
    server.say("still here");
    assert_eq!(other.lines(1).await, ["still here"]);
    eventually("the blocked client is cut", || server.hub.gauges().clients() == 1).await;
    assert_eq!(server.hub.gauges().queue_bytes(), 0);
}

#[tokio::test]
async fn a_slow_client_that_wakes_in_time_hears_4408() {
    // Long enough that the client is known to be blocked before it is given up, on a loaded machine too.
    let write = Duration::from_secs(4);
    let limits = Limits { write, farewell: hub_server::PATIENCE, ..quiet() };
    let server = TestServer::with(limits, Bounds::default()).await;
    let mut client = blocked_client(&server).await;
    let before = server.hub.gauges().queue_bytes();
    // The Close frame behind the events is the only thing that can make the queue grow.
    eventually("the Close frame waits", || server.hub.gauges().queue_bytes() > before).await;
    assert_eq!(client.close_code().await, Some(4408));
}

/// It takes a tenth of what the kernel would keep for it, in the time in which it has to take something.
#[tokio::test]
async fn a_client_that_takes_little_but_always_something_stays() {
    const TAKEN: usize = 64 << 10;
    let write = Duration::from_secs(3);
    let limits = Limits { write, farewell: MOMENT, ..quiet() };
    let server = TestServer::with(limits, Bounds::default()).await;
    let mut client = blocked_client(&server).await;
    let mut turn = tokio::time::interval(write / 10);
    for _ in 0..35 {
        turn.tick().await;
        client.take(TAKEN).await;
        assert_eq!(server.hub.gauges().clients(), 1);
        while server.hub.gauges().queue_bytes() == 0 {
            server.say(&"x".repeat(60_000));
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_ping_flood_from_a_client_that_does_not_read_costs_no_memory() {
    let server = TestServer::start().await;
    let mut client = blocked_client(&server).await;
    let before = server.hub.gauges().queue_bytes();
    let pings = masked(0x89, &[7; 125]).repeat(500);
    for _ in 0..20 {
        client.send(&pings).await;
    }
    client.send_text(r#"{"command":"ping","request_id":"last"}"#).await;
    assert!(server.hub.gauges().queue_bytes() <= before + Limits::default().control_bytes as u64);
    loop {
        let frame = client.frame().await.unwrap();
        if frame.opcode == 1 && String::from_utf8_lossy(&frame.payload).contains(r#""request_id":"last""#) {
            break;
        }
    }
}

#[tokio::test]
async fn silent_clients_are_pinged_and_ended_and_those_that_answer_stay() {
    let limits = Limits { ping: Duration::from_millis(50), farewell: MOMENT, ..quiet() };
    let server = TestServer::with(limits, Bounds::default()).await;
    let mut silent = RawSocket::connect(&server).await;
    let mut alive = Client::connect(&server).await;
    alive.ask(ALL).await;
    let pings = async {
        let mut pings = 0;
        while let Ok(frame) = silent.frame().await {
            pings += u32::from(frame.opcode == 9);
        }
        pings
    };
    // Reading is what answers pings: the live client waits for its line meanwhile.
    let (pings, lines) = tokio::join!(
        async {
            let pings = pings.await;
            server.say("after the silent one left");
            pings
        },
        alive.lines(1)
    );
    assert_eq!((pings, lines), (2, vec!["after the silent one left".to_owned()]));
}

#[tokio::test]
async fn the_shutdown_closes_with_1001_and_waits_for_nobody_for_long() {
    let server = TestServer::start().await;
    let mut client = Client::connect(&server).await;
    let _silent = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let _deaf = blocked_client(&server).await;
    let (closed, began) = (client.closed(), Instant::now());
    let (code, ()) = tokio::join!(closed, server.stop());
    assert_eq!(code, 1001);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn clients_are_counted_while_they_are_there() {
    let server = TestServer::start().await;
    let (first, second) = (Client::connect(&server).await, Client::connect_to(&server, "/").await);
    assert_eq!(second.1["data"]["connected_clients"], 2);
    drop((first, second));
    no_clients(&server).await;
}
