//! Prompts and keys.

use crate::place::Place;
use serde_json::json;
use test_support::DEADLINE;

/// All in one session, one after the other.
#[test]
fn a_prompt_that_is_typed_while_claude_is_idle_is_taken_as_it_was_given() {
    let place = Place::with_claude(&[]);
    place.wait_ready();
    let long = "a word and another, ".repeat(150);
    let texts = [
        "one line",
        "three\nlines of\n  text",
        &long,
        "Gr\u{fc}\u{df}e, \u{65e5}\u{672c}\u{8a9e} \u{1f600}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "!ls -la",
        "/help me",
        "/etc/hosts is a file",
        "a\ttab and blanks behind   ",
        "# a heading",
        "ends with a backslash \\",
    ];
    for (number, text) in texts.iter().enumerate() {
        let (outcomes, last) = place.hands.type_now(text).end();
        assert_eq!(outcomes, ["typed", "accepted"], "{text:?} {last:?}\n{}", place.terminal.screen());
        let expected = match text.starts_with(['!', '/']) {
            true => format!(" {text}"),
            false => text.trim_end().replace('\t', "    "),
        };
        place.wait_prompt(&expected);
        place.wait_idle(number + 2);
    }
    place.leave();
}

#[test]
fn what_cannot_be_typed_now_is_rejected_or_waits_as_asked() {
    let place = Place::with_claude(&[]);
    place.wait_ready();
    place.user_submits("DEMO:sub-slow-qa");
    place.wait_activity("busy");
    let (outcomes, last) = place.hands.type_now("too early").end();
    assert_eq!((outcomes, last.reason.as_str()), (vec!["rejected".to_owned()], "claude is busy"));
    let mut soon = place.hands.type_soon("when you are free");
    assert_eq!(soon.step().outcome, "queued");
    let later = place.hands.type_soon("and then this");
    let (outcomes, last) = soon.end();
    assert_eq!(outcomes, ["typed", "accepted"], "{last:?}\n{}", place.terminal.screen());
    assert_eq!(later.end().0, ["queued", "typed", "accepted"]);
    place.wait_prompts(&["DEMO:sub-slow-qa", "when you are free", "and then this"]);
    for text in ["with an escape \u{1b}[A", "   "] {
        assert_eq!(place.hands.type_now(text).end().0, ["rejected"], "{text:?}");
    }
    place.leave();
}

#[test]
fn a_draft_of_the_users_stays_as_it_is() {
    let place = Place::with_claude(&[]);
    place.wait_ready();
    place.user_types("my own dra");
    place.terminal.wait_for(|screen| screen.contains("my own dra"), DEADLINE);
    let (outcomes, last) = place.hands.type_now("somebody else's").end();
    assert_eq!(outcomes, ["rejected"]);
    assert_eq!(last.reason, "something is typed at claude's prompt that was not submitted");
    let waits = place.hands.type_soon("somebody else's, later");
    place.user_types("ft\r");
    assert_eq!(waits.end().0, ["queued", "typed", "accepted"]);
    place.wait_prompts(&["my own draft", "somebody else's, later"]);
    assert!(!place.terminal.history().contains("somebody else'sft"));
    place.leave();
}

#[test]
fn nothing_is_typed_into_a_dialog_of_claudes_own() {
    let place = Place::with_claude(&[]);
    place.wait_ready();
    place.user_submits("/help");
    place.terminal.wait_for(|screen| screen.contains("help"), DEADLINE);
    let (outcomes, last) = place.hands.type_now("not into the dialog").end();
    assert_eq!(outcomes, ["rejected"], "{last:?}\n{}", place.terminal.screen());
    place.user_types("\x1b");
    place.terminal.wait_for(|screen| screen.contains("dismissed"), DEADLINE);
    let (outcomes, last) = place.hands.type_soon("now").end();
    assert_eq!(
        outcomes.last().map(String::as_str),
        Some("accepted"),
        "{last:?}\n{}",
        place.terminal.screen()
    );
    place.leave();
}

