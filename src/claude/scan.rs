//! Claude's options as commander.js reads them: each with its value, until a command or `--` takes the rest.
//!
//! It finds; what that means is for `arguments` to judge, where the tests are too.

use super::options::{Arity, arity, of_letter};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Words that are a command where they stand first among the words, in 2.1.197. Older versions have `config` and
/// `migrate-installer` too, which this one takes for a prompt; there settings would stand before a command, unused (not
/// measured).
const COMMANDS: [&str; 17] = [
    "agents",
    "auth",
    "auto-mode",
    "doctor",
    "gateway",
    "import-conversations",
    "install",
    "mcp",
    "plugin",
    "plugins",
    "project",
    "rc",
    "remote-control",
    "setup-token",
    "ultrareview",
    "update",
    "upgrade",
];

/// Where the value of an option stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// It is the argument with this index.
    Whole(usize),
    /// It is the rest of that argument, from this byte on.
    Rest(usize, usize),
}

impl Value {
    pub(super) fn of(self, arguments: &[OsString]) -> &OsStr {
        match self {
            Self::Whole(at) => &arguments[at],
            Self::Rest(at, from) => OsStr::from_bytes(&arguments[at].as_bytes()[from..]),
        }
    }
}

/// One pass over the arguments.
#[derive(Debug, Default)]
pub(super) struct Scan<'a> {
    options: Vec<(&'a [u8], Option<Value>)>,
    /// The first word is a command, and what stands behind it is the command's.
    pub(super) is_command: bool,
    /// An option lacks its value: claude refuses that.
    pub(super) incomplete: bool,
    /// Where words stand that belong to no option, and the `--` in front of them.
    pub(super) words: Vec<usize>,
}

impl<'a> Scan<'a> {
    /// Reads all; `commands` is whether a word can be a command.
    pub(super) fn of(arguments: &'a [OsString], commands: bool) -> Self {
        let mut scan = Self::default();
        let mut at = 0;
        while let Some(argument) = arguments.get(at) {
            let argument = argument.as_bytes();
            let word = match argument {
                b"--" => arguments.get(at + 1).map(|next| next.as_bytes()),
                _ if is_option(argument) => None,
                _ => Some(argument),
            };
            if let Some(word) = word {
                scan.is_command |= scan.words.is_empty() && commands && is_command(word);
                scan.words.push(at);
            }
            if argument == b"--" || scan.is_command {
                scan.words.extend(at + 1..arguments.len());
                break;
            }
            at = if is_option(argument) { scan.option(arguments, at) } else { at + 1 };
        }
        scan
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(known, _)| *known == name.as_bytes())
    }

    /// The last value given.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        self.options.iter().rev().find(|(known, _)| *known == name.as_bytes()).and_then(|(_, value)| *value)
    }

    /// Reads the option at `at`, and says where the next argument stands.
    fn option(&mut self, arguments: &'a [OsString], at: usize) -> usize {
        let argument = arguments[at].as_bytes();
        if argument[1] != b'-' {
            return self.letters(arguments, at);
        }
        match argument.iter().position(|byte| *byte == b'=') {
            Some(sign) if arity(&argument[..sign]) != Arity::Zero => {
                self.options.push((&argument[..sign], Some(Value::Rest(at, sign + 1))));
                at + 1
            }
            _ => self.values(arguments, at, argument),
        }
    }

    /// Reads one or more options of one letter, the last of which may have a value: `-p`, `-cr ID`, `-rID`.
    fn letters(&mut self, arguments: &'a [OsString], at: usize) -> usize {
        let letters = arguments[at].as_bytes();
        for place in 1..letters.len() {
            let Some(name) = of_letter(&[b'-', letters[place]]) else { break };
            let rest = place + 1;
            if rest == letters.len() {
                return self.values(arguments, at, name);
            }
            if arity(name) != Arity::Zero {
                self.options.push((name, Some(Value::Rest(at, rest))));
                return at + 1;
            }
            self.options.push((name, None));
        }
        at + 1
    }

    /// Notes an option with the values behind it.
    fn values(&mut self, arguments: &[OsString], at: usize, name: &'a [u8]) -> usize {
        let arity = arity(name);
        let plain =
            |at: usize| arguments.get(at).is_some_and(|next| !is_option(next.as_bytes()) && next != "--");
        let next = at + 1;
        let taken = match arity {
            Arity::Zero => 0,
            Arity::Maybe => usize::from(plain(next)),
            Arity::One | Arity::Many => usize::from(next < arguments.len()),
        };
        self.incomplete |= taken == 0 && matches!(arity, Arity::One | Arity::Many);
        self.options.push((name, (taken == 1).then_some(Value::Whole(next))));
        let more =
            if arity == Arity::Many { (next + taken..).take_while(|at| plain(*at)).count() } else { 0 };
        next + taken + more
    }
}

/// As commander has it: a dash alone is a word.
fn is_option(argument: &[u8]) -> bool {
    argument.len() > 1 && argument[0] == b'-' && argument != b"--"
}

fn is_command(word: &[u8]) -> bool {
    COMMANDS.iter().any(|command| command.as_bytes() == word)
}
