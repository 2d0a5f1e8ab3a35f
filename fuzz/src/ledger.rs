//! Keeps account of all that one detector tells, and of what it must never tell.

use claude_mpm::detect::tool::{FactKey, FactKind, Told};
use claude_mpm::event::Body;
use claude_mpm::event::work::DelegationStatus;
use std::collections::{HashMap, HashSet};

/// What was told so far.
#[derive(Debug, Default)]
pub struct Ledger {
    told: HashSet<FactKey>,
    /// How many are open, by `tool_use_id`: claude's sessions may share one.
    delegations: HashMap<String, u32>,
    questions: HashMap<String, bool>,
    /// Newest question.
    asked: Option<String>,
}

impl Ledger {
    /// Enters what came of one observation.
    ///
    /// # Panics
    /// When it must not be told.
    pub fn enter(&mut self, told: Vec<Told>) {
        for Told { key, body, .. } in told {
            let Some(body) = body else { continue };
            let is_new = self.told.insert(key.clone());
            assert!(is_new || may_come_again(&key), "told twice as new: {key:?}");
            self.pair(&body);
        }
    }

    /// The question that was asked last, whether or not it has an end.
    pub fn newest_question(&self) -> Option<&str> {
        self.asked.as_deref()
    }

    /// The process is over.
    ///
    /// # Panics
    /// When something that began has no end.
    pub fn close(&self) {
        let open: Vec<_> = self.delegations.iter().filter(|(_, open)| **open > 0).collect();
        assert!(open.is_empty(), "delegations without an end: {open:?}");
        let open: Vec<_> = self.questions.iter().filter(|(_, ended)| !**ended).collect();
        assert!(open.is_empty(), "questions without an end: {open:?}");
    }

    fn pair(&mut self, body: &Body) {
        match body {
            Body::Delegation(told) if told.status == DelegationStatus::Started => {
                *self.delegations.entry(told.delegation_id.clone()).or_default() += 1;
            }
            Body::Delegation(told) => {
                let open = self.delegations.get_mut(&told.delegation_id).filter(|open| **open > 0);
                *open.unwrap_or_else(|| panic!("not begun, or ended before: {told:?}")) -= 1;
            }
            Body::PermissionRequested(told) => {
                let before = self.questions.insert(told.permission_id.clone(), false);
                assert!(before.is_none(), "asked twice: {told:?}");
                self.asked = Some(told.permission_id.clone());
            }
            Body::PermissionResolved(told) => {
                let before = self.questions.insert(told.permission_id.clone(), true);
                assert_eq!(before, Some(false), "not asked, or resolved before: {told:?}");
            }
            _ => {}
        }
    }
}

/// The list of todos, a ticket and what claude does change more than once; tokens without the id of an answer are told as
/// often as they are counted.
fn may_come_again(key: &FactKey) -> bool {
    match key.kind {
        FactKind::TodoChange | FactKind::Ticket | FactKind::Activity => true,
        FactKind::Usage => key.subject.is_empty(),
        _ => false,
    }
}
