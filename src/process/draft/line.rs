//! What is typed since the last Enter, as far as the keys tell. Pure.

use super::super::strokes::Stroke;

/// A longer paste is shown as one piece, which does not go character by character, bytes.
const SHORT_PASTE: u32 = 200;
/// `^U` takes away what is in front of the cursor in its row; so many characters are in one row for certain.
const ROW: u32 = 8;

/// The line.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) chars: u32,
    /// When its first key came.
    pub(super) began: i64,
    /// Bytes of the paste that it is in, or was last in.
    pasted: u32,
    pub(super) last: u8,
    has_lines: bool,
    pub(super) has_moved: bool,
    has_backslash: bool,
    /// A `!` may have been typed at its beginning, which is where claude takes it for a key.
    has_bang: bool,
    /// More or less may stand there.
    pub(super) is_unsure: bool,
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.chars == 0 && !self.is_unsure
    }

    /// Whether what follows may be for the shell, once the text is taken away by other keys than Backspace.
    pub(super) fn may_be_shell(&self) -> bool {
        self.has_bang || self.is_unsure
    }

    /// One row, with the cursor at its end.
    fn is_plain(&self) -> bool {
        !self.is_unsure && !self.has_lines && !self.has_moved && self.chars <= ROW
    }

    /// Whether Enter begins another line instead of ending it.
    pub(super) fn goes_on(&self) -> bool {
        self.last == b'\\' && !self.has_moved
    }

    /// Whether Enter may not end it, because a backslash stands in front of the cursor.
    pub(super) fn may_go_on(&self) -> bool {
        self.has_backslash && (self.has_moved || self.last == 0)
    }

    pub(super) fn stroke(&mut self, stroke: Stroke, may_be_command: bool) {
        match stroke {
            Stroke::Text(byte) => {
                self.pasted = 0;
                self.grows(byte);
            }
            Stroke::Pasted(byte) => self.pastes(byte),
            Stroke::Newline => self.breaks(),
            // Behind an Escape, keys may be commands of an editor (vim).
            Stroke::Backspace | Stroke::KillLine if may_be_command => self.is_unsure |= !self.is_empty(),
            Stroke::Backspace => self.shrinks(),
            Stroke::KillLine if self.is_plain() => *self = Self::default(),
            Stroke::KillLine | Stroke::Replace | Stroke::Stash | Stroke::Anything => self.is_unsure = true,
            // It may take a suggestion.
            Stroke::Move | Stroke::Left if self.is_empty() => self.is_unsure = true,
            Stroke::Move | Stroke::Left => self.has_moved = true,
            Stroke::Enter | Stroke::Escape | Stroke::Cancel => {}
        }
    }

    fn grows(&mut self, byte: u8) {
        self.has_bang |= byte == b'!' && (self.chars == 0 || self.has_moved);
        self.has_backslash |= byte == b'\\';
        self.last = byte;
        self.chars = self.chars.saturating_add(1);
    }

    pub(super) fn breaks(&mut self) {
        self.grows(b'\n');
        self.has_lines = true;
    }

    fn pastes(&mut self, byte: u8) {
        self.pasted = self.pasted.saturating_add(1);
        self.has_lines |= matches!(byte, b'\r' | b'\n');
        // Within a character.
        if !(0x80..=0xbf).contains(&byte) {
            self.grows(byte);
        }
        self.is_unsure |= self.pasted > SHORT_PASTE || self.has_lines;
    }

    /// In front of the cursor there may be nothing to take away.
    fn shrinks(&mut self) {
        if self.is_empty() || self.is_unsure {
            return;
        }
        if self.has_moved {
            self.is_unsure = true;
        } else if self.chars == 1 {
            *self = Self::default();
        } else {
            self.chars -= 1;
            self.last = 0;
        }
    }
}
