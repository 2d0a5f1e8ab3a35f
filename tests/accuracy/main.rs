//! How exact the events are: for every scenario of the catalogue and every set of sources, what is told against what is
//! true. The tapes of `fixtures/` are played through the detectors for each source alone and for all together; then
//! the real claude plays every scenario under claude-mpm.
//!
//! `cargo test --test accuracy -- --nocapture` prints the tables. With `UPDATE_README=1` the one in README.md is
//! written anew, with `UPDATE_FIXTURES=1` the events that each tape alone tells (`fixtures/*/NAME.events.jsonl`).
//! `SCENARIOS=NAME,..` plays only these live.

mod facts;
mod golden;
mod live;
mod replay;
mod skew;
mod table;

use facts::{Carries, Score};
use replay::{Sources, replay};
use std::sync::Mutex;
use table::Row;
use test_support::catalogue::{self, Interface, Scenario};
use test_support::tapes;

const NONE: Sources = Sources { hooks: false, stream: false, transcript: false, screen: false };
const EXACT: Carries = Carries {
    parents: true,
    todos: true,
    waits: true,
    waits_for: true,
    refusals: true,
    earlier_lists: true,
    background: true,
};

/// What a screen shows: who does what, and how it ended.
const NOTHING_MORE: Carries = Carries {
    parents: false,
    todos: false,
    waits: false,
    waits_for: false,
    refusals: false,
    earlier_lists: false,
    background: false,
};

/// A set of sources, what it can tell, and where it has something to tell.
struct Set {
    name: &'static str,
    sources: Sources,
    carries: Carries,
    on: Option<Interface>,
}

/// What only one of them tells is not asked of the others: hooks and stream do not know the list of a conversation that
/// is taken up again, a stream does not say who delegated, a transcript not what a dialog is about or that it was
/// refused, and the screen shows no list and no waiting in words.
const SETS: [Set; 5] = [
    Set {
        name: "hooks only",
        sources: Sources { hooks: true, ..NONE },
        carries: Carries { earlier_lists: false, ..EXACT },
        on: None,
    },
    Set {
        name: "stream only",
        sources: Sources { stream: true, ..NONE },
        carries: Carries { parents: false, waits: false, earlier_lists: false, ..EXACT },
        on: Some(Interface::Print),
    },
    Set {
        name: "transcript only",
        sources: Sources { transcript: true, ..NONE },
        carries: Carries { waits_for: false, refusals: false, ..EXACT },
        on: None,
    },
    Set {
        name: "screen only",
        sources: Sources { screen: true, ..NONE },
        carries: NOTHING_MORE,
        on: Some(Interface::Terminal),
    },
    Set {
        name: "all sources",
        sources: Sources { hooks: true, stream: true, transcript: true, screen: true },
        carries: EXACT,
        on: None,
    },
];

/// What the recorded tapes tell, by set.
fn recorded() -> Vec<Row> {
    let mut rows: Vec<Row> = SETS.iter().map(|set| Row::new(set.name)).collect();
    for scenario in catalogue::all() {
        let moments = tapes::load(&tapes::fixtures(), scenario.name);
        for (set, row) in SETS.iter().zip(&mut rows) {
            if set.on.is_none_or(|on| scenario.has(on)) {
                row.scenario(score_runs(&scenario, &replay(&moments, set.sources), set.carries));
            }
        }
    }
    rows
}

fn score_runs(scenario: &Scenario, runs: &[Vec<facts::Event>], carries: Carries) -> Score {
    assert_eq!(scenario.runs.len(), runs.len(), "{}: not all runs were heard", scenario.name);
    let mut whole = Score::default();
    for (number, (run, events)) in scenario.runs.iter().zip(runs).enumerate() {
        let todos = carries.todos && (carries.earlier_lists || number == 0);
        let carries = Carries { todos, ..carries };
        whole.add(facts::score(&facts::told(events), &run.truth, carries), &scenario.name);
    }
    whole
}

#[test]
fn recorded_runs_are_told_as_they_were() {
    let rows = recorded();
    println!("{}", table::text(&rows));
    let faults: Vec<&String> = rows.iter().flat_map(|row| row.faults_against_the_goal()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    table::keep_in_readme("recorded", &rows);
}

#[test]
fn each_tape_alone_tells_the_events_that_stand_beside_it() {
    for scenario in catalogue::all() {
        let moments = tapes::load(&tapes::fixtures(), scenario.name);
        for set in &SETS {
            if let Some(folder) = golden::folder(set.name)
                && set.on.is_none_or(|on| scenario.has(on))
            {
                golden::compare(folder, scenario.name, &replay(&moments, set.sources));
            }
        }
    }
}

/// Plays `scenarios` on two threads: claude waits most of the time.
fn live(name: &'static str, options: &[&str], carries: Carries, scenarios: &[Scenario]) -> Row {
    let left = Mutex::new(scenarios.iter());
    let row = Mutex::new(Row::new(name));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(scenario) = left.lock().expect("no player has failed").next() else { return };
                    let runs = live::play(scenario, options);
                    let score = score_runs(scenario, &runs, carries);
                    row.lock().expect("no player has failed").scenario(score);
                }
            });
        }
    });
    row.into_inner().expect("no player has failed")
}

const SUBPROCESS: [&str; 2] = ["--launch-method", "subprocess"];

/// Played the other ways as well; all of them are where the README is written.
const OTHER_WAYS: [&str; 12] = [
    "full",
    "parallel",
    "nested",
    "background",
    "denied-agent",
    "todowrite",
    "two-tickets",
    "resume",
    "clear",
    "dialog-allowed",
    "esc-in-agent",
    "sigkill-in-agent",
];

#[test]
fn live_runs_are_told_as_they_are() {
    let chosen = std::env::var("SCENARIOS").unwrap_or_default();
    let is_chosen =
        |scenario: &Scenario| chosen.is_empty() || chosen.split(',').any(|name| name == scenario.name);
    let scenarios: Vec<Scenario> = catalogue::all().into_iter().filter(is_chosen).collect();
    let files = Carries { waits_for: false, refusals: false, ..EXACT };
    let is_full = std::env::var_os("UPDATE_README").is_some() || !chosen.is_empty();
    let some: Vec<Scenario> =
        scenarios.iter().filter(|scenario| is_full || OTHER_WAYS.contains(&scenario.name)).cloned().collect();
    let in_exec = if is_full { &scenarios } else { &some };
    let with = |options: &[&'static str]| [&SUBPROCESS, options].concat();
    let rows = [
        live("all sources", &SUBPROCESS, EXACT, &scenarios),
        live("`--launch-method exec`", &["--launch-method", "exec"], EXACT, in_exec),
        live("all sources, `--hooks command`", &with(&["--hooks", "command"]), EXACT, &some),
        live("no hooks, `--hooks off`", &with(&["--hooks", "off"]), files, &some),
    ];
    println!("{}", table::text(&rows));
    let faults: Vec<&String> = rows.iter().flat_map(|row| row.faults_against_the_goal()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    if is_full && chosen.is_empty() {
        table::keep_in_readme("live", &rows);
    }
}
