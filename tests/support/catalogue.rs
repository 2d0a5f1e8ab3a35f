//! The catalogue of scenarios that are played with the real claude: how claude is started, what its user does, and
//! the truth about what happens. All of it is data: [`crate::performance`] plays it, bare or under a wrapper, and the
//! recorder keeps what every source tells of it. What the model says stands in [`crate::scenarios`].

use crate::truth::Truth;
use serde_json::{Value, json};
use std::time::Duration;

mod delegation;
mod endings;
mod lists;
mod plain;
mod terminal;

/// Something that claude is put through.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// A word for it, unique; its recordings bear it.
    pub name: &'static str,
    /// What the user of the sandbox has allowed and forbidden: claude's permission rules.
    pub rules: Rules,
    /// Set in addition to the sandbox's environment.
    pub env: &'static [(&'static str, &'static str)],
    /// Started one after the other, in the same sandbox.
    pub runs: Vec<Run>,
}

/// Permission rules in claude's words, such as `Bash(echo:*)`.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// What needs no asking.
    pub allow: &'static [&'static str],
    /// What is refused without asking.
    pub deny: &'static [&'static str],
    /// What is asked about, though it usually is not.
    pub ask: &'static [&'static str],
}

/// One start of claude.
#[derive(Debug, Clone)]
pub struct Run {
    /// Where it is started.
    pub on: Interface,
    /// Its arguments, without those that the interface needs and that a recorder adds.
    pub args: &'static [&'static str],
    /// What its user does.
    pub steps: Vec<Step>,
    /// How it ends.
    pub ends: Ends,
    /// What really happens.
    pub truth: Truth,
}

/// How claude is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// `-p --output-format stream-json --verbose`, on pipes.
    Print,
    /// On a terminal of [`COLUMNS`] and [`ROWS`].
    Terminal,
}

/// The width of the terminal.
pub const COLUMNS: u16 = 110;
/// The height of the terminal.
pub const ROWS: u16 = 35;

/// What the user does, or waits for. A wait has a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Types this; Enter is `\r`.
    Types(&'static str),
    /// Does nothing for a while, as users do. It waits for nothing in particular.
    Hesitates(Duration),
    /// Waits until the screen shows this.
    Sees(&'static str),
    /// Waits until the screen no longer shows this.
    Misses(&'static str),
    /// Waits until claude's record of itself has this status: `idle`, `busy` or `waiting`.
    Is(&'static str),
    /// Waits until claude has written a line that contains this into a log of a conversation.
    Logs(&'static str),
    /// Waits until a command of claude's runs whose words, with spaces between them, are these.
    Runs(&'static str),
    /// Makes the terminal so many columns wide and rows high.
    Resizes(u16, u16),
    /// Sends claude itself this signal.
    Signals(i32),
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// With this exit code.
    Code(i32),
    /// With one of these exit codes: claude itself does not always end in the same way.
    OneOf(i32, i32),
    /// By this signal.
    Signal(i32),
}

impl Ends {
    /// Whether `ended`, a code or a signal, is this.
    pub fn admits(self, ended: Self) -> bool {
        match self {
            Self::OneOf(one, other) => [Self::Code(one), Self::Code(other)].contains(&ended),
            exact => exact == ended,
        }
    }
}

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    [
        plain::scenarios(),
        delegation::scenarios(),
        lists::scenarios(),
        endings::scenarios(),
        terminal::scenarios(),
    ]
    .concat()
}

/// The scenario of that name.
pub fn named(name: &str) -> Option<Scenario> {
    all().into_iter().find(|scenario| scenario.name == name)
}

impl Scenario {
    /// Played in one go with `claude -p ARGS`.
    fn printed(name: &'static str, args: &'static [&'static str], truth: Truth) -> Self {
        Self::of(name, vec![Run::printed(args, truth)])
    }

    /// Played on a terminal; the steps come after claude's first screen and before `/exit`.
    fn on_terminal(name: &'static str, steps: &[Step], truth: Truth) -> Self {
        Self::of(name, vec![Run::on_terminal(steps, truth)])
    }

    fn of(name: &'static str, runs: Vec<Run>) -> Self {
        Self { name, rules: Rules::default(), env: &[], runs }
    }

    fn with_env(self, env: &'static [(&'static str, &'static str)]) -> Self {
        Self { env, ..self }
    }

    fn denying(mut self, deny: &'static [&'static str]) -> Self {
        self.rules.deny = deny;
        self
    }

    fn asking(mut self, ask: &'static [&'static str]) -> Self {
        self.rules.ask = ask;
        self
    }

    fn ending(mut self, ends: Ends) -> Self {
        self.runs.iter_mut().for_each(|run| run.ends = ends);
        self
    }

    /// Whether a run of it is started there.
    pub fn has(&self, interface: Interface) -> bool {
        self.runs.iter().any(|run| run.on == interface)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { allow: &["Bash(echo:*)", "Bash(sleep:*)", "Bash(seq:*)"], deny: &[], ask: &[] }
    }
}

impl Rules {
    /// As claude's settings say it.
    pub fn settings(&self) -> Value {
        json!({ "permissions": { "allow": self.allow, "deny": self.deny, "ask": self.ask } })
    }
}

impl Run {
    fn printed(args: &'static [&'static str], truth: Truth) -> Self {
        Self { on: Interface::Print, args, steps: Vec::new(), ends: Ends::Code(0), truth }
    }

    fn on_terminal(steps: &[Step], truth: Truth) -> Self {
        let first = [Step::Sees("❯"), Step::Is("idle")];
        let steps = [&first, steps, &[Step::Types("/exit\r")]].concat();
        Self { on: Interface::Terminal, args: &[], steps, ends: Ends::Code(0), truth }
    }

    /// The whole of its arguments, with `extra` ones in front of its own.
    pub fn arguments<'a>(&self, extra: &[&'a str]) -> Vec<&'a str> {
        let interface: &[&str] = match self.on {
            Interface::Print => &["-p", "--output-format", "stream-json", "--verbose"],
            Interface::Terminal => &[],
        };
        [interface, extra, self.args].concat()
    }
}
