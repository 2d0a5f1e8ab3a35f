//! What is written down of callers: each in one line, for the user alone, and floods counted.

use crate::guarded::{DIALECTS, Guarded, ORDERS, taken, until};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use test_support::wire::ask;

fn of(lines: &[Value], event: &str) -> Vec<Value> {
    lines.iter().filter(|line| line["event"] == event).cloned().collect()
}

#[test]
fn every_connection_refusal_and_order_is_one_line_with_peer_role_and_outcome() {
    let mut hub = Guarded::strict();
    for (dialect, order) in DIALECTS.into_iter().zip(ORDERS) {
        let mut wire = hub.let_in(dialect, &hub.control.1);
        wire.say(order.1).unwrap();
        taken(&mut wire);
        let mut reader = hub.let_in(dialect, &hub.read.1);
        reader.say(order.1).unwrap();
        until(&mut reader, "AUTH002");
    }
    ask(hub.port, "GET /api/status HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    ask(hub.port, "GET /api/status?x=\u{1b}[2J HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n");
    hub.get("/api/status", "mpm_wrong\u{9b}31m\u{202e}");
    assert_eq!(hub.orders_soon(3), 3);
    let all = |lines: &[Value]| {
        of(lines, "control").len() >= 6
            && of(lines, "connection").len() >= 6
            && of(lines, "refusal").len() >= 2
    };
    let lines = hub.audited("all of it", all);
    for line in &lines {
        let peer = line["peer"].as_str().unwrap();
        assert!(peer.starts_with("tcp 127.0.0.1:"), "{line}");
        assert_eq!(line["uid"], nix::unistd::geteuid().as_raw(), "{line}");
        for name in ["at", "event", "action", "outcome", "session"] {
            assert!(line[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {line}");
        }
        let text = line.to_string();
        assert!(!text.contains("mpm_") && !text.contains(&hub.control.1), "a token is written down: {line}");
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{line}");
    }
    let outcomes =
        |event, outcome| of(&lines, event).iter().filter(|line| line["outcome"] == outcome).count();
    assert_eq!((outcomes("control", "requested"), outcomes("control", "refused")), (3, 3));
    assert_eq!(outcomes("connection", "accepted"), 6);
    let refused = of(&lines, "control").into_iter().find(|line| line["outcome"] == "refused").unwrap();
    assert_eq!(refused["role"], "read", "{refused}");
    let mode = std::fs::metadata(hub.audit_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn who_publishes_without_the_role_is_written_down() {
    let hub = Guarded::strict();
    let mut reader = hub.let_in(DIALECTS[0], &hub.read.1);
    reader.say(r#"{"command":"publish","events":[{"type":"x.y","data":{}}]}"#).unwrap();
    until(&mut reader, "AUTH002");
    let head = "POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\n";
    let shown = format!("Authorization: Bearer {}\r\nContent-Length: 2\r\n\r\n[]", hub.read.1);
    assert_eq!(hub.ask(&format!("{head}{shown}")).status, 403);
    let lines = hub.audited("both", |lines| of(lines, "refusal").len() == 2);
    for (line, action) in of(&lines, "refusal").iter().zip(["classic", "POST /api/events"]) {
        assert_eq!((&line["action"], &line["role"]), (&action.into(), &"read".into()), "{line}");
        assert_eq!(line["detail"], "it needs the role publish", "{line}");
    }
}

#[test]
fn a_flood_of_refusals_is_counted() {
    let hub = Guarded::strict();
    for _ in 0..400 {
        ask(hub.port, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    }
    // So that the last of them are told of: with the first one of another second.
    let counted = |lines: &[Value]| {
        let more = |line: &Value| {
            line["detail"].as_str()?.rsplit_once("; ")?.1.split_once(" more")?.0.parse::<usize>().ok()
        };
        let refusals = of(lines, "refusal");
        refusals.len() + refusals.iter().filter_map(more).sum::<usize>()
    };
    let lines = hub.audited("all of them", |lines| {
        ask(hub.port, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
        counted(lines) >= 400
    });
    assert!(of(&lines, "refusal").len() < 200, "{} lines", lines.len());
}
