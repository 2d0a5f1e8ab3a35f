//! Blocks of private keys (RFC 7468, OpenSSH, PGP), whole or cut, also where their newlines are escapes.
//!
//! A block is what a key is made of, and no longer: whatever else stands between its first and its last line is shown.
//! Otherwise two such lines would hide a command from who is asked to allow it.

use super::judge::is_key_material;
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// What stands in its place says so.
pub(super) const KIND: &str = "private_key";
/// No block is without it.
pub(super) const MARK: &str = "PRIVATE KEY";
/// Letters of base64 that are a line of a key, and no word.
const WORD: usize = 16;

static BEGIN: LazyLock<Regex> =
    LazyLock::new(|| compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"));
static END: LazyLock<Regex> =
    LazyLock::new(|| compile(r"\A-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"));
/// Lines of its own, and nothing a shell acts on.
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"\A(?:Proc-Type|DEK-Info|Version|Comment|Charset|Hash|MessageID): ?(?:[A-Za-z0-9 ,.:+/=()@]|-[A-Za-z0-9]){0,120}",
    )
});
/// What stands between lines of a block: space, escapes of newlines, what surrounds lines in code, listings and frames.
static BETWEEN: LazyLock<Regex> =
    LazyLock::new(|| compile(r#"\A(?:\\{1,3}[nrt]|[0-9]{1,6}[→\t]|[\s"'+,|│┃⎿\\])+"#));
static LETTERS: LazyLock<Regex> = LazyLock::new(|| compile(r"\A[A-Za-z0-9+/=]+"));

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the tests compile it")
}

/// How much of a text belongs to a block that has begun in front of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Body {
    /// So many bytes, with the end of the block where it is there.
    pub(super) len: usize,
    /// The block ends there.
    pub(super) has_end: bool,
    /// There is a line of a key in it.
    pub(super) has_key: bool,
    /// Nothing else stands in the text.
    pub(super) is_all: bool,
}

/// What is known of a text in which a block may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The block begins in front of it.
    First,
    /// Lines of the block have been seen, so that a short one may be the first.
    Line,
    /// It ends anywhere, even within a line.
    Cut,
}

/// Reads what belongs to a block.
pub(super) fn body(text: &str, place: Place) -> Body {
    let mut body = Body::default();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let len = |pattern: &Regex| pattern.find(rest).map(|found| found.end());
        if rest.is_empty() {
            return Body { is_all: true, ..body };
        }
        if let Some(end) = len(&END) {
            return Body { len: at + end, has_end: true, is_all: at + end == text.len(), ..body };
        }
        if let Some(space) = len(&BETWEEN) {
            at += space;
            continue;
        }
        match len(&HEADER).or_else(|| len(&LETTERS).filter(|end| is_line(rest, *end, &mut body, place))) {
            Some(end) => at += end,
            None => return body,
        }
        body.len = at;
    }
}

/// Whether so much of the text is a line of a key. A short one is the last: nothing but the end of the block is behind it.
fn is_line(text: &str, end: usize, body: &mut Body, place: Place) -> bool {
    let (word, behind) = text.split_at(end);
    if word.len() >= WORD {
        body.has_key |= is_key_material(word);
        return is_key_material(word) || behind.is_empty() && place == Place::Cut;
    }
    let behind = &behind[BETWEEN.find(behind).map_or(0, |found| found.end())..];
    let is_word = word.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_last = !is_word && (behind.is_empty() || END.is_match(behind));
    is_last && (body.has_key || place != Place::First) || behind.is_empty() && place == Place::Cut
}

/// Where blocks are. One without a line of a key is none: the text only speaks of keys.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(begin) = BEGIN.find_at(text, from) {
        let body = body(&text[begin.end()..], Place::First);
        from = begin.end() + body.len;
        if body.has_key {
            found.push(begin.start()..from);
        }
    }
    found
}

/// Where a block begins that goes on to the end of a text that was cut, though it be with no line of a key.
pub(super) fn begun(text: &str) -> Option<usize> {
    let begin = BEGIN.find_iter(text).last()?;
    let body = body(&text[begin.end()..], Place::Cut);
    (body.is_all && !body.has_end).then_some(begin.start())
}

/// Where a block begins that goes on in what follows this text.
pub(super) fn opens(text: &str) -> Option<usize> {
    let begin = BEGIN.find_iter(text).last()?;
    let rest = &text[begin.end()..];
    let body = body(rest, Place::First);
    (body.is_all && !body.has_end && (body.has_key || is_end_of_line(rest))).then_some(begin.start())
}

/// Nothing stands there but the end of the line, be it one of code.
fn is_end_of_line(rest: &str) -> bool {
    let plain = rest.replace("\\n", "").replace("\\r", "");
    let is_code = plain.len() < rest.len();
    let may_be = |c: char| c.is_whitespace() || matches!(c, '|' | '│') || is_code && "\"'`+\\,".contains(c);
    plain.chars().all(may_be)
}
