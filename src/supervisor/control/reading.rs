//! What the desk reads of the hub's events: prompts that claude has taken, and who says what it does.

use super::eyes::Eyes;
use super::prompt::as_taken;
use crate::event::body::ActivityState;
use crate::event::{Body, Event, SessionId, Source};
use crate::filter::Filter;
use crate::hub::{Hub, Next, Reader, Start};
use crate::process::draft::Work;
use crate::status::Health;
use serde_json::Value;

/// The hook by which claude tells of a prompt.
const PROMPT: &str = "UserPromptSubmit";
/// Begins a session, also behind a command that cleared the last one.
const SESSION: &str = "SessionStart";

/// Something has come of its work.
const ANSWERS: [&str; 2] = ["PreToolUse", "MessageDisplay"];
/// End a turn.
const ENDS: [&str; 2] = ["Stop", "StopFailure"];

/// A prompt that claude has taken.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) seq: u64,
    /// Milliseconds since 1970.
    pub(super) at: i64,
    /// As [`as_taken`] says; `None` where no prompt was taken, but a dialog is over as well.
    pub(super) text: Option<String>,
    /// Its end is missing.
    pub(super) is_cut: bool,
}

/// What was read.
#[derive(Debug)]
pub(super) enum Read {
    /// Claude has taken a prompt.
    Taken(Taken),
    /// What claude does since this time, milliseconds since 1970.
    Works(Work, i64),
}

/// The desk's place in the log.
#[derive(Debug)]
pub(super) struct Reading {
    reader: Reader,
    session: SessionId,
    /// What it does beside asking.
    work: Work,
    /// So many questions are open; what it does is not believed before they have an end.
    questions: usize,
    is_over: bool,
}

impl Reading {
    /// From the next event on.
    pub(super) fn of(hub: &Hub) -> Self {
        let reader = hub.reader(Start::Live, &Filter::default());
        Self { reader, session: hub.session_id().clone(), work: Work::Idle, questions: 0, is_over: false }
    }

    /// Waits until there is something to read; what is read is lost to nobody. Cancel-safe.
    pub(super) async fn next(&mut self) -> Next {
        if self.is_over {
            return std::future::pending().await;
        }
        self.reader.next().await
    }

    /// Everything there is, beginning with `first`.
    pub(super) fn take(&mut self, first: Option<Next>, eyes: &Eyes) -> Vec<Read> {
        let mut read = Vec::new();
        let mut next = first.or_else(|| self.reader.try_next());
        while let Some(found) = next {
            match found {
                Next::Batch(records) => {
                    for record in &records {
                        read.extend(self.look(&record.event, eyes));
                    }
                }
                // What was missed is asked for again where it matters: by the file, and by what comes next.
                Next::Gap { .. } => {}
                Next::Closed => {
                    self.is_over = true;
                    break;
                }
            }
            next = self.reader.try_next();
        }
        read
    }

    fn works(&self, since: i64) -> Read {
        Read::Works(if self.questions > 0 { Work::Asking } else { self.work }, since)
    }

    fn look(&mut self, event: &Event, eyes: &Eyes) -> Option<Read> {
        if event.session_id != self.session {
            return None;
        }
        let at = event.timestamp.as_millis();
        match &event.body {
            Body::Activity(activity) => {
                eyes.was_told(event.source != Source::Screen);
                let work = match activity.activity {
                    ActivityState::Idle => Work::Idle,
                    ActivityState::Busy if activity.previous == Some(ActivityState::Idle) => Work::Begun,
                    ActivityState::Busy => Work::Answering,
                    ActivityState::NeedsPermission | ActivityState::NeedsInput => Work::Asking,
                };
                self.work = work;
                return Some(self.works(at));
            }
            Body::PermissionRequested(_) => {
                self.questions += 1;
                return Some(self.works(at));
            }
            Body::PermissionResolved(_) => {
                self.questions = self.questions.saturating_sub(1);
                return Some(self.works(at));
            }
            Body::Hook(hook) if event.source == Source::Hook => {
                eyes.heard();
                // What was said last may be told after the turn is over.
                if self.work == Work::Begun && ANSWERS.contains(&hook.name.as_str()) {
                    self.work = Work::Answering;
                    return Some(self.works(at));
                }
                let is_prompt = hook.name == PROMPT;
                if is_prompt || ENDS.contains(&hook.name.as_str()) {
                    eyes.turn(is_prompt);
                }
                let text = hook.data.get("prompt").and_then(Value::as_str).filter(|_| is_prompt);
                let cut = hook.data.get("truncated").and_then(Value::as_array);
                let is_cut = cut.is_some_and(|names| names.iter().any(|name| name == "prompt"));
                if is_prompt || hook.name == SESSION {
                    let (seq, text) = (event.seq, text.map(as_taken));
                    return Some(Read::Taken(Taken { seq, at, text, is_cut }));
                }
            }
            _ => {}
        }
        None
    }
}

/// Whether the status says that hooks that should come do not.
pub(super) fn hooks_are_missing(hub: &Hub) -> bool {
    hub.health(&Source::Hook) == Some(Health::Missing)
}
