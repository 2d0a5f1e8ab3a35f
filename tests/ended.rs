//! Sessions that are over: listed, and looked at, by their journals.

#[path = "replay/crafted.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod crafted;

use crafted::{Crafted, event};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::time::Instant;
use test_support::instance::url_in;
use test_support::program::Program;
use test_support::standalone::{Hub, Place, named};
use test_support::subscriber::{Subscriber, ask};
use test_support::{DEADLINE, piped};

struct Stand {
    place: Place,
    sessions: PathBuf,
}

impl Stand {
    fn new() -> Self {
        let place = Place::new(env!("CARGO_BIN_EXE_claude-mpm"));
        let sessions = place.path(".local/state/claude-mpm/sessions");
        Self { place, sessions }
    }

    /// Standard output, standard error and status.
    #[track_caller]
    fn run(&self, args: &[&str]) -> (String, String, Option<i32>) {
        let output = piped::run(self.place.command(args), b"", DEADLINE);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr), output.status.code())
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        let (out, err, status) = self.run(args);
        assert_eq!(status, Some(0), "{err}");
        serde_json::from_str(&out).expect("JSON")
    }

    /// A session with some events, that ended with this exit code.
    fn ended(&self, session: &str, name: &str, exit_code: i32) -> Crafted {
        let crafted = Crafted::new(&self.sessions, session, name);
        let mut end = event("e1", 4, 90_000);
        (end["type"], end["session_id"]) = (json!("session.end"), json!(session));
        end["data"] = json!({
            "session_id": session, "end_time": end["timestamp"], "duration_seconds": 90.0, "exit_code": exit_code,
            "signal": null, "reason": "exited",
        });
        let before = (1..=3).map(|seq| event("e1", seq, seq.cast_signed() * 30_000));
        crafted.write("e1", before.chain([end]));
        crafted
    }

    /// An instance that runs until it is dropped.
    fn running(&self, name: &str) -> Program {
        let mut command = self.place.command(&["--websocket-port", "auto", "--launch-method", "subprocess"]);
        command.args(["-n", name, "--headless", "--claude", "sleep", "--", "1000"]);
        let program = Program::start(command, b"");
        let _there = Subscriber::connect(&url_in(&self.place.path("run")));
        program
    }
}

fn kinds(out: &str) -> Vec<String> {
    let kind =
        |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["type"].as_str().map(str::to_owned);
    out.lines().filter_map(kind).collect()
}

