//! What a terminal sends for keys, read back: which key each byte, or sequence of bytes, stands for. Pure.
//!
//! Only what matters to a line that is being typed is told apart: text, what takes it away, what moves in it, what ends
//! it. Reports of the terminal itself (focus, mouse, answers to questions) are no keys. Sequences may be cut anywhere.

/// Longest parameter text looked at; longer sequences are none of ours.
const MAX_PARAMETERS: usize = 32;
const ALT: u16 = 2;
const CONTROL: u16 = 4;

/// One key, as far as a line cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stroke {
    /// A character; the first byte of it.
    Text(u8),
    /// A byte of a bracketed paste.
    Pasted(u8),
    /// A line within the text.
    Newline,
    /// Submits.
    Enter,
    /// Takes one character away.
    Backspace,
    /// Takes everything away (`^C`).
    Cancel,
    /// Takes the line in front away (`^U`).
    KillLine,
    /// Leaves a dialog.
    Escape,
    /// Moves in the text; in none it may take a suggestion.
    Move,
    /// The same; in no text it may open a menu.
    Left,
    /// May bring any text, or take some away.
    Replace,
    /// Puts the text aside, or back (`^S`).
    Stash,
    /// The same as [`Stroke::Replace`], and may open a menu.
    Anything,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Plain,
    Escape,
    Sequence,
    /// Behind `ESC O`: one byte.
    Single,
    /// In a string of the terminal's, up to BEL or `ESC \`.
    String,
    StringEscape,
    /// In an old mouse report: so many bytes are left.
    Mouse(u8),
}

/// Reads keys.
#[derive(Debug, Default)]
pub(super) struct Strokes {
    place: Place,
    parameters: Vec<u8>,
    is_pasting: bool,
}

impl Strokes {
    /// In the middle of a paste.
    pub(super) fn is_pasting(&self) -> bool {
        self.is_pasting
    }

    /// The last byte was an Escape that may be a key, or begin a sequence.
    pub(super) fn awaits_more(&self) -> bool {
        self.place == Place::Escape && !self.is_pasting
    }

    /// Nothing followed on that Escape: it was the key.
    pub(super) fn settle(&mut self) {
        self.place = Place::Plain;
    }

    /// In the middle of a key, or of something that the terminal tells.
    pub(super) fn is_amid(&self) -> bool {
        self.place != Place::Plain
    }

    /// The next byte; the key that it completes.
    pub(super) fn feed(&mut self, byte: u8) -> Option<Stroke> {
        match (self.place, byte) {
            (Place::Mouse(left), _) => {
                self.place = if left > 1 { Place::Mouse(left - 1) } else { Place::Plain };
                None
            }
            (Place::String, 0x1b) => self.to(Place::StringEscape),
            (Place::String, 0x07) | (Place::StringEscape, _) => self.to(Place::Plain),
            (Place::String, _) => None,
            (Place::Plain, 0x1b) => self.to(Place::Escape),
            (Place::Plain, _) if self.is_pasting => Some(Stroke::Pasted(byte)),
            (Place::Plain, _) => plain(byte),
            (Place::Escape, b'[') => {
                self.parameters.clear();
                self.to(Place::Sequence)
            }
            (Place::Escape, _) if self.is_pasting => self.done(Some(Stroke::Pasted(byte))),
            (Place::Escape, b'O') => self.to(Place::Single),
            (Place::Escape, b']' | b'P' | b'_' | b'^' | b'X') => self.to(Place::String),
            (Place::Escape, 0x1b) => Some(Stroke::Anything),
            (Place::Escape, _) => self.done(with_alt(byte)),
            (Place::Single, b'A' | b'B') => self.done(Some(Stroke::Replace)),
            (Place::Single, b'D') => self.done(Some(Stroke::Left)),
            (Place::Single, _) => self.done(Some(Stroke::Move)),
            (Place::Sequence, 0x20..=0x3f) if self.parameters.len() < MAX_PARAMETERS => {
                self.parameters.push(byte);
                None
            }
            (Place::Sequence, 0x40..=0x7e) => self.sequence(byte),
            (Place::Sequence, 0x1b) => self.to(Place::Escape),
            (Place::Sequence, _) => self.done(Some(Stroke::Anything)),
        }
    }

    fn to(&mut self, place: Place) -> Option<Stroke> {
        self.place = place;
        None
    }

    fn done(&mut self, stroke: Option<Stroke>) -> Option<Stroke> {
        self.place = Place::Plain;
        stroke
    }

