//! Questions of claude's that wait for somebody's answer: who may answer, what with, and what became of those before.

use crate::claude::permission::{Hook, Question};
use crate::control::{Answer, Command, Fate, Hold, Order, PermissionId};
use crate::detect::observation::{Asked, Fact, Observation};
use crate::event::Timestamp;
use crate::event::control::{DecidedBy, Decision, PermissionRequested, PermissionResolved};
use crate::hub;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Questions that are remembered when they are over, so that who answers late hears why that is too late.
const REMEMBERED: usize = 256;
/// Longest input that is kept to be given back, bytes of JSON.
const MAX_INPUT: usize = 1 << 20;

/// How long a refusal waits for a sign that claude has heard it.
const SIGN: Duration = Duration::from_secs(5);

const HERE_ALREADY: &str = "it seems to have been answered at claude's terminal already";
const NO_SIGN: &str =
    "claude was told, and shows no sign that it heard: it may have been allowed at its terminal before";

/// The questions of one session.
#[derive(Debug, Default)]
pub(super) struct Asking {
    waiting: HashMap<PermissionId, Waiting>,
    unsure: Vec<Unsure>,
    over: VecDeque<(PermissionId, &'static str)>,
}

/// One that was refused from elsewhere, and it is not certain that claude has heard it.
#[derive(Debug)]
struct Unsure {
    id: PermissionId,
    /// Whoever refused it, until that was told what came of it.
    order: Option<Order>,
    until: Instant,
}

/// What else is known when somebody answers a question.
#[derive(Debug, Clone, Default)]
pub(super) struct Around {
    /// The question as everybody was told of it.
    pub(super) shown: Option<PermissionRequested>,
    /// It seems to have been decided at claude's terminal.
    pub(super) is_presumed: bool,
    /// Since when claude has not waited for anybody's answer, where it says that it does not.
    pub(super) asks_nobody_since: Option<Timestamp>,
}

/// One that can be answered.
#[derive(Debug)]
pub(super) struct Waiting {
    hold: Hold,
    question: Question,
    since: Timestamp,
}

impl Waiting {
    pub(super) fn id(&self) -> &PermissionId {
        self.hold.id()
    }

    /// Claude's dialog may be answered by its user meanwhile, and claude does not hear a late answer.
    fn has_dialog(&self) -> bool {
        self.question.hook == Hook::PermissionRequest
    }

    fn was_answered(&self, around: &Around) -> bool {
        let asks_nobody = around.asks_nobody_since.is_some_and(|since| since > self.since);
        self.has_dialog() && (around.is_presumed || asks_nobody)
    }
}

/// What was answered, and taken.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) id: PermissionId,
    pub(super) decision: Decision,
    /// What the model is told.
    pub(super) message: Option<String>,
    /// When claude was told.
    pub(super) at: Timestamp,
    /// Whether claude has heard it is still to be seen.
    pub(super) is_unsure: bool,
}

impl Asking {
    /// Gives the question in a hook its name, and the time until which it can be answered. A tool that claude is about
    /// to use is a question where its hook is held, and somebody has to be asked for it.
    pub(super) fn asks(
        &mut self,
        hook: &str,
        observations: &mut Vec<Observation>,
        hold: Option<Hold>,
    ) -> Option<Waiting> {
        let hook = Hook::named(hook)?;
        if hook == Hook::PreToolUse {
            let call = observations.iter().find_map(|seen| match &seen.fact {
                Fact::Called(call) if hook.asks_for(&call.tool) => Some((seen.clone(), call.clone())),
                _ => None,
            });
            let (seen, call) = call.filter(|_| hold.is_some())?;
            let asked = Asked { tool: call.tool, input: call.input, ..Asked::default() };
            observations.push(Observation { fact: Fact::PermissionAsked(asked), ..seen });
        }
        let (asked, since) = observations.iter_mut().find_map(|seen| match &mut seen.fact {
            Fact::PermissionAsked(asked) => Some((asked, seen.at)),
            _ => None,
        })?;
        let hold = hold.filter(|_| asked.input.to_string().len() <= MAX_INPUT);
        let id =
            hold.as_ref().map_or_else(|| hub::fresh_id().to_string().into(), |hold| Arc::clone(hold.id()));
        (asked.id, asked.until) = (Some(id), hold.as_ref().map(Hold::until));
        let question = Question { hook, tool: asked.tool.clone(), input: asked.input.clone() };
        hold.map(|hold| Waiting { hold, question, since })
    }

    /// It may be answered from now on.
    pub(super) fn wait(&mut self, waiting: Waiting) {
        self.waiting.insert(Arc::clone(waiting.id()), waiting);
    }

    /// Whether a question of these words waits.
    pub(super) fn has_waiting(&self, asked: &Asked) -> bool {
        let same =
            |waiting: &Waiting| waiting.question.tool == asked.tool && waiting.question.input == asked.input;
        self.waiting.values().any(same)
    }

