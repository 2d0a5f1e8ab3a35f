//! Keys, and what they leave at the prompt.

use super::*;

/// Fed at once, and byte by byte.
fn is_empty_after(typed: &[u8], is_told: bool) -> bool {
    let mut whole = Draft::new(is_told);
    whole.feed(typed, 0, true);
    let mut cut = Draft::new(is_told);
    typed.iter().for_each(|byte| cut.feed(&[*byte], 0, true));
    let is_empty = |draft: &Draft| draft.prompt() == Prompt::Empty;
    assert_eq!(is_empty(&whole), is_empty(&cut), "cut anywhere: {:?}", typed.escape_ascii().to_string());
    is_empty(&whole)
}

#[test]
fn what_is_typed_and_not_submitted_is_a_draft() {
    for typed in [
        &b"a"[..],
        b"\xc3\xa4\x7f\xc3\xa4",
        b"ab\x7f",
        b"a\rb",
        b"a\\\r",
        b"a\nb",
        b"\n",
        b"\x1b[200~pasted\x1b[201~",
        b"\x1b[200~",
        b"\x1b[A",
        b"\x1bOB",
        b"\x1b[57;1u",
        b"\x1b[13;2u",
        b"abc\x1b[D\x7f\x7f\x7f",
        b"abc\x01\x15",
        b"a\nb\x15",
        b"\t",
        b"\x12",
        b"\x1b\r",
        b"\x1b\x1b",
        b"x\x1b[27;2;13~",
        b"\x1b[C",
        b"\x1b[D",
        b"abcdefghi\x15",
        b"\x1b[A\x15",
        b"\x1b[200~one\ntwo\x1b[201~\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f",
    ] {
        assert!(!is_empty_after(typed, true), "{}", typed.escape_ascii());
    }
}

#[test]
fn what_is_submitted_or_taken_back_or_no_text_is_none() {
    for typed in [
        &b""[..],
        b"a\r",
        b"\r",
        b"ab\x7f\x7f",
        b"a\x7f\x7f\x7f",
        b"\xc3\xa4\x7f",
        b"abc\x03",
        b"abc\x15",
        b"a\\\rb\r",
        b"a\\ \r",
        b"\x1b[I\x1b[O",
        b"\x1b[<0;10;10M\x1b[<0;10;10m",
        b"\x1b[M !!",
        b"\x1b]11;rgb:0000/0000/0000\x1b\\",
        b"\x1b]11;rgb:0000/0000/0000\x07",
        b"\x1bP>|xterm(390)\x1b\\",
        b"\x1b[?62;c\x1b[12;40R\x1b[?1u",
        b"\x1b[97u\x1b[127u",
        b"\x1b[97;1:3u",
        b"abc\x1b[99;5u",
        b"\x1b[200~short\x1b[201~\x7f\x7f\x7f\x7f\x7f",
        b"\x1b[3~\x1b[5~",
    ] {
        assert!(is_empty_after(typed, false), "{}", typed.escape_ascii());
    }
}

#[test]
fn a_line_that_was_ended_counts_until_it_was_taken_where_that_is_told() {
    for typed in [&b"hello\r"[..], b"/model\r", b"see @fi\r", b"\x1b[A\r", b"a\r\r", b"\x1b[200~x\x1b[201~\r"]
    {
        assert!(is_empty_after(typed, false), "nobody tells: {}", typed.escape_ascii());
        let mut draft = Draft::new(true);
        draft.feed(typed, 10, true);
        assert!(draft.prompt() == Prompt::Draft, "{}", typed.escape_ascii());
        draft.taken(9);
        assert!(draft.prompt() == Prompt::Draft, "an earlier one was taken");
        draft.taken(10);
        assert!(draft.prompt() == Prompt::Empty);
    }
    let mut draft = Draft::new(true);
    draft.feed(b"/model\r", 10, true);
    draft.feed(b"x", 11, true);
    draft.taken(12);
    assert!(draft.prompt() == Prompt::Draft, "what was typed since stays");
}

/// Claude asks at 10, and goes on at the end.
fn answered(typed: &[u8], at: i64, is_elsewhere: bool) -> Prompt {
    let mut draft = Draft::new(true);
    draft.works(Work::Asking, 10);
    draft.feed(typed, at, true);
    if is_elsewhere {
        draft.answered_elsewhere(at + 100);
    }
    draft.works(Work::Answering, at + 100);
    draft.prompt()
}