    fn sequence(&mut self, last: u8) -> Option<Stroke> {
        self.place = Place::Plain;
        let numbers = numbers(&self.parameters);
        let first = numbers.first().copied().unwrap_or(0);
        match (last, first) {
            (b'~', 201) => {
                self.is_pasting = false;
                None
            }
            _ if self.is_pasting => Some(Stroke::Pasted(last)),
            (b'~', 200) => {
                self.is_pasting = true;
                None
            }
            (b'M', _) if self.parameters.is_empty() => self.to(Place::Mouse(3)),
            (b'u', _) if self.parameters.first() == Some(&b'?') => None,
            (b'u', code) => key(code, numbers.get(1).copied(), released(&self.parameters)),
            (b'~', 27) => key(numbers.get(2).copied().unwrap_or(0), numbers.get(1).copied(), false),
            (b'~', 1 | 4 | 7 | 8) | (b'C' | b'E' | b'F' | b'H', _) => Some(Stroke::Move),
            (b'D', _) => Some(Stroke::Left),
            (b'A' | b'B', _) => Some(Stroke::Replace),
            // Delete takes away what it can; pages, function keys, focus, mouse and answers are no text.
            (b'~', 2 | 3 | 5 | 6 | 11..=24)
            | (
                b'I' | b'O' | b'M' | b'm' | b'R' | b'c' | b'n' | b'y' | b't' | b'x' | b'Z' | b'P' | b'Q'
                | b'S',
                _,
            ) => None,
            _ => Some(Stroke::Anything),
        }
    }
}

/// The numbers between semicolons; of `1:3` the first.
fn numbers(parameters: &[u8]) -> Vec<u16> {
    let number = |text: &[u8]| {
        let digits = text.split(|byte| *byte == b':').next().unwrap_or_default();
        std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0)
    };
    parameters.split(|byte| *byte == b';').map(number).collect()
}

/// Whether a report of a key says that it was let go (kitty keyboard protocol: event type 3).
fn released(parameters: &[u8]) -> bool {
    let modifiers = parameters.split(|byte| *byte == b';').nth(1).unwrap_or_default();
    modifiers.split(|byte| *byte == b':').nth(1) == Some(b"3")
}

/// A key by its code (kitty keyboard protocol, xterm's modifyOtherKeys).
fn key(code: u16, modifiers: Option<u16>, is_released: bool) -> Option<Stroke> {
    /// Codes of keys that are no characters.
    const PRIVATE: std::ops::RangeInclusive<u16> = 57344..=63743;
    if is_released || PRIVATE.contains(&code) {
        return None;
    }
    let modifiers = modifiers.unwrap_or(1).saturating_sub(1);
    let byte = u8::try_from(code).ok().filter(u8::is_ascii);
    match (byte, modifiers & CONTROL != 0, modifiers & ALT != 0) {
        (Some(letter), true, false) if letter.is_ascii_alphabetic() => plain(letter & 0x1f),
        (_, true, _) => Some(Stroke::Anything),
        (Some(byte), false, true) => with_alt(byte),
        (None, false, true) => Some(Stroke::Anything),
        (Some(b'\r'), false, false) if modifiers != 0 => Some(Stroke::Newline),
        (Some(0x1b), false, false) => Some(Stroke::Escape),
        (Some(b'\t'), false, false) if modifiers != 0 => None,
        (Some(byte), false, false) => plain(byte),
        (None, false, false) => Some(Stroke::Text(0xc2)),
    }
}

fn plain(byte: u8) -> Option<Stroke> {
    match byte {
        b'\r' => Some(Stroke::Enter),
        b'\n' => Some(Stroke::Newline),
        0x08 | 0x7f => Some(Stroke::Backspace),
        0x03 => Some(Stroke::Cancel),
        0x15 => Some(Stroke::KillLine),
        // ^A ^B ^E ^F
        0x01 | 0x02 | 0x05 | 0x06 => Some(Stroke::Move),
        // ^D ^K ^W take away what they can; ^L ^O ^T ^Z ^\ change what is shown, or nothing.
        0x04 | 0x0b | 0x17 | 0x0c | 0x0f | 0x14 | 0x1a | 0x1c => None,
        // TAB ^N ^P ^V ^Y ^_
        0x09 | 0x0e | 0x10 | 0x16 | 0x19 | 0x1f => Some(Stroke::Replace),
        0x13 => Some(Stroke::Stash),
        0x00..=0x1f => Some(Stroke::Anything),
        // Within a character.
        0x80..=0xbf => None,
        _ => Some(Stroke::Text(byte)),
    }
}

fn with_alt(byte: u8) -> Option<Stroke> {
    match byte {
        b'\r' | b'\n' => Some(Stroke::Newline),
        b'b' | b'f' => Some(Stroke::Move),
        b'd' | 0x08 | 0x7f => None,
        _ => Some(Stroke::Anything),
    }
}
