//! The real claude under supervision, against a scripted Messages API, followed by the clients of the API guide.
//!
//! The clients are the guide's own snippets, kept in `fixtures/requirements`; only their port is replaced, because tests
//! run side by side. Bare claude is the measure for what claude prints and how it ends.

use serde_json::Value;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};
use test_support::messages_api::MessagesApi;
use test_support::program::Program;
use test_support::real_claude::Sandbox;
use test_support::terminal::Terminal;
use test_support::{DEADLINE, interpreters, piped, schema};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
const OPTIONS: [&str; 4] = ["--websocket-port", "auto", "--launch-method", "subprocess"];
const REPLY: [&str; 5] = [
    "Hello from the scripted model.",
    "It can do three things:",
    "say hello",
    "call tools",
    "fail on request",
];

fn snippet(name: &str, port: u16) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/requirements/2-websocket-api-guide");
    let path = folder.join(name);
    let text = std::fs::read_to_string(path).expect("the guide's client");
    assert_eq!(text.matches("8765").count(), 1, "the snippet names its port once");
    text.replace("8765", &port.to_string())
}

/// The guide's Python client, following from now on.
fn python_client(port: u16) -> Program {
    let mut python = interpreters::python();
    python.arg("-u").arg("-c").arg(snippet("06-python-client.py", port));
    let client = Program::start(python, b"");
    client.wait_out(|line| line.starts_with("subscribed: "));
    client
}

/// The guide's JavaScript client; browsers have `WebSocket`, Node 20 gets it from the package `ws`.
fn node_client(port: u16) -> Program {
    let mut node = interpreters::node();
    let script =
        format!("globalThis.WebSocket = require('ws');\n{}", snippet("07-javascript-client.js", port));
    node.arg("-e").arg(script);
    let client = Program::start(node, b"");
    client.wait_out(|line| line.starts_with("subscribed "));
    client
}

/// A place for one test: an API that holds its answers, claude's home, a runtime directory of its own.
struct Place {
    api: MessagesApi,
    sandbox: Sandbox,
    runtime: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let api = MessagesApi::start_held();
        let sandbox = Sandbox::new(&api);
        Self { api, sandbox, runtime: tempfile::tempdir().expect("a folder") }
    }

    fn wrapped(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.wrapped(WRAPPER, &OPTIONS, args);
        command.env("XDG_RUNTIME_DIR", self.runtime.path());
        command
    }

    /// What bare claude prints, with the API answering.
    fn bare(&self, args: &[&str], input: &[u8]) -> Output {
        self.api.release();
        piped::run(self.sandbox.direct(args), input, DEADLINE)
    }
}

fn port_in(line: &str) -> u16 {
    let (_, rest) = line.split_once("ws://127.0.0.1:").expect("an address");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a port")
}

fn names_address(line: &str) -> bool {
    line.contains("ws://127.0.0.1:")
}

/// Supervises `claude ARGS` over pipes while the Python client follows. Gives claude-mpm's exit code, what it
/// printed, and what the client printed.
fn follow_over_pipes(place: &Place, args: &[&str], input: &[u8]) -> (Option<i32>, Vec<String>, Vec<String>) {
    let run = Program::start(place.wrapped(args), input);
    let client = python_client(port_in(&run.wait_err(names_address)));
    place.api.release();
    let (status, out, _) = run.finish();
    let (client_status, events, complaints) = client.finish();
    assert!(client_status.success(), "the socket closes with 1000, so the client just ends: {complaints:?}");
    (status.code(), out, events)
}

#[track_caller]
fn assert_story(events: &[String], exit_code: i32) {
    let at = |start: &str, part: &str| {
        let found = events.iter().position(|line| line.starts_with(start) && line.contains(part));
        found.unwrap_or_else(|| panic!("no {start:?} with {part:?} in {events:#?}"))
    };
    let story = [
        at("session.start: ", "'launch_method': 'subprocess'"),
        at("claude.status: ", "'status': 'starting'"),
        at("claude.status: ", "'status': 'running'"),
        at("claude.output: ", ""),
        at("claude.status: ", "'status': 'stopped'"),
        at("session.end: ", &format!("'exit_code': {exit_code}")),
    ];
    assert!(story.is_sorted(), "out of order: {events:#?}");
    assert_eq!(story[5], events.len() - 1, "session.end is the last: {events:#?}");
}

