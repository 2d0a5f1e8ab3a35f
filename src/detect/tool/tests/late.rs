//! Stories of sources that lag behind one another, lose something or say it again.

use super::*;

/// The hook of the result was lost, and the transcript lags behind.
#[test]
fn an_end_that_is_presumed_waits_for_a_source_that_lags_behind() {
    let mut bench = bench();
    bench.hear(&HOOK, delegate("t1", "qa")).hear(&HOOK, Fact::TurnOver { running: None });
    bench.wait(3_000).hear(&TRANSCRIPT, delegate("t1", "qa"));
    bench.hear(&TRANSCRIPT, ran("t1", json!({ "status": "completed", "agentId": "a1" })));
    bench.wait(PATIENCE_MILLIS);
    assert_eq!(bench.delegations(), ["t1 qa Started", "t1 qa Completed"]);
}

#[test]
fn a_launch_that_is_heard_of_late_takes_a_presumed_end_back() {
    let mut bench = bench();
    bench.hear(&HOOK, delegate("t1", "qa")).hear(&HOOK, Fact::BatchOver { calls: vec!["t1".into()] });
    bench.wait(3_000).hear(&TRANSCRIPT, launched("t1", "a1")).wait(2 * PATIENCE_MILLIS);
    assert_eq!(bench.delegations(), ["t1 qa Started"]);
    assert_eq!(bench.hear(&TRANSCRIPT, ended("a1")).delegations(), ["t1 qa Started", "t1 qa Completed"]);
}

#[test]
fn what_nobody_takes_back_is_told_when_patience_is_over_and_not_before() {
    let mut bench = bench();
    bench.hear(&HOOK, delegate("t1", "qa")).hear(&HOOK, Fact::TurnOver { running: None });
    assert_eq!(bench.wait(PATIENCE_MILLIS - 1).delegations(), ["t1 qa Started"]);
    assert_eq!(bench.wait(1).delegations(), ["t1 qa Started", "t1 qa Failed Interrupted"]);
    assert_eq!(bench.detector.due(), None);
    let took = bench.told.iter().filter_map(|told| match &told.body {
        Some(Body::Delegation(delegation)) => delegation.duration_ms,
        _ => None,
    });
    assert_eq!(took.collect::<Vec<_>>(), [1], "the wait is not part of it");
}

/// A follower that starts again reads prompts that are older than the call.
#[test]
fn an_old_turn_that_is_told_again_ends_nothing() {
    let mut bench = bench();
    bench.hear(&TRANSCRIPT, Fact::Prompted).hear(&TRANSCRIPT, delegate("t1", "qa"));
    bench.hear_at(&TRANSCRIPT, None, 1, Fact::Prompted).wait(2 * PATIENCE_MILLIS);
    assert_eq!(bench.delegations(), ["t1 qa Started"]);
}

#[test]
fn an_agent_may_be_heard_of_before_its_call() {
    let mut bench = bench();
    bench.hear(&TRANSCRIPT, begins("a1", "t1")).hear(&HOOK, delegate("t1", "qa"));
    bench.hear(&TRANSCRIPT, back("t1", Outcome::Rejected));
    assert_eq!(bench.delegations(), ["t1 qa Started", "t1 qa Failed Interrupted"], "it had begun");
}

#[test]
fn a_refusal_is_one_although_the_question_is_heard_of_after_the_answer() {
    let input = json!({ "subagent_type": "qa", "description": "work", "prompt": "do" });
    let mut bench = bench();
    bench.hear(&TRANSCRIPT, delegate("t1", "qa")).hear(&TRANSCRIPT, back("t1", Outcome::Rejected));
    bench.hear(&HOOK, delegate("t1", "qa"));
    bench.hear(&HOOK, asked("Agent", input));
    assert_eq!(bench.delegations(), ["t1 qa Started", "t1 qa Failed Denied"]);
    assert_eq!(bench.activities(), ["Busy"], "and nobody waits any more");
}

#[test]
fn the_screen_is_believed_when_no_better_source_has_spoken_for_long_enough() {
    let mut alone = bench();
    alone.hear(&Source::Screen, delegate("screen-1", "qa"));
    assert_eq!(alone.wait(PATIENCE_MILLIS - 1).delegations(), [""; 0]);
    assert_eq!(alone.wait(1).delegations(), ["screen-1 qa Started"]);
    let mut behind = bench();
    behind.hear(&Source::Screen, delegate("screen-1", "qa")).wait(3_000).hear(&HOOK, delegate("t1", "qa"));
    behind.hear(&Source::Screen, ran("screen-1", Value::Null)).wait(2 * PATIENCE_MILLIS);
    assert_eq!(behind.delegations(), ["t1 qa Started"]);
}

