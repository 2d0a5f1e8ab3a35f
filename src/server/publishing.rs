//! What clients publish: whether they may, and what becomes of it. Uplinks too, which tell of a whole session.
//!
//! A publisher speaks for itself: not in the name of a detector, of another component, or of a session that a
//! supervisor tells of. What is refused is counted and answered, and never in the log.

use super::Shared;
use super::components::ClientId;
use crate::dialect::{Code, Fault, Relay, Uplink};
use crate::event::surroundings::{ComponentStarted, ComponentState};
use crate::event::{Body, Draft, Event, Origin, SessionId, Source, channel};
use crate::hub::Relayed;
use serde_json::Value;
use tokio::time::Instant;

/// What only the owner of a session may say of it.
const OF_THE_OWNER: [&str; 5] =
    [channel::SESSIONS, channel::CLAUDE, channel::PERMISSIONS, channel::CONTROLS, channel::SYSTEM_STATS];

impl Shared {
    /// Publishes all of them, or none.
    ///
    /// # Errors
    /// Why the first that may not be published may not; or that the log is closed, which it may become between two.
    pub(super) fn publish(&self, drafts: Vec<Draft>, client: Option<ClientId>) -> Result<Vec<u64>, Fault> {
        if self.hub.is_recording() {
            return Err(Fault::new(Code::NotAllowed, "cannot publish: this is a recording"));
        }
        drafts.iter().try_for_each(|draft| self.judge(draft, client))?;
        let closed = || Fault::new(Code::NotAllowed, "cannot publish: the session is over");
        if self.hub.is_closed() {
            return Err(closed());
        }
        let starts = |draft: &Draft| {
            let is_start = matches!(draft.body, Body::ComponentStarted(_));
            is_start.then(|| draft.source.as_str().to_owned())
        };
        self.components.enter_all(drafts.iter().filter_map(starts).collect(), client, Instant::now())?;
        let seqs: Vec<u64> = drafts.into_iter().map(|draft| self.publish_one(draft, client)).collect();
        if seqs.contains(&0) { Err(closed()) } else { Ok(seqs) }
    }

    /// One more thing that was not let in.
    pub(super) fn refused(&self) {
        self.hub.gauges().refuse();
    }

    fn judge(&self, draft: &Draft, client: Option<ClientId>) -> Result<(), Fault> {
        let source = draft.source.as_str();
        let kind = draft.body.channel();
        let refuse =
            |cause: &str| Fault::new(Code::NotAllowed, format_args!("cannot publish {kind}: {cause}"));
        if draft.source.is_own() {
            return Err(refuse(&format!("{source:?} is a source of claude-mpm itself")));
        }
        let session = draft.session_id.as_ref().map_or("", SessionId::as_str);
        if [source, kind, session].iter().any(|name| self.hub.finds_secret(name)) {
            return Err(Fault::new(Code::NotAllowed, "cannot publish: a name in it holds a secret"));
        }
        if self.components.is_anothers(source, client) {
            return Err(refuse(&format!("{source:?} is a component on another connection")));
        }
        if OF_THE_OWNER.iter().any(|prefix| kind.starts_with(prefix)) && !self.may_speak(draft) {
            return Err(refuse("the session is another's"));
        }
        match kind {
            channel::COMPONENT_HEALTH | channel::COMPONENT_STOPPED if !is_test(&draft.body) => {
                self.judge_component(&draft.body, source)
            }
            _ => Ok(()),
        }
    }

    /// Whether the source is the one that tells of the session: whoever told of its start.
    fn may_speak(&self, draft: &Draft) -> bool {
        let source = draft.source.as_str();
        draft.session_id.as_ref().is_some_and(|session| match &draft.body {
            Body::SessionStart(_) => self.hub.begin_session(session, source),
            _ => self.hub.speaks(session, source),
        })
    }

    fn judge_component(&self, body: &Body, source: &str) -> Result<(), Fault> {
        let subject = subject(body).unwrap_or(source);
        let refuse = |code, cause: &str| {
            Err(Fault::new(code, format_args!("cannot publish {}: {cause}", body.channel())))
        };
        if !self.components.is_known(subject) {
            return refuse(Code::UnknownComponent, &format!("no component {subject:?} has registered"));
        }
        if subject != source {
            return refuse(Code::NotAllowed, &format!("{subject:?} speaks for itself"));
        }
        Ok(())
    }

