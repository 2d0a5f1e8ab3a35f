//! Journals that are damaged, begun anew, empty, or none; and what was typed wrongly.

use super::crafted::{Crafted, at, event};
use super::stand::{Stand, listen, parsed};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use test_support::program::Program;
use test_support::subscriber::{Subscriber, ask};

/// The runs of numbers: those that came, and gaps.
fn runs(lines: &[String]) -> Vec<(String, u64, u64)> {
    let mut runs: Vec<(String, u64, u64)> = Vec::new();
    for event in lines.iter().map(|line| parsed(line)) {
        let number = |value: &Value| value.as_u64().expect("a number");
        match (event["type"] == "system.gap", runs.last_mut()) {
            (true, _) => {
                let data = &event["data"];
                runs.push(("gap".into(), number(&data["from_seq"]), number(&data["to_seq"])));
            }
            (false, Some((what, _, last))) if what == "events" && *last + 1 == event["seq"] => *last += 1,
            (false, _) => runs.push(("events".into(), number(&event["seq"]), number(&event["seq"]))),
        }
    }
    runs
}

#[test]
fn what_is_damaged_is_a_gap_for_everybody_and_the_rest_comes() {
    let stand = Stand::new();
    let crafted = Crafted::new(&stand.sessions(), "s1", "web");
    crafted.records("e1", (1..=40).map(|seq| at(seq, 0)));
    let text = fs::read_to_string(crafted.segment()).expect("a segment");
    let damage = |(number, line): (usize, &str)| match number + 1 {
        1 | 2 | 17 => line.replace("my.event", "my.EVENT"),
        _ => line.to_owned(),
    };
    let damaged: Vec<String> = text.lines().enumerate().map(damage).collect();
    fs::write(crafted.segment(), damaged.join("\n") + "\n").expect("space");
    let expected: Vec<_> = [("gap", 1, 2), ("events", 3, 16), ("gap", 17, 17), ("events", 18, 40)]
        .map(|(what, from, to)| (what.to_owned(), from, to))
        .into();
    assert_eq!(runs(&stand.printed(&["web", "--print", "--speed", "max", "-o", "json"])), expected);
    let replay = stand.replay(&["web", "--speed", "max", "--once"]);
    let watch = ["-q", "watch", "--url", &replay.url(), "--after", "0", "-o", "json"];
    let first = Program::start(stand.place.command(&watch), b"");
    replay.said("3 records of the journal are damaged");
    let (status, lines, _) = first.finish();
    assert!(status.success() && replay.finish().success());
    assert_eq!(runs(&lines), expected);
    let gaps = lines.iter().map(|line| parsed(line)).filter(|event| event["type"] == "system.gap");
    assert!(gaps.clone().all(|gap| gap["data"]["reason"] == "not in the journal"), "{lines:?}");
    let replay = stand.replay(&["web", "--speed", "max", "--once"]);
    let envelope = listen(replay.port, "/events?after=0", json!({"type": "ping"}));
    assert!(replay.finish().success());
    let seen = envelope.join().expect("a client that ends");
    let errors = seen.iter().filter(|frame| frame["type"] == "error");
    let sentences: Vec<&Value> = errors.map(|error| &error["data"]["error_message"]).collect();
    assert_eq!(
        sentences,
        ["cannot send 2 events: not in the journal", "cannot send 1 events: not in the journal"]
    );
}

