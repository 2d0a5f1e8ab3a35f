//! Fewer events for who asked for fewer: at most so many a second of each type.
//!
//! Lines of output that are too many are held and sent together; other events are dropped, and the client is told how many
//! in front of what it gets next, or after a second. What is pressing (`Body::is_pressing`) goes out at once. The order
//! stays: nothing is sent behind something later, so whatever number a client saw last, it may go on there. Time is given
//! from outside; nothing is sent here.

use crate::event::body::{MAX_TEXT_BYTES, Output};
use crate::event::channel::Vocabulary;
use crate::event::{Body, Epoch, Event};
use crate::filter::rates::Rates;
use crate::hub::Record;
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Most lines that are held.
const MAX_LINES: usize = 1_000;
/// Most types that are counted each by itself, beside output; publishers invent as many as they like.
const MAX_TYPES: usize = 256;
/// What counting in fractions may be off.
const ROUNDING: f64 = 1e-6;
/// From the first event that is dropped until the client is told.
const SILENCE: Duration = Duration::from_secs(1);

/// What the client is to be told.
#[derive(Debug)]
pub(super) enum Told {
    /// One event.
    Event(Arc<Record>),
    /// Lines of output that belong together, at least two.
    Lines(Vec<Arc<Record>>),
    /// So many of this numbering were dropped.
    Missed(Epoch, Missed),
}

/// Events that were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missed {
    pub(super) count: u64,
    /// Number of the first.
    pub(super) from_seq: u64,
    /// Number of the last.
    pub(super) to_seq: u64,
}

/// What one client is told of, and when.
#[derive(Debug)]
pub(super) struct Throttle {
    rates: Rates,
    vocabulary: Vocabulary,
    buckets: HashMap<String, Bucket>,
    /// Lines that wait, in order, and their bytes.
    held: VecDeque<Arc<Record>>,
    held_bytes: usize,
    /// What the client was not told of yet, and since when.
    missed: Option<(Missed, Instant)>,
    /// The numbering of the last event.
    epoch: Option<Epoch>,
}

/// A second's worth of one type, that fills up again.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    rate: f64,
    tokens: f64,
    at: Instant,
}

impl Throttle {
    pub(super) fn new(rates: Rates, vocabulary: Vocabulary) -> Self {
        let (buckets, held) = Default::default();
        Self { rates, vocabulary, buckets, held, held_bytes: 0, missed: None, epoch: None }
    }

    /// Takes the next event; what is to be told now is put into `out`.
    pub(super) fn take(&mut self, record: &Arc<Record>, now: Instant, out: &mut Vec<Told>) {
        if self.epoch.as_ref().is_some_and(|epoch| *epoch != record.event.epoch) {
            // Numbers of one gap are of one numbering.
            self.flush(out);
        }
        self.epoch = Some(record.event.epoch.clone());
        self.wake(now, out);
        let body = &record.event.body;
        let channel = body.channel_in(self.vocabulary);
        let rate = self.rates.of(channel).filter(|_| !body.is_pressing());
        let is_output = matches!(body, Body::Output(_));
        let may_go = match rate {
            _ if is_output && !self.held.is_empty() => rate.is_none(),
            Some(rate) => self.bucket(channel, rate, now).take(now),
            None => true,
        };
        match may_go {
            true => {
                self.flush(out);
                out.push(Told::Event(record.clone()));
            }
            false if is_output => {
                if self.held.is_empty() {
                    // Whatever was dropped before the lines is told before them.
                    self.flush(out);
                }
                self.hold(record, now);
            }
            false => self.miss(record.event.seq, now),
        }
    }

