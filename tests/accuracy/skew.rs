//! The recordings as a loaded machine would hear them: sources that lag behind one another, are missing, lose a hook or
//! say everything again. Whatever comes late, each fact is told once.
//!
//! What is written keeps the time that stands in it; hooks and the stream are stamped when they arrive. `SEEDS=n` plays
//! more variants of each scenario than the few that are played otherwise, `SCENARIOS=NAME,..` only these.

use crate::facts::{self, Carries, Event, Score};
use crate::replay::{Clock, Sources, Take, takes};
use claude_mpm::event::Timestamp;
use serde_json::Value;
use std::collections::HashMap;
use test_support::catalogue::{self, Scenario};
use test_support::tapes::{self, Moment, What};
use test_support::truth::Truth;

const SEEDS: u64 = 4;
/// Longest that a source lags behind, milliseconds.
const MAX_LAG: f64 = 3000.0;

/// Deterministic chance (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// From nothing to one.
    fn share(&mut self) -> f64 {
        self.below(10_000) as f64 / 10_000.0
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// What keeps its own order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Lane {
    Hooks,
    Stream,
    /// A transcript, or the two files of an agent.
    File(String),
    State,
    Screen,
}

fn lane(moment: &Moment) -> Lane {
    match &moment.what {
        What::Hook(..) => Lane::Hooks,
        What::Stream(_) => Lane::Stream,
        What::Transcript { file, .. } => Lane::File(file.split(".").next().unwrap_or(file).to_owned()),
        What::State(_) => Lane::State,
        What::Output(_) | What::Resized(..) | What::Started(_) | What::Ended { .. } => Lane::Screen,
    }
}

/// Which sources are there, and what they tell together.
#[derive(Debug, Clone, Copy)]
struct Heard {
    sources: Sources,
    state: bool,
}

const ALL: Heard =
    Heard { sources: Sources { hooks: true, stream: true, transcript: true, screen: true }, state: true };

impl Heard {
    /// At least one exact source, and any of the others.
    fn some(dice: &mut Dice, has_stream: bool) -> Self {
        let mut coin = || dice.one_in(2);
        let (hooks, stream, transcript, screen) = (coin(), coin() && has_stream, coin(), coin());
        let state = transcript && coin();
        let hooks = hooks || !(stream || transcript);
        Self { sources: Sources { hooks, stream, transcript, screen }, state }
    }

    /// Nobody promises what nobody heard, and who waited for how long is promised by nobody whose hooks lag behind.
    fn carries(self) -> Carries {
        let Sources { hooks, transcript, .. } = self.sources;
        Carries {
            parents: hooks || transcript,
            todos: true,
            waits: hooks || self.state,
            waits_for: false,
            refusals: hooks,
            earlier_lists: transcript,
            background: true,
        }
    }

    fn has(self, moment: &Moment) -> bool {
        self.state || !matches!(moment.what, What::State(_))
    }
}

/// The same run, each source of it late by its own time.
fn late(take: &Take, dice: &mut Dice) -> Take {
    let mut lanes: HashMap<Lane, (f64, f64)> = HashMap::new();
    let jitter = [0.0, 50.0, 1000.0][dice.below(3)];
    let steady = dice.one_in(3);
    let mut take = take.clone();
    for moment in &mut take.moments {
        let lag = || if steady && dice.one_in(2) { 0.0 } else { dice.share() * MAX_LAG };
        let (lag, last) = lanes.entry(lane(moment)).or_insert_with(|| {
            let mut lag = lag;
            (lag(), 0.0)
        });
        moment.t = (moment.t + *lag + dice.share() * jitter).max(*last);
        *last = moment.t;
    }
    take.moments.sort_by(|a, b| a.t.total_cmp(&b.t));
    take
}

/// Without one or two hooks.
fn without_some_hooks(take: &Take, dice: &mut Dice) -> Take {
    let mut take = take.clone();
    for _ in 0..=dice.below(2) {
        let hooks = take.moments.iter().enumerate().filter(|(_, moment)| lane(moment) == Lane::Hooks);
        let places: Vec<usize> = hooks.map(|(place, _)| place).collect();
        if !places.is_empty() {
            take.moments.remove(places[dice.below(places.len())]);
        }
    }
    take
}

/// As [`facts::score`], without what is not promised where sources lag: a wait may be missed that was over before
/// anybody could have heard of it, and a change of the list may be told with the next one, or told and put right. The
/// list that is told last is right, and none is told twice.
fn score(events: &[Event], truth: &Truth, carries: Carries) -> Score {
    let events: Vec<Event> = events.iter().filter(|event| !is_correction(event)).cloned().collect();
    let mut score = facts::score(&facts::told(&events), truth, carries);
    let is_promised = |fault: &String| !fault.contains("missed Waits") && !fault.ends_with(" TodoChange");
    score.faults.retain(is_promised);
    score.faults.extend(disorder(&events));
    score.faults.extend(repetition(&events));
    score
}

