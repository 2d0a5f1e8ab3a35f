//! `--restart`: claude is started again when it is over, in the same session of ours and in the same conversation.

use nix::libc;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::instance::{status_at, url_in};
use test_support::messages_api::MessagesApi;
use test_support::piped;
use test_support::processes::Process;
use test_support::program::Program;
use test_support::real_claude::Sandbox;
use test_support::subscriber::{Received, Subscriber};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");

fn command(place: &Path, options: &[&str], program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(WRAPPER);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", place);
    command.env("XDG_RUNTIME_DIR", place).current_dir(place);
    command.args(["-q", "--launch-method", "subprocess", "--websocket-port", "auto"]).args(options);
    command.args(["--claude", program, "--"]).args(arguments);
    command
}

/// Counts its starts in a file: says the number and its arguments, and ends as `ends` says.
fn counting(ends: &str) -> String {
    format!(
        "echo x >>\"$HOME/starts\"; n=$(wc -l <\"$HOME/starts\"); echo start $n $*; \
         [ -t 0 ] && stty -echo raw; {ends}"
    )
}

fn messages(received: &Received) -> Vec<String> {
    received
        .of("claude.status")
        .iter()
        .map(|data| data["message"].as_str().expect("text").to_owned())
        .collect()
}

#[test]
fn a_program_that_fails_is_started_again_until_it_does_not() {
    for shape in [&["--headless"][..], &[]] {
        let place = tempfile::tempdir().expect("a folder");
        let script = counting("[ $n = 3 ] && exit 0; exit 4");
        let options = [&["--restart", "on-failure"], shape].concat();
        let program = Program::start(command(place.path(), &options, "/bin/sh", &["-c", &script]), b"");
        let client = Subscriber::connect(&url_in(place.path()));
        let received = client.wait_close();
        assert_eq!(program.finish().0.code(), Some(0));
        assert_eq!(received.lines("stdout"), ["start 1", "start 2", "start 3"], "{shape:?}");
        let count = |name: &str| received.of(name).len();
        assert_eq!((count("session.start"), count("session.end")), (1, 1));
        let messages = messages(&received);
        assert_eq!(messages.len(), 9, "{messages:#?}");
        assert!(
            messages[2].starts_with("Claude exited with code 4; it is started again in "),
            "{messages:#?}"
        );
        assert!(messages[3].ends_with("(1 of 5 in a row)") && messages[6].ends_with("(2 of 5 in a row)"));
        assert_eq!(received.of("session.end")[0]["exit_code"], 0);
    }
}

#[test]
fn a_program_that_ends_by_itself_or_was_asked_to_stays_down() {
    for (policy, ends, code) in
        [("on-failure", "exit 0", 0), ("never", "exit 4", 4), ("always", "exit 143", 143)]
    {
        let place = tempfile::tempdir().expect("a folder");
        let run = command(place.path(), &["--restart", policy], "/bin/sh", &["-c", &counting(ends)]);
        let output = piped::run(run, b"", DEADLINE);
        assert_eq!(output.status.code(), Some(code), "{policy}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "start 1\n", "{policy}");
    }
}

#[test]
fn a_request_to_end_is_heard_in_the_pause() {
    let place = tempfile::tempdir().expect("a folder");
    let run = command(place.path(), &["--restart", "always"], "/bin/sh", &["-c", &counting("exit 4")]);
    let program = Program::start(run, b"");
    let client = Subscriber::connect(&url_in(place.path()));
    client.wait_for(|received| messages(received).iter().any(|text| text.contains("started again in")));
    Process::of(program.pid()).signal(libc::SIGTERM);
    let received = client.wait_close();
    assert_eq!(received.of("session.end")[0]["exit_code"], 4);
    assert_eq!(program.finish().0.code(), Some(4));
}

/// Something like claude in its name and its files: it writes its transcript where claude does.
#[test]
fn claude_takes_up_the_same_conversation() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("claude");
    let folder = place.path().canonicalize().expect("a path");
    let encoded: String = folder
        .display()
        .to_string()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let ends = format!(
        "[ $n = 1 ] && exit 1; [ $n = 2 ] && mkdir -p \"$HOME/.claude/projects/{encoded}\" && \
         echo '{{\"type\":\"user\"}}' >\"$HOME/.claude/projects/{encoded}/$2.jsonl\" && exit 1; exit 0"
    );
    fs::write(&path, format!("#!/bin/sh\n[ \"$1\" = --version ] && exit 1\n{}\n", counting(&ends)))
        .expect("a program");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    let options = ["--restart", "on-failure", "--hooks", "off"];
    let run = command(place.path(), &options, path.to_str().expect("text"), &["-p", "go on"]);
    let output = piped::run(run, b"", DEADLINE);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    let calls: Vec<&str> = lines.iter().map(|words| words[2]).collect();
    assert_eq!(calls, ["--session-id", "--session-id", "--resume"], "{text}");
    assert!(lines.iter().all(|words| words[3] == lines[0][3] && words[4..] == ["-p", "go", "on"]), "{text}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_restart_is_refused_where_nothing_of_ours_stays() {
    let place = tempfile::tempdir().expect("a folder");
    let mut run = Command::new(WRAPPER);
    run.env_clear().env("HOME", place.path()).args(["--restart", "always", "--claude", "/bin/true"]);
    let output = piped::run(run, b"", DEADLINE);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("--launch-method subprocess"), "{said}");
}

fn has_logged(sandbox: &Sandbox, text: &str) -> bool {
    let folders = fs::read_dir(sandbox.home().join(".claude/projects")).into_iter().flatten().flatten();
    let mut files = folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten());
    files.any(|file| fs::read_to_string(file.path()).is_ok_and(|log| log.contains(text)))
}

/// The real claude is killed in the middle of a conversation, and goes on with it.
#[test]
fn the_real_claude_takes_up_its_conversation_after_it_was_killed() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let runtime = tempfile::tempdir().expect("a folder");
    let options = ["-q", "--launch-method", "subprocess", "--websocket-port", "auto", "--headless"];
    let options = [&options[..], &["--restart", "on-failure"]].concat();
    let mut run = sandbox.wrapped(WRAPPER, &options, &["say hello"]);
    run.env("XDG_RUNTIME_DIR", runtime.path());
    let program = Program::start(run, b"");
    let url = url_in(runtime.path());
    let client = Subscriber::connect(&url);
    let replies = |received: &Received| {
        received.of("claude.message").iter().filter(|data| data["role"] == "assistant").count()
    };
    client.wait_for(|received| replies(received) == 1);
    let pid = |status: &Value| {
        u32::try_from(status["claude_pid"].as_u64().expect("a number")).expect("a process id")
    };
    let first = status_at(&url);
    // Claude writes its transcript a moment later; what it has not written it cannot take up.
    let until = Instant::now() + DEADLINE;
    while !has_logged(&sandbox, r#""type":"assistant""#) {
        assert!(Instant::now() < until, "it was never written");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(Process::of(pid(&first)).signal(libc::SIGKILL));
    // What was typed is said again, in the same conversation.
    client.wait_for(|received| replies(received) == 2);
    let second = status_at(&url);
    assert_ne!(pid(&first), pid(&second));
    assert_eq!(first["claude_sessions"], second["claude_sessions"]);
    let call = Process::of(pid(&second)).command_line();
    let id = first["claude_sessions"][0].as_str().expect("an id");
    assert!(call.contains(&format!("--resume {id}")), "{call}");
    assert!(Process::of(program.pid()).signal(libc::SIGTERM));
    client.wait_close();
    assert_eq!(program.finish().0.code(), Some(143));
}
