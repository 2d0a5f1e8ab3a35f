//! A program under the wrapper behaves as it does bare: a table of cases, each played bare and by every contestant, and
//! compared. Some cases are absolute: the bare program itself fails them.
//!
//! One test for each column that is ours, and for bare, whose second run is compared with its first. `CASES=a,b` plays
//! the cases with these parts in their names. `UPDATE_README=1 cargo test --test transparency` plays them by programs
//! that others put around one as well, and writes the table into README.md.
//!
//! What the wrapper does beyond what a bare program does is `tests/supervision.rs`.

mod case;
mod cases;
mod contestant;
mod outcome;
mod run;
mod table;

use case::Expected;
use contestant::{BARE, Contestant};
use test_support::readme;
use test_support::wrapper::Way;

/// Cases that need not be passed where a cargo feature is on: the case, the feature, the reason.
const NAMED_EXCEPTIONS: [(&str, &str, &str); 2] = [
    ("every signal that can be taken, on pipes", "portable", NO_REAL_TIME_SIGNALS),
    ("every signal that can be taken, in a terminal", "portable", NO_REAL_TIME_SIGNALS),
];
const NO_REAL_TIME_SIGNALS: &str =
    "these send real-time signals too, which not every Unix has: not caught, they end us";
/// Cases that a contestant of ours does not pass: the case, who, the reason. One that is passed has to go from here.
const KNOWN_DIFFERENCES: [(&str, Way, &str); 0] = [];
/// More than so many differences are not listed.
const LISTED: usize = 20;

fn is_excepted(case: &str) -> bool {
    let is_on = |feature: &str| feature == "portable" && cfg!(feature = "portable");
    NAMED_EXCEPTIONS.iter().any(|(name, feature, _)| *name == case && is_on(feature))
}

fn is_known(case: &str, contestant: Contestant) -> bool {
    KNOWN_DIFFERENCES.iter().any(|(name, way, _)| *name == case && Contestant::Ours(*way) == contestant)
}

/// Expects that the contestant passes every case; the absolute ones only where something of it stays.
#[track_caller]
fn passes(contestant: Contestant) {
    if !contestant.is_there() {
        return;
    }
    let outcomes = outcome::of(contestant);
    // What is known to differ and does not is an old entry.
    let failed =
        outcomes.iter().filter(|outcome| outcome.is_passed() == is_known(outcome.case.name, contestant));
    let failed = failed.filter(|outcome| outcome.case.expected == Expected::AsBare || contestant.stays());
    let failed: Vec<_> = failed.filter(|outcome| !is_excepted(outcome.case.name)).collect();
    let list: Vec<_> = failed.iter().take(LISTED).map(|outcome| outcome.difference()).collect();
    assert!(
        failed.is_empty(),
        "{}: {} of {} cases differ:\n{}\n",
        contestant.name(),
        failed.len(),
        outcomes.len(),
        list.join("\n")
    );
}

#[test]
fn a_bare_program_behaves_as_a_bare_program() {
    passes(BARE);
}

#[test]
fn a_supervised_program_behaves_as_a_bare_program() {
    passes(Contestant::Ours(Way::Supervised));
}

#[test]
fn a_watched_program_behaves_as_a_bare_program() {
    passes(Contestant::Ours(Way::Watched));
}

#[test]
fn a_program_in_place_of_the_wrapper_behaves_as_a_bare_program() {
    passes(Contestant::Ours(Way::Exec));
}

#[test]
fn a_watched_program_in_place_of_the_wrapper_behaves_as_a_bare_program() {
    passes(Contestant::Ours(Way::ExecWatched));
}

/// Other contestants are played only where the table is written.
#[test]
fn the_table_in_the_readme_is_of_these_cases() {
    if readme::update_wanted() && !case::are_picked() {
        table::place().keep(&table::measured());
    }
    let total = table::total(case::every().count());
    assert!(
        table::place().text().contains(&total),
        "README.md is old: UPDATE_README=1 cargo test --test transparency"
    );
}

#[test]
fn no_two_cases_have_one_name() {
    let mut names: Vec<_> = case::every().map(|case| case.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    let excepted = NAMED_EXCEPTIONS.iter().map(|(name, ..)| name);
    let unknown =
        excepted.chain(KNOWN_DIFFERENCES.iter().map(|(name, ..)| name)).find(|name| !names.contains(name));
    assert_eq!(unknown, None, "there is no such case");
}
