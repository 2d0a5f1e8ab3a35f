//! Proves what the other tests stand on: the scripted Messages API, the sandbox, the pipes and the
//! terminal, with the real claude between them. It tests nothing of claude-mpm.

use serde_json::Value;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use test_support::DEADLINE;
use test_support::messages_api::MessagesApi;
use test_support::piped;
use test_support::real_claude::Sandbox;
use test_support::terminal::{Signal, Terminal};

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    command
}

/// Starts claude's own interface and waits until it takes input.
fn interface(sandbox: &Sandbox) -> Terminal {
    let terminal = Terminal::start(sandbox.direct(&[]), 110, 40);
    terminal.wait_for(|screen| screen.contains("❯"), DEADLINE);
    terminal
}

#[test]
fn claude_prints_the_scripted_reply() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let output = piped::run(sandbox.direct(&["-p", "DEMO:hello"]), b"", DEADLINE);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).starts_with("Hello from the scripted model.\n"), "{output:?}");
    assert!(stdout(&output).contains("- call tools\n"), "{output:?}");
}

#[test]
fn claude_takes_its_prompt_from_a_pipe() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let output = piped::run(sandbox.direct(&["-p"]), b"DEMO:hello\n", DEADLINE);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).starts_with("Hello from the scripted model.\n"), "{output:?}");
}

#[test]
fn claude_runs_under_a_wrapper_in_the_same_sandbox() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    // Stands in for `OPTIONS --claude PROGRAM -- ARGS`.
    let options = ["-c", "claude=$2; shift 3; exec \"$claude\" \"$@\"", "wrapper"];
    let command = sandbox.wrapped("/bin/sh", &options, &["-p", "DEMO:bash"]);
    let output = piped::run(command, b"", DEADLINE);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stdout(&output), "The command has run.\n");
}

#[test]
fn claude_plays_the_full_scenario_with_its_real_tools() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let args = ["-p", "--output-format", "stream-json", "--verbose", "DEMO:full"];
    let output = piped::run(sandbox.direct(&args), b"", DEADLINE);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let lines = stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<Value> = lines.collect();
    assert_eq!(
        tools_used(&lines),
        [
            "TaskCreate",
            "TaskCreate",
            "TaskCreate",
            "Agent",
            "Bash",
            "TaskUpdate",
            "TaskUpdate",
            "Bash",
            "TaskUpdate",
            "TaskUpdate",
        ]
    );
    assert!(stdout(&output).contains("\"stdout\":\"Created ticket TICKET-123: Add WebSocket monitoring\""));
    assert!(stdout(&output).contains("Feature X implemented by engineer."));
    let result = lines.last().expect("a result");
    assert_eq!(result["is_error"], false);
    assert_eq!(result["permission_denials"], serde_json::json!([]));
}

fn tools_used(lines: &[Value]) -> Vec<&str> {
    let assistant = lines.iter().filter(|line| line["type"] == "assistant");
    let blocks = assistant.filter_map(|line| line["message"]["content"].as_array()).flatten();
    blocks.filter_map(|block| block["name"].as_str()).collect()
}

#[test]
fn claude_fails_on_a_scripted_api_error() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let output = piped::run(sandbox.direct(&["-p", "DEMO:error400"]), b"", DEADLINE);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stdout(&output).contains("Scripted bad request"), "{output:?}");
}

#[test]
fn claude_retries_a_scripted_server_error() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let mut command = sandbox.direct(&["-p", "DEMO:error500"]);
    command.env("CLAUDE_CODE_MAX_RETRIES", "1");
    let output = piped::run(command, b"", DEADLINE);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stdout(&output).contains("500"), "{output:?}");
    let first = Some(("error500".to_owned(), 0));
    let asked = api.asked().into_iter().filter(|asked| asked.played == first);
    assert_eq!(asked.count(), 2);
}

#[test]
fn claude_answers_in_its_interface_and_leaves_the_terminal_as_it_was() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let terminal = interface(&sandbox);
    assert_ne!(terminal.modes(), terminal.modes_before);
    terminal.type_text("DEMO:hello\r");
    let screen = terminal.wait_for(|screen| screen.contains("- fail on request"), DEADLINE);
    assert!(screen.contains("● Hello from the scripted model."), "{screen}");
    terminal.type_text("/exit\r");
    assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0));
    assert_eq!(terminal.modes(), terminal.modes_before);
}

