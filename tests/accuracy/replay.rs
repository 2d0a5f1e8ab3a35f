//! Plays recorded tapes through the detectors, as the sources of a run would feed them.

use crate::facts::Event;
use claude_mpm::detect::activity::ActivityDetector;
use claude_mpm::detect::drawn::Drawn;
use claude_mpm::detect::observation::{Agent, Fact, Observation};
use claude_mpm::detect::screen::{Output, Screen};
use claude_mpm::detect::stream_json::StreamDecoder;
use claude_mpm::detect::ticket::Tickets;
use claude_mpm::detect::tool::{Detector, Told};
use claude_mpm::detect::transcript::{AgentMeta, TranscriptDecoder};
use claude_mpm::detect::{hook, session_state};
use claude_mpm::event::body::ActivityState;
use claude_mpm::event::{Source, Timestamp};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use test_support::catalogue::{COLUMNS, ROWS};
use test_support::tapes::{Moment, What};

/// As long as the follower of claude's state waits before it calls an idle claude settled.
const SETTLED_MILLIS: f64 = 500.0;

/// Which sources are listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sources {
    pub(crate) hooks: bool,
    pub(crate) stream: bool,
    pub(crate) transcript: bool,
    pub(crate) screen: bool,
}

/// The events of each run on the tapes.
pub(crate) fn replay(moments: &[Moment], sources: Sources) -> Vec<Vec<Event>> {
    let clock = Clock::of(moments);
    takes(moments).iter().map(|take| take.replay(sources, &clock)).collect()
}

/// One run of claude, as it is on the tapes.
#[derive(Debug, Clone)]
pub(crate) struct Take {
    /// What is in the files already when it starts.
    past: Vec<Moment>,
    started: Moment,
    /// What comes, in the order in which it is heard; its end is not among it.
    pub(crate) moments: Vec<Moment>,
    ended: f64,
}

/// The runs on the tapes.
pub(crate) fn takes(moments: &[Moment]) -> Vec<Take> {
    let mut takes: Vec<Take> = Vec::new();
    let mut log: Vec<Moment> = Vec::new();
    let mut is_running = false;
    for moment in moments {
        match (&moment.what, takes.last_mut()) {
            (What::Started(_), _) => {
                let (past, started, moments) = (log.clone(), moment.clone(), Vec::new());
                takes.push(Take { past, started, moments, ended: moment.t });
                is_running = true;
            }
            (What::Ended { .. }, Some(take)) => {
                take.ended = moment.t;
                is_running = false;
            }
            (_, Some(take)) if is_running => take.moments.push(moment.clone()),
            _ => {}
        }
        if let What::Transcript { .. } = &moment.what {
            log.push(moment.clone());
        }
    }
    takes
}

impl Take {
    /// The events. The run ends when everything has been heard.
    pub(crate) fn replay(&self, sources: Sources, clock: &Clock) -> Vec<Event> {
        let What::Started(arguments) = &self.started.what else { return Vec::new() };
        let mut run = Run::new(sources, clock.at(self.started.t), arguments);
        // A follower reads what is in the files already.
        self.past.iter().for_each(|past| run.take(past, clock));
        self.moments.iter().for_each(|moment| run.take(moment, clock));
        let end = self.moments.last().map_or(self.ended, |last| last.t.max(self.ended));
        run.finish(end, clock)
    }

    /// When claude was started.
    pub(crate) fn since(&self, clock: &Clock) -> Timestamp {
        clock.at(self.started.t)
    }

    /// Whether claude writes a stream of JSON lines in it.
    pub(crate) fn has_stream(&self) -> bool {
        matches!(&self.started.what, What::Started(arguments) if is_streaming(arguments))
    }
}

fn is_streaming(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| argument == "stream-json")
}

/// From the time of the tapes to the time of day: no line is written before the time that stands in it.
#[derive(Debug)]
pub(crate) struct Clock {
    start: i64,
}

