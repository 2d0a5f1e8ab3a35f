//! The tokens that let callers in: those the user has made, that of this run, and those that are good once.

use crate::instance::tokens::{Granted, Tokens};
use crate::instance::{Digest, Role, RunKey, Secret};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Which token somebody was let in with; no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenId {
    /// That of this run.
    Run,
    /// One that was good once.
    Once,
    /// One of the user's.
    Kept(String),
}

impl fmt::Display for TokenId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Run => "run",
            Self::Once => "once",
            Self::Kept(id) => id,
        })
    }
}

/// What a token gives to whoever shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) token: TokenId,
    pub(super) role: Role,
}

/// How long one of these may wait to be shown.
pub(super) const ONCE_GOOD_FOR: Duration = Duration::from_secs(60);
/// Most of these that wait.
const MAX_ONCE: usize = 16;
/// Wrong tokens that are answered as such at once, and how long one more takes.
const GUESSES: u32 = 20;
const A_GUESS: Duration = Duration::from_secs(1);

/// What knows tokens again. Clones know the same.
#[derive(Debug, Clone, Default)]
pub struct Keys(Arc<Ring>);

#[derive(Debug)]
struct Ring {
    tokens: Tokens,
    run: Option<RunKey>,
    once: Mutex<VecDeque<(Digest, Instant)>>,
    guesses: Mutex<(u32, Option<Instant>)>,
}

impl Default for Ring {
    fn default() -> Self {
        Self { tokens: Tokens::none(), run: None, once: Mutex::default(), guesses: Mutex::default() }
    }
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is none.
    Token,
    /// It is none, and there were too many before.
    Again,
}

impl Keys {
    /// The user's own tokens, and that of this run where there is one.
    pub fn new(tokens: Tokens, run: Option<RunKey>) -> Self {
        Self(Arc::new(Ring { tokens, run, ..Ring::default() }))
    }

    /// What this token gives. A right one is never refused for the wrong ones before it.
    pub(super) fn verify(&self, presented: &[u8], now: Instant) -> Result<Pass, Wrong> {
        let control = |token| Pass { token, role: Role::Control };
        // Each is looked at, whichever it is, so that the time tells nothing.
        let is_run = self.0.run.as_ref().is_some_and(|key| key.is(presented));
        let kept = self.0.tokens.verify(presented);
        let once = self.take_once(presented, now);
        match (is_run, kept, once) {
            (true, _, _) => Ok(control(TokenId::Run)),
            (_, Some(Granted { id, role }), _) => Ok(Pass { token: TokenId::Kept(id), role }),
            (_, _, true) => Ok(control(TokenId::Once)),
            _ => Err(self.guessed(now)),
        }
    }

    /// Whether who was let in with it still may be.
    pub(super) fn still_valid(&self, token: &TokenId) -> bool {
        match token {
            TokenId::Run | TokenId::Once => true,
            TokenId::Kept(id) => self.0.tokens.still_valid(id),
        }
    }

    /// A token that lets one caller in, once.
    pub(super) fn mint_once(&self, now: Instant) -> io::Result<Secret> {
        let secret = Secret::mint()?;
        let mut once = self.once();
        if once.len() >= MAX_ONCE {
            once.pop_front();
        }
        once.push_back((secret.digest(), now + ONCE_GOOD_FOR));
        Ok(secret)
    }

    fn take_once(&self, presented: &[u8], now: Instant) -> bool {
        let digest = Digest::of(presented);
        let mut once = self.once();
        once.retain(|(_, until)| *until > now);
        let before = once.len();
        once.retain(|(known, _)| !bool::from(known.equals(&digest)));
        once.len() < before
    }

    fn guessed(&self, now: Instant) -> Wrong {
        let mut guesses = self.0.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, since) = &mut *guesses;
        let forgiven = since.map_or(0, |since| now.duration_since(since).as_secs() / A_GUESS.as_secs());
        if forgiven > 0 {
            *count = count.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
        }
        if forgiven > 0 || since.is_none() {
            *since = Some(now);
        }
        *count = (*count + 1).min(GUESSES + 1);
        if *count > GUESSES { Wrong::Again } else { Wrong::Token }
    }

    fn once(&self) -> std::sync::MutexGuard<'_, VecDeque<(Digest, Instant)>> {
        self.0.once.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_good_once_is_good_once_and_not_for_long() {
        let (keys, start) = (Keys::default(), Instant::now());
        let secret = keys.mint_once(start).unwrap();
        let granted = keys.verify(secret.reveal().as_bytes(), start).unwrap();
        assert_eq!((granted.role, keys.still_valid(&granted.token)), (Role::Control, true));
        assert_eq!(keys.verify(secret.reveal().as_bytes(), start), Err(Wrong::Token));
        let late = keys.mint_once(start).unwrap();
        assert_eq!(keys.verify(late.reveal().as_bytes(), start + ONCE_GOOD_FOR), Err(Wrong::Token));
    }

    #[test]
    fn guessing_is_slowed_down_and_a_right_token_is_not() {
        let (keys, start) = (Keys::default(), Instant::now());
        assert!((0..GUESSES).all(|_| keys.verify(b"mpm_x", start) == Err(Wrong::Token)));
        assert!((0..300).all(|_| keys.verify(b"mpm_x", start) == Err(Wrong::Again)));
        let secret = keys.mint_once(start).unwrap();
        assert!(keys.verify(secret.reveal().as_bytes(), start).is_ok());
        let later = start + Duration::from_secs(3);
        assert!((0..2).all(|_| keys.verify(b"mpm_x", later) == Err(Wrong::Token)));
    }
}