/// The same wait, of which more is known now: the state file does not tell a question from a permission.
fn is_correction(event: &Event) -> bool {
    let waits = |name: &str| event.data[name].as_str().is_some_and(|state| state.starts_with("needs_"));
    event.kind == "claude.activity" && waits("activity") && waits("previous")
}

/// Every start has one end behind it, and nothing else has one.
fn disorder(events: &[Event]) -> Vec<String> {
    let mut open: HashMap<&str, bool> = HashMap::new();
    let mut faults = Vec::new();
    for event in events.iter().filter(|event| event.kind == "agent.delegation") {
        let id = event.data["delegation_id"].as_str().unwrap_or_default();
        let is_start = event.data["status"] == "started";
        let before = open.insert(id, is_start);
        if before != (!is_start).then_some(true) {
            faults.push(format!("disorder at {}", event.data));
        }
    }
    faults.extend(open.iter().filter(|(_, is_open)| **is_open).map(|(id, _)| format!("{id} stays open")));
    faults
}

/// No list is told twice in a row.
fn repetition(events: &[Event]) -> Vec<String> {
    let lists: Vec<&Value> =
        events.iter().filter(|event| event.kind == "todo.update").map(|event| &event.data).collect();
    let same = lists.windows(2).filter(|pair| pair[0] == pair[1]);
    same.map(|pair| format!("told twice: {}", pair[0])).collect()
}

fn seeds() -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS)
}

fn scenarios() -> Vec<Scenario> {
    let chosen = std::env::var("SCENARIOS").unwrap_or_default();
    let is_chosen =
        |scenario: &Scenario| chosen.is_empty() || chosen.split(',').any(|name| name == scenario.name);
    catalogue::all().into_iter().filter(is_chosen).collect()
}

/// Plays every run of the catalogue as `vary` makes it, and says what was wrong.
fn faults(vary: impl Fn(&Take, &mut Dice) -> (Take, Heard)) -> Vec<String> {
    let mut faults: HashMap<String, (usize, u64)> = HashMap::new();
    for scenario in scenarios() {
        let moments = tapes::load(&tapes::fixtures(), scenario.name);
        let clock = Clock::of(&moments);
        for (number, (take, run)) in takes(&moments).iter().zip(&scenario.runs).enumerate() {
            for seed in 0..seeds() {
                let (varied, heard) = vary(take, &mut Dice(seed));
                let carries = heard.carries();
                let carries = Carries { todos: carries.earlier_lists || number == 0, ..carries };
                let mut varied = varied;
                varied.moments.retain(|moment| heard.has(moment));
                let events = varied.replay(heard.sources, &clock);
                for fault in score(&events, &run.truth, carries).faults {
                    let seen =
                        faults.entry(format!("{} {number}: {fault}", scenario.name)).or_insert((0, seed));
                    seen.0 += 1;
                }
            }
        }
    }
    let mut faults: Vec<String> = faults
        .into_iter()
        .map(|(fault, (count, seed))| format!("{count} times, first with seed {seed}: {fault}"))
        .collect();
    faults.sort();
    faults
}

#[track_caller]
fn assert_none(faults: &[String]) {
    assert!(
        faults.is_empty(),
        "{} kinds of faults:\n{}",
        faults.len(),
        faults[..faults.len().min(60)].join("\n")
    );
}

#[test]
fn sources_that_lag_behind_one_another_tell_the_same_facts() {
    assert_none(&faults(|take, dice| (late(take, dice), ALL)));
}

#[test]
fn sources_that_are_missing_are_made_up_for_by_those_that_lag() {
    assert_none(&faults(|take, dice| {
        let heard = Heard::some(dice, take.has_stream());
        (late(take, dice), heard)
    }));
}

#[test]
fn a_lost_hook_is_made_up_for() {
    assert_none(&faults(|take, dice| {
        let mut heard = Heard { state: true, ..ALL };
        heard.sources.stream = take.has_stream();
        (late(&without_some_hooks(take, dice), dice), heard)
    }));
}

/// Hooks are posted twice, files are read again from the first line on.
#[test]
fn what_is_said_again_is_not_told_again() {
    assert_none(&faults(|take, dice| (late(&again(take, dice), dice), ALL)));
}

