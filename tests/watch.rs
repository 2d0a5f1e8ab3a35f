//! `watch`, `status`, `history` and `list` against a scripted hub.

mod viewer;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use viewer::fake_hub::{Ending, FakeHub, Script, Turn, event, output, session_end};
use viewer::place::{Place, finish};

fn log() -> Vec<String> {
    vec![output(1, "hello"), output(2, "evil \u{1b}[2J\u{202e}\n"), output(3, "error: no"), session_end(4)]
}

#[test]
fn the_only_instance_is_watched_to_its_end_over_its_socket() {
    let place = Place::new();
    let hub = FakeHub::on_socket(Script::new(log(), Ending::Close(1000)), &place.path("h.sock"));
    let mut instance = place.instance("s1", "web", None);
    instance.socket = hub.socket.clone();
    let _guard = place.register(&instance);
    let done = place.run(&["watch", "--time", "utc"]);
    assert_eq!(done.status, Some(0), "{}", done.err);
    let lines: Vec<&str> = done.out.lines().collect();
    assert_eq!(
        lines,
        [
            "2026-11-21T12:00:01.000Z screen     claude.output   hello",
            r"2026-11-21T12:00:02.000Z screen     claude.output   evil \u{1b}[2J\u{202e}\n",
            "2026-11-21T12:00:03.000Z screen     claude.output   error: no",
            "2026-11-21T12:00:04.000Z screen     session.end     exit code 0 after 12.3 s",
        ]
    );
    assert!(done.err.starts_with("claude-mpm: watching web/"), "{}", done.err);
}

#[test]
fn json_is_the_event_unchanged_but_for_what_acts_on_a_terminal() {
    let place = Place::new();
    let hub = FakeHub::start(Script::new(log(), Ending::Close(1000)));
    let done = place.run(&["-q", "watch", "--url", &hub.url(), "-o", "json"]);
    assert_eq!((done.status, done.err.as_str()), (Some(0), ""));
    let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let told: Vec<_> = log().iter().map(|line| read(line)).collect();
    assert_eq!(done.out.lines().map(read).collect::<Vec<_>>(), told);
    let escaped: Vec<String> = log().iter().map(|line| line.replace('\u{202e}', r"\u202e")).collect();
    assert_eq!(done.out.lines().collect::<Vec<_>>(), escaped);
}

#[test]
fn events_are_chosen_by_channel_text_and_count() {
    let place = Place::new();
    let hub = FakeHub::start(Script::new(log(), Ending::Stay));
    let url = hub.url();
    for (args, expected) in [
        (&["--count", "1"][..], "claude.output   hello\n"),
        (&["-g", "(?i)ERROR", "--count", "1"], "claude.output   error: no\n"),
        (&["--exclude", "claude.*", "--count", "1"], "session.end     exit code 0 after 12.3 s\n"),
        (&["--after", "3", "--count", "1"], "session.end     exit code 0 after 12.3 s\n"),
        (&["--no-follow", "-n", "1"], "session.end     exit code 0 after 12.3 s\n"),
    ] {
        let general = ["-q", "watch", "--url", &url, "--time", "none"];
        let done = place.run(&[&general, args].concat());
        assert_eq!(done.status, Some(0), "{args:?}: {}", done.err);
        assert_eq!(done.out, format!("screen     {expected}"), "{args:?}");
    }
    place.run(&["watch", "--url", &url, "agent.*", "x", "--session", "s9", "--count", "1"]);
    let asked = hub.requests("subscribe").pop().unwrap();
    assert_eq!(
        (&asked["channels"], &asked["sessions"]),
        (&serde_json::json!(["agent.*", "x"]), &serde_json::json!(["s9"]))
    );
}

#[test]
fn a_lost_connection_is_told_on_standard_error_and_nothing_is_lost_or_repeated() {
    let place = Place::new();
    let gap = r#"{"type":"system.gap","data":{"missed":7,"from_seq":1,"to_seq":7}}"#.to_string();
    let turns =
        vec![Turn { events: 2, ending: Ending::Break }, Turn { events: 9, ending: Ending::Close(1000) }];
    let script = Script { turns, ..Script::new(vec![gap, output(8, "a"), output(9, "b")], Ending::Stay) };
    let hub = FakeHub::start(script);
    let done = place.run(&["watch", "--url", &hub.url(), "--time", "none", "--exclude", "system.*"]);
    assert_eq!(done.status, Some(0), "{}", done.err);
    assert!(
        done.out.starts_with("-          system.gap      7 events missed\nscreen     claude.output   a\n"),
        "{}",
        done.out
    );
    assert_eq!(done.out.matches("claude.output").count(), 2, "{}", done.out);
    assert!(done.err.contains("connection lost") && done.err.contains("trying again in 0."), "{}", done.err);
    assert!(done.err.contains("connected again, going on behind event 8"), "{}", done.err);
}

