//! Interrupted, stopped, started again.

use crate::place::{Place, messages};
use serde_json::json;
use test_support::DEADLINE;

#[test]
fn what_claude_does_is_interrupted_and_claude_is_not() {
    let place = Place::with_claude(&[]);
    place.wait_ready();
    let interrupt = || place.hands.ask(json!({ "command": "interrupt" })).end();
    let (outcomes, last) = interrupt();
    assert_eq!(
        (outcomes, last.reason.as_str()),
        (vec!["rejected".to_owned()], "claude is idle: there is nothing to interrupt")
    );
    place.user_submits("DEMO:sub-endless");
    place.client.wait_for(|received| !received.of("hook.pre_tool").is_empty());
    let (outcomes, last) = interrupt();
    assert_eq!(outcomes, ["done"], "{last:?}");
    place.wait_activity("idle");
    let (outcomes, last) = place.hands.type_now("and now this").end();
    assert_eq!(outcomes, ["typed", "accepted"], "{last:?}\n{}", place.terminal.screen());
    place.leave();
}

#[test]
fn claude_is_stopped_and_the_session_says_so() {
    let place = Place::with_claude(&[]);
    place.wait_ready();
    let stop = place.hands.ask(json!({ "command": "stop", "grace_seconds": 10 }));
    assert_eq!(stop.end().0, ["done"]);
    let received = place.client.wait_close();
    assert_eq!(received.of("session.end")[0]["reason"], "stopped");
    place.terminal.wait_exit(DEADLINE);
}

#[test]
fn one_that_does_not_heed_a_stop_is_killed_after_its_grace_or_by_a_second_stop() {
    for seconds in [0, 600] {
        let script = "trap '' TERM HUP; echo up; while :; do read x; done";
        let place = Place::with_program("/bin/sh", &["-c", script]);
        place.terminal.wait_for(|screen| screen.contains("up"), DEADLINE);
        let stop = || place.hands.ask(json!({ "command": "stop", "grace_seconds": seconds }));
        let first = stop();
        if seconds > 0 {
            // Orders of two connections may change places, and both mean the same.
            assert_eq!(stop().end().0, ["done"]);
        }
        assert_eq!(first.end().0, ["done"]);
        let received = place.client.wait_close();
        assert_eq!(received.of("session.end")[0]["signal"], 9);
        place.terminal.wait_exit(DEADLINE);
    }
}

#[test]
fn claude_is_started_again_in_the_same_conversation() {
    let place = Place::with_claude(&["DEMO:hello at the beginning"]);
    place.wait_idle(1);
    assert_eq!(place.hands.type_now("remember this").end().0, ["typed", "accepted"]);
    place.wait_idle(2);
    let before = place.client.wait_for(|_| true);
    let (outcomes, last) = place.hands.ask(json!({ "command": "restart", "grace_seconds": 10 })).end();
    assert_eq!(outcomes, ["done"], "{last:?}");
    let after = place.client.wait_for(|received| received.of("claude.status").len() >= 5);
    let said = messages(&after);
    assert!(said[2].ends_with("it is started again, as was asked"), "{said:#?}");
    assert_eq!(said[3], "Claude is starting again, as was asked");
    let (outcomes, last) = place.hands.type_soon("do you remember?").end();
    assert_eq!(
        outcomes.last().map(String::as_str),
        Some("accepted"),
        "{last:?}\n{}",
        place.terminal.screen()
    );
    assert!(place.terminal.history().contains("remember this"), "{}", place.terminal.history());
    let after = place.client.wait_for(|received| received.of("hook.user_prompt").len() >= 3);
    let prompts = after.of("hook.user_prompt");
    assert_eq!(prompts.len(), 3, "the first prompt is not given again");
    assert_eq!(prompts[2]["session_id"], before.of("hook.user_prompt")[0]["session_id"]);
    assert_eq!((after.of("session.start").len(), after.of("session.end").len()), (1, 0));
    place.leave();
}

#[test]
fn a_program_that_is_not_claude_is_typed_to_interrupted_and_started_again() {
    let script = "echo start $$; while read line; do echo \"<$line>\"; done";
    let place = Place::with_program("/bin/sh", &["-c", script]);
    assert_eq!(place.hands.type_soon("hello").end().0, ["queued", "typed"]);
    place.terminal.wait_for(|screen| screen.contains("<hello>"), DEADLINE);
    assert_eq!(place.hands.ask(json!({ "command": "restart" })).end().0, ["done"]);
    place.terminal.wait_for(|screen| screen.matches("start ").count() == 2, DEADLINE);
    place.user_types("typed\r");
    place.terminal.wait_for(|screen| screen.contains("<typed>"), DEADLINE);
    assert_eq!(place.hands.ask(json!({ "command": "interrupt" })).end().0, ["done"]);
    let received = place.client.wait_close();
    assert_eq!(received.of("session.end")[0]["signal"], 2);
    place.terminal.wait_exit(DEADLINE);
}

#[test]
fn what_was_typed_to_one_that_did_not_read_it_is_not_read_by_the_next() {
    let script = "echo start; [ -e mark ] || { touch mark; exec sleep 600; }; \
        while read line; do echo \"<$line>\"; done";
    let place = Place::with_program("/bin/sh", &["-c", script]);
    place.terminal.wait_for(|screen| screen.contains("start"), DEADLINE);
    assert_eq!(place.hands.type_soon("for the first").end().1.outcome, "typed");
    assert_eq!(place.hands.ask(json!({ "command": "restart" })).end().0, ["done"]);
    place.terminal.wait_for(|screen| screen.matches("start").count() == 2, DEADLINE);
    assert_eq!(place.hands.type_soon("for the second").end().1.outcome, "typed");
    place.terminal.wait_for(|screen| screen.contains("<for the second>"), DEADLINE);
    let screen = place.terminal.screen();
    assert!(!screen.contains("<for the first>"), "{screen}");
    place.leave();
}
