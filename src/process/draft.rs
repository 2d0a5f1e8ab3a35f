//! Whether something is typed at the child's prompt and not submitted yet, as far as the keys tell. Pure.
//!
//! It sees keys, not the child, and so it is careful: where it cannot know, there is a draft. A line that Enter ends may
//! open a dialog instead of being taken as a prompt (`/model`), be completed instead (`@file`), or stand there still (a
//! child that has just begun); where the child tells of the prompts it takes, a line counts until it has. What is typed
//! while the child asks something answers that, and is no draft.

use super::strokes::{Stroke, Strokes};

/// An Escape that nothing follows for so long was the key, milliseconds.
pub const ALONE: i64 = 100;
/// A question may be told to have an answer so long after the key that gave it, milliseconds.
const ANSWERED: i64 = 500;
/// A longer paste is shown as one piece, which does not go character by character, bytes.
const SHORT_PASTE: u32 = 200;

/// What the child does, as far as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Work {
    /// It waits for a prompt.
    #[default]
    Idle,
    /// It works, and nothing has come of it. Interrupted, it puts the prompt back where it is typed, if nothing else
    /// stands there (claude 2.1.197).
    Begun,
    /// It works, and has said or done something.
    Answering,
    /// It asks something.
    Asking,
}

/// What stands at the child's prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Nothing.
    Empty,
    /// Perhaps what was submitted before: it was put back when somebody interrupted the child from elsewhere.
    PutBack,
    /// Something that was typed, or may be.
    Draft,
}

/// The draft.
#[derive(Debug, Default)]
pub struct Draft {
    strokes: Strokes,
    line: Line,
    /// When a line was ended of which nobody knows whether it was taken.
    ended: Option<i64>,
    /// What was submitted may be back, because of a key that did not come from the user.
    is_put_back: bool,
    work: Work,
    /// When the last key came.
    touched: i64,
    /// The child tells of the prompts that it takes.
    is_told: bool,
    /// The child asks something: what was typed since the last key that may have been the answer, and when.
    asked: Option<(Line, i64)>,
}

/// What is typed since the last Enter.
#[derive(Debug, Default)]
struct Line {
    chars: u32,
    /// When its first key came.
    began: i64,
    /// Bytes of the paste that it is in, or was last in.
    pasted: u32,
    last: u8,
    has_lines: bool,
    has_moved: bool,
    has_backslash: bool,
    is_unsure: bool,
}

impl Draft {
    /// Nothing typed. `is_told`: the child tells of the prompts that it takes, see [`Draft::taken`].
    pub fn new(is_told: bool) -> Self {
        Self { is_told, ..Self::default() }
    }

    /// What stands there.
    pub fn prompt(&self) -> Prompt {
        if !self.line.is_empty() || self.ended.is_some() || self.strokes.is_pasting() {
            Prompt::Draft
        } else if self.is_put_back {
            Prompt::PutBack
        } else {
            Prompt::Empty
        }
    }

    /// Keys went to the child at this time, milliseconds since 1970; the user's, or others.
    pub fn feed(&mut self, bytes: &[u8], at: i64, is_users: bool) {
        if at.saturating_sub(self.touched) > ALONE {
            self.settle(is_users);
        }
        self.touched = at;
        for byte in bytes {
            if let Some(stroke) = self.strokes.feed(*byte) {
                self.stroke(stroke, at, is_users);
            }
        }
        let may_interrupt = self.strokes.awaits_more() && self.work == Work::Begun;
        if !is_users || may_interrupt {
            self.settle(is_users);
        }
    }

    /// Whether the last key may still become another one, for a moment.
    pub fn awaits_more(&self) -> bool {
        self.strokes.awaits_more()
    }

    /// It is this time by now, milliseconds since 1970.
    pub fn tick(&mut self, now: i64) {
        if now.saturating_sub(self.touched) > ALONE {
            self.settle(true);
        }
    }

    /// An Escape that nothing follows on was the key.
    fn settle(&mut self, is_users: bool) {
        if self.strokes.awaits_more() {
            self.strokes.settle();
            self.stroke(Stroke::Escape, self.touched, is_users);
        }
    }

