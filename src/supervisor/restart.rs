//! Whether claude is started again when it is over, and when. Pure but for the chance in the pause.

use super::once::Over;
use super::state::Ending;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

/// So often in a row, and it stays down.
pub const MOST: u32 = 5;
/// The first pause; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A claude that ran this long was well, and its end begins a new row.
const WELL: Duration = Duration::from_secs(60);

/// When it is started again. A claude that somebody asked to end, or that cannot be executed, stays down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Only when somebody asks for that.
    Asked,
    /// When it failed: another exit code than 0, or a signal.
    OnFailure,
    /// However it ended.
    Always,
}

/// The wish to have it restarted.
pub struct Restart {
    /// When.
    pub policy: Policy,
    /// What it is called with then, the name it is called by first. It is told whether somebody asked for the restart.
    pub arguments: Box<dyn Fn(bool) -> Vec<OsString>>,
}

impl fmt::Debug for Restart {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Restart").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// The next start.
#[derive(Debug)]
pub(super) struct Next {
    /// Which in a row, from 1 on.
    pub(super) number: u32,
    /// Until then.
    pub(super) pause: Duration,
    /// Somebody asked for it.
    pub(super) is_asked: bool,
    pub(super) arguments: Vec<OsString>,
}

/// The restarts of one run.
#[derive(Debug)]
pub(super) struct Restarts {
    wish: Restart,
    in_a_row: u32,
}

impl Restarts {
    pub(super) fn new(wish: Restart) -> Self {
        Self { wish, in_a_row: 0 }
    }

    /// What follows on an end; `None` when it stays down.
    pub(super) fn after(&mut self, over: &Over, ran: Duration) -> Option<Next> {
        if over.again {
            self.in_a_row = 0;
            let arguments = (self.wish.arguments)(true);
            return Some(Next { number: 1, pause: Duration::ZERO, is_asked: true, arguments });
        }
        if over.was_asked || !is_wanted(self.wish.policy, over.ending) {
            return None;
        }
        self.in_a_row = if ran >= WELL { 1 } else { self.in_a_row + 1 };
        let number = self.in_a_row;
        let arguments = (self.wish.arguments)(false);
        (number <= MOST).then(|| Next { number, pause: pause(number, chance()), is_asked: false, arguments })
    }
}

fn is_wanted(policy: Policy, ending: Ending) -> bool {
    match ending {
        _ if policy == Policy::Asked => false,
        Ending::NotExecuted(_) | Ending::Unknown | Ending::Untold => false,
        Ending::Exited(_) if ending.tells_of_request() => false,
        Ending::Exited(0) => policy == Policy::Always,
        Ending::Exited(_) | Ending::Signaled(_) => true,
    }
}

/// `chance` from 0 to 1 makes it up to a fifth longer or shorter, so that many that fell together do not rise together.
fn pause(number: u32, chance: f64) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(1 << number.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    pause.mul_f64(0.8 + 0.4 * chance)
}

fn chance() -> f64 {
    let mut byte = [128];
    // Where there is no chance, it is the middle.
    let _no_chance = getrandom::fill(&mut byte);
    f64::from(byte[0]) / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::state::State;

    fn over(ending: Ending, was_asked: bool) -> Over {
        let state = State::Ended { pid: Some(7), ending, stopped: false };
        Over { state, ending, family: None, was_asked, again: false }
    }

    fn restarts(policy: Policy) -> Restarts {
        Restarts::new(Restart { policy, arguments: Box::new(|_| vec!["claude".into()]) })
    }

    #[test]
    fn it_rises_again_only_where_that_is_wanted() {
        use Ending::{Exited, NotExecuted, Signaled, Unknown};
        for (ending, on_failure, always) in [
            (Exited(0), false, true),
            (Exited(1), true, true),
            (Signaled(9), true, true),
            (Exited(143), false, false),
            (NotExecuted(2), false, false),
            (Unknown, false, false),
        ] {
            let rises = |policy| restarts(policy).after(&over(ending, false), WELL).is_some();
            assert_eq!((rises(Policy::OnFailure), rises(Policy::Always)), (on_failure, always), "{ending:?}");
            assert!(restarts(Policy::Always).after(&over(ending, true), WELL).is_none(), "{ending:?}");
        }
    }

    #[test]
    fn it_rises_when_that_is_asked_for_whatever_the_policy() {
        for policy in [Policy::Asked, Policy::OnFailure, Policy::Always] {
            let asked = Over { again: true, ..over(Ending::Exited(143), true) };
            let next = restarts(policy).after(&asked, Duration::ZERO).unwrap();
            assert!(next.is_asked && next.pause.is_zero());
        }
        assert!(restarts(Policy::Asked).after(&over(Ending::Exited(1), false), WELL).is_none());
    }

    #[test]
    fn pauses_grow_and_there_are_only_so_many_in_a_row() {
        let mut restarts = restarts(Policy::OnFailure);
        let failed = over(Ending::Exited(1), false);
        let numbers: Vec<u32> =
            std::iter::from_fn(|| restarts.after(&failed, Duration::ZERO)).map(|next| next.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        assert_eq!(restarts.after(&failed, WELL).map(|next| next.number), Some(1), "it was well meanwhile");
        let seconds: Vec<f64> = [1, 2, 3, 7, 99].map(|number| pause(number, 0.5).as_secs_f64()).to_vec();
        assert_eq!(seconds, [1.0, 2.0, 4.0, 60.0, 60.0]);
        assert_eq!((pause(1, 0.0), pause(1, 1.0)), (Duration::from_millis(800), Duration::from_millis(1200)));
    }
}