#[test]
fn what_answers_a_question_is_no_draft_and_what_follows_on_the_answer_may_be() {
    for (typed, early, expected) in [
        (&b"1"[..], Prompt::Empty, Prompt::Empty),
        (b"\x1b[B\r", Prompt::Unsure, Prompt::Empty),
        (b"\x1b[B", Prompt::Unsure, Prompt::Empty),
        (b"y", Prompt::Empty, Prompt::Empty),
        (b"\r\x1b[B\r\r", Prompt::Unsure, Prompt::Empty),
        (b"1 and", Prompt::Unsure, Prompt::Unsure),
        (b"1x", Prompt::Unsure, Prompt::Unsure),
        (b"1\x03x", Prompt::Unsure, Prompt::Unsure),
        (b"1 and\\\r", Prompt::Unsure, Prompt::Unsure),
        (b"x\r", Prompt::Unsure, Prompt::Empty),
        (b"1\x1b[200~and more", Prompt::Draft, Prompt::Draft),
    ] {
        assert_eq!(answered(typed, 300, false), early, "before it is drawn: {}", typed.escape_ascii());
        assert_eq!(answered(typed, 1000, false), expected, "{}", typed.escape_ascii());
    }
    assert_eq!(answered(b"1", 300, true), Prompt::Unsure, "another answered, and it was not drawn yet");
    assert_eq!(answered(b"1", 1000, true), Prompt::Unsure, "another was as quick");
    assert_eq!(answered(b"\x1b[B", 1000, true), Prompt::Empty);
    let mut draft = Draft::new(true);
    draft.feed(b"begun", 0, true);
    draft.works(Work::Asking, 1);
    draft.feed(b"1", 2, true);
    draft.works(Work::Answering, 3);
    assert_eq!(draft.prompt(), Prompt::Draft, "what was there before stays");
    let mut told_late = Draft::new(true);
    told_late.feed(b"1", 20, true);
    told_late.works(Work::Asking, 10);
    told_late.works(Work::Answering, 30);
    assert_eq!(told_late.prompt(), Prompt::Draft, "it may have come before the question was drawn");
}

#[test]
fn one_question_behind_another_is_answered_too() {
    let mut draft = Draft::new(true);
    draft.works(Work::Asking, 10);
    draft.feed(b"1", 1000, true);
    draft.works(Work::Asking, 1100);
    draft.works(Work::Asking, 1100);
    draft.feed(b"1", 2000, true);
    draft.works(Work::Answering, 2100);
    assert_eq!(draft.prompt(), Prompt::Empty);
}

/// Measured with claude 2.1.197.
#[test]
fn what_follows_on_an_exclamation_mark_may_be_for_the_shell_until_it_is_let_go() {
    for (typed, expected) in [
        (&b"!ls\x15"[..], Prompt::Shell),
        (b"!ls\x03", Prompt::Shell),
        (b"!\x03", Prompt::Shell),
        (b"\x1b[200~!ls\x1b[201~\x03", Prompt::Shell),
        (b"abc\x1b[H!\x03", Prompt::Shell),
        (b"\x1b[A\x03", Prompt::Shell),
        (b"\t\x03", Prompt::Shell),
        (b"!ls\x03ab\x7f\x7f", Prompt::Shell),
        (b"!ls\x03\x03", Prompt::Shell),
        (b"!ls\x15\x15", Prompt::Empty),
        (b"!ls\x03\x7f", Prompt::Empty),
        (b"!ls\x7f\x7f\x7f", Prompt::Empty),
        (b"a!b\x03", Prompt::Empty),
        (b" !ls\x03", Prompt::Empty),
        (b"!ls\r", Prompt::Draft),
    ] {
        let mut draft = Draft::new(true);
        draft.feed(typed, 0, true);
        assert_eq!(draft.prompt(), expected, "{}", typed.escape_ascii());
    }
    let mut draft = Draft::new(true);
    draft.feed(b"!ls\x03", 0, true);
    draft.feed(b"\x15", 10, false);
    draft.feed(b"next\r", 20, false);
    draft.taken(30);
    assert_eq!(draft.prompt(), Prompt::Empty);
}

/// Measured with claude 2.1.197, in which `^C` leaves neither a dialog nor the menu that two Escapes open.
#[test]
fn where_a_menu_may_be_open_only_the_next_prompt_makes_it_known_that_there_is_none() {
    let twice: [(&[u8], i64); 2] = [(b"\x1b[27u", 0), (b"\x1b[27u", 800)];
    for keys in [&twice[..], &[(b"\x1b[D", 0)], &[(b"\x12", 0)], &[(b"\x1b\x1b", 0)], &[(b"\x1bp", 0)]] {
        let mut draft = Draft::new(true);
        keys.iter().for_each(|(bytes, at)| draft.feed(bytes, *at, true));
        for key in [&b"\x03"[..], b"\x7f", b"\x15"] {
            draft.feed(key, 5000, true);
            assert_eq!(draft.prompt(), Prompt::Unsure, "{keys:?} {}", key.escape_ascii());
        }
        draft.feed(b"\r", 7000, true);
        draft.feed(b"\x1b[27u", 9000, true);
        assert_eq!(draft.prompt(), Prompt::Draft, "what was picked may stand there: {keys:?}");
        draft.feed(b"hello\r", 11_000, true);
        assert_eq!(draft.prompt(), Prompt::Draft);
        draft.taken(11_005);
        assert_eq!(draft.prompt(), Prompt::Empty);
    }
    let mut slow = Draft::new(true);
    slow.feed(b"\x1b[27u", 0, true);
    slow.feed(b"\x1b[27u", 1000, true);
    assert_eq!(slow.prompt(), Prompt::Empty);
}

