//! `replay`: a session that was recorded, told again.

#[path = "replay/crafted.rs"]
mod crafted;
#[path = "replay/faults.rs"]
mod faults;
#[path = "replay/stand.rs"]
mod stand;

use crafted::{Crafted, at};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use stand::{Stand, assert_same, numbers};
use std::time::{Duration, Instant};
use test_support::instance::url_in;
use test_support::program::Program;
use test_support::subscriber::{Subscriber, ask};

const HOUR: i64 = 3_600_000;

#[test]
fn a_replay_drives_clients_and_watch_as_the_session_did() {
    let stand = Stand::new();
    let session = Program::start(stand.demo("web"), b"");
    let url = url_in(&stand.place.path("run"));
    let live = stand.audience(&url).until_the_end();
    assert!(session.finish().0.success());
    let files = stand.files();
    // At the pace of the session, so that all are there from its beginning on, as they were then.
    let replay = stand.replay(&["web", "--once"]);
    let again = stand.audience(&replay.url()).until_the_end();
    assert!(replay.finish().success());
    for kind in ["session.start", "agent.delegation", "todo.update", "ticket.created", "session.end"] {
        assert!(live.classic.iter().any(|event| event["type"] == kind), "{kind}");
    }
    assert_same("a client", &live.classic, &again.classic);
    assert_same("watch -o json", &live.watched, &again.watched);
    assert_same("watch", &live.shown, &again.shown);
    assert_same("the envelope dialect", &live.envelope, &again.envelope);
    assert_same("the monitor dialect", &live.monitor, &again.monitor);
    assert_eq!(stand.files(), files, "the journal is as it was");
}

#[test]
fn what_is_printed_is_what_watch_prints() {
    let stand = Stand::new();
    let session = Program::start(stand.demo("web"), b"");
    let live = stand.audience(&url_in(&stand.place.path("run"))).until_the_end();
    assert!(session.finish().0.success());
    let print = |args: &[&str]| stand.printed(&[&["web", "--print", "--speed", "max"], args].concat());
    assert_same("-o json", &print(&["-o", "json", "*"]), &live.watched);
    assert_same("text", &print(&["--time", "utc"]), &live.shown);
    let agents = print(&["-o", "json", "agent.*", "session.end", "--exclude", "agent.status"]);
    let kinds: Vec<Value> = agents.iter().map(|line| stand::parsed(line)["type"].clone()).collect();
    assert!(kinds.len() > 2 && kinds.iter().all(|kind| *kind != "agent.status"), "{kinds:?}");
    assert_eq!(kinds.last(), Some(&json!("session.end")));
}

#[test]
fn its_status_is_that_of_the_session_as_far_as_it_was_told() {
    let stand = Stand::new();
    let session = Program::start(stand.demo("web"), b"");
    let live = stand.audience(&url_in(&stand.place.path("run"))).until_the_end().classic;
    assert!(session.finish().0.success());
    let replay = stand.replay(&["web", "--speed", "max", "--now"]);
    replay.said("the recording is over");
    let status = &ask(&replay.url(), &json!({"command": "get_status"}))["data"];
    let last = |kind: &str| &live.iter().rfind(|event| event["type"] == kind).expect("one")["data"];
    assert_eq!(status["agent_stats"], last("agent.status")["agent_stats"]);
    assert_eq!(status["todos"], last("todo.update")["todos"]);
    assert_eq!(status["session_id"], live[0]["session_id"]);
    assert_eq!((&status["claude_status"], &status["permissions"]), (&json!("stopped"), &json!([])));
    assert!(!status["tickets"].as_array().expect("tickets").is_empty());
    assert_eq!(status["last_seq"], live.len());
    assert!(replay.end(Signal::SIGTERM).success());
}

#[test]
fn it_begins_with_the_first_who_subscribes_and_later_ones_get_everything() {
    let stand = Stand::new();
    Crafted::new(&stand.sessions(), "s1", "web")
        .records("e1", (1..=60).map(|seq| at(seq, seq.cast_signed() * 20)));
    let replay = stand.replay(&["web"]);
    for _ in 0..3 {
        let status = ask(&replay.url(), &json!({"command": "get_status"}));
        assert_eq!((&status["data"]["last_seq"], &status["data"]["epoch"]), (&json!(0), &json!("e1")));
    }
    let first = Subscriber::connect(&replay.url());
    first.wait_for(|received| received.events.len() > 10);
    let second = Subscriber::connect(&replay.url());
    let all = |client: &Subscriber| client.wait_for(|received| received.events.len() == 60).events;
    let (of_first, of_second) = (all(&first), all(&second));
    assert_eq!(numbers(&of_first), (1..=60).collect::<Vec<_>>());
    assert_eq!(of_first, of_second);
    let third = Subscriber::connect(&replay.url());
    assert_eq!(all(&third), of_first);
    assert!(replay.end(Signal::SIGTERM).success());
    assert_eq!([first, second, third].map(|client| client.wait_close().close), [Some(1000); 3]);
}

#[test]
fn a_recording_larger_than_memory_is_told_whole_to_who_comes_late() {
    let stand = Stand::new();
    Crafted::new(&stand.sessions(), "s1", "web").records("e1", (1..=12_000).map(|seq| at(seq, 0)));
    let replay = stand.replay(&["web", "--speed", "max", "--now"]);
    replay.said("the recording is over");
    let late = Subscriber::connect(&replay.url());
    let received = late.wait_for(|received| received.events.len() >= 12_000);
    assert!(numbers(&received.events).into_iter().eq(1..=12_000));
    assert!(replay.end(Signal::SIGINT).success());
}

