//! Hooks that should come and do not: claude has been told to run none.

use serde_json::{Value, json};
use std::process::Command;
use test_support::instance::{source_of, status_at, url_in};
use test_support::messages_api::MessagesApi;
use test_support::program::Program;
use test_support::real_claude::Sandbox;
use test_support::subscriber::{Received, Subscriber};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
const OPTIONS: [&str; 5] = ["-q", "--websocket-port", "auto", "--launch-method", "subprocess"];
const TOOLS: &str = "--allowedTools=Bash(sleep:*),Bash(echo:*)";

/// Claude under claude-mpm: everything that was told, and what the status said of hooks when they had been missed.
fn play(settings: Option<Value>, arguments: &[&str]) -> (Received, Option<Value>) {
    let api = MessagesApi::start_held();
    let sandbox = Sandbox::new(&api);
    let runtime = tempfile::tempdir().unwrap();
    settings.iter().for_each(|settings| sandbox.set_settings(settings));
    let mut command: Command = sandbox.wrapped(WRAPPER, &OPTIONS, arguments);
    command.env("XDG_RUNTIME_DIR", runtime.path());
    let program = Program::start(command, b"");
    let url = url_in(runtime.path());
    let client = Subscriber::connect(&url);
    api.release();
    let takes_time = arguments.iter().any(|argument| argument.contains("slow"));
    let source = takes_time.then(|| {
        client.wait_for(|received| !warnings(received).is_empty());
        source_of(&status_at(&url), "hook")
    });
    let (status, _, err) = program.finish();
    assert!(status.success(), "{status}: {err:?}");
    (client.wait_close(), source)
}

fn warnings(received: &Received) -> Vec<&Value> {
    received.of("system.error").into_iter().filter(|data| data["component"] == "hook").collect()
}

fn off() -> Option<Value> {
    Some(json!({ "disableAllHooks": true, "permissions": { "allow": ["Bash(echo:*)", "Bash(sleep:*)"] } }))
}

#[track_caller]
fn assert_missed(received: &Received) {
    let warnings = warnings(received);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["severity"], "warning");
    let hooks = received.events.iter().filter(|event| event["type"].as_str().unwrap().starts_with("hook."));
    assert_eq!(hooks.count(), 0);
}

#[track_caller]
fn assert_seen_otherwise(received: &Received) {
    let said = received.of("claude.message");
    assert!(said.iter().any(|said| said.to_string().contains("The slow command has run.")), "{said:?}");
}

#[test]
fn hooks_that_settings_turn_off_are_missed_once_and_the_other_sources_tell() {
    for arguments in [
        &["-p", "DEMO:slow-bash"][..],
        &["-p", "--output-format", "stream-json", "--verbose", "DEMO:slow-bash"],
    ] {
        let (received, source) = play(off(), arguments);
        assert_missed(&received);
        assert_eq!(source.unwrap()["state"], "missing", "{arguments:?}");
        assert_seen_otherwise(&received);
    }
}

#[test]
fn hooks_that_an_argument_turns_off_are_missed_from_the_start() {
    let (received, source) = play(None, &["--bare", TOOLS, "-p", "DEMO:slow-bash"]);
    assert_missed(&received);
    assert_eq!(source.unwrap()["state"], "missing");
    assert_seen_otherwise(&received);
}

#[test]
fn a_run_that_is_over_at_once_says_as_well_that_its_hooks_were_missing() {
    let (received, _) = play(off(), &["-p", "DEMO:hello"]);
    assert_missed(&received);
}

#[test]
fn hooks_that_come_are_not_missed() {
    let (received, _) = play(None, &["-p", "DEMO:hello"]);
    assert!(warnings(&received).is_empty(), "{:?}", warnings(&received));
    assert!(!received.of("hook.user_prompt").is_empty());
}
