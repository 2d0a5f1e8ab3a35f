//! The table of how exact the events are, as text and in the README.

use crate::facts::Score;
use test_support::readme::Place;

/// The screen cannot tell all; what it tells has to be right.
const INEXACT: &str = "screen only";

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    scenarios: usize,
    score: Score,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, scenarios: 0, score: Score::default() }
    }

    /// Counts a scenario in.
    pub(crate) fn scenario(&mut self, score: Score) {
        self.scenarios += 1;
        self.score.add(score, &self.name);
    }

    /// What is wrong, as far as it should not be.
    pub(crate) fn faults_against_the_goal(&self) -> impl Iterator<Item = &String> {
        let may_miss = self.name == INEXACT;
        self.score.faults.iter().filter(move |fault| !(may_miss && fault.contains("missed ")))
    }

    fn cells(&self) -> [String; 7] {
        let Score { expected, found, missed, doubled, invented, .. } = &self.score;
        let count = |count: &usize| count.to_string();
        [
            self.name.to_owned(),
            count(&self.scenarios),
            count(expected),
            count(found),
            count(missed),
            count(doubled),
            count(invented),
        ]
    }
}

/// As Markdown.
pub(crate) fn text(rows: &[Row]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heads = ["sources", "scenarios", "expected", "found", "missed", "doubled", "invented"];
    let mut text = line(&heads.map(str::to_owned));
    text.push_str("| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    rows.iter().for_each(|row| text.push_str(&line(&row.cells())));
    text
}

/// The table of that name in the README is what was measured; it is written anew where that is asked for.
pub(crate) fn keep_in_readme(name: &str, rows: &[Row]) {
    Place::new(&format!("accuracy {name}"), "cargo test --test accuracy").keep(&text(rows));
}
