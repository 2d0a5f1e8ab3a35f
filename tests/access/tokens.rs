//! Tokens that are none: odd ones, right ones in the wrong place, guessed ones, and those that were right once.

use crate::guarded::{DIALECTS, Guarded, ORDERS, until};
use claude_mpm::event::Timestamp;
use claude_mpm::instance::Role;
use claude_mpm::instance::tokens::Wish;
use claude_mpm::server::Limits;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use test_support::wire::{ask_bytes, handshake, upgraded};

/// Lines of a head that show no token, by what is odd in them; `RIGHT` stands for one that is right.
const ODD_HEADERS: [(&str, &str); 19] = [
    ("nothing", "Authorization: \r\n"),
    ("spaces", "Authorization:       \r\n"),
    ("the scheme alone", "Authorization: Bearer\r\n"),
    ("the scheme and a space", "Authorization: Bearer \r\n"),
    ("two spaces", "Authorization: Bearer  RIGHT\r\n"),
    ("a tab", "Authorization: Bearer\tRIGHT\r\n"),
    ("no scheme", "Authorization: RIGHT\r\n"),
    ("another scheme", "Authorization: Token RIGHT\r\n"),
    ("Basic", "Authorization: Basic bXBtOlJJR0hU\r\n"),
    ("Basic with a right one", "Authorization: Basic RIGHT\r\n"),
    ("quoted", "Authorization: Bearer \"RIGHT\"\r\n"),
    ("one more character", "Authorization: Bearer RIGHTx\r\n"),
    ("twice in one", "Authorization: Bearer RIGHT RIGHT\r\n"),
    ("a list", "Authorization: Bearer RIGHT, Bearer RIGHT\r\n"),
    ("two headers", "Authorization: Bearer RIGHT\r\nAuthorization: Bearer RIGHT\r\n"),
    ("a wrong one first", "Authorization: Bearer x\r\nAuthorization: Bearer RIGHT\r\n"),
    ("a wrong one behind", "Authorization: Bearer RIGHT\r\nAuthorization: Bearer x\r\n"),
    ("not ASCII", "Authorization: Bearer RIGHT\u{e9}\r\n"),
    ("NUL", "Authorization: Bearer RIGHT\0\r\n"),
];

#[test]
fn an_odd_token_in_the_head_is_none_and_takes_away_what_would_be_allowed_without() {
    for strict in [true, false] {
        let mut hub = Guarded::start(strict, Limits::default());
        let right = hub.control.1.clone();
        let made = [
            ("a prefix", format!("Authorization: Bearer {}\r\n", &right[..right.len() - 1])),
            ("capitals", format!("Authorization: Bearer {}\r\n", right.to_uppercase())),
            ("all but the first", format!("Authorization: Bearer {}\r\n", &right[1..])),
            ("a megabyte", format!("Authorization: Bearer {}\r\n", "x".repeat(1 << 20))),
        ];
        let odd = ODD_HEADERS.iter().map(|(what, header)| (*what, (*header).to_owned())).chain(made);
        for (what, header) in odd {
            for head in ["GET /api/status HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n".to_owned()]
                .into_iter()
                .chain(DIALECTS.map(|(path, _)| handshake(hub.port, path, "").replace("\r\n\r\n", "\r\n")))
            {
                let answer = hub.ask(&format!("{head}{header}\r\n"));
                // The connection may be gone before a megabyte is sent.
                let expected: &[u16] = if what == "a megabyte" { &[431, 0] } else { &[400, 401, 429] };
                assert!(expected.contains(&answer.status), "{what}: {head}: {answer:?}");
                assert!(!answer.body.contains("session-1"), "{what}: {answer:?}");
            }
        }
        assert_eq!(hub.get("/api/status", &right).status, 200);
        assert_eq!(
            hub.ask(
                "GET /api/status HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nauthorization: bEARER RIGHT\r\n\r\n"
            )
            .status,
            200
        );
        assert_eq!(hub.orders(), 0);
    }
}

#[test]
fn bytes_that_are_no_text_are_no_token() {
    let hub = Guarded::strict();
    for token in [&b"\xff\xfe"[..], b"\xc3\x28", b"\x80"] {
        let mut request =
            format!("GET /api/status HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", hub.port).into_bytes();
        request.extend_from_slice(b"Authorization: Bearer ");
        request.extend_from_slice(token);
        request.extend_from_slice(b"\r\n\r\n");
        assert_eq!(ask_bytes(hub.port, &request).status, 401, "{token:?}");
    }
}

