//! Does what clients ask: subscribing, status, history, ping; and hands on what is done with claude.
//!
//! Reading requests out of text and writing replies is the dialect's. Whether a client may ask now was decided before.

use super::connection::{Connection, Flow};
use super::{frame, past};
use crate::dialect::{Call, Code, Fault, Relay, Reply, Request, RequestId, Subscribe, Uplink, query};
use crate::event::surroundings::ComponentStarted;
use crate::event::{Body, Draft, EventId, SessionId};
use crate::filter::{Pattern, Query};
use crate::hub::{EventName, Explanation, History};
use crate::instance::Role;
use crate::instance::audit::Subject;
use serde_json::json;
use std::ops::ControlFlow::Continue;

impl Connection {
    /// Answers one message.
    pub(super) fn answer(&mut self, call: Result<Call, Fault>) -> Flow {
        match call {
            Ok(Call { request_id, request }) => self.dispatch(request, request_id.as_ref()),
            Err(fault) => {
                self.refuse(&fault);
                Continue(())
            }
        }
    }

    /// Subscribes where the URL names channels.
    pub(super) fn subscribe_from_url(&mut self, query: &str) {
        match self.wanted_in(query) {
            Ok(Some(wanted)) => self.subscribe(wanted, None),
            Ok(None) => match query::object(query).and_then(|object| self.dialect.decode_manner(&object)) {
                Ok(manner) => self.change_manner(manner),
                Err(fault) => self.refuse(&fault),
            },
            Err(fault) => self.refuse(&fault),
        }
    }

    fn wanted_in(&self, query: &str) -> Result<Option<Subscribe>, Fault> {
        self.dialect.decode_subscription(&query::object(query)?)
    }

    /// The envelope dialect begins with the newest events in one message, and goes on with all that follow.
    pub(super) fn begin_with_the_past(&mut self, query: &str) {
        let wanted = self.wanted_in(query).unwrap_or_else(|fault| {
            self.refuse(&fault);
            None
        });
        let mut wanted = wanted.unwrap_or_default();
        self.change_manner(std::mem::take(&mut wanted.manner));
        if wanted.after.is_some() || wanted.since.is_some() {
            // What is behind a place may be on disk, and much: it follows in the ordinary way.
            let other_epoch = self.subscription.subscribe(&self.shared.hub, wanted).other_epoch;
            self.say(&Reply::Initial { events: &[] }, None);
            if other_epoch {
                let last_seq = self.shared.hub.last_seq();
                self.say(&Reply::OtherEpoch { last_seq }, None);
            }
            return self.means_it();
        }
        let records = self.subscription.begin(&self.shared.hub, wanted);
        let fits = past::fitting(&records, self.dialect, self.shared.limits.history_bytes);
        let events: Vec<_> = fits.iter().map(|record| (&record.event, &record.before)).collect();
        self.say(&Reply::Initial { events: &events }, None);
        self.means_it();
    }

    fn dispatch(&mut self, request: Request, id: Option<&RequestId>) -> Flow {
        if !self.is_still_let_in() && !matches!(request, Request::Auth(_)) {
            return self.token_is_gone();
        }
        if let Some(role) = needed_for(&request).filter(|role| !self.visitor.may(*role)) {
            let why = format!("it needs the role {role}");
            self.shared.note(&self.visitor, (Subject::Refusal, self.dialect.name()), "refused", Some(&why));
            let fault = Fault::new(Code::NotAllowed, format_args!("cannot do this: {why}"));
            self.refuse(&fault.of(id.cloned()));
            return self.lose_patience();
        }
        match request {
            Request::Subscribe(wanted) => self.subscribe(wanted, id),
            Request::Unsubscribe(channels) => self.unsubscribe(channels.as_deref(), id),
            Request::Status(session) => self.tell_status(session.as_ref(), id),
            Request::History(past) => self.look_into_the_past(past, id),
            Request::Explain(Some(name)) => self.explain(&name, id),
            Request::Explain(None) => {
                let hub = &self.shared.hub;
                let (types, sources) = (json!(hub.accounts()), json!(hub.status().sources));
                self.say(&Reply::Accounts { types, sources }, id);
            }
            Request::Ping => self.say(&Reply::Pong, id),
            Request::Register(session_id) => self.register(session_id.as_deref(), id),
            Request::Auth(token) => return self.authenticate(&token, id),
            Request::OneTimeToken => return self.mint_token(id),
            Request::Control(command) => return self.control(command, id),
            Request::Publish(drafts) => self.publish(drafts, id),
            Request::Component(started) => self.register_component(started, id),
            Request::Uplink(uplink) => self.link(&uplink, id),
            Request::Relay(relay) => self.relay(relay, id),
        }
        Continue(())
    }

    fn publish(&mut self, drafts: Vec<Draft>, id: Option<&RequestId>) {
        let registers = drafts.iter().any(|draft| matches!(draft.body, Body::ComponentStarted(_)));
        self.has_published = true;
        match self.shared.publish(drafts, Some(self.id)) {
            Ok(seqs) => {
                if registers {
                    self.welcome_publisher();
                }
                self.say(&Reply::Published { seqs: &seqs }, id);
            }
            Err(fault) => self.refuse(&fault.of(id.cloned())),
        }
    }

    fn register_component(&mut self, started: ComponentStarted, id: Option<&RequestId>) {
        let name = started.component.clone();
        match self.shared.register(started, self.id) {
            Ok(()) => {
                self.welcome_publisher();
                let components = self.shared.components.states();
                self.say(&Reply::Component { name: &name, components: &components }, id);
            }
            Err(fault) => self.refuse(&fault.of(id.cloned())),
        }
    }

