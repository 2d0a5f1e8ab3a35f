//! The window titles a program sets (OSC 0 and 2, xterm's ctlseqs), found in the raw bytes whatever
//! the cuts. It does not draw anything and does not hide the sequence from the emulator.

/// A longer title is not one: the sequence is passed over.
const MAX_TITLE: usize = 4096;
const BEL: u8 = 0x07;
const ESC: u8 = 0x1b;

#[derive(Default)]
pub(super) struct Titles {
    state: State,
    /// `Ps;Pt` so far, at most `MAX_TITLE` bytes and one that says "too long".
    body: Vec<u8>,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    Text,
    Escape,
    Body,
    BodyEscape,
}

impl Titles {
    /// Reads up to the end of the first title: `(bytes read, that title)`.
    pub(super) fn next(&mut self, bytes: &[u8]) -> (usize, Option<String>) {
        let mut at = 0;
        while at < bytes.len() {
            if matches!(self.state, State::Text) {
                match bytes[at..].iter().position(|&byte| byte == ESC) {
                    Some(offset) => at += offset,
                    None => break,
                }
            }
            at += 1;
            if let Some(title) = self.step(bytes[at - 1]) {
                return (at, Some(title));
            }
        }
        (bytes.len(), None)
    }

    fn step(&mut self, byte: u8) -> Option<String> {
        self.state = match (self.state, byte) {
            (State::Escape, b']') => {
                self.body.clear();
                State::Body
            }
            (State::Text | State::Escape, ESC) => State::Escape,
            (State::Text | State::Escape, _) => State::Text,
            (State::Body, ESC) => State::BodyEscape,
            (State::Body, BEL) | (State::BodyEscape, b'\\') => {
                self.state = State::Text;
                return self.title();
            }
            // CAN and SUB cancel a sequence (ECMA-48); a lone ESC starts another one.
            (State::Body, 0x18 | 0x1a) => State::Text,
            (State::BodyEscape, _) => {
                self.state = State::Escape;
                return self.step(byte);
            }
            (State::Body, _) => {
                if self.body.len() <= MAX_TITLE {
                    self.body.push(byte);
                }
                State::Body
            }
        };
        None
    }

    fn title(&self) -> Option<String> {
        let text = match self.body.as_slice() {
            body if body.len() > MAX_TITLE => return None,
            [b'0' | b'2', b';', text @ ..] => text,
            _ => return None,
        };
        Some(String::from_utf8_lossy(text).replace(char::is_control, ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(parts: &[&[u8]]) -> Vec<String> {
        let (mut scanner, mut found) = (Titles::default(), Vec::new());
        for part in parts {
            let mut rest = *part;
            while !rest.is_empty() {
                let (read, title) = scanner.next(rest);
                found.extend(title);
                rest = &rest[read..];
            }
        }
        found
    }

    #[test]
    fn both_terminators_and_both_numbers_are_titles_and_others_are_not() {
        let bytes = b"\x1b]0;one\x07 \x1b]2;two\x1b\\\x1b]8;;http://x\x07\x1b]1;icon\x07\x1b]0;\x07";
        assert_eq!(titles(&[bytes]), ["one", "two", ""]);
    }

    #[test]
    fn every_cut_finds_the_same_titles() {
        let bytes = "a\x1b]0;✳ Claude Code\x07b\x1b]2;⠂ x\x1b\\c\x1b\x1b]0;y\x07".as_bytes();
        for cut in 0..=bytes.len() {
            let found = titles(&[&bytes[..cut], &bytes[cut..]]);
            assert_eq!(found, ["✳ Claude Code", "⠂ x", "y"], "cut at {cut}");
        }
    }

    #[test]
    fn an_endless_title_is_dropped_and_the_next_is_found() {
        let mut bytes = b"\x1b]0;".to_vec();
        bytes.resize(1 << 20, b'x');
        bytes.extend(b"\x07\x1b]0;ok\x07");
        assert_eq!(titles(&[&bytes]), ["ok"]);
    }

    #[test]
    fn a_cancelled_or_broken_off_title_is_none() {
        assert_eq!(titles(&[b"\x1b]0;a\x18b\x07\x1b]0;c\x1b[1m\x07"]), [""; 0]);
    }
}
