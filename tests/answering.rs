//! `watch --answer` on a terminal: what is asked, what a key does, and what the terminal is like afterwards.

mod viewer;

use serde_json::{Value, json};
use test_support::terminal::{Signal, Terminal};
use viewer::fake_hub::{Ending, FakeHub, Said, Script, event, output, session_end};
use viewer::place::{DEADLINE, Place};

/// How every last line ends that asks for an answer.
const PROMPT: &str = "[s]kip?";

fn of(tool: &str) -> String {
    format!("{tool}: [a]llow, [d]eny, a[l]ways any {tool} in this session, {PROMPT}")
}

fn asks(id: &str, tool: &str) -> Value {
    json!({ "permission_id": id, "tool_name": tool, "tool_input": { "command": format!("ls {id}") }, "agent": null,
        "suggestions": [], "questions": null, "expires_at": "2999-01-01T00:00:00.000Z" })
}

fn requested(seq: u64, asked: &Value) -> String {
    event(seq, "permission.requested", asked.clone())
}

fn resolved(seq: u64, id: &str, decision: &str) -> String {
    let data = json!({ "permission_id": id, "decision": decision, "by": "local", "message": null });
    event(seq, "permission.resolved", data)
}

fn outcome(fate: &str, reason: Option<&str>) -> Vec<Said> {
    let data = json!({ "control_id": "c", "command": "respond_permission", "fate": fate, "reason": reason, "last": true });
    vec![Said::Reply("accepted", json!({ "control_id": "c" })), Said::Reply("outcome", data)]
}

/// A hub whose claude asks this, and takes every answer.
fn hub(asked: &[Value]) -> FakeHub {
    let script = Script::new(vec![output(1, "hello")], Ending::Stay).asking(asked.to_vec());
    FakeHub::start(script.saying("respond_permission", outcome("done", None)))
}

fn watch(place: &Place, hub: &FakeHub, args: &[&str]) -> Terminal {
    let url = hub.url();
    let command = [&["watch", "--url", &url, "--time", "none"], args].concat();
    let mut command = place.command(&command);
    command.env("TERM", "xterm");
    Terminal::start(command, 120, 40)
}

fn shows(terminal: &Terminal, text: &str) -> String {
    terminal.wait_for(|screen| screen.contains(text), DEADLINE)
}

/// Looks until it is so, or for too long.
fn becomes(is_so: impl Fn() -> bool) -> bool {
    let until = std::time::Instant::now() + DEADLINE;
    while !is_so() && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
    is_so()
}

/// What the hub was asked, once it was asked so many times.
fn answers(hub: &FakeHub, count: usize) -> Vec<Value> {
    becomes(|| hub.requests("respond_permission").len() >= count);
    hub.requests("respond_permission")
}

fn prompts(screen: &str) -> usize {
    screen.lines().filter(|line| line.ends_with(PROMPT)).count()
}

/// As it was before, and the cursor is not left in a line of ours.
fn is_given_back(terminal: &Terminal) {
    assert_eq!(terminal.modes().local_flags, terminal.modes_before.local_flags);
    assert_eq!(terminal.modes().control_chars, terminal.modes_before.control_chars);
}

#[test]
fn a_question_is_asked_below_the_events_and_answered_by_one_key() {
    for (key, word, decision) in [
        ("a", "allow", json!({ "decision": "allow" })),
        ("d", "deny", json!({ "decision": "deny" })),
        ("l", "always", json!({ "decision": "allow", "remember": true })),
    ] {
        let place = Place::new();
        let hub = hub(&[asks("p1", "Bash")]);
        let terminal = watch(&place, &hub, &["--answer"]);
        let screen = shows(&terminal, PROMPT);
        let asked = "Claude asks for Bash: ls p1 (p1)\n  command: ls p1\n";
        assert!(screen.contains(asked) && screen.contains("\nBash: [a]llow"), "{screen}");
        terminal.type_text(key);
        shows(&terminal, &format!("{PROMPT} {word}"));
        let mut answer = answers(&hub, 1).remove(0);
        answer.as_object_mut().unwrap().retain(|name, _| ["decision", "remember"].contains(&name.as_str()));
        assert_eq!(answer, decision);
        hub.tell(session_end(2));
        shows(&terminal, "session.end");
        is_given_back(&terminal);
    }
}

