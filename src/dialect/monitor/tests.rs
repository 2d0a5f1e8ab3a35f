//! Requirement R5, example by example; every body; every bad request.

use super::{decode, event, reply};
use crate::dialect::reply::{Reply, Stamp};
use crate::dialect::request::Request;
use crate::dialect::samples::{
    self, NOON, activity, bodies, output, published, session_end, session_start, status,
};
use crate::dialect::{Fault, Subscribe};
use crate::event::body::{ActivityState, ProcessState, Severity};
use crate::event::channel::Vocabulary;
use crate::event::{Body, Epoch, Event, EventId, SessionId, Source, Timestamp, channel};
use crate::filter::{Filter, Pattern, Query};
use crate::status::{Position, Standing, Status};
use serde_json::{Value, json};

fn named(name: &str) -> Standing {
    Standing { name: Some(name.into()), ..Standing::default() }
}

fn shown(body: Body, before: &Standing) -> Value {
    serde_json::from_slice(&event(&samples::event(body), before)).unwrap()
}

/// Everything that an example shows stands in the frame too.
fn holds(frame: &Value, example: &Value) -> bool {
    match (frame, example) {
        (Value::Object(frame), Value::Object(example)) => {
            example.iter().all(|(name, value)| frame.get(name).is_some_and(|told| holds(told, value)))
        }
        _ => frame == example,
    }
}

#[test]
fn the_events_of_requirement_5_look_like_this() {
    let before = Standing {
        claude: Some(ProcessState::Running),
        activity: Some(ActivityState::Idle),
        ..named("ai-chat")
    };
    let busy = shown(activity(ActivityState::Busy), &before);
    let example = json!({
        "type": "agent.status", "timestamp": "2025-08-06T12:00:00.000Z", "session": "ai-chat", "window": 0,
        "data": {"status": "busy", "previous": "ready", "agent_type": "CLAUDE_AGENT"},
    });
    assert!(holds(&busy, &example), "{busy}");
    let line = shown(output("Error: Connection refused"), &named("backend"));
    let example = json!({
        "type": "pane.output", "session": "backend", "window": 0,
        "data": {"content": "Error: Connection refused", "severity": "error", "pane": "0", "stream": "stdout"},
    });
    assert!(holds(&line, &example), "{line}");
    let example = json!({
        "type": "session.created", "session": "new-project",
        "data": {"session": "new-project", "windows": 1, "path": "/Users/dev/project", "launch_method": "subprocess"},
    });
    let created = shown(session_start(), &Standing::default());
    assert!(holds(&created, &example), "{created}");
    let example = json!({
        "type": "session.closed", "session": "new-project", "data": {"session": "new-project", "exit_code": 0},
    });
    let closed = shown(session_end(), &named("new-project"));
    assert!(holds(&closed, &example), "{closed}");
}

#[test]
fn a_frame_begins_as_in_requirement_5_and_ends_with_its_place_in_the_log() {
    let told = samples::event(output("hi"));
    assert_eq!(
        String::from_utf8(event(&told, &named("web"))).unwrap(),
        concat!(
            r#"{"type":"pane.output","timestamp":"2025-08-06T12:00:00.000Z","session":"web","window":0,"#,
            r#""data":{"content":"hi","severity":"info","pane":"0","stream":"stdout"},"#,
            r#""seq":7,"epoch":"e","id":"6b6b0b5e-0d3b-4b3a-8b0a-0a0a0a0a0a0a","session_id":"s-1","source":"screen"}"#
        )
    );
}

#[test]
fn every_body_has_a_frame() {
    for body in bodies() {
        let told = samples::event(body);
        let frame: Value = serde_json::from_slice(&event(&told, &Standing::default())).unwrap();
        assert_eq!(frame["type"], told.body.channel_in(Vocabulary::Monitor));
        assert!(frame["data"].is_object() && frame["window"] == 0, "{frame}");
        let is_start = matches!(told.body, Body::SessionStart(_));
        assert_eq!(frame["session"], if is_start { "new-project" } else { "s-1" });
        let translated = matches!(
            told.body,
            Body::SessionStart(_)
                | Body::SessionEnd(_)
                | Body::Status(_)
                | Body::Activity(_)
                | Body::Output(_)
        );
        if !translated {
            assert_eq!(frame["data"], serde_json::to_value(&told.body).unwrap());
        }
    }
}

#[test]
fn what_tmux_tells_passes_as_it_is() {
    let data = json!({"content": "Error: x", "severity": "error", "session": "backend", "window": 2});
    let told = Event {
        source: Source::Component("tmux-orchestrator".into()),
        ..samples::event(published("pane.output", &data))
    };
    let frame: Value = serde_json::from_slice(&event(&told, &named("ours"))).unwrap();
    assert_eq!((&frame["type"], &frame["data"]), (&json!("pane.output"), &data));
    assert_eq!((&frame["session"], &frame["window"]), (&json!("backend"), &json!(2)));
}

