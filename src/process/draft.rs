//! Whether something is typed at the child's prompt and not submitted yet, as far as the keys tell. Pure.
//!
//! It sees keys, not the child, and so it is careful: where it cannot know, there is a draft. A line that Enter ends may
//! open a dialog instead of being taken as a prompt (`/model`), be completed instead (`@file`), or stand there still (a
//! child that has just begun); where the child tells of the prompts it takes, a line counts until it has, and so does
//! what may stand somewhere else (a menu). What is typed while the child asks something answers that, and is no draft.
//!
//! A `!` at the beginning of the prompt is a key that makes claude run what follows in a shell, without a question. It
//! stays pressed when the text is taken away by `^U` or `^C`, and a Backspace or `^U` in the empty prompt lets it go
//! (2.1.197; there is no other such key).

mod asked;
mod line;

use super::strokes::{Stroke, Strokes};
use asked::Asked;
use line::Line;

/// An Escape that nothing follows for so long was the key, milliseconds.
pub const ALONE: i64 = 100;
/// Two Escapes within this time may open a menu, milliseconds. (Claude 2.1.197: 800.)
const TWICE: i64 = 1000;
/// A dialog is told so long after the line that opened it at most, milliseconds.
const OPENS: i64 = 2000;

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
    /// Nothing, but what is typed there may be run by a shell, until `^U` is pressed.
    Shell,
    /// Perhaps what was submitted before: it was put back when somebody interrupted the child from elsewhere.
    PutBack,
    /// Something that was typed, or may be.
    Draft,
    /// Nobody knows: keys were pressed that may have opened a menu, or brought another text.
    Unsure,
}

/// The draft. Times are milliseconds on a clock that is never set.
#[derive(Debug, Default)]
pub struct Draft {
    strokes: Strokes,
    line: Line,
    ended: Option<Ended>,
    /// Since then a menu may be open.
    elsewhere: Option<i64>,
    /// Since then what is typed may be for the shell.
    shell: Option<i64>,
    /// What was typed once and put aside comes back with the next prompt that is taken (`^S`).
    has_stash: bool,
    /// What was submitted may be back, because of a key that did not come from the user.
    is_put_back: bool,
    /// When Escape was last pressed. Behind it, keys may be commands of an editor (vim), until a prompt was taken.
    escaped: Option<i64>,
    work: Work,
    /// When the last key came.
    touched: i64,
    /// How many keys of the user's came.
    users: u64,
    /// The child tells of the prompts that it takes.
    is_told: bool,
    /// The child asks something.
    asked: Option<Asked>,
}

/// A line that was ended, of which nobody knows whether it was taken.
#[derive(Debug, Clone, Copy)]
struct Ended {
    at: i64,
    /// It has opened a dialog.
    is_dialog: bool,
    /// Nothing was picked in there: Escape leaves it, and nothing of it stands at the prompt.
    is_left_by_escape: bool,
}

impl Draft {
    /// Nothing typed. `is_told`: the child tells of the prompts that it takes, see [`Draft::taken`].
    pub fn new(is_told: bool) -> Self {
        Self { is_told, ..Self::default() }
    }

    /// What stands there.
    pub fn prompt(&self) -> Prompt {
        if self.line.chars > 0 || self.ended.is_some() || self.strokes.is_pasting() {
            Prompt::Draft
        } else if self.line.is_unsure || self.elsewhere.is_some() {
            Prompt::Unsure
        } else if self.is_put_back {
            Prompt::PutBack
        } else if self.shell.is_some() {
            Prompt::Shell
        } else {
            Prompt::Empty
        }
    }

    /// Keys went to the child at this time; the user's, or others.
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

    /// Whether the user is in the middle of a paste, or of a key of several bytes: nothing may come in between.
    pub fn is_amid(&self, now: i64) -> bool {
        self.strokes.is_pasting() || (self.strokes.is_amid() && now.saturating_sub(self.touched) <= ALONE)
    }

    /// How many keys of the user's there were.
    pub fn users(&self) -> u64 {
        self.users
    }

    /// It is this time by now.
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

    /// The child does not tell of the prompts that it takes: what was submitted is gone.
    pub fn is_untold(&mut self) {
        if std::mem::replace(&mut self.is_told, false) {
            self.ended = None;
        }
    }

    /// What the child does since this time.
    pub fn works(&mut self, work: Work, since: i64) {
        let from = std::mem::replace(&mut self.work, work);
        match (work == Work::Asking, self.asked.take()) {
            (true, Some(mut asked)) => {
                asked.again(since);
                self.asked = Some(asked);
            }
            (true, None) => {
                // It may have gone into the question, which is told late.
                self.line.is_unsure |= !self.line.is_empty() && self.line.began >= since;
                self.asked = Some(Asked::new(since, from));
                if let (Work::Idle, Some(ended)) = (from, &mut self.ended) {
                    ended.is_dialog |= since.saturating_sub(ended.at) < OPENS;
                }
            }
            (false, Some(asked)) => self.line.is_unsure |= asked.leaves_something(),
            (false, None) => {}
        }
    }

