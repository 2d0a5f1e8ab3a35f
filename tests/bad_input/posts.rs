//! Hooks that are none, too large, too many, or lead elsewhere.

use crate::stand::{Poster, Stand, errors};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::PathBuf;
use test_support::subscriber::Received;

const SESSION: &str = "11111111-2222-4333-8444-555555555555";
/// Stands in files that must not be read.
const MARKER: &str = "nobody-may-tell-this";

fn start() -> Stand {
    Stand::start(&["--hooks", "http"], &[])
}

/// A hook as claude posts it: the call of a tool with this id.
fn good(id: &str) -> Vec<u8> {
    let body = json!({ "hook_event_name": "PreToolUse", "session_id": SESSION, "tool_use_id": id,
        "tool_name": "Agent", "tool_input": { "subagent_type": "qa", "description": id, "prompt": "p" } });
    body.to_string().into_bytes()
}

/// The ids of the hooks that were told, in order.
fn told(received: &Received) -> Vec<&str> {
    received.of("hook.pre_tool").iter().filter_map(|data| data["tool_use_id"].as_str()).collect()
}

fn delegated(received: &Received) -> Vec<&str> {
    let started = received.of("agent.delegation").into_iter().filter(|data| data["status"] == "started");
    started.map(|data| data["task"].as_str().unwrap()).collect()
}

/// Bodies that say nothing at all.
fn useless() -> Vec<Vec<u8>> {
    let deep = |open: &str, close: &str| [open.repeat(200_000), close.repeat(200_000)].concat();
    let texts = [
        "not json".to_owned(),
        "{".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "[{\"session_id\":\"s\"}]".to_owned(),
        "{}".to_owned(),
        deep("[", "]"),
        deep("{\"a\":", "}").replace(":}", ":1}"),
        "{\"session_id\":\"../../x\",\"hook_event_name\":\"Stop\"}".to_owned(),
        "{\"session_id\":\"a\\u0000b\",\"hook_event_name\":\"Stop\"}".to_owned(),
        "{\"session_id\":{},\"hook_event_name\":[]}".to_owned(),
        "{\"session_id\":\"\",\"hook_event_name\":7}".to_owned(),
        "{\"session_id\":\"\\ud800\"}".to_owned(),
    ];
    let mut bodies: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    bodies.extend([b"\xff\xfe{}".to_vec(), b"\0\0\0".to_vec(), Vec::new()]);
    bodies
}

#[test]
fn hooks_that_are_none_are_one_error_and_the_good_ones_between_them_are_told_once() {
    let stand = start();
    let mut poster = stand.poster();
    let mut ids = Vec::new();
    for (number, body) in useless().iter().enumerate() {
        assert_eq!(poster.post("Stop", body), Some(204), "claude is told nothing, of {number}");
        let id = format!("toolu_{number}");
        assert_eq!(poster.post("PreToolUse", &good(&id)), Some(204));
        ids.push(id);
    }
    assert!(stand.status()["sources"].is_array());
    stand.write(b"written\n");
    let (output, received) = stand.end();
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"written\n"[..], &b"on stderr\n"[..]));
    assert_eq!(told(&received), ids);
    assert_eq!(delegated(&received), ids);
    assert_eq!(errors(&received, "hook").len(), 1, "{:?}", errors(&received, "hook"));
    assert!(received.of("hook.stop").is_empty());
}

#[test]
fn strange_values_in_a_hook_are_an_event_and_no_more() {
    let stand = start();
    let mut poster = stand.poster();
    let long = "x".repeat(15 << 20);
    let odd: [Value; 7] =
        [json!(null), json!(7), json!([[]]), json!({ "a": 1 }), json!(true), json!(long), json!("\0")];
    for value in &odd {
        let mut body = json!({ "session_id": SESSION });
        for field in [
            "tool_name",
            "tool_input",
            "tool_use_id",
            "agent_id",
            "agent_type",
            "transcript_path",
            "cwd",
            "tool_response",
            "tool_calls",
            "background_tasks",
            "prompt",
            "delta",
            "source",
            "task_id",
        ] {
            // One field with so much is enough.
            body[field] =
                if value == &odd[5] && field != "transcript_path" { json!("y") } else { value.clone() };
        }
        for event in
            ["PreToolUse", "PostToolUse", "SubagentStop", "Stop", "UserPromptSubmit", "PostToolBatch"]
        {
            if value != &odd[5] || event == "PreToolUse" {
                assert_eq!(poster.post(event, body.to_string().as_bytes()), Some(204));
            }
        }
    }
    assert_eq!(
        poster.post("Unheard", json!({ "session_id": SESSION, "x": 1 }).to_string().as_bytes()),
        Some(204)
    );
    assert_eq!(poster.post("PreToolUse", &good("last")), Some(204));
    stand.client.wait_for(|received| told(received).last() == Some(&"last"));
    stand.write(b"");
    let (_, received) = stand.end();
    assert_eq!(received.of("hook.pre_tool").len(), odd.len() + 1);
    assert_eq!(received.of("hook.unheard").len(), 1, "what is not known is told as well");
    assert!(errors(&received, "hook").is_empty(), "{:?}", errors(&received, "hook"));
    let largest = received.events.iter().map(|event| event.to_string().len()).max();
    assert!(largest < Some(1 << 20), "no event is endless: {largest:?}");
}

/// Claude writes it so where it has cut a text between the halves of a character.
#[test]
fn half_a_character_does_not_cost_a_hook() {
    let stand = start();
    let body = String::from_utf8(good("halved")).unwrap().replace("\"p\"", "\"p\\ud83d\"");
    assert_eq!(stand.poster().post("PreToolUse", body.as_bytes()), Some(204));
    stand.write(b"");
    let (_, received) = stand.end();
    assert_eq!(told(&received), ["halved"]);
    assert_eq!(received.of("hook.pre_tool")[0]["tool_input"]["prompt"], "p\u{fffd}");
    assert!(errors(&received, "hook").is_empty());
}

