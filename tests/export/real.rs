//! The real claude, recorded and exported.

use crate::cast::Cast;
use crate::session::MPM;
use std::fs;
use std::path::Path;
use std::process::Command;
use test_support::DEADLINE;
use test_support::messages_api::MessagesApi;
use test_support::piped;
use test_support::real_claude::Sandbox;
use test_support::standalone::named;
use test_support::terminal::Terminal;

/// A session of claude in a terminal, recorded; claude's home has its state.
fn recorded(sandbox: &Sandbox, runtime: &Path, name: &str, args: &[&str]) -> Terminal {
    let options = ["-q", "-n", name, "--launch-method", "subprocess", "--websocket-port", "auto", "--record"];
    let mut command = sandbox.wrapped(MPM, &options, args);
    command.env("XDG_RUNTIME_DIR", runtime);
    Terminal::start(command, 110, 40)
}

fn exported(sandbox: &Sandbox, runtime: &Path, args: &[&str]) -> String {
    let mut command: Command = sandbox.command(MPM);
    command.arg("export").args(args).env("XDG_RUNTIME_DIR", runtime);
    let done = piped::run(command, b"", DEADLINE);
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn a_session_at_the_terminal_is_recorded_byte_by_byte_and_its_talk_is_in_the_protocols() {
    let api = MessagesApi::start();
    let (sandbox, runtime) = (Sandbox::new(&api), tempfile::tempdir().unwrap());
    let terminal = recorded(&sandbox, runtime.path(), "talk", &[]);
    terminal.wait_for(|screen| screen.contains('❯'), DEADLINE);
    terminal.type_text("DEMO:hello\r");
    terminal.wait_for(|screen| screen.contains("- fail on request"), DEADLINE);
    terminal.type_text("/exit\r");
    assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0));

    let cast = Cast::read(&exported(&sandbox, runtime.path(), &["talk", "--format", "asciicast"]));
    assert_eq!(cast.all('o').concat().as_bytes(), terminal.raw_output());
    let markdown = exported(&sandbox, runtime.path(), &["talk", "--format", "markdown"]);
    assert!(markdown.contains(" User**\n\n> DEMO:hello\n"), "{markdown}");
    assert!(markdown.contains(" Claude**\n\n> Hello from the scripted model"), "{markdown}");
    let page = exported(&sandbox, runtime.path(), &["talk", "--format", "html"]);
    assert!(page.contains("<b>User</b></p><div class=\"text\">DEMO:hello</div>"), "{page}");
    let sessions = fs::read_dir(sandbox.home().join(".local/state/claude-mpm/sessions")).unwrap().flatten();
    assert_eq!(sessions.flat_map(|session| named(&session.path(), "terminal.cast")).count(), 1);
}

#[test]
fn agents_tools_and_todos_are_in_the_protocol_with_their_times() {
    let api = MessagesApi::start();
    let (sandbox, runtime) = (Sandbox::new(&api), tempfile::tempdir().unwrap());
    let terminal = recorded(&sandbox, runtime.path(), "work", &["-p", "DEMO:full"]);
    assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{}", terminal.history());
    let markdown = exported(&sandbox, runtime.path(), &["work", "--format", "markdown"]);
    for part in
        ["Claude delegated \"", " completed \"", " ran Bash: ", " done", "- End: Claude exited with code 0"]
    {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
    let lines = exported(&sandbox, runtime.path(), &["work"]);
    let table = exported(&sandbox, runtime.path(), &["work", "--format", "csv"]);
    assert_eq!(
        table.matches("\r\n").count(),
        lines.lines().count() + 1,
        "a row for each event, and the header"
    );
}
