//! Does what clients ask: subscribing, status, history, ping.
//!
//! Reading requests out of text and writing replies is the dialect's. Whether a client may ask now was decided before.

use super::connection::Connection;
use super::{frame, past};
use crate::dialect::{self, Call, Fault, Past, Reply, Request, RequestId, Subscribe, classic, query};
use crate::event::{EventId, SessionId};
use crate::filter::Pattern;
use crate::hub::{EventName, Explanation};
use serde_json::json;

impl Connection {
    /// Answers one message.
    pub(super) fn do_request(&mut self, text: &str) {
        match dialect::decode(text) {
            Ok(Call { request_id, request }) => self.dispatch(request, request_id.as_ref()),
            Err(fault) => self.refuse(&fault),
        }
    }

    /// Subscribes where the URL names channels.
    pub(super) fn subscribe_from_url(&mut self, query: &str) {
        let object = match query::object(query) {
            Ok(object) if object.get().contains(r#""channels":["#) => object,
            Ok(_) => return,
            Err(fault) => return self.refuse(&fault),
        };
        match classic::decode_subscription(&object) {
            Ok(wanted) => self.subscribe(wanted, None),
            Err(fault) => self.refuse(&fault),
        }
    }

    fn dispatch(&mut self, request: Request, id: Option<&RequestId>) {
        match request {
            Request::Subscribe(wanted) => self.subscribe(wanted, id),
            Request::Unsubscribe(channels) => self.unsubscribe(channels.as_deref(), id),
            Request::Status(session) => self.tell_status(session.as_ref(), id),
            Request::History(past) => self.tell_history(past, id),
            Request::Explain(Some(name)) => self.explain(&name, id),
            Request::Explain(None) => {
                let hub = &self.shared.hub;
                let (types, sources) = (json!(hub.accounts()), json!(hub.status().sources));
                self.say(&Reply::Accounts { types, sources }, id);
            }
            Request::Ping => self.say(&Reply::Pong, id),
            Request::Register(session_id) => self.register(session_id.as_deref(), id),
            Request::Auth(_)
            | Request::Publish(_)
            | Request::Component(_)
            | Request::Uplink(_)
            | Request::Relay(_) => {}
        }
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

    fn subscribe(&mut self, wanted: Subscribe, id: Option<&RequestId>) {
        let channels = wanted.filter.channels.clone();
        let subscribed = self.subscription.subscribe(&self.shared.hub, wanted);
        self.say(&Reply::Subscribed { channels: &channels, cursor: subscribed.cursor }, id);
        if subscribed.other_epoch {
            let last_seq = self.shared.hub.last_seq();
            self.say(&Reply::OtherEpoch { last_seq }, id);
        }
    }

    fn unsubscribe(&mut self, channels: Option<&[Pattern]>, id: Option<&RequestId>) {
        let left = self.subscription.unsubscribe(channels).to_vec();
        self.say(&Reply::Unsubscribed(&left), id);
    }

    fn register(&mut self, session_id: Option<&str>, id: Option<&RequestId>) {
        let wanted = Subscribe::register(session_id);
        let cursor = self.subscription.subscribe(&self.shared.hub, wanted).cursor;
        self.say(&Reply::Registered { session_id, cursor }, id);
    }

    fn tell_history(&mut self, past: Past, id: Option<&RequestId>) {
        let history = past::find(&self.shared.hub, past);
        let (frames, all) = past::newest(&history, self.shared.limits.history_bytes);
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
        let frame = frame::payload_of(&record);
        self.say(&Reply::Explanation { frame, told_by, also_told_by: json!(also), silent }, id);
    }

    fn refuse(&mut self, fault: &Fault) {
        self.say(&Reply::Fault(fault), fault.request_id.as_ref());
    }
}