    fn publish_one(&self, draft: Draft, client: Option<ClientId>) -> u64 {
        let source = draft.source.clone();
        let name = source.as_str();
        let now = Instant::now();
        match &draft.body {
            // It may have left within the same publication; there was room for it.
            Body::ComponentStarted(_) if !self.components.is_known(name) => {
                let _entered = self.components.enter_all([name.to_owned()].into(), client, now);
            }
            Body::ComponentStarted(_) => {}
            body if is_test(body) => {}
            body if body.channel() == channel::COMPONENT_STOPPED => self.components.leave(name),
            body if body.channel() == channel::COMPONENT_HEALTH => {
                if let Some(state) = told_state(body) {
                    self.components.says(name, state);
                }
            }
            _ => {
                if let Some(health) = self.components.heard(name, now) {
                    self.hub.submit(Draft::new(source.clone(), health), false);
                }
            }
        }
        let session = draft.session_id.clone();
        let owns = session.is_some_and(|session| self.hub.speaks(&session, name));
        self.hub.submit(draft, owns)
    }

    /// A component registers on its connection.
    ///
    /// # Errors
    /// When its name is taken, or is one of ours.
    pub(super) fn register(&self, started: ComponentStarted, client: ClientId) -> Result<(), Fault> {
        let source = Source::named(&started.component);
        let draft = Draft::new(source, Body::ComponentStarted(started));
        self.publish(vec![draft], Some(client)).map(drop)
    }

    /// Tells of components what is said of them here.
    pub(super) fn tell_of_components(&self, told: Vec<(String, Body)>) {
        // Behind the end of the session comes nothing.
        for (name, body) in told.into_iter().filter(|_| !self.hub.is_session_over()) {
            self.hub.submit(Draft::new(Source::named(&name), body), false);
        }
    }

    /// An instance begins, or goes on, to tell of its session; the newest of its numbers that is here already.
    ///
    /// # Errors
    /// When the session is another's, or it is ourselves that call.
    pub(super) fn link(&self, uplink: &Uplink) -> Result<Option<Origin>, Fault> {
        let refuse = |cause: &dyn std::fmt::Display| {
            let cause = format_args!("cannot take session {}: {cause}", uplink.session_id);
            Fault::new(Code::NotAllowed, cause)
        };
        if self.hub.is_recording() {
            return Err(refuse(&"this is a recording"));
        }
        if uplink.epoch == *self.hub.epoch() {
            return Err(refuse(&"this hub would tell itself"));
        }
        if [uplink.session_id.as_str(), uplink.epoch.as_str()].iter().any(|name| self.hub.finds_secret(name))
        {
            return Err(Fault::new(Code::NotAllowed, "cannot take the session: a name in it holds a secret"));
        }
        let link = (&uplink.epoch, uplink.key.as_str());
        self.hub.link(&uplink.session_id, link, &uplink.recollection).map_err(|cause| refuse(&cause))
    }

    /// Takes what came over the uplink of a session; the newest number taken.
    ///
    /// Of another session an instance may tell what its own publishers said of it, and no more than they might have said
    /// here.
    pub(super) fn relay(&self, session_id: &SessionId, relay: Relay) -> u64 {
        if relay.missed > 0 {
            self.hub.missed_over_uplink(session_id, relay.missed);
        }
        let mut after = 0;
        for event in relay.events {
            after = event.seq;
            let may = event.session_id == *session_id || self.may_be_anybodys(&event);
            if !may || self.hub.relay(session_id, event) == Relayed::Foreign {
                self.refused();
            }
        }
        after
    }
}

impl Shared {
    /// Whether a publisher might say it who speaks for no session.
    fn may_be_anybodys(&self, event: &Event) -> bool {
        let kind = event.body.channel();
        !event.source.is_own()
            && !OF_THE_OWNER.iter().any(|prefix| kind.starts_with(prefix))
            && !self.components.is_anothers(event.source.as_str(), None)
    }
}

/// A test event is about nothing (requirement R4, Test Event Generator).
fn is_test(body: &Body) -> bool {
    matches!(body, Body::Published(published) if published.data.get("test") == Some(&Value::Bool(true)))
}

/// The component an event is about, where it names one.
fn subject(body: &Body) -> Option<&str> {
    match body {
        Body::ComponentHealth(health) => Some(&health.component),
        Body::ComponentStopped(stopped) => Some(&stopped.component),
        Body::Published(published) => published.data.get("component").and_then(Value::as_str),
        _ => None,
    }
}

fn told_state(body: &Body) -> Option<ComponentState> {
    match body {
        Body::ComponentHealth(health) => Some(health.status),
        Body::Published(published) => serde_json::from_value(published.data.get("status")?.clone()).ok(),
        _ => None,
    }
}
