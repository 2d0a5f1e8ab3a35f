//! Keys by their names, as tmux names them, and the bytes a terminal sends for them.

use std::fmt;
use std::str::FromStr;

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Ends a line, and answers a dialog.
    Enter,
    /// Leaves a dialog, and interrupts claude.
    Escape,
    /// Next field.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// A blank.
    Space,
    /// Takes the character in front away.
    Backspace,
    /// Takes the character behind away.
    Delete,
    /// An arrow, or a key that moves as far.
    Move(&'static str, &'static [u8]),
    /// Control and a letter, lower case.
    Control(u8),
    /// A digit, which picks an answer in a dialog.
    Digit(u8),
    /// F1 to F12.
    Function(u8),
}

/// No such key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no key of that name: Enter, Escape, Tab, BTab, Space, BSpace, Delete, Up, Down, Left, Right, Home, End, PageUp, \
     PageDown, F1 to F12, C-a to C-z, 0 to 9"
)]
pub struct UnknownKey;

const MOVES: [(&str, &[u8]); 8] = [
    ("Up", b"\x1b[A"),
    ("Down", b"\x1b[B"),
    ("Right", b"\x1b[C"),
    ("Left", b"\x1b[D"),
    ("Home", b"\x1b[H"),
    ("End", b"\x1b[F"),
    ("PageUp", b"\x1b[5~"),
    ("PageDown", b"\x1b[6~"),
];

/// As xterm sends them.
const FUNCTIONS: [&[u8]; 12] = [
    b"\x1bOP",
    b"\x1bOQ",
    b"\x1bOR",
    b"\x1bOS",
    b"\x1b[15~",
    b"\x1b[17~",
    b"\x1b[18~",
    b"\x1b[19~",
    b"\x1b[20~",
    b"\x1b[21~",
    b"\x1b[23~",
    b"\x1b[24~",
];

impl FromStr for Key {
    type Err = UnknownKey;

    fn from_str(name: &str) -> Result<Self, UnknownKey> {
        if let Some((name, bytes)) = MOVES.into_iter().find(|(known, _)| *known == name) {
            return Ok(Self::Move(name, bytes));
        }
        match name {
            "Enter" | "Return" => Ok(Self::Enter),
            "Escape" | "Esc" => Ok(Self::Escape),
            "Tab" => Ok(Self::Tab),
            "BTab" => Ok(Self::BackTab),
            "Space" => Ok(Self::Space),
            "BSpace" | "Backspace" => Ok(Self::Backspace),
            "Delete" | "DC" => Ok(Self::Delete),
            _ => match name.as_bytes() {
                [b'C', b'-', letter] if letter.is_ascii_alphabetic() => {
                    Ok(Self::Control(letter.to_ascii_lowercase()))
                }
                [digit] if digit.is_ascii_digit() => Ok(Self::Digit(*digit)),
                [b'F', rest @ ..] => function(rest).ok_or(UnknownKey),
                _ => Err(UnknownKey),
            },
        }
    }
}

fn function(digits: &[u8]) -> Option<Key> {
    let number: u8 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    ((1..=12).contains(&number) && digits[0].is_ascii_digit()).then_some(Key::Function(number))
}

impl Key {
    /// What a terminal sends.
    pub fn bytes(self) -> Vec<u8> {
        match self {
            Self::Enter => b"\r".to_vec(),
            Self::Escape => b"\x1b".to_vec(),
            Self::Tab => b"\t".to_vec(),
            Self::BackTab => b"\x1b[Z".to_vec(),
            Self::Space => b" ".to_vec(),
            Self::Backspace => b"\x7f".to_vec(),
            Self::Delete => b"\x1b[3~".to_vec(),
            Self::Move(_, bytes) => bytes.to_vec(),
            Self::Control(letter) => vec![letter & 0x1f],
            Self::Digit(digit) => vec![digit],
            Self::Function(number) => FUNCTIONS[usize::from(number - 1)].to_vec(),
        }
    }

    /// It cannot answer a dialog with yes: it leaves it.
    pub fn only_leaves(self) -> bool {
        matches!(self, Self::Escape | Self::Control(b'c'))
    }
}

/// Its name.
impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enter => out.write_str("Enter"),
            Self::Escape => out.write_str("Escape"),
            Self::Tab => out.write_str("Tab"),
            Self::BackTab => out.write_str("BTab"),
            Self::Space => out.write_str("Space"),
            Self::Backspace => out.write_str("BSpace"),
            Self::Delete => out.write_str("Delete"),
            Self::Move(name, _) => out.write_str(name),
            Self::Control(letter) => write!(out, "C-{}", char::from(*letter)),
            Self::Digit(digit) => write!(out, "{}", char::from(*digit)),
            Self::Function(number) => write!(out, "F{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_keys_and_nothing_else_is() {
        for (name, bytes) in [
            ("Enter", &b"\r"[..]),
            ("Escape", b"\x1b"),
            ("C-c", b"\x03"),
            ("C-Z", b"\x1a"),
            ("Up", b"\x1b[A"),
            ("F1", b"\x1bOP"),
            ("F12", b"\x1b[24~"),
            ("7", b"7"),
            ("BTab", b"\x1b[Z"),
        ] {
            let key = name.parse::<Key>().expect("a key");
            assert_eq!((key.bytes().as_slice(), key.to_string().parse()), (bytes, Ok(key)), "{name}");
        }
        for name in ["", "a", "!", "C-", "C-1", "C-cc", "F0", "F13", "F+1", "F", "enter", "10", "\u{1b}"] {
            assert_eq!(name.parse::<Key>(), Err(UnknownKey), "{name:?}");
        }
    }
}
