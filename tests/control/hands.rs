//! Somebody who asks for something, over the hub, with the token of its run.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use test_support::conversation::Conversation;
use test_support::instance::url_in;
use test_support::standalone::named;

/// Where it is asked.
pub(super) struct Hands(PathBuf);

/// Something that was asked.
pub(super) struct Asked(Conversation);

/// One step of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) outcome: String,
    pub(super) reason: String,
    pub(super) is_last: bool,
}

impl Hands {
    /// At the one instance with this runtime directory.
    pub(super) fn at(runtime: &Path) -> Self {
        Self(runtime.to_owned())
    }

    #[track_caller]
    pub(super) fn ask(&self, mut order: Value) -> Asked {
        let url = url_in(&self.0);
        let token = named(&self.0.join("claude-mpm"), ".token").pop().expect("the token of the run");
        let token = std::fs::read_to_string(token).expect("a token");
        let mut conversation = Conversation::open(&format!("{url}/"));
        let auth = json!({ "command": "auth", "token": token.trim() });
        assert_eq!(conversation.ask(&auth.to_string())["data"]["role"], "control");
        order["request_id"] = json!("it");
        conversation.say(&order.to_string());
        Asked(conversation)
    }

    /// A prompt that is typed at once or not at all.
    #[track_caller]
    pub(super) fn type_now(&self, text: &str) -> Asked {
        self.ask(json!({ "command": "send_input", "text": text }))
    }

    /// A prompt that may wait.
    #[track_caller]
    pub(super) fn type_soon(&self, text: &str) -> Asked {
        self.ask(json!({ "command": "send_input", "text": text, "queue": true }))
    }
}

impl Asked {
    #[track_caller]
    pub(super) fn step(&mut self) -> Step {
        let told = self.0.hear_of(|frame| frame["request_id"] == "it" && frame["type"] != "accepted");
        let data = &told["data"];
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        match told["type"].as_str() {
            Some("outcome") => Step {
                outcome: text("fate"),
                reason: text("reason"),
                is_last: data["last"].as_bool().expect("a flag"),
            },
            _ => {
                let message = text("error_message");
                let reason =
                    message.split_once(": ").map_or(message.as_str(), |(_, reason)| reason).to_owned();
                Step { outcome: "rejected".into(), reason, is_last: true }
            }
        }
    }

    /// The outcomes up to the last, which is given whole.
    #[track_caller]
    pub(super) fn end(mut self) -> (Vec<String>, Step) {
        let mut outcomes = Vec::new();
        loop {
            let step = self.step();
            outcomes.push(step.outcome.clone());
            if step.is_last {
                return (outcomes, step);
            }
        }
    }
}
