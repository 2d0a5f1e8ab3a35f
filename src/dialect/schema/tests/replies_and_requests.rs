//! Replies and requests of the classic dialect, as this crate writes and reads them.

use super::{frames, validator};
use crate::dialect::classic::decode;
use crate::dialect::{Code, Fault, Reply, Stamp};
use crate::event::surroundings::ComponentState;
use crate::event::{Epoch, SessionId, Timestamp};
use crate::filter::Pattern;
use crate::status::{Position, Status};
use serde_json::{Value, json};

fn said(reply: &Reply<'_>) -> Value {
    let (epoch, session_id) = (Epoch::new("e"), SessionId::new("s"));
    let message_id = crate::event::EventId::from_u128(9);
    let stamp = Stamp {
        timestamp: Timestamp::from_millis(0),
        epoch: &epoch,
        session_id: &session_id,
        message_id,
        components: &[],
    };
    serde_json::from_slice(&reply.encode(None, &stamp)).unwrap()
}

#[test]
fn every_reply_is_taken_and_every_spoiled_one_refused() {
    let whole = validator("classic/frame");
    let channels = [Pattern::All, Pattern::parse("agent.*").unwrap()];
    let frames = frames();
    let bytes: Vec<Vec<u8>> = frames.iter().map(|frame| frame.to_string().into_bytes()).collect();
    let past: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    let components = [("router".to_owned(), ComponentState::Degraded)];
    let (first_seq, last_seq, connected_clients) = (0, 0, 1);
    let (session_id, epoch, now) = (SessionId::new("s"), Epoch::new("e"), Timestamp::from_millis(0));
    let position = Position { session_id, epoch, first_seq, last_seq, journal: None, connected_clients, now };
    let snapshot = Status::default().snapshot(&position);
    let fault = Fault::new(Code::NotJson, "m");
    for reply in [
        Reply::Status(&snapshot),
        Reply::Subscribed { channels: &channels, cursor: 0 },
        Reply::Unsubscribed(&channels),
        Reply::Registered { session_id: None, cursor: 0 },
        Reply::History { frames: &past, complete: true },
        Reply::Explanation {
            frame: past[0],
            told_by: "hook",
            also_told_by: json!([{"source": "stream", "at": "2026-11-21T12:00:00.000Z"}]),
            silent: vec!["transcript".into()],
        },
        Reply::Accounts {
            types: json!({"a.b": {"events": 1, "told_by": {"hook": 1}, "also_told_by": {}}}),
            sources: json!([{"name": "hook", "state": "idle", "last_event_at": null, "note": null}]),
        },
        Reply::Pong,
        Reply::Gap { missed: 2, from_seq: 1, to_seq: 2, reason: "r" },
        Reply::OtherEpoch { last_seq: 0 },
        Reply::Fault(&fault),
        Reply::Authenticated { role: "read" },
        Reply::Published { seqs: &[1, 2] },
        Reply::Component { name: "router", components: &components },
        Reply::Uplinked { after: 0, epoch: None },
        Reply::Uplinked { after: 7, epoch: Some(&Epoch::new("e")) },
    ] {
        let frame = said(&reply);
        whole.validate(&frame).unwrap_or_else(|cause| panic!("{cause}: {frame}"));
        for name in frame.as_object().unwrap().keys() {
            let mut spoiled = frame.clone();
            spoiled[name] = json!([[]]);
            assert!(!whole.is_valid(&spoiled), "{spoiled}");
            spoiled.as_object_mut().unwrap().remove(name);
            assert!(!whole.is_valid(&spoiled), "{spoiled}");
        }
        for name in frame["data"].as_object().unwrap().keys().filter(|name| *name != "request_id") {
            let mut spoiled = frame.clone();
            spoiled["data"][name] = json!([[[]]]);
            assert!(!whole.is_valid(&spoiled), "{spoiled}");
            spoiled["data"].as_object_mut().unwrap().remove(name);
            let is_optional = frame["type"] == "uplinked" && name == "epoch";
            assert_eq!(whole.is_valid(&spoiled), is_optional, "{spoiled}");
        }
        let mut spoiled = frame;
        spoiled["data"]["invented"] = json!(1);
        assert!(!whole.is_valid(&spoiled), "{spoiled}");
    }
}

