//! Files of claude's that are cut, rotated, replaced or gigantic while it runs.

use crate::stand::{Stand, errors};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use test_support::subscriber::Received;

const SESSION: &str = "11111111-2222-4333-8444-555555555555";

/// A program that says which session it is in, and the path of that session's transcript.
fn start() -> (Stand, std::path::PathBuf) {
    let stand = Stand::start(&["--hooks", "off"], &[]);
    fs::create_dir_all(stand.folder().join("sessions")).unwrap();
    let path = stand.transcript(SESSION);
    // Claude's name of the folder comes from its working directory.
    state(
        &stand,
        &json!({ "pid": stand.pid, "sessionId": SESSION, "cwd": "/p", "status": "busy" }).to_string(),
    );
    (stand, path)
}

fn state(stand: &Stand, text: &str) {
    fs::write(stand.folder().join(format!("sessions/{}.json", stand.pid)), text).unwrap();
}

fn line(id: &str) -> String {
    let input = json!({ "subagent_type": "qa", "description": id, "prompt": "p" });
    let call = json!({ "type": "tool_use", "id": format!("toolu_{id}"), "name": "Agent", "input": input });
    let message = json!({ "id": format!("msg_{id}"), "role": "assistant", "model": "m", "content": [call] });
    format!("{}\n", json!({ "type": "assistant", "uuid": id, "message": message }))
}

fn append(path: &Path, text: &[u8]) {
    File::options().append(true).create(true).open(path).unwrap().write_all(text).unwrap();
}

fn tasks(received: &Received) -> Vec<&str> {
    let all = received.of("agent.delegation").into_iter().filter(|data| data["status"] == "started");
    all.map(|data| data["task"].as_str().unwrap()).collect()
}

fn wait_for(stand: &Stand, id: &str) {
    stand.client.wait_for(|received| tasks(received).contains(&id));
}

#[test]
fn a_transcript_that_is_cut_replaced_and_rotated_is_told_once_each() {
    let (stand, path) = start();
    append(&path, line("one").as_bytes());
    wait_for(&stand, "one");
    append(&path, b"garbage\n\xff\xfe\0\n[]\n{\"type\":\n");
    append(&path, format!("{}\n", "[".repeat(200_000)).as_bytes());
    let two = line("two");
    append(&path, &two.as_bytes()[..40]);
    append(&path, &two.as_bytes()[40..]);
    wait_for(&stand, "two");
    fs::write(&path, line("three")).unwrap();
    wait_for(&stand, "three");
    let other = path.with_extension("new");
    fs::write(&other, [line("three"), line("four")].concat()).unwrap();
    fs::rename(&other, &path).unwrap();
    wait_for(&stand, "four");
    fs::rename(&path, path.with_extension("old")).unwrap();
    append(&path, line("five").as_bytes());
    wait_for(&stand, "five");
    stand.write(b"written\n");
    let (output, received) = stand.end();
    assert_eq!(output.stdout, b"written\n");
    assert_eq!(tasks(&received), ["one", "two", "three", "four", "five"]);
    assert_eq!(errors(&received, "transcript").len(), 1, "{:?}", errors(&received, "transcript"));
}

#[test]
fn a_gigantic_transcript_and_a_gigantic_line_keep_nobody_waiting() {
    let (stand, path) = start();
    append(&path, line("one").as_bytes());
    wait_for(&stand, "one");
    append(&path, format!("{{\"type\":\"user\",\"x\":\"{}\"}}\n", "x".repeat(70 << 20)).as_bytes());
    append(&path, line("two").as_bytes());
    wait_for(&stand, "two");
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(stand.status()["sources"].is_array());
    stand.write(b"written\n");
    let (output, received) = stand.end();
    assert_eq!(output.stdout, b"written\n");
    assert_eq!(tasks(&received), ["one", "two"]);
    assert_eq!(errors(&received, "transcript").len(), 1, "{:?}", errors(&received, "transcript"));
}

#[test]
fn a_state_file_that_is_anything_else_is_let_be() {
    let (stand, path) = start();
    let other = |pid: u32, id: &str| json!({ "pid": pid, "sessionId": id, "cwd": "/p" }).to_string();
    let odd: [String; 6] = [
        String::new(),
        "[".repeat(100_000),
        other(1, SESSION),
        other(stand.pid, "../../x"),
        json!({ "pid": "x", "sessionId": Value::Null }).to_string(),
        "x".repeat(10 << 20),
    ];
    for text in odd {
        state(&stand, &text);
    }
    let file = stand.folder().join(format!("sessions/{}.json", stand.pid));
    fs::remove_file(&file).unwrap();
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::remove_file(&file).unwrap();
    state(
        &stand,
        &json!({ "pid": stand.pid, "sessionId": SESSION, "cwd": "/p", "status": "busy" }).to_string(),
    );
    append(&path, line("one").as_bytes());
    wait_for(&stand, "one");
    stand.write(b"");
    let (_, received) = stand.end();
    assert_eq!(tasks(&received), ["one"]);
    assert!(errors(&received, "transcript").is_empty());
}
