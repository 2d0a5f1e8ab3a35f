//! `demo`: what a newcomer sees first. A scripted program that tells claude's hooks, and everything else real.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use test_support::program::Program;
use test_support::terminal::Terminal;
use test_support::{DEADLINE, piped, schema};

fn demo(folder: &tempfile::TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_claude-mpm"));
    command.env_clear().env("TERM", "xterm-256color").env("XDG_RUNTIME_DIR", folder.path());
    command.env("HOME", folder.path().join("home")).args(args);
    command
}

/// The files below a folder, by their paths from there.
fn files_below(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => files.extend(files_below(&entry.path()).iter().map(|inner| format!("{name}/{inner}"))),
            false => files.push(name),
        }
    }
    files.sort();
    files
}

/// A whole demo on a terminal, and what a client was told.
struct Told(Vec<Value>);

impl Told {
    fn of_a_demo() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let terminal = Terminal::start(demo(&folder, &["demo", "--speed", "8"]), 100, 60);
        terminal.wait_for(|screen| screen.contains("What are you?"), DEADLINE);
        let watch = Program::start(demo(&folder, &["watch", "-i", "demo", "-n", "1000", "-o", "json"]), b"");
        assert!(terminal.wait_exit(DEADLINE).success());
        assert_eq!(terminal.modes(), terminal.modes_before);
        let (status, lines, complaints) = watch.finish();
        assert!(status.success(), "{complaints:?}");
        // Who came, and what was done from elsewhere.
        let audit = [".local/state/claude-mpm/audit.lock", ".local/state/claude-mpm/audit.log"];
        assert_eq!(files_below(&folder.path().join("home")), audit);
        let events: Vec<Value> =
            lines.iter().map(|line| serde_json::from_str(line).expect("a frame")).collect();
        events.iter().for_each(|event| schema::hold("classic/event", event));
        Self(events)
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |event| event["type"] == kind)
    }

    fn texts(&self, kind: &str, field: &str) -> Vec<String> {
        self.of_kind(kind).filter_map(|event| event["data"][field].as_str().map(str::to_owned)).collect()
    }
}

#[test]
fn without_a_terminal_it_plays_through_and_says_that_it_is_a_demo() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = piped::run(demo(&folder, &["demo", "--speed", "100"]), b"", DEADLINE);
    assert!(output.status.success());
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(err.contains("this is a demo") && err.contains("ws://127.0.0.1:"), "{err}");
    assert!(out.starts_with("claude-mpm demo · a scripted program, not claude\n"), "{out}");
    assert!(out.ends_with("The demo is over.\n"), "{out}");
}

#[test]
fn its_story_is_told_each_fact_once_and_by_the_hooks_it_posts() {
    let told = Told::of_a_demo();
    assert_delegations(&told);
    assert_todos(&told);
    assert_output(&told);
    let activity = told.texts("claude.activity", "activity");
    let waits = activity.iter().filter(|activity| *activity == "needs_permission").count();
    assert!(waits == 1 && activity.last().is_some_and(|last| last == "idle"), "{activity:?}");
    assert_eq!(told.texts("ticket.created", "id"), ["DEMO-7"]);
    let said = told.texts("claude.message", "text");
    let asked = told.of_kind("claude.message").filter(|event| event["data"]["role"] == "user").count();
    assert!(asked == 4 && said.len() == 10, "{said:#?}");
    assert_eq!(told.texts("session.end", "reason"), ["exited"]);
    assert_eq!(told.of_kind("system.error").count(), 0, "{:#?}", told.texts("system.error", "error"));
    for kind in ["agent.delegation", "todo.update", "ticket.created", "claude.message", "hook.session_end"] {
        let all_by_hooks = told.of_kind(kind).all(|event| event["source"] == "hook");
        assert!(told.of_kind(kind).next().is_some() && all_by_hooks, "{kind}");
    }
}

/// One waits, one is in the background, and each ends well.
fn assert_delegations(told: &Told) {
    let mut found: BTreeMap<&str, Vec<(&str, bool)>> = BTreeMap::new();
    for event in told.of_kind("agent.delegation") {
        let data = &event["data"];
        let [agent, status] = ["agent", "status"].map(|name| data[name].as_str().expect("a text"));
        found.entry(agent).or_default().push((status, data["background"] == true));
    }
    assert_eq!(found["engineer"], [("started", false), ("completed", false)]);
    assert_eq!(found["qa"], [("started", true), ("completed", true)]);
    assert_eq!(found.len(), 2);
    let last = told.of_kind("agent.status").last().expect("it follows the delegations");
    assert_eq!(last["data"]["active_agents"], Value::Array(Vec::new()));
}

/// Three are added one by one, and each is begun and done.
fn assert_todos(told: &Told) {
    let stats = |event: &Value| {
        ["total", "completed", "in_progress"]
            .map(|name| event["data"]["stats"][name].as_u64().expect("a count"))
    };
    let lists: Vec<_> = told.of_kind("todo.update").map(stats).collect();
    assert_eq!(
        lists,
        [[1, 0, 0], [2, 0, 0], [3, 0, 0], [3, 0, 1], [3, 1, 0], [3, 1, 1], [3, 1, 2], [3, 2, 1], [3, 3, 0]]
    );
}

/// Each line is told once, though it is drawn word by word, and nothing is told that goes away.
fn assert_output(told: &Told) {
    let output = told.texts("claude.output", "content");
    for line in ["● Published.", "❯ Publish it.", "● Bash(npm publish)", "The demo is over."] {
        assert_eq!(output.iter().filter(|told| *told == line).count(), 1, "{line} in {output:#?}");
    }
    assert!(!output.iter().any(|line| line.contains("Thinking")), "a spinner is not output: {output:#?}");
}
