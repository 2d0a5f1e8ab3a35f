//! The verb `publish`: events of one's own on the hub of a real instance.

use serde_json::{Value, json};
use std::io::Write;
use std::process::{Output, Stdio};
use test_support::headless::Headless;
use test_support::standalone::Place;
use test_support::subscriber::Subscriber;
use test_support::{DEADLINE, piped};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");

/// `claude-mpm ARGS`, to its end.
fn run(place: &Place, args: &[&str], input: &[u8]) -> Output {
    piped::run(place.command(args), input, DEADLINE)
}

fn status(output: &Output) -> Option<i32> {
    output.status.code()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// What was published as `kind`, once there are so many.
fn published(client: &Subscriber, kind: &str, count: usize) -> Vec<Value> {
    let of_kind = |events: &[Value]| -> Vec<Value> {
        events.iter().filter(|event| event["type"] == kind).cloned().collect()
    };
    let received = client.wait_for(|received| received.of(kind).len() >= count || received.close.is_some());
    of_kind(&received.events)
}

#[test]
fn one_event_is_on_the_hub_when_the_verb_is_done() {
    let place = Place::new(WRAPPER);
    let live = Headless::start(&place);
    let client = Subscriber::connect(&live.url);
    let done = run(&place, &["publish", "build.done", r#"{"ok": true}"#, "--summary", "It is green"], b"");
    assert_eq!((status(&done), text(&done.stdout), text(&done.stderr)), (Some(0), "", ""));
    let event = &published(&client, "build.done", 1)[0];
    assert_eq!((&event["data"], &event["source"]), (&json!({"ok": true}), &json!("publish")));
    assert_eq!(event["summary"], "It is green");
    let told =
        run(&place, &["publish", "build.done", "--source", "ci", "--session", "s1", "-o", "json"], b"");
    let event = &published(&client, "build.done", 2)[1];
    assert_eq!((&event["data"], &event["source"]), (&json!({}), &json!("ci")));
    assert_eq!(event["session_id"], "s1");
    assert_eq!(text(&told.stdout), format!("{}\n", json!({"seqs": [event["seq"]]})));
}

#[test]
fn the_names_and_the_test_events_of_requirement_4_are_taken() {
    let place = Place::new(WRAPPER);
    let live = Headless::start(&place);
    let client = Subscriber::connect(&live.url);
    let hook = run(&place, &["publish", "PreToolUse", r#"{"tool_name":"Bash"}"#, "--url", &live.url], b"");
    assert_eq!(status(&hook), Some(0), "{hook:?}");
    assert_eq!(published(&client, "hook.pre_tool", 1)[0]["data"]["tool_name"], "Bash");
    assert_eq!(status(&run(&place, &["publish", "--test", "resource.alert"], b"")), Some(0));
    let event = &published(&client, "resource.alert", 1)[0];
    assert_eq!((&event["source"], &event["data"]["test"]), (&json!("test-generator"), &json!(true)));
    assert_eq!(event["summary"], "Test resource.alert event");
    assert!(event["session_id"].as_str().expect("text").starts_with("test_"), "{event}");
    assert!((0.0..1.0).contains(&event["data"]["random"].as_f64().expect("a number")));
}

#[test]
fn ten_thousand_lines_arrive_once_and_in_order() {
    const LINES: usize = 10_000;
    let place = Place::new(WRAPPER);
    let live = Headless::start(&place);
    let client = Subscriber::connect(&live.url);
    let input: String = (0..LINES).map(|number| format!("{{\"n\":{number}}}\n")).collect();
    let done = run(&place, &["publish", "my.line", "-", "-o", "json"], input.as_bytes());
    assert_eq!((status(&done), text(&done.stderr)), (Some(0), ""));
    let told: Vec<u64> = text(&done.stdout).lines().flat_map(seqs).collect();
    let events = published(&client, "my.line", LINES);
    assert!(events.iter().enumerate().all(|(place, event)| event["data"]["n"] == place));
    assert_eq!(events.iter().map(|event| event["seq"].as_u64().expect("a number")).collect::<Vec<_>>(), told);
}

fn seqs(line: &str) -> Vec<u64> {
    let line: Value = serde_json::from_str(line).expect("JSON");
    line["seqs"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect()
}

#[test]
fn a_line_goes_out_before_the_next_one_is_there() {
    let place = Place::new(WRAPPER);
    let live = Headless::start(&place);
    let client = Subscriber::connect(&live.url);
    let mut command = place.command(&["publish", "my.line", "-"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    for number in 0..3 {
        writeln!(stdin, "{{\"n\":{number}}}").expect("it reads");
        published(&client, "my.line", number + 1);
    }
    drop(stdin);
    assert!(child.wait().expect("a child of ours").success());
}

#[test]
fn bad_lines_are_named_and_the_rest_goes_on() {
    let place = Place::new(WRAPPER);
    let live = Headless::start(&place);
    let client = Subscriber::connect(&live.url);
    let lines = [
        r#"{"type":"my.line","data":{"n":0}}"#,
        "{",
        "",
        r#"{"type":"my.line","data":[]}"#,
        r#"{"event_type":"my.line","source":"x","payload":{"n":1}}"#,
        r#"{"event_type":"my.line","source":"x","payload":{"n":1},"timestamp":1706181600000}"#,
        r#"{"type":"my.line","source":"supervisor","data":{"n":2}}"#,
        r#"{"type":"my.line","data":{"n":3}}"#,
    ];
    let done = run(&place, &["publish", "-"], lines.join("\n").as_bytes());
    assert_eq!((status(&done), text(&done.stdout)), (Some(1), ""));
    let complaints: Vec<&str> = text(&done.stderr).lines().collect();
    let begins = |line: u32, cause: &str| {
        let wanted = format!("claude-mpm: cannot publish line {line}: {cause}");
        assert!(
            complaints.iter().any(|complaint| complaint.starts_with(&wanted)),
            "{wanted}: {complaints:#?}"
        );
    };
    begins(2, "it is no JSON");
    begins(4, "cannot read payload: not an object");
    begins(5, "cannot read timestamp: missing");
    begins(7, "the hub answers AUTH002: ");
    assert_eq!(complaints.len(), 4, "{complaints:#?}");
    let numbers: Vec<Value> =
        published(&client, "my.line", 3).iter().map(|event| event["data"]["n"].clone()).collect();
    assert_eq!(numbers, [0, 1, 3]);
}

#[test]
fn what_only_the_owner_of_a_session_may_say_is_refused() {
    let place = Place::new(WRAPPER);
    let live = Headless::start(&place);
    let running = run(&place, &["list", "-o", "json"], b"");
    let running: Value = serde_json::from_slice(&running.stdout).expect("JSON");
    let session = running[0]["session_id"].as_str().expect("an id").to_owned();
    let end = json!({"session_id": session, "end_time": "2026-01-01T00:00:00.000Z", "exit_code": 0,
        "signal": null, "reason": "exited", "duration_seconds": 1.0});
    let refused = run(&place, &["publish", "session.end", &end.to_string(), "--session", &session], b"");
    assert_eq!(status(&refused), Some(1), "{refused:?}");
    assert!(text(&refused.stderr).contains("the hub answers AUTH002: "), "{refused:?}");
    drop(live);
}

#[test]
fn inside_a_session_its_hub_is_meant_and_no_other() {
    let place = Place::new(WRAPPER);
    let (one, other) = (Headless::start(&place), Headless::start(&place));
    let clients = [&one, &other].map(|live| Subscriber::connect(&live.url));
    let several = run(&place, &["publish", "my.line"], b"");
    assert_eq!(status(&several), Some(3), "{several:?}");
    let list: Value =
        serde_json::from_slice(&run(&place, &["list", "-o", "json"], b"").stdout).expect("JSON");
    let is_one = |found: &&Value| one.url.ends_with(&format!(":{}", found["port"]));
    let found = list.as_array().expect("a list").iter().find(is_one).expect("it is listed");
    let mut command = place.command(&["publish", "my.line"]);
    command.env("CLAUDE_MPM_SESSION", found["session_id"].as_str().expect("an id"));
    assert!(command.status().expect("it starts").success());
    published(&clients[0], "my.line", 1);
    let mut elsewhere = place.command(&["publish", "my.line"]);
    elsewhere.env("CLAUDE_MPM_SESSION", "gone");
    let output = elsewhere.output().expect("it starts");
    assert_eq!(status(&output), Some(3));
    assert!(text(&output.stderr).contains("cannot publish to session \"gone\": it has no hub"), "{output:?}");
    drop(other);
    assert!(clients[1].wait_close().of("my.line").is_empty());
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let place = Place::new(WRAPPER);
    for (args, cause) in [
        (&["publish", "x.*"][..], "cannot publish x.*: it is a pattern and no type"),
        (&["publish", "x.y", "{"], "cannot publish x.y: its content is no JSON"),
        (&["publish", "x.y", "7"], "cannot publish x.y: cannot read payload: not an object"),
        (&["publish", "todo.update", "{}"], "cannot publish todo.update: cannot read payload: not that of"),
        (&["publish", "-", "--test"], "cannot publish -: whole events say everything themselves"),
        (&["publish", "-", "--source", "x"], "cannot publish -: whole events say everything themselves"),
    ] {
        let output = run(&place, args, b"");
        assert_eq!(status(&output), Some(2), "{args:?}");
        assert!(text(&output.stderr).starts_with(&format!("claude-mpm: {cause}")), "{output:?}");
    }
    assert_eq!(status(&run(&place, &["publish", "x.y"], b"")), Some(3));
    assert_eq!(status(&run(&place, &["publish", "x.y", "--url", "ws://127.0.0.1:1"], b"")), Some(5));
}
