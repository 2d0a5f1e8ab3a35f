//! Two hooks of ours for the same happening, the one that is installed in claude's settings and the one of the run: what
//! the real claude tells twice is one event.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::collections::BTreeMap;
use std::process::Command;
use test_support::DEADLINE;
use test_support::instance::url_in;
use test_support::messages_api::MessagesApi;
use test_support::piped;
use test_support::program::Program;
use test_support::real_claude::Sandbox;
use test_support::subscriber::Subscriber;

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
const OPTIONS: [&str; 5] = ["-q", "--websocket-port", "auto", "--launch-method", "subprocess"];

/// The hooks of one run, each with how often it was told.
fn hooks(is_installed: bool, way: &str) -> BTreeMap<String, usize> {
    let api = MessagesApi::start_held();
    let sandbox = Sandbox::new(&api);
    let runtime = tempfile::tempdir().unwrap();
    if is_installed {
        let mut command: Command = sandbox.command(WRAPPER);
        // All hooks of claude's version are put there, if it is found.
        let path =
            std::env::join_paths([sandbox.claude().parent().unwrap(), "/usr/bin".as_ref(), "/bin".as_ref()]);
        command.args(["hook", "install"]).env("XDG_RUNTIME_DIR", runtime.path()).env("PATH", path.unwrap());
        let output = piped::run(command, b"", DEADLINE);
        assert!(output.status.success(), "{output:?}");
    }
    let options = [&OPTIONS[..], &["--hooks", way]].concat();
    let mut command = sandbox.wrapped(WRAPPER, &options, &["-p", "DEMO:full"]);
    command.env("XDG_RUNTIME_DIR", runtime.path());
    let program = Program::start(command, b"");
    let client = Subscriber::connect(&url_in(runtime.path()));
    api.release();
    let (status, _, err) = program.finish();
    assert!(status.success(), "{status}: {err:?}");
    let mut hooks = BTreeMap::new();
    for event in &client.wait_close().events {
        let name = event["type"].as_str().unwrap();
        if name.starts_with("hook.") {
            *hooks.entry(name.to_owned()).or_default() += 1;
            *hooks.entry(format!("{name} {}", event["data"])).or_default() += 1;
        }
    }
    hooks
}

/// How often each kind came; no single one came twice.
#[track_caller]
fn kinds(hooks: &BTreeMap<String, usize>) -> BTreeMap<&str, usize> {
    let twice: Vec<_> = hooks.iter().filter(|(name, count)| name.contains('{') && **count > 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
    let kinds = hooks.iter().filter(|(name, _)| !name.contains('{'));
    kinds.map(|(name, count)| (name.as_str(), *count)).collect()
}

#[test]
fn what_an_installed_hook_and_one_of_the_run_tell_is_one_event() {
    let alone = hooks(false, "http");
    // With `off` claude gets none of the run's, and the installed ones are taken all the same.
    for way in ["http", "command", "off"] {
        let both = hooks(true, way);
        assert_eq!(kinds(&both), kinds(&alone), "{way}");
    }
}
