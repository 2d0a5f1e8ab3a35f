//! What the detector has to say after an observation: new facts as bodies, and facts that were known already.

use crate::event::work::{Delegation, DelegationStatus};
use crate::event::{Body, Source, Timestamp};
use std::sync::Arc;

/// One fact, whoever says it: what makes two sightings the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FactKey {
    /// Which kind of fact.
    pub kind: FactKind,
    /// Claude's own session.
    pub claude_session: Arc<str>,
    /// What it is about: a `tool_use_id`, a ticket, the number of a message.
    pub subject: String,
}

/// Kinds of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum FactKind {
    DelegationStarted,
    DelegationEnded,
    TodoChange,
    Ticket,
    Message,
    Usage,
    Model,
    Activity,
    PermissionAsked,
    PermissionEnded,
}

/// What follows from an observation.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Who said it.
    pub source: Source,
    /// Which fact.
    pub key: FactKey,
    /// The event, where the fact is new.
    pub body: Option<Body>,
}

/// One observation being taken in: who speaks, of when, and what came of it.
#[derive(Debug)]
pub(super) struct Telling<'a> {
    pub(super) source: &'a Source,
    pub(super) claude_session: &'a Arc<str>,
    pub(super) at: Timestamp,
    pub(super) past: bool,
    pub(super) told: &'a mut Vec<Told>,
}

impl Telling<'_> {
    /// A new fact. One of the past is known from now on and not told.
    pub(super) fn tell(&mut self, kind: FactKind, subject: &str, body: Body) {
        if !self.past {
            self.push(kind, subject, Some(body));
        }
    }

    /// A fact that is known, said again.
    pub(super) fn confirm(&mut self, kind: FactKind, subject: &str) {
        if !self.past {
            self.push(kind, subject, None);
        }
    }

    /// The end of what was told to begin: that is told, however long it has been over as the source says.
    pub(super) fn tell_end(&mut self, kind: FactKind, subject: &str, body: Body) {
        self.push(kind, subject, Some(body));
    }

    /// A change of a delegation.
    pub(super) fn tell_delegation(&mut self, delegation: Delegation) {
        let subject = delegation.delegation_id.clone();
        match delegation.status {
            DelegationStatus::Started => {
                self.tell(FactKind::DelegationStarted, &subject, Body::Delegation(delegation));
            }
            DelegationStatus::Completed | DelegationStatus::Failed => {
                self.tell_end(FactKind::DelegationEnded, &subject, Body::Delegation(delegation));
            }
        }
    }

    fn push(&mut self, kind: FactKind, subject: &str, body: Option<Body>) {
        let claude_session = Arc::clone(self.claude_session);
        let key = FactKey { kind, claude_session, subject: subject.to_owned() };
        self.told.push(Told { source: self.source.clone(), key, body });
    }
}
