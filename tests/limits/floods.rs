//! Every flood, one after the other, on one hub whose log is full: an honest client is answered meanwhile, and what the
//! hostile ones cost is bounded and given back. How soon it is answered is measured by `benches/floods.rs`; here it is by
//! the deadline of every wait.
//!
//! `FLOOD_SECONDS=10` lets each go on for so long; without, for one second.

use crate::cost::{Cost, forget_peak};
use crate::{WRAPPER, ask};
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::floods::{FLOODS, Flood, WIDE_FLOODS, honest, wide_event};
use test_support::standalone::{Hub, Place};

/// Of one hostile client, KiB.
const MOST: u64 = 8 << 10;
/// What the log keeps, KiB.
const LOG: u64 = 16 << 10;
/// Of all of a flood together, KiB: those that come by the hundred cost far less each.
const MOST_TOGETHER: u64 = 64 << 10;

fn lasts() -> Duration {
    let seconds = std::env::var("FLOOD_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}

/// As many bytes of events as the log keeps in memory.
fn fill(hub: &Hub) {
    let filling = "x".repeat(1500);
    let event = format!(
        r#"{{"event_type":"component.started","source":"x","timestamp":1706181600000,"payload":{{"version":"1","config":{{"x":"{filling}"}}}}}}"#
    );
    let body = format!("[{}{event}]", format!("{event},").repeat(999));
    for _ in 0..14 {
        assert_eq!(post(hub, &body), 202);
    }
}

fn post(hub: &Hub, body: &str) -> u16 {
    let head = "POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\n";
    ask(hub.port, &format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).status
}

/// As many values as the log keeps in memory: those need most for what it takes for a byte.
fn fill_wide(hub: &Hub) {
    for _ in 0..40 {
        assert_eq!(post(hub, &wide_event(1_600)), 202);
    }
    assert_eq!(post(hub, &wide_event(2_000)), 413);
}

/// What an honest client waited while the flood went on, sorted.
fn waits(flood: Flood, port: u16) -> Vec<Duration> {
    let _flooding = flood.begin(port);
    let until = Instant::now() + lasts();
    let mut waits = Vec::new();
    while Instant::now() < until {
        let waited = honest(port, "").unwrap_or_else(|cause| panic!("{}: {cause}", flood.name));
        waits.push(waited);
        std::thread::sleep(Duration::from_millis(10));
    }
    waits.sort();
    waits
}

/// Waits until nobody is connected any more.
fn emptied(hub: &Hub, before: Cost) -> Cost {
    let until = Instant::now() + DEADLINE;
    loop {
        let now = Cost::of(hub.pid());
        if now.descriptors <= before.descriptors && now.threads <= before.threads {
            return now;
        }
        assert!(Instant::now() < until, "descriptors or threads are left: {before:?} {now:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_honest_client_is_answered_in_every_flood_and_a_hostile_one_costs_at_most_8_mib() {
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    fill(&hub);
    // What is allocated once, for whoever is first, is no flood's.
    honest(hub.port, "").unwrap();
    FLOODS.into_iter().for_each(|flood| measure(&hub, flood));
    assert!(hub.stop().success());
}

#[test]
fn values_without_letters_fill_no_more_of_the_memory_than_others_and_a_flood_of_them_costs_at_most_8_mib() {
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    honest(hub.port, "").unwrap();
    let before = Cost::of(hub.pid());
    fill_wide(&hub);
    let filled = Cost::of(hub.pid()).peak - before.memory;
    println!("filled: +{filled} KiB");
    assert!(filled <= LOG + MOST, "{filled} KiB for the log and one client");
    WIDE_FLOODS.into_iter().for_each(|flood| measure(&hub, flood));
    let peak = Cost::of(hub.pid()).peak - before.memory;
    assert!(peak <= LOG + 2 * MOST, "{peak} KiB for the log and a flood");
    assert!(hub.stop().success());
}

/// They are cut to 64 KiB, and what was cut off is let go.
#[test]
fn large_texts_cost_no_more_of_the_memory_than_what_is_kept_of_them() {
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    honest(hub.port, "").unwrap();
    let before = Cost::of(hub.pid());
    let event = format!(
        r#"{{"type":"x.y","data":{{"text":"{}","list":["{}"]}}}}"#,
        "x".repeat(2 << 20),
        "y".repeat(1 << 20)
    );
    for _ in 0..40 {
        assert_eq!(post(&hub, &event), 202);
    }
    let filled = Cost::of(hub.pid()).peak - before.memory;
    println!("filled: +{filled} KiB");
    assert!(filled <= LOG + MOST, "{filled} KiB for the log and one client");
    assert!(hub.stop().success());
}

/// Waits until the journal has what was published: while it begins another file, it has a descriptor less.
pub(super) fn written(hub: &Hub) {
    let until = Instant::now() + DEADLINE;
    loop {
        let status = hub.get("/api/status");
        if status["journal"]["last_seq"] == status["last_seq"] {
            return;
        }
        assert!(Instant::now() < until, "{status}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn measure(hub: &Hub, flood: Flood) {
    written(hub);
    let before = Cost::of(hub.pid());
    forget_peak(hub.pid());
    let waits = waits(flood, hub.port);
    let peak = Cost::of(hub.pid()).peak.saturating_sub(before.memory);
    let after = emptied(hub, before);
    let worst = *waits.last().expect("one at least");
    println!(
        "{:<36} honest: median {:>6.1} ms, worst {:>7.1} ms of {:>4}; memory +{peak} KiB, after it +{} KiB",
        flood.name,
        waits[waits.len() / 2].as_secs_f64() * 1e3,
        worst.as_secs_f64() * 1e3,
        waits.len(),
        after.memory.saturating_sub(before.memory),
    );
    let allowed = (MOST * flood.clients as u64).min(MOST_TOGETHER);
    assert!(peak <= allowed, "{}: {peak} KiB for {} clients", flood.name, flood.clients);
    assert_eq!(after.threads, before.threads, "{}", flood.name);
}
