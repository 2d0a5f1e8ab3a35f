//! A stream that is none, on the stdout of a program that was asked for one.

use crate::stand::{Stand, errors};
use serde_json::json;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::subscriber::Received;

const SESSION: &str = "11111111-2222-4333-8444-555555555555";
const ARGUMENTS: [&str; 4] = ["-p", "--output-format", "stream-json", "--verbose"];

fn delegation(id: &str) -> String {
    let input = json!({ "subagent_type": "qa", "description": id, "prompt": "p" });
    let call = json!({ "type": "tool_use", "id": id, "name": "Agent", "input": input });
    let message = json!({ "id": format!("msg_{id}"), "role": "assistant", "model": "m", "content": [call] });
    json!({ "type": "assistant", "session_id": SESSION, "message": message, "uuid": id }).to_string()
}

fn with_line_ends(lines: &[&[u8]]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect()
}

/// Lines of which some delegate.
fn first_lines() -> Vec<u8> {
    let init = json!({ "type": "system", "subtype": "init", "session_id": SESSION, "cwd": "/p" });
    with_line_ends(&[
        format!("\u{feff}{init}\r").as_bytes(),
        format!("{}\r", delegation("crlf")).as_bytes(),
        b"garbage",
        b"",
        b"[]",
        b"null",
        b"{\"type\":",
        b"\xff\xfe\0",
        "[".repeat(200_000).as_bytes(),
        delegation("after garbage").as_bytes(),
        format!("\x1b[2K\x1b[31m{}\x1b[0m", delegation("coloured")).as_bytes(),
        br#"{"type":"assistant","message":[],"session_id":7}"#,
        br#"{"type":{}}"#,
        format!("{}\x1b[0m\x1b[?25h", delegation("reset tail")).as_bytes(),
    ])
}

fn started(received: &Received) -> Vec<&str> {
    let all = received.of("agent.delegation").into_iter().filter(|data| data["status"] == "started");
    all.map(|data| data["task"].as_str().unwrap()).collect()
}

/// Between two probes.
const PAUSE: Duration = Duration::from_millis(20);

#[test]
fn a_stream_full_of_garbage_passes_byte_for_byte_and_its_good_lines_are_told() {
    let stand = Stand::start(&["--hooks", "off"], &ARGUMENTS);
    let cut = &delegation("cut").into_bytes()[..100];
    let output = [&first_lines(), cut].concat();
    stand.write(&output);
    // What is behind the last newline is no line yet.
    stand.client.wait_for(|received| started(received).contains(&"reset tail"));
    assert!(stand.status()["sources"].is_array());
    let (ended, received) = stand.end();
    assert!(ended.stdout == output, "{}", String::from_utf8_lossy(&ended.stdout));
    assert_eq!(ended.stderr, b"on stderr\n");
    assert_eq!(started(&received), ["crlf", "after garbage", "coloured", "reset tail"]);
    assert_eq!(errors(&received, "stream").len(), 1, "{:?}", errors(&received, "stream"));
}

/// So much at once may be more than is read along: then that is said, and what comes later is told.
#[test]
fn a_line_of_seventy_mebibytes_passes_byte_for_byte_and_the_lines_behind_it_are_told() {
    let stand = Stand::start(&["--hooks", "off"], &ARGUMENTS);
    let mut output = with_line_ends(&[format!("{{\"x\":\"{}\"}}", "x".repeat(70 << 20)).as_bytes()]);
    stand.write(&output);
    let until = Instant::now() + DEADLINE;
    for number in 0.. {
        let id = format!("probe-{number}");
        let line = with_line_ends(&[delegation(&id).as_bytes()]);
        output.extend_from_slice(&line);
        stand.write(&line);
        if !started(&stand.client.wait_for(|_| true)).is_empty() {
            break;
        }
        assert!(Instant::now() < until, "nothing is told any more");
        // A probe may itself be among what is skipped, and then nothing tells of it: another one follows.
        std::thread::sleep(PAUSE);
    }
    let (ended, received) = stand.end();
    assert!(ended.stdout == output, "{} of {} bytes, or others", ended.stdout.len(), output.len());
    let told = [errors(&received, "stream").len(), errors(&received, "output").len()];
    assert!(told[0] <= 1 && told[0] + told[1] >= 1, "{told:?}");
}
