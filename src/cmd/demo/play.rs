//! The story of the demo: what is asked, what is done, what is answered. It says that it is not claude.
//!
//! It has one of everything a newcomer should see: a list that fills, an agent that is waited for, one in the
//! background, a ticket, a permission that waits and is given. It reads nothing and knows nothing of being supervised.

use super::actor::{Actor, Command};
use super::agents::Errand;
use super::hooks::Hooks;
use super::stage::Stage;
use std::io::{self, Write};

const ENGINEER: Errand = Errand {
    agent: "engineer",
    task: "Write the login page",
    command: Command { command: "npm run build", description: "Build the page", output: "built in 1.2 s" },
    answer: "The login page is written.",
};

const TESTER: Errand = Errand {
    agent: "qa",
    task: "Test the login page",
    command: Command { command: "npm test", description: "Run the tests", output: "42 passed, 0 failed" },
    answer: "All 42 tests pass.",
};

const TICKET: Command = Command {
    command: "tracker new 'Remember me'",
    description: "File a ticket",
    output: "Created ticket DEMO-7: Remember me on the login page",
};

const PUBLISH: Command =
    Command { command: "npm publish", description: "Publish the page", output: "published login-page 1.0.0" };

/// Plays the story once, and tells `hooks` of it in step.
///
/// # Errors
/// When the output is gone.
pub(super) fn play<W: Write>(stage: Stage<W>, hooks: Hooks) -> io::Result<()> {
    let mut claude = Actor::new(stage, hooks);
    claude.begin("claude-mpm demo \u{b7} a scripted program, not claude")?;
    introduce(&mut claude)?;
    build(&mut claude)?;
    publish(&mut claude)?;
    explain(&mut claude)?;
    claude.end("The demo is over.")
}

fn introduce<W: Write>(claude: &mut Actor<W>) -> io::Result<()> {
    claude.ask("What are you?")?;
    claude.say(&[
        "I am a script inside claude-mpm. No account is used and no model is asked.",
        "Every line here is an event by the time you read it.",
    ])?;
    claude.rest()
}

fn build<W: Write>(claude: &mut Actor<W>) -> io::Result<()> {
    claude.ask("Build a login page, test it, and file what is left.")?;
    claude.say(&["First a plan, then an agent for each part."])?;
    claude.plan(&["Write the login page", "Test it", "File what is left"])?;
    claude.mark(1, "in_progress")?;
    claude.delegate(ENGINEER)?;
    claude.mark(1, "completed")?;
    claude.mark(2, "in_progress")?;
    let tester = claude.launch(TESTER)?;
    claude.mark(3, "in_progress")?;
    claude.run(TICKET)?;
    claude.mark(3, "completed")?;
    claude.say(&["The tests run in the background; DEMO-7 is filed."])?;
    claude.rest()?;
    claude.comes_back(&tester)?;
    claude.mark(2, "completed")?;
    claude.say(&["The page is there and it works."])?;
    claude.rest()
}

fn publish<W: Write>(claude: &mut Actor<W>) -> io::Result<()> {
    claude.ask("Publish it.")?;
    claude.run_if_allowed(PUBLISH)?;
    claude.say(&["Published."])?;
    claude.rest()
}

fn explain<W: Write>(claude: &mut Actor<W>) -> io::Result<()> {
    claude.ask("How do I follow this from elsewhere?")?;
    claude.say(&[
        "In another terminal:          claude-mpm watch",
        "In any WebSocket client:      send {\"command\":\"subscribe\",\"channels\":[\"*\"]}",
        "With the real claude:         claude-mpm --websocket --launch-method subprocess",
    ])?;
    claude.rest()
}

#[cfg(test)]
mod tests {
    use super::super::stage::IDLE_TITLE;
    use super::*;

    fn played(on_terminal: bool) -> String {
        let mut out = Vec::new();
        play(Stage { out: &mut out, on_terminal, speed: 1e6 }, Hooks::default()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn without_a_terminal_it_prints_plain_lines_and_says_what_it_is() {
        let text = played(false);
        assert!(!text.contains('\x1b'));
        assert!(text.starts_with("claude-mpm demo \u{b7} a scripted program, not claude\n"));
        assert!(text.contains("\u{25cf} qa finished: All 42 tests pass.\n"));
    }

    #[test]
    fn on_a_terminal_it_shows_when_it_works() {
        let text = played(true);
        assert!(text.contains("\x1b]0;\u{2802} Demo\x07") && text.contains(IDLE_TITLE));
    }
}
