//! When claude-mpm itself is killed, its guardian ends claude, and tells whoever connects again how the session ended.

use nix::libc;
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::instance::url_in;
use test_support::processes::Process;
use test_support::program::Program;
use test_support::subscriber::Subscriber;

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");

/// Runs `script` with a hub; `kill` is called when it runs. Gives what a client hears that stays connected as long as it
/// can and then connects again, until the session has ended.
fn heard(script: &str, kill: impl Fn(&Process, &Process)) -> (Vec<Value>, tempfile::TempDir) {
    let place = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(WRAPPER);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("XDG_RUNTIME_DIR", place.path());
    command.args(["-q", "--websocket-port", "auto", "--launch-method", "subprocess", "--headless"]);
    command.args(["--claude", "/bin/sh", "--", "-c", script]);
    let program = Program::start(command, b"");
    let url = url_in(place.path());
    let client = Subscriber::connect(&url);
    let said = |text: &'static str| {
        client.wait_for(|received| received.lines("stdout").iter().any(|line| line == text))
    };
    said("up");
    let pid =
        client.wait_for(|received| received.of("claude.status").len() > 1).of("claude.status")[1]["pid"]
            .clone();
    let child = Process::of(u32::try_from(pid.as_u64().expect("a number")).expect("a process id"));
    let killed = Instant::now();
    kill(&Process::of(program.pid()), &child);
    let mut events = client.wait_close().events;
    // As any client comes back: with the place where it was.
    let last = events.last().expect("events");
    let cursor = serde_json::json!({"after": last["seq"], "epoch": last["epoch"]});
    let again = Subscriber::begin(&url, cursor);
    events.extend(again.wait_close().events);
    assert!(killed.elapsed() < Duration::from_secs(4), "{:?}", killed.elapsed());
    drop(program);
    (events, place)
}

#[track_caller]
fn ends_in_order(events: &[Value]) -> &Value {
    // Where something was not written yet, another numbering begins.
    for of_one in events.chunk_by(|a, b| a["epoch"] == b["epoch"]) {
        let numbers: Vec<u64> = of_one.iter().filter_map(|event| event["seq"].as_u64()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "no number twice: {numbers:?}");
    }
    let end = events.last().expect("events");
    assert_eq!(end["type"], "session.end", "{events:#?}");
    assert_eq!(events.iter().filter(|event| event["type"] == "session.start").count(), 1);
    assert!(events.iter().any(|event| event["data"]["severity"] == "critical"), "{events:#?}");
    &end["data"]
}

#[test]
fn a_client_that_connects_again_hears_how_the_session_ended() {
    let (events, place) = heard("trap 'exit 3' TERM; echo up; while :; do sleep 0.01; done", |ours, _| {
        assert!(ours.signal(libc::SIGKILL));
    });
    let end = ends_in_order(&events);
    assert_eq!((&end["exit_code"], &end["reason"]), (&Value::from(3), &Value::from("stopped")));
    let left = || std::fs::read_dir(place.path().join("claude-mpm")).expect("the directory").count();
    let until = Instant::now() + DEADLINE;
    while left() > 0 {
        assert!(Instant::now() < until, "its record or its socket is still there");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_claude_that_was_killed_together_with_us_is_told_as_killed() {
    let (events, _place) = heard("echo up; sleep 1000", |ours, child| {
        assert!(child.signal(libc::SIGKILL) && ours.signal(libc::SIGKILL));
    });
    // We may have lived long enough to tell of it ourselves.
    let end = &events.last().expect("events")["data"];
    assert_eq!(end["signal"], 9, "{events:#?}");
}
