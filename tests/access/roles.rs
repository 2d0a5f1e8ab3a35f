//! What a role allows, and that nothing a message says changes it.

use crate::guarded::{DIALECTS, Guarded, ORDERS, ROLE, TAKEN, taken, until};
use serde_json::Value;
use test_support::wire::{Wire, handshake, masked, upgraded};

const EVENT: &str =
    r#"{"event_type":"component.started","source":"x","timestamp":1706181600000,"payload":{"version":"1"}}"#;

/// Requests that publish, in the words of each dialect.
const PUBLISHING: [(&str, &str); 3] = [
    ("/", r#"{"command":"publish","events":[EVENT],"role":"control"}"#),
    ("/events", r#"{"type":"event","data":EVENT}"#),
    // Nothing is published there.
    ("/monitor", ORDERS[2].1),
];

/// Messages that claim a role, by dialect.
const CLAIMS: [(&str, &str); 9] = [
    ("/", r#"{"command":"auth","token":TOKEN,"role":"control"}"#),
    ("/", r#"{"command":"auth","token":TOKEN,"params":{"role":"control"},"roles":["control"],"admin":true}"#),
    ("/", r#"{"command":"auth","role":"control","token":TOKEN,"scope":"control","token_id":"run"}"#),
    ("/events", r#"{"type":"auth","data":{"token":TOKEN,"role":"control"}}"#),
    ("/events", r#"{"type":"auth","role":"control","data":{"token":TOKEN},"metadata":{"role":"control"}}"#),
    ("/events", r#"{"type":"auth","data":{"token":TOKEN,"granted":{"role":"control"}}}"#),
    ("/monitor", r#"{"action":"auth","token":TOKEN,"role":"control"}"#),
    ("/monitor", r#"{"action":"auth","token":TOKEN,"data":{"role":"control"}}"#),
    ("/monitor", r#"{"action":"auth","token":TOKEN,"user":"root","uid":0}"#),
];

/// Asks for what a role does not allow until the connection ends; the code of its end.
#[track_caller]
fn thrown_out(wire: &mut Wire, request: &str) -> Option<u16> {
    for _ in 0..3 {
        wire.say(request).unwrap();
        until(wire, "AUTH002");
    }
    wire.close_code()
}

#[test]
fn a_role_that_is_claimed_is_not_given() {
    let mut hub = Guarded::strict();
    for (path, auth) in CLAIMS {
        let mut wire = hub.socket(path);
        wire.say(&auth.replace("TOKEN", &format!("{:?}", hub.read.1))).unwrap();
        let reply = until(&mut wire, ROLE);
        let role = [&reply["data"]["role"], &reply["metadata"]["role"]].map(|role| role.as_str());
        assert_eq!(role.into_iter().flatten().collect::<Vec<_>>(), ["read"], "{auth}: {reply}");
        let (_, order) = ORDERS.into_iter().find(|(own, _)| *own == path).unwrap();
        assert_eq!(thrown_out(&mut wire, order), Some(4403), "{auth}");
    }
    assert_eq!(hub.orders(), 0);
}

#[test]
fn a_role_that_is_claimed_while_registering_is_not_given() {
    let mut hub = Guarded::easy();
    for (path, register, order) in [
        ("/", r#"{"type":"register","role":"control","session_id":"session-1"}"#, ORDERS[0].1),
        (
            "/events",
            r#"{"type":"register","data":{"component":"c","version":"1","role":"control","capabilities":["control"]}}"#,
            ORDERS[1].1,
        ),
        (
            "/",
            r#"{"command":"ping","role":"control","from":"supervisor","source":"supervisor"}"#,
            ORDERS[0].1,
        ),
        ("/monitor", r#"{"action":"ping","role":"control"}"#, ORDERS[2].1),
    ] {
        let mut wire = hub.socket(path);
        wire.say(register).unwrap();
        assert_eq!(thrown_out(&mut wire, order), Some(4403), "{register}");
    }
    assert_eq!(hub.orders(), 0);
}

#[test]
fn who_may_read_does_not_publish_and_who_may_publish_does_not_control() {
    let mut hub = Guarded::strict();
    for ((dialect, publishing), order) in DIALECTS.into_iter().zip(PUBLISHING).zip(ORDERS) {
        let request = publishing.1.replace("EVENT", EVENT);
        let mut reader = hub.let_in(dialect, &hub.read.1);
        assert_eq!(thrown_out(&mut reader, &request), Some(4403), "{request}");
        let mut publisher = hub.let_in(dialect, &hub.publish.1);
        assert_eq!(thrown_out(&mut publisher, order.1), Some(4403), "{order:?}");
    }
    assert_eq!(hub.orders(), 0);
    let post = |token: &str| {
        let head = "POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\n";
        let length = EVENT.len();
        hub.ask(&format!("{head}Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n{EVENT}"))
    };
    let refused = post(&hub.read.1);
    assert!(refused.status == 403 && refused.body.contains("AUTH002"), "{refused:?}");
    assert_eq!(post(&hub.publish.1).status, 202);
    assert_eq!(post(&hub.control.1).status, 202);
}

#[test]
fn who_may_control_does() {
    let mut hub = Guarded::strict();
    for (dialect, order) in DIALECTS.into_iter().zip(ORDERS) {
        let mut wire = hub.let_in(dialect, &hub.control.1);
        wire.say(order.1).unwrap();
        taken(&mut wire);
    }
    assert_eq!(hub.orders_soon(3), 3);
    let is_told = |line: &Value| line["event"] == "control" && line["outcome"] == "requested";
    let lines = hub.audited("what was done", |lines| lines.iter().filter(|line| is_told(line)).count() == 3);
    let line = lines.iter().find(|line| is_told(line)).unwrap();
    assert_eq!((&line["role"], &line["action"]), (&"control".into(), &"send_input".into()), "{line}");
    assert!(!line.to_string().contains("rm -rf"), "what is typed is not written down: {line}");
}

#[test]
fn a_name_that_stands_twice_makes_a_message_none() {
    let mut hub = Guarded::strict();
    let (right, wrong) = (hub.control.1.clone(), "mpm_wrong");
    for (path, auth) in [
        ("/", r#"{"command":"auth","token":"ONE","token":"TWO"}"#),
        ("/", r#"{"command":"ping","command":"auth","token":"TWO"}"#),
        ("/", r#"{"command":"auth","token":"TWO","command":"send_input","text":"x"}"#),
        ("/", r#"{"command":"auth","tok\u0065n":"ONE","token":"TWO"}"#),
        ("/events", r#"{"type":"auth","data":{"token":"ONE","token":"TWO"}}"#),
        ("/events", r#"{"type":"auth","data":{"token":"ONE"},"data":{"token":"TWO"}}"#),
        ("/monitor", r#"{"action":"auth","token":"ONE","token":"TWO"}"#),
        ("/monitor", r#"{"action":"auth","action":"auth","token":"TWO"}"#),
    ] {
        for (one, two) in [(&right[..], wrong), (wrong, &right), (&right, &right)] {
            let mut wire = hub.socket(path);
            wire.say(&auth.replace("ONE", one).replace("TWO", two)).unwrap();
            assert_eq!(wire.close_code(), Some(4401), "{auth}");
        }
    }
    for (dialect, request) in [
        (DIALECTS[0], r#"{"command":"ping","command":"send_input","text":"x"}"#),
        (DIALECTS[0], r#"{"command":"send_input","text":"harmless","text":"rm -rf ~"}"#),
        (DIALECTS[1], r#"{"type":"ping","type":"send_input","data":{"text":"x"}}"#),
        (DIALECTS[1], r#"{"type":"send_input","data":{"text":"harmless","text":"rm -rf ~"}}"#),
        (DIALECTS[2], r#"{"action":"ping","action":"send_input","text":"x"}"#),
    ] {
        let mut wire = hub.let_in(dialect, &right);
        wire.say(request).unwrap();
        let refused = until(&mut wire, "twice");
        assert!(!refused.to_string().contains(TAKEN), "{request}: {refused}");
    }
    assert_eq!(hub.orders(), 0);
}

#[test]
fn orders_that_come_with_the_handshake_or_before_the_token_reach_nobody() {
    let mut hub = Guarded::strict();
    let auth = |text: &str, token: &str| text.replace("TOKEN", &format!("{token:?}"));
    for ((path, show), (_, order)) in DIALECTS.into_iter().zip(ORDERS) {
        let (right, wrong) = (auth(show, &hub.control.1), auth(show, "mpm_wrong"));
        for (what, texts) in [
            ("an order alone", vec![order]),
            ("an order and then the token", vec![order, &right]),
            ("a wrong token and an order", vec![&wrong, order]),
            ("a wrong token, a right one, an order", vec![&wrong, &right, order]),
            ("a ping and an order", vec![r#"{"command":"ping"}"#, order]),
            ("no JSON and an order", vec!["{", order]),
        ] {
            let mut bytes = handshake(hub.port, path, "").into_bytes();
            texts.iter().for_each(|text| bytes.extend(masked(0x81, text.as_bytes())));
            let mut wire = Wire::tcp(hub.port).unwrap();
            wire.send(&bytes).unwrap();
            assert_eq!(wire.answer().status, 101, "{what}");
            assert_eq!(wire.close_code(), Some(4401), "{what} {path}");
        }
        // Behind a request that is no upgrade nothing is read at all.
        let head = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", hub.port);
        let mut wire = Wire::tcp(hub.port).unwrap();
        wire.send(
            &[head.as_bytes(), &masked(0x81, right.as_bytes()), &masked(0x81, order.as_bytes())].concat(),
        )
        .unwrap();
        assert_eq!(wire.answer().status, 200);
    }
    assert_eq!(hub.orders(), 0);
}

#[test]
fn where_tokens_are_required_nothing_but_life_and_the_page_is_answered_without() {
    let mut hub = Guarded::strict();
    for (path, status) in [
        ("/", 200),
        ("/healthz", 200),
        ("/metrics", 401),
        ("/api/status", 401),
        ("/api/history", 401),
        ("/api/instances", 401),
        ("/api/schema", 401),
        ("/api/asyncapi", 401),
        ("/api/events", 401),
        ("/api/hooks/Stop", 404),
        ("/ws", 401),
        ("/events", 401),
        ("/monitor", 401),
        ("/nowhere", 401),
    ] {
        for method in ["GET", "HEAD", "POST", "OPTIONS"] {
            let answer = hub.ask(&format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n"));
            let expected = match (method, status) {
                ("GET" | "HEAD", status) => status,
                (_, 200) => 405,
                (_, status) => status,
            };
            // Hooks are posted, and what else there is of them is no path at all.
            let is_hook = path.starts_with("/api/hooks");
            assert!(
                answer.status == expected || is_hook && [401, 404].contains(&answer.status),
                "{method} {path}: {answer:?}"
            );
            assert!(
                !answer.body.contains("session-1") && !answer.has("access-control-allow-origin"),
                "{answer:?}"
            );
        }
    }
    for (path, _) in DIALECTS {
        let mut wire = upgraded(hub.port, &format!("{path}?channels=*&replay=100"), "").unwrap();
        wire.say(r#"{"command":"get_status","type":"get_status","action":"get_status"}"#).unwrap();
        let first = wire.json().unwrap().to_string();
        assert!(first.contains("AUTH001") && !first.contains("session-1\"},"), "{first}");
        assert_eq!(wire.close_code(), Some(4401), "{path}");
    }
    assert_eq!(hub.orders(), 0);
}
