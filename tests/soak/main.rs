//! Nothing lost, whoever is killed: writers publish as fast as they may, clients lose their connections and hubs are killed
//! at random and started again. At the end the journal is read from its files: every client received everything that is in
//! it once and in order; what a client received beyond that belongs to an epoch that ended; what a writer was told is
//! published is in it, but for the last second before a kill.
//!
//! `SOAK_KILLS=200` kills a hub so often, without it is 50; `SOAK_SEED` repeats the choices of an earlier run, as far as
//! the machine does the same. `stand`: who is killed and comes back. `crowd`: who writes and reads. `ledger`: what was
//! written, received and kept. `runs`: supervisors that are killed while claude's place prints.
#![expect(clippy::unwrap_used, reason = "test code")]

mod crowd;
mod ledger;
mod runs;
mod stand;

use crowd::Crowd;
use ledger::{Ledger, WRITTEN_WITHIN};
use stand::Stand;
use std::time::{Duration, Instant, SystemTime};

const KILLS: u64 = 50;
/// From when a hub serves until it is killed, at most, beyond what it has to live; milliseconds.
const LIFE: u64 = 600;
/// Every so many lives are longer: what was acknowledged early in them is kept, whoever is killed at their end.
const LONG: u64 = 10;

/// Numbers that look random and are the same for the same seed (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// From 0 on, less than `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn seed() -> u64 {
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    number("SOAK_SEED").unwrap_or_else(now)
}

/// Kills it so often, at random moments, while writers and clients are at work, and holds what came of it.
fn soak(mut stand: Stand, kills: u64) {
    let seed = seed();
    println!("SOAK_SEED={seed}");
    let (mut dice, mut ledger) = (Dice(seed), Ledger::default());
    let crowd = Crowd::start(stand.port, seed);
    for kill in 0..kills {
        let long = if kill % LONG == LONG - 1 { 2 * WRITTEN_WITHIN } else { Duration::ZERO };
        std::thread::sleep(stand.youth() + long + Duration::from_millis(dice.below(LIFE)));
        ledger.killed(Instant::now());
        stand.kill();
    }
    // Everybody has time to come back.
    std::thread::sleep(Duration::from_millis(500));
    let (acknowledged, clients) = crowd.finish(stand.port);
    stand.stop();
    ledger.hold(&stand.journal(), &acknowledged, &clients);
}

#[test]
fn a_hub_that_is_killed_again_and_again_loses_nothing_that_it_kept() {
    soak(Stand::alone(), number("SOAK_KILLS").unwrap_or(KILLS));
}

#[test]
fn a_companion_that_is_killed_again_and_again_loses_nothing_that_it_kept() {
    soak(Stand::beside(), number("SOAK_KILLS").unwrap_or(KILLS) / 10);
}
