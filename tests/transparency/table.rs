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
    let cases: Vec<&Case> = columns[0].1.iter().map(|outcome| outcome.case).collect();
    let mut text = line("", &names);
    text.push_str(&format!("| --- |{}\n", " :---: |".repeat(columns.len())));
    text.push_str(&line(&total(cases.len()), &columns.iter().map(passed).collect::<Vec<_>>()));
    for (row, case) in cases.iter().enumerate() {
        let cells: Vec<_> = columns.iter().map(|(_, outcomes)| cell(&outcomes[row])).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            let mark = if case.expected == Expected::AsBare { "" } else { " *" };
            text.push_str(&line(&format!("{}{mark}", case.name), &cells));
        }
    }
    text
}

/// The head of the row of sums.
pub(crate) fn total(cases: usize) -> String {
    format!("**passed of {cases}**")
}

/// Its place in the README.
pub(crate) fn place() -> Place {
    Place::new("transparency", "cargo test --test transparency")
}

fn passed((_, outcomes): &Column) -> String {
    format!("**{}**", outcomes.iter().filter(|outcome| outcome.is_passed()).count())
}

fn cell(outcome: &Outcome) -> String {
    if outcome.is_passed() { String::new() } else { "✗".to_owned() }
}

fn line(head: &str, cells: &[String]) -> String {
    format!("| {head} | {} |\n", cells.join(" | "))
}
