//! The plain half of a stream: text that only ever goes on to the next line. Each line settles at its
//! LF, without the emulator; the raw bytes are kept, so that the emulator can draw the screen as it is
//! once something needs it. It does not understand cursor addressing: it says where that begins.

use super::line::{self, Needs};
use crate::detect::lines::whole_characters;

/// A line of more raw bytes than this is left to the emulator.
const MAX_RAW_LINE: usize = 256 * 1024;
/// Raw bytes kept before all but the last screenful are dropped.
const MAX_RAW: usize = 256 * 1024;
/// The longest CSI sequence that is still thought plain.
const MAX_CSI: usize = 64;
const ESC: u8 = 0x1b;

#[derive(Default)]
pub(super) struct Plain {
    /// What the emulator has not drawn: some last lines and the current one.
    raw: Vec<u8>,
    /// Where the current line begins in `raw`.
    line: usize,
    /// Where the sequence being read begins in `raw`.
    sequence: usize,
    state: State,
    needs: Needs,
    /// Lines were dropped from the front of `raw`.
    trimmed: bool,
    /// The line that is coming began in bytes that were skipped.
    torn: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// After 0xC2, which begins U+0080..U+00BF: C1 controls and ordinary characters.
    Latin,
    Escape,
    Charset,
    Csi,
    Osc,
    OscEscape,
}

/// The raw bytes, when the emulator has to take over.
pub(super) struct Handover {
    /// Plain text: its lines have been emitted, but for the unfinished last one.
    pub(super) drawn: Vec<u8>,
    /// The beginning of what is not plain.
    pub(super) begun: Vec<u8>,
}

