//! Whether claude works or waits, from what is cheap: its window title, and that it writes at all.
//!
//! Claude's title begins with a star while it waits and with a turning braille dot while it works. A program on a
//! terminal without such a title is busy while it writes and idle once it has been silent for a while. One that
//! writes into a pipe waits for nobody: it is busy until its end, however silent.

use crate::event::body::ActivityState;
use std::time::Duration;

/// Silence that means idle, for a program whose title says nothing.
pub const SILENCE: Duration = Duration::from_secs(2);

const IDLE_TITLE: char = '\u{2733}';
const BUSY_TITLE: std::ops::RangeInclusive<char> = '\u{2801}'..='\u{28ff}';

/// What is known so far.
#[derive(Debug)]
pub struct ActivityDetector {
    state: Option<ActivityState>,
    /// Silence says nothing: the title speaks, or there is no terminal at which somebody could be waited for.
    silence_is_mute: bool,
    last_output: Option<Duration>,
}

/// A change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Now.
    pub now: ActivityState,
    /// Before; `None` at first.
    pub previous: Option<ActivityState>,
}

impl ActivityDetector {
    /// At the start of a program whose output goes to a terminal, or not.
    pub fn new(on_terminal: bool) -> Self {
        Self { state: None, silence_is_mute: !on_terminal, last_output: None }
    }

    /// The program starts.
    pub fn started(&mut self, now: Duration) -> Option<Change> {
        self.last_output = Some(now);
        self.becomes(ActivityState::Busy)
    }

    /// The window title is now this.
    pub fn title(&mut self, title: &str) -> Option<Change> {
        let state = match title.chars().next() {
            Some(IDLE_TITLE) => ActivityState::Idle,
            Some(first) if BUSY_TITLE.contains(&first) => ActivityState::Busy,
            _ => return None,
        };
        self.silence_is_mute = true;
        self.becomes(state)
    }

    /// Something was written.
    pub fn output(&mut self, now: Duration) -> Option<Change> {
        if self.silence_is_mute {
            return None;
        }
        self.last_output = Some(now);
        self.becomes(ActivityState::Busy)
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Duration) -> Option<Change> {
        if self.deadline().is_none_or(|at| now < at) {
            return None;
        }
        self.last_output = None;
        self.becomes(ActivityState::Idle)
    }

    /// When `tick` has something to decide.
    pub fn deadline(&self) -> Option<Duration> {
        if self.silence_is_mute { None } else { self.last_output.map(|last| last + SILENCE) }
    }

    fn becomes(&mut self, state: ActivityState) -> Option<Change> {
        let previous = self.state.replace(state);
        (previous != Some(state)).then_some(Change { now: state, previous })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ActivityState::{Busy, Idle};

    #[test]
    fn the_title_decides_and_only_changes_are_told() {
        let mut detector = ActivityDetector::new(true);
        assert_eq!(detector.title("✳ Claude Code"), Some(Change { now: Idle, previous: None }));
        assert_eq!(detector.title("✳ Other"), None);
        assert_eq!(detector.title("⠂ Working"), Some(Change { now: Busy, previous: Some(Idle) }));
        assert_eq!(detector.title("⠐ Working"), None);
        assert_eq!(detector.title("vim"), None);
        assert_eq!(detector.output(Duration::ZERO), None);
        assert_eq!(detector.deadline(), None);
    }

    #[test]
    fn a_program_that_writes_into_a_pipe_is_busy_until_its_end() {
        let mut detector = ActivityDetector::new(false);
        assert_eq!(detector.started(Duration::ZERO), Some(Change { now: Busy, previous: None }));
        assert_eq!(detector.deadline(), None);
        assert_eq!(detector.output(SILENCE * 2), None);
        assert_eq!(detector.tick(SILENCE * 9), None);
    }

    #[test]
    fn without_a_telling_title_output_is_busy_and_silence_is_idle() {
        let mut detector = ActivityDetector::new(true);
        let later = Duration::from_secs(9);
        assert_eq!(detector.output(later), Some(Change { now: Busy, previous: None }));
        assert_eq!(detector.tick(later), None);
        assert_eq!(detector.deadline(), Some(later + SILENCE));
        assert_eq!(detector.tick(later + SILENCE), Some(Change { now: Idle, previous: Some(Busy) }));
        assert_eq!(detector.deadline(), None);
    }
}
