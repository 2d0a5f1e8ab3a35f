//! A place for one test: a scripted model, claude's home, claude in a terminal under claude-mpm, somebody who follows, and
//! somebody who asks.

use crate::hands::Hands;
use serde_json::{Value, json};
use std::process::Command;
use test_support::DEADLINE;
use test_support::instance::url_in;
use test_support::messages_api::MessagesApi;
use test_support::real_claude::Sandbox;
use test_support::subscriber::{Received, Subscriber};
use test_support::terminal::Terminal;

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");

pub(super) struct Place {
    // The terminal first: its program ends before its home does.
    pub(super) terminal: Terminal,
    pub(super) client: Subscriber,
    pub(super) hands: Hands,
    _api: MessagesApi,
    _sandbox: Sandbox,
    _runtime: tempfile::TempDir,
}

impl Place {
    /// The real claude, whose model answers.
    #[track_caller]
    pub(super) fn with_claude(arguments: &[&str]) -> Self {
        let api = MessagesApi::start();
        let sandbox = Sandbox::new(&api);
        sandbox.set_settings(&json!({ "permissions": { "allow": ["Bash(echo:*)", "Bash(sleep:*)"] } }));
        Self::set(api, sandbox, None, arguments)
    }

    /// The real claude, with these settings.
    #[track_caller]
    pub(super) fn with_settings(settings: Value) -> Self {
        let api = MessagesApi::start();
        let sandbox = Sandbox::new(&api);
        sandbox.set_settings(&settings);
        Self::set(api, sandbox, None, &[])
    }

    /// Any program.
    #[track_caller]
    pub(super) fn with_program(program: &str, arguments: &[&str]) -> Self {
        let api = MessagesApi::start();
        let sandbox = Sandbox::new(&api);
        Self::set(api, sandbox, Some(program), arguments)
    }

    #[track_caller]
    fn set(api: MessagesApi, sandbox: Sandbox, program: Option<&str>, arguments: &[&str]) -> Self {
        let runtime = tempfile::tempdir().expect("a folder");
        let options = ["-q", "--websocket-port", "auto", "--launch-method", "subprocess"];
        let mut command: Command = match program {
            None => sandbox.wrapped(WRAPPER, &options, arguments),
            Some(program) => {
                let mut command = sandbox.command(WRAPPER);
                command.args(options).args(["--claude", program, "--"]).args(arguments);
                command
            }
        };
        command.env("XDG_RUNTIME_DIR", runtime.path());
        let terminal = Terminal::start(command, 100, 40);
        let client = Subscriber::connect(&url_in(runtime.path()));
        let hands = Hands::at(runtime.path());
        Self { terminal, client, hands, _api: api, _sandbox: sandbox, _runtime: runtime }
    }

    /// Waits until claude waits for its first prompt, and takes what is typed.
    #[track_caller]
    pub(super) fn wait_ready(&self) {
        let first = self.hands.type_soon("Are you there?").end();
        assert_eq!(first.1.outcome, "accepted", "{first:?}\n{}", self.terminal.screen());
        self.wait_idle(1);
    }

    /// Waits until so many turns are over, and claude is idle.
    #[track_caller]
    pub(super) fn wait_idle(&self, turns: usize) {
        self.client.wait_for(|received| {
            received.of("hook.stop").len() >= turns && activity(received) == Some("idle")
        });
    }

    #[track_caller]
    pub(super) fn wait_activity(&self, wanted: &str) {
        self.client.wait_for(|received| activity(received) == Some(wanted));
    }

    /// Types what a user would.
    pub(super) fn user_types(&self, text: &str) {
        self.terminal.type_text(text);
    }

    /// Types a line as a user would, who presses Enter when he sees it: one that comes in one piece with Enter may be
    /// submitted and stand there still.
    #[track_caller]
    pub(super) fn user_submits(&self, line: &str) {
        self.terminal.type_text(line);
        self.terminal.wait_for(|screen| screen.contains(line), DEADLINE);
        self.terminal.type_text("\r");
    }

    /// Waits until these are the prompts that claude has taken, behind the first one.
    #[track_caller]
    pub(super) fn wait_prompts(&self, expected: &[&str]) {
        self.client.wait_for(|received| {
            let prompts = received.of("hook.user_prompt");
            let prompts: Vec<_> = prompts.iter().filter_map(|data| data["prompt"].as_str()).collect();
            prompts.get(1..) == Some(expected)
        });
    }

    /// Waits until claude has taken this prompt, last.
    #[track_caller]
    pub(super) fn wait_prompt(&self, expected: &str) {
        self.client.wait_for(|received| {
            let last = received.of("hook.user_prompt").last().and_then(|data| data["prompt"].as_str());
            // Of a long paste, which it shows as one piece, claude leaves the end as it is.
            last.map(str::trim_end) == Some(expected)
        });
    }

    #[track_caller]
    pub(super) fn leave(&self) {
        let stopped = self.hands.ask(json!({ "command": "stop", "grace_seconds": 10 })).end();
        assert_eq!(stopped.1.outcome, "done", "{stopped:?}");
        self.terminal.wait_exit(DEADLINE);
    }
}

/// What claude does by the newest event of it.
fn activity(received: &Received) -> Option<&str> {
    received.of("claude.activity").last().and_then(|data| data["activity"].as_str())
}

/// The messages of claude's process.
pub(super) fn messages(received: &Received) -> Vec<String> {
    let text = |data: &&Value| data["message"].as_str().expect("text").to_owned();
    received.of("claude.status").iter().map(text).collect()
}
