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
        b"\x1b[A\x03",
        b"abc\x15",
        b"a\\\rb\r",
        b"a\\ \r",
        b"\x1b[D\x1b[H\x1bOC\x1b[1~",
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

#[test]
fn what_answers_a_question_is_no_draft_and_what_follows_on_the_answer_may_be() {
    for (typed, is_empty) in [
        (&b"1"[..], true),
        (b"\x1b[B\r", true),
        (b"\x1b[B", false),
        (b"y", true),
        (b"1 and", true),
        (b"1\x1b[200~and more", false),
    ] {
        let mut draft = Draft::new(true);
        draft.works(Work::Asking, 10);
        draft.feed(typed, 1000, true);
        draft.works(Work::Answering, 1100);
        assert_eq!(draft.prompt() == Prompt::Empty, is_empty, "{}", typed.escape_ascii());
        let mut late = Draft::new(true);
        late.works(Work::Asking, 10);
        late.feed(typed, 1000, true);
        late.works(Work::Answering, 1000 + ANSWERED);
        assert!(late.prompt() == Prompt::Empty || late.strokes.is_pasting(), "it was long before the answer");
    }
    let mut draft = Draft::new(true);
    draft.feed(b"begun", 0, true);
    draft.works(Work::Asking, 1);
    draft.feed(b"1", 2, true);
    draft.works(Work::Answering, 3);
    assert!(draft.prompt() == Prompt::Draft, "what was there before stays");
    let mut told_late = Draft::new(true);
    told_late.feed(b"1", 20, true);
    told_late.works(Work::Asking, 10);
    told_late.works(Work::Answering, 30);
    assert!(told_late.prompt() == Prompt::Empty, "it has gone into the question");
}

#[test]
fn a_lone_escape_is_a_key_and_begins_no_sequence() {
    let mut draft = Draft::new(true);
    draft.feed(b"\x1b", 10, true);
    draft.feed(b"[x", 10 + ALONE + 1, true);
    assert_eq!(draft.prompt(), Prompt::Draft, "two characters");
    draft.feed(b"\x7f\x7f", 200, true);
    assert_eq!(draft.prompt(), Prompt::Empty);
    draft.feed(b"\x1b", 310, true);
    draft.feed(b"[D", 312, true);
    assert_eq!(draft.prompt(), Prompt::Empty, "it was the half of a key that moves");
}

/// Measured with claude 2.1.197.
#[test]
fn what_is_interrupted_before_it_came_to_anything_is_put_back() {
    for (work, is_users, expected) in [
        (Work::Idle, true, Prompt::Empty),
        (Work::Begun, true, Prompt::Draft),
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