/// What is told as `previous` is what was told last, through two lives of claude.
#[test]
fn each_agent_status_goes_on_from_the_last() {
    use ActivityState::{Busy, Idle, NeedsInput, NeedsPermission};
    use ProcessState::{Error, Running, Starting, Stopped};
    let mut fold = Status::default();
    let mut last = Value::Null;
    for (body, expected) in [
        (status(Starting), "offline"),
        (status(Running), "ready"),
        (activity(Busy), "busy"),
        (activity(NeedsPermission), "blocked"),
        (activity(NeedsInput), "blocked"),
        (activity(Idle), "ready"),
        (activity(Busy), "busy"),
        (status(Stopped), "offline"),
        (activity(Idle), "offline"),
        (status(Starting), "offline"),
        (status(Running), "ready"),
        (activity(Busy), "busy"),
        (status(Error), "error"),
    ] {
        let told = samples::event(body);
        let frame: Value = serde_json::from_slice(&event(&told, &fold.standing())).unwrap();
        let data = &frame["data"];
        assert_eq!((&frame["type"], &data["status"]), (&json!("agent.status"), &json!(expected)));
        assert_eq!(data["previous"], last, "{frame}");
        last = data["status"].clone();
        let _none = fold.fold(&told);
    }
}

#[test]
fn an_agent_status_has_the_classic_fields_beside() {
    let data = |body| shown(body, &Standing::default())["data"].clone();
    let needs = data(activity(ActivityState::NeedsPermission));
    let expected = json!({
        "status": "blocked", "previous": null, "agent_type": "CLAUDE_AGENT", "activity": "needs_permission",
        "reason": null, "tool_name": "Bash", "since": "2025-08-06T12:00:00.000Z",
    });
    assert_eq!(needs, expected);
    let runs = data(status(ProcessState::Running));
    let expected = json!({
        "status": "ready", "previous": null, "agent_type": "CLAUDE_AGENT", "claude_status": "running", "pid": 7,
        "message": "Claude is well",
    });
    assert_eq!(runs, expected);
    let stopped = bodies()
        .into_iter()
        .find(|body| matches!(body, Body::Status(status) if status.status == ProcessState::Stopped));
    let stopped = data(stopped.unwrap());
    assert_eq!((&stopped["exit_code"], stopped.get("signal")), (&json!(0), Some(&Value::Null)));
}

fn request(text: &str) -> Request {
    decode(text).unwrap().request
}

#[test]
fn the_messages_of_requirement_5_are_read() {
    let patterns =
        |texts: &[&str]| texts.iter().map(|text| Pattern::parse(text).unwrap()).collect::<Vec<_>>();
    assert_eq!(
        request(r#"{"action":"auth","token":"your-auth-token"}"#),
        Request::Auth("your-auth-token".into())
    );
    let subscribe = r#"{"action":"subscribe","filters":{"types":["agent.status","pane.output"],
        "sessions":["ai-chat","backend"]}}"#;
    let filter = Filter {
        channels: patterns(&["agent.status", "pane.output"]),
        sessions: vec!["ai-chat".into(), "backend".into()],
        vocabulary: Vocabulary::Monitor,
        ..Filter::default()
    };
    assert_eq!(request(subscribe), Request::Subscribe(Subscribe { filter, ..Subscribe::default() }));
    let unsubscribe = r#"{"action":"unsubscribe","filters":{"types":["pane.output"]}}"#;
    assert_eq!(request(unsubscribe), Request::Unsubscribe(Some(patterns(&["pane.output"]))));
}