    fn welcome_publisher(&mut self) {
        self.means_it();
        self.socket.allow_messages_of(self.shared.limits.component_message_bytes);
    }

    /// One connection tells of one session.
    fn link(&mut self, uplink: &Uplink, id: Option<&RequestId>) {
        if self.uplink.as_ref().is_some_and(|session_id| *session_id != uplink.session_id) {
            let cause = "cannot take session: this connection tells of another one";
            return self.refuse(&Fault::new(Code::NotAllowed, cause).of(id.cloned()));
        }
        match self.shared.link(uplink) {
            Ok(taken) => {
                self.welcome_publisher();
                self.uplink = Some(uplink.session_id.clone());
                let after = taken.as_ref().map_or(0, |taken| taken.seq);
                let epoch = taken.as_ref().map(|taken| &taken.epoch);
                self.say(&Reply::Uplinked { after, epoch }, id);
            }
            Err(fault) => self.refuse(&fault.of(id.cloned())),
        }
    }

    fn relay(&mut self, relay: Relay, id: Option<&RequestId>) {
        let Some(session_id) = &self.uplink else {
            let fault = Fault::new(Code::NotAllowed, "cannot relay: this connection is no uplink");
            return self.refuse(&fault.of(id.cloned()));
        };
        self.has_published = true;
        let after = self.shared.relay(session_id, relay);
        self.say(&Reply::Uplinked { after, epoch: None }, id);
    }

    fn tell_status(&mut self, session: Option<&SessionId>, id: Option<&RequestId>) {
        let hub = &self.shared.hub;
        let snapshot = session.map_or_else(|| Some(hub.status()), |session| hub.status_of(session));
        match snapshot {
            Some(snapshot) => self.say(&Reply::Status(&snapshot), id),
            None => {
                let fault = Fault::parameter("session_id", "no session of this hub");
                self.say(&Reply::Fault(&fault.of(id.cloned())), id);
            }
        }
    }

    fn subscribe(&mut self, mut wanted: Subscribe, id: Option<&RequestId>) {
        self.change_manner(std::mem::take(&mut wanted.manner));
        let channels = wanted.filter.channels.clone();
        let subscribed = self.subscription.subscribe(&self.shared.hub, wanted);
        self.means_it();
        if !subscribed.is_settled {
            self.settling = Some((channels, id.cloned()));
            return;
        }
        let (epoch, cursor) = subscribed.cursor;
        self.say_of(&epoch, &Reply::Subscribed { channels: &channels, cursor }, id);
        if subscribed.other_epoch {
            let last_seq = self.shared.hub.last_seq();
            self.say(&Reply::OtherEpoch { last_seq }, id);
        }
    }

    /// It is known where the subscription begins.
    pub(super) fn tell_settled(&mut self) {
        let place = self.subscription.place().map(|(epoch, seq)| (epoch.clone(), seq));
        if let (Some((channels, id)), Some((epoch, cursor))) = (self.settling.take(), place) {
            self.say_of(&epoch, &Reply::Subscribed { channels: &channels, cursor }, id.as_ref());
        }
    }

    fn unsubscribe(&mut self, channels: Option<&[Pattern]>, id: Option<&RequestId>) {
        self.tell_held();
        let left = self.subscription.unsubscribe(channels).to_vec();
        self.say(&Reply::Unsubscribed(&left), id);
    }

    fn register(&mut self, session_id: Option<&str>, id: Option<&RequestId>) {
        self.tell_held();
        self.subscription.register(session_id);
        let wanted = Subscribe::register(session_id);
        let (epoch, cursor) = self.subscription.subscribe(&self.shared.hub, wanted).cursor;
        self.say_of(&epoch, &Reply::Registered { session_id, cursor }, id);
        self.means_it();
    }

    fn look_into_the_past(&mut self, query: Query, id: Option<&RequestId>) {
        let query = Query { filter: self.subscription.at_home(query.filter), ..query };
        self.looking.begin(&self.shared.hub, query, id.cloned());
    }

    pub(super) fn tell_found(&mut self, history: &History, id: Option<&RequestId>) {
        let (frames, all) = past::newest(history, self.dialect, self.shared.limits.history_bytes);
        self.say(&Reply::History { frames: &frames, complete: history.complete && all }, id);
    }

    fn explain(&mut self, name: &str, id: Option<&RequestId>) {
        let seq = name.parse().ok().map(EventName::Seq);
        let Some(name) = seq.or_else(|| EventId::parse(name).map(EventName::Id)) else {
            let fault = Fault::parameter("event", "neither an id nor a number");
            return self.say(&Reply::Fault(&fault.of(id.cloned())), id);
        };
        let Some(Explanation { record, also, silent }) = self.shared.hub.explain(name) else {
            let fault = Fault::parameter("event", "not in memory (any more)");
            return self.say(&Reply::Fault(&fault.of(id.cloned())), id);
        };
        let told_by = record.event.source.as_str();
        let frame = frame::payload_of(&record, self.dialect);
        self.say(&Reply::Explanation { frame, told_by, also_told_by: json!(also), silent }, id);
    }

    pub(super) fn refuse(&mut self, fault: &Fault) {
        self.shared.refused();
        self.say(&Reply::Fault(fault), fault.request_id.as_ref());
    }
}

/// The role without which it is not done. That of control is `control`'s to ask for, and that of everything else anybody
/// has who is let in.
fn needed_for(request: &Request) -> Option<Role> {
    match request {
        Request::Publish(_) | Request::Component(_) | Request::Uplink(_) | Request::Relay(_) => {
            Some(Role::Publish)
        }
        _ => None,
    }
}
