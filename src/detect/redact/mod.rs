//! Secrets in text: where they are, and the text without them. What belongs together although it comes in pieces is
//! [`Flow`]'s matter; which texts are looked at is the hub's.
//!
//! A text without any mark of a secret costs one scan for literals. All patterns are matched in linear time.

mod flow;
mod judge;
mod private_key;
mod rules;
#[cfg(test)]
mod tests;

pub use flow::Flow;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use rules::RULES;
use std::ops::Range;
use std::sync::LazyLock;

/// Bytes that a compiled pattern may take; how many there may be is said where they are read.
const SIZE: usize = 1 << 20;
/// What every redaction begins with.
pub const MARK: &str = "[REDACTED:";
/// So much of the end of a cut text is searched for the beginning of a secret, bytes.
const MOST_CUT: usize = 16 << 10;

/// The marks of all rules, and behind them that of private keys.
static MARKS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let marks = RULES.iter().flat_map(|rule| rule.marks).chain([&private_key::MARK]);
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(marks).expect("a few short words")
});

/// By the number of a mark: its rule; that of private keys is `RULES.len()`.
static RULE_OF_MARK: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let of = |(number, rule): (usize, &rules::Rule)| vec![number; rule.marks.len()];
    RULES.iter().enumerate().flat_map(of).chain([RULES.len()]).collect()
});

/// A pattern of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPattern {
    /// What stands in the place of what it finds: `[REDACTED:name]`.
    pub name: String,
    /// A regular expression (syntax of the `regex` crate); where it has a group `secret`, only that is hidden.
    pub pattern: String,
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// It is no regular expression, or one too large.
    #[error("cannot read pattern of {name:?}: {cause}")]
    Syntax {
        /// Its name.
        name: String,
        /// What is wrong.
        cause: String,
    },
}

/// Finds secrets.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// `None`: everything is shown.
    users: Option<Users>,
}

/// The user's own patterns, and all of them in one scan.
#[derive(Debug, Clone)]
struct Users {
    patterns: Vec<(String, Regex)>,
    any: RegexSet,
}

/// A place in a text that holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Secret<'a> {
    place: Range<usize>,
    kind: &'a str,
}

impl Redactor {
    /// One that knows what is known without being told, and these.
    ///
    /// # Errors
    /// Which cannot be used, and why.
    pub fn new(patterns: &[SecretPattern]) -> Result<Self, BadPattern> {
        let compiled = patterns.iter().map(|pattern| Ok((pattern.name.clone(), compile(pattern)?)));
        let compiled: Vec<(String, Regex)> = compiled.collect::<Result<_, BadPattern>>()?;
        let any = RegexSetBuilder::new(patterns.iter().map(|pattern| &pattern.pattern))
            .size_limit(patterns.len().max(1) * SIZE)
            .build()
            .map_err(|cause| BadPattern::Syntax { name: "all together".into(), cause: cause.to_string() })?;
        Ok(Self { users: Some(Users { patterns: compiled, any }) })
    }

    /// One that knows what is known without being told.
    pub fn standard() -> Self {
        Self { users: Some(Users { patterns: Vec::new(), any: RegexSet::empty() }) }
    }

    /// One that hides nothing.
    pub fn none() -> Self {
        Self { users: None }
    }

    /// Whether it hides nothing.
    pub fn is_none(&self) -> bool {
        self.users.is_none()
    }

    /// Whether it knows more than what is known without being told.
    pub fn has_patterns(&self) -> bool {
        self.users.as_ref().is_some_and(|users| !users.patterns.is_empty())
    }

    /// The text without its secrets; `None` where it has none.
    pub fn redacted(&self, text: &str) -> Option<String> {
        replaced(text, self.secrets(text))
    }

    /// The same of a text that was cut at its end: what may be the beginning of a secret there is none for the reader
    /// either.
    pub fn redacted_cut(&self, text: &str) -> Option<String> {
        let mut secrets = self.secrets(text);
        secrets.extend(self.begun(text));
        replaced(text, secrets)
    }