#[test]
fn a_wait_that_the_state_file_told_first_is_told_once() {
    let input = json!({ "command": "rm x" });
    let mut bench = bench();
    bench.hear(&TRANSCRIPT, Fact::State(ActivityState::Busy));
    bench.hear(&TRANSCRIPT, Fact::State(ActivityState::NeedsPermission));
    bench.hear(&HOOK, Fact::Prompted).hear(&HOOK, call("t1", "Bash", input.clone()));
    bench.hear(&TRANSCRIPT, Fact::State(ActivityState::Busy));
    bench.wait(1_000).hear(&HOOK, asked("Bash", input));
    bench.hear(&HOOK, ran("t1", json!({ "stdout": "" })));
    assert_eq!(bench.activities(), ["Busy", "NeedsPermission", "Busy"]);
}

#[test]
fn a_question_that_is_posted_twice_waits_once() {
    let input = json!({ "command": "rm x" });
    let mut bench = bench();
    bench.hear(&HOOK, call("t1", "Bash", input.clone()));
    for _ in 0..2 {
        bench.hear(&HOOK, asked("Bash", input.clone()));
    }
    bench.hear(&HOOK, ran("t1", json!({ "stdout": "" })));
    assert_eq!(bench.activities(), ["Busy", "NeedsPermission Bash", "Busy"]);
}

/// The hook of the first change was lost; the transcript tells of it when the second is known already.
#[test]
fn a_change_that_is_heard_of_late_does_not_undo_a_newer_one() {
    let mut bench = bench();
    let update = |id: &str, status: &str| call(id, "TaskUpdate", json!({ "taskId": "1", "status": status }));
    let done = |id: &str| ran(id, json!({ "success": true, "taskId": "1" }));
    bench.hear(&HOOK, call("t1", "TaskCreate", json!({ "subject": "A" })));
    bench.hear(&HOOK, ran("t1", json!({ "task": { "id": "1", "subject": "A" } })));
    let of_the_first = bench.now + 1;
    bench.wait(10).hear(&HOOK, update("t3", "completed")).hear(&HOOK, done("t3"));
    bench.hear_at(&TRANSCRIPT, None, of_the_first, update("t2", "in_progress"));
    bench.hear_at(&TRANSCRIPT, None, of_the_first, done("t2"));
    let lists: Vec<_> = bench
        .told
        .iter()
        .filter_map(|told| match &told.body {
            Some(Body::Todos(update)) => Some(update.todos[0].status),
            _ => None,
        })
        .collect();
    use crate::event::work::TodoStatus::{Completed, Pending};
    assert_eq!(lists, [Pending, Completed]);
}

#[test]
fn the_list_of_an_agent_that_has_ended_does_not_come_back() {
    let mut bench = bench();
    let write = || call("t2", "TodoWrite", json!({ "todos": [{ "content": "A", "status": "pending" }] }));
    bench.hear(&HOOK, delegate("t1", "qa")).hear(&HOOK, ran("t1", json!({ "agentId": "a1" })));
    bench.hear_in(&TRANSCRIPT, agent("a1", "qa"), write());
    bench.hear_in(&TRANSCRIPT, agent("a1", "qa"), ran("t2", Value::Null));
    assert!(!bench.told.iter().any(|told| matches!(told.body, Some(Body::Todos(_)))));
}

#[test]
fn a_message_with_a_lost_piece_is_left_to_others_and_lines_that_are_read_again_are_no_new_messages() {
    let mut bench = bench();
    let shown = |index, delta: &str| {
        let (message_id, is_final) = ("m".into(), delta == "c");
        Fact::Shown(Shown { message_id, index: Some(index), delta: delta.into(), is_final })
    };
    bench.hear(&HOOK, shown(0, "a")).hear(&HOOK, shown(2, "c"));
    assert_eq!(bench.messages(), [""; 0]);
    let said = || Fact::Said { role: Role::Assistant, text: "abc".into(), message_id: Some("u".into()) };
    bench.hear(&TRANSCRIPT, said()).hear(&TRANSCRIPT, said());
    assert_eq!(bench.messages(), ["abc"]);
}
