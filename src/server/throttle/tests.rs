//! What is told when, of whatever comes.

use super::*;
use crate::event::body::{ActivityState, Fault, Severity, Stream};
use crate::event::{Body, Epoch, EventId, SessionId, Source, Timestamp};
use crate::filter::Pattern;
use serde_json::Map;

fn record(seq: u64, session: &str, body: Body) -> Arc<Record> {
    Arc::new(Record::new(Event {
        id: EventId::from_u128(u128::from(seq)),
        seq,
        epoch: Epoch::new("e"),
        timestamp: Timestamp::from_millis(0),
        session_id: SessionId::new(session),
        source: Source::Screen,
        body,
        remarks: None,
        origin: None,
    }))
}

fn line(seq: u64, content: &str) -> Arc<Record> {
    let output = Output { content: content.into(), stream: Stream::Stdout, truncated: false };
    record(seq, "s", Body::Output(output))
}

fn other(seq: u64) -> Arc<Record> {
    record(seq, "s", Body::other("x.y", Map::new()))
}

fn fault(seq: u64) -> Arc<Record> {
    let (error, component, error_code) = ("e".into(), "c".into(), "RES001".into());
    record(seq, "s", Body::Error(Fault { error, component, severity: Severity::Error, error_code }))
}

fn throttle(rate: f64) -> Throttle {
    Throttle::new(Rates::all(rate).unwrap(), Vocabulary::Classic)
}

/// What was told, in short: numbers, joined lines with `+`, and what was missed.
fn told(out: &mut Vec<Told>) -> String {
    let short = |told: Told| match told {
        Told::Event(record) => record.event.seq.to_string(),
        Told::Lines(lines) => {
            lines.iter().map(|line| line.event.seq.to_string()).collect::<Vec<_>>().join("+")
        }
        Told::Missed(_, Missed { count, from_seq, to_seq }) => format!("{count} of {from_seq}-{to_seq}"),
    };
    out.drain(..).map(short).collect::<Vec<_>>().join(" ")
}

fn after(start: Instant, millis: u64) -> Instant {
    start + Duration::from_millis(millis)
}

#[test]
fn lines_beyond_the_rate_are_told_together_when_it_allows() {
    let (start, mut out, mut throttle) = (Instant::now(), Vec::new(), throttle(2.0));
    (1..=6).for_each(|seq| throttle.take(&line(seq, "x"), start, &mut out));
    assert_eq!(told(&mut out), "1 2");
    assert_eq!(throttle.due(start), Some(after(start, 500)));
    throttle.wake(after(start, 499), &mut out);
    assert_eq!(told(&mut out), "");
    throttle.wake(after(start, 500), &mut out);
    assert_eq!(told(&mut out), "3+4+5+6");
    assert_eq!(throttle.due(after(start, 500)), None);
    throttle.take(&line(7, "x"), after(start, 900), &mut out);
    assert_eq!(told(&mut out), "");
    throttle.take(&line(8, "x"), after(start, 1_000), &mut out);
    assert_eq!(told(&mut out), "7");
    throttle.flush(&mut out);
    assert_eq!(told(&mut out), "8");
}

#[test]
fn lines_that_are_held_go_out_before_anything_later() {
    let (start, mut out, mut throttle) = (Instant::now(), Vec::new(), throttle(1.0));
    for record in [line(1, "x"), line(2, "x"), line(3, "x"), other(4), line(5, "x"), other(6), fault(7)] {
        throttle.take(&record, start, &mut out);
    }
    assert_eq!(told(&mut out), "1 2+3 4 5 1 of 6-6 7");
}

#[test]
fn lines_of_two_sessions_are_never_joined() {
    let (start, mut out, mut throttle) = (Instant::now(), Vec::new(), throttle(1.0));
    let foreign = |seq| {
        let output = Output { content: "x".into(), stream: Stream::Stdout, truncated: false };
        record(seq, "t", Body::Output(output))
    };
    for record in [line(1, "x"), line(2, "x"), line(3, "x"), foreign(4), foreign(5), line(6, "x")] {
        throttle.take(&record, start, &mut out);
    }
    throttle.wake(after(start, 1_000), &mut out);
    assert_eq!(told(&mut out), "1 2+3");
    throttle.flush(&mut out);
    assert_eq!(told(&mut out), "4+5 6");
}

#[test]
fn what_is_held_is_bounded_and_the_oldest_lines_go_first() {
    let (start, mut out, mut throttle) = (Instant::now(), Vec::new(), throttle(1.0));
    let long = "x".repeat(20_000);
    (1..=10).for_each(|seq| throttle.take(&line(seq, &long), start, &mut out));
    assert_eq!(told(&mut out), "1");
    assert!(throttle.held_bytes <= MAX_TEXT_BYTES + 1);
    throttle.flush(&mut out);
    assert_eq!(told(&mut out), "6 of 2-7 8+9+10");
    assert_eq!(throttle.held_bytes, 0);
    (1..=3_000).for_each(|seq| throttle.take(&line(seq, ""), start, &mut out));
    assert_eq!(throttle.held.len(), MAX_LINES);
}

#[test]
fn a_gap_is_told_before_what_comes_next_or_in_a_second_and_never_ahead_of_a_line_that_is_older() {
    let (start, mut out, mut throttle) = (Instant::now(), Vec::new(), throttle(0.1));
    for record in [other(1), other(2), other(3), line(4, "x"), line(5, "x"), other(6)] {
        throttle.take(&record, start, &mut out);
    }
    assert_eq!(told(&mut out), "1 2 of 2-3 4");
    assert_eq!(throttle.due(start), Some(after(start, 10_000)), "the line goes first");
    throttle.wake(after(start, 2_000), &mut out);
    assert_eq!(told(&mut out), "");
    throttle.wake(after(start, 10_001), &mut out);
    assert_eq!(told(&mut out), "5 1 of 6-6");
    throttle.take(&other(7), after(start, 10_002), &mut out);
    throttle.take(&other(8), after(start, 10_003), &mut out);
    assert_eq!(told(&mut out), "7");
    assert_eq!(throttle.due(after(start, 10_003)), Some(after(start, 11_003)));
}