#[test]
fn claude_redraws_its_interface_after_a_resize() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let terminal = interface(&sandbox);
    terminal.resize(70, 30);
    let rule = |width| move |screen: &str| screen.lines().any(|line| line == "─".repeat(width));
    terminal.wait_for(rule(70), DEADLINE);
    assert!(terminal.signal(Signal::SIGTERM));
    assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(143));
}

#[test]
fn a_slow_answer_arrives_piece_by_piece() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let terminal = interface(&sandbox);
    terminal.type_text("DEMO:slow\r");
    let early = terminal.wait_for(|screen| screen.contains("piece 2"), DEADLINE);
    assert!(!early.contains("piece 10"), "{early}");
    terminal.wait_for(|screen| screen.contains("piece 10"), DEADLINE);
}

#[test]
fn a_long_answer_scrolls_off_the_screen_into_the_history() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let terminal = interface(&sandbox);
    terminal.type_text("DEMO:long\r");
    let screen = terminal.wait_for(|screen| screen.contains("line 200"), DEADLINE);
    assert!(!screen.contains("line 100\n"), "{screen}");
    assert!(terminal.history().contains("line 100\n"));
}

#[test]
fn the_terminal_reports_codes_and_signals_exactly() {
    let code = Terminal::start(shell("exit 7"), 80, 24).wait_exit(DEADLINE);
    assert_eq!((code.code(), code.signal()), (Some(7), None));
    let signal = Terminal::start(shell("kill -QUIT $$"), 80, 24).wait_exit(DEADLINE);
    assert_eq!((signal.code(), signal.signal()), (None, Some(3)));
}

#[test]
fn the_terminal_is_the_controlling_one() {
    let script = "echo to the terminal >/dev/tty; stty size; exec cat";
    let terminal = Terminal::start(shell(script), 91, 17);
    terminal.wait_for(|screen| screen == "to the terminal\n17 91", DEADLINE);
    // The second is cat's: a Ctrl-C before it runs may meet a shell that shrugs it off.
    terminal.type_text("typed\r");
    terminal.wait_for(|screen| screen.ends_with("typed\ntyped"), DEADLINE);
    terminal.type_text("\x03");
    assert_eq!(terminal.wait_exit(DEADLINE).signal(), Some(2));
}

#[test]
fn a_program_that_leaves_the_terminal_raw_is_found_out() {
    let terminal = Terminal::start(shell("stty raw -echo"), 80, 24);
    assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0));
    assert_ne!(terminal.modes(), terminal.modes_before);
}

#[test]
fn output_is_complete_when_the_exit_is_known() {
    let terminal = Terminal::start(shell("seq 5000"), 80, 24);
    terminal.wait_exit(DEADLINE);
    assert!(terminal.raw_output().ends_with(b"4999\r\n5000\r\n"));
    assert!(terminal.history().contains("1\n2\n3\n"));
}

#[test]
#[should_panic(expected = "the screen:\nonly this")]
fn a_failed_wait_shows_the_screen() {
    let terminal = Terminal::start(shell("echo only this"), 80, 24);
    terminal.wait_for(|screen| screen.contains("that"), DEADLINE);
}

#[test]
fn a_dropped_terminal_ends_its_program() {
    let terminal = Terminal::start(shell("trap '' HUP TERM; echo ready; cat"), 80, 24);
    terminal.wait_for(|screen| screen == "ready", DEADLINE);
    let process = format!("/proc/{}", terminal.pid());
    assert!(std::fs::exists(&process).expect("proc"));
    drop(terminal);
    assert!(!std::fs::exists(&process).expect("proc"));
}

#[test]
fn nothing_of_the_tests_environment_reaches_claude() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let output = piped::run(sandbox.command("/usr/bin/env"), b"", DEADLINE);
    let names = stdout(&output).lines().filter_map(|line| line.split_once('='));
    let mut names: Vec<_> = names.map(|(name, _)| name.to_owned()).collect();
    let mut expected: Vec<_> = sandbox.env().iter().map(|(name, _)| (*name).to_owned()).collect();
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
}