impl Plain {
    /// Reads plain text; `Some(n)` when the first `n` bytes are read and the emulator must take over.
    pub(super) fn feed(&mut self, bytes: &[u8], size: (u16, u16), lines: &mut Vec<String>) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.state == State::Ground {
                at += self.text(&bytes[at..]);
            }
            if self.raw.len() - self.line >= MAX_RAW_LINE {
                if matches!(self.state, State::Ground) {
                    self.sequence = self.raw.len();
                }
                return Some(at);
            }
            let Some(&byte) = bytes.get(at) else { break };
            at += 1;
            if byte == b'\n' && self.state == State::Ground {
                self.end_line(size, lines);
            } else if !self.byte(byte) {
                return Some(at);
            }
        }
        None
    }

    /// The program ended: a line without its LF is a line.
    pub(super) fn finish(&mut self, cols: u16, lines: &mut Vec<String>) {
        if !matches!(self.state, State::Ground | State::Latin) {
            self.raw.truncate(self.sequence);
        }
        self.settle(cols, lines);
        *self = Self::default();
    }

    pub(super) fn hand_over(&mut self) -> Handover {
        let plain = std::mem::take(self);
        let (drawn, begun) = plain.raw.split_at(plain.sequence);
        let mut whole = Vec::with_capacity(drawn.len() + 2);
        if plain.trimmed {
            whole.extend_from_slice(b"\r\n");
        }
        whole.extend_from_slice(drawn);
        Handover { drawn: whole, begun: begun.to_vec() }
    }

    /// Bytes were skipped: the line that comes next may have lost its beginning.
    pub(super) fn torn() -> Self {
        Self { torn: true, ..Self::default() }
    }

    /// Takes the ordinary text at the front of `bytes`, and says how much that was.
    fn text(&mut self, bytes: &[u8]) -> usize {
        let room = MAX_RAW_LINE.saturating_sub(self.raw.len() - self.line);
        let bytes = &bytes[..bytes.len().min(room)];
        let plain = |byte: &u8| *byte >= 0x20 && *byte != 0x7f && *byte != 0xc2;
        let length = bytes.iter().position(|byte| !plain(byte)).unwrap_or(bytes.len());
        if length > 0 {
            self.raw.extend_from_slice(&bytes[..length]);
            self.written();
        }
        length
    }

    fn written(&mut self) {
        self.needs.redrawn |= self.needs.returned;
        self.needs.returned = false;
    }

    /// One byte that is not text; false when the emulator must take over.
    fn byte(&mut self, byte: u8) -> bool {
        match self.state {
            State::Ground => return self.control(byte),
            State::Latin => {
                self.state = State::Ground;
                if matches!(byte, 0x80..=0x9f) {
                    self.raw.push(byte);
                    return false;
                }
                self.written();
                if byte < 0x80 || byte == 0xc2 {
                    return self.control_or_text(byte);
                }
            }
            State::Escape => match byte {
                b'[' => self.state = State::Csi,
                b']' => self.state = State::Osc,
                b'(' => self.state = State::Charset,
                b'\\' | b'=' | b'>' => self.state = State::Ground,
                _ => return self.refuse(byte),
            },
            State::Charset if byte == b'B' => self.state = State::Ground,
            State::Charset => return self.refuse(byte),
            State::Csi => return self.csi(byte),
            State::Osc => match byte {
                0x07 => self.state = State::Ground,
                ESC => self.state = State::OscEscape,
                0x18 | 0x1a => return self.refuse(byte),
                _ => {}
            },
            State::OscEscape if byte == b'\\' => self.state = State::Ground,
            State::OscEscape => return self.refuse(byte),
        }
        self.raw.push(byte);
        true
    }

    fn refuse(&mut self, byte: u8) -> bool {
        self.raw.push(byte);
        false
    }

    /// A byte after a broken 0xC2 is read as if nothing had been before it.
    fn control_or_text(&mut self, byte: u8) -> bool {
        if byte < 0x20 || byte == 0x7f || byte == 0xc2 {
            return self.control(byte);
        }
        self.raw.push(byte);
        true
    }

    fn control(&mut self, byte: u8) -> bool {
        if byte < 0x20 || byte == 0x7f {
            self.break_off();
        }
        match byte {
            // At the beginning of a line there is nothing to return from.
            b'\r' if self.raw.len() == self.line => return true,
            b'\r' => self.needs.returned = true,
            b'\t' => {
                self.needs.tabbed = true;
                self.written();
            }
            0x08 => self.needs.redrawn = true,
            ESC | 0xc2 | 0x0b | 0x0c | 0x0e => self.sequence = self.raw.len(),
            // The other controls draw nothing.
            _ => return true,
        }
        self.raw.push(byte);
        match byte {
            ESC => {
                self.needs.styled = true;
                self.state = State::Escape;
            }
            0xc2 => self.state = State::Latin,
            _ => {}
        }
        !matches!(byte, 0x0b | 0x0c | 0x0e)
    }

    /// A control within a character ends it: what stands around the control, which is left out, would become another one.
    fn break_off(&mut self) {
        let begun = self.line + whole_characters(&self.raw[self.line..]);
        if begun < self.raw.len() {
            let broken = String::from_utf8_lossy(&self.raw[begun..]).into_owned();
            self.raw.truncate(begun);
            self.raw.extend_from_slice(broken.as_bytes());
        }
    }

    fn csi(&mut self, byte: u8) -> bool {
        self.raw.push(byte);
        if matches!(byte, 0x20..=0x3f) {
            return self.raw.len() - self.sequence < MAX_CSI;
        }
        self.state = State::Ground;
        let body = &self.raw[self.sequence + 2..self.raw.len() - 1];
        if byte == b'K' {
            // To the right of the end of a line there is nothing to erase (grep and gcc do it).
            let harmless = matches!(body, b"" | b"0") && !self.needs.redrawn && !self.needs.returned;
            self.needs.redrawn |= !harmless;
            return true;
        }
        is_harmless(body, byte)
    }

    fn end_line(&mut self, size: (u16, u16), lines: &mut Vec<String>) {
        self.settle(size.0, lines);
        // A bare LF is taken as a new line here, so the emulator must be told the same.
        if !self.needs.returned {
            self.raw.push(b'\r');
        }
        self.raw.push(b'\n');
        self.line = self.raw.len();
        self.needs = Needs::default();
        if self.raw.len() > MAX_RAW {
            self.trim(usize::from(size.1));
        }
    }

    /// Keeps the last `rows` lines, or as many of them as half of the room holds.
    fn trim(&mut self, rows: usize) {
        let tail = self.raw.len() - MAX_RAW / 2;
        let ends = self.raw.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
        let wanted = ends.map(|(at, _)| at + 1).take_while(|at| *at >= tail).take(rows + 1).last();
        self.raw.drain(..wanted.unwrap_or(self.raw.len()));
        self.line = self.raw.len();
        self.trimmed = true;
    }

    fn settle(&mut self, cols: u16, lines: &mut Vec<String>) {
        if !std::mem::take(&mut self.torn) {
            line::settle(&self.raw[self.line..], self.needs, cols, lines);
        }
    }
}