#[test]
fn events_go_on_above_the_question_and_it_stays_the_last_line() {
    let place = Place::new();
    let hub = hub(&[asks("p1", "Bash")]);
    let terminal = watch(&place, &hub, &["--answer"]);
    shows(&terminal, PROMPT);
    for seq in 2..12 {
        hub.tell(output(seq, &format!("line {seq}")));
    }
    let screen = terminal
        .wait_for(|screen| screen.contains("line 11") && screen.trim_end().ends_with(PROMPT), DEADLINE);
    assert!((2..12).all(|seq| screen.contains(&format!("line {seq}\n"))), "{screen}");
    assert_eq!(prompts(&screen), 1, "{screen}");
}

#[test]
fn several_are_asked_one_after_another_and_new_ones_behind_them() {
    let place = Place::new();
    let hub = hub(&[asks("p1", "Bash"), asks("p2", "Write")]);
    let terminal = watch(&place, &hub, &["--answer"]);
    shows(&terminal, "Bash: [a]llow");
    let third = asks("p3", "Edit");
    hub.change(|script| script.permissions.push(third.clone()));
    hub.tell(requested(2, &third));
    shows(&terminal, "(p3)");
    terminal.type_text("s");
    shows(&terminal, &of("Write"));
    terminal.type_text("d");
    shows(&terminal, &of("Edit"));
    terminal.type_text("a");
    let answers = answers(&hub, 2);
    let ids: Vec<_> = answers.iter().map(|answer| answer["permission_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["p2", "p3"]);
}

#[test]
fn a_question_that_was_answered_elsewhere_is_taken_away() {
    let place = Place::new();
    let hub = hub(&[asks("p1", "Bash")]);
    let terminal = watch(&place, &hub, &["--answer"]);
    shows(&terminal, PROMPT);
    hub.change(|script| script.permissions.clear());
    hub.tell(resolved(2, "p1", "deny"));
    shows(&terminal, "Permission p1 was denied at claude's terminal");
    hub.tell(output(3, "on"));
    let screen = shows(&terminal, "output   on");
    is_given_back(&terminal);
    assert!(!screen.trim_end().ends_with(PROMPT), "{screen}");
    terminal.type_text("a");
    hub.tell(output(4, "and on"));
    shows(&terminal, "and on");
    assert!(hub.requests("respond_permission").is_empty());
}

#[test]
fn a_key_that_was_meant_for_one_question_does_not_answer_the_next() {
    let place = Place::new();
    let hub = hub(&[asks("p1", "Bash"), asks("p2", "Write")]);
    let terminal = watch(&place, &hub, &["--answer"]);
    shows(&terminal, PROMPT);
    hub.change(|script| drop(script.permissions.remove(0)));
    hub.tell(resolved(2, "p1", "deny"));
    shows(&terminal, "(p2)");
    terminal.type_text("a");
    shows(&terminal, &of("Write"));
    assert!(hub.requests("respond_permission").is_empty());
    terminal.type_text("d");
    assert_eq!(answers(&hub, 1)[0]["decision"], "deny");
}

#[test]
fn an_answer_that_comes_too_late_says_so_and_the_watch_goes_on() {
    let place = Place::new();
    let hub = hub(&[asks("p1", "Bash")]);
    hub.change(|script| {
        let late = outcome("rejected", Some("somebody has\u{1b}[2J denied it already"));
        script.said.insert("respond_permission", late);
    });
    let terminal = watch(&place, &hub, &["--answer"]);
    shows(&terminal, PROMPT);
    hub.change(|script| script.permissions.clear());
    terminal.type_text("a");
    shows(&terminal, r"somebody has\u{1b}[2J denied it already");
    hub.tell(output(2, "on"));
    assert_eq!(prompts(&shows(&terminal, "output   on")), 0);
}

#[test]
fn a_question_that_still_stands_after_a_refusal_is_asked_again() {
    let place = Place::new();
    let hub = hub(&[asks("p1", "Bash")]);
    hub.change(|script| {
        script.said.insert("respond_permission", outcome("rejected", Some("not like this")));
    });
    let terminal = watch(&place, &hub, &["--answer"]);
    shows(&terminal, PROMPT);
    terminal.type_text("l");
    terminal
        .wait_for(|screen| screen.contains("not like this") && screen.trim_end().ends_with(PROMPT), DEADLINE);
}

#[test]
fn who_may_not_answer_hears_it_once() {
    let place = Place::new();
    let hub = hub(&[asks("p1", "Bash")]);
    let refusal =
        Said::Reply("error", json!({ "error_code": "AUTH002", "error_message": "cannot control: no" }));
    hub.change(|script| drop(script.said.insert("respond_permission", vec![refusal])));
    let terminal = watch(&place, &hub, &["--answer"]);
    shows(&terminal, PROMPT);
    terminal.type_text("a");
    shows(&terminal, "a token with the role control");
    hub.tell(output(2, "on"));
    assert_eq!(prompts(&shows(&terminal, "output   on")), 0);
}

#[test]
fn what_was_typed_before_and_what_comes_in_a_crowd_decides_nothing() {
    let place = Place::new();
    let hub = hub(&[]);
    let terminal = watch(&place, &hub, &["--answer"]);
    shows(&terminal, "hello");
    terminal.type_text("aaa\r");
    let asked = asks("p1", "Bash");
    hub.change(|script| script.permissions.push(asked.clone()));
    hub.tell(requested(2, &asked));
    shows(&terminal, PROMPT);
    terminal.type_text("yes, all\r");
    terminal.type_text("\u{1b}[D");
    hub.tell(output(3, "on"));
    shows(&terminal, "output   on");
    assert!(hub.requests("respond_permission").is_empty());
}

#[test]
fn options_are_chosen_by_digits_and_a_text_is_typed() {
    let place = Place::new();
    let mut asked = asks("q1", "AskUserQuestion");
    asked["questions"] = json!([
        { "question": "Which DB?\u{1b}[2J", "options": [{ "label": "SQLite", "description": "a file" }, { "label": "PG" }] },
        { "question": "Why?", "options": [{ "label": "fast" }] },
    ]);
    let hub = hub(&[asked]);
    let terminal = watch(&place, &hub, &["--answer"]);
    let screen = shows(&terminal, "[1-2], [t]ext, [d]eny, [s]kip?");
    assert!(screen.contains("Which DB?\\u{1b}[2J\n   1) SQLite: a file\n   2) PG\n"), "{screen}");
    terminal.type_text("2");
    shows(&terminal, "[1], [t]ext, [d]eny, [s]kip?");
    terminal.type_text("t");
    shows(&terminal, "Enter ends it, Escape leaves it:");
    terminal.type_text("bécause\u{7f}");
    shows(&terminal, "leaves it: bécaus");
    terminal.type_text("\r");
    let answer = answers(&hub, 1).remove(0);
    assert_eq!(answer["answers"], json!({ "Which DB?\u{1b}[2J": "PG", "Why?": "bécaus" }));
    shows(&terminal, "answered");
}

#[test]
fn the_terminal_is_given_back_when_a_signal_ends_it() {
    for (key, signal) in [(Some("\u{3}"), Signal::SIGINT), (None, Signal::SIGTERM), (None, Signal::SIGHUP)] {
        let place = Place::new();
        let hub = hub(&[asks("p1", "Bash")]);
        let terminal = watch(&place, &hub, &["--answer"]);
        shows(&terminal, PROMPT);
        assert_ne!(terminal.modes().local_flags, terminal.modes_before.local_flags);
        match key {
            Some(key) => terminal.type_text(key),
            None => assert!(terminal.signal(signal)),
        }
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(terminal.wait_exit(DEADLINE).signal(), Some(signal as i32));
        is_given_back(&terminal);
    }
}

#[test]
fn the_terminal_is_given_back_while_it_is_stopped() {
    let place = Place::new();
    let hub = hub(&[asks("p1", "Bash")]);
    let terminal = watch(&place, &hub, &["--answer"]);
    shows(&terminal, PROMPT);
    let is_taken = || terminal.modes().local_flags != terminal.modes_before.local_flags;
    assert!(terminal.signal(Signal::SIGTSTP));
    assert!(becomes(|| !is_taken()));
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", terminal.pid())).unwrap_or_default();
    assert!(becomes(|| state().contains(") T ")));
    assert!(terminal.signal(Signal::SIGCONT));
    assert!(becomes(is_taken));
    assert!(shows(&terminal, PROMPT).trim_end().ends_with(PROMPT));
    terminal.type_text("a");
    assert_eq!(answers(&hub, 1).len(), 1);
}

#[test]
fn without_answering_the_two_commands_stand_below_a_question() {
    let place = Place::new();
    let hub = FakeHub::start(Script::new(vec![requested(1, &asks("p1", "Bash"))], Ending::Stay));
    let terminal = watch(&place, &hub, &[]);
    let url = hub.url();
    shows(
        &terminal,
        &format!("(p1)\n    claude-mpm allow --url {url} p1\n    claude-mpm deny --url {url} p1"),
    );
}

#[test]
fn it_takes_a_terminal() {
    let place = Place::new();
    for args in [
        &["watch", "--answer"][..],
        &["watch", "--answer", "-o", "json"],
        &["watch", "--answer", "--count", "1"],
    ] {
        let done = place.run(args);
        assert_eq!(done.status, Some(2), "{args:?}: {}", done.err);
    }
}
