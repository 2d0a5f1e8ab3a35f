//! The scenarios of the catalogue under the wrapper: what a user does there, and how claude ends, is what it is without.
//! All of them are played bare when they are recorded; here stand those in which a wrapper could get in the way.

use test_support::catalogue;
use test_support::performance::{Performance, Performed};
use test_support::stage::Stage;

const OPTIONS: [&str; 5] = ["-q", "--websocket-port", "auto", "--launch-method", "subprocess"];

/// Plays every run of it; each ends as the catalogue says, or the performance panics.
#[track_caller]
fn play_wrapped(name: &str) -> Vec<Performed> {
    let scenario = catalogue::named(name).expect("a scenario of the catalogue");
    let stage = Stage::set(&scenario);
    let play = |run| {
        let command = stage.wrapped(run, env!("CARGO_BIN_EXE_claude-mpm"), &OPTIONS);
        Performance::start(&stage, run, command).finish()
    };
    scenario.runs.iter().map(play).collect()
}

#[test]
fn a_conversation_is_taken_up_by_a_second_run() {
    let runs = play_wrapped("resume");
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run.stdout.iter().any(|(_, line)| line.contains("\"type\":\"result\""))));
}

#[test]
fn a_dialog_is_answered_by_a_key() {
    play_wrapped("dialog-allowed");
}

#[test]
fn a_delegation_is_interrupted_by_a_key() {
    play_wrapped("esc-in-agent");
}

#[test]
fn claude_is_killed_and_its_wrapper_says_so() {
    let runs = play_wrapped("sigkill-in-agent");
    assert_eq!(runs[0].status.code(), Some(137));
}

#[test]
fn claude_is_told_to_end_and_its_wrapper_says_so() {
    play_wrapped("tui-sigterm-in-agent");
}
