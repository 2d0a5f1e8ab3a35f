//! Hooks injected into a run: what stays untouched, and that the real claude runs ours beside the user's.
#![expect(clippy::unwrap_used, reason = "test code")]

mod viewer;

use clap::Parser;
use claude_mpm::claude::arguments::Invocation;
use claude_mpm::cli::{Cli, Hooks};
use claude_mpm::cmd::injection::{HookSite, Injection, prepare_for};
use claude_mpm::process::program::Command as Call;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use test_support::messages_api::MessagesApi;
use test_support::piped;
use test_support::real_claude::Sandbox;
use test_support::terminal::Terminal;
use viewer::place::Place;

const DEADLINE: std::time::Duration = test_support::DEADLINE;
const KEY: &str = "a-key-of-the-session";
const SESSION: &str = "injected";

/// A request for a hook: its event, its authorization, its body.
#[derive(Debug)]
struct Told {
    event: String,
    key: String,
    body: Value,
    by_command: bool,
}

/// Answers hooks over TCP and over the session's Unix socket, and keeps what they say.
struct Listening {
    address: SocketAddr,
    told: Receiver<Told>,
    place: Place,
    _registration: claude_mpm::instance::Registration,
}

impl Listening {
    fn start() -> Self {
        let place = Place::new();
        let mut instance = place.instance(SESSION, "web", None);
        instance.socket = place.directory.socket_path(SESSION);
        let unix = UnixListener::bind(instance.socket.as_ref().unwrap()).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        let (sender, told) = channel();
        let by_command = sender.clone();
        thread::spawn(move || {
            for caller in tcp.incoming().map_while(Result::ok) {
                let (writer, sender) = (caller.try_clone().unwrap(), sender.clone());
                thread::spawn(move || serve(caller, writer, &sender, false));
            }
        });
        thread::spawn(move || {
            for caller in unix.incoming().map_while(Result::ok) {
                let (writer, sender) = (caller.try_clone().unwrap(), by_command.clone());
                thread::spawn(move || serve(caller, writer, &sender, true));
            }
        });
        let _registration = place.register(&instance);
        Self { address, told, place, _registration }
    }

    fn site(&self) -> HookSite {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_claude-mpm"));
        HookSite { address: self.address, key: KEY.into(), program, asks_elsewhere: false }
    }

    /// Runs the real claude as `prepare_for` has it.
    fn run(&self, sandbox: &Sandbox, hooks: Hooks, typed: &[&str]) -> (Output, Injection) {
        let (command, injection) = self.command(sandbox, hooks, typed);
        (piped::run(command, b"", DEADLINE), injection)
    }

    fn command(&self, sandbox: &Sandbox, hooks: Hooks, typed: &[&str]) -> (Command, Injection) {
        let call = call(sandbox.claude(), typed, Some(sandbox.project()));
        let injection = prepare_for(hooks, &call, &self.site());
        let mut command = sandbox.command(sandbox.claude());
        command.args(&injection.arguments[1..]).envs(injection.environment.iter().cloned());
        command.env("CLAUDE_MPM_SESSION", SESSION).env("XDG_RUNTIME_DIR", self.place.path(""));
        (command, injection)
    }

    /// What was told so far, by event.
    fn so_far(&self) -> BTreeMap<String, Vec<Told>> {
        let mut events: BTreeMap<String, Vec<Told>> = BTreeMap::new();
        for told in self.told.try_iter() {
            events.entry(told.event.clone()).or_default().push(told);
        }
        events
    }
}

/// One connection, kept alive.
fn serve(reader: impl Read, mut writer: impl Write, told: &Sender<Told>, by_command: bool) {
    let mut reader = BufReader::new(reader);
    loop {
        let (mut first, mut key, mut length) = (String::new(), String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end();
            match line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value)) {
                Some((name, value)) if name == "authorization" => key = value.to_owned(),
                Some((name, value)) if name == "content-length" => length = value.parse().unwrap(),
                None if line.is_empty() => break,
                None => first = line.to_owned(),
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let event = first.strip_prefix("POST /api/hooks/").unwrap_or(&first);
        let event = event.split(' ').next().unwrap_or_default().to_owned();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        // Told before it is answered, so that all is there when claude has ended.
        drop(told.send(Told { event, key, body, by_command }));
        if writer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err() {
            return;
        }
    }
}