#[test]
fn every_code_is_listed() {
    let errors = validator("classic/error");
    for code in Code::ALL.into_iter().filter(|code| *code != Code::OtherEpoch) {
        assert!(errors.is_valid(&said(&Reply::Fault(&Fault::new(code, "m")))), "{code:?}");
    }
}

#[test]
fn good_requests_are_taken_by_the_schema_and_by_the_hub() {
    let requests = validator("classic/request");
    for text in [
        r#"{"command":"subscribe","channels":["claude.message","agent.*","*"],"sessions":["s"],"sources":["hook"],
            "min_severity":"warning","replay":100,"after":7,"epoch":"e","since":"2026-01-01T00:00:00+01:00"}"#,
        r#"{"command":"subscribe","params":{"channels":["*"]},"replay":null,"request_id":[1]}"#,
        r#"{"type":"subscribe","channels":[]}"#,
        r#"{"command":"unsubscribe"}"#,
        r#"{"command":"unsubscribe","channels":["*"]}"#,
        r#"{"command":"get_status","session_id":"s"}"#,
        r#"{"command":"get_history","params":{"event_types":["agent.delegation"],"limit":100}}"#,
        r#"{"command":"explain","event":7}"#,
        r#"{"command":"ping","params":null}"#,
        r#"{"type":"register","session_id":"s"}"#,
        r#"{"command":"auth","token":"t"}"#,
        r#"{"command":"publish","events":[{"event_type":"component.started","source":"claude-router",
            "timestamp":1706181600000,"payload":{"version":"1.0.0","capabilities":["a"],"config":{"port":1}}}]}"#,
        r#"{"command":"publish","events":{"event_type":"claude.message","source":"x","timestamp":1,
            "payload":{"role":"user","text":"t"},"of_my_own":1}}"#,
        r#"{"type":"hook.user_prompt","timestamp":"2025-07-31T12:00:00.000Z","data":{"prompt":"hi"}}"#,
        r#"{"command":"uplink","session_id":"s","epoch":"e","key":"k"}"#,
        r#"{"command":"relay","events":[],"missed":3}"#,
    ] {
        decode(text).unwrap_or_else(|fault| panic!("{}: {text}", fault.message));
        let request: Value = serde_json::from_str(text).unwrap();
        requests.validate(&request).unwrap_or_else(|cause| panic!("{cause}: {text}"));
    }
}

#[test]
fn bad_requests_are_refused_by_the_schema_and_by_the_hub() {
    let requests = validator("classic/request");
    for text in [
        "[]",
        "7",
        "null",
        "{}",
        r#"{"command":"no such thing"}"#,
        r#"{"command":7}"#,
        r#"{"command":"publish"}"#,
        r#"{"command":"publish","events":[{}]}"#,
        r#"{"command":"publish","events":[{"event_type":"x.y","source":"s","timestamp":-1}]}"#,
        r#"{"command":"publish","events":[{"event_type":"x.*","source":"s","timestamp":1}]}"#,
        r#"{"command":"publish","events":[{"event_type":"x.y","source":"s","timestamp":1,"version":"2.0"}]}"#,
        r#"{"command":"publish","events":[{"event_type":"x.y","source":"s","timestamp":1,"id":"7"}]}"#,
        r#"{"command":"publish","events":[{"event_type":"x.y","source":"s","timestamp":1,"payload":[]}]}"#,
        r#"{"command":"publish","events":[{"event_type":"todo.update","source":"s","timestamp":1,"payload":{"todos":7}}]}"#,
        r#"{"type":"hook.user_prompt","timestamp":"x","data":{}}"#,
        r#"{"command":"ping","params":[]}"#,
        r#"{"command":"subscribe"}"#,
        r#"{"command":"subscribe","channels":"*"}"#,
        r#"{"command":"subscribe","channels":[1]}"#,
        r#"{"command":"subscribe","channels":["a..b"]}"#,
        r#"{"command":"subscribe","channels":["*"],"replay":-1}"#,
        r#"{"command":"subscribe","channels":["*"],"replay":1.5}"#,
        r#"{"command":"subscribe","channels":["*"],"since":"yesterday"}"#,
        r#"{"command":"subscribe","channels":["*"],"min_severity":"loud"}"#,
        r#"{"command":"get_history","limit":10001}"#,
        r#"{"command":"auth"}"#,
    ] {
        assert!(decode(text).is_err(), "{text}");
        assert!(!requests.is_valid(&serde_json::from_str(text).unwrap()), "{text}");
    }
}
