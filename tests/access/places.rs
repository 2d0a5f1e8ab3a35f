//! Where a request comes from and whom it means, tried on the program itself: a hub that stands alone and one beside a
//! session, on every path, as a request and as a handshake.

use test_support::headless::Headless;
use test_support::standalone::Place;
use test_support::wire::{HANDSHAKE, ask};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
const PATHS: [&str; 14] = [
    "/",
    "/ws",
    "/events",
    "/monitor",
    "/healthz",
    "/metrics",
    "/api/status",
    "/api/history",
    "/api/instances",
    "/api/schema",
    "/api/asyncapi",
    "/api/events",
    "/api/hooks/Stop",
    "/nowhere",
];

/// What names another place than ours, as lines of a head.
const FOREIGN: [&str; 52] = [
    // Rebound names and other spellings of our address.
    "Host: evil.example:PORT",
    "Host: evil.example",
    "Host: 127.0.0.1.nip.io:PORT",
    "Host: localhost.evil.example:PORT",
    "Host: evil.localhost:PORT",
    "Host: localhost.:PORT",
    "Host: 127.0.0.1.:PORT",
    "Host: 2130706433:PORT",
    "Host: 0x7f000001:PORT",
    "Host: 0x7f.0.0.1:PORT",
    "Host: 0177.0.0.1:PORT",
    "Host: 017700000001:PORT",
    "Host: 127.1:PORT",
    "Host: 127.0.0.01:PORT",
    "Host: 127.0.0.2:PORT",
    "Host: 0.0.0.0:PORT",
    "Host: [::]:PORT",
    "Host: [::ffff:127.0.0.1]:PORT",
    "Host: [0:0:0:0:0:0:0:1]:PORT",
    // Other ports, and names around ours.
    "Host: 127.0.0.1",
    "Host: 127.0.0.1:80",
    "Host: 127.0.0.1:0PORT",
    "Host: 127.0.0.1:PORT0",
    "Host: 127.0.0.1:PORT@evil.example",
    "Host: x@127.0.0.1:PORT",
    "Host: evil.example#127.0.0.1:PORT",
    "Host: 127.0.0.1:PORT,evil.example",
    "Host: http://127.0.0.1:PORT",
    "Host: ",
    "Host: 127.0.0.1:PORT\r\nHost: 127.0.0.1:PORT",
    "Host: 127.0.0.1:PORT\r\nHost: evil.example",
    "X-Forwarded-Host: 127.0.0.1:PORT",
    // Pages of others.
    "Host: 127.0.0.1:PORT\r\nOrigin: null",
    "Host: 127.0.0.1:PORT\r\nOrigin: file://",
    "Host: 127.0.0.1:PORT\r\nOrigin: http://evil.example",
    "Host: 127.0.0.1:PORT\r\nOrigin: http://evil.example:PORT",
    "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1",
    "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:1",
    "Host: 127.0.0.1:PORT\r\nOrigin: http://localhost:3000",
    "Host: 127.0.0.1:PORT\r\nOrigin: https://127.0.0.1:PORT",
    "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT.evil.example",
    "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT@evil.example",
    "Host: 127.0.0.1:PORT\r\nOrigin: http://localhost.evil.example:PORT",
    "Host: 127.0.0.1:PORT\r\nOrigin: http://2130706433:PORT",
    "Host: 127.0.0.1:PORT\r\nOrigin: chrome-extension://abcdefghijklmnop",
    "Host: 127.0.0.1:PORT\r\nOrigin: vscode-webview://x",
    "Host: 127.0.0.1:PORT\r\nOrigin: ",
    "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT",
    "Host: 127.0.0.1:PORT\r\nSec-Fetch-Site: cross-site",
    "Host: 127.0.0.1:PORT\r\nSec-Fetch-Site: same-site",
    "Host: 127.0.0.1:PORT\r\nSec-Fetch-Site: cross-site\r\nOrigin: http://127.0.0.1:PORT",
    "Host: 127.0.0.1:PORT\r\nSec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site",
];

/// The port of a hub that stands alone, and that of one beside a session.
fn with_hubs(attack: impl Fn(u16)) {
    let place = Place::new(WRAPPER);
    let alone = place.serve(0);
    attack(alone.port);
    let session = Headless::start(&place);
    attack(session.url.rsplit(':').next().unwrap().parse().unwrap());
    assert!(alone.stop().success());
}