fn call(program: &Path, typed: &[&str], directory: Option<PathBuf>) -> Call {
    let arguments = [OsString::from("claude")].into_iter().chain(typed.iter().map(OsString::from)).collect();
    Call { path: program.into(), arguments, environment: Vec::new(), directory }
}

/// A site nobody is at.
fn nowhere() -> HookSite {
    let address = SocketAddr::from(([127, 0, 0, 1], 9));
    HookSite { address, key: KEY.into(), program: "/opt/claude-mpm".into(), asks_elsewhere: false }
}

/// An installed claude of some version that would say so, were it run.
fn installed(folder: &Path, version: &str) -> PathBuf {
    let program = folder.join("claude/versions").join(version);
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::write(&program, "#!/bin/sh\ntouch \"$0.was-run\"\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

/// The settings that were added, as JSON.
fn settings(injection: &Injection) -> Value {
    assert_eq!(injection.arguments[1], "--settings");
    serde_json::from_str(injection.arguments[2].to_str().unwrap()).unwrap()
}

#[test]
fn each_version_gets_what_it_knows_and_none_is_run_that_states_it() {
    let folder = tempfile::tempdir().unwrap();
    for (version, wish, count, http) in [
        ("2.1.197", Hooks::Auto, 29, true),
        ("2.1.197", Hooks::Http, 29, true),
        ("2.1.197", Hooks::Command, 29, false),
        ("2.1.100", Hooks::Auto, 13, true),
        ("2.1.30", Hooks::Auto, 13, false),
        ("2.1.30", Hooks::Http, 13, false),
    ] {
        let program = installed(folder.path(), version);
        let injection = prepare_for(wish, &call(&program, &["-p", "x"], None), &nowhere());
        let settings = settings(&injection);
        assert_eq!(settings["hooks"].as_object().unwrap().len(), count, "{version} {wish:?}");
        assert_eq!(settings.to_string().contains(r#""http""#), http, "{version} {wish:?}");
        assert!(!settings.to_string().contains(KEY), "a key never stands in an argument");
        let names: Vec<_> = injection.environment.iter().map(|(name, _)| *name).collect();
        let expected: &[&str] =
            if http { &["CLAUDE_MPM_HOOK_KEY", "NO_PROXY", "no_proxy"] } else { &["CLAUDE_MPM_HOOK_KEY"] };
        assert_eq!(names, expected);
        assert!(!folder.path().join(format!("claude/versions/{version}.was-run")).exists());
        assert_eq!(injection.notes, [""; 0]);
    }
}

#[test]
fn what_starts_no_session_or_is_not_claude_or_not_wanted_stays_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let claude = installed(folder.path(), "2.1.197");
    let other = Path::new("/bin/true");
    for (program, wish, typed) in [
        (claude.as_path(), Hooks::Auto, &["mcp", "list"][..]),
        (&claude, Hooks::Http, &["--version"]),
        (&claude, Hooks::Off, &["-p", "x"]),
        (other, Hooks::Auto, &["-p", "x"]),
        (other, Hooks::Off, &[]),
        (&installed(folder.path(), "0.2.9"), Hooks::Auto, &["-p", "x"]),
    ] {
        let call = call(program, typed, None);
        let injection = prepare_for(wish, &call, &nowhere());
        let untouched = Injection { arguments: call.arguments, environment: vec![], notes: vec![] };
        assert_eq!(injection, untouched, "{} {wish:?} {typed:?}", program.display());
    }
    let asked_for = prepare_for(Hooks::Command, &call(other, &["x"], None), &nowhere());
    assert_eq!(settings(&asked_for)["hooks"].as_object().unwrap().len(), 13);
}

#[test]
fn settings_that_cannot_be_merged_are_left_to_claude_with_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let claude = installed(folder.path(), "2.1.197");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("broken.json", "{");
    write("rooted.json", r#"{"permissions":{"allow":["Read(/src/**)"]}}"#);
    for (typed, note) in [
        (&["--settings", "{\"a\"}"][..], "not valid JSON"),
        (&["--settings=missing.json"], "cannot be read"),
        (&["--settings", "/dev/null"], "cannot be read"),
        (&["--settings", "broken.json"], "not valid JSON"),
        (&["--settings", "rooted.json"], "their own folder"),
        (&["--bare", "x"], "--bare"),
        (&["x", "--safe-mode"], "--safe-mode"),
    ] {
        let call = call(&claude, typed, Some(folder.path().into()));
        let injection = prepare_for(Hooks::Auto, &call, &nowhere());
        assert_eq!(injection.arguments, call.arguments, "{typed:?}");
        assert!(injection.environment.is_empty(), "{typed:?}");
        assert!(injection.notes[0].contains(note), "{typed:?}: {:?}", injection.notes);
    }
    write("good.json", r#"{"disableAllHooks":true}"#);
    let good = call(&claude, &["--settings", "good.json"], Some(folder.path().into()));
    let injection = prepare_for(Hooks::Auto, &good, &nowhere());
    assert_eq!(settings(&injection)["disableAllHooks"], true);
    assert!(injection.notes[0].contains("disableAllHooks"));
}

#[test]
fn the_real_claude_runs_all_our_hooks_over_http() {
    let (api, listening) = (MessagesApi::start(), Listening::start());
    let sandbox = Sandbox::new(&api);
    let (output, _) = listening.run(&sandbox, Hooks::Auto, &["-p", "DEMO:full"]);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let events = listening.so_far();
    for event in [
        "SessionStart",
        "UserPromptSubmit",
        "PreToolUse",
        "PostToolUse",
        "PostToolBatch",
        "SubagentStart",
        "SubagentStop",
        "TaskCreated",
        "TaskCompleted",
        "MessageDisplay",
        "Stop",
        "SessionEnd",
    ] {
        assert!(events.contains_key(event), "no {event} in {:?}", events.keys());
    }
    for told in events.values().flatten() {
        assert_eq!(told.key, format!("Bearer {KEY}"), "{}", told.event);
        assert_eq!(told.body["hook_event_name"], told.event.as_str());
        assert_eq!(told.by_command, told.event == "SessionStart", "{}", told.event);
    }
}

#[test]
fn the_real_claude_runs_all_our_hooks_by_command() {
    let (api, listening) = (MessagesApi::start(), Listening::start());
    let sandbox = Sandbox::new(&api);
    let (output, _) = listening.run(&sandbox, Hooks::Command, &["-p", "DEMO:bash"]);
    assert!(output.status.success(), "{output:?}");
    let events = listening.so_far();
    for event in ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd"] {
        assert!(events.contains_key(event), "no {event} in {:?}", events.keys());
    }
    assert!(events.values().flatten().all(|told| told.by_command && told.key == format!("Bearer {KEY}")));
}

/// Claude stops at a dialog for settings it does not like in its interface, and shows hooks that fail.
#[test]
fn in_its_interface_the_real_claude_has_nothing_to_say_about_our_hooks() {
    let (api, listening) = (MessagesApi::start(), Listening::start());
    let sandbox = Sandbox::new(&api);
    for hooks in [Hooks::Http, Hooks::Command] {
        let (command, _) = listening.command(&sandbox, hooks, &[]);
        let terminal = Terminal::start(command, 110, 40);
        let first = terminal.wait_for(|screen| screen.contains('❯'), DEADLINE);
        assert!(!first.contains("Settings"), "{first}");
        terminal.type_text("DEMO:bash\r");
        terminal.wait_for(|screen| screen.contains("The command has run."), DEADLINE);
        assert!(!terminal.history().contains("hook error"), "{}", terminal.history());
        assert!(listening.so_far().contains_key("PostToolUse"), "{hooks:?}");
    }
}

/// A hook of the user's that leaves a mark in the project, as settings.
fn users(mark: &str) -> Value {
    let handler = json!({ "type": "command", "command": format!("touch \"$CLAUDE_PROJECT_DIR/{mark}\"") });
    json!({ "hooks": { "PreToolUse": [{ "matcher": "Bash", "hooks": [handler] }] } })
}

#[test]
fn hooks_of_the_users_own_settings_run_beside_ours() {
    let (api, listening) = (MessagesApi::start(), Listening::start());
    let sandbox = Sandbox::new(&api);
    fs::write(sandbox.project().join("mine.json"), users("from-file").to_string()).unwrap();
    let text = users("from-text").to_string();
    let attached = format!("--settings={}", users("from-attached"));
    for (typed, mark) in [
        (&["--settings", "mine.json", "-p", "DEMO:bash"][..], "from-file"),
        (&["-p", "--allowedTools", "Read", "--settings", &text, "DEMO:bash"], "from-text"),
        (&["-p", &attached, "--", "DEMO:bash"], "from-attached"),
    ] {
        let (output, injection) = listening.run(&sandbox, Hooks::Auto, typed);
        assert!(output.status.success(), "{typed:?}: {output:?}");
        assert_eq!(injection.notes, [""; 0]);
        assert!(sandbox.project().join(mark).exists(), "{typed:?}: the user's hook did not run");
        assert_eq!(listening.so_far()["PreToolUse"].len(), 1, "{typed:?}");
    }
}

#[test]
fn bad_settings_are_complained_about_as_without_us() {
    let (api, listening) = (MessagesApi::start(), Listening::start());
    let sandbox = Sandbox::new(&api);
    for typed in [
        &["-p", "--settings", "missing.json", "DEMO:hello"][..],
        &["-p", "--settings", "{\"a\"}", "DEMO:hello"],
        &["-p", "DEMO:hello", "--settings"],
        &["--version"],
        &["mcp", "list"],
    ] {
        let bare = piped::run(sandbox.direct(typed), b"", DEADLINE);
        let (ours, _) = listening.run(&sandbox, Hooks::Auto, typed);
        assert_eq!(ours, bare, "{typed:?}");
    }
    assert!(listening.so_far().is_empty());
}

/// Claude asks a proxy of its environment even for loopback addresses.
#[test]
fn a_proxy_in_the_environment_is_not_asked_for_hooks() {
    let (api, listening) = (MessagesApi::start(), Listening::start());
    let sandbox = Sandbox::new(&api);
    let call = call(sandbox.claude(), &["-p", "DEMO:hello"], None);
    let injection = prepare_for(Hooks::Auto, &call, &listening.site());
    let mut command: Command = sandbox.command(sandbox.claude());
    command.args(&injection.arguments[1..]);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    command.env("HTTP_PROXY", format!("http://{nobody}")).env("http_proxy", format!("http://{nobody}"));
    command.envs(injection.environment);
    let output = piped::run(command, b"", DEADLINE);
    assert!(output.status.success(), "{output:?}");
    assert!(listening.so_far().contains_key("UserPromptSubmit"));
}

/// A session asks the API something, a command does not. Standard output is no terminal here, so it is a session that
/// prints.
#[test]
fn the_real_claude_agrees_about_what_starts_a_session() {
    for typed in [
        &["DEMO:hello", "mcp"][..],
        &["-p", "mcp"],
        &["mcp list"],
        &["--model", "mcp", "hello"],
        &["--allowedTools", "Bash", "mcp", "--", "hello"],
        &["--debug", "mcp", "hello"],
        &["-nmcp", "hello"],
        &["--", "hello"],
        &["hello", "logs"],
        &["help"],
        &["config"],
        &["--append-system-prompt", "--help", "hello"],
        &["mcp", "list"],
        &["--", "mcp"],
        &["--allowedTools=Bash", "mcp", "list"],
        &["--verbose", "plugins", "list"],
        &["-cv"],
        &["hello", "--help"],
        &["--settings"],
        &["auth", "status"],
    ] {
        let api = MessagesApi::start();
        let sandbox = Sandbox::new(&api);
        piped::run(sandbox.direct(typed), b"", DEADLINE);
        let asked = api.asked().iter().any(|asked| asked.what == "POST /v1/messages");
        let typed: Vec<OsString> = typed.iter().map(OsString::from).collect();
        assert_eq!(Invocation::read(&typed).starts_session, asked, "{typed:?}");
    }
}

#[test]
fn the_options_say_which_hooks_are_wanted() {
    let hooks = |options: &[&str]| {
        Cli::try_parse_from([&["claude-mpm"], options].concat()).map(|cli| cli.run.hooks()).ok()
    };
    assert_eq!(hooks(&[]), Some(Hooks::Auto));
    assert_eq!(hooks(&["--no-hooks"]), Some(Hooks::Off));
    assert_eq!(hooks(&["--hooks", "command"]), Some(Hooks::Command));
    assert_eq!(hooks(&["--hooks", "http", "--no-hooks"]), None);
    assert_eq!(hooks(&["--hooks", "sometimes"]), None);
}
