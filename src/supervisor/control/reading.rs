//! What the desk reads of the hub's events: prompts that claude has taken, and who says what it does.

use super::eyes::Eyes;
use super::prompt::as_taken;
use crate::detect::cut::TRUNCATED;
use crate::event::body::ActivityState;
use crate::event::control::DecidedBy;
use crate::event::talk::Hook;
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
    /// Somebody else than the user has answered a question of claude's at this time.
    Elsewhere(i64),
}

/// The desk's place in the log.
#[derive(Debug)]
pub(super) struct Reading {
    hub: Hub,
    reader: Reader,
    session: SessionId,
    /// What it does beside asking.
    work: Work,
    /// So many questions are open; what it does is not believed before they have an end.
    questions: usize,
    /// It looks idle since then, which may be older than the last prompt.
    doubted: Option<i64>,
    is_over: bool,
}

impl Reading {
    /// From the next event on.
    pub(super) fn of(hub: &Hub) -> Self {
        let reader = hub.reader(Start::Live, &Filter::default());
        Self {
            hub: hub.clone(),
            reader,
            session: hub.session_id().clone(),
            work: Work::Idle,
            questions: 0,
            doubted: None,
            is_over: false,
        }
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
                        self.look(&record.event, eyes, &mut read);
                    }
                }
                // What was missed is asked for again where it matters: by the file, and by what comes next.
                Next::Gap { .. } => self.questions = usize::from(self.hub.has_questions()),
                Next::Closed => {
                    self.is_over = true;
                    break;
                }
            }
            next = self.reader.try_next();
        }
        if let Some(at) = self.doubted.filter(|_| !eyes.is_in_turn(false)) {
            self.works(Work::Idle, at, &mut read);
        }
        read
    }

    fn works(&mut self, work: Work, at: i64, read: &mut Vec<Read>) {
        (self.work, self.doubted) = (work, None);
        read.push(Read::Works(if self.questions > 0 { Work::Asking } else { work }, at));
    }

    fn look(&mut self, event: &Event, eyes: &Eyes, read: &mut Vec<Read>) {
        if event.session_id != self.session {
            return;
        }
        let at = event.timestamp.as_millis();
        match &event.body {
            Body::Activity(activity) => {
                eyes.was_told(event.source != Source::Screen);
                self.activity(activity.activity, at, eyes, read);
            }
            Body::PermissionRequested(_) => {
                self.questions += 1;
                self.works(self.work, at, read);
            }
            Body::PermissionResolved(resolved) => {
                self.questions = self.questions.saturating_sub(1);
                if resolved.by != DecidedBy::Local {
                    read.push(Read::Elsewhere(at));
                }
                self.works(self.work, at, read);
            }
            Body::Hook(hook) if event.source == Source::Hook => {
                eyes.heard();
                self.hook(hook, (event.seq, at), eyes, read);
            }
            _ => {}
        }
    }

    fn activity(&mut self, activity: ActivityState, at: i64, eyes: &Eyes, read: &mut Vec<Read>) {
        match (activity, self.work) {
            // It may be older than the prompt.
            (ActivityState::Idle, _) if eyes.is_in_turn(false) => self.doubted = Some(at),
            (ActivityState::Idle, _) => self.works(Work::Idle, at, read),
            (ActivityState::Busy, Work::Idle) => self.works(Work::Begun, at, read),
            (ActivityState::Busy, Work::Asking) => self.works(Work::Answering, at, read),
            (ActivityState::Busy, Work::Begun | Work::Answering) => {}
            (ActivityState::NeedsPermission | ActivityState::NeedsInput, _) => {
                self.works(Work::Asking, at, read);
            }
        }
    }

    fn hook(&mut self, hook: &Hook, (seq, at): (u64, i64), eyes: &Eyes, read: &mut Vec<Read>) {
        match hook.name.as_str() {
            PROMPT => {
                eyes.turn(true);
                self.works(Work::Begun, at, read);
                let text = hook.data.get("prompt").and_then(Value::as_str).map(as_taken);
                let cut = hook.data.get(TRUNCATED).and_then(Value::as_array);
                let is_cut = cut.is_some_and(|names| names.iter().any(|name| name == "prompt"));
                read.push(Read::Taken(Taken { seq, at, text, is_cut }));
            }
            SESSION => read.push(Read::Taken(Taken { seq, at, text: None, is_cut: false })),
            // What was said last may be told after the turn is over.
            name if ANSWERS.contains(&name) && self.work == Work::Begun => {
                self.works(Work::Answering, at, read);
            }
            name if ENDS.contains(&name) => {
                eyes.turn(false);
                if self.work != Work::Asking {
                    self.works(Work::Idle, at, read);
                }
            }
            _ => {}
        }
    }
}

/// Whether the status says that hooks that should come do not.
pub(super) fn hooks_are_missing(hub: &Hub) -> bool {
    hub.health(&Source::Hook) == Some(Health::Missing)
}