#[test]
fn of_several_numberings_the_newest_is_told_or_the_one_that_is_named() {
    let stand = Stand::new();
    let crafted = Crafted::new(&stand.sessions(), "s1", "web");
    for (epoch, first, last) in [("aa1", 1, 3), ("bb2", 2, 5), ("cc3", 1, 5)] {
        crafted.records(epoch, (first..=last).map(|seq| at(seq, 0)));
    }
    let told = |args: &[&str]| {
        let (out, err, status) = stand.run(&[&["replay", "web", "--print", "-o", "json"], args].concat());
        assert_eq!(status, Some(0), "{err}");
        assert!(err.contains("the journal has 2 more"), "{err}");
        let events = out.lines().map(parsed).filter(|event| event["type"] != "system.gap");
        let events: Vec<Value> = events.collect();
        (events.len(), events[0]["epoch"].clone())
    };
    assert_eq!(told(&[]), (5, json!("cc3")));
    assert_eq!(told(&["--epoch", "aa1"]), (3, json!("aa1")));
    assert_eq!(told(&["--epoch", "b"]), (4, json!("bb2")));
    // What memory has not all of is looked up in the journal, and not in what came later.
    let replay = stand.replay(&["web", "--epoch", "bb2", "--now"]);
    replay.said("the recording is over");
    let asked = json!({"command": "get_history", "params": {"event_types": ["*"], "limit": 100}});
    let history = ask(&replay.url(), &asked)["data"]["events"].clone();
    let epochs = history.as_array().expect("an array").iter().map(|event| event["epoch"].clone());
    assert_eq!(epochs.filter(|epoch| *epoch != "aa1").collect::<Vec<_>>(), vec![json!("bb2"); 4]);
    // A place in another numbering is none in this recording.
    let elsewhere = Subscriber::begin(&replay.url(), json!({"after": 0, "epoch": "cc3"}));
    let received = elsewhere.wait_for(|received| received.events.len() >= 4);
    assert!(received.events.iter().all(|event| event["epoch"] == "bb2"), "{:?}", received.events);
    assert!(replay.end(Signal::SIGTERM).success());
    let (_, err, status) = stand.run(&["replay", "web", "--epoch", "x"]);
    assert_eq!(status, Some(1));
    assert!(err.contains("aa1, bb2, cc3"), "{err}");
}

#[test]
fn what_cannot_be_told_is_said_with_its_cause() {
    let stand = Stand::new();
    Crafted::new(&stand.sessions(), "s-empty", "empty");
    let hollow = Crafted::new(&stand.sessions(), "s-hollow", "hollow");
    hollow.records("e1", [at(1, 0)]);
    fs::write(hollow.segment(), "").expect("space");
    let broken = Crafted::new(&stand.sessions(), "s-broken", "broken");
    broken.records("e1", [at(1, 0)]);
    fs::write(broken.segment(), "no record at all\n").expect("space");
    let open = Crafted::new(&stand.sessions(), "s-open", "open");
    open.records("e1", [at(1, 0)]);
    fs::set_permissions(open.segment(), fs::Permissions::from_mode(0o666)).expect("ours");
    fs::write(stand.place.path("work/file"), "x").expect("space");
    for (word, status, says) in [
        (
            "nobody",
            3,
            "no session that is kept has this name or id\n  tip: sessions that are over: claude-mpm list --ended",
        ),
        ("empty", 1, "there is no journal in its directory"),
        ("hollow", 1, "its journal is empty"),
        ("broken", 1, "none of its records is whole"),
        ("open", 1, "its mode 0666 lets others in"),
        ("./nowhere", 1, "No such file or directory"),
        ("./file", 1, "a journal is a directory"),
        ("s-", 3, "several sessions begin like this"),
    ] {
        for print in [&["replay", word][..], &["replay", word, "--print"]] {
            let (out, err, found) = stand.run(print);
            assert_eq!((found, out.as_str()), (Some(status), ""), "{word}: {err}");
            assert!(err.starts_with(&format!("claude-mpm: cannot replay {word}: ")), "{err}");
            assert!(err.contains(says), "{word}: {err}");
        }
    }
}

#[test]
fn a_journal_is_told_from_wherever_it_lies_whatever_it_is_of() {
    let stand = Stand::new();
    let crafted = Crafted::unlabelled(&stand.sessions(), "copied");
    crafted.records("e1", [at(1, 0), at(2, 10)]);
    let place = crafted.directory().to_str().expect("a path");
    assert_eq!(stand.printed(&[place, "--print", "-o", "json"]).len(), 2);
    let replay = stand.replay(&[place, "--once", "--now"]);
    assert!(replay.finish().success());
}

#[test]
fn what_is_typed_wrongly_is_refused() {
    let stand = Stand::new();
    Crafted::new(&stand.sessions(), "s1", "web").records("e1", [at(1, 0)]);
    for args in [
        &["replay"][..],
        &["replay", "web", "--speed", "0"],
        &["replay", "web", "--speed", "2000"],
        &["replay", "web", "--idle", "0"],
        &["replay", "web", "--since", "yesterdayish"],
        &["replay", "web", "claude.*"],
        &["replay", "web", "-o", "json"],
        &["replay", "web", "--print", "--once"],
        &["replay", "web", "--print", "--websocket-port", "8770"],
        &["replay", "web", "--print", "--tls", "auto"],
        &["replay", "web", "--print", "--websocket-host", "::1"],
        &["replay", "web", "--print", "bad..channel"],
    ] {
        let (out, err, status) = stand.run(args);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{args:?}: {err}");
    }
}

