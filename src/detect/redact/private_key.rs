//! Blocks of private keys (RFC 7468, OpenSSH, PGP), whole or cut, also where their newlines are escapes.

use super::judge::is_key_material;
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// What stands in its place says so.
pub(super) const KIND: &str = "private_key";
/// No block is without it.
pub(super) const MARK: &str = "PRIVATE KEY";

static BEGIN: LazyLock<Regex> = LazyLock::new(|| compile("BEGIN"));
static END: LazyLock<Regex> = LazyLock::new(|| compile("END"));

fn compile(word: &str) -> Regex {
    Regex::new(&format!("-----{word} [A-Z0-9 ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----"))
        .expect("the tests compile it")
}

/// Where blocks are. One without its end goes as far as there is key material; where there is none, the text only
/// speaks of keys.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(begin) = BEGIN.find_at(text, from) {
        let Some(end) = end_behind(text, begin.end()) else {
            // None of those behind it has an end either: the text is looked at once.
            found.extend(is_key_material(&text[begin.end()..]).then_some(begin.start()..text.len()));
            break;
        };
        found.push(begin.start()..end);
        from = end;
    }
    found
}

/// Where a block begins that a cut has left without its end, or with less of it than shows by itself.
pub(super) fn begun(text: &str) -> Option<usize> {
    let begin = BEGIN.find_iter(text).last().filter(|begin| end_behind(text, begin.end()).is_none())?;
    (!is_strange(&text[begin.end()..])).then_some(begin.start())
}

/// Where a block ends that has begun before `from`.
pub(super) fn end_behind(text: &str, from: usize) -> Option<usize> {
    END.find_at(text, from).map(|end| end.end())
}

/// Where a block begins that goes on in what follows this text.
pub(super) fn opens(text: &str) -> Option<usize> {
    let begin = BEGIN.find_iter(text).last().filter(|begin| end_behind(text, begin.end()).is_none())?;
    let rest = &text[begin.end()..];
    (is_key_material(rest) || is_end_of_line(rest)).then_some(begin.start())
}

/// Nothing stands there but the end of the line, be it one of code.
fn is_end_of_line(rest: &str) -> bool {
    let plain = rest.replace("\\n", "").replace("\\r", "");
    let is_code = plain.len() < rest.len();
    let may_be = |c: char| c.is_whitespace() || matches!(c, '|' | '│') || is_code && "\"'`+\\,".contains(c);
    plain.chars().all(may_be)
}

/// Whether the line has nothing of a block: it is a sentence, no base64 and no header of the block.
pub(super) fn is_strange(line: &str) -> bool {
    let line = line.trim();
    let is_header = || {
        let name = line.split_once(": ").map_or("", |(name, _)| name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
    };
    line.contains(' ') && !is_key_material(line) && !is_header()
}
