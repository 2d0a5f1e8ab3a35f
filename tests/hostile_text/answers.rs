//! The headers of every answer: no page of another may frame it, guess what it is, learn where it came from, or read it.

use crate::MPM;
use std::fs;
use test_support::standalone::{Hub, Place};
use test_support::wire::{Answer, ask, handshake};

const PROTECTION: [&str; 4] = [
    "x-content-type-options: nosniff",
    "cache-control: no-store",
    "content-security-policy: default-src 'none'; frame-ancestors 'none'",
    "referrer-policy: no-referrer",
];

#[track_caller]
fn assert_protected(answer: &Answer, of: &str) {
    for line in PROTECTION {
        assert!(answer.head.lines().any(|own| own.eq_ignore_ascii_case(line)), "{of}: {line}: {answer:?}");
    }
    assert!(!answer.head.to_ascii_lowercase().contains("access-control"), "{of}: {answer:?}");
    assert!(
        !answer.has("set-cookie") && !answer.has("server") && !answer.has("location"),
        "{of}: {answer:?}"
    );
}

#[test]
fn every_answer_of_every_status_is_protected() {
    let place = Place::new(MPM);
    let config = place.path("config.toml");
    fs::write(&config, "[limits]\nconnections = 8\npost_bytes = 1024\n").unwrap();
    let start = |more: &[&str]| {
        let mut command = place.command(&[&["serve", "--websocket-port", "0"], more].concat());
        command.env("CLAUDE_MPM_CONFIG", &config);
        Hub::started(command)
    };
    let (hub, strict) = (start(&[]), start(&["--auth", "required", "--name", "strict"]));
    let json = "Content-Type: application/json\r\n";
    let mut seen = Vec::new();
    for (hub, first, headers, status) in [
        (&hub, "GET / HTTP/1.1", "", 200),
        (&hub, "GET /healthz HTTP/1.1", "", 200),
        (&hub, "HEAD /healthz HTTP/1.1", "", 200),
        (&hub, "GET /metrics HTTP/1.1", "", 200),
        (&hub, "GET /api/status HTTP/1.1", "", 200),
        (&hub, "GET /api/history HTTP/1.1", "", 200),
        (&hub, "GET /api/instances HTTP/1.1", "", 200),
        (&hub, "GET /api/schema HTTP/1.1", "", 200),
        (&hub, "GET /api/asyncapi HTTP/1.1", "", 200),
        (
            &hub,
            "POST /api/events HTTP/1.1",
            "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
            202,
        ),
        (&hub, "GET /api/history?limit=x HTTP/1.1", "", 400),
        (&hub, "GET http://evil.example/ HTTP/1.1", "", 400),
        (&hub, "GET / HTTP/1.1", "Host: twice\r\n", 400),
        (
            &hub,
            "POST /api/events HTTP/1.1",
            "Content-Type: application/json\r\nContent-Length: 1\r\n\r\n{",
            400,
        ),
        (&strict, "GET /api/status HTTP/1.1", "", 401),
        (&strict, "GET /nowhere HTTP/1.1", "", 401),
        (&hub, "GET / HTTP/1.1", "Authorization: Bearer x\r\n", 401),
        (&hub, "GET / HTTP/1.1", "Origin: null\r\n", 403),
        (&hub, "GET /nowhere HTTP/1.1", "", 404),
        (&hub, "GET /api/status?session=none HTTP/1.1", "", 404),
        (&hub, "POST / HTTP/1.1", "", 405),
        (&hub, "OPTIONS /api/status HTTP/1.1", "", 405),
        (&hub, "GET /api/events HTTP/1.1", "", 405),
        (&hub, "GET / HTTP/1.1", "Content-Length: 5\r\n", 413),
        (
            &hub,
            "POST /api/events HTTP/1.1",
            "Content-Type: application/json\r\nContent-Length: 1025\r\n",
            413,
        ),
        (&hub, "POST /api/events HTTP/1.1", "Content-Length: 2\r\n", 415),
        (&hub, "GET /ws HTTP/1.1", "", 426),
        (&hub, "GET /monitor HTTP/1.1", "", 426),
    ] {
        let end = if headers.contains("\r\n\r\n") { "" } else { "\r\n" };
        let answer = ask(hub.port, &format!("{first}\r\nHost: 127.0.0.1:PORT\r\n{headers}{end}"));
        assert_eq!(answer.status, status, "{first} {headers}: {answer:?}");
        assert_protected(&answer, &format!("{first} {headers}"));
        seen.push(status);
    }
    for _ in 0..21 {
        ask(strict.port, "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: Bearer x\r\n\r\n");
    }
    let too_many =
        ask(strict.port, "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: Bearer x\r\n\r\n");
    assert_eq!(too_many.status, 429);
    assert_protected(&too_many, "429");
    let held: Vec<_> = (0..8).map(|_| test_support::wire::upgraded(hub.port, "/", "").unwrap()).collect();
    let full = ask(hub.port, &handshake(hub.port, "/", json));
    assert_eq!(full.status, 503);
    assert_protected(&full, "503");
    drop(held);
    assert!(hub.stop().success() && strict.stop().success());
}

/// What is no request is answered before anything of ours sees it: there is no body that could be shown.
#[test]
fn an_answer_to_what_is_no_request_has_no_body() {
    let place = Place::new(MPM);
    let hub = place.serve(0);
    for (request, status) in [
        (format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000)), 431),
        (format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(70)), 431),
        ("GET / HTTP/1.1\r\nHost : x\r\n\r\n".into(), 400),
        ("GET\r\n\r\n".into(), 400),
        ("<script>alert(1)</script>\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: x\r\n\r\n".into(), 400),
    ] {
        let answer = ask(hub.port, &request);
        assert_eq!((answer.status, answer.body.as_str()), (status, ""), "{answer:?}");
        assert!(
            !answer.head.to_ascii_lowercase().contains("access-control") && !answer.head.contains("script"),
            "{answer:?}"
        );
    }
    assert!(hub.stop().success());
}