#[test]
fn the_part_between_two_times_is_told() {
    let stand = Stand::new();
    // Minutes from the beginning, which is at 12:00 UTC.
    Crafted::new(&stand.sessions(), "s1", "web")
        .records("e1", (1..=9).map(|seq| at(seq, (seq.cast_signed() - 1) * 60_000)));
    let part = ["web", "--print", "-o", "json", "--speed", "max"];
    let told = |args: &[&str]| runs(&stand.printed(&[&part, args].concat()));
    let events = |from, to| vec![("events".to_owned(), from, to)];
    assert_eq!(told(&["--since", "2026-11-20T12:03:00Z"]), events(4, 9));
    assert_eq!(told(&["-S", "2026-11-20T12:03:00Z", "-U", "2026-11-20T12:05:00Z"]), events(4, 6));
    // What was before makes no pauses, but is there for whoever asks.
    let replay = stand.replay(&["web", "-S", "2026-11-20T12:08:00Z", "--now", "--once"]);
    assert!(replay.finish().success());
}

/// The clocks of publishers differ from that of the machine, and from one another.
#[test]
fn what_is_newer_than_the_part_is_left_out_and_what_follows_it_is_told() {
    let stand = Stand::new();
    let crafted = Crafted::new(&stand.sessions(), "s1", "web");
    let minutes = [0, 9, 1, 8, 2, 3, 9, 9, 4, 5, 9, 9, 5];
    let events = minutes.iter().enumerate().map(|(index, minute)| {
        let mut event = event("e1", index as u64 + 1, minute * 60_000);
        event["source"] = json!(if index % 2 == 0 { "system" } else { "build" });
        event
    });
    // Long behind what was read with those, and two are lost.
    let (mut far, more) = (event("e1", 2016, 4 * 60_000), (16..2015).map(|seq| event("e1", seq, 9 * 60_000)));
    far["data"]["padding"] = json!("x".repeat(5000));
    crafted.write("e1", events.chain(more).chain([far, event("e1", 2017, 9 * 60_000)]));
    let until = ["-U", "2026-11-20T12:05:00Z", "-o", "json"];
    let told = |args: &[&str]| {
        let (out, err, status) = stand.run(&[args, &until[..]].concat());
        assert_eq!(status, Some(0), "{err}");
        out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let printed = told(&["-q", "replay", "web", "--print", "--speed", "max"]);
    let expected =
        [(1, 1), (3, 3), (5, 6), (9, 10), (13, 13)].map(|(from, to)| ("events".to_owned(), from, to));
    let lost = ("gap".to_owned(), 14, 15);
    let expected: Vec<_> = expected.into_iter().chain([lost, ("events".into(), 2016, 2016)]).collect();
    assert_eq!(runs(&printed), expected);
    let is_event = |line: &String| parsed(line)["type"] == "my.event";
    let events: Vec<String> = printed.into_iter().filter(is_event).collect();
    assert_eq!(told(&["-q", "history", "-i", "web", "-n", "10000"]), events);
    let exported = stand.run(&["-q", "export", "web", until[0], until[1]]).0;
    assert_eq!(runs(&exported.lines().map(str::to_owned).collect::<Vec<_>>()), expected);
    // Whoever is served gets the same.
    let replay = stand.replay(&["web", "--speed", "max", "--once", until[0], until[1]]);
    let client = Subscriber::connect(&replay.url());
    let seen = client.wait_close().events;
    assert!(replay.finish().success());
    let ours = seen.iter().filter(|event| event["type"] == "my.event");
    let told: Vec<u64> = ours.filter_map(|event| event["seq"].as_u64()).collect();
    let wanted: Vec<u64> =
        events.iter().map(|line| parsed(line)["seq"].as_u64().expect("a number")).collect();
    assert_eq!(told, wanted);
}