#[test]
fn what_is_too_large_is_lost_and_said_once() {
    let stand = start();
    let mut poster = stand.poster();
    let sized = |length: usize| {
        let body =
            json!({ "session_id": SESSION, "hook_event_name": "Notification", "message": "" }).to_string();
        body.replace("\"\"", &format!("\"{}\"", "m".repeat(length - body.len()))).into_bytes()
    };
    assert_eq!(poster.post("Notification", &sized(15 << 20)), Some(204));
    for _ in 0..3 {
        // The answer may be lost with the connection: we stop reading.
        assert!(matches!(poster.post("Notification", &sized(17 << 20)), Some(413) | None));
    }
    assert_eq!(poster.post("Stop", b"not json"), Some(204), "another kind of fault");
    assert_eq!(poster.post("PreToolUse", &good("last")), Some(204));
    stand.client.wait_for(|received| told(received) == ["last"]);
    stand.write(b"");
    let (_, received) = stand.end();
    assert_eq!(received.of("hook.notification").len(), 1);
    let errors = errors(&received, "hook");
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("too large")), "{errors:?}");
}

#[test]
fn a_wrong_key_is_refused_without_an_event() {
    let stand = start();
    let mut poster = stand.poster();
    let right = std::mem::replace(&mut poster.key, "wrong".into());
    for _ in 0..20 {
        assert_eq!(poster.post("PreToolUse", &good("secret")), Some(401));
    }
    poster.key = right;
    assert_eq!(poster.post("PreToolUse", &good("last")), Some(204));
    stand.write(b"");
    let (_, received) = stand.end();
    assert_eq!(told(&received), ["last"]);
    assert!(errors(&received, "hook").is_empty());
}

#[test]
fn a_burst_of_two_thousand_is_told_whole() {
    const CALLERS: usize = 8;
    const EACH: usize = 250;
    let stand = start();
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let mut poster: Poster = stand.poster();
            scope.spawn(move || {
                for number in 0..EACH {
                    assert_eq!(
                        poster.post("Stop", format!("garbage {caller} {number}").as_bytes()),
                        Some(204)
                    );
                    assert_eq!(poster.post("PreToolUse", &good(&format!("{caller}-{number}"))), Some(204));
                }
            });
        }
    });
    assert!(stand.status()["sources"].is_array());
    stand.write(b"written\n");
    let (output, received) = stand.end();
    assert_eq!(output.stdout, b"written\n");
    let mut ids = told(&received);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), told(&received).len()), (CALLERS * EACH, CALLERS * EACH));
    assert_eq!(errors(&received, "hook").len(), 1, "{:?}", errors(&received, "hook"));
}

/// Paths that lead to something else than a transcript. What they lead to would tell [`MARKER`], or keep whoever
/// opens it waiting.
fn elsewhere(stand: &Stand) -> Vec<PathBuf> {
    let line = json!({ "type": "user", "message": { "role": "user", "content": MARKER } });
    let place = stand.transcript("x").parent().unwrap().to_owned();
    let outside = stand.home.path().join("outside.jsonl");
    fs::write(&outside, format!("{line}\n")).unwrap();
    let fifos = [stand.home.path().join("fifo.jsonl"), place.join("fifo.jsonl")];
    for fifo in &fifos {
        nix::unistd::mkfifo(fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    }
    symlink(&outside, place.join("link.jsonl")).unwrap();
    symlink(stand.home.path(), place.join("way-out")).unwrap();
    fs::create_dir(place.join("folder.jsonl")).unwrap();
    let mut paths = vec![
        "/etc/passwd".into(),
        "relative.jsonl".into(),
        place.join("../../../outside.jsonl"),
        place.join("way-out/outside.jsonl"),
        place.join("link.jsonl"),
        place.join("folder.jsonl"),
        PathBuf::from(format!("/{}.jsonl", "x/".repeat(500_000))),
        outside,
    ];
    paths.extend(fifos);
    if nix::unistd::geteuid().is_root() {
        let foreign = place.join("foreign.jsonl");
        fs::write(&foreign, format!("{line}\n")).unwrap();
        chown(&foreign, Some(65_534), None).unwrap();
        paths.push(foreign);
    }
    paths
}

#[test]
fn a_transcript_path_leads_nowhere_but_to_a_transcript() {
    let stand = start();
    let mut poster = stand.poster();
    for (number, path) in elsewhere(&stand).iter().enumerate() {
        let body =
            json!({ "session_id": format!("s-{number}"), "transcript_path": path, "tool_name": "Bash" });
        assert_eq!(poster.post("PreToolUse", body.to_string().as_bytes()), Some(204));
    }
    let real = stand.transcript(SESSION);
    let said =
        json!({ "type": "user", "uuid": "u", "message": { "role": "user", "content": "a good line" } });
    fs::write(&real, format!("{said}\n")).unwrap();
    let body = json!({ "session_id": SESSION, "transcript_path": real, "tool_name": "Bash" });
    assert_eq!(poster.post("PreToolUse", body.to_string().as_bytes()), Some(204));
    stand.client.wait_for(|received| format!("{:?}", received.events).contains("a good line"));
    assert!(stand.status()["sources"].is_array());
    stand.write(b"");
    let (_, received) = stand.end();
    let everything = format!("{:?}", received.events);
    assert!(!everything.contains(MARKER) && !everything.contains("root:"), "a file elsewhere was read");
    let errors = errors(&received, "transcript");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].len() < 5_000, "an error is not as long as what it is about");
}
