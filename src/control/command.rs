//! What somebody may ask to be done with claude.

use super::{Key, PermissionId};
use serde_json::{Map, Value};
use std::time::Duration;

/// One control action.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Give claude a prompt.
    SendInput(Typing),
    /// Press keys, in this order.
    SendKeys(Vec<Key>),
    /// End what claude is doing, not claude.
    Interrupt,
    /// End claude: TERM, this grace, KILL. A second one means KILL now.
    Stop {
        /// How long it has.
        grace: Duration,
    },
    /// End claude as by [`Command::Stop`] and start it again in the same conversation.
    Restart {
        /// How long it has.
        grace: Duration,
    },
    /// Answer a question of claude's.
    Respond {
        /// Which.
        permission_id: PermissionId,
        /// What.
        answer: Answer,
    },
}

impl Command {
    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SendInput(_) => "send_input",
            Self::SendKeys(_) => "send_keys",
            Self::Interrupt => "interrupt",
            Self::Stop { .. } => "stop",
            Self::Restart { .. } => "restart",
            Self::Respond { .. } => "respond_permission",
        }
    }
}

/// A prompt, and how it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    /// Lines end with LF; no other control character but TAB.
    pub text: String,
    /// Enter is pressed behind it.
    pub submit: bool,
    /// A leading `!` or `/` keeps its meaning to claude, which runs a shell or a command of its own.
    pub raw: bool,
    /// Where claude is busy or asks something, it waits until that is over instead of being rejected.
    pub queue: bool,
}

impl Typing {
    /// What is typed: a leading `!` would run a shell without any permission, and `/` one of claude's commands. Behind a
    /// space both are text.
    pub fn literal(&self) -> String {
        let means_more = !self.raw && self.text.trim_start().starts_with(['!', '/']);
        if means_more && !self.text.starts_with(' ') { format!(" {}", self.text) } else { self.text.clone() }
    }
}

/// The answer to a question of claude's.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The tool may run.
    Allow {
        /// With this input instead of the model's; the whole of it.
        updated_input: Option<Map<String, Value>>,
        /// To its questions, by their text as it was told or is, or by their number from 1 on (AskUserQuestion).
        answers: Option<Map<String, Value>>,
        /// And will not be asked again.
        remember: Option<Remember>,
        /// Also where its input was not shown as it is: cut, or with something hidden.
        unseen: bool,
    },
    /// The tool may not run.
    Deny {
        /// What the model is told.
        message: Option<String>,
        /// The turn ends too.
        interrupt: bool,
    },
}

/// What is remembered until the end of claude's session.
#[derive(Debug, Clone, PartialEq)]
pub enum Remember {
    /// This command, where the tool is Bash; else this tool with whatever input.
    This,
    /// What claude suggested, or rules in the same form.
    Rules(Vec<Value>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_run_something_is_text_unless_raw_is_asked_for() {
        let typed = |text: &str, raw| Typing { text: text.into(), submit: true, raw, queue: false }.literal();
        for (text, expected) in [
            ("hello", "hello"),
            ("!rm -rf ~", " !rm -rf ~"),
            ("/clear", " /clear"),
            (" !ls", " !ls"),
            ("\n!ls", " \n!ls"),
            ("\t/exit", " \t/exit"),
            ("a ! b", "a ! b"),
        ] {
            assert_eq!(typed(text, false), expected);
            assert_eq!(typed(text, true), text);
        }
    }
}
