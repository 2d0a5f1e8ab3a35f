//! Tickets that a tool call created or changed, from what the tool answered.
//!
//! A command line only says which tool ran and what it was asked; that a ticket is there says the tool's own output
//! alone. Prose, lists, and files that are shown do not count. Every scan takes linear time, and of a text over
//! 1 MiB only the first and the last half are looked at.
//!
//! | what ran | what counts | where |
//! | --- | --- | --- |
//! | `gh`, `glab`, `jira`, `linear`, `aitrackdown` | the address or the id their commands print | `tools`, `panel` |
//! | anything that does not merely show files | a line `Created ticket: ABC-1: title` | `text` |
//! | anything | a line that the user's own pattern matches | `pattern` |
//! | an MCP server's tool | the issue in its answer | `mcp` |

mod mcp;
mod panel;
mod pattern;
mod shell;
mod text;
mod tools;

pub use pattern::{BadPattern, TicketPattern};

use crate::event::work::Ticket;
use pattern::Compiled;
use serde_json::Value;

/// Bytes of a text that are looked at, at each of its ends.
const END: usize = 512 << 10;
/// Characters of a title, a name or an address; the rest is cut.
const FIELD: usize = 1000;

/// What happened to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Created,
    /// These fields are others now: `title`, `state`, `priority`, `assigned_to`, or as the tool calls them.
    Updated {
        /// Each once; empty where the tool did not say.
        changed: Vec<String>,
    },
}

/// One ticket that a tool call touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketFact {
    /// What happened.
    pub change: Change,
    /// The ticket, as far as the call shows it.
    pub ticket: Ticket,
}

impl TicketFact {
    fn new(change: Change, id: impl Into<String>, system: impl Into<String>) -> Self {
        let ticket = Ticket {
            id: id.into(),
            title: None,
            priority: None,
            assigned_to: None,
            url: None,
            system: system.into(),
        };
        Self { change, ticket }
    }
}

/// Finds tickets, with the user's patterns beside the known tools.
#[derive(Debug, Clone, Default)]
pub struct Tickets {
    patterns: Vec<Compiled>,
}

impl Tickets {
    /// With these patterns beside what is known. Fails at the first that cannot be used.
    pub fn new(patterns: &[TicketPattern]) -> Result<Self, BadPattern> {
        Ok(Self { patterns: patterns.iter().map(Compiled::new).collect::<Result<_, _>>()? })
    }

    /// The tickets a shell command touched, each once. `stdout` is what it wrote; `gh issue close` tells on stderr,
    /// so the caller may put that behind it.
    pub fn of_bash(&self, command: &str, stdout: &str) -> Vec<TicketFact> {
        let lines = plain_lines(stdout);
        let invocations = shell::invocations(ends(command).0);
        let mut facts: Vec<_> = self.patterns.iter().flat_map(|pattern| pattern.find(&lines)).collect();
        facts.extend(tools::find(&invocations, &lines));
        facts.extend(panel::find(&invocations, &lines));
        if let Some(system) = text::speaker(&invocations) {
            facts.extend(text::find(&lines, system));
        }
        each_once(facts)
    }

    /// The tickets an MCP server's tool touched, each once: `tool_name`, `tool_input` and `tool_response` as the hook
    /// gives them.
    pub fn of_mcp(&self, tool_name: &str, input: &Value, response: &Value) -> Vec<TicketFact> {
        each_once(mcp::find(tool_name, input, response))
    }
}

fn each_once(facts: Vec<TicketFact>) -> Vec<TicketFact> {
    let mut seen = std::collections::HashSet::new();
    facts.into_iter().filter(|fact| seen.insert(fact.ticket.id.clone())).collect()
}

/// The first and the last half MiB; the second is empty where the first is all.
fn ends(text: &str) -> (&str, &str) {
    if text.len() <= 2 * END {
        return (text, "");
    }
    (&text[..text.floor_char_boundary(END)], &text[text.ceil_char_boundary(text.len() - END)..])
}

/// The lines of a text that are looked at, without colours and the spaces around them.
fn plain_lines(text: &str) -> Vec<String> {
    let (first, last) = ends(text);
    first.lines().chain(last.lines()).map(|line| without_escapes(line).trim().to_owned()).collect()
}

/// Without control sequences (ECMA-48 section 5.4) and other control characters.
fn without_escapes(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        if character == '\u{1b}' {
            let is_csi = rest.next() == Some('[');
            while is_csi && rest.next().is_some_and(|part| !('@'..='~').contains(&part)) {}
        } else if !character.is_control() || character == '\t' {
            plain.push(character);
        }
    }
    plain
}

/// A field's text, cut to a length; none where nothing is in it.
fn field(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(FIELD).collect())
}

#[cfg(test)]
mod tests;
