//! `demo`: what a newcomer sees first. A scripted program, and everything else real.

use serde_json::Value;
use std::process::Command;
use test_support::program::Program;
use test_support::terminal::Terminal;
use test_support::{DEADLINE, piped};

fn demo(runtime: &tempfile::TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_claude-mpm"));
    command.env_clear().env("TERM", "xterm-256color").env("XDG_RUNTIME_DIR", runtime.path()).args(args);
    command
}

#[test]
fn without_a_terminal_it_plays_through_and_says_that_it_is_a_demo() {
    let runtime = tempfile::tempdir().expect("a folder");
    let output = piped::run(demo(&runtime, &["demo", "--speed", "100"]), b"", DEADLINE);
    assert!(output.status.success());
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(err.contains("this is a demo") && err.contains("ws://127.0.0.1:"), "{err}");
    assert!(out.starts_with("claude-mpm demo · a scripted program, not claude\n"), "{out}");
    assert!(out.ends_with("The demo is over.\n"), "{out}");
}

#[test]
fn on_a_terminal_each_line_is_told_once_though_it_is_drawn_word_by_word() {
    let runtime = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(demo(&runtime, &["demo", "--speed", "4"]), 100, 40);
    terminal.wait_for(|screen| screen.contains("What are you?"), DEADLINE);
    let watch = Program::start(demo(&runtime, &["watch", "-i", "demo", "-n", "1000", "-o", "json"]), b"");
    assert!(terminal.wait_exit(DEADLINE).success());
    assert_eq!(terminal.modes(), terminal.modes_before);
    let (status, lines, complaints) = watch.finish();
    assert!(status.success(), "{complaints:?}");
    let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect("a frame")).collect();
    let told = |kind: &str, field: &str| -> Vec<String> {
        let of_kind = events.iter().filter(|event| event["type"] == kind);
        of_kind.filter_map(|event| event["data"][field].as_str().map(str::to_owned)).collect()
    };
    let output = told("claude.output", "content");
    for line in ["● All 42 tests pass.", "❯ Run the tests.", "● Bash(cargo test)", "The demo is over."]
    {
        assert_eq!(output.iter().filter(|told| *told == line).count(), 1, "{line} in {output:#?}");
    }
    assert!(!output.iter().any(|line| line.contains("Thinking")), "a spinner is not output: {output:#?}");
    let activity = told("claude.activity", "activity");
    assert!(activity.contains(&"idle".to_owned()) && activity.contains(&"busy".to_owned()), "{activity:?}");
    assert_eq!(told("session.end", "reason"), ["exited"]);
}
