//! The real claude under the wrapper, and somebody at a second terminal.

use serde_json::Value;
use std::path::PathBuf;
use std::process::Output;
use test_support::DEADLINE;
use test_support::instance::url_in;
use test_support::messages_api::MessagesApi;
use test_support::piped;
use test_support::real_claude::Sandbox;
use test_support::subscriber::{Received, Subscriber};
use test_support::terminal::Terminal;

pub(super) const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");

pub(super) struct Place {
    // The terminal first: its program ends before its home does.
    pub(super) terminal: Option<Terminal>,
    pub(super) client: Option<Subscriber>,
    pub(super) sandbox: Sandbox,
    pub(super) runtime: tempfile::TempDir,
    pub(super) _api: MessagesApi,
}

impl Place {
    pub(super) fn new() -> Self {
        let api = MessagesApi::start();
        let sandbox = Sandbox::new(&api);
        let runtime = tempfile::tempdir().expect("a folder");
        Self { terminal: None, client: None, sandbox, runtime, _api: api }
    }

    /// Claude on a terminal.
    pub(super) fn on_terminal(method: &str, arguments: &[&str]) -> Self {
        let mut place = Self::new();
        let options = ["-q", "--websocket-port", "auto", "--launch-method", method];
        let mut command = place.sandbox.wrapped(WRAPPER, &options, arguments);
        command.env("XDG_RUNTIME_DIR", place.runtime.path());
        place.terminal = Some(Terminal::start(command, 100, 40));
        place.client = Some(Subscriber::connect(&url_in(place.runtime.path())));
        place
    }

    pub(super) fn terminal(&self) -> &Terminal {
        self.terminal.as_ref().expect("a terminal")
    }

    #[track_caller]
    pub(super) fn wait_for(&self, seen: impl Fn(&Received) -> bool) -> Received {
        self.client.as_ref().expect("a client").wait_for(seen)
    }

    /// The newest question, once there are so many.
    #[track_caller]
    pub(super) fn question(&self, number: usize) -> Value {
        let received = self.wait_for(|received| received.of("permission.requested").len() >= number);
        received.of("permission.requested")[number - 1].clone()
    }

    /// How so many questions ended: `allow remote`.
    #[track_caller]
    pub(super) fn ends(&self, count: usize) -> Vec<String> {
        let received = self.wait_for(|received| received.of("permission.resolved").len() >= count);
        let end = |data: &&Value| {
            let word = |name: &str| data[name].as_str().expect("a word").to_owned();
            format!("{} {}", word("decision"), word("by"))
        };
        received.of("permission.resolved").iter().map(end).collect()
    }

    #[track_caller]
    pub(super) fn wait_activity(&self, wanted: &str) {
        self.wait_for(|received| {
            received.of("claude.activity").last().is_some_and(|data| data["activity"] == wanted)
        });
    }

    /// `claude-mpm ARGS` at another terminal.
    pub(super) fn verb(&self, args: &[&str]) -> Output {
        let mut command = self.sandbox.command(WRAPPER);
        command.env("XDG_RUNTIME_DIR", self.runtime.path()).args(args);
        piped::run(command, b"", DEADLINE)
    }

    /// Gives claude a prompt as soon as it takes one.
    #[track_caller]
    pub(super) fn send(&self, prompt: &str) {
        self.done(&["send", "--queue", "--timeout", "10s", prompt]);
    }

    #[track_caller]
    pub(super) fn done(&self, args: &[&str]) {
        let output = self.verb(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let screen = self.terminal.as_ref().map(Terminal::screen).unwrap_or_default();
        assert!(output.status.success(), "{args:?}: {said}\n{screen}");
    }

    /// The one that is touched by the scenario.
    pub(super) fn touched(&self) -> PathBuf {
        self.sandbox.project().join("touched")
    }

    /// The control actions of the audit log, as `action outcome`, with what was written of each.
    pub(super) fn audit(&self) -> Vec<(String, Value)> {
        let file = self.sandbox.home().join(".local/state/claude-mpm/audit.log");
        let text = std::fs::read_to_string(file).expect("an audit log");
        let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
        let of_control = entries.filter(|entry| entry["event"] == "control");
        let word = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        of_control
            .map(|entry| (format!("{} {}", word(&entry, "action"), word(&entry, "outcome")), entry))
            .collect()
    }
}
