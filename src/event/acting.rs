//! Characters that act on a terminal, or steer or hide text, instead of showing. Text of events is hostile: whoever shows
//! it to people writes these as escapes, so that nothing an event says moves the cursor, changes a colour, hides or
//! reorders what a person reads, or begins a new line.

use std::borrow::Cow;
use std::fmt::Write;

/// Controls (C0, DEL, C1), and what Unicode has to steer or hide text. Joiners and the sixteen variation selectors
/// are none ([`joins`]): names of people and emoji need them.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            // Letters and joints that show nothing.
            | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            | '\u{1d173}'..='\u{1d17a}'
            // Line and paragraph separators, bidi embeddings, overrides and isolates, invisible operators.
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Tags, and variation selectors 17 to 256: both carry whole hidden texts.
            | '\u{e0000}'..='\u{e0fff}')
}

/// Shows nothing by itself and changes what stands beside it.
pub fn joins(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// The text with every character that acts instead of showing written as an escape, like `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        let written = match c {
            '\n' | '\t' | '\r' => write!(shown, "{}", c.escape_default()),
            c if acts(c) => write!(shown, "{}", c.escape_unicode()),
            c => {
                shown.push(c);
                Ok(())
            }
        };
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    Cow::Owned(shown)
}

/// JSON of one value on one line, with the same characters written as its own escapes, like `\u009b`: it means the same.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if !json.contains(acts) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            // Within a text they are escaped already (RFC 8259, section 7), and between values they are space.
            '\n' | '\t' | '\r' => shown.push(' '),
            c if acts(c) => push_units(&mut shown, c),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

fn push_units(shown: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        let written = write!(shown, "\\u{unit:04x}");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown_and_what_shows_is_left_alone() {
        for (text, shown) in [
            ("plain ü 漢 👩‍💻 ❤️ \\n", "plain ü 漢 👩‍💻 ❤️ \\n"),
            ("\u{1b}]0;x\u{7}\u{1b}[31m", r"\u{1b}]0;x\u{7}\u{1b}[31m"),
            ("a\nb\tc\rd\0", r"a\nb\tc\rd\u{0}"),
            ("\u{7f}\u{9b}31m\u{85}", r"\u{7f}\u{9b}31m\u{85}"),
            ("\u{202e}evil\u{2066}\u{200f}", r"\u{202e}evil\u{2066}\u{200f}"),
            ("\u{e0041}\u{e007f}\u{e0100}", r"\u{e0041}\u{e007f}\u{e0100}"),
            ("\u{2028}\u{feff}\u{200b}", r"\u{2028}\u{feff}\u{200b}"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
        }
    }

    #[test]
    fn no_control_character_passes() {
        let all: String = (0..=0x11_0000_u32).filter_map(char::from_u32).collect();
        assert!(!visible(&all).contains(acts));
        assert!(!visible_json(&all).contains(acts));
    }

    #[test]
    fn json_means_what_it_meant() {
        let text = "plain ü 👩‍💻 \u{1b}[2J\u{9b}31m\u{202e}\u{e0041}\u{feff}\n\"\\";
        let json = serde_json::to_string_pretty(&serde_json::json!({ text: [text] })).unwrap();
        let shown = visible_json(&json);
        let again: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(again, serde_json::json!({ text: [text] }));
        assert!(!shown.contains(acts) && shown.contains(r"\u009b31m\u202e\udb40\udc41\ufeff\n"), "{shown}");
    }
}