#[test]
fn types_beyond_those_that_are_counted_share_a_count() {
    let (start, mut out, mut throttle) = (Instant::now(), Vec::new(), throttle(1.0));
    for seq in 1..=1_000 {
        let body = Body::other(&format!("x.t{seq}"), Map::new());
        throttle.take(&record(seq, "s", body), start, &mut out);
    }
    assert_eq!(out.len(), MAX_TYPES + 1);
    assert_eq!(throttle.buckets.len(), MAX_TYPES + 1);
    throttle.take(&other(1_001), after(start, 1_000), &mut out);
    assert!(throttle.buckets.len() <= 2, "those that are full again are forgotten");
}

#[test]
fn lines_have_a_count_of_their_own_however_many_types_there_are() {
    let by_pattern = [("*", 0.01), (crate::event::channel::CLAUDE_OUTPUT, 2.0), ("x.t999", 5.0)];
    let by_pattern = by_pattern.map(|(pattern, rate)| (Pattern::parse(pattern).unwrap(), rate));
    let rates = Rates::new(by_pattern.into()).unwrap();
    let (start, mut out) = (Instant::now(), Vec::new());
    let mut throttle = Throttle::new(rates, Vocabulary::Classic);
    let invented = |seq| record(seq, "s", Body::other(&format!("x.t{seq}"), Map::new()));
    (1..=300).for_each(|seq| throttle.take(&invented(seq), start, &mut out));
    out.clear();
    (301..=303).for_each(|seq| throttle.take(&line(seq, "x"), start, &mut out));
    assert_eq!(told(&mut out), "43 of 258-300 301 302");
    assert_eq!(throttle.due(start), Some(after(start, 500)), "nothing is to be done before");
    throttle.wake(after(start, 500), &mut out);
    assert_eq!(told(&mut out), "303");
    // One of another rate has no share in what is full at theirs.
    (0..6).for_each(|_| throttle.take(&invented(999), after(start, 500), &mut out));
    assert_eq!(told(&mut out), ["999"; 5].join(" "));
}

/// Whatever comes, and whenever: numbers only rise, nothing pressing is lost or late, and what is told and what is missed
/// add up to what was there.
#[test]
fn order_importance_and_counts_hold_whatever_comes() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let rate = [0.05, 0.5, 1.0, 7.0, 100.0][random.usize(..5)];
        let (mut now, mut out, mut throttle) = (Instant::now(), Vec::new(), throttle(rate));
        let (mut newest, mut told, mut missed) = (0, 0_u64, 0);
        let last = random.u64(1..400);
        for seq in 1..=last {
            let longest = [10, 10_000, 2_000_000][random.usize(..3)];
            now += Duration::from_micros(random.u64(..longest));
            let record = any(seq, &mut random);
            let is_pressing = record.event.body.is_pressing();
            throttle.take(&record, now, &mut out);
            if is_pressing {
                assert!(
                    matches!(out.last(), Some(Told::Event(last)) if last.event.seq == seq),
                    "seed {seed}"
                );
            }
            if random.u8(..4) == 0 {
                throttle.wake(now, &mut out);
            }
            if seq == last {
                throttle.flush(&mut out);
            }
            for item in out.drain(..) {
                let seqs: Vec<u64> = match item {
                    Told::Event(record) if !matches!(record.event.body, Body::Output(_)) => {
                        let before = record.event.seq - 1;
                        assert_eq!(told + missed, before, "seed {seed}: what was before is told or missed");
                        vec![record.event.seq]
                    }
                    Told::Event(record) => vec![record.event.seq],
                    Told::Lines(lines) => lines.iter().map(|line| line.event.seq).collect(),
                    Told::Missed(_, gap) => {
                        missed += gap.count;
                        assert!(gap.from_seq + gap.count <= gap.to_seq + 1, "seed {seed}: {gap:?}");
                        continue;
                    }
                };
                told += seqs.len() as u64;
                for seq in seqs {
                    assert!(seq > newest, "seed {seed}: {seq} behind {newest}");
                    newest = seq;
                }
            }
            assert!(throttle.held.len() <= MAX_LINES && throttle.held_bytes <= MAX_TEXT_BYTES + 1);
        }
        assert_eq!(told + missed, last, "seed {seed}");
    }
}

fn any(seq: u64, random: &mut fastrand::Rng) -> Arc<Record> {
    let session = ["s", "t"][random.usize(..2)];
    match random.u8(..10) {
        0..5 => {
            let longest = [10, 30_000][random.usize(..2)];
            let content = "x".repeat(random.usize(..longest));
            let stream = [Stream::Stdout, Stream::Stderr][random.usize(..2)];
            record(seq, session, Body::Output(Output { content, stream, truncated: false }))
        }
        5..8 => record(seq, session, Body::other(["x.y", "x.z"][random.usize(..2)], Map::new())),
        8 => fault(seq),
        _ => {
            let activity = [ActivityState::Busy, ActivityState::NeedsInput][random.usize(..2)];
            let (since, previous) = (Timestamp::from_millis(0), Some(ActivityState::Idle));
            let (reason, tool_name) = (None, None);
            let body = crate::event::body::Activity { activity, previous, reason, tool_name, since };
            record(seq, session, Body::Activity(body))
        }
    }
}