    /// All there are, in no order.
    fn secrets(&self, text: &str) -> Vec<Secret<'_>> {
        let Some(users) = &self.users else { return Vec::new() };
        let mut secrets = Vec::new();
        let marked = marked(text);
        for (_, rule) in RULES.iter().enumerate().filter(|(number, _)| marked & 1 << number != 0) {
            secrets.extend(
                found(rule.regex(), rule.kind, text).filter(|s| (rule.is_secret)(&text[s.place.clone()])),
            );
        }
        if marked & 1 << RULES.len() != 0 {
            let blocks = private_key::find(text).into_iter();
            secrets.extend(blocks.map(|place| Secret { place, kind: private_key::KIND }));
        }
        if users.patterns.is_empty() {
            return secrets;
        }
        for number in users.any.matches(text) {
            let (name, regex) = &users.patterns[number];
            secrets.extend(found(regex, name, text).filter(|secret| !secret.place.is_empty()));
        }
        secrets
    }

    /// What begins at the end of a text and may go on behind it, unless it is a word that is none.
    fn begun(&self, text: &str) -> Option<Secret<'static>> {
        let start = text.ceil_char_boundary(text.len().saturating_sub(MOST_CUT));
        let tail = &text[start..];
        if self.is_none() {
            return None;
        }
        let block = if tail.contains(private_key::MARK) { private_key::begun(tail) } else { None };
        let block = block.map(|at| Secret { place: start + at..text.len(), kind: private_key::KIND });
        let start = start + last_words(tail);
        let tail = &text[start..];
        let marked = marked(tail);
        let rules = RULES.iter().enumerate().filter(|(number, _)| marked & 1 << number != 0);
        let begun = rules.filter_map(|(_, rule)| {
            let place = found(rule.beginning(), rule.kind, tail).next()?.place;
            (rule.may_begin)(&tail[place.clone()]).then_some(())?;
            Some(Secret { place: start + place.start..text.len(), kind: rule.kind })
        });
        begun.chain(block).min_by_key(|secret| secret.place.start)
    }
}

/// Where the last words begin, among which the mark of a secret stands that goes to the end.
fn last_words(text: &str) -> usize {
    const MOST: usize = 8;
    let gaps = text.char_indices().rev().filter(|(_, character)| character.is_whitespace());
    gaps.map(|(at, _)| at).nth(MOST).unwrap_or(0)
}

/// The rules whose marks are in the text, as bits.
fn marked(text: &str) -> u32 {
    MARKS.find_iter(text).fold(0, |rules, mark| {
        let rule = RULE_OF_MARK[mark.pattern().as_usize()];
        // What Anthropic's keys begin with is what others begin with, and longer.
        rules | 1 << rule | u32::from(rule == 0) << 1
    })
}

fn found<'a>(regex: &Regex, kind: &'a str, text: &str) -> impl Iterator<Item = Secret<'a>> {
    let places = regex.captures_iter(text).filter_map(|found| {
        let group = found.name("secret").or_else(|| found.get(0))?;
        Some(group.range())
    });
    places.map(move |place| Secret { place, kind }).collect::<Vec<_>>().into_iter()
}

fn compile(pattern: &SecretPattern) -> Result<Regex, BadPattern> {
    let syntax =
        |cause: regex::Error| BadPattern::Syntax { name: pattern.name.clone(), cause: cause.to_string() };
    RegexBuilder::new(&pattern.pattern).size_limit(SIZE).dfa_size_limit(SIZE).build().map_err(syntax)
}

/// Secrets that overlap are one, with the name of the one that begins first.
fn replaced(text: &str, mut secrets: Vec<Secret<'_>>) -> Option<String> {
    if secrets.is_empty() {
        return None;
    }
    // Stable: of those that begin together the first that was found stays in front.
    secrets.sort_by_key(|secret| secret.place.start);
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    for Secret { place, kind } in secrets {
        if place.start >= at {
            shown.push_str(&text[at..place.start]);
            shown.push_str(MARK);
            shown.push_str(kind);
            shown.push(']');
        }
        at = at.max(place.end);
    }
    shown.push_str(&text[at..]);
    Some(shown)
}
