//! Hostile text made visible: nothing an event says may move the cursor, change a colour, hide or reorder what a
//! person reads, or begin a new line.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every character that acts instead of showing written as an escape, like `\u{1b}`.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
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

/// Controls (C0, DEL, C1), and what Unicode has to steer or hide text. Joiners and the sixteen variation selectors
/// stay: names of people and emoji need them.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            // Line and paragraph separators, bidi embeddings, overrides and isolates, invisible operators.
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Tags, and variation selectors 17 to 256: both carry whole hidden texts.
            | '\u{e0000}'..='\u{e0fff}')
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
        assert!(!visible(&all).contains(char::is_control));
    }
}
