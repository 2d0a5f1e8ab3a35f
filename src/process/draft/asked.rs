//! Keys that come while the child asks something: whether all of them have gone into its question. Pure.

use super::super::strokes::Stroke;
use super::Work;

/// Between a question and the moment at which it is drawn, at most; what is typed then may go to the prompt,
/// milliseconds. (Claude 2.1.197: 140 to 330.)
const DRAWN: i64 = 500;

/// A question.
#[derive(Debug)]
pub(super) struct Asked {
    since: i64,
    /// What the child did before.
    pub(super) from: Work,
    touched: i64,
    /// A key came that may have been the answer.
    is_answered: bool,
    /// A key came when the question was perhaps not drawn yet.
    is_early: bool,
    /// Keys came behind that one.
    is_followed: bool,
    last: u8,
}

impl Asked {
    pub(super) fn new(since: i64, from: Work) -> Self {
        Self {
            since,
            from,
            touched: i64::MIN,
            is_answered: false,
            is_early: false,
            is_followed: false,
            last: 0,
        }
    }

    /// It asks since this time: perhaps something else than before.
    pub(super) fn again(&mut self, since: i64) {
        if since > self.since && since > self.touched {
            (self.since, self.is_answered, self.is_early) = (since, false, false);
        }
    }

    pub(super) fn stroke(&mut self, stroke: Stroke, at: i64) {
        let is_early = at < self.since.saturating_add(DRAWN);
        let goes_on = self.last == b'\\';
        self.touched = at;
        self.last = if let Stroke::Text(byte) | Stroke::Pasted(byte) = stroke { byte } else { 0 };
        match stroke {
            // What was typed behind an answer is submitted by it.
            Stroke::Enter if !is_early && !self.is_early && !goes_on => {
                (self.is_answered, self.is_followed) = (true, false);
            }
            _ if self.is_answered => self.is_followed = true,
            Stroke::Enter | Stroke::Escape | Stroke::Cancel => self.answers(is_early),
            Stroke::Text(byte) if byte.is_ascii_alphanumeric() => self.answers(is_early),
            // It walks through the answers.
            Stroke::Text(b' ') | Stroke::Move | Stroke::Left | Stroke::Replace => {
                self.is_followed |= is_early;
                self.is_early |= is_early;
            }
            _ => self.is_followed = true,
        }
    }

    fn answers(&mut self, is_early: bool) {
        self.is_answered = true;
        self.is_early |= is_early;
    }

    /// Whether something may stand at the prompt, now that it is over.
    pub(super) fn leaves_something(&self) -> bool {
        self.is_followed
    }

    /// The same, where somebody else has answered it at this time.
    pub(super) fn leaves_something_elsewhere(&self, at: i64) -> bool {
        let is_close = self.is_answered && self.touched >= at.saturating_sub(DRAWN);
        at >= self.since && (self.is_followed || self.is_early || is_close)
    }
}
