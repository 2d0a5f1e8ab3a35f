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
    // That it is open is told.
    place.wait_activity("needs_permission");
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

/// What the user began as a command for the shell and took away again leaves claude such that it would run what is sent.
#[test]
fn what_is_sent_is_a_prompt_wherever_the_user_has_left_the_shell_mode() {
    let place = Place::with_claude(&[]);
    place.wait_ready();
    let is_for_shell = |screen: &str| screen.contains("! for shell mode");
    for (number, (begun, keys, is_shell)) in [
        (&["!", "ls"][..], &["\x15"][..], true),
        (&["!", "ls"], &["\x03"], true),
        (&["\x1b[200~!ls\x1b[201~"], &["\x03"], true),
        (&["!", "ls"], &["\x03", "\x7f"], false),
        (&["!", "ls"], &["\x15", "\x15"], false),
    ]
    .into_iter()
    .enumerate()
    {
        for key in begun {
            place.user_types(key);
            place.terminal.wait_for(is_for_shell, DEADLINE);
        }
        let is_begun = |line: &str| line.starts_with('!') && line.trim_end().ends_with("ls");
        let stands = |screen: &str| screen.lines().any(is_begun);
        place.terminal.wait_for(stands, DEADLINE);
        for key in keys {
            place.user_types(key);
            place.terminal.wait_for(|screen| !stands(screen), DEADLINE);
        }
        place.terminal.wait_for(|screen| is_for_shell(screen) == is_shell, DEADLINE);
        let text = format!("touch by-the-shell-{number}");
        let (outcomes, last) = place.hands.type_now(&text).end();
        assert_eq!(outcomes, ["typed", "accepted"], "{keys:?} {last:?}\n{}", place.terminal.screen());
        place.wait_prompt(&text);
        place.wait_idle(number + 2);
    }
    place.leave();
}

#[test]
fn nothing_is_typed_where_a_menu_may_be_open_until_the_user_has_sent_a_prompt() {
    let place = Place::with_claude(&[]);
    place.wait_ready();
    let mut turns = 1;
    for (keys, shown) in [(&["\x1b", "\x1b"][..], "Rewind"), (&["\x12"], "search prompts")] {
        for key in keys {
            place.user_types(key);
            // Longer than an Escape waits to become another key, and shorter than two of them are one.
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        place.terminal.wait_for(|screen| screen.contains(shown), DEADLINE);
        place.user_types("\x03");
        let (outcomes, last) = place.hands.type_now("not into the menu").end();
        assert_eq!(outcomes, ["rejected"], "{shown} {last:?}\n{}", place.terminal.screen());
        assert!(last.reason.starts_with("it is not known whether claude's prompt is empty"), "{last:?}");
        place.user_types("\x1b");
        place.terminal.wait_for(|screen| !screen.contains(shown), DEADLINE);
        place.user_submits("and on with it");
        place.wait_idle(turns + 1);
        let (outcomes, last) = place.hands.type_now("now it is known").end();
        assert_eq!(outcomes, ["typed", "accepted"], "{last:?}\n{}", place.terminal.screen());
        turns += 2;
        place.wait_idle(turns);
    }
    place.leave();
}

#[test]
fn where_claude_tells_of_no_prompts_one_is_typed_behind_the_other() {
    let place = Place::with_settings(json!({ "disableAllHooks": true }));
    place.terminal.wait_for(|screen| screen.contains("for shortcuts"), DEADLINE);
    place.user_submits("typed by the user");
    for text in ["the first", "the second", "the third"] {
        let (outcomes, last) = place.hands.type_soon(text).end();
        assert_eq!(last.outcome, "typed", "{outcomes:?} {last:?}\n{}", place.terminal.screen());
        place.terminal.wait_for(|screen| screen.contains(&format!("\u{276f} {text}")), DEADLINE);
    }
    place.leave();
}
