//! What a terminal sends for keys, as keys. Sequences that mean no key of ours are one key that means nothing: what is
//! in them must not be taken for letters.

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A character that shows.
    Char(char),
    /// Ends a line.
    Enter,
    /// Takes the character in front away.
    Backspace,
    /// Leaves.
    Escape,
    /// Anything else.
    Other,
}

/// Keys out of what is read.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The beginning of a character whose end is still to come.
    begun: Vec<u8>,
}

impl Keys {
    /// The keys of one read.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Key> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut keys = Vec::new();
        let mut rest = all.as_slice();
        while let [first, behind @ ..] = rest {
            let (key, used) = match first {
                0x1b => sequence(behind),
                b'\r' | b'\n' => (Key::Enter, 1),
                0x7f | 0x08 => (Key::Backspace, 1),
                0..0x20 => (Key::Other, 1),
                0x20..0x80 => (Key::Char(char::from(*first)), 1),
                _ => match character(rest) {
                    Some(found) => found,
                    None => {
                        self.begun = rest.to_vec();
                        break;
                    }
                },
            };
            keys.push(key);
            rest = &rest[used..];
        }
        keys
    }
}

/// What begins with ESC: a control sequence (ECMA-48, section 5.4) or Alt with a key, which is none of ours; ESC alone
/// is the key of that name. With its length.
fn sequence(behind: &[u8]) -> (Key, usize) {
    match behind {
        [] => (Key::Escape, 1),
        [b'[', rest @ ..] => {
            let parameters = rest.iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
            (Key::Other, (2 + parameters + 1).min(1 + behind.len()))
        }
        [b'O', _, ..] => (Key::Other, 3),
        _ => (Key::Other, 2),
    }
}

/// A character of several bytes, with its length; `None` where its end is missing.
fn character(bytes: &[u8]) -> Option<(Key, usize)> {
    let bytes = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(cause) if cause.valid_up_to() > 0 => {
            std::str::from_utf8(&bytes[..cause.valid_up_to()]).unwrap_or_default()
        }
        Err(cause) => return cause.error_len().map(|wrong| (Key::Other, wrong)),
    };
    let first = valid.chars().next()?;
    Some((if first.is_control() { Key::Other } else { Key::Char(first) }, first.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_no_letters() {
        for (bytes, expected) in [
            (&b"a"[..], &[Key::Char('a')][..]),
            (b"\x1b", &[Key::Escape]),
            (b"\x1b[A", &[Key::Other]),
            (b"\x1b[1;5dx", &[Key::Other, Key::Char('x')]),
            (b"\x1bOd", &[Key::Other]),
            (b"\x1ba", &[Key::Other]),
            (b"\x1b[", &[Key::Other]),
            (b"\r\n\x7f\x01", &[Key::Enter, Key::Enter, Key::Backspace, Key::Other]),
            ("ü漢".as_bytes(), &[Key::Char('ü'), Key::Char('漢')]),
            (b"\xff\xc2\x9b", &[Key::Other, Key::Other]),
        ] {
            assert_eq!(Keys::default().read(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_character_may_come_in_pieces() {
        let mut keys = Keys::default();
        assert_eq!(keys.read(b"x\xe6\xbc"), [Key::Char('x')]);
        assert_eq!(keys.read(b"\xa2y"), [Key::Char('漢'), Key::Char('y')]);
    }
}
