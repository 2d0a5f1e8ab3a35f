//! `serve`: a hub that stands alone, with instances, hooks and publishers that tell it of many sessions.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use test_support::program::Program;
use test_support::standalone::{Hub, Place, named};
use test_support::subscriber::{Subscriber, ask};
use test_support::{DEADLINE, piped};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// Says so many lines, a hundred a second, and ends.
const SPEAKS: &str = "i=0; while [ $i -lt $0 ]; do i=$((i+1)); echo line $i; sleep 0.01; done";

fn place() -> Place {
    Place::new(WRAPPER)
}

/// An instance of a program that says so many lines, told to the hub at `url`.
fn speaker(place: &Place, name: &str, url: &str, lines: usize) -> Command {
    let run = ["--launch-method", "subprocess", "--websocket-port", "auto", "--hub", url, "-n", name];
    let mut command = place.command(&run);
    command.args(["--claude", "sh", "--", "-c", SPEAKS, &lines.to_string()]);
    command
}

fn run(command: Command, input: &[u8]) -> Output {
    piped::run(command, input, DEADLINE)
}

/// Waits until `seen` gives something; nothing tells of it.
#[track_caller]
fn eventually<T>(seen: impl Fn() -> Option<T>) -> T {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = seen() {
            return found;
        }
        assert!(Instant::now() < until, "it never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The sessions of instances that the hub knows, by name.
fn sessions(hub: &Hub) -> BTreeMap<String, Value> {
    let status = hub.get("/api/status");
    let all = status["sessions"].as_array().expect("sessions").iter();
    let told = all.filter(|session| session["uplinked"] == true);
    told.map(|session| (session["name"].as_str().unwrap_or_default().to_owned(), session.clone())).collect()
}

fn id(session: &Value) -> String {
    session["session_id"].as_str().expect("an id").to_owned()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

/// Every event that the instance numbered, each once and in its order, from its start to its end.
#[track_caller]
fn assert_whole(events: &[Value], lines: usize) {
    let own: Vec<&Value> = events.iter().filter(|event| !event["origin"].is_null()).collect();
    let numbers: Vec<u64> =
        own.iter().map(|event| event["origin"]["seq"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (1..=own.len() as u64).collect::<Vec<_>>());
    // A hub that was killed goes on with another numbering.
    for of_one in events.chunk_by(|a, b| a["epoch"] == b["epoch"]) {
        let seqs: Vec<u64> = of_one.iter().map(|event| event["seq"].as_u64().expect("a number")).collect();
        assert!(seqs.is_sorted(), "{seqs:?}");
    }
    assert_eq!(own.first().map(|event| &event["type"]), Some(&json!("session.start")));
    assert_eq!(own.last().map(|event| &event["type"]), Some(&json!("session.end")));
    let said = own.iter().filter(|event| event["type"] == "claude.output");
    let said: Vec<&str> = said.map(|event| event["data"]["content"].as_str().expect("text")).collect();
    assert_eq!(said, (1..=lines).map(|line| format!("line {line}")).collect::<Vec<_>>());
}

#[test]
fn twenty_instances_are_told_whole_to_a_hub_that_is_killed_under_load() {
    const INSTANCES: usize = 20;
    const LINES: usize = 200;
    let place = place();
    let hub = place.serve(0);
    let (port, url) = (hub.port, hub.url());
    let start =
        |number: usize| Program::start(speaker(&place, &format!("speaker-{number}"), &url, LINES), b"");
    let speakers: Vec<Program> = (0..INSTANCES).map(start).collect();
    // In the middle of it: all are there, and one is half way.
    eventually(|| {
        let sessions = sessions(&hub);
        let half = |session: &Value| hub.history(&id(session)).len() > LINES / 4;
        (sessions.len() == INSTANCES && sessions.values().any(half)).then_some(())
    });
    hub.kill();
    let hub = place.serve(port);
    for speaker in speakers {
        let (status, _, err) = speaker.finish();
        assert!(status.success(), "{err:?}");
    }
    let sessions = eventually(|| {
        let sessions = sessions(&hub);
        let over = |session: &Value| !session["session_end"].is_null();
        (sessions.len() == INSTANCES && sessions.values().all(over)).then_some(sessions)
    });
    for session in sessions.values() {
        assert_whole(&hub.history(&id(session)), LINES);
    }
    assert!(hub.stop().success());
}

#[test]
fn a_hub_that_is_away_does_not_hold_up_the_session() {
    let place = place();
    let hub = place.serve(0);
    let (port, url) = (hub.port, hub.url());
    hub.kill();
    let alone = speaker(&place, "alone", &url, 3);
    let began = Instant::now();
    let output = run(alone, b"");
    assert!(output.status.success());
    // Generous: the machine is shared. It would be two seconds more, were the hub waited for.
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "line 1\nline 2\nline 3\n");
    assert!(port > 0);
}

#[test]
fn an_instance_says_when_its_hub_goes_and_when_it_is_back() {
    let place = place();
    let hub = place.serve(0);
    let (port, url) = (hub.port, hub.url());
    let speaker = Program::start(speaker(&place, "deserted", &url, 100_000), b"");
    eventually(|| sessions(&hub).contains_key("deserted").then_some(()));
    hub.kill();
    let line = speaker.wait_err(|line| line.contains("on ws://127.0.0.1:"));
    let own = line.split("ws://127.0.0.1:").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok());
    let own: u16 = own.expect("a port");
    let said = |severity: &str| {
        let head = "GET /api/history?limit=10000&channels=system.error HTTP/1.1\r\n";
        let (_, body) = test_support::standalone::request(own, head, "");
        let events: Vec<Value> = serde_json::from_str(&body).expect("JSON");
        let data = events.into_iter().map(|event| event["data"].clone());
        data.filter(|data| data["component"] == "uplink" && data["severity"] == severity).count()
    };
    eventually(|| (said("warning") == 1).then_some(()));
    let hub = place.serve(port);
    eventually(|| (said("info") == 1).then_some(()));
    drop((speaker, hub));
}

#[test]
fn a_claude_that_took_our_place_is_told_of_by_its_companion() {
    let place = place();
    let hub = place.serve(0);
    let mut command = place.command(&["--websocket-port", "auto", "--hub", &hub.url(), "-n", "exec"]);
    command.args(["--claude", "sh", "--", "-c", "exit 7"]);
    assert_eq!(run(command, b"").status.code(), Some(7));
    let events = eventually(|| {
        let events = hub.history(&id(sessions(&hub).get("exec")?));
        (events.last()?["type"] == "session.end").then_some(events)
    });
    assert_eq!(kinds(&events)[..2], ["session.start", "claude.status"]);
    let numbers: Vec<_> =
        events.iter().map(|event| event["origin"]["seq"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>());
}

#[test]
fn an_instance_that_vanishes_in_the_middle_is_told_to_be_gone() {
    let place = place();
    let hub = place.serve(0);
    // An uplink by hand, that ends without a word.
    let uplink = json!({"command": "uplink", "session_id": "lost", "epoch": "e", "key": "k"});
    assert_eq!(ask(&hub.url(), &uplink)["data"]["after"], 0);
    let told = eventually(|| hub.history("lost").pop());
    assert_eq!((&told["type"], &told["data"]["error_code"]), (&json!("system.error"), &json!("CMP001")));
}

#[test]
fn the_end_of_an_instance_that_is_killed_is_told_too() {
    let place = place();
    let hub = place.serve(0);
    let doomed = Program::start(speaker(&place, "doomed", &hub.url(), 100_000), b"");
    let session = eventually(|| {
        let session = id(sessions(&hub).get("doomed")?);
        (hub.history(&session).len() > 10).then_some(session)
    });
    let pid = nix::unistd::Pid::from_raw(doomed.pid().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it runs");
    let events = eventually(|| {
        let events = hub.history(&session);
        (events.last()?["type"] == "session.end").then_some(events)
    });
    let numbers: Vec<_> = events.iter().filter_map(|event| event["origin"]["seq"].as_u64()).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    assert_eq!(events.last().expect("one")["data"]["reason"], "stopped");
}

#[test]
fn an_instance_whose_port_the_hub_has_tells_it_and_listens_elsewhere() {
    let place = place();
    let hub = place.serve(0);
    let port = hub.port.to_string();
    let mut command =
        place.command(&["--launch-method", "subprocess", "--websocket-port", &port, "-n", "beside"]);
    command.args(["--claude", "sh", "--", "-c", SPEAKS, "3"]);
    let output = run(command, b"");
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("told to {}", hub.url())), "{said}");
    let session = eventually(|| sessions(&hub).get("beside").cloned());
    assert_whole(&hub.history(&id(&session)), 3);
    // What people see of it.
    let shown = |args: &[&str]| {
        let output = run(place.command(&[args, &["--url", &hub.url()]].concat()), b"");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(shown(&["publish", "my.event"]).is_empty());
    let history = shown(&["history", "--time", "none"]);
    assert!(history.contains("beside session.start") && history.contains("hub my.event"), "{history}");
    assert!(shown(&["status"]).contains("beside over"));
    let list = String::from_utf8_lossy(&run(place.command(&["list"]), b"").stdout).into_owned();
    assert!(list.contains("hub of 0"), "{list}");
}

#[test]
fn a_program_that_merely_listens_at_the_port_is_no_hub() {
    let place = place();
    let other = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = other.local_addr().expect("an address").port().to_string();
    let output = run(place.command(&["--websocket-port", &port, "--claude", "true"]), b"");
    assert_eq!(output.status.code(), Some(125));
    let output = run(place.command(&["serve", "--websocket-port", &port]), b"");
    assert_eq!(output.status.code(), Some(125));
    assert!(String::from_utf8_lossy(&output.stderr).contains("held by"));
}

#[test]
fn sessions_stay_apart_and_each_has_a_status_of_its_own() {
    let place = place();
    let hub = place.serve(0);
    let agent = |session: &str, name: &str| {
        json!({
            "session_id": session, "hook_event_name": "PreToolUse", "tool_name": "Agent", "tool_use_id": "t1",
            "tool_input": {"subagent_type": name, "description": "Do it", "prompt": "p"}, "cwd": "/",
        })
        .to_string()
    };
    for (session, name) in [("one", "qa"), ("two", "docs")] {
        assert!(run(place.command(&["hook"]), agent(session, name).as_bytes()).status.success());
    }
    for (session, name) in [("one", "qa"), ("two", "docs")] {
        let status = eventually(|| {
            let status = hub.get(&format!("/api/status?session={session}"));
            status["active_agents"].as_array().is_some_and(|active| !active.is_empty()).then_some(status)
        });
        assert_eq!(status["active_agents"], json!([name]));
        assert_eq!(status["session_id"], session);
        let events = hub.history(session);
        assert!(events.iter().all(|event| event["session_id"] == session));
        let seen = kinds(&events);
        assert!(seen.contains(&"agent.delegation") && seen.contains(&"agent.status"), "{seen:?}");
    }
    let last = json!({"session_id": "one", "hook_event_name": "SessionEnd", "reason": "other"}).to_string();
    assert!(run(place.command(&["hook"]), last.as_bytes()).status.success());
    let ended = eventually(|| {
        let failed =
            |event: &&Value| event["type"] == "agent.delegation" && event["data"]["status"] == "failed";
        hub.history("one").iter().find(failed).cloned()
    });
    assert_eq!(ended["data"]["reason"], "session_ended");
    eventually(|| {
        let status = hub.get("/api/status");
        let is_over = |session: &&Value| session["session_id"] == "one" && !session["session_end"].is_null();
        status["sessions"].as_array().expect("sessions").iter().find(is_over).map(drop)
    });
    // What the hub watches itself is nobody else's to tell of.
    let claim = json!({"event_type": "claude.status", "source": "thief", "session_id": "two", "timestamp": 1,
                       "payload": {"status": "error", "pid": null, "message": ""}});
    assert_eq!(hub.post("/api/events", &claim.to_string()).0, 403);
    assert_eq!(hub.get("/api/status?session=two")["active_agents"], json!(["docs"]));
}

#[test]
fn nobody_else_speaks_for_the_session_of_an_instance() {
    let place = place();
    let hub = place.serve(0);
    let speaker = Program::start(speaker(&place, "real", &hub.url(), 300), b"");
    let session = id(&eventually(|| sessions(&hub).get("real").cloned()));
    let event = json!({
        "event_type": "session.end", "source": "thief", "session_id": session, "timestamp": 1,
        "payload": {"session_id": session, "end_time": "2026-11-21T12:00:00.000Z", "duration_seconds": 1.0,
                    "exit_code": 0, "signal": null, "reason": "exited"},
    });
    let (status, body) = hub.post("/api/events", &event.to_string());
    assert_eq!(
        (status, &serde_json::from_str::<Value>(&body).expect("JSON")["error_code"]),
        (403, &json!("AUTH002"))
    );
    let uplink = json!({"command": "uplink", "session_id": session, "epoch": "other", "key": "guessed"});
    assert_eq!(ask(&hub.url(), &uplink)["data"]["error_code"], "AUTH002");
    assert!(speaker.finish().0.success());
    let events = eventually(|| {
        let events = hub.history(&session);
        events.iter().any(|event| event["type"] == "session.end").then_some(events)
    });
    assert_whole(&events, 300);
}

#[test]
fn a_clean_stop_sends_clients_away_to_come_back_and_leaves_nothing_behind() {
    let place = place();
    let hub = place.serve(0);
    let subscriber = Subscriber::connect(&hub.url());
    assert!(hub.stop().success());
    assert_eq!(subscriber.wait_close().close, Some(1001));
    assert_eq!(named(&place.path("run/claude-mpm"), "json"), [""; 0].map(std::path::PathBuf::from));
    assert_eq!(named(&place.path("run/claude-mpm"), "sock"), [""; 0].map(std::path::PathBuf::from));
}

#[test]
fn a_service_manager_hands_over_the_socket_and_is_told_when_it_serves() {
    let place = place();
    let manager = UnixDatagram::bind(place.path("manager")).expect("a socket");
    manager.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    // A manager puts the socket at 3 and names the process that it starts.
    let script = "exec env LISTEN_PID=$$ LISTEN_FDS=1 \"$0\" serve --websocket-port 1 3<&0 0</dev/null";
    let mut command = Command::new("sh");
    let wrapper = place.command(&[]);
    command.env_clear().envs(wrapper.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("NOTIFY_SOCKET", place.path("manager")).env("WATCHDOG_USEC", "400000");
    command.args(["-c", script, WRAPPER]).stdin(std::os::fd::OwnedFd::from(listener));
    let mut child = command.spawn().expect("a started hub");
    let said = || {
        let mut text = [0; 1024];
        let length = manager.recv(&mut text).expect("a word");
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    let ready = said();
    assert!(ready.contains("READY=1") && ready.contains(&format!("serving on 127.0.0.1:{port}")), "{ready}");
    let (status, _) = test_support::standalone::request(port, "GET /healthz HTTP/1.1\r\n", "");
    assert_eq!(status, 200);
    assert!(said().contains("WATCHDOG=1"));
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("it runs");
    let mut last = said();
    while last.contains("WATCHDOG") {
        last = said();
    }
    assert!(last.contains("STOPPING=1"), "{last}");
    assert!(child.wait().expect("its end").success());
}
