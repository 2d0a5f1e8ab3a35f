//! Lines of a stream that is no terminal: what stands between two newlines, without escapes.
//!
//! No screen is emulated here; a pipe has none.

/// Longest line kept; what is beyond it, up to the newline, is cut off.
const MAX_LINE: usize = crate::event::body::MAX_TEXT_BYTES;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The text, without newline, carriage return at its end, escapes and control characters other than tabs.
    pub text: String,
    /// It was longer than 64 KiB.
    pub truncated: bool,
}

/// Cuts a stream into lines.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
    truncated: bool,
}

impl Lines {
    /// Takes bytes in and hands out every line that is complete.
    pub fn feed(&mut self, bytes: &[u8], mut line: impl FnMut(Line)) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.keep(&rest[..end]);
            line(self.take());
            rest = &rest[end + 1..];
        }
        self.keep(rest);
    }

    /// The stream has ended: the last line, where it had no newline.
    pub fn finish(&mut self) -> Option<Line> {
        (!self.partial.is_empty()).then(|| self.take())
    }

    /// Bytes were lost here; what is known of the current line is worth nothing.
    pub fn restart(&mut self) {
        self.partial.clear();
        self.truncated = false;
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.partial.len();
        self.truncated |= bytes.len() > room;
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn take(&mut self) -> Line {
        let mut bytes = self.partial.as_slice();
        if self.truncated {
            bytes = &bytes[..whole_characters(bytes)];
        }
        let line = Line { text: plain_text(bytes), truncated: self.truncated };
        self.restart();
        line
    }
}

/// Length of `bytes` without a character that was cut in two at its end.
pub(super) fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let last_start = (tail..bytes.len()).rev().find(|at| bytes[*at] & 0xc0 != 0x80);
    match last_start {
        Some(at) if std::str::from_utf8(&bytes[at..]).is_err() => at,
        _ => bytes.len(),
    }
}

/// The text of a line: escape sequences and control characters are left out, what is not UTF-8 becomes U+FFFD.
pub fn plain_text(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    if !text.chars().any(is_control) {
        return text.into_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\x1b' => skip_escape(&mut characters),
            '\u{9b}' => skip_sequence(&mut characters),
            _ if is_control(character) => {}
            _ => plain.push(character),
        }
    }
    plain
}

fn is_control(character: char) -> bool {
    character.is_control() && character != '\t'
}

fn skip_escape(characters: &mut std::str::Chars<'_>) {
    match characters.next() {
        Some('[') => skip_sequence(characters),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(characters),
        // Intermediate characters, as in `ESC ( B`, have one final character behind them.
        Some(' '..='/') => drop(characters.next()),
        _ => {}
    }
}

/// A control sequence ends with its first final character (ECMA-48).
fn skip_sequence(characters: &mut std::str::Chars<'_>) {
    characters.find(|character| ('@'..='~').contains(character));
}

/// A control string ends with BEL or ST.
fn skip_string(characters: &mut std::str::Chars<'_>) {
    while let Some(character) = characters.next() {
        match character {
            '\x07' | '\u{9c}' => return,
            '\x1b' if characters.as_str().starts_with('\\') => {
                characters.next();
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<Line> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        chunks.iter().for_each(|chunk| lines.feed(chunk, |line| found.push(line)));
        found.extend(lines.finish());
        found
    }

    fn texts(stream: &[u8]) -> Vec<String> {
        let whole = lines(&[stream]);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(whole, lines(&bytes), "cut anywhere");
        whole.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_line_is_what_stands_between_newlines() {
        assert_eq!(texts(b"a\nb\r\n\nlast"), ["a", "b", "", "last"]);
        assert_eq!(texts("h\u{e9}llo ✳\n".as_bytes()), ["h\u{e9}llo ✳"]);
        assert_eq!(texts(b"\xff\xfe\n"), ["\u{fffd}\u{fffd}"]);
        assert!(texts(b"").is_empty());
    }

    #[test]
    fn escapes_and_controls_are_left_out() {
        assert_eq!(texts(b"\x1b[1mbold\x1b[0m \x1b]0;title\x07x\x1b(By\x1b]8;;u\x1b\\z\x08\n"), ["bold xyz"]);
        assert_eq!(texts(b"a\tb\x00c\x1b[\n"), ["a\tbc"]);
    }

    #[test]
    fn an_endless_line_is_cut_at_a_character_and_said_to_be() {
        let mut stream = vec![b'x'; MAX_LINE - 1];
        stream.extend("é and more\nnext\n".as_bytes());
        let found = lines(&[&stream]);
        assert_eq!(found[0].text.len(), MAX_LINE - 1);
        assert!(found[0].truncated);
        assert_eq!(found[1], Line { text: "next".into(), truncated: false });
    }
}