#[test]
fn who_is_sent_away_in_the_middle_may_come_back() {
    let stand = Stand::new();
    Crafted::new(&stand.sessions(), "s1", "web").records("e1", [at(1, 0), at(2, HOUR)]);
    let replay = stand.replay(&["web"]);
    let client = Subscriber::connect(&replay.url());
    client.wait_for(|received| received.events.len() == 1);
    replay.said("nothing happens for 1 h");
    assert!(replay.end(Signal::SIGINT).success());
    assert_eq!(client.wait_close().close, Some(1001));
    assert!(stand::is_empty(&stand.place.path("run/claude-mpm")), "record, socket and token are gone");
}

#[test]
fn pauses_are_kept_and_long_ones_cut() {
    let stand = Stand::new();
    let records = [at(1, 0), at(2, 200), at(3, HOUR), at(4, 0), at(5, HOUR)];
    Crafted::new(&stand.sessions(), "s1", "web").records("e1", records);
    let took = |args: &[&str]| {
        let began = Instant::now();
        assert_eq!(stand.printed(&[&["web", "--print", "-o", "json"], args].concat()).len(), 5);
        began.elapsed()
    };
    // 0.2 s, 0.3 s of an hour, nothing where the clock goes back, and 0.3 s again.
    assert!(took(&["--idle", "0.3"]) >= Duration::from_millis(800));
    // An hour would be more than anybody waits for here.
    took(&["--idle", "0.3", "--speed", "1000"]);
    took(&["--speed", "max"]);
}

#[test]
fn it_is_found_as_an_instance_that_is_a_replay() {
    let stand = Stand::new();
    Crafted::new(&stand.sessions(), "s1", "web").records("e1", [at(1, 0)]);
    let replay = stand.replay(&["web", "-n", "again"]);
    let list = stand.run(&["list"]).0;
    assert!(list.contains("again") && list.contains("replay, waiting"), "{list}");
    let records: Value = serde_json::from_str(&stand.run(&["list", "-o", "json"]).0).expect("JSON");
    assert_eq!((&records[0]["replays"], &records[0]["epoch"]), (&json!("s1"), &json!("e1")));
    for word in ["again", "s1"] {
        let watched = stand.run(&["watch", "-i", word, "--count", "1", "--time", "none"]);
        assert!(watched.0.contains("my.event"), "{word}: {watched:?}");
    }
    // Its status is that of the session, but it listens elsewhere, and began now.
    let status = stand.run(&["status", "-i", "again"]).0;
    let row = |name: &str| {
        let row =
            status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{status}"));
        row.trim().to_owned()
    };
    assert_eq!(row("instance"), "again");
    assert!(row("hub").starts_with(&format!("127.0.0.1 port {}, ", replay.port)), "{status}");
    assert!(row("replay").starts_with("since 20") && !row("started").contains("ago"), "{status}");
    // It is over, and still there to be told again.
    assert!(stand.run(&["list", "--ended"]).0.contains("web"));
    assert!(replay.end(Signal::SIGTERM).success());
}

#[test]
fn nothing_is_published_and_nothing_controlled_there() {
    let stand = Stand::new();
    Crafted::new(&stand.sessions(), "s1", "web").records("e1", [at(1, 0)]);
    let replay = stand.replay(&["web", "--now"]);
    replay.said("the recording is over");
    for (args, code) in [
        (&["publish", "-i", "web", "my.event"][..], "AUTH002"),
        (&["send", "-i", "web", "hello"], "CTL001"),
        (&["stop", "-i", "web"], "CTL001"),
    ] {
        let (_, err, status) = stand.run(args);
        assert!(status != Some(0) && err.contains(code) && err.contains("this is a recording"), "{err}");
    }
    let uplink = json!({"command": "uplink", "session_id": "other", "epoch": "x", "key": "k".repeat(32)});
    let refused = ask(&replay.url(), &uplink);
    assert_eq!(refused["data"]["error_code"], "AUTH002", "{refused}");
    let post =
        json!({"source": "p", "event_type": "my.event", "timestamp": 1_795_176_000_000_i64, "payload": {}})
            .to_string();
    let (status, body) = replay.post("/api/events", &post);
    assert!((status, body.contains("this is a recording")) == (403, true), "{status} {body}");
    let hook = stand.post_on_socket("/api/hooks/Stop", "{}");
    assert!(hook.contains("403") && hook.contains("this is a recording"), "{hook}");
    let status = ask(&replay.url(), &json!({"command": "get_status"}));
    assert_eq!(status["data"]["last_seq"], 1);
    assert!(replay.end(Signal::SIGTERM).success());
}

#[test]
fn a_session_that_still_runs_may_be_replayed_as_far_as_it_has_come() {
    let stand = Stand::new();
    let mut command = stand.place.command(&["--websocket-port", "auto", "--launch-method", "subprocess"]);
    command.args(["-n", "live", "--headless", "--claude", "sh", "--", "-c", "echo up; exec sleep 1000"]);
    let session = Program::start(command, b"");
    let client = Subscriber::connect(&url_in(&stand.place.path("run")));
    client.wait_for(|received| received.lines("stdout").contains(&"up".into()));
    let up =
        |lines: &[String]| lines.iter().any(|line| line.contains("claude.output") && line.contains("up"));
    let until = Instant::now() + test_support::DEADLINE;
    while !up(&stand.printed(&["live", "--print", "--speed", "max"])) {
        assert!(Instant::now() < until, "it was never written");
    }
    let replay = stand.replay(&["live", "--now", "--once", "--speed", "max"]);
    assert!(replay.finish().success());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(session.pid().cast_signed()), Signal::SIGTERM)
        .expect("it runs");
    client.wait_for(|received| !received.of("session.end").is_empty());
}
