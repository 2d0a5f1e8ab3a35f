//! Stories of claude working, and waiting for somebody.

use super::*;

#[test]
fn a_permission_waits_until_its_call_returns_or_claude_works_again() {
    let input = json!({ "command": "rm x" });
    let ask = |id: &str| {
        let call = call(id, "Bash", json!({ "command": "rm x" }));
        (call, asked("Bash", input.clone()))
    };
    let mut bench = bench();
    let (called, asked) = ask("t1");
    bench.hear(&HOOK, Fact::Prompted).hear(&HOOK, called).hear(&HOOK, asked);
    bench.hear(&TRANSCRIPT, Fact::State(ActivityState::NeedsPermission));
    bench.hear(&HOOK, ran("t1", json!({ "stdout": "" })));
    let (called, asked) = ask("t2");
    bench.hear(&HOOK, called).hear(&HOOK, asked);
    let before_the_question = bench.now - 1;
    bench.hear_at(&TRANSCRIPT, None, before_the_question, Fact::State(ActivityState::Busy));
    bench.hear(&TRANSCRIPT, Fact::State(ActivityState::Busy)).hear(&HOOK, Fact::TurnOver { running: None });
    assert_eq!(
        bench.activities(),
        ["Busy", "NeedsPermission Bash", "Busy", "NeedsPermission Bash", "Busy", "Idle"]
    );
}

#[test]
fn a_question_needs_input_and_a_background_agents_permission_outlives_the_turn() {
    let mut bench = bench();
    let questions = json!({ "questions": [{ "question": "Which?" }] });
    bench.hear(&HOOK, call("t1", "AskUserQuestion", questions.clone()));
    bench.hear(&HOOK, asked("AskUserQuestion", questions));
    bench.hear(&HOOK, ran("t1", json!({})));
    let input = json!({ "command": "ls" });
    bench.hear_in(&HOOK, agent("a1", "qa"), call("t2", "Bash", input.clone()));
    bench.hear_in(&HOOK, agent("a1", "qa"), asked("Bash", input));
    bench.hear(&HOOK, Fact::TurnOver { running: None });
    assert_eq!(bench.activities(), ["Busy", "NeedsInput AskUserQuestion", "Busy", "NeedsPermission Bash"]);
}

#[test]
fn the_terminal_is_believed_until_an_exact_source_has_spoken() {
    let mut bench = bench();
    let at = Timestamp::from_millis(1);
    let looks = |bench: &mut Bench, state| {
        let told = bench.detector.looks(state, at);
        bench.told.extend(told);
    };
    looks(&mut bench, ActivityState::Busy);
    looks(&mut bench, ActivityState::Idle);
    bench.hear(&HOOK, Fact::Prompted);
    looks(&mut bench, ActivityState::Idle);
    bench.hear_at(&TRANSCRIPT, None, 5, Fact::TurnOver { running: None });
    assert_eq!(bench.activities(), ["Busy", "Idle", "Busy"]);
}

/// A command hook has to start first: the state file is often ahead of it, and does not know what for.
#[test]
fn a_wait_that_the_state_file_tells_first_waits_for_the_hook_that_knows_more() {
    let questions = json!({ "questions": [{ "question": "Which?" }] });
    let mut bench = bench();
    bench.hear(&HOOK, Fact::Prompted).hear(&HOOK, call("t1", "AskUserQuestion", questions.clone()));
    bench.hear(&TRANSCRIPT, Fact::State(ActivityState::NeedsPermission)).wait(100);
    bench.hear(&HOOK, asked("AskUserQuestion", questions)).wait(1_000);
    bench.hear(&HOOK, ran("t1", json!({})));
    bench.hear(&TRANSCRIPT, Fact::State(ActivityState::NeedsPermission)).wait(499);
    assert_eq!(bench.activities(), ["Busy", "NeedsInput AskUserQuestion", "Busy"]);
    assert_eq!(bench.wait(1).activities()[3..], ["NeedsPermission"], "and no longer than that");
}

#[test]
fn a_question_that_comes_behind_a_busy_state_file_is_told_once_the_file_says_that_it_waits() {
    let mut bench = bench();
    let input = json!({ "command": "rm x" });
    bench.hear(&HOOK, Fact::Prompted).hear(&HOOK, call("t", "Bash", input.clone()));
    let before = bench.now;
    bench
        .hear(&TRANSCRIPT, Fact::State(ActivityState::Idle))
        .hear(&TRANSCRIPT, Fact::State(ActivityState::Busy));
    bench.hear_at(&HOOK, None, before, asked("Bash", input));
    bench.hear(&TRANSCRIPT, Fact::State(ActivityState::NeedsPermission));
    assert_eq!(bench.activities(), ["Busy", "Idle", "Busy", "NeedsPermission Bash"]);
}

#[test]
fn what_another_claude_does_is_told_anew() {
    let mut bench = bench();
    bench.hear(&HOOK, Fact::Prompted).finish().hear(&HOOK, Fact::Prompted);
    assert_eq!(bench.activities(), ["Busy", "Busy"]);
}
