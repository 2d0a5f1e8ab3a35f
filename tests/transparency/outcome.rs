//! Plays cases by a contestant and says which it passes. What the bare program shows is found out once, whoever is
//! compared with it.

use crate::case::{self, Case, Expected};
use crate::contestant::{BARE, Contestant, EVERY};
use crate::run::Run;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// So many cases at a time: most of them wait for most of their time.
const AT_A_TIME: usize = 4;
/// Of others, which fail many cases only when their time is over.
const OF_OTHERS: usize = 16;

/// One case, played by one contestant.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) case: &'static Case,
    expected: String,
    seen: String,
}

impl Outcome {
    pub(crate) fn is_passed(&self) -> bool {
        self.expected == self.seen
    }

    /// The first line that differs, in few words.
    pub(crate) fn difference(&self) -> String {
        let mut lines = self.expected.lines().chain([""]).zip(self.seen.lines().chain([""]));
        let (expected, seen) = lines.find(|(expected, seen)| expected != seen).unwrap_or_default();
        let short = |line: &str| line.chars().take(160).collect::<String>();
        format!("{}: expected {:?}, saw {:?}", self.case.name, short(expected), short(seen))
    }
}

/// What the picked cases show of this contestant; played once, whoever asks.
pub(crate) fn of(contestant: Contestant) -> &'static [Outcome] {
    static OUTCOMES: [OnceLock<Vec<Outcome>>; EVERY.len()] = [const { OnceLock::new() }; EVERY.len()];
    let column = EVERY.iter().position(|other| *other == contestant).expect("every contestant is there");
    OUTCOMES[column].get_or_init(|| play(contestant, column))
}

/// Each contestant begins somewhere else, so that two of them rarely wait for the same bare run.
fn play(contestant: Contestant, column: usize) -> Vec<Outcome> {
    let cases = case::picked();
    let (next, from) = (AtomicUsize::new(0), cases.len() * column / EVERY.len());
    let work = || {
        let mut outcomes = Vec::new();
        while let Some(turn) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|turn| *turn < cases.len()) {
            let at = (from + turn) % cases.len();
            let expected = match cases[at].expected {
                Expected::AsBare => as_bare(cases[at]).to_owned(),
                Expected::Text(text) => text.to_owned(),
            };
            outcomes.push((
                at,
                Outcome { case: cases[at], expected, seen: play_to_its_end(cases[at], contestant) },
            ));
        }
        outcomes
    };
    let at_a_time = if matches!(contestant, Contestant::Ours(_)) { AT_A_TIME } else { OF_OTHERS };
    let mut outcomes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..at_a_time).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("it catches its cases' panics")).collect()
    });
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// What could not be played to its end.
const FAILED: &str = "failed: ";

/// What the bare program shows, the first time it is run.
fn as_bare(case: &'static Case) -> &'static str {
    static SEEN: OnceLock<Vec<OnceLock<String>>> = OnceLock::new();
    let seen = SEEN.get_or_init(|| case::every().map(|_| OnceLock::new()).collect());
    let at = case::every().position(|other| std::ptr::eq(other, case)).expect("every case is there");
    seen[at].get_or_init(|| play_to_its_end(case, BARE))
}

/// What is seen. A run that could not be played to its end (the shell around it said nothing, the machine was busy) shows
/// nothing of the program, and is played once more, which is said; one that hangs again is what the contestant does.
fn play_to_its_end(case: &Case, contestant: Contestant) -> String {
    let seen = observe(case, contestant);
    if !seen.starts_with(FAILED) || !matches!(contestant, Contestant::Ours(_)) {
        return seen;
    }
    eprintln!("{}: played once more: {}: {seen}", contestant.name(), case.name);
    observe(case, contestant)
}

/// What is seen; a case that cannot be played to its end shows what it failed by.
fn observe(case: &Case, contestant: Contestant) -> String {
    let run = Run::new(contestant);
    catch_unwind(AssertUnwindSafe(|| (case.observe)(&run))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        format!("{FAILED}{text}")
    })
}
