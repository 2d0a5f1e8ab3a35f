//! Which terminal modes the child has switched on, read from its output, and how to switch them off again.
//!
//! A child that dies by SIGKILL leaves mouse tracking, bracketed paste or the alternate screen on. The scanner
//! sees the bytes that pass and keeps a bit for each mode in memory shared with the guardian, who can undo
//! them even when we died too. It never changes a byte.

use super::shared_memory::shared_words;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// DEC private modes that are off in a fresh terminal, in the order of their bits.
const PRIVATE_MODES: [u16; 14] =
    [1, 47, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1047, 1049, 2004, 2026];
const BRACKETED_PASTE: u16 = 2004;
const CURSOR_HIDDEN: u64 = 1 << 20;
const KEYPAD: u64 = 1 << 21;
const KITTY_KEYS: u64 = 1 << 22;
const MODIFY_OTHER_KEYS: u64 = 1 << 23;
const COLOUR_REPORTS: u64 = 1 << 24;
/// Longest parameter text looked at; longer sequences are none of ours.
const MAX_PARAMETERS: usize = 64;

/// The bits, in memory that a forked process shares.
#[derive(Debug, Clone, Copy)]
pub struct Modes(&'static AtomicU64);

impl Modes {
    /// Nothing switched on. The page lives as long as the process.
    ///
    /// # Errors
    /// When the kernel has no page left.
    pub fn shared() -> io::Result<Self> {
        let [modes] = shared_words()?;
        Ok(Self(modes))
    }

    /// The bytes that switch off what is on; empty when nothing is.
    pub fn undo(self) -> Vec<u8> {
        let on = self.0.load(Relaxed);
        let mut bytes = Vec::new();
        for (bit, mode) in PRIVATE_MODES.iter().enumerate() {
            if on & (1 << bit) != 0 {
                bytes.extend_from_slice(format!("\x1b[?{mode}l").as_bytes());
            }
        }
        for (bit, text) in [
            (KITTY_KEYS, "\x1b[<u"),
            (MODIFY_OTHER_KEYS, "\x1b[>4m"),
            (COLOUR_REPORTS, "\x1b[?2031l"),
            (KEYPAD, "\x1b>"),
            (CURSOR_HIDDEN, "\x1b[?25h"),
        ] {
            if on & bit != 0 {
                bytes.extend_from_slice(text.as_bytes());
            }
        }
        if !bytes.is_empty() {
            bytes.extend_from_slice(b"\x1b[0m");
        }
        bytes
    }

    /// Whether the child wants pastes marked (bracketed paste, `CSI ? 2004 h`).
    pub fn marks_pastes(self) -> bool {
        let bit = PRIVATE_MODES.iter().position(|mode| *mode == BRACKETED_PASTE);
        bit.is_some_and(|bit| self.0.load(Relaxed) & (1 << bit) != 0)
    }

    /// All is off: it was undone.
    pub fn forget(self) {
        self.0.store(0, Relaxed);
    }

    fn set(self, bits: u64, on: bool) {
        if on {
            self.0.fetch_or(bits, Relaxed)
        } else {
            self.0.fetch_and(!bits, Relaxed)
        };
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    Escape,
    Sequence,
}

/// Reads a stream and keeps [`Modes`] right. Sequences may be cut anywhere.
#[derive(Debug)]
pub struct Scanner {
    modes: Modes,
    place: Place,
    parameters: Vec<u8>,
}

impl Scanner {
    /// At the start of a stream.
    pub fn new(modes: Modes) -> Self {
        Self { modes, place: Place::Text, parameters: Vec::with_capacity(MAX_PARAMETERS) }
    }

    /// Looks at the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.place == Place::Text {
                let Some(escape) = memchr::memchr(0x1b, rest) else { return };
                rest = &rest[escape + 1..];
                self.place = Place::Escape;
                continue;
            }
            self.step(rest[0]);
            rest = &rest[1..];
        }
    }

    fn step(&mut self, byte: u8) {
        match (self.place, byte) {
            (_, 0x1b) => self.place = Place::Escape,
            (Place::Escape, b'[') => {
                self.parameters.clear();
                self.place = Place::Sequence;
            }
            (Place::Escape, _) => {
                self.escape(byte);
                self.place = Place::Text;
            }
            (Place::Sequence, 0x20..=0x3f) if self.parameters.len() < MAX_PARAMETERS => {
                self.parameters.push(byte)
            }
            (Place::Sequence, 0x40..=0x7e) => {
                self.sequence(byte);
                self.place = Place::Text;
            }
            _ => self.place = Place::Text,
        }
    }

    fn escape(&mut self, byte: u8) {
        match byte {
            b'=' => self.modes.set(KEYPAD, true),
            b'>' => self.modes.set(KEYPAD, false),
            b'c' => self.modes.0.store(0, Relaxed),
            _ => {}
        }
    }

    fn sequence(&mut self, last: u8) {
        match (self.parameters.split_first(), last) {
            (Some((b'?', list)), b'h' | b'l') => self.private_modes(list, last == b'h'),
            (Some((b'>', _)), b'u') => self.modes.set(KITTY_KEYS, true),
            (Some((b'<', _)), b'u') => self.modes.set(KITTY_KEYS, false),
            (Some((b'>', list)), b'm') if list.first() == Some(&b'4') => {
                self.modes.set(MODIFY_OTHER_KEYS, list.len() > 2 && list != b"4;0");
            }
            _ => {}
        }
    }

    fn private_modes(&self, list: &[u8], on: bool) {
        let numbers =
            list.split(|byte| *byte == b';').filter_map(|text| std::str::from_utf8(text).ok()?.parse().ok());
        for number in numbers {
            match number {
                25 => self.modes.set(CURSOR_HIDDEN, !on),
                66 => self.modes.set(KEYPAD, on),
                2031 => self.modes.set(COLOUR_REPORTS, on),
                _ => {
                    if let Some(bit) = PRIVATE_MODES.iter().position(|mode| *mode == number) {
                        self.modes.set(1 << bit, on);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undo_after(stream: &str) -> String {
        let modes = Modes::shared().unwrap();
        Scanner::new(modes).feed(stream.as_bytes());
        let by_bytes = Modes::shared().unwrap();
        let mut scanner = Scanner::new(by_bytes);
        stream.as_bytes().iter().for_each(|byte| scanner.feed(std::slice::from_ref(byte)));
        assert_eq!(modes.undo(), by_bytes.undo(), "cut anywhere");
        String::from_utf8(modes.undo()).unwrap()
    }

    #[test]
    fn what_is_on_is_undone_and_nothing_else() {
        for (stream, undo) in [
            ("plain \x1b[1mbold\x1b[m text", ""),
            ("\x1b[?1049h\x1b[?1000;1006h", "\x1b[?1000l\x1b[?1006l\x1b[?1049l\x1b[0m"),
            ("\x1b[?2004h\x1b[?2004l", ""),
            ("\x1b[?25l", "\x1b[?25h\x1b[0m"),
            ("\x1b[?25l\x1b[?25h", ""),
            ("\x1b[>1u\x1b[>4;2m", "\x1b[<u\x1b[>4m\x1b[0m"),
            ("\x1b[>1u\x1b[>4;2m\x1b[>4m\x1b[<u", ""),
            ("\x1b[?1h\x1b=\x1bc", ""),
        ] {
            assert_eq!(undo_after(stream), undo, "{stream:?}");
        }
    }
}