#[test]
fn an_odd_token_in_the_first_message_ends_the_connection() {
    let mut hub = Guarded::strict();
    let right = hub.control.1.clone();
    let odd = [
        json!(""),
        json!(" "),
        json!("Bearer"),
        json!(format!("Bearer {right}")),
        json!(&right[..right.len() - 1]),
        json!(format!("{right}x")),
        json!(format!(" {right}")),
        json!(format!("{right}\n")),
        json!(format!("{right}\u{0}")),
        json!(right.to_uppercase()),
        json!("é\u{202e}\u{1f600}"),
        json!("x".repeat(60_000)),
        json!("x".repeat(1 << 20)),
        Value::Null,
        json!(true),
        json!(0),
        json!([right]),
        json!({ "token": right }),
    ];
    for (path, auth) in DIALECTS {
        for token in &odd {
            let mut wire = hub.socket(path);
            // It may have heard enough before everything is sent.
            let _sent = wire.say(&auth.replace("TOKEN", &token.to_string()));
            let brief: String = token.to_string().chars().take(60).collect();
            let code = wire.close_code();
            let expected: &[Option<u16>] = if token.as_str().is_some_and(|text| text.len() > 65_000) {
                &[Some(1009)]
            } else {
                &[Some(4401), Some(4429)]
            };
            assert!(expected.contains(&code), "{path}: {brief}: {code:?}");
        }
    }
    assert_eq!(hub.orders(), 0);
}

#[test]
fn a_right_token_anywhere_else_gives_nothing() {
    let mut hub = Guarded::strict();
    let here = "Host: 127.0.0.1:PORT\r\n";
    for (what, target, headers) in [
        ("the query", "/api/status?token=RIGHT", String::new()),
        ("the query", "/api/status?access_token=RIGHT&authorization=Bearer%20RIGHT", String::new()),
        ("the query of a socket", "/?token=RIGHT&channels=*", String::new()),
        ("the fragment", "/api/status#token=RIGHT", String::new()),
        ("a cookie", "/api/status", "Cookie: token=RIGHT; Authorization=Bearer RIGHT\r\n".into()),
        ("a subprotocol", "/api/status", "Sec-WebSocket-Protocol: bearer, RIGHT\r\n".into()),
        ("another header", "/api/status", "X-Api-Key: RIGHT\r\nX-Auth-Token: RIGHT\r\n".into()),
        ("the proxy's", "/api/status", "Proxy-Authorization: Bearer RIGHT\r\n".into()),
        (
            "a claimed user",
            "/api/status",
            "X-Forwarded-User: root\r\nX-Remote-User: root\r\nX-Role: control\r\n".into(),
        ),
        (
            "a claimed address",
            "/api/status",
            "X-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n".into(),
        ),
    ] {
        if target.starts_with("/api") {
            let answer = hub.ask(&format!("GET {target} HTTP/1.1\r\n{here}{headers}\r\n"));
            assert!([400, 401].contains(&answer.status), "{what}: {answer:?}");
        }
        let path =
            if target.starts_with("/?") { target.replace("RIGHT", &hub.control.1) } else { "/".into() };
        let mut wire = upgraded(hub.port, &path, &headers.replace("RIGHT", &hub.control.1)).unwrap();
        wire.say(ORDERS[0].1).unwrap();
        let refused = wire.json().unwrap();
        assert_eq!(refused["data"]["error_code"], "AUTH001", "{what}: {refused}");
        assert_eq!(wire.close_code(), Some(4401), "{what}");
    }
    // Userinfo makes another authority of the target than the Host is.
    let answer = hub.ask(&format!("GET http://RIGHT@127.0.0.1:PORT/api/status HTTP/1.1\r\n{here}\r\n"));
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(hub.orders(), 0);
}

#[test]
fn of_300_guesses_the_first_20_are_wrong_and_the_others_too_many_while_a_right_token_lets_in() {
    let hub = Guarded::strict();
    let begun = Instant::now();
    let statuses: Vec<u16> =
        (0..300).map(|n| hub.get("/api/status", &format!("mpm_{n:043}")).status).collect();
    // One more is forgiven each second.
    let forgiven = usize::try_from(begun.elapsed().as_secs()).unwrap() + 1;
    let wrong = statuses.iter().filter(|status| **status == 401).count();
    assert!((20..=20 + forgiven).contains(&wrong), "{wrong} wrong, {forgiven} forgiven");
    assert!(statuses[..20].iter().all(|status| *status == 401));
    assert!(statuses.iter().all(|status| [401, 429].contains(status)));
    for (path, auth) in DIALECTS {
        let mut wire = hub.socket(path);
        wire.say(&auth.replace("TOKEN", "\"mpm_guess\"")).unwrap();
        assert_eq!(wire.close_code(), Some(4429), "{path}");
    }
    assert_eq!(hub.get("/api/status", &hub.read.1).status, 200);
    drop(hub.let_in(DIALECTS[0], &hub.read.1));
    let told = hub.audited("the guesses", |lines| lines.iter().any(|line| line["event"] == "refusal"));
    assert!(told.len() < 100, "{} lines of 300 guesses", told.len());
}

