//! What a document lacks, and that it says so.

use crate::crafted::{Crafted, at, event};
use crate::session::{Done, Place};
use serde_json::{Value, json};
use std::io::Read;
use std::process::Stdio;
use test_support::processes::Process;
use test_support::program::Program;

/// Numbers in the order in which they stand there; of a gap, how many are missing.
fn numbers(done: &Done) -> Vec<Result<u64, u64>> {
    assert_eq!(done.status, Some(0), "{}", done.err);
    let events = done.out.lines().map(|line| serde_json::from_str(line).unwrap());
    let number = |event: Value| match &event["type"] {
        kind if kind == "system.gap" => Err(event["data"]["missed"].as_u64().unwrap()),
        _ => Ok(event["seq"].as_u64().unwrap()),
    };
    events.map(number).collect()
}

/// As many lines of so many letters, of a session whose hub keeps them in memory alone.
fn in_memory(place: &Place, lines: u32, letters: u32) -> Program {
    let line = format!("printf '%0{letters}d\\n' $n");
    let script =
        format!("n=0; while [ $n -lt {lines} ]; do {line}; n=$((n+1)); done; echo ready; sleep 1000");
    place.start("web", &["--no-journal"], &script)
}

#[test]
fn what_its_journal_lacks_is_marked_and_counted() {
    let place = Place::new();
    let journal = Crafted::new(&place.0.path(".local/state/claude-mpm/sessions"), "s1", "web");
    let mut events: Vec<Value> = [2, 3, 9, 10].map(|seq| event("e1", seq, 0)).into();
    // Whole, and of no event.
    events.insert(2, json!({"type": "my.event", "seq": 4, "epoch": "e1"}));
    journal.write("e1", events);
    journal.records("e2", [at(1, 9), at(2, 9)]);
    let done = place.run(&["export", "web"]);
    assert_eq!(numbers(&done), [Err(1), Ok(2), Ok(3), Err(5), Ok(9), Ok(10), Ok(1), Ok(2)]);
    assert!(done.err.contains("6 events are missing"), "{}", done.err);
    assert!(done.err.contains("1 lines of the journal are damaged"), "{}", done.err);
    for (format, shows) in [
        ("csv", ",system.gap,"),
        ("markdown", "missed 5 events: not kept"),
        ("html", "missed 5 events: not kept"),
    ] {
        let done = place.run(&["export", "web", "--format", format]);
        assert!(done.out.contains(shows) && done.err.contains("6 events are missing"), "{}", done.out);
    }
    assert_eq!(place.run(&["-q", "export", "web"]).err, "");
    let whole = place.run(&["export", "web", "--after", "1"]);
    assert_eq!((numbers(&whole), whole.err.as_str()), (vec![Ok(2)], ""));
}

#[test]
fn all_that_a_hub_remembers_is_asked_for() {
    let place = Place::new();
    // More than one answer holds.
    let _program = in_memory(&place, 3700, 1000);
    let done = place.run(&["export", "web"]);
    let found = numbers(&done);
    assert!(
        found.len() > 3700 && found.iter().copied().eq((1..).map(Ok).take(found.len())),
        "{:?}",
        found[0]
    );
    assert_eq!(done.err, "");
}

#[test]
fn what_has_left_memory_is_marked_and_counted() {
    let place = Place::new();
    // More than memory holds.
    let _program = in_memory(&place, 11_000, 1);
    let done = place.run(&["export", "web"]);
    let found = numbers(&done);
    let (Err(missing), Ok(first)) = (found[0], found[1]) else { panic!("{:?}", &found[..2]) };
    assert!(first > 1000 && missing == first - 1, "{missing} {first}");
    assert!(found[1..].iter().copied().eq((first..).map(Ok).take(found.len() - 1)));
    assert!(done.err.contains(&format!("{missing} events are missing")), "{}", done.err);
    // Measurements come all the while, and others leave.
    let output = numbers(&place.run(&["export", "web", "claude.output"]));
    assert!(output[0].is_err_and(|later| later >= missing), "{missing} {:?}", output[0]);
}

#[test]
fn a_session_that_ends_while_it_is_exported_is_exported_whole() {
    let place = Place::new();
    let line = "printf '%01000d\\n' $n";
    let script = format!("n=0; while [ $n -lt 400 ]; do {line}; n=$((n+1)); done; echo ready; sleep 1000");
    let session = place.start("web", &[], &script);
    let mut command = place.0.command(&["export", "web"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut export = command.spawn().unwrap();
    let (mut out, mut begin) = (export.stdout.take().unwrap(), [0]);
    // It has begun, and a pipe does not take all of it.
    out.read_exact(&mut begin).unwrap();
    assert!(Process::of(session.pid()).signal(nix::libc::SIGTERM));
    session.finish();
    let mut text = String::from_utf8(begin.into()).unwrap();
    out.read_to_string(&mut text).unwrap();
    let rest = export.wait_with_output().unwrap();
    let done = Done { status: rest.status.code(), out: text, err: String::from_utf8(rest.stderr).unwrap() };
    let found = numbers(&done);
    assert!(found.len() > 400 && found.iter().copied().eq((1..).map(Ok).take(found.len())));
    assert!(done.out.lines().last().unwrap().contains("\"type\":\"session.end\""));
    assert_eq!(done.err, "");
}

#[test]
fn a_session_that_is_being_told_again_is_exported_whole() {
    let place = Place::new();
    Crafted::new(&place.0.path(".local/state/claude-mpm/sessions"), "s1", "web")
        .records("e1", [at(1, 0), at(2, 3_600_000)]);
    let replay = Program::start(place.0.command(&["replay", "web"]), b"");
    replay.wait_err(|line| line.contains("on ws://127.0.0.1:"));
    for word in ["web", "s1"] {
        assert_eq!(numbers(&place.run(&["export", word])), [Ok(1), Ok(2)], "{word}");
    }
    assert!(Process::of(replay.pid()).signal(nix::libc::SIGTERM));
    assert!(replay.finish().0.success());
}
