//! JSON as JavaScript writes it: where a text was cut between the halves of a character, `JSON.stringify` writes the half
//! that is left as an escape, which stands for nothing in Unicode and which strict readers refuse.

use memchr::memmem;
use serde_json::Value;

/// An escape of one UTF-16 unit, `\uXXXX`, bytes.
const ESCAPE: usize = 6;
/// Of the same length, for what cannot be known.
const UNKNOWN: &[u8; ESCAPE] = br"\ufffd";

/// Reads one value; each half of a character that stands alone becomes U+FFFD.
///
/// # Errors
/// As `serde_json::from_slice`.
pub fn read(text: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(text).or_else(|fault| match mended(text) {
        Some(text) => serde_json::from_slice(&text),
        None => Err(fault),
    })
}

/// The text without halves that stand alone; `None` where there are none.
fn mended(text: &[u8]) -> Option<Vec<u8>> {
    let may_have = memmem::find(text, br"\ud").is_some() || memmem::find(text, br"\uD").is_some();
    let (mut mended, mut is_mended, mut place) = (may_have.then(|| text.to_vec())?, false, 0);
    while let Some(found) = memchr::memchr(b'\\', &text[place..]) {
        place += found;
        let next = unit(&text[place..]);
        place += match (next, next.and_then(|_| unit(&text[place + ESCAPE..]))) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 2 * ESCAPE,
            (Some(0xD800..=0xDFFF), _) => {
                mended[place..place + ESCAPE].copy_from_slice(UNKNOWN);
                is_mended = true;
                ESCAPE
            }
            // Another escape; in `\\u` the second backslash begins none.
            _ => 2.min(text.len() - place),
        };
    }
    is_mended.then_some(mended)
}

/// The unit whose escape the text begins with.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.get(..ESCAPE)?.strip_prefix(br"\u")?;
    let digits =
        str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn halves_that_stand_alone_are_replaced_and_whole_characters_are_kept() {
        for (text, expected) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\uDE00b""#, "\u{fffd}b"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\ud83d\ud83d\ude00\ude00""#, "\u{fffd}😀\u{fffd}"),
            (r#""\ud83d\u0041\ud83d\n""#, "\u{fffd}A\u{fffd}\n"),
            (r#""\\ud83d \ud83d""#, "\\ud83d \u{fffd}"),
        ] {
            assert_eq!(read(text.as_bytes()).ok(), Some(json!(expected)), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for text in [r#""\ud8"#, r#""\ud83"#, r#""\ud83d"#, r#""\udzzz""#, "\\", r#"{"a":"\ud83d""#, "\"\\"] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
