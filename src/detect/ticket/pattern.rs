//! The user's own patterns for lines that tell of a new ticket.

use super::{Change, TicketFact, field};
use regex::{Regex, RegexBuilder};

/// Bytes that a compiled pattern may take.
const SIZE: usize = 1 << 20;

/// A pattern as the user writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketPattern {
    /// A regular expression (syntax of the `regex` crate) that is held against every line; its groups `id`, `title`,
    /// `priority`, `assigned_to` and `url` are what they are named after, and `id` has to be among them.
    pub pattern: String,
    /// The `system` of what it finds.
    pub system: String,
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// It is no regular expression, or one too large.
    #[error("cannot read ticket pattern: {0}")]
    Syntax(String),
    /// Nothing in it says which ticket.
    #[error("cannot use ticket pattern {0:?}: it has no group named id, as in (?<id>ABC-\\d+)")]
    NoId(String),
}

/// A pattern that can be used.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    regex: Regex,
    system: String,
}

impl Compiled {
    pub(super) fn new(pattern: &TicketPattern) -> Result<Self, BadPattern> {
        let regex = RegexBuilder::new(&pattern.pattern)
            .size_limit(SIZE)
            .dfa_size_limit(SIZE)
            .build()
            .map_err(|cause| BadPattern::Syntax(cause.to_string()))?;
        if !regex.capture_names().flatten().any(|name| name == "id") {
            return Err(BadPattern::NoId(pattern.pattern.clone()));
        }
        Ok(Self { regex, system: pattern.system.clone() })
    }

    pub(super) fn find(&self, lines: &[String]) -> Vec<TicketFact> {
        lines.iter().filter_map(|line| self.fact(line)).collect()
    }

    fn fact(&self, line: &str) -> Option<TicketFact> {
        let found = self.regex.captures(line)?;
        let group = |name| found.name(name).and_then(|group| field(group.as_str()));
        let mut fact = TicketFact::new(Change::Created, group("id")?, &self.system);
        fact.ticket.title = group("title");
        fact.ticket.priority = group("priority");
        fact.ticket.assigned_to = group("assigned_to");
        fact.ticket.url = group("url");
        Some(fact)
    }
}
