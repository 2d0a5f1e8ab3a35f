//! Whether the prompt that claude says it has taken is the text that was typed. Pure.
//!
//! Claude changes a prompt a little (measured with 2.1.197): it is right-trimmed, CRLF becomes LF and TAB four blanks.
//! What the hub tells of it may be cut, and have secrets taken out.

/// Stands where a secret was.
const REDACTED: &str = "[REDACTED:";

/// What claude tells of a prompt that was typed so.
pub(super) fn as_taken(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\t', "    ");
    text.trim_end_matches(|last: char| last.is_whitespace() || last == '\u{feff}').to_owned()
}

/// Whether `told` is `typed`, both [`as_taken`]. `is_cut`: its end is missing.
pub(super) fn is_same(typed: &str, told: &str, is_cut: bool) -> bool {
    if typed == told || (is_cut && typed.starts_with(told)) {
        return true;
    }
    let mut pieces = told.split(REDACTED);
    let Some(mut rest) = pieces.next().and_then(|first| typed.strip_prefix(first)) else { return false };
    let Some(pieces) = pieces.map(behind_name).collect::<Option<Vec<&str>>>() else { return false };
    let Some((last, middle)) = pieces.split_last() else { return false };
    for piece in middle {
        match rest.split_once(piece) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    if is_cut { rest.contains(last) } else { rest.ends_with(last) }
}

/// What follows on `kind]`.
fn behind_name(piece: &str) -> Option<&str> {
    let (kind, behind) = piece.split_once(']')?;
    (!kind.is_empty() && !kind.contains(char::is_whitespace)).then_some(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claude_changes_a_prompt_a_little() {
        for (typed, taken) in
            [("hello", "hello"), ("  a \t\u{a0}\n ", "  a"), ("a\r\nb\tc", "a\nb    c"), (" !ls", " !ls")]
        {
            assert_eq!(as_taken(typed), taken);
        }
    }

    #[test]
    fn a_prompt_is_known_again_cut_and_with_its_secrets_taken_out() {
        for (typed, told, is_cut, expected) in [
            ("hello", "hello", false, true),
            ("hello", "hell", false, false),
            ("hello", "hell", true, true),
            ("hello", "help", true, false),
            ("my key is sk-1, use it", "my key is [REDACTED:api_key], use it", false, true),
            ("my key is sk-1, use it", "my key is [REDACTED:api_key], use", true, true),
            ("your key is sk-1", "my key is [REDACTED:api_key]", false, false),
            ("a K1 b K2 c", "a [REDACTED:x] b [REDACTED:y] c", false, true),
            ("a K1 c K2 c", "a [REDACTED:x] b [REDACTED:y] c", false, false),
            ("say [REDACTED:x] twice", "say [REDACTED:x] twice", false, true),
            ("anything", "[REDACTED: no kind]", false, false),
        ] {
            assert_eq!(is_same(typed, told, is_cut), expected, "{typed:?} {told:?}");
        }
    }
}