fn again(take: &Take, dice: &mut Dice) -> Take {
    let mut take = take.clone();
    let mut moments: Vec<Moment> = Vec::new();
    for moment in std::mem::take(&mut take.moments) {
        let (lane_now, t) = (lane(&moment), moment.t);
        moments.push(moment.clone());
        match lane_now {
            Lane::Hooks | Lane::Stream if dice.one_in(2) => moments.push(moment),
            Lane::File(_) if dice.one_in(10) => {
                let said: Vec<Moment> =
                    moments.iter().filter(|past| lane(past) == lane_now).cloned().collect();
                moments.extend(said.into_iter().map(|said| Moment { t, ..said }));
            }
            _ => {}
        }
    }
    take.moments = moments;
    take
}

/// How often each text was said, by whom.
fn messages(events: &[Event]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for Event { data, .. } in events.iter().filter(|event| event.kind == "claude.message") {
        let who = (&data["role"], &data["agent_id"], &data["text"]);
        *counts.entry(format!("{who:?}")).or_insert(0) += 1;
    }
    counts
}

const SINGLE: [Sources; 3] = [
    Sources { hooks: true, stream: false, transcript: false, screen: false },
    Sources { hooks: false, stream: true, transcript: false, screen: false },
    Sources { hooks: false, stream: false, transcript: true, screen: false },
];

#[test]
fn every_message_is_told_as_often_as_the_source_that_heard_most_of_it_says() {
    let mut faults = Vec::new();
    for scenario in scenarios() {
        let moments = tapes::load(&tapes::fixtures(), scenario.name);
        let clock = Clock::of(&moments);
        for take in takes(&moments) {
            let alone = SINGLE.map(|sources| messages(&take.replay(sources, &clock)));
            let best =
                alone.iter().max_by_key(|counts| counts.values().sum::<usize>()).expect("three sources");
            for seed in 0..seeds() {
                let varied = late(&again(&take, &mut Dice(seed)), &mut Dice(seed));
                let all = messages(&varied.replay(ALL.sources, &clock));
                if all != *best {
                    faults.push(format!("{}, seed {seed}: {all:?}\nand not {best:?}", scenario.name));
                }
            }
        }
    }
    assert_none(&faults);
}

/// What events say was used, by model.
fn used(events: &[Event]) -> Vec<[u64; 4]> {
    let counts = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"];
    let updates = events.iter().filter(|event| event.kind == "usage.update");
    updates.map(|event| counts.map(|count| event.data[count].as_u64().unwrap_or_default())).collect()
}

/// What claude itself says was used: the last word on each answer of a transcript, or each result of a stream.
fn really_used(take: &Take, sources: Sources, since: Timestamp) -> Vec<[u64; 4]> {
    let counts = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
    let of = |usage: &Value| counts.map(|count| usage[count].as_u64().unwrap_or_default());
    let is_streaming = sources.stream && take.has_stream();
    let mut answers: HashMap<String, [u64; 4]> = HashMap::new();
    for (number, moment) in take.moments.iter().enumerate() {
        match &moment.what {
            What::Stream(line) if is_streaming => {
                let line: Value = serde_json::from_str(line).unwrap_or_default();
                if line["type"] == "result" {
                    answers.insert(number.to_string(), of(&line["usage"]));
                }
            }
            What::Transcript { line, .. } if !is_streaming => {
                let line: Value = serde_json::from_str(line).unwrap_or_default();
                let at = line["timestamp"].as_str().and_then(Timestamp::parse);
                let is_now = at.is_some_and(|at| at >= since);
                if is_now && line["type"] == "assistant" && line["message"]["model"] != "<synthetic>" {
                    let id = line["message"]["id"].as_str().unwrap_or_default().to_owned();
                    answers.insert(id, of(&line["message"]["usage"]));
                }
            }
            _ => {}
        }
    }
    answers.into_values().collect()
}

#[test]
fn what_was_used_is_counted_once() {
    let mut faults = Vec::new();
    for scenario in scenarios() {
        let moments = tapes::load(&tapes::fixtures(), scenario.name);
        let clock = Clock::of(&moments);
        for take in takes(&moments) {
            for (seed, sources) in (0..seeds()).flat_map(|seed| [(seed, ALL.sources), (seed, SINGLE[2])]) {
                let varied = late(&again(&take, &mut Dice(seed)), &mut Dice(seed));
                let [mut told, mut really] =
                    [used(&varied.replay(sources, &clock)), really_used(&take, sources, take.since(&clock))];
                told.sort_unstable();
                really.sort_unstable();
                if told != really {
                    faults.push(format!(
                        "{}, seed {seed}, {sources:?}: {told:?} and not {really:?}",
                        scenario.name
                    ));
                }
            }
        }
    }
    assert_none(&faults);
}