/// Each line of the reply is in exactly one event.
#[track_caller]
fn assert_reply_once(events: &[String]) {
    for line in REPLY {
        let times =
            events.iter().filter(|event| event.starts_with("claude.output: ") && event.contains(line));
        assert_eq!(times.count(), 1, "{line:?} in {events:#?}");
    }
}

#[test]
fn a_printed_answer_is_the_same_as_bare_and_every_line_is_an_event() {
    let place = Place::new();
    let (code, out, events) = follow_over_pipes(&place, &["-p", "DEMO:hello"], b"");
    let bare = place.bare(&["-p", "DEMO:hello"], b"");
    assert_eq!(code, bare.status.code());
    assert_eq!(out.join("\n") + "\n", String::from_utf8_lossy(&bare.stdout));
    assert_story(&events, 0);
    assert_reply_once(&events);
}

#[test]
fn a_prompt_through_a_stdin_pipe_reaches_claude() {
    let place = Place::new();
    let (code, out, events) = follow_over_pipes(&place, &["-p"], b"DEMO:hello\n");
    assert_eq!(code, Some(0));
    assert_eq!(out[0], REPLY[0]);
    assert_story(&events, 0);
    assert_reply_once(&events);
}

#[test]
fn stream_json_passes_untouched_and_each_line_is_an_event() {
    let place = Place::new();
    let args = ["-p", "--output-format", "stream-json", "--verbose", "DEMO:hello"];
    let (code, out, events) = follow_over_pipes(&place, &args, b"");
    assert_eq!(code, Some(0));
    let kinds: Vec<Value> = out.iter().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    assert!(kinds.iter().any(|line| line["type"] == "result" && line["is_error"] == false), "{out:#?}");
    assert_story(&events, 0);
    let told = events.iter().filter(|event| event.starts_with("claude.output: ")).count();
    assert_eq!(told, out.len(), "one event a line");
}

#[test]
fn an_error_of_the_api_ends_claude_with_1_and_the_event_says_so() {
    let place = Place::new();
    let (code, _, events) = follow_over_pipes(&place, &["-p", "DEMO:error400"], b"");
    assert_eq!(code, Some(1));
    assert_story(&events, 1);
}

#[test]
fn the_javascript_client_of_the_guide_sees_the_same() {
    let place = Place::new();
    let run = Program::start(place.wrapped(&["-p", "DEMO:hello"]), b"");
    let client = node_client(port_in(&run.wait_err(names_address)));
    place.api.release();
    assert!(run.finish().0.success());
    let (status, lines, complaints) = client.finish();
    assert!(status.success(), "{complaints:?}");
    for kind in ["session.start ", "claude.status ", "claude.output ", "session.end "] {
        assert!(lines.iter().any(|line| line.starts_with(kind)), "{kind} in {lines:#?}");
    }
}

/// Works in the terminal as a person would, and leaves.
fn talk_in_the_terminal(terminal: &Terminal, place: &Place) -> (Program, u16) {
    let shown = terminal.wait_for(|screen| screen.contains('❯') && names_address(screen), DEADLINE);
    let port = port_in(&shown);
    let client = python_client(port);
    place.api.release();
    terminal.type_text("DEMO:hello\r");
    terminal.wait_for(|screen| screen.contains("- fail on request"), DEADLINE);
    (client, port)
}

