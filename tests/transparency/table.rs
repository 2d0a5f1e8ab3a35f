//! The table of who passes which case, as Markdown and in the README.

use crate::case::{Case, Expected};
use crate::contestant::{Contestant, EVERY};
use crate::outcome::{self, Outcome};
use test_support::readme::Place;

type Column = (Contestant, &'static [Outcome]);

/// Plays every case by every contestant that can be had.
pub(crate) fn measured() -> String {
    let there = EVERY.into_iter().filter(|contestant| contestant.is_there());
    let columns: Vec<Column> = there.map(|contestant| (contestant, outcome::of(contestant))).collect();
    let names: Vec<_> = columns.iter().map(|(contestant, _)| contestant.name().to_owned()).collect();
    let sums: Vec<_> = columns.iter().map(|(_, outcomes)| passed(outcomes)).collect();
    let rule = "| --- |".to_owned() + &" ---: |".repeat(columns.len());
    let lists: String = columns.iter().filter_map(failed).collect();
    let total = total(columns[0].1.len());
    format!(
        "{}{rule}\n{}\n<details><summary>The cases that not everybody passes</summary>\n\n{lists}\n</details>\n",
        line("", &names),
        line(&total, &sums)
    )
}

/// The head of the row of sums.
pub(crate) fn total(cases: usize) -> String {
    format!("cases passed of {cases}")
}

/// Its place in the README.
pub(crate) fn place() -> Place {
    Place::new("transparency", "cargo test --test transparency")
}

fn passed(outcomes: &[Outcome]) -> String {
    outcomes.iter().filter(|outcome| outcome.is_passed()).count().to_string()
}

/// What it does not pass, as an item of a list.
fn failed((contestant, outcomes): &Column) -> Option<String> {
    let failed = outcomes.iter().filter(|outcome| !outcome.is_passed());
    let names: Vec<_> = failed.map(|outcome| marked(outcome.case)).collect();
    (!names.is_empty()).then(|| format!("- {}: {}\n", contestant.name(), names.join("; ")))
}

fn marked(case: &Case) -> String {
    let mark = if case.expected == Expected::AsBare { "" } else { " (\\*)" };
    format!("{}{mark}", case.name.replace('\\', "\\\\"))
}

fn line(head: &str, cells: &[String]) -> String {
    format!("| {head} | {} |\n", cells.join(" | "))
}
