//! Random kills: a small program in claude's place, with the hub on, and at a random moment one or several of the
//! processes of the run are killed. Whatever it was, soon nothing of the run is left, the terminal can be used, and
//! record and socket are gone, at the latest when somebody asks for a list.
//!
//! Left out: in subprocess mode, supervisor and guardian at once; in exec mode, keeper and companion at once. Then nobody
//! of ours is left to act; in exec mode the program goes on as if it had been started alone, and the test ends it.
//!
//! `KILLS` is the number of rounds, `SEED` repeats an earlier run. `round`: one round. `cast`: who is who in it.

use cast::{Method, Role};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

mod cast;
mod round;

const ROUNDS: u64 = 100;
/// Rounds at a time; most of a round is waiting.
const AT_A_TIME: usize = 4;

/// Who is killed, in which launch method.
const VICTIMS: [(Method, &[Role]); 12] = [
    (Method::Subprocess, &[Role::Program]),
    (Method::Subprocess, &[Role::Us]),
    (Method::Subprocess, &[Role::Second]),
    (Method::Subprocess, &[Role::Us, Role::Program]),
    (Method::Subprocess, &[Role::Second, Role::Program]),
    (Method::Exec, &[Role::Program]),
    (Method::Exec, &[Role::Second]),
    (Method::Exec, &[Role::Keeper]),
    (Method::Exec, &[Role::Second, Role::Program]),
    (Method::Exec, &[Role::Keeper, Role::Program]),
    (Method::Exec, &[Role::Keeper, Role::Second]),
    (Method::Exec, &[Role::Us]),
];

/// Numbers that look random and are the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    /// From 0 on, less than `end`.
    fn below(&mut self, end: u64) -> u64 {
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

#[test]
fn whoever_is_killed_at_whatever_moment_nothing_is_left() {
    let rounds = number("KILLS").unwrap_or(ROUNDS);
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seed = number("SEED").unwrap_or_else(now);
    println!("SEED={seed} KILLS={rounds}");
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let results = Mutex::new(BTreeMap::<_, (u64, u64, u128)>::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= rounds {
                        return;
                    }
                    // It has said which it was and why; the others go on.
                    let Ok((name, slept, files)) = std::panic::catch_unwind(|| play(seed, number)) else {
                        failed.fetch_add(1, Ordering::Relaxed);
                        continue;
                    };
                    let mut results = results.lock().expect("whole results");
                    let result = results.entry(name).or_default();
                    *result = (result.0 + 1, result.1 + files, result.2.max(slept));
                }
            });
        }
    });
    for (name, (count, files, longest)) in results.into_inner().expect("whole results") {
        println!(
            "{name:<40} {count:>5} rounds, all gone after {longest:>5} ms at most, {files} left for `list`"
        );
    }
}

/// Gives who was killed, after how many milliseconds nothing was left at all, and whether files were left.
fn play(seed: u64, number: u64) -> (String, u128, u64) {
    let mut dice = Dice(seed.wrapping_add(number.wrapping_mul(0x1_0000_0001)));
    let (method, victims) = VICTIMS[usize::try_from(dice.below(VICTIMS.len() as u64)).expect("an index")];
    let mut round = round::Round::start(method, format!("SEED={seed} round {number} {method:?} {victims:?}"));
    round.pass_time(&mut dice);
    let killed = round.kill(victims, &mut dice);
    let since = Instant::now();
    round.ends(&killed, &mut dice);
    let longest = since.elapsed().as_millis();
    round.terminal_is_usable(&killed);
    let files = round.files_are_swept();
    (format!("{method:?} {:?}", killed.roles), longest, files)
}