    /// Somebody else has answered what the child asks, at this time: the user's keys may have come too late.
    pub fn answered_elsewhere(&mut self, at: i64) {
        if let Some(asked) = &self.asked {
            self.line.is_unsure |= asked.leaves_something_elsewhere(at);
        }
    }

    /// The child has taken a prompt at this time: what was ended before was no dialog. What is typed since stays.
    pub fn taken(&mut self, at: i64) {
        if self.ended.is_some_and(|ended| ended.at <= at) {
            self.ended = None;
            self.escaped = self.escaped.filter(|escaped| *escaped > at);
            self.shell = self.shell.filter(|since| *since > at);
            self.line.is_unsure |= std::mem::take(&mut self.has_stash);
        }
        self.is_put_back &= self.touched > at;
    }

    fn stroke(&mut self, stroke: Stroke, at: i64, is_users: bool) {
        self.users += u64::from(is_users);
        if let Some(asked) = &mut self.asked {
            asked.stroke(stroke, at);
            // A dialog of its own (`/model`), and not what came of a prompt.
            if asked.from == Work::Idle {
                self.leaves(stroke);
            }
            return;
        }
        match stroke {
            Stroke::Escape => self.escape(at, is_users),
            Stroke::Cancel if self.work == Work::Idle => self.cancel(at),
            Stroke::Cancel => self.interrupt(is_users),
            // As many as it takes, by somebody who knows what was put back.
            Stroke::KillLine if self.line.is_empty() => {
                self.shell = None;
                self.is_put_back &= is_users;
            }
            Stroke::Backspace if self.line.is_empty() => {
                self.shell = None;
                self.line.is_unsure = self.is_put_back;
            }
            Stroke::Enter => self.enter(at),
            stroke => self.types(stroke, at),
        }
    }

    fn types(&mut self, stroke: Stroke, at: i64) {
        let is_left = stroke == Stroke::Left && self.line.is_empty();
        if stroke == Stroke::Anything || is_left {
            self.elsewhere = Some(at);
        }
        self.has_stash |= stroke == Stroke::Stash;
        if self.line.is_empty() {
            self.line.began = at;
        }
        let may_be_shell = self.line.may_be_shell();
        self.line.stroke(stroke, self.escaped.is_some());
        if stroke == Stroke::KillLine && may_be_shell {
            self.shell = Some(at);
        }
    }

    fn escape(&mut self, at: i64, is_users: bool) {
        if self.escaped.is_some_and(|before| at.saturating_sub(before) < TWICE) {
            self.elsewhere = Some(at);
        }
        self.escaped = Some(at);
        self.leaves(Stroke::Escape);
        self.interrupt(is_users);
    }

    /// A dialog may be open, and this key comes.
    fn leaves(&mut self, stroke: Stroke) {
        if let (Stroke::Enter, Some(ended)) = (stroke, &mut self.ended) {
            ended.is_left_by_escape = false;
        }
        if stroke == Stroke::Escape && matches!(self.work, Work::Idle | Work::Asking) {
            self.ended = self.ended.filter(|ended| !(ended.is_dialog && ended.is_left_by_escape));
        }
    }

    /// `^C` takes the text away, and leaves no dialog (claude 2.1.197).
    fn cancel(&mut self, at: i64) {
        if self.line.may_be_shell() {
            self.shell = Some(at);
        }
        self.line = Line::default();
        self.is_put_back = false;
    }

    /// Escape, or `^C` while it works.
    fn interrupt(&mut self, is_users: bool) {
        if self.work == Work::Begun && self.line.is_empty() && self.is_told {
            self.line.is_unsure = is_users;
            self.is_put_back |= !is_users;
        }
    }

    fn enter(&mut self, at: i64) {
        self.leaves(Stroke::Enter);
        if self.line.is_empty() && self.elsewhere.is_none() {
            return;
        }
        if self.line.goes_on() {
            return self.line.breaks();
        }
        let is_left_by_escape = self.elsewhere.take().is_none() && self.ended.is_none();
        let line = std::mem::take(&mut self.line);
        if self.is_told {
            self.ended = Some(Ended { at, is_dialog: false, is_left_by_escape });
        } else {
            self.shell = None;
            self.line.is_unsure = line.may_go_on();
        }
    }
}

#[cfg(test)]
mod tests;
