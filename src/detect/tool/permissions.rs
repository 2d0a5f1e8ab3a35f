//! Questions of claude's that somebody may answer from elsewhere, each with exactly one end.
//!
//! Nothing tells of a "yes" at claude's terminal before the tool has run, but claude's state file, which says that it
//! works again. A "no" there ends the wait of the hook, and so does the end of claude. What such a sign means is
//! presumed for a moment, in which a source that knows may speak.

use super::telling::{FactKind, Telling};
use crate::detect::cut;
use crate::detect::observation::{Agent, Asked, Outcome};
use crate::event::body::{ActivityState, Body};
use crate::event::control::{DecidedBy, Decision, PermissionRequested, PermissionResolved, QUESTION_TOOL};
use crate::event::{Source, Timestamp};

use std::sync::Arc;

/// Most questions that are open at once.
const MAX_OPEN: usize = 64;
/// After the hook's wait has ended, claude's own end may explain that, milliseconds.
const LEFT_MILLIS: i64 = 2_500;
/// After claude works again, or is idle, the hook's wait may end, milliseconds: then the answer was no.
const STATE_MILLIS: i64 = 700;

#[derive(Debug, Default)]
pub(super) struct Permissions {
    open: Vec<Question>,
}

#[derive(Debug)]
struct Question {
    id: Arc<str>,
    claude_session: Arc<str>,
    agent_id: Option<String>,
    call_id: Option<String>,
    asked_at: Timestamp,
    until: Option<Timestamp>,
    presumed: Option<Presumed>,
    refused: Option<Refused>,
}

/// How it seems to have ended.
#[derive(Debug, Clone, Copy)]
struct Presumed {
    /// When that is believed.
    due: Timestamp,
    decision: Decision,
    /// Claude's state says so, as of then.
    by_state: Option<Timestamp>,
}

/// It was refused from elsewhere; whether claude has heard that is not known yet.
#[derive(Debug)]
struct Refused {
    /// When claude was told; `None` where other questions were open, so that its state says nothing of this one.
    at: Option<Timestamp>,
    message: Option<String>,
}

impl Permissions {
    /// Claude asks; `call_id` is the call that it asks for.
    pub(super) fn asked(
        &mut self,
        asked: &Asked,
        call_id: Option<String>,
        agent: Option<&Agent>,
        telling: &mut Telling<'_>,
    ) {
        let Some(id) = asked.id.clone().filter(|_| !telling.past && self.open.len() < MAX_OPEN) else {
            return;
        };
        self.open.push(Question {
            id: Arc::clone(&id),
            claude_session: Arc::clone(telling.claude_session),
            agent_id: agent.map(|agent| agent.id.clone()),
            call_id,
            asked_at: telling.at,
            until: asked.until,
            presumed: None,
            refused: None,
        });
        let is_question = asked.tool == QUESTION_TOOL;
        let (tool_input, truncated) = cut::input(asked.input.clone());
        let questions = tool_input.get("questions").filter(|_| is_question).cloned();
        let request = PermissionRequested {
            permission_id: id.to_string(),
            tool_name: asked.tool.clone(),
            tool_input,
            truncated,
            redacted: Vec::new(),
            agent: agent.map(|agent| agent.name.clone().unwrap_or_else(|| agent.id.clone())),
            suggestions: asked.suggestions.clone(),
            questions,
            expires_at: asked.until,
        };
        telling.tell(FactKind::PermissionAsked, &id, Body::PermissionRequested(request));
    }

    /// Whether it has not ended.
    pub(super) fn is_open(&self, id: &str) -> bool {
        self.open.iter().any(|question| *question.id == *id)
    }

    /// Whether this one seems to have been decided at claude's terminal.
    pub(super) fn is_presumed(&self, id: &str) -> bool {
        self.open.iter().any(|question| *question.id == *id && question.presumed.is_some())
    }

    /// Somebody has refused it from elsewhere, and claude was told. Where its user has allowed it before, that comes too
    /// late; what becomes of the call will show it.
    pub(super) fn refused(&mut self, id: &str, message: Option<String>, at: Timestamp) {
        let at = (self.open.len() == 1).then_some(at);
        if let Some(question) = self.open.iter_mut().find(|question| *question.id == *id) {
            question.refused = Some(Refused { at, message });
        }
    }

    /// A call is over.
    pub(super) fn returned(&mut self, call_id: &str, outcome: &Outcome, telling: &mut Telling<'_>) {
        let decision = match outcome {
            Outcome::Ran(_) => Decision::Allow,
            Outcome::Failed(_) if *telling.source == Source::Hook => Decision::Allow,
            Outcome::Denied | Outcome::Rejected => Decision::Deny,
            Outcome::Unavailable => Decision::Cancelled,
            // What failed and what was refused look alike there; the hook of one that failed is on its way.
            Outcome::Failed(_) => {
                return self.presume(telling.at, STATE_MILLIS, Decision::Deny, |question| {
                    question.call_id.as_deref() == Some(call_id)
                });
            }
        };
        self.end(decision, DecidedBy::Local, telling, |question| {
            question.call_id.as_deref() == Some(call_id)
        });
    }

    /// A batch of calls is over: one that is still asked for was refused.
    pub(super) fn batch_over(&mut self, calls: &[String], telling: &mut Telling<'_>) {
        self.end(Decision::Deny, DecidedBy::Local, telling, |question| {
            question.call_id.as_ref().is_some_and(|id| calls.contains(id))
        });
    }

    /// Nobody waits for the answer any more.
    pub(super) fn left(&mut self, id: &str, at: Timestamp) {
        self.presume(at, LEFT_MILLIS, Decision::Deny, |question| *question.id == *id);
    }