#[test]
fn a_dialog_that_a_line_has_opened_is_left_by_escape_where_it_is_told_and_nothing_was_picked() {
    for (is_told, picks, expected) in
        [(true, false, Prompt::Empty), (true, true, Prompt::Draft), (false, false, Prompt::Draft)]
    {
        for is_late in [false, true] {
            let mut draft = Draft::new(true);
            draft.feed(b"/model\r", 0, true);
            if is_told {
                draft.works(Work::Asking, 30);
            }
            draft.feed(if picks { b"\r" } else { b"\x03" }, 2000, true);
            if is_late {
                draft.works(Work::Idle, 4000);
            }
            draft.feed(b"\x1b[27u", 4000, true);
            draft.works(Work::Idle, 4010);
            let asked = if is_told && !is_late && !picks { Prompt::Unsure } else { expected };
            assert_eq!(draft.prompt(), asked, "{is_told} {picks} {is_late}");
        }
    }
}

#[test]
fn behind_an_escape_keys_may_be_commands_of_an_editor() {
    let mut draft = Draft::new(true);
    draft.feed(b"\x1b[27u", 0, true);
    draft.feed(b"p\x7f", 2000, true);
    assert_eq!(draft.prompt(), Prompt::Draft);
    draft.feed(b"\x15", 2000, true);
    assert_eq!(draft.prompt(), Prompt::Draft);
    draft.feed(b"\r", 2010, true);
    draft.taken(2020);
    draft.feed(b"p\x7f", 2030, true);
    assert_eq!(draft.prompt(), Prompt::Empty);
}

#[test]
fn what_was_put_aside_comes_back_with_the_next_prompt() {
    let mut draft = Draft::new(true);
    draft.feed(b"aside\x13\x03", 0, true);
    draft.feed(b"hello\r", 1000, true);
    draft.taken(1010);
    assert_eq!(draft.prompt(), Prompt::Unsure);
    draft.feed(b"\r", 2000, true);
    draft.taken(2010);
    assert_eq!(draft.prompt(), Prompt::Empty);
}

#[test]
fn where_prompts_turn_out_not_to_be_told_what_was_submitted_is_gone() {
    let mut draft = Draft::new(true);
    draft.feed(b"hello\r", 0, true);
    assert_eq!(draft.prompt(), Prompt::Draft);
    draft.is_untold();
    assert_eq!(draft.prompt(), Prompt::Empty);
    draft.feed(b"again\r", 10, true);
    assert_eq!(draft.prompt(), Prompt::Empty);
}

#[test]
fn in_the_middle_of_a_paste_or_a_key_nothing_comes_in_between() {
    for (typed, is_amid, is_later) in [
        (&b"a"[..], false, false),
        (b"\x1b", true, false),
        (b"\x1b[", true, false),
        (b"\x1b[A", false, false),
        (b"\x1b[200~half", true, true),
        (b"\x1b[200~whole\x1b[201~", false, false),
    ] {
        let mut draft = Draft::new(true);
        draft.feed(typed, 1000, true);
        assert_eq!(
            (draft.is_amid(1001), draft.is_amid(3000)),
            (is_amid, is_later),
            "{}",
            typed.escape_ascii()
        );
    }
}

#[test]
fn a_lone_escape_is_a_key_and_begins_no_sequence() {
    let mut draft = Draft::new(true);
    draft.feed(b"\x1b", 10, true);
    draft.feed(b"[x", 10 + ALONE + 1, true);
    assert_eq!(draft.prompt(), Prompt::Draft, "two characters");
    draft.feed(b"\x03", 200, true);
    assert_eq!(draft.prompt(), Prompt::Empty);
    draft.feed(b"\x1b", 310, true);
    draft.feed(b"[I", 312, true);
    assert_eq!(draft.prompt(), Prompt::Empty, "it was the half of a report");
}

/// Measured with claude 2.1.197.
#[test]
fn what_is_interrupted_before_it_came_to_anything_is_put_back() {
    for (work, is_users, expected) in [
        (Work::Idle, true, Prompt::Empty),
        (Work::Begun, true, Prompt::Unsure),
        (Work::Begun, false, Prompt::PutBack),
        (Work::Answering, true, Prompt::Empty),
        (Work::Answering, false, Prompt::Empty),
        (Work::Asking, true, Prompt::Empty),
        (Work::Asking, false, Prompt::Empty),
    ] {
        let mut draft = Draft::new(true);
        draft.feed(b"do it\r", 0, true);
        draft.taken(5);
        draft.works(work, 10);
        draft.feed(b"\x1b[27u", 2000, is_users);
        draft.works(Work::Idle, 3000);
        assert_eq!(draft.prompt(), expected, "{work:?} {is_users}");
    }
    let mut draft = Draft::new(true);
    draft.works(Work::Begun, 0);
    draft.feed(b"\x1b", 10, false);
    assert_eq!(draft.prompt(), Prompt::PutBack);
    draft.works(Work::Idle, 20);
    draft.feed(b"\x15", 30, false);
    assert_eq!(draft.prompt(), Prompt::Empty);
}