#[test]
fn a_question_of_claudes_is_not_answered_by_what_is_typed() {
    let place = Place::with_claude(&[]);
    place.wait_ready();
    place.user_submits("DEMO:touch");
    place.wait_activity("needs_permission");
    let asks = |screen: &str| screen.contains("1. Yes");
    place.terminal.wait_for(asks, DEADLINE);
    for order in [
        json!({ "command": "send_input", "text": "hello" }),
        json!({ "command": "send_keys", "keys": ["Enter"] }),
        json!({ "command": "send_keys", "keys": ["Escape", "1"] }),
    ] {
        let (outcomes, last) = place.hands.ask(order.clone()).end();
        assert_eq!(outcomes, ["rejected"], "{order}");
        assert!(last.reason.starts_with("a permission is pending"), "{last:?}");
    }
    assert!(asks(&place.terminal.screen()), "the dialog stays");
    let (outcomes, _) = place.hands.ask(json!({ "command": "send_keys", "keys": ["Escape"] })).end();
    assert_eq!(outcomes, ["typed"]);
    place.wait_activity("idle");
    place.leave();
}

#[test]
fn keys_are_typed_one_by_one() {
    let place = Place::with_claude(&[]);
    place.wait_ready();
    let keys = json!({ "command": "send_keys", "keys": ["4", "2", "Left", "0"] });
    assert_eq!(place.hands.ask(keys).end().0, ["typed"]);
    place.terminal.wait_for(|screen| screen.contains("402"), DEADLINE);
    assert_eq!(place.hands.type_now("on top of it").end().0, ["rejected"]);
    assert_eq!(place.hands.ask(json!({ "command": "send_keys", "keys": ["C-c"] })).end().0, ["typed"]);
    place.terminal.wait_for(|screen| !screen.contains("402"), DEADLINE);
    let into_nothing = place.hands.type_now("into an empty prompt").end();
    assert_eq!(into_nothing.0, ["typed", "accepted"], "{into_nothing:?}");
    place.leave();
}

#[test]
fn a_text_that_is_not_submitted_is_a_draft() {
    let place = Place::with_claude(&[]);
    place.wait_ready();
    let draft = json!({ "command": "send_input", "text": "for you to finish", "submit": false });
    assert_eq!(place.hands.ask(draft).end().0, ["typed"]);
    place.terminal.wait_for(|screen| screen.contains("for you to finish"), DEADLINE);
    assert_eq!(place.hands.type_now("another").end().0, ["rejected"]);
    place.wait_prompts(&[]);
    place.leave();
}

/// Claude puts a prompt back that it was interrupted at before it came to anything; what is typed next must not stand
/// behind it.
#[test]
fn a_prompt_that_was_put_back_is_cleared_only_where_nobody_may_want_it() {
    let place = Place::with_claude(&[]);
    place.wait_ready();
    let put_back = |screen: &str| screen.contains("DEMO:thinks-long") && !screen.contains("esc to interrupt");
    let begin = || {
        let (outcomes, last) = place.hands.type_soon("DEMO:thinks-long").end();
        assert_eq!(last.outcome, "accepted", "{outcomes:?} {last:?}\n{}", place.terminal.screen());
        place.wait_activity("busy");
    };
    begin();
    assert_eq!(place.hands.ask(json!({ "command": "interrupt" })).end().0, ["done"]);
    place.terminal.wait_for(put_back, DEADLINE);
    let (outcomes, last) = place.hands.type_now("something else, DEMO:thinks-long").end();
    assert_eq!(outcomes, ["typed", "accepted"], "{last:?}\n{}", place.terminal.screen());
    assert_eq!(place.hands.ask(json!({ "command": "interrupt" })).end().0, ["done"]);
    begin();
    place.user_types("\x1b");
    place.terminal.wait_for(put_back, DEADLINE);
    place.wait_activity("idle");
    let (outcomes, last) = place.hands.type_now("behind what the user may want").end();
    assert_eq!(outcomes, ["rejected"], "{last:?}\n{}", place.terminal.screen());
    place.terminal.wait_for(put_back, DEADLINE);
    place.leave();
}