impl Clock {
    pub(crate) fn of(moments: &[Moment]) -> Self {
        let said = |moment: &Moment| match &moment.what {
            What::Transcript { line, .. } => {
                let line: Value = serde_json::from_str(line).ok()?;
                Timestamp::parse(line["timestamp"].as_str()?).map(Timestamp::as_millis)
            }
            What::State(Some(state)) => state["statusUpdatedAt"].as_i64(),
            _ => None,
        };
        let starts = moments.iter().filter_map(|moment| Some(said(moment)? - moment.t as i64));
        Self { start: starts.max().unwrap_or_default() }
    }

    fn at(&self, t: f64) -> Timestamp {
        Timestamp::from_millis(self.start + t as i64)
    }
}

struct Run {
    sources: Sources,
    since: Timestamp,
    detector: Detector,
    stream: Option<StreamDecoder>,
    transcripts: HashMap<String, TranscriptDecoder>,
    names: HashMap<String, String>,
    screen: Screen,
    drawn: Drawn,
    activity: ActivityDetector,
    state: Option<(Arc<str>, ActivityState)>,
    /// When, and since when claude has been idle then.
    settles: Option<(f64, Timestamp)>,
    events: Vec<Event>,
}

impl Run {
    fn new(sources: Sources, since: Timestamp, arguments: &[String]) -> Self {
        let has_stream = sources.stream && is_streaming(arguments);
        Self {
            sources,
            since,
            detector: Detector::new(Tickets::default(), has_stream),
            stream: has_stream.then(StreamDecoder::default),
            transcripts: HashMap::new(),
            names: HashMap::new(),
            screen: Screen::new(COLUMNS, ROWS),
            drawn: Drawn::default(),
            activity: ActivityDetector::new(true),
            state: None,
            settles: None,
            events: Vec::new(),
        }
    }

    fn take(&mut self, moment: &Moment, clock: &Clock) {
        let (t, at) = (moment.t, clock.at(moment.t));
        self.wait_until(t, clock);
        match &moment.what {
            What::Hook(event, body) if self.sources.hooks => {
                let heard = hook::read(event, body.to_string().as_bytes(), at).expect("a recorded hook");
                heard.observations.iter().for_each(|seen| self.observed(&Source::Hook, seen));
            }
            What::Stream(line) => self.stream(line.as_bytes(), at),
            What::Transcript { session, file, line } if self.sources.transcript => {
                self.transcript(session, file, line, at);
            }
            What::State(state) if self.sources.transcript => self.state(state.as_ref(), t, at),
            What::Output(text) if self.sources.screen => {
                self.screen.feed(text.as_bytes(), Duration::from_secs_f64(t / 1000.0));
                self.look(at);
            }
            What::Resized(columns, rows) if self.sources.screen => {
                self.screen.resize(*columns, *rows, Duration::from_secs_f64(t / 1000.0));
                self.look(at);
            }
            _ => {}
        }
    }

    /// What happens by itself as time goes on.
    fn wait_until(&mut self, t: f64, clock: &Clock) {
        let now = Duration::from_secs_f64(t / 1000.0);
        while let Some(due) = self.screen.deadline().filter(|due| *due <= now) {
            self.screen.tick(due);
            self.look(clock.at(due.as_secs_f64() * 1000.0));
        }
        if let Some((_, since)) = self.settles.filter(|(due, _)| *due <= t)
            && let Some((session, _)) = self.state.clone()
        {
            self.settles = None;
            self.observed(&Source::Transcript, &observation(session, since, Fact::Settled));
        }
        while let Some(due) = self.detector.due().filter(|due| *due <= clock.at(t)) {
            let told = self.detector.tick(due);
            self.tell(told);
        }
    }

    fn observed(&mut self, source: &Source, seen: &Observation) {
        let told = self.detector.feed(source, seen);
        self.tell(told);
    }

    fn tell(&mut self, told: Vec<Told>) {
        for body in told.into_iter().filter_map(|told| told.body) {
            let data = serde_json::to_value(&body).expect("a body");
            self.events.push(Event { kind: body.channel().to_owned(), data });
        }
    }