#[test]
fn in_the_terminal_claude_is_as_always_and_its_reply_is_told_once() {
    let place = Place::new();
    let terminal = Terminal::start(place.wrapped(&[]), 110, 40);
    let (client, _) = talk_in_the_terminal(&terminal, &place);
    client.wait_out(|line| line.starts_with("claude.output: ") && line.contains("fail on request"));
    terminal.type_text("/exit\r");
    assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0));
    assert_eq!(terminal.modes(), terminal.modes_before, "the terminal is as it was");
    let (status, events, complaints) = client.finish();
    assert!(status.success(), "{complaints:?}");
    assert_story(&events, 0);
    assert_reply_once(&events);
    assert!(events.iter().any(|event| event.starts_with("claude.activity: ") && event.contains("'idle'")));
}

#[test]
fn printing_on_a_terminal_is_told_without_escapes() {
    let place = Place::new();
    let terminal = Terminal::start(place.wrapped(&["-p", "DEMO:hello"]), 110, 40);
    let port = port_in(&terminal.wait_for(names_address, DEADLINE));
    let client = python_client(port);
    place.api.release();
    assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0));
    let (_, events, _) = client.finish();
    assert_story(&events, 0);
    assert_reply_once(&events);
    assert!(!events.iter().any(|event| event.contains("\\x1b")), "{events:#?}");
}

/// What `watch -o json` prints, parsed.
fn watched(place: &Place, more: &[&str]) -> Program {
    let mut watch = Command::new(WRAPPER);
    watch.env("XDG_RUNTIME_DIR", place.runtime.path()).args(["watch", "-o", "json", "-n", "1000"]).args(more);
    Program::start(watch, b"")
}

#[test]
fn the_wire_has_every_number_once_and_ids_that_never_repeat() {
    let place = Place::new();
    let run = Program::start(place.wrapped(&["-p", "DEMO:hello"]), b"");
    run.wait_err(names_address);
    // News of clients too, which are left out where no channel is named.
    let watch = watched(&place, &["*"]);
    watch.wait_out(|line| line.contains("\"running\""));
    place.api.release();
    assert!(run.finish().0.success());
    let (status, lines, complaints) = watch.finish();
    assert!(status.success(), "{complaints:?}");
    let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect("a frame")).collect();
    events.iter().for_each(|event| schema::hold("classic/event", event));
    let numbers: Vec<u64> = events.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "no hole, no repeat");
    let ids: HashSet<&str> = events.iter().filter_map(|event| event["id"].as_str()).collect();
    assert_eq!(ids.len(), numbers.len());
    assert!(events.iter().all(|event| event["epoch"] == events[0]["epoch"]));
}

#[test]
fn a_signal_to_us_ends_claude_as_it_would_bare() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    let place = Place::new();
    let run = Program::start(place.wrapped(&["-p", "DEMO:hello"]), b"");
    let client = python_client(port_in(&run.wait_err(names_address)));
    // Claude has installed its handlers once it asks the API.
    let asked = || place.api.asked().iter().any(|asked| asked.what.starts_with("POST"));
    let deadline = std::time::Instant::now() + DEADLINE;
    while !asked() && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    kill(Pid::from_raw(run.pid().cast_signed()), Signal::SIGTERM).expect("it runs");
    assert_eq!(run.finish().0.code(), Some(143), "claude exits with 143 on SIGTERM");
    let (_, events, _) = client.finish();
    assert!(events.last().is_some_and(|event| event.contains("'exit_code': 143")), "{events:#?}");
}

#[test]
fn claude_finds_its_hub_in_its_environment() {
    let place = Place::new();
    let mut run = place.sandbox.command(WRAPPER);
    run.env("XDG_RUNTIME_DIR", place.runtime.path()).args(OPTIONS).args(["--claude", "sh", "--", "-c"]);
    run.arg(OsStr::new("echo $CLAUDE_MPM_URL; echo $CLAUDE_MPM_SESSION"));
    let (_, out, err) = Program::start(run, b"").finish();
    assert!(err[0].contains(&out[0]), "{out:?} {err:?}");
    assert_eq!(out[1].len(), 36, "a UUID: {out:?}");
}
