//! A row of the table: what is done, and what has to be seen then.

use crate::cases;
use crate::run::Run;

/// What has to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// What is seen of the bare program.
    AsBare,
    /// This text. The bare program fails it: something has to be there that puts things right.
    Text(&'static str),
}

/// A case.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) expected: Expected,
    /// Runs the program and tells what was seen, in a form without process ids and times.
    pub(crate) observe: fn(&Run) -> String,
}

impl Case {
    pub(crate) const fn as_bare(name: &'static str, observe: fn(&Run) -> String) -> Self {
        Self { name, expected: Expected::AsBare, observe }
    }

    pub(crate) const fn absolute(
        name: &'static str,
        text: &'static str,
        observe: fn(&Run) -> String,
    ) -> Self {
        Self { name, expected: Expected::Text(text), observe }
    }
}

/// Every case, in the order of the table.
pub(crate) fn every() -> impl Iterator<Item = &'static Case> {
    cases::EVERY.iter().copied().flatten()
}

/// The cases that `CASES` picks by parts of their names, separated by commas; all of them where it is not set.
pub(crate) fn picked() -> Vec<&'static Case> {
    let picks = std::env::var("CASES").unwrap_or_default();
    let picked = |case: &&Case| picks.split(',').any(|part| case.name.contains(part.trim()));
    every().filter(picked).collect()
}

/// Whether only some cases are picked.
pub(crate) fn are_picked() -> bool {
    std::env::var_os("CASES").is_some()
}
