//! One run of a detector as text: what the sources say, line by line, while time goes by.
//!
//! A line is a hook of claude's (its body, JSON), or begins with a sign: `+250` lets 250 ms pass, `~` is a line of claude's
//! stream, `^` one of its transcript, `<` ends the wait for the newest question, `!` denies it from elsewhere, `?` is the
//! state of claude's session. Whatever is of no meaning says nothing.

use crate::events::{holds, stamped};
use crate::ledger::Ledger;
use claude_mpm::detect::hook;
use claude_mpm::detect::observation::{Fact, Observation};
use claude_mpm::detect::session_state;
use claude_mpm::detect::stream_json::StreamDecoder;
use claude_mpm::detect::ticket::Tickets;
use claude_mpm::detect::tool::Detector;
use claude_mpm::detect::transcript::TranscriptDecoder;
use claude_mpm::event::control::Decision;
use claude_mpm::event::{Body, Draft, Source, Timestamp};

/// How long a question can be answered from elsewhere, milliseconds.
const WAIT: i64 = 60_000;
/// Most time that passes at once, milliseconds.
const MAX_STEP: i64 = 100_000;

/// A detector with all its sources, and the account of what it tells.
#[derive(Debug)]
pub struct Run {
    now: Timestamp,
    detector: Detector,
    stream: StreamDecoder,
    transcript: TranscriptDecoder,
    ledger: Ledger,
    questions: u32,
}

impl Run {
    /// Nothing has been said. `has_stream`: claude writes one.
    pub fn new(has_stream: bool) -> Self {
        let now = Timestamp::from_millis(1_795_176_000_000);
        Self {
            now,
            detector: Detector::new(Tickets::default(), has_stream),
            stream: StreamDecoder::default(),
            transcript: TranscriptDecoder::new("s".into(), None, now),
            ledger: Ledger::default(),
            questions: 0,
        }
    }

    /// Plays one line.
    pub fn line(&mut self, line: &[u8]) {
        match line.split_first() {
            Some((b'+', millis)) => self.pass(millis),
            Some((b'~', line)) => self.stream(line),
            Some((b'^', line)) => self.transcript(line),
            Some((b'?', content)) => self.state(content),
            Some((b'<', _)) => self.left(),
            Some((b'!', _)) => self.denied(),
            _ => self.hook(line),
        }
    }

    /// The process ends.
    pub fn finish(mut self) {
        let mut found = Vec::new();
        self.stream.finish(self.now, &mut |seen| found.push(seen));
        self.feed(&Source::Stream, &found);
        self.ledger.enter(self.detector.finish(self.now));
        self.ledger.close();
    }

    fn hook(&mut self, body: &[u8]) {
        let Ok(mut heard) = hook::read("Unnamed", body, self.now) else { return };
        for seen in &mut heard.observations {
            if let Fact::PermissionAsked(asked) = &mut seen.fact {
                self.questions += 1;
                asked.id = Some(format!("question-{}", self.questions).into());
                asked.until = Some(later(self.now, WAIT));
            }
        }
        self.feed(&Source::Hook, &heard.observations);
        holds(&stamped(Draft::new(Source::Hook, Body::Hook(heard.event))));
    }

    fn stream(&mut self, line: &[u8]) {
        let mut found = Vec::new();
        for part in [line, b"\n"] {
            self.stream.feed(part, self.now, &mut |seen| found.push(seen));
        }
        self.feed(&Source::Stream, &found);
    }

    fn transcript(&mut self, line: &[u8]) {
        let mut found = Vec::new();
        self.transcript.line(line, self.now, &mut |seen| found.push(seen));
        self.feed(&Source::Transcript, &found);
    }

    fn state(&mut self, content: &[u8]) {
        let Some(state) = session_state::read(content) else { return };
        let Some(fact) = state.activity.map(Fact::State) else { return };
        let (claude_session, at) = (state.claude_session, state.at.unwrap_or(self.now));
        let seen = Observation { claude_session, agent: None, at, past: false, fact };
        self.feed(&Source::Transcript, &[seen]);
    }

    fn feed(&mut self, source: &Source, found: &[Observation]) {
        for seen in found {
            self.ledger.enter(self.detector.feed(source, seen));
        }
    }

    fn left(&mut self) {
        if let Some(question) = self.ledger.newest_question() {
            self.detector.left(question, self.now);
        }
    }

    fn denied(&mut self) {
        let Some(question) = self.ledger.newest_question() else { return };
        let told = self.detector.decided(question, Decision::Deny, None, self.now);
        self.ledger.enter(told);
    }

    /// Lets time go by from one thing that is due to the next, as the funnel does.
    fn pass(&mut self, millis: &[u8]) {
        let step = str::from_utf8(millis).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let until = later(self.now, step.clamp(0, MAX_STEP));
        while let Some(due) = self.detector.due().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            let told = self.detector.tick(self.now);
            self.ledger.enter(told);
            assert_ne!(self.detector.due(), Some(due), "what was due stays due");
        }
        self.now = until;
    }
}

fn later(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(millis))
}
