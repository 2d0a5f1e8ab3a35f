//! The recordings in `fixtures/` are whole: each scenario of the catalogue has its tapes, each tape is of a scenario,
//! every line reads, and what the catalogue calls true is on them. How they are made is told by `fixtures/RECORDED.md`.

use std::collections::BTreeSet;
use test_support::catalogue::{self, Ends, Interface, Scenario};
use test_support::tapes::{Moment, Tape, What, fixtures, load, load_runs, read};

/// Recorded before there was a catalogue.
const OLDER: [&str; 2] = ["screens/tui-full-tasks.cast", "screens/tui-interrupt-resize.cast"];

fn tapes_of(scenario: &Scenario) -> Vec<Tape> {
    let kept = |tape: &Tape| match tape {
        Tape::Stream => scenario.has(Interface::Print),
        Tape::Screen => scenario.has(Interface::Terminal),
        _ => true,
    };
    Tape::ALL.into_iter().filter(kept).collect()
}

#[test]
fn every_scenario_has_its_tapes_and_no_tape_is_of_none() {
    let mut expected: BTreeSet<String> = OLDER.map(str::to_owned).into();
    for scenario in catalogue::all() {
        expected.extend(tapes_of(&scenario).iter().map(|tape| tape.path(scenario.name)));
    }
    let mut found = BTreeSet::new();
    for folder in ["runs", "hooks", "stream", "transcripts", "screens"] {
        for entry in std::fs::read_dir(fixtures().join(folder)).expect("a folder of tapes").flatten() {
            let name = entry.file_name().into_string().expect("a name");
            // What is expected of a tape stands beside it, and is compared where the tape is played.
            if !name.ends_with(".lines.txt") && !name.ends_with(".events.jsonl") {
                found.insert(format!("{folder}/{name}"));
            }
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn every_name_is_unique() {
    let names: Vec<_> = catalogue::all().iter().map(|scenario| scenario.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
}

#[test]
fn every_tape_reads_and_goes_forward_in_time() {
    for scenario in catalogue::all() {
        for tape in tapes_of(&scenario) {
            let moments = read(&fixtures(), tape, scenario.name);
            assert!(!moments.is_empty(), "{} of {}", tape.path(scenario.name), scenario.name);
            assert!(moments.is_sorted_by(|a, b| a.t <= b.t), "{}", tape.path(scenario.name));
        }
    }
}

#[test]
fn a_scenario_begins_with_a_start_and_its_runs_end_as_they_should() {
    for scenario in catalogue::all() {
        let moments = load(&fixtures(), scenario.name);
        assert!(matches!(moments[0].what, What::Started(_)), "{}: {:?}", scenario.name, moments[0]);
        let ends = |moment: &Moment| match moment.what {
            What::Ended { code: Some(code), .. } => Some(Ends::Code(code)),
            What::Ended { signal: Some(signal), .. } => Some(Ends::Signal(signal)),
            _ => None,
        };
        let ended: Vec<_> = moments.iter().filter_map(ends).collect();
        assert_eq!(ended.len(), scenario.runs.len(), "{}", scenario.name);
        let are_right = scenario.runs.iter().zip(&ended).all(|(run, ended)| run.ends.admits(*ended));
        assert!(are_right, "{}: {ended:?}", scenario.name);
    }
}

#[test]
fn every_log_line_and_every_stream_line_is_json() {
    for scenario in catalogue::all() {
        for moment in load(&fixtures(), scenario.name) {
            if let What::Stream(line) | What::Transcript { line, .. } = &moment.what {
                let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
                assert!(value.is_object(), "{}: {line}", scenario.name);
            }
        }
    }
}

#[test]
fn every_run_of_a_scenario_has_a_recording_of_its_own() {
    for scenario in catalogue::all() {
        let runs = load_runs(&fixtures(), scenario.name);
        assert_eq!(runs.len(), scenario.runs.len(), "{}", scenario.name);
        for (moments, run) in runs.iter().zip(&scenario.runs) {
            let started: Vec<String> = run.arguments(&[]).into_iter().map(str::to_owned).collect();
            assert_eq!(moments[0].what, What::Started(started), "{}", scenario.name);
        }
    }
}

/// Not how well it can be told, only that the catalogue speaks of the same things as claude.
#[test]
fn what_the_catalogue_calls_true_is_on_the_tapes() {
    for scenario in catalogue::all() {
        let moments = load(&fixtures(), scenario.name);
        let truths = || scenario.runs.iter().map(|run| &run.truth);
        let delegated: Vec<_> = moments.iter().filter_map(delegation).collect();
        let expected: Vec<_> = truths()
            .flat_map(|truth| &truth.delegations)
            .map(|given| (given.task, given.background))
            .collect();
        assert_eq!(delegated, expected, "{}", scenario.name);
        let asked: usize = truths().map(|truth| truth.asks.len()).sum();
        assert_eq!(moments.iter().filter(|moment| is_hook(moment, "PermissionRequest")).count(), asked);
        for (id, title) in truths().flat_map(|truth| &truth.tickets) {
            // A command that failed tells its output in its error.
            let said = |moment: &Moment| match &moment.what {
                What::Hook(event, body) if event.starts_with("PostToolUse") => {
                    let text = format!("{}{}", body["tool_response"], body["error"]);
                    text.contains(id) && text.contains(title)
                }
                _ => false,
            };
            assert!(moments.iter().any(said), "{}: {id}", scenario.name);
        }
    }
}

fn is_hook(moment: &Moment, event: &str) -> bool {
    matches!(&moment.what, What::Hook(name, _) if name == event)
}

/// A call of the delegating tool: its description, and whether it is for the background.
fn delegation(moment: &Moment) -> Option<(&str, bool)> {
    let What::Hook(event, body) = &moment.what else { return None };
    let input = &body["tool_input"];
    let delegates = event == "PreToolUse" && body["tool_name"] == "Agent";
    delegates.then(|| (input["description"].as_str().unwrap_or_default(), input["run_in_background"] == true))
}

#[test]
fn the_recordings_are_neutral() {
    for scenario in catalogue::all() {
        for moment in load(&fixtures(), scenario.name) {
            if let What::Hook(_, body) = &moment.what {
                assert_eq!(body["cwd"], "/home/demo/project", "{}", scenario.name);
            }
        }
    }
}

#[test]
fn the_version_on_the_tapes_is_the_one_that_is_told() {
    let told = std::fs::read_to_string(fixtures().join("RECORDED.md")).expect("what is recorded");
    for scenario in catalogue::all() {
        for moment in load(&fixtures(), scenario.name) {
            if let What::State(Some(state)) = &moment.what {
                let version = state["version"].as_str().expect("claude's version");
                assert!(told.contains(&format!("**claude {version}**")), "{}: {version}", scenario.name);
            }
        }
    }
}
