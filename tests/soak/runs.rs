//! Runs whose supervisor is killed while claude's place prints: what the journal has is whole, and the client that came
//! back has all of it and heard the end.

use crate::ledger::Kept;
use crate::{Dice, number, seed};
use nix::libc;
use std::fs;
use std::ops::ControlFlow;
use std::time::Duration;
use test_support::DEADLINE;
use test_support::instance::url_in;
use test_support::processes::Process;
use test_support::program::Program;
use test_support::standalone::Place;
use test_support::steady::Steady;

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
const SCRIPT: &str = "i=0; while :; do i=$((i + 1)); seq 100; sleep 0.02; done";
const END: &str = r#"{"type":"session.end""#;

fn run(dice: &mut Dice) {
    let place = Place::new(WRAPPER);
    let program = Program::start(place.shell(&["--headless"], SCRIPT), b"");
    let port = url_in(&place.path("run")).rsplit(':').next().unwrap().parse().unwrap();
    let life = Duration::from_millis(50 + dice.below(1_000));
    let client = std::thread::spawn(move || {
        let mut client = Steady::default();
        client.follow(port, END, |_| ControlFlow::Continue(()));
        client
    });
    std::thread::sleep(life);
    assert!(Process::of(program.pid()).signal(libc::SIGKILL));
    let client = client.join().unwrap();
    drop(program);
    // The guardian has told the end, and may not have written it yet.
    let ours = Process::with_env(&format!("XDG_RUNTIME_DIR={}", place.path("run").display()));
    assert!(ours.iter().all(|process| process.ends_within(DEADLINE)), "somebody stays");
    let sessions = place.path(".local/state/claude-mpm/sessions");
    let directory = fs::read_dir(&sessions).unwrap().next().unwrap().unwrap().path();
    let kept = Kept::read(&directory);
    println!(
        "{} events received, {:?}",
        client.runs.iter().map(|run| run.last - run.first + 1).sum::<u64>(),
        client.runs
    );
    kept.is_whole();
    kept.was_received(&client, "the client");
}

#[test]
fn a_run_whose_supervisor_is_killed_leaves_a_whole_journal() {
    let (seed, kills) = (seed(), number("SOAK_KILLS").unwrap_or(crate::KILLS) / 10);
    println!("SOAK_SEED={seed}");
    let mut dice = Dice(seed);
    (0..kills).for_each(|_| run(&mut dice));
}