    /// Claude's state file. Of several questions it does not say which was answered.
    pub(super) fn state(&mut self, state: ActivityState, at: Timestamp) {
        let [question] = &mut self.open[..] else { return };
        let decision = match state {
            ActivityState::Busy => Decision::Allow,
            ActivityState::Idle => Decision::Cancelled,
            ActivityState::NeedsPermission | ActivityState::NeedsInput => return question.is_asked_at(at),
        };
        if question.asked_at >= at || question.presumed.is_some() {
            return;
        }
        let decision = match &question.refused {
            Some(Refused { at: None, .. }) => return,
            // What claude does since before it was told does not come of that.
            Some(Refused { at: Some(told_at), .. }) if at >= *told_at => Decision::Deny,
            _ => decision,
        };
        question.presumed = Some(Presumed { due: later(at, STATE_MILLIS), decision, by_state: Some(at) });
    }

    /// A turn of claude itself begins or is over: what it asked in the one before has been answered somehow.
    pub(super) fn turn_changed(&mut self, telling: &mut Telling<'_>) {
        let at = telling.at;
        let session = Arc::clone(telling.claude_session);
        let is_over = |question: &Question| {
            question.agent_id.is_none() && question.claude_session == session && question.asked_at < at
        };
        self.end(Decision::Cancelled, DecidedBy::Local, telling, is_over);
    }

    /// An agent has ended.
    pub(super) fn agent_ended(&mut self, agent_id: &str, telling: &mut Telling<'_>) {
        self.end(Decision::Cancelled, DecidedBy::Local, telling, |question| {
            question.agent_id.as_deref() == Some(agent_id)
        });
    }

    /// A session of claude's is over.
    pub(super) fn session_over(&mut self, telling: &mut Telling<'_>) {
        let session = Arc::clone(telling.claude_session);
        self.sweep(telling, |question| question.claude_session == session);
    }

    /// Claude is over.
    pub(super) fn finish(&mut self, telling: &mut Telling<'_>) {
        self.sweep(telling, |_| true);
    }

    /// Somebody has answered from elsewhere, and claude has taken it.
    pub(super) fn decided(
        &mut self,
        id: &str,
        decision: Decision,
        message: Option<String>,
        telling: &mut Telling<'_>,
    ) {
        let before = self.open.len();
        self.open.retain(|question| *question.id != *id);
        if self.open.len() < before {
            resolved(id, (decision, DecidedBy::Remote), message, telling);
        }
    }

    /// When [`Self::tick`] has something to say.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let presumed = self.open.iter().filter_map(|question| Some(question.presumed?.due));
        presumed.chain(self.open.iter().filter_map(|question| question.until)).min()
    }

    /// What was presumed for long enough is believed, and nobody is waited for for ever.
    pub(super) fn tick(&mut self, telling: &mut Telling<'_>) {
        let now = telling.at;
        self.end(Decision::Cancelled, DecidedBy::Local, telling, |question| {
            question.presumed.is_some_and(|presumed| presumed.due <= now)
        });
        self.open.retain(|question| {
            let is_over = question.until.is_some_and(|until| until <= now);
            if is_over {
                resolved(&question.id, (Decision::Expired, DecidedBy::Session), None, telling);
            }
            !is_over
        });
    }

    fn presume(&mut self, at: Timestamp, millis: i64, decision: Decision, is_it: impl Fn(&Question) -> bool) {
        for question in self.open.iter_mut().filter(|question| is_it(question)) {
            question.presumed = Some(Presumed { due: later(at, millis), decision, by_state: None });
        }
    }

    /// Ends those; what was presumed of one is believed rather than `decision` where that says nothing.
    fn end(
        &mut self,
        decision: Decision,
        by: DecidedBy,
        telling: &mut Telling<'_>,
        is_it: impl Fn(&Question) -> bool,
    ) {
        self.open.retain(|question| {
            let is_over = is_it(question);
            if is_over {
                let (how, message) = question.ended(decision, by);
                resolved(&question.id, how, message, telling);
            }
            !is_over
        });
    }

    /// Ends those with the session; that a hook's wait has ended was a sign of that.
    fn sweep(&mut self, telling: &mut Telling<'_>, is_it: impl Fn(&Question) -> bool) {
        self.open.retain(|question| {
            let is_over = is_it(question);
            if is_over {
                resolved(&question.id, (Decision::Cancelled, DecidedBy::Session), None, telling);
            }
            !is_over
        });
    }
}

impl Question {
    /// Claude waits for somebody: what it did before was the end of another question.
    fn is_asked_at(&mut self, at: Timestamp) {
        let by_state = self.presumed.and_then(|presumed| presumed.by_state);
        if self.refused.is_none() && by_state.is_some_and(|since| since < at) {
            self.presumed = None;
        }
    }

    /// How it ended, as far as `decision` says; and what the model was told.
    fn ended(&self, decision: Decision, by: DecidedBy) -> ((Decision, DecidedBy), Option<String>) {
        let presumed = self.presumed.map(|presumed| presumed.decision);
        let decision = presumed.filter(|_| decision == Decision::Cancelled).unwrap_or(decision);
        match (&self.refused, decision) {
            (Some(Refused { message, .. }), Decision::Deny | Decision::Cancelled) => {
                ((Decision::Deny, DecidedBy::Remote), message.clone())
            }
            _ => ((decision, by), None),
        }
    }
}

fn later(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(millis))
}

fn resolved(
    id: &str,
    (decision, by): (Decision, DecidedBy),
    message: Option<String>,
    telling: &mut Telling<'_>,
) {
    let body = PermissionResolved { permission_id: id.to_owned(), decision, by, message };
    telling.tell_end(FactKind::PermissionEnded, id, Body::PermissionResolved(body));
}
