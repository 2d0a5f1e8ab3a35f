//! A control action on its way: what becomes of it is told to whoever asked, step by step.

use super::Command;
use std::fmt;

/// How far a control action has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It waits until claude can take it.
    Queued,
    /// It was typed; whether claude takes it is not known yet, or will not be.
    Typed {
        /// Nothing more will be told.
        is_last: bool,
    },
    /// Claude has taken the prompt: its hook said so with the same text.
    Accepted,
    /// It is done.
    Done,
    /// It was not done, and will not be.
    Rejected {
        /// Why, one sentence without a final stop.
        reason: String,
    },
    /// There is nothing it could be done with, here or by now.
    Nothing {
        /// Why, one sentence without a final stop.
        reason: String,
    },
}

impl Fate {
    /// Nothing follows it.
    pub fn is_last(&self) -> bool {
        !matches!(self, Self::Queued | Self::Typed { is_last: false })
    }

    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Typed { .. } => "typed",
            Self::Accepted => "accepted",
            Self::Done => "done",
            Self::Rejected { .. } | Self::Nothing { .. } => "rejected",
        }
    }

    /// The same with its reason told otherwise.
    #[must_use]
    pub fn in_words(self, words: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Rejected { reason } => Self::Rejected { reason: words(&reason) },
            Self::Nothing { reason } => Self::Nothing { reason: words(&reason) },
            fate => fate,
        }
    }

    /// Why not, where it was not done.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Rejected { reason } | Self::Nothing { reason } => Some(reason),
            Self::Queued | Self::Typed { .. } | Self::Accepted | Self::Done => None,
        }
    }
}

/// A control action that was allowed. Dropped before its last [`Fate`] was told, it tells that it was rejected.
pub struct Order {
    /// What is to be done.
    pub command: Command,
    told: Box<dyn FnMut(Fate) + Send>,
    is_open: bool,
}

impl Order {
    /// `told` hears of each step; it must not wait.
    pub fn new(command: Command, told: impl FnMut(Fate) + Send + 'static) -> Self {
        Self { command, told: Box::new(told), is_open: true }
    }

    /// One step further.
    pub fn tell(&mut self, fate: Fate) {
        if self.is_open {
            self.is_open = !fate.is_last();
            (self.told)(fate);
        }
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        self.tell(Fate::Nothing { reason: "the session is over".into() });
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Order").field("command", &self.command).finish_non_exhaustive()
    }
}

/// What can be done with claude the way it was started. `Err` says why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Keys and prompts can be typed.
    pub typing: Result<(), &'static str>,
    /// It can be interrupted.
    pub interrupt: Result<(), &'static str>,
    /// It can be ended.
    pub stop: Result<(), &'static str>,
    /// It can be started again.
    pub restart: Result<(), &'static str>,
    /// Its questions can be answered.
    pub respond: Result<(), &'static str>,
}

impl Abilities {
    /// Whether the command can be done at all.
    ///
    /// # Errors
    /// Why not, one sentence without a final stop.
    pub fn allow(&self, command: &Command) -> Result<(), &'static str> {
        match command {
            Command::SendInput(_) | Command::SendKeys(_) => self.typing,
            Command::Interrupt => self.interrupt,
            Command::Stop { .. } => self.stop,
            Command::Restart { .. } => self.restart,
            Command::Respond { .. } => self.respond,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn the_last_fate_is_told_once_and_always() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&told);
        let mut order = Order::new(Command::Interrupt, move |fate| hears.lock().unwrap().push(fate));
        order.tell(Fate::Queued);
        drop(order);
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 2);
        assert!(told[1].is_last() && told[1].reason().is_some());
    }
}
