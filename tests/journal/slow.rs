//! Fifty clients, ten of which read nothing for a while: everybody gets every event once and in order, and the hub needs
//! no more memory for it.
//!
//! `SLOW_SECONDS=60` has the ten wait for a minute, so that the hub gives them up and they come back; without, 5. Who waits
//! falls behind what memory holds: `SLOW_RATE=2000` are so many lines a second, without 4,000, as far as the machine can.

use crate::kept::WRAPPER;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use test_support::instance::url_in;
use test_support::program::Program;
use test_support::standalone::Place;
use test_support::steady::Steady;

const CLIENTS: usize = 50;
const SLOW: usize = 10;
/// Written in one piece.
const PIECE: u64 = 200;
/// What the hub may need more than when it has filled its memory, KiB.
const MORE: u64 = 24 << 10;
const END: &str = "the end of it";

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn seconds() -> u64 {
    number("SLOW_SECONDS").unwrap_or(5)
}

fn rate() -> u64 {
    number("SLOW_RATE").unwrap_or(4_000)
}

/// Resident memory, KiB (proc(5)).
pub(crate) fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

/// A client of which the first [`SLOW`] wait once, after some seconds of reading.
fn client(number: usize, port: u16) -> Steady {
    let (mut steady, mut waits) = (Steady::default(), number < SLOW);
    steady.follow(port, END, |seq| {
        if waits && seq > rate() * (2 + number as u64 % 3) {
            waits = false;
            std::thread::sleep(Duration::from_secs(seconds()));
        }
        ControlFlow::Continue(())
    });
    steady
}

/// The most it needs from when the ring is full (10,000 events) until it is over.
fn watched(pid: u32, over: &AtomicBool) -> (u64, u64) {
    let began = Instant::now();
    let (mut first, mut most) = (0, 0);
    while !over.load(Relaxed) {
        std::thread::sleep(Duration::from_millis(100));
        let now = resident(pid);
        most = most.max(now);
        if began.elapsed() < Duration::from_secs(10_000 / rate() + 1) {
            first = most;
        }
    }
    (first, most)
}

#[test]
fn who_reads_nothing_for_a_while_gets_everything_and_costs_the_hub_no_memory() {
    let place = Place::new(WRAPPER);
    let pieces = (seconds() + 10) * rate() / PIECE;
    let script = format!(
        "read -r go; i=0; while [ $i -lt {pieces} ]; do i=$((i + 1)); seq {PIECE}; sleep {}; done; echo {END}; sleep 1000",
        PIECE as f64 / rate() as f64
    );
    let program = Program::start(place.shell(&[], &script), b"go\n");
    let port = url_in(&place.path("run")).rsplit(':').next().unwrap().parse().unwrap();
    let over = AtomicBool::new(false);
    let (clients, memory) = std::thread::scope(|scope| {
        let memory = scope.spawn(|| watched(program.pid(), &over));
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || client(number, port))).collect();
        let clients: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        over.store(true, Relaxed);
        (clients, memory.join().unwrap())
    });
    let connections: u32 = clients.iter().map(|client| client.connections).sum();
    let last = clients[CLIENTS - 1].runs.last().unwrap().last;
    println!("{last} events, {connections} connections, {} KiB and at most {} KiB", memory.0, memory.1);
    assert!(last > pieces * PIECE);
    for (number, client) in clients.iter().enumerate() {
        assert!(client.gaps.is_empty(), "client {number}: {:?}", client.gaps);
        assert_eq!(client.runs.len(), 1, "client {number}: {:?}", client.runs);
        assert_eq!((client.runs[0].first, client.runs[0].last), (1, last), "client {number}");
    }
    assert!(memory.1 <= memory.0 + MORE, "{memory:?}");
}