/// CSI sequences that neither move the cursor nor change what is on the screen.
fn is_harmless(body: &[u8], last: u8) -> bool {
    let private = matches!(body.first(), Some(b'<'..=b'?'));
    match last {
        b'm' | b'n' | b'c' | b'q' | b't' | b'p' => true,
        b'u' => private,
        b'h' | b'l' => {
            // Columns, origin, autowrap, the alternate screens and the cursor saved with them.
            let moving: [&[u8]; 7] = [b"3", b"6", b"7", b"47", b"1047", b"1048", b"1049"];
            private && !body[1..].split(|byte| *byte == b';').any(|mode| moving.contains(&mode))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Plain;

    /// How many bytes are plain, or all.
    fn plain(bytes: &[u8]) -> usize {
        Plain::default().feed(bytes, (80, 24), &mut Vec::new()).map_or(bytes.len(), |read| read - 1)
    }

    #[test]
    fn what_only_styles_asks_or_names_is_plain() {
        let table = [
            "\x1b[1;31m",
            "\x1b[?25l\x1b[?2004h",
            "\x1b]0;t\x07",
            "\x1b]8;;u\x1b\\",
            "\x1b[6n\x1b[c",
            "\x1b(B",
            "\r\x1b[K",
            "\x1b[>4m\x1b[<u",
            "\u{e9}\u{a0}",
        ];
        for bytes in table {
            assert_eq!(plain(bytes.as_bytes()), bytes.len(), "{bytes:?}");
        }
    }

    #[test]
    fn what_moves_the_cursor_or_changes_the_screen_is_not() {
        let table = [
            "\x1b[A",
            "\x1b[5G",
            "\x1b[2J",
            "\x1b[H",
            "\x1b[?1049h",
            "\x1b[?7l",
            "\x1b[u",
            "\x1b7",
            "\x1bM",
            "\x1bc",
            "\x1b(0",
            "\x1b[4h",
            "\x0b",
            "\x0e",
            "\u{9b}",
            "\x1bP",
        ];
        for bytes in table {
            assert!(plain(bytes.as_bytes()) < bytes.len(), "{bytes:?}");
        }
    }

    #[test]
    fn what_stands_around_a_control_does_not_become_a_character() {
        let table: [(&[u8], &str); 6] = [
            (b"\xc2\0\x9dx\n", "\u{fffd}\u{fffd}x"),
            (b"\xe2\x07\x82\xacx\n", "\u{fffd}\u{fffd}\u{fffd}x"),
            (b"a\xe2\x82\x7f\xacx\n", "a\u{fffd}\u{fffd}x"),
            (b"\xc2\x1b[m\x9dx\n", "\u{fffd}\u{fffd}x"),
            (b"\xff\0x\n", "\u{fffd}x"),
            ("\u{20ac}\0x\n".as_bytes(), "\u{20ac}x"),
        ];
        for (bytes, expected) in table {
            let mut lines = Vec::new();
            assert_eq!(Plain::default().feed(bytes, (80, 24), &mut lines), None);
            assert_eq!(lines, [expected], "{bytes:?}");
        }
    }
}
