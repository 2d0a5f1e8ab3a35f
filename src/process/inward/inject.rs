//! One injection, piece by piece: what the user types meanwhile is passed on between two of them.

use super::super::injection::{Injection, Outcome, Piece};
use super::super::pty::Unread;
use super::write::{is_dropped, write_all};
use super::{AMID, HOLD, Inward};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// A child that has drawn nothing of a paste for so long draws nothing.
const DRAWING: Duration = Duration::from_millis(1500);
/// How often it is looked whether it has read it.
const READING: Duration = Duration::from_millis(10);
pub(super) const UNREAD: &str = "claude does not read what is typed";
const GONE: &str = "its terminal is gone";
/// So long an injection takes at most, all of it.
const WHOLE: Duration = Duration::from_secs(6);

impl Inward {
    pub(super) fn inject(
        &mut self,
        injection: &Injection,
        buffer: &mut [u8],
        ring: BorrowedFd<'_>,
    ) -> Outcome {
        if !injection.begins() {
            return Outcome::Unwritten("nobody waits for it any more".into());
        }
        let until = Instant::now() + WHOLE;
        if !self.owed.is_empty() && !self.write_owed(ring, Some(until)) {
            return Outcome::Unwritten(UNREAD.into());
        }
        let users = self.draft.users();
        for (number, piece) in injection.pieces.iter().enumerate() {
            if number > 0
                && let Err(reason) = self.may_go_on(injection, users, buffer, ring)
            {
                return Outcome::Unwritten(format!("it was begun, and then {reason}"));
            }
            match (injection.check)(&self.draft, number) {
                Err(reason) if number == 0 => return Outcome::Refused(reason),
                Err(reason) => return Outcome::Unwritten(format!("it was begun, and then {reason}")),
                Ok(()) => {}
            }
            if is_dropped(ring, Duration::ZERO) {
                return Outcome::Unwritten(GONE.into());
            }
            if Instant::now() >= until {
                return Outcome::Unwritten(UNREAD.into());
            }
            let bytes = piece.bytes();
            let (at, before) = (self.door.now(), self.writes.load(Relaxed));
            let written = write_all(self.to.as_fd(), &bytes, ring, Some(until));
            self.follow(&bytes[..written], at, false);
            if written < bytes.len() {
                self.owed = piece.owed(written);
                return Outcome::Unwritten(UNREAD.into());
            }
            if !self.rest(piece, before, ring) && injection.is_whole {
                return Outcome::Unwritten(UNREAD.into());
            }
        }
        Outcome::Typed
    }

    /// Between two pieces: the user's keys are passed on. `Err` says why nothing else is written.
    fn may_go_on(
        &mut self,
        injection: &Injection,
        users: u64,
        buffer: &mut [u8],
        ring: BorrowedFd<'_>,
    ) -> Result<(), String> {
        let until = Instant::now() + HOLD;
        loop {
            if self.is_typed_at() {
                self.read(buffer, ring);
            }
            self.keep_up();
            if injection.is_whole && self.draft.users() != users {
                return Err("the user typed".into());
            }
            if !injection.goes_on() {
                return Err("nobody waited for it any more".into());
            }
            if !self.draft.is_amid(self.door.now()) {
                return Ok(());
            }
            if Instant::now() >= until || is_dropped(ring, READING) {
                return Err(AMID.into());
            }
        }
    }
}

impl Inward {
    /// Leaves the child alone with a piece, unless the user wants it; `before`: so often it had written in front of it.
    /// What it reads in one go with a paste is lost, so it must have read that, and drawn it. `false` where it reads
    /// nothing.
    fn rest(&self, piece: &Piece, mut before: u64, ring: BorrowedFd<'_>) -> bool {
        if piece.rest().is_zero() {
            return true;
        }
        let until = Instant::now() + DRAWING;
        if let Some(unread) = self.slave.as_deref().and_then(Unread::at) {
            while unread.is_there() {
                before = self.writes.load(Relaxed);
                if Instant::now() >= until || is_dropped(ring, READING) {
                    return false;
                }
            }
        }
        while !is_dropped(ring, piece.rest()) && piece.is_drawn() && Instant::now() < until {
            if self.writes.load(Relaxed) > before || self.is_typed_at() {
                break;
            }
        }
        true
    }
}