#[test]
fn the_other_requests_are_read() {
    let subscribe = r#"{"action":"subscribe","filters":{"windows":[0,2],"sources":["screen"],"since":5,
        "until":"2026-01-01T00:00:00Z","min_severity":"warning"},"replay":3,"after":9,"epoch":"e","request_id":1}"#;
    let Request::Subscribe(wanted) = request(subscribe) else { panic!() };
    let filter = Filter {
        windows: vec![0, 2],
        sources: vec!["screen".into()],
        since: Some(Timestamp::from_millis(5)),
        until: Timestamp::parse("2026-01-01T00:00:00Z"),
        min_severity: Some(Severity::Warning),
        vocabulary: Vocabulary::Monitor,
        ..Filter::all()
    };
    let expected = Subscribe {
        filter,
        replay: Some(3),
        after: Some(9),
        epoch: Some("e".into()),
        ..Subscribe::default()
    };
    assert_eq!(wanted, expected);
    for (text, expected) in [
        (r#"{"action":"ping"}"#, Request::Ping),
        (r#"{"action":"get_status"}"#, Request::Status(None)),
        (r#"{"action":"unsubscribe"}"#, Request::Unsubscribe(None)),
    ] {
        assert_eq!(request(text), expected, "{text}");
    }
    let past = request(
        r#"{"action":"get_history","filters":{"types":["pane.output"]},"limit":3,"until":7,"epoch":"e"}"#,
    );
    let Request::History(Query { limit: 3, until: Some(until), filter, epoch: Some(epoch), .. }) = past
    else {
        panic!("{past:?}")
    };
    assert_eq!(epoch.as_str(), "e");
    assert_eq!((until.as_millis(), filter.vocabulary), (7, Vocabulary::Monitor));
}

#[test]
fn every_malformed_message_has_a_code() {
    let many = format!(r#"{{"action":"subscribe","filters":{{"windows":[{}0]}}}}"#, "1,".repeat(128));
    for (text, expected) in [
        ("", "WS002"),
        ("{", "WS002"),
        ("[]", "WS002"),
        ("null", "WS002"),
        ("{}", "REQ001"),
        (r#"{"command":"ping"}"#, "REQ001"),
        (r#"{"action":7}"#, "REQ002"),
        (r#"{"action":"ping","action":"ping"}"#, "REQ002"),
        (r#"{"action":"no such thing"}"#, "REQ001"),
        (r#"{"action":"send_keys"}"#, "REQ002"),
        (r#"{"action":"auth"}"#, "REQ002"),
        (r#"{"action":"auth","token":7}"#, "REQ002"),
        (r#"{"action":"subscribe","filters":[]}"#, "REQ002"),
        (r#"{"action":"subscribe","filters":{"types":"pane.output"}}"#, "REQ002"),
        (r#"{"action":"subscribe","filters":{"types":[""]}}"#, "REQ002"),
        (r#"{"action":"subscribe","filters":{"sessions":[1]}}"#, "REQ002"),
        (r#"{"action":"subscribe","filters":{"windows":["0"]}}"#, "REQ002"),
        (r#"{"action":"subscribe","filters":{"windows":[-1]}}"#, "REQ002"),
        (many.as_str(), "REQ002"),
        (r#"{"action":"subscribe","filters":{"min_severity":"loud"}}"#, "REQ002"),
        (r#"{"action":"subscribe","filters":{"since":{}}}"#, "REQ002"),
        (r#"{"action":"get_history","limit":10001}"#, "REQ002"),
    ] {
        assert_eq!(decode(text).unwrap_err().code.as_str(), expected, "{text:.80}");
    }
}

fn answer(said: &Reply<'_>, request: &str) -> Value {
    let stamp = Stamp {
        timestamp: NOON,
        epoch: &Epoch::new("e"),
        session_id: &SessionId::new("s"),
        message_id: EventId::from_u128(9),
        components: &[],
    };
    let id = decode(request).map_or_else(|fault| fault.request_id, |call| call.request_id);
    let frame: Value = serde_json::from_slice(&reply(said, id.as_ref(), &stamp)).unwrap();
    for name in ["type", "timestamp", "session", "window", "data"] {
        assert!(frame.get(name).is_some(), "{name}: {frame}");
    }
    assert_eq!(frame["schema_version"], "1.0");
    frame
}

#[test]
fn replies_have_the_frame_of_requirement_5_and_a_version() {
    let types = [Pattern::parse("pane.output").unwrap()];
    let fault = Fault::parameter("types", "missing");
    for (said, kind, name, value) in [
        (Reply::Subscribed { channels: &types, cursor: 4 }, "subscribed", "types", json!(["pane.output"])),
        (Reply::Unsubscribed(&types), "unsubscribed", "types", json!(["pane.output"])),
        (Reply::Authenticated { role: "read" }, "authenticated", "role", json!("read")),
        (Reply::Fault(&fault), "error", "error_code", json!("REQ002")),
        (Reply::OtherEpoch { last_seq: 5 }, "error", "last_seq", json!(5)),
        (
            Reply::Gap { missed: 2, from_seq: 1, to_seq: 2, reason: "r" },
            channel::SYSTEM_GAP,
            "missed",
            json!(2),
        ),
        (Reply::Published { seqs: &[3] }, "published", "seqs", json!([3])),
    ] {
        let frame = answer(&said, r#"{"action":"ping"}"#);
        assert_eq!((&frame["type"], &frame["data"][name]), (&json!(kind), &value));
        assert!(frame["session"].is_null() && frame.get("request_id").is_none(), "{frame}");
    }
    let pong = answer(&Reply::Pong, r#"{"action":"ping","request_id":[1]}"#);
    assert_eq!((&pong["type"], &pong["request_id"]), (&json!("pong"), &json!([1])));
    let told = event(&samples::event(output("x")), &named("web"));
    let history = answer(&Reply::History { frames: &[&told], complete: true }, "{}");
    assert_eq!(
        (&history["data"]["events"][0]["type"], &history["data"]["complete"]),
        (&json!("pane.output"), &json!(true))
    );
}

#[test]
fn the_status_is_that_of_the_session_by_its_name() {
    let mut fold = Status::default();
    let _none = fold.fold(&samples::event(session_start()));
    let position = Position {
        session_id: SessionId::new("s-1"),
        epoch: Epoch::new("e"),
        first_seq: 1,
        last_seq: 1,
        journal: None,
        connected_clients: 1,
        now: NOON,
    };
    let frame = answer(&Reply::Status(&fold.snapshot(&position)), "{}");
    assert_eq!((&frame["type"], &frame["session"]), (&json!("system.status"), &json!("new-project")));
    assert_eq!((&frame["window"], &frame["data"]["session_id"]), (&json!(0), &json!("s-1")));
}