    fn stream(&mut self, line: &[u8], at: Timestamp) {
        let Some(mut stream) = self.stream.take() else { return };
        let mut seen = Vec::new();
        stream.feed(line, at, &mut |observation| seen.push(observation));
        stream.feed(b"\n", at, &mut |observation| seen.push(observation));
        seen.iter().for_each(|seen| self.observed(&Source::Stream, seen));
        self.stream = Some(stream);
    }

    /// A line of a transcript; an agent's stands in a file of its own, beside one that names it.
    fn transcript(&mut self, session: &str, file: &str, line: &str, at: Timestamp) {
        let stem = file.rsplit('/').next().unwrap_or(file);
        let agent = stem.strip_prefix("agent-").and_then(|rest| rest.split('.').next());
        if let (Some(id), true) = (agent, stem.ends_with(".meta.json")) {
            return self.meta(session, id, line, at);
        }
        let since = self.since;
        let agent = agent.map(|id| Agent { id: id.into(), name: self.names.get(id).cloned() });
        let new = || TranscriptDecoder::new(Arc::from(session), agent, since);
        let decoder = self.transcripts.entry(file.to_owned()).or_insert_with(new);
        let mut seen = Vec::new();
        decoder.line(line.as_bytes(), at, &mut |observation| seen.push(observation));
        seen.iter().for_each(|seen| self.observed(&Source::Transcript, seen));
    }

    fn meta(&mut self, session: &str, id: &str, line: &str, at: Timestamp) {
        let meta = AgentMeta::read(line.as_bytes()).expect("a recorded description of an agent");
        if let Some(name) = &meta.name {
            self.names.insert(id.to_owned(), name.clone());
        }
        let agent = Agent { id: id.to_owned(), name: meta.name };
        let fact = Fact::AgentStarted { agent, tool_use_id: meta.tool_use_id };
        let mut seen = observation(session.into(), at, fact);
        seen.past = at < self.since;
        self.observed(&Source::Transcript, &seen);
    }

    fn state(&mut self, state: Option<&Value>, t: f64, at: Timestamp) {
        let read = state.and_then(|state| session_state::read(state.to_string().as_bytes()));
        let Some((state, activity)) = read.and_then(|state| Some((state.clone(), state.activity?))) else {
            return;
        };
        let now = Some((Arc::clone(&state.claude_session), activity));
        if std::mem::replace(&mut self.state, now.clone()) == now {
            return;
        }
        let since = state.at.unwrap_or(at);
        self.settles = (activity == ActivityState::Idle).then_some((t + SETTLED_MILLIS, since));
        let seen = observation(state.claude_session, since, Fact::State(activity));
        self.observed(&Source::Transcript, &seen);
    }

    fn look(&mut self, at: Timestamp) {
        let outputs: Vec<Output> = self.screen.drain().collect();
        for output in outputs {
            match output {
                Output::Line(line) => self.line(&line, at),
                Output::Title(title) => {
                    if let Some(change) = self.activity.title(&title) {
                        let told = self.detector.looks(change.now, at);
                        self.tell(told);
                    }
                }
            }
        }
    }

    fn line(&mut self, line: &str, at: Timestamp) {
        for fact in self.drawn.line(line) {
            let told = self.detector.feed(&Source::Screen, &observation(Arc::from(""), at, fact));
            self.tell(told);
        }
    }

    fn finish(mut self, t: f64, clock: &Clock) -> Vec<Event> {
        let at = clock.at(t);
        if let Some(mut stream) = self.stream.take() {
            let mut seen = Vec::new();
            stream.finish(at, &mut |observation| seen.push(observation));
            seen.iter().for_each(|seen| self.observed(&Source::Stream, seen));
        }
        if self.sources.screen {
            self.screen.finish();
            self.look(at);
        }
        let told = self.detector.finish(at);
        self.tell(told);
        self.events
    }
}

fn observation(claude_session: Arc<str>, at: Timestamp, fact: Fact) -> Observation {
    Observation { claude_session, agent: None, at, past: false, fact }
}