    /// It has an end: claude is let go, and an answer would be too late.
    pub(super) fn over(&mut self, end: &PermissionResolved) {
        let id: PermissionId = end.permission_id.as_str().into();
        self.waiting.remove(&id);
        if let Some(place) = self.unsure.iter().position(|unsure| unsure.id == id)
            && let Some(mut order) = self.unsure.swap_remove(place).order
        {
            order.tell(match (end.decision, end.by) {
                (Decision::Deny, DecidedBy::Remote) => Fate::Done,
                _ => Fate::Nothing { reason: too_late(end).into() },
            });
        }
        if self.over.len() >= REMEMBERED {
            self.over.pop_front();
        }
        self.over.push_back((id, too_late(end)));
    }

    /// When [`Self::give_up`] has something to tell.
    pub(super) fn due(&self) -> Option<Instant> {
        self.unsure.iter().filter(|unsure| unsure.order.is_some()).map(|unsure| unsure.until).min()
    }

    /// Who waits for a sign of claude's for too long hears that there is none.
    pub(super) fn give_up(&mut self, now: Instant) {
        for unsure in self.unsure.iter_mut().filter(|unsure| unsure.until <= now) {
            if let Some(mut order) = unsure.order.take() {
                order.tell(Fate::Rejected { reason: NO_SIGN.into() });
            }
        }
    }

    /// Gives claude the answer, and says to whoever gave it what came of that. `None` where claude has not taken it.
    pub(super) fn answer(&mut self, mut order: Order, around: &Around) -> Option<Answered> {
        let Command::Respond { permission_id, answer } = order.command.clone() else { return None };
        let Some(waiting) = self.waiting.remove(&permission_id) else {
            let reason = self.why_not(&permission_id).into();
            order.tell(Fate::Nothing { reason });
            return None;
        };
        let json = match waiting.question.answered(&answer, around.shown.as_ref()) {
            _ if waiting.was_answered(around) => Err(HERE_ALREADY.into()),
            json => json,
        };
        let json = match json {
            Ok(json) => json.to_string(),
            Err(reason) => {
                self.wait(waiting);
                order.tell(Fate::Rejected { reason });
                return None;
            }
        };
        let (has_dialog, at) = (waiting.has_dialog(), hub::now());
        if !waiting.hold.answer(json.into()) {
            order.tell(Fate::Nothing { reason: "claude no longer waits for an answer".into() });
            return None;
        }
        let (decision, message) = match answer {
            Answer::Allow { .. } => (Decision::Allow, None),
            Answer::Deny { message, .. } => (Decision::Deny, message),
        };
        // Claude hears none of two answers but the first. A yes that comes behind another is no lie.
        let is_unsure = has_dialog && decision == Decision::Deny;
        if is_unsure {
            let (id, until) = (Arc::clone(&permission_id), Instant::now() + SIGN);
            self.unsure.push(Unsure { id, order: Some(order), until });
        } else {
            order.tell(Fate::Done);
        }
        Some(Answered { id: permission_id, decision, message, at, is_unsure })
    }

    fn why_not(&self, id: &PermissionId) -> &'static str {
        if self.unsure.iter().any(|unsure| unsure.id == *id) {
            return "somebody has denied it already";
        }
        let over = self.over.iter().find(|(known, _)| known == id);
        over.map_or("there is no such question, or only claude's terminal can answer it", |(_, why)| why)
    }
}

