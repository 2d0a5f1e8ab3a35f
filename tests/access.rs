//! HTTP over the wire: who is let in, what is answered, what is refused, and that nobody can dawdle.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "server/eventually.rs"]
mod eventually;
#[path = "access/guarded.rs"]
mod guarded;
#[path = "server/hub_server.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod hub_server;
#[path = "access/inside.rs"]
mod inside;
#[path = "access/places.rs"]
mod places;
#[path = "server/raw_http.rs"]
mod raw_http;
#[path = "access/roles.rs"]
mod roles;
#[path = "access/tokens.rs"]
mod tokens;
#[path = "access/writing.rs"]
mod writing;

use claude_mpm::hub::{Bounds, Hub};
use claude_mpm::server::{Access, Limits, Listener, serve};
use eventually::eventually;
use hub_server::{PATIENCE, TestServer};
use raw_http::{Answer, exchange};
use std::time::Duration;
use test_support::schema;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::time::timeout;

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// `PORT` in the request becomes the server's.
async fn ask(server: &TestServer, request: &str) -> Answer {
    let request = request.replace("PORT", &server.address.port().to_string());
    let stream = TcpStream::connect(server.address).await.unwrap();
    exchange(stream, request.as_bytes()).await
}

async fn get(server: &TestServer, path: &str, headers: &str) -> Answer {
    ask(server, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n{headers}\r\n")).await
}

#[tokio::test]
async fn every_path_says_what_it_should_with_protective_headers() {
    let server = TestServer::start().await;
    (0..3).for_each(|_| assert_ne!(server.say("a line"), 0));
    for (path, status, content_type, contains) in [
        ("/healthz", 200, "application/json", r#"{"status":"ok"}"#),
        ("/healthz?x=1", 200, "application/json", r#"{"status":"ok"}"#),
        ("/api/status", 200, "application/json", r#""last_seq":3"#),
        ("/api/history", 200, "application/json", r#""seq":3"#),
        ("/", 200, "text/plain; charset=utf-8", "/api/history"),
        ("/ws", 426, "application/json", "cannot serve /ws"),
        ("/events", 426, "application/json", "ask for an upgrade"),
        ("/monitor", 426, "application/json", "ask for an upgrade"),
        ("/events/", 404, "application/json", "cannot find path"),
        ("/metrics", 200, "application/openmetrics-text; version=1.0.0; charset=utf-8", "# EOF"),
        ("/api/schema", 200, "application/json", "json-schema.org"),
        ("/api/asyncapi", 200, "application/json", "asyncapi"),
        ("/api/instances", 200, "application/json", "["),
        ("/../etc/passwd", 404, "application/json", "cannot find path"),
        ("/healthz/", 404, "application/json", "cannot find path"),
        ("//healthz", 404, "application/json", "cannot find path"),
        ("/%68ealthz", 404, "application/json", "cannot find path"),
        ("/api/history?limit=x", 400, "application/json", "cannot read limit"),
        ("/api/history?channels=a..b", 400, "application/json", "REQ002"),
        ("/api/history?since=yesterday", 400, "application/json", "cannot read since"),
    ] {
        let answer = get(&server, path, "").await;
        assert_eq!(answer.status, status, "{path} {answer:?}");
        assert!(answer.body.contains(contains), "{path} {answer:?}");
        for line in [
            &format!("content-type: {content_type}"),
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "content-security-policy: default-src 'none'; frame-ancestors 'none'",
            "connection: close",
        ] {
            assert!(answer.has(line), "{path}: {line}: {answer:?}");
        }
        assert!(!answer.head.to_lowercase().contains("access-control"), "{answer:?}");
    }
}

#[tokio::test]
async fn history_selects_as_the_query_says() {
    let server = TestServer::start().await;
    (0..30).for_each(|_| assert_ne!(server.say("a line"), 0));
    for (query, expected) in [
        ("", (1..=30).collect::<Vec<u64>>()),
        ("?limit=2", vec![29, 30]),
        ("?after=28", vec![29, 30]),
        ("?channels=claude.*,x&limit=1", vec![30]),
        ("?channels=agent.*", vec![]),
        ("?session=other", vec![]),
        ("?session=session-1&after=29", vec![30]),
        ("?since=2999-01-01T00:00:00Z", vec![]),
        ("?until=2020-01-01T00:00:00Z", vec![]),
    ] {
        let answer = get(&server, &format!("/api/history{query}"), "").await;
        let json = &answer.body[answer.body.find('[').unwrap()..=answer.body.rfind(']').unwrap()];
        let events: Vec<serde_json::Value> = serde_json::from_str(json).unwrap();
        events.iter().for_each(|event| schema::hold("classic/event", event));
        let seqs: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, expected, "{query}");
    }
}

#[tokio::test]
async fn only_get_and_head_are_known_and_bodies_are_not_taken() {
    let server = TestServer::start().await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
        let answer =
            ask(&server, &format!("{method} /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n")).await;
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.has("allow: GET, HEAD"), "{answer:?}");
    }
    let head = ask(&server, "HEAD /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.has("content-length: 15"), "{head:?}");
    for (headers, status) in [
        ("Content-Length: 5\r\n", 413),
        ("Transfer-Encoding: chunked\r\n", 413),
        ("Content-Length: 0\r\n", 200),
        ("Content-Length: x\r\n", 400),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", 400),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 413),
        ("Transfer-Encoding: nonsense\r\n", 400),
    ] {
        assert_eq!(get(&server, "/healthz", headers).await.status, status, "{headers}");
    }
}

#[tokio::test]
async fn foreign_hosts_origins_and_sites_are_refused_everywhere() {
    let server = TestServer::start().await;
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost: LOCALHOST:PORT\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nhost:\t[::1]:PORT \r\n", 200),
        ("GET /healthz HTTP/1.0\r\nHost: 127.0.0.1:PORT\r\n", 200),
        ("GET http://127.0.0.1:PORT/healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n", 200),
        ("GET http://localhost:PORT/healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n", 400),
        ("GET http://evil.example/healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n", 400),
        ("GET https://127.0.0.1:PORT/healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n", 400),
        ("GET http://127.0.0.1:PORT/healthz HTTP/1.1\r\nHost: evil.example\r\n", 403),
        ("CONNECT 127.0.0.1:PORT HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n", 400),
        ("GET /healthz HTTP/1.0\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost:\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: 127.0.0.1:PORT\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: evil.example:PORT\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: localhost.:PORT\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT@evil.example\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n x\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost : 127.0.0.1:PORT\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost: localhost:PORT\r\nOrigin: http://localhost:PORT\r\n", 200),
        // Other places, where somebody else may listen.
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://localhost:PORT\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://[::1]:PORT\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: null\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://evil.example\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: https://127.0.0.1:PORT\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:1\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nSec-Fetch-Site: same-origin\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nSec-Fetch-Site: cross-site\r\n", 403),
        ("GET /nowhere HTTP/1.1\r\nHost: evil.example\r\n", 403),
        ("POST / HTTP/1.1\r\nHost: evil.example\r\n", 403),
    ] {
        let answer = ask(&server, &format!("{head}\r\n")).await;
        assert_eq!(answer.status, status, "{head} {answer:?}");
        if head.contains("HTTP/1.1") && status == 200 {
            let upgrade = format!(
                "{head}Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n{KEY}\r\n"
            );
            assert_eq!(ask(&server, &upgrade.replace("/healthz", "/")).await.status, 101, "{upgrade}");
        }
    }
}

#[tokio::test]
async fn upgrades_follow_the_rfc() {
    let server = TestServer::start().await;
    let (up, on, version) =
        ("Upgrade: websocket\r\n", "Connection: Upgrade\r\n", "Sec-WebSocket-Version: 13\r\n");
    for (request, headers, status) in [
        ("GET / HTTP/1.1", format!("{up}{on}{version}{KEY}"), 101),
        ("GET /ws HTTP/1.1", format!("{up}{on}{version}{KEY}"), 101),
        ("GET /ws?channels=* HTTP/1.1", format!("{up}{on}{version}{KEY}"), 101),
        (
            "GET / HTTP/1.1",
            format!("upgrade: WebSocket\r\nconnection: keep-alive, UPGRADE\r\n{version}{KEY}"),
            101,
        ),
        ("GET / HTTP/1.1", format!("{up}{on}{version}{KEY}Sec-WebSocket-Protocol: x\r\n"), 101),
        (
            "GET / HTTP/1.1",
            format!("{up}{on}{version}{KEY}Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            101,
        ),
        ("GET / HTTP/1.1", format!("{up}{on}{KEY}"), 426),
        ("GET / HTTP/1.1", format!("{up}{on}{KEY}Sec-WebSocket-Version: 8\r\n"), 426),
        ("GET / HTTP/1.1", format!("{up}{on}{KEY}{version}{version}"), 426),
        ("GET / HTTP/1.1", format!("{up}{version}{KEY}"), 400),
        ("GET / HTTP/1.1", format!("{up}Connection: close\r\n{version}{KEY}"), 400),
        ("GET / HTTP/1.1", format!("{up}{on}{version}"), 400),
        ("GET / HTTP/1.1", format!("{up}{on}{version}{KEY}{KEY}"), 400),
        ("GET / HTTP/1.1", format!("{up}{on}{version}Sec-WebSocket-Key: short\r\n"), 400),
        ("GET / HTTP/1.1", format!("{up}{on}{version}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=\r\n"), 400),
        ("GET / HTTP/1.1", format!("{up}{on}{version}Sec-WebSocket-Key: dGhlIHNhbXBs*SBub25jZQ==\r\n"), 400),
        ("GET / HTTP/1.0", format!("{up}{on}{version}{KEY}"), 400),
        ("HEAD / HTTP/1.1", format!("{up}{on}{version}{KEY}"), 400),
        ("POST / HTTP/1.1", format!("{up}{on}{version}{KEY}"), 405),
        ("GET / HTTP/1.1", format!("{up}{on}{version}{KEY}Content-Length: 3\r\n"), 413),
        ("GET / HTTP/1.1", format!("Upgrade: h2c\r\n{on}"), 200),
        ("GET /event HTTP/1.1", format!("{up}{on}{version}{KEY}"), 404),
        ("GET /healthz HTTP/1.1", format!("{up}{on}{version}{KEY}"), 200),
    ] {
        let answer = ask(&server, &format!("{request}\r\nHost: 127.0.0.1:PORT\r\n{headers}\r\n")).await;
        assert_eq!(answer.status, status, "{request} {headers} {answer:?}");
        assert_eq!(answer.has("Sec-WebSocket-Version: 13"), status == 426, "{answer:?}");
        assert_eq!(
            answer.has("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            status == 101,
            "{answer:?}"
        );
        let negotiated = ["sec-websocket-protocol", "sec-websocket-extensions"];
        assert!(!negotiated.iter().any(|name| answer.head.to_lowercase().contains(name)), "{answer:?}");
    }
}

#[tokio::test]
async fn heads_that_are_too_large_or_no_http_are_refused() {
    let server = TestServer::start().await;
    let lines = |count: usize| "X: y\r\n".repeat(count);
    assert_eq!(get(&server, "/healthz", &lines(60)).await.status, 200);
    assert_eq!(get(&server, "/healthz", &lines(64)).await.status, 431);
    assert_eq!(get(&server, "/healthz", &format!("X: {}\r\n", "y".repeat(15_000))).await.status, 200);
    assert_eq!(get(&server, "/healthz", &format!("X: {}\r\n", "y".repeat(17_000))).await.status, 431);
    assert!([414, 431].contains(&get(&server, &format!("/{}", "y".repeat(17_000)), "").await.status));
    for garbage in
        ["\r\n\r\nx\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"]
    {
        assert!([0, 400].contains(&ask(&server, garbage).await.status), "{garbage:?}");
    }
}

#[tokio::test]
async fn a_second_request_behind_the_first_is_never_read() {
    let server = TestServer::start().await;
    let one = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: keep-alive\r\n\r\n";
    let answer = ask(&server, &format!("{one}{one}")).await;
    assert_eq!((answer.status, answer.body.matches("HTTP/1.1").count()), (200, 0), "{answer:?}");
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_cut_at_its_deadline() {
    let limits = Limits { head: Duration::from_millis(300), ..Limits::default() };
    let server = TestServer::with(limits, Bounds::default()).await;
    let (mut read, mut write) = TcpStream::connect(server.address).await.unwrap().into_split();
    let drip = async {
        loop {
            if write.write_all(b"X").await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let mut rest = Vec::new();
    let cut = async { drop(read.read_to_end(&mut rest).await) };
    timeout(PATIENCE, async { tokio::select!(() = drip => {}, () = cut => {}) }).await.expect("cut");
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_cut_at_its_deadline() {
    let limits =
        Limits { head: Duration::from_millis(100), answer: Duration::from_millis(200), ..Limits::default() };
    let server = TestServer::with(limits, Bounds { records: 10_000, bytes: usize::MAX }).await;
    let line = "x".repeat(60_000);
    (0..300).for_each(|_| assert_ne!(server.say(&line), 0));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET /api/history?limit=10000 HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    stream.write_all(request.as_bytes()).await.unwrap();
    // Nothing is read until the server has let go of the records, which then are only in the log.
    let records = || server.hub.history(&everything()).records;
    eventually("the answer began", || std::sync::Arc::strong_count(&records()[299]) > 2).await;
    eventually("the answer was dropped", || std::sync::Arc::strong_count(&records()[299]) == 2).await;
    let mut taken = Vec::new();
    drop(timeout(PATIENCE, stream.read_to_end(&mut taken)).await.expect("an end"));
    assert!(taken.len() < 300 * 60_000, "{}", taken.len());
}

fn everything() -> claude_mpm::filter::Query {
    let filter = claude_mpm::filter::Filter::all();
    claude_mpm::filter::Query { filter, limit: usize::MAX, ..Default::default() }
}

#[tokio::test]
async fn callers_that_say_nothing_make_room_for_those_that_speak() {
    let server = TestServer::start().await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    assert_eq!(get(&server, "/healthz", "").await.status, 200);
    let mut byte = [0];
    let first = timeout(PATIENCE, silent[0].read(&mut byte)).await.expect("the oldest is cut");
    assert!(matches!(first, Ok(0) | Err(_)));
    assert!(
        timeout(Duration::from_millis(50), silent[299].read(&mut byte)).await.is_err(),
        "the newest waits"
    );
    server.stop().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so() {
    let server = TestServer::with(Limits { connections: 2, ..Limits::default() }, Bounds::default()).await;
    let upgrade = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
         Sec-WebSocket-Version: 13\r\n{KEY}\r\n",
        server.address
    );
    let mut held = Vec::new();
    for clients in 1..=2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(upgrade.as_bytes()).await.unwrap();
        held.push(stream);
        eventually("the client is in", || server.hub.gauges().clients() == clients).await;
    }
    assert_eq!(get(&server, "/healthz", "").await.status, 503);
    drop(held);
    eventually("the clients left", || server.hub.gauges().clients() == 0).await;
    assert_eq!(get(&server, "/healthz", "").await.status, 200);
}

#[tokio::test]
async fn the_unix_socket_needs_no_host_and_takes_no_origin() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hub.sock");
    let listener = Listener::Unix(UnixListener::bind(&path).unwrap());
    let hub = Hub::new(claude_mpm::event::SessionId::new("s"), Bounds::default());
    let (shutdown, signal) = tokio::sync::watch::channel(false);
    let server = tokio::spawn(serve(vec![listener], hub, Access::loopback(), signal));
    for (headers, status) in [
        ("", 200),
        ("Host: anything\r\n", 200),
        ("Origin: http://127.0.0.1:8765\r\n", 403),
        ("Origin: null\r\n", 403),
    ] {
        let stream = UnixStream::connect(&path).await.unwrap();
        let answer = exchange(stream, format!("GET /healthz HTTP/1.1\r\n{headers}\r\n").as_bytes()).await;
        assert_eq!(answer.status, status, "{headers}");
    }
    let upgrade = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n{KEY}\r\n"
    );
    let stream = UnixStream::connect(&path).await.unwrap();
    assert_eq!(exchange(stream, upgrade.as_bytes()).await.status, 101);
    drop(shutdown);
    timeout(PATIENCE, server).await.expect("a dropped signal is a signal").unwrap();
}
