//! Questions of claude's that wait for somebody's answer: who may answer, what with, and what became of those before.

use crate::claude::permission::{Hook, Question};
use crate::control::{Answer, Command, Fate, Hold, Order, PermissionId};
use crate::detect::observation::{Asked, Fact, Observation};
use crate::event::control::{DecidedBy, Decision, PermissionResolved};
use crate::hub;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Questions that are remembered when they are over, so that who answers late hears why that is too late.
const REMEMBERED: usize = 256;
/// Longest input that is kept to be given back, bytes of JSON.
const MAX_INPUT: usize = 1 << 20;

/// The questions of one session.
#[derive(Debug, Default)]
pub(super) struct Asking {
    waiting: HashMap<PermissionId, Waiting>,
    over: VecDeque<(PermissionId, &'static str)>,
}

/// One that can be answered.
#[derive(Debug)]
pub(super) struct Waiting {
    hold: Hold,
    question: Question,
}

impl Waiting {
    pub(super) fn id(&self) -> &PermissionId {
        self.hold.id()
    }
}

/// What was answered, and taken.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) id: PermissionId,
    pub(super) decision: Decision,
    /// What the model is told.
    pub(super) message: Option<String>,
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
        let asked = observations.iter_mut().find_map(|seen| match &mut seen.fact {
            Fact::PermissionAsked(asked) => Some(asked),
            _ => None,
        })?;
        let hold = hold.filter(|_| asked.input.to_string().len() <= MAX_INPUT);
        let id =
            hold.as_ref().map_or_else(|| hub::fresh_id().to_string().into(), |hold| Arc::clone(hold.id()));
        (asked.id, asked.until) = (Some(id), hold.as_ref().map(Hold::until));
        let question = Question { hook, tool: asked.tool.clone(), input: asked.input.clone() };
        hold.map(|hold| Waiting { hold, question })
    }

    /// It may be answered from now on.
    pub(super) fn wait(&mut self, waiting: Waiting) {
        self.waiting.insert(Arc::clone(waiting.id()), waiting);
    }

    /// It has an end: claude is let go, and an answer would be too late.
    pub(super) fn over(&mut self, end: &PermissionResolved) {
        let id: PermissionId = end.permission_id.as_str().into();
        self.waiting.remove(&id);
        if self.over.len() >= REMEMBERED {
            self.over.pop_front();
        }
        self.over.push_back((id, too_late(end)));
    }

    /// Gives claude the answer, and says to whoever gave it what came of that. `None` where claude has not taken it.
    pub(super) fn answer(&mut self, mut order: Order) -> Option<Answered> {
        let Command::Respond { permission_id, answer } = order.command.clone() else { return None };
        let Some(Waiting { hold, question }) = self.waiting.remove(&permission_id) else {
            let reason = self.why_not(&permission_id).into();
            order.tell(Fate::Nothing { reason });
            return None;
        };
        let json = match question.answered(&answer) {
            Ok(json) => json.to_string(),
            Err(reason) => {
                self.wait(Waiting { hold, question });
                order.tell(Fate::Rejected { reason });
                return None;
            }
        };
        if !hold.answer(json.into()) {
            order.tell(Fate::Nothing { reason: "claude no longer waits for an answer".into() });
            return None;
        }
        order.tell(Fate::Done);
        let (decision, message) = match answer {
            Answer::Allow { .. } => (Decision::Allow, None),
            Answer::Deny { message, .. } => (Decision::Deny, message),
        };
        Some(Answered { id: permission_id, decision, message })
    }

    fn why_not(&self, id: &PermissionId) -> &'static str {
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
        let (order, fates) = respond(Answer::Allow { updated_input: None, answers, remember: None });
        assert!(asking.answer(order).is_none());
        assert!(matches!(fates.lock().unwrap()[..], [Fate::Rejected { .. }]));
        let (order, fates) = respond(DENY);
        assert_eq!(asking.answer(order).unwrap().decision, Decision::Deny);
        assert_eq!(fates.lock().unwrap()[..], [Fate::Done]);
        let (order, fates) = respond(DENY);
        assert!(asking.answer(order).is_none());
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
        assert!(asking.answer(order).is_none());
        let reason = "it was denied at claude's terminal already".into();
        assert_eq!(fates.lock().unwrap()[..], [Fate::Nothing { reason }]);
    }
}