#[test]
fn nothing_foreign_is_answered_on_any_path_nor_taken_over_as_a_socket() {
    with_hubs(|port| {
        for foreign in FOREIGN {
            for path in PATHS {
                for (method, more) in [
                    ("GET", ""),
                    ("GET", HANDSHAKE),
                    ("POST", "Content-Type: application/json\r\nContent-Length: 2\r\n"),
                ] {
                    let body = if method == "POST" { "[]" } else { "" };
                    let answer =
                        ask(port, &format!("{method} {path} HTTP/1.1\r\n{foreign}\r\n{more}\r\n{body}"));
                    assert!(
                        [400, 403].contains(&answer.status),
                        "{method} {path} {foreign} {more}: {answer:?}"
                    );
                    let says_more = ["last_seq", "session_id", "claude-mpm watches", "openmetrics"]
                        .iter()
                        .any(|word| answer.body.contains(word) || answer.head.contains(word));
                    assert!(
                        !says_more && !answer.head.to_lowercase().contains("access-control"),
                        "{answer:?}"
                    );
                }
            }
        }
    });
}

#[test]
fn a_target_that_names_another_place_is_refused() {
    with_hubs(|port| {
        for (target, status) in [
            ("http://127.0.0.1:PORT/healthz", 200),
            ("http://evil.example/healthz", 400),
            ("http://evil.example:PORT/healthz", 400),
            ("http://localhost:PORT/healthz", 400),
            ("https://127.0.0.1:PORT/healthz", 400),
            ("ws://127.0.0.1:PORT/healthz", 400),
            ("http://x@127.0.0.1:PORT/healthz", 400),
            ("http://127.0.0.1:PORT@evil.example/healthz", 400),
            ("file:///etc/passwd", 400),
            ("//evil.example/healthz", 404),
            ("/../healthz", 404),
            ("/api/../healthz", 404),
            ("/%2e%2e/etc/passwd", 404),
            ("/healthz%00", 404),
            ("/HEALTHZ", 404),
            ("\\healthz", 400),
            ("healthz", 400),
            ("*", 400),
        ] {
            let answer = ask(port, &format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n"));
            let is_refused = status != 200 && [400, 403, 404].contains(&answer.status);
            assert!(answer.status == status || is_refused, "{target}: {answer:?}");
        }
    });
}

#[test]
fn no_answer_shares_anything_with_another_origin() {
    with_hubs(|port| {
        for path in PATHS {
            for origin in [
                "",
                "Origin: http://evil.example\r\n",
                "Origin: http://127.0.0.1:PORT\r\n",
                "Origin: null\r\n",
            ] {
                let asks = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n\
                    Access-Control-Request-Private-Network: true\r\n";
                let head = format!("OPTIONS {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n{origin}{asks}\r\n");
                let answer = ask(port, &head);
                assert!((400..500).contains(&answer.status), "{path} {origin}: {answer:?}");
                assert!(
                    !answer.head.to_lowercase().contains("access-control"),
                    "{path} {origin}: {answer:?}"
                );
            }
        }
    });
}

#[test]
fn an_event_is_posted_as_json_by_nobody_from_a_page() {
    const EVENT: &str = r#"{"event_type":"component.started","source":"x","timestamp":1706181600000,"payload":{"version":"1"}}"#;
    with_hubs(|port| {
        for (headers, status) in [
            ("Content-Type: application/json\r\n", 202),
            ("Content-Type: application/json; charset=utf-8\r\n", 202),
            ("", 415),
            ("Content-Type: text/plain\r\n", 415),
            ("Content-Type: text/plain; application/json\r\n", 415),
            ("Content-Type: text/plain;x=\"application/json\"\r\n", 415),
            ("Content-Type: application/x-www-form-urlencoded\r\n", 415),
            ("Content-Type: multipart/form-data; boundary=x\r\n", 415),
            ("Content-Type: application/jsonx\r\n", 415),
            ("Content-Type: application/json\r\nContent-Type: text/plain\r\n", 415),
            // What a page may send without asking first, and what our own page may not do without a token.
            ("Content-Type: text/plain\r\nOrigin: http://evil.example\r\n", 403),
            ("Content-Type: application/json\r\nOrigin: http://evil.example\r\n", 403),
            ("Content-Type: application/json\r\nOrigin: null\r\n", 403),
            ("Content-Type: application/json\r\nOrigin: http://127.0.0.1:PORT\r\n", 403),
            ("Content-Type: application/json\r\nSec-Fetch-Site: same-origin\r\n", 403),
            ("Content-Type: application/json\r\nSec-Fetch-Site: cross-site\r\n", 403),
        ] {
            let length = EVENT.len();
            let head = format!("POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n{headers}");
            let answer = ask(port, &format!("{head}Content-Length: {length}\r\n\r\n{EVENT}"));
            assert_eq!(answer.status, status, "{headers}: {answer:?}");
        }
        let answer = ask(port, "GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n");
        assert_eq!(answer.status, 405, "{answer:?}");
        let answer = ask(
            port,
            "POST /api/events?method=GET HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nX-HTTP-Method-Override: GET\r\n\r\n",
        );
        assert_eq!(answer.status, 415, "{answer:?}");
    });
}