    /// What the child does since this time, milliseconds since 1970.
    pub fn works(&mut self, work: Work, since: i64) {
        self.work = work;
        match (work == Work::Asking, self.asked.take()) {
            (true, asked @ Some(_)) => self.asked = asked,
            (true, None) => {
                // Told late: what was begun since then has gone into the question.
                if !self.line.is_empty() && self.line.began >= since {
                    self.line = Line::default();
                }
                self.asked = Some((Line::default(), since));
            }
            (false, Some((line, touched))) if touched > since.saturating_sub(ANSWERED) => {
                self.line.is_unsure |= !line.is_empty();
            }
            (false, _) => {}
        }
    }

    /// The child has taken a prompt at this time: what was ended before was no dialog. What is typed since stays.
    pub fn taken(&mut self, at: i64) {
        self.ended = self.ended.filter(|ended| *ended > at);
        self.is_put_back &= self.touched > at;
    }

    fn stroke(&mut self, stroke: Stroke, at: i64, is_users: bool) {
        if let Some((line, touched)) = &mut self.asked {
            *touched = at;
            match stroke {
                Stroke::Enter | Stroke::Escape | Stroke::Cancel => *line = Line::default(),
                Stroke::Text(byte) if byte.is_ascii_alphanumeric() => *line = Line::default(),
                stroke => line.stroke(stroke),
            }
            return;
        }
        match stroke {
            Stroke::Escape => self.interrupt(is_users),
            Stroke::Cancel if self.work == Work::Idle => {
                self.line = Line::default();
                self.ended = None;
                self.is_put_back = false;
            }
            Stroke::Cancel => self.interrupt(is_users),
            // As many as it takes, by somebody who knows what was put back.
            Stroke::KillLine if !is_users && self.line.is_empty() => self.is_put_back = false,
            Stroke::Enter => self.enter(at),
            stroke => {
                if self.line.is_empty() {
                    self.line.began = at;
                }
                self.line.stroke(stroke);
            }
        }
    }

    /// Escape, or `^C` while it works.
    fn interrupt(&mut self, is_users: bool) {
        match self.work {
            Work::Idle => self.ended = None,
            Work::Begun if self.line.is_empty() && self.is_told => {
                self.line.is_unsure = is_users;
                self.is_put_back |= !is_users;
            }
            Work::Begun | Work::Answering | Work::Asking => {}
        }
    }

    fn enter(&mut self, at: i64) {
        if self.line.is_empty() {
            return;
        }
        if self.line.last == b'\\' && !self.line.has_moved {
            return self.line.breaks();
        }
        let line = std::mem::take(&mut self.line);
        if self.is_told {
            self.ended = Some(at);
        } else {
            self.line.is_unsure = line.may_go_on();
        }
    }
}

impl Line {
    fn is_empty(&self) -> bool {
        self.chars == 0 && !self.is_unsure
    }

    /// One line, with the cursor at its end.
    fn is_plain(&self) -> bool {
        !self.is_unsure && !self.has_lines && !self.has_moved
    }

    /// Whether Enter may not end it, because a backslash stands in front of the cursor.
    fn may_go_on(&self) -> bool {
        self.has_backslash && (self.has_moved || self.last == 0)
    }

    fn stroke(&mut self, stroke: Stroke) {
        match stroke {
            Stroke::Text(byte) => {
                self.pasted = 0;
                self.grows(byte);
            }
            Stroke::Pasted(byte) => self.pastes(byte),
            Stroke::Newline => self.breaks(),
            Stroke::Backspace => self.shrinks(),
            Stroke::KillLine if self.is_plain() => *self = Self::default(),
            Stroke::KillLine | Stroke::Anything => self.is_unsure = true,
            Stroke::Move => self.has_moved |= !self.is_empty(),
            Stroke::Enter | Stroke::Escape | Stroke::Cancel => {}
        }
    }

    fn grows(&mut self, byte: u8) {
        self.has_backslash |= byte == b'\\';
        self.last = byte;
        self.chars = self.chars.saturating_add(1);
    }

    fn breaks(&mut self) {
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

#[cfg(test)]
mod tests;