fn millis_from_now(millis: i64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    Timestamp::from_millis(i64::try_from(now).unwrap() + millis)
}

#[test]
fn an_expired_revoked_or_rotated_token_lets_nobody_in() {
    let hub = Guarded::strict();
    let wish = Wish { role: Role::Control, expires_at: Some(millis_from_now(-1)), note: None };
    let expired = hub.store.create(wish).unwrap().1.reveal().to_owned();
    hub.store.revoke(&hub.read.0.id).unwrap();
    let rotated = hub.store.rotate(&hub.publish.0.id).unwrap().1.reveal().to_owned();
    for (what, token) in [("expired", &expired), ("revoked", &hub.read.1), ("rotated", &hub.publish.1)] {
        assert_eq!(hub.get("/api/status", token).status, 401, "{what}");
        for (path, auth) in DIALECTS {
            let mut wire = hub.socket(path);
            wire.say(&auth.replace("TOKEN", &format!("{token:?}"))).unwrap();
            assert_eq!(wire.close_code(), Some(4401), "{what} {path}");
        }
    }
    assert_eq!(hub.get("/api/status", &rotated).status, 200);
}

#[test]
fn a_connection_whose_token_is_revoked_ends_at_its_next_request() {
    let mut hub = Guarded::strict();
    for (dialect, order) in DIALECTS.into_iter().zip(ORDERS) {
        let wish = Wish { role: Role::Control, expires_at: None, note: None };
        let (token, secret) = hub.store.create(wish).unwrap();
        let mut wire = hub.let_in(dialect, secret.reveal());
        hub.store.revoke(&token.id).unwrap();
        wire.say(order.1).unwrap();
        until(&mut wire, "AUTH001");
        assert_eq!(wire.close_code(), Some(4401), "{dialect:?}");
    }
    assert_eq!(hub.orders(), 0);
    let is_told = |line: &Value| line["event"] == "refusal" && line["action"] == "token";
    hub.audited("the revoked ones", |lines| lines.iter().filter(|line| is_told(line)).count() == 3);
}

/// What comes while it is looked where the caller comes from waits, and is done in its order.
#[test]
fn orders_right_behind_the_token_are_all_done() {
    let mut hub = Guarded::strict();
    for (dialect, order) in DIALECTS.into_iter().zip(ORDERS) {
        let mut wire = hub.socket(dialect.0);
        wire.say(&dialect.1.replace("TOKEN", &format!("{:?}", hub.control.1))).unwrap();
        (0..3).for_each(|_| wire.say(order.1).unwrap());
        assert_eq!(hub.orders_soon(3), 3, "{dialect:?}");
    }
}

#[test]
fn what_happens_after_a_token_was_revoked_is_not_told_to_who_came_with_it() {
    let hub = Guarded::strict();
    let mut wire = hub.let_in(DIALECTS[0], &hub.read.1);
    wire.say(r#"{"command":"subscribe","channels":["component.*"],"replay":0}"#).unwrap();
    until(&mut wire, "subscribed");
    hub.store.revoke(&hub.read.0.id).unwrap();
    let event = r#"{"event_type":"component.started","source":"x","timestamp":1706181600000,"payload":{"version":"1"}}"#;
    let head = "POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\n";
    let shown = format!("Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n", hub.publish.1, event.len());
    assert_eq!(hub.ask(&format!("{head}{shown}{event}")).status, 202);
    let next = wire.json().unwrap();
    assert_eq!(next["data"]["error_code"], "AUTH001", "{next}");
    assert_eq!(wire.close_code(), Some(4401));
}

#[test]
fn a_silent_connection_whose_token_is_revoked_or_expires_ends_within_a_ping() {
    let limits = Limits { ping: Duration::from_millis(200), unanswered_pings: 1000, ..Limits::default() };
    let hub = Guarded::start(true, limits);
    let wish = Wish { role: Role::Read, expires_at: Some(millis_from_now(1500)), note: None };
    let expiring = hub.store.create(wish).unwrap().1.reveal().to_owned();
    let mut wires = [&hub.read.1, &expiring].map(|token| hub.let_in(DIALECTS[0], token));
    hub.store.revoke(&hub.read.0.id).unwrap();
    for wire in &mut wires {
        assert_eq!(wire.close_code(), Some(4401));
    }
}