#[test]
fn the_list_says_how_each_ended_and_when_it_was_last_heard_of() {
    let stand = Stand::new();
    assert_eq!(stand.json(&["list", "--ended", "-o", "json"]), json!([]));
    stand.ended("aaaa1111", "web", 7);
    Crafted::new(&stand.sessions, "bbbb2222", "cut").records("e1", [(1, 0), (2, 60_000)]);
    Crafted::new(&stand.sessions, "cccc3333", "empty");
    let (out, err, _) = stand.run(&["list", "--ended"]);
    let row = |name: &str| {
        let line = out.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{out}{err}"));
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("web"), "web aaaa1111 2026-11-20T12:00:00.000Z 1 m 30 s 7 /home/user/web");
    assert_eq!(row("cut"), "cut bbbb2222 2026-11-20T12:00:00.000Z 1 m 00 s ? /home/user/web");
    assert_eq!(row("empty"), "empty cccc3333 2026-11-20T12:00:00.000Z ? ? /home/user/web");
    let records = stand.json(&["list", "--ended", "-o", "json"]);
    let record =
        |name: &str| records.as_array().expect("an array").iter().find(|one| one["name"] == name).cloned();
    let [web, cut, empty] = ["web", "cut", "empty"].map(|name| record(name).expect("it is listed"));
    assert_eq!((&web["end"]["exit_code"], &web["session_id"]), (&json!(7), &json!("aaaa1111")));
    assert_eq!((&cut["end"], &cut["last_event"]), (&Value::Null, &json!("2026-11-20T12:01:00.000Z")));
    assert_eq!((&empty["end"], &empty["last_event"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_hub_whose_label_is_damaged_is_found_by_the_name_of_its_journal() {
    let stand = Stand::new();
    let hub = stand.place.serve(0);
    let event = r#"{"type":"my.line","source":"x","data":{}}"#;
    assert_eq!(hub.post("/api/events", event).0, 202);
    let name = format!("hub-{}", hub.port);
    assert!(hub.stop().success());
    let label = stand.sessions.join(&name).join("session.json");
    let told = |word: &str| {
        let (out, err, status) = stand.run(&["history", "-i", word, "-o", "json", "my.line"]);
        assert_eq!(status, Some(0), "{word}: {err}");
        kinds(&out)
    };
    assert_eq!(told("hub"), ["my.line"]);
    for damaged in [Some(&b"{}"[..]), Some(b""), None] {
        match damaged {
            Some(bytes) => fs::write(&label, bytes).expect("a file"),
            None => fs::remove_file(&label).expect("a file"),
        }
        assert_eq!((told("hub"), told(&name)), (vec!["my.line".to_owned()], vec!["my.line".to_owned()]));
        assert_eq!(stand.json(&["list", "--ended", "-o", "json"]).as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn a_copy_and_a_link_are_no_other_session() {
    let stand = Stand::new();
    let web = stand.ended("bbbb1111", "web", 7);
    let home = web.segment().parent().expect("a directory").to_owned();
    for name in ["aaaa", "cccc"] {
        fs::create_dir(stand.sessions.join(name)).expect("a directory");
        for file in fs::read_dir(&home).expect("a journal").flatten() {
            fs::copy(file.path(), stand.sessions.join(name).join(file.file_name())).expect("a copy");
        }
    }
    std::os::unix::fs::symlink(&home, stand.sessions.join("linked")).expect("a link");
    let listed = stand.json(&["list", "--ended", "-o", "json"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    let (told, err, status) = stand.run(&["history", "-i", "bbbb", "-o", "json"]);
    assert_eq!((kinds(&told).len(), status), (4, Some(0)), "{err}");
    // Where it is not where it was, a copy is all there is.
    fs::remove_dir_all(&home).expect("it is removed");
    assert_eq!(stand.json(&["list", "--ended", "-o", "json"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn hundreds_are_listed_without_reading_them_whole() {
    const SESSIONS: usize = 300;
    let stand = Stand::new();
    stand.ended("s0", "web", 0);
    let big = Crafted::new(&stand.sessions, "big", "big");
    let batch = |first: u64| (first..first + 500).map(padded);
    big.write_in_batches("e1", (1..=6000).step_by(500).map(batch));
    let (segment, index) = (big.segment(), big.segment().with_extension("index"));
    assert!(fs::metadata(&segment).expect("a segment").len() > 6_000_000);
    for number in 0..SESSIONS {
        let copy = Crafted::new(&stand.sessions, &format!("big{number}"), "big");
        for file in [&segment, &index] {
            fs::hard_link(file, copy.directory().join(file.file_name().expect("a name"))).expect("a link");
        }
    }
    let list = stand.place.command(&["list", "--ended"]);
    let mut shell = stand.place.command(&[]);
    shell = {
        let mut counted = std::process::Command::new("/bin/sh");
        counted.env_clear().envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
        // What the shell waited for counts with it (proc(5)).
        counted
            .args(["-c", "\"$@\"; cat /proc/$$/io >&2", "sh"])
            .arg(list.get_program())
            .args(list.get_args());
        counted
    };
    let output = piped::run(shell, b"", DEADLINE);
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert_eq!(out.lines().count(), SESSIONS + 3, "{err}");
    let read = err
        .lines()
        .find_map(|line| line.strip_prefix("rchar: ")?.parse::<u64>().ok())
        .expect("it is counted");
    // Read whole, it would be two gigabytes.
    assert!(read > SESSIONS as u64 * 1_000 && read < SESSIONS as u64 * 400_000, "{read}");
}

/// An event of about a thousand bytes.
fn padded(seq: u64) -> Value {
    let mut event = event("e1", seq, 0);
    event["data"] = json!({ "padding": "x".repeat(1000) });
    event
}

#[test]
fn the_history_of_a_session_is_found_by_its_name_its_id_or_the_beginning_of_it() {
    let stand = Stand::new();
    stand.ended("aaaa1111", "web", 0);
    stand.ended("aabb2222", "api", 0);
    for word in ["web", "aaaa1111", "aaa", "web:8765"] {
        let (out, err, status) = stand.run(&["history", "-i", word, "-o", "json"]);
        assert_eq!(status, Some(0), "{word}: {err}");
        assert_eq!(kinds(&out), ["my.event", "my.event", "my.event", "session.end"], "{word}");
    }
    // Neither the port nor the process is theirs any more.
    for (word, says) in [
        ("aa", "more of the id is needed: "),
        ("8765", "list --ended"),
        ("1", "list --ended"),
        ("zz", "list --ended"),
    ] {
        let (out, err, status) = stand.run(&["history", "-i", word]);
        assert_eq!((status, out.as_str()), (Some(3), ""), "{word}");
        assert!(err.contains(says), "{word}: {err}");
    }
}

#[test]
fn times_numbers_and_channels_choose_among_what_is_over_too() {
    let stand = Stand::new();
    stand.ended("aaaa1111", "web", 0);
    let seqs = |args: &[&str]| {
        let (out, err, status) = stand.run(&[&["history", "-i", "web", "-o", "json"], args].concat());
        assert_eq!(status, Some(0), "{err}");
        let seq = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["seq"].as_u64();
        out.lines().filter_map(seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(&["--since", "2026-11-20T12:01:00Z"]), [2, 3, 4]);
    assert_eq!(seqs(&["--since", "2026-11-20T12:01:00Z", "--until", "2026-11-20T12:01:00Z"]), [2]);
    assert_eq!(seqs(&["--until", "2026-11-20T12:00:59Z"]), [1]);
    assert_eq!((seqs(&["--after", "2"]), seqs(&["-n", "1"])), (vec![3, 4], vec![4]));
    assert!(seqs(&["--after", "18446744073709551615"]).is_empty());
    for always in ["9999-12-31T23:59:59Z", "9999-12-31"] {
        assert_eq!(seqs(&["--until", always]), [1, 2, 3, 4], "{always}");
        assert!(seqs(&["--since", always]).is_empty(), "{always}");
    }
    assert_eq!((seqs(&["session.*"]), seqs(&["--session", "aaaa1111"])), (vec![4], vec![4]));
}

#[test]
fn a_name_means_what_runs_before_what_is_over() {
    let stand = Stand::new();
    stand.ended("aaaa1111", "web", 0);
    let watch = stand.run(&["watch", "-i", "web"]);
    assert_eq!(watch.2, Some(3));
    assert!(
        watch.1.contains("tip: a session of this name is over: claude-mpm history -i aaaa1111"),
        "{}",
        watch.1
    );
    let replay = Program::start(stand.place.command(&["replay", "web"]), b"");
    replay.wait_err(|line| line.contains("on ws://"));
    let told = |stand: &Stand| kinds(&stand.run(&["history", "-i", "web", "-o", "json"]).0);
    assert_eq!(told(&stand).len(), 4, "what is told again is not all there yet");
    drop(replay);
    let _running = stand.running("web");
    assert_eq!(told(&stand)[0], "session.start");
    assert!(!stand.run(&["list", "--ended"]).0.lines().any(|line| line.contains("sleep")));
    let (out, _, _) = stand.run(&["history", "-i", "aaaa", "-o", "json"]);
    assert_eq!(kinds(&out).len(), 4);
    let _other = stand.running("web");
    let (_, err, status) = stand.run(&["history", "-i", "web"]);
    assert_eq!(status, Some(3));
    assert!(err.contains("several instances are meant"), "{err}");
}

/// A hub with little in memory, at this port (0: one of the kernel's).
fn small_hub(stand: &Stand, port: u16) -> Hub {
    let port = port.to_string();
    Hub::started(stand.place.command(&["serve", "--websocket-port", &port, "--history", "100"]))
}

/// Has the hub told so many events of about a thousand bytes, every tenth of which is rare.
fn tell(hub: &Hub, count: u64) {
    let event = |n: u64| json!({"type": if n.is_multiple_of(10) { "my.rare" } else { "my.line" }, "source": "x", "data": {"n": n, "padding": "x".repeat(900)}});
    for first in (0..count).step_by(400) {
        let events: Vec<Value> = (first..count.min(first + 400)).map(event).collect();
        assert_eq!(hub.post("/api/events", &json!(events).to_string()).0, 202);
    }
}

/// What `history` tells of a hub, and what it says beside that.
#[track_caller]
fn told_of_hub(stand: &Stand, args: &[&str]) -> (Vec<String>, String) {
    let all = ["history", "-i", "hub", "-o", "json"];
    let (out, err, status) = stand.run(&[&all, args].concat());
    assert_eq!(status, Some(0), "{err}");
    (out.lines().map(str::to_owned).collect(), err)
}

#[test]
fn a_hub_that_runs_tells_as_many_as_its_journal_does_afterwards() {
    const EACH: usize = 1200;
    let stand = Stand::new();
    let mut hub = small_hub(&stand, 0);
    for _ in 1..3 {
        tell(&hub, EACH as u64);
        let port = hub.port;
        assert!(hub.stop().success());
        hub = small_hub(&stand, port);
    }
    tell(&hub, EACH as u64);
    let until = Instant::now() + DEADLINE;
    let all = loop {
        // What has left memory may be on its way to the disk.
        let (all, err) = told_of_hub(&stand, &["-n", "10000", "my.*"]);
        if all.len() == 3 * EACH && err.is_empty() {
            break all;
        }
        assert!(Instant::now() < until, "{} events: {err}", all.len());
    };
    let time_of = |number: usize| {
        let event: Value = serde_json::from_str(&all[number]).expect("JSON");
        event["timestamp"].as_str().expect("a time").to_owned()
    };
    let (early, late) = (time_of(EACH / 2), time_of(5 * EACH / 2));
    let asked: [&[&str]; 9] = [
        &["-n", "10000", "my.*"],
        &["-n", "3600", "my.*"],
        &["-n", "3599", "my.*"],
        &["-n", "2000", "my.*"],
        &["-n", "10000", "my.rare"],
        &["-n", "359", "my.rare"],
        &["-n", "10000", "my.*", "--since", &early, "--until", &late],
        &["-n", "10000", "my.*", "--until", &early],
        &["-n", "10000", "my.*", "--after", "100"],
    ];
    let live: Vec<_> = asked.iter().map(|args| told_of_hub(&stand, args)).collect();
    let counts: Vec<usize> = live.iter().map(|(events, _)| events.len()).collect();
    assert_eq!(counts[..6], [3600, 3600, 3599, 2000, 360, 359]);
    assert!(counts[6] > 2400 && counts[6] < 3600 && counts[7] > 600 && counts[7] < 1200, "{counts:?}");
    for (args, (_, err)) in asked.iter().zip(&live) {
        let is_cut = ["3599", "2000", "359"].contains(&args[1]);
        assert_eq!(
            (err.contains("there is more than these: -n"), err.is_empty()),
            (is_cut, !is_cut),
            "{err}"
        );
    }

    // A journal that has lost lines of its first numbering.
    let journal = stand.sessions.join(format!("hub-{}", hub.port));
    let mut segments = named(&journal, ".ndjson");
    segments.sort();
    let text = fs::read_to_string(&segments[0]).expect("a journal");
    let lossy: Vec<&str> = text
        .split_inclusive('\n')
        .enumerate()
        .filter(|(n, _)| !(5..9).contains(n))
        .map(|(_, line)| line)
        .collect();
    fs::write(&segments[0], lossy.concat()).expect("a journal");
    let lossy = told_of_hub(&stand, &["-n", "10000", "my.*"]);
    assert_eq!(lossy.0.len(), 3596);
    assert!(lossy.1.contains("some that fit may be missing") && lossy.1.lines().count() == 1, "{}", lossy.1);
    let cut = told_of_hub(&stand, &["-n", "3595", "my.*"]);
    assert!(cut.1.contains("there is more than these: -n"), "{}", cut.1);

    assert!(hub.stop().success());
    assert!(told_of_hub(&stand, asked[0]) == lossy && told_of_hub(&stand, &["-n", "3595", "my.*"]) == cut);
    fs::write(&segments[0], &text).expect("a journal");
    for (args, live) in asked.iter().zip(live) {
        let ended = told_of_hub(&stand, args);
        assert!(ended == live, "{args:?}: {} and {} events; {}", live.0.len(), ended.0.len(), ended.1);
    }
}

#[test]
fn what_cannot_be_written_is_said_to_be_standard_output() {
    let stand = Stand::new();
    stand.ended("aaaa1111", "web", 0);
    let hub = stand.place.serve(0);
    assert_eq!(hub.post("/api/events", r#"{"type":"my.line","source":"x","data":{}}"#).0, 202);
    let asked: [&[&str]; 9] = [
        &["history", "-i", "hub"],
        &["history", "-i", "web"],
        &["replay", "web", "--print", "--speed", "max"],
        &["list"],
        &["list", "--ended", "-o", "json"],
        &["status"],
        &["watch", "--no-follow"],
        &["export", "web"],
        &["schema"],
    ];
    for args in asked {
        let full = fs::File::options().write(true).open("/dev/full").expect("a device");
        let done = stand.place.command(args).stdout(full).output().expect("it runs");
        let err = String::from_utf8_lossy(&done.stderr);
        assert_eq!(
            err.lines().last(),
            Some("claude-mpm: cannot write standard output: No space left on device (os error 28)"),
            "{args:?}"
        );
        assert_eq!(done.status.code(), Some(1), "{args:?}");
    }
}

#[test]
fn until_the_end_of_all_times_is_always() {
    let stand = Stand::new();
    let hub = stand.place.serve(0);
    let event = r#"{"type":"my.line","source":"x","data":{}}"#;
    assert_eq!(hub.post("/api/events", event).0, 202);
    let count =
        |query: &str| hub.get(&format!("/api/history?channels=my.*&{query}")).as_array().map(Vec::len);
    assert_eq!(count("until=9999-12-31T23:59:59Z"), Some(1));
    assert_eq!(count("since=9999-12-31T23:59:59.999Z"), Some(0));
    let mut asked = json!({"command": "get_history", "params": {"event_types": ["my.*"], "until": "9999-12-31T23:59:59Z"}});
    let told = |asked: &Value| ask(&hub.url(), asked);
    assert_eq!(told(&asked)["data"]["events"].as_array().map(Vec::len), Some(1), "{}", told(&asked));
    asked["params"]["until"] = json!("9999-12-32T00:00:00Z");
    assert_eq!(told(&asked)["data"]["error_code"], "REQ002", "{}", told(&asked));
    // No event is of then.
    let stamped = r#"{"type":"my.line","source":"x","timestamp":"9999-12-31T23:59:59Z","data":{}}"#;
    let (status, answer) = hub.post("/api/events", stamped);
    assert!(status == 400 && answer.contains("after 9999-12-30T22:00:00Z"), "{answer}");
}