#[test]
fn all_instances_are_told_apart_by_name_and_new_ones_appear() {
    let place = Place::new();
    let hub = |content: &str| FakeHub::start(Script::new(vec![output(1, content)], Ending::Stay));
    let (first, second) = (hub("from web"), hub("from api"));
    let _web = place.register(&place.instance("s1", "web", Some(first.port)));
    let mut child = place.start(&["watch", "--all", "--count", "2", "--time", "none"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), format!("web:{} claude.output   from web", first.port));
    let _api = place.register(&place.instance("s2", "api", Some(second.port)));
    assert_eq!(lines.next().unwrap().unwrap(), format!("api:{} claude.output   from api", second.port));
    assert_eq!(finish(child).status, Some(0));
    assert_eq!(second.requests("subscribe")[0]["after"], 0);
    let past = place.run(&["watch", "-a", "--no-follow", "-o", "json"]);
    assert_eq!((past.status, past.out.lines().count()), (Some(0), 2), "{}", past.err);
}

#[test]
fn an_instance_that_vanishes_without_a_word_ends_the_watch() {
    let place = Place::new();
    let hub = FakeHub::start(Script::new(vec![output(1, "x")], Ending::Stay));
    let mut sleeper = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let mut instance = place.instance("s1", "web", Some(hub.port));
    instance.pid = sleeper.id();
    instance.start_time = claude_mpm::process::processes::start_time(sleeper.id()).unwrap();
    std::mem::forget(place.register(&instance));
    let mut child = place.start(&["watch"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().ends_with(" x"));
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    drop(hub);
    let done = finish(child);
    assert_eq!(done.status, Some(1), "{}", done.err);
    assert!(done.err.contains("the instance is gone"), "{}", done.err);
}

#[test]
fn a_closed_pipe_ends_it_quietly_even_when_nothing_happens() {
    let place = Place::new();
    let hub = FakeHub::start(Script::new(vec![output(1, "x")], Ending::Stay));
    let mut child = place.start(&["-q", "watch", "--url", &hub.url()]);
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    let done = finish(child);
    assert_eq!((done.status, done.err.as_str()), (Some(0), ""));
}

#[test]
fn ctrl_c_ends_it_by_its_signal() {
    let place = Place::new();
    let hub = FakeHub::start(Script::new(vec![output(1, "x")], Ending::Stay));
    let mut child = place.start(&["watch", "--url", &hub.url()]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(2));
}

#[test]
fn status_and_history_ask_the_hub() {
    let place = Place::new();
    let hub = FakeHub::start(Script::new(log(), Ending::Stay));
    let _guard = place.register(&place.instance("s1", "web", Some(hub.port)));
    let status = place.run(&["status", "-i", "s"]);
    assert_eq!(status.status, Some(0), "{}", status.err);
    assert!(status.out.contains(r"instance   web\u{1b}[31m"), "{}", status.out);
    assert!(status.out.contains("claude     running, pid 42"), "{}", status.out);
    let json: serde_json::Value = serde_json::from_str(&place.run(&["status", "-o", "json"]).out).unwrap();
    assert_eq!(json["claude_pid"], 42);
    let history =
        place.run(&["history", "-n", "2", "-o", "json", "claude.*", "--until", "2026-11-21T12:00:00Z"]);
    assert_eq!(history.out.lines().collect::<Vec<_>>(), log()[2..]);
    assert!(history.err.contains("there is more"), "{}", history.err);
    let params = &hub.requests("get_history")[0]["params"];
    assert_eq!(params["event_types"], serde_json::json!(["claude.*"]));
    assert_eq!(params["until"], "2026-11-21T12:00:00.000Z");
}

#[test]
fn list_shows_what_each_instance_does() {
    let place = Place::new();
    let hub = FakeHub::start(Script::new(vec![event(1, "x", serde_json::json!({}))], Ending::Stay));
    let _guard = place.register(&place.instance("s1", "web\u{7}", Some(hub.port)));
    let list = place.run(&["ps"]);
    assert_eq!(list.status, Some(0), "{}", list.err);
    let row: Vec<&str> = list.out.lines().nth(1).unwrap().split_whitespace().collect();
    let (port, pid) = (hub.port.to_string(), std::process::id().to_string());
    assert_eq!(row[..4], [r"web\u{7}", &port, &pid, "busy"]);
    let json: serde_json::Value = serde_json::from_str(&place.run(&["list", "-o", "json"]).out).unwrap();
    assert_eq!((&json[0]["session_id"], &json[0]["activity"]), (&"s1".into(), &"busy".into()));
    let far = place.run(&["check", "--connect"]);
    assert_eq!(far.status, Some(0), "{}", far.err);
    assert!(far.out.contains("median of 10"), "{}", far.out);
    assert_eq!(hub.requests("ping").len(), 10);
}