fn too_late(end: &PermissionResolved) -> &'static str {
    match (end.decision, end.by) {
        (Decision::Allow, DecidedBy::Local) => "it was allowed at claude's terminal already",
        (Decision::Deny, DecidedBy::Local) => "it was denied at claude's terminal already",
        (Decision::Allow, _) => "somebody has allowed it already",
        (Decision::Deny, _) => "somebody has denied it already",
        (Decision::Cancelled, _) => "it was cancelled: claude no longer asks",
        (Decision::Expired, _) => "it has expired: only claude's terminal can answer it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::observation::Call;
    use crate::event::Timestamp;
    use serde_json::json;
    use std::sync::Mutex;

    type Given = Arc<Mutex<Vec<Option<String>>>>;

    fn hold(given: &Given) -> Hold {
        let given = Arc::clone(given);
        Hold::new("p".into(), Timestamp::from_millis(9), move |answer| {
            given.lock().unwrap().push(answer.map(|json| String::from_utf8_lossy(&json).into_owned()));
            true
        })
    }

    fn seen(fact: Fact) -> Vec<Observation> {
        vec![Observation {
            claude_session: "s".into(),
            agent: None,
            at: Timestamp::from_millis(1),
            past: false,
            fact,
        }]
    }

    fn respond(answer: Answer) -> (Order, Arc<Mutex<Vec<Fate>>>) {
        let fates = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&fates);
        let command = Command::Respond { permission_id: "p".into(), answer };
        (Order::new(command, move |fate| hears.lock().unwrap().push(fate)), fates)
    }

    const DENY: Answer = Answer::Deny { message: None, interrupt: false };

    #[test]
    fn a_wrong_answer_leaves_the_question_and_a_right_one_is_given_once() {
        let (given, mut asking) = (Given::default(), Asking::default());
        let asked = Asked { tool: "Bash".into(), input: json!({ "command": "ls" }), ..Asked::default() };
        let mut observations = seen(Fact::PermissionAsked(asked));
        let waiting = asking.asks("PermissionRequest", &mut observations, Some(hold(&given))).unwrap();
        asking.wait(waiting);
        let answers = Some(serde_json::Map::new());
        let (order, fates) =
            respond(Answer::Allow { updated_input: None, answers, remember: None, unseen: false });
        assert!(asking.answer(order, &Around::default()).is_none());
        assert!(matches!(fates.lock().unwrap()[..], [Fate::Rejected { .. }]));
        let (order, _fates) = respond(DENY);
        assert_eq!(asking.answer(order, &Around::default()).unwrap().decision, Decision::Deny);
        let (order, fates) = respond(DENY);
        assert!(asking.answer(order, &Around::default()).is_none());
        assert!(matches!(fates.lock().unwrap()[..], [Fate::Nothing { .. }]));
        let given = given.lock().unwrap();
        assert!(matches!(&given[..], [Some(json)] if json.contains(r#""behavior":"deny""#)), "{given:?}");
    }

    #[test]
    fn before_a_tool_is_used_somebody_is_asked_only_where_that_is_wanted_and_needed() {
        for (tool, held, expected) in [("Bash", true, true), ("Bash", false, false), ("Read", true, false)] {
            let (given, mut asking) = (Given::default(), Asking::default());
            let call = Call { id: "t".into(), tool: tool.into(), input: json!({}) };
            let mut observations = seen(Fact::Called(call));
            let waiting = asking.asks("PreToolUse", &mut observations, held.then(|| hold(&given)));
            assert_eq!((waiting.is_some(), observations.len() == 2), (expected, expected), "{tool} {held}");
            drop(waiting);
            assert_eq!(given.lock().unwrap().len(), usize::from(held), "claude is let go");
        }
    }

    fn waits(asking: &mut Asking, given: &Given) {
        let asked = Asked { tool: "Bash".into(), input: json!({ "command": "ls" }), ..Asked::default() };
        let waiting =
            asking.asks("PermissionRequest", &mut seen(Fact::PermissionAsked(asked)), Some(hold(given)));
        asking.wait(waiting.unwrap());
    }

    #[test]
    fn what_seems_to_be_answered_at_claudes_terminal_is_not_answered_from_elsewhere() {
        let since = |millis| Some(Timestamp::from_millis(millis));
        for (around, is_taken) in [
            (Around { is_presumed: true, ..Around::default() }, false),
            (Around { asks_nobody_since: since(2), ..Around::default() }, false),
            (Around { asks_nobody_since: since(1), ..Around::default() }, true),
        ] {
            let (given, mut asking) = (Given::default(), Asking::default());
            waits(&mut asking, &given);
            let (order, fates) = respond(DENY);
            assert_eq!(asking.answer(order, &around).is_some(), is_taken, "{around:?}");
            assert_eq!(given.lock().unwrap().len(), usize::from(is_taken), "{around:?}");
            let is_rejected = matches!(fates.lock().unwrap()[..], [Fate::Rejected { .. }]);
            assert_eq!(is_rejected, !is_taken, "{around:?}");
        }
    }

    #[test]
    fn a_refusal_is_done_when_that_is_seen() {
        let around = Around::default();
        let end =
            |decision, by| PermissionResolved { permission_id: "p".into(), decision, by, message: None };
        for (end, is_done) in
            [(end(Decision::Deny, DecidedBy::Remote), true), (end(Decision::Allow, DecidedBy::Local), false)]
        {
            let (given, mut asking) = (Given::default(), Asking::default());
            waits(&mut asking, &given);
            let (order, fates) = respond(DENY);
            assert!(asking.answer(order, &around).is_some_and(|answered| answered.is_unsure));
            assert_eq!(fates.lock().unwrap()[..], []);
            asking.over(&end);
            assert_eq!(fates.lock().unwrap()[..] == [Fate::Done], is_done, "{end:?}");
        }
        let (given, mut asking) = (Given::default(), Asking::default());
        waits(&mut asking, &given);
        let (order, fates) = respond(DENY);
        assert!(asking.answer(order, &around).is_some());
        let due = asking.due().unwrap();
        asking.give_up(due - Duration::from_millis(1));
        assert_eq!(fates.lock().unwrap()[..], []);
        asking.give_up(due);
        assert_eq!(fates.lock().unwrap()[..], [Fate::Rejected { reason: NO_SIGN.into() }]);
        assert_eq!(asking.due(), None);
    }

    #[test]
    fn who_comes_too_late_hears_why() {
        let mut asking = Asking::default();
        asking.over(&PermissionResolved {
            permission_id: "p".into(),
            decision: Decision::Deny,
            by: DecidedBy::Local,
            message: None,
        });
        let (order, fates) = respond(DENY);
        assert!(asking.answer(order, &Around::default()).is_none());
        let reason = "it was denied at claude's terminal already".into();
        assert_eq!(fates.lock().unwrap()[..], [Fate::Nothing { reason }]);
    }
}