    /// When [`Throttle::wake`] has something to do.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let lines = self.output_rate().map(|(channel, _)| {
            // One that is full again is forgotten.
            self.buckets.get(channel).map_or(now, Bucket::ready)
        });
        let missed =
            self.missed.filter(|(missed, _)| self.is_behind(missed)).map(|(_, since)| since + SILENCE);
        lines.into_iter().chain(missed).min()
    }

    /// Tells what has waited long enough.
    pub(super) fn wake(&mut self, now: Instant, out: &mut Vec<Told>) {
        while let Some((channel, rate)) = self.output_rate()
            && self.bucket(channel, rate, now).take(now)
        {
            self.release_one(out);
        }
        if self.missed.is_some_and(|(_, since)| since + SILENCE <= now) {
            self.tell_missed(out);
        }
    }

    /// Tells all that waits.
    pub(super) fn flush(&mut self, out: &mut Vec<Told>) {
        while self.release_one(out) {}
        self.tell_missed(out);
    }

    /// Tells what was dropped, unless a line is held that is older.
    fn tell_missed(&mut self, out: &mut Vec<Told>) {
        if self.missed.is_some_and(|(missed, _)| self.is_behind(&missed)) {
            let missed = self.missed.take().zip(self.epoch.clone());
            out.extend(missed.map(|((missed, _), epoch)| Told::Missed(epoch, missed)));
        }
    }

    /// Tells the oldest lines that can be told as one, behind what was dropped before them and in front of what was dropped
    /// between them; whether there were any.
    fn release_one(&mut self, out: &mut Vec<Told>) -> bool {
        self.tell_missed(out);
        let Some(run) = self.next_run() else { return false };
        let last = match &run {
            Told::Event(record) => record.event.seq,
            Told::Lines(lines) => lines.last().map_or(0, |line| line.event.seq),
            Told::Missed(..) => 0,
        };
        out.push(run);
        if self.missed.is_some_and(|(missed, _)| missed.from_seq < last) {
            self.tell_missed(out);
        }
        true
    }

    /// Whether no line is held that is older: who takes the end of the gap for its cursor would lose it.
    fn is_behind(&self, missed: &Missed) -> bool {
        self.held.front().is_none_or(|first| missed.to_seq < first.event.seq)
    }

    /// Type and rate of the lines that are held.
    fn output_rate(&self) -> Option<(&'static str, f64)> {
        let channel = crate::event::channel::output_in(self.vocabulary);
        self.held.front()?;
        Some((channel, self.rates.of(channel)?))
    }

    fn hold(&mut self, record: &Arc<Record>, now: Instant) {
        self.held_bytes += content_of(&record.event).len() + 1;
        self.held.push_back(record.clone());
        while self.held.len() > MAX_LINES || self.held_bytes > MAX_TEXT_BYTES + 1 {
            let Some(oldest) = self.held.pop_front() else { return };
            self.held_bytes -= content_of(&oldest.event).len() + 1;
            self.miss(oldest.event.seq, now);
        }
    }

    fn miss(&mut self, seq: u64, now: Instant) {
        let (missed, _) = self.missed.get_or_insert((Missed { count: 0, from_seq: seq, to_seq: seq }, now));
        missed.count += 1;
        missed.from_seq = missed.from_seq.min(seq);
        missed.to_seq = missed.to_seq.max(seq);
    }

    /// The oldest lines that can be told as one.
    fn next_run(&mut self) -> Option<Told> {
        let first = self.held.pop_front()?;
        let mut run = vec![first];
        while let Some(next) = self.held.pop_front_if(|next| belong_together(&run[0].event, &next.event)) {
            run.push(next);
        }
        self.held_bytes -= run.iter().map(|record| content_of(&record.event).len() + 1).sum::<usize>();
        Some(match run.len() {
            1 => Told::Event(run.remove(0)),
            _ => Told::Lines(run),
        })
    }

    /// That of a type. Those beyond the ones that are counted share one with the others of their rate, but for output: lines
    /// wait for their turn, and that of another type would be none.
    fn bucket(&mut self, channel: &str, rate: f64, now: Instant) -> &mut Bucket {
        let full = Bucket { rate, tokens: rate.max(1.0), at: now };
        let is_output = channel == crate::event::channel::output_in(self.vocabulary);
        let is_known = |buckets: &HashMap<String, Bucket>| {
            is_output || buckets.contains_key(channel) || buckets.len() < MAX_TYPES
        };
        if !is_known(&self.buckets) {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        // No type has a space in its name.
        let key: Cow<'_, str> =
            if is_known(&self.buckets) { channel.into() } else { format!(" {rate}").into() };
        if !self.buckets.contains_key(&*key) {
            self.buckets.insert(key.clone().into_owned(), full);
        }
        self.buckets.get_mut(&*key).expect("it was put there")
    }
}

impl Bucket {
    /// Takes one, where there is one.
    fn take(&mut self, now: Instant) -> bool {
        self.fill(now);
        let has_one = self.tokens >= 1.0 - ROUNDING;
        if has_one {
            self.tokens = (self.tokens - 1.0).max(0.0);
        }
        has_one
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.tokens = (self.tokens + passed * self.rate).min(self.rate.max(1.0));
    }

    fn is_full(mut self, now: Instant) -> bool {
        self.fill(now);
        self.tokens >= self.rate.max(1.0) - ROUNDING
    }

    /// When there is one.
    fn ready(&self) -> Instant {
        self.at + Duration::from_secs_f64(((1.0 - self.tokens) / self.rate).max(0.0))
    }
}

fn content_of(event: &Event) -> &str {
    match &event.body {
        Body::Output(Output { content, .. }) => content,
        _ => "",
    }
}

/// Whether two lines can stand in one event: they are of one stream, told by one source, and nothing else is said of them.
fn belong_together(a: &Event, b: &Event) -> bool {
    let stream = |event: &Event| match &event.body {
        Body::Output(output) => Some(output.stream),
        _ => None,
    };
    let epoch = |event: &Event| event.origin.as_ref().map(|origin| origin.epoch.clone());
    a.session_id == b.session_id
        && a.source == b.source
        && stream(a) == stream(b)
        && epoch(a) == epoch(b)
        && a.remarks.is_none()
        && b.remarks.is_none()
}

#[cfg(test)]
mod tests;
