//! Whether a client is there: what is told of its coming and leaving, and the signs of life that go to it and come back.

use super::Shared;
use super::connection::{Connection, Flow};
use super::ending::Ending;
use super::frame::EMPTY_PING;
use super::visitors::{self, Acquaintance};
use crate::dialect::{Close, Reply};
use crate::event::{Draft, Source, Timestamp};
use crate::hub;
use std::ops::ControlFlow::{Break, Continue};
use tokio::time::Instant;

impl Connection {
    /// The client has shown that it means it: it subscribed, registered or said who it is.
    pub(super) fn means_it(&mut self) {
        if let Acquaintance::None = self.acquaintance {
            self.acquaintance = Acquaintance::Meant(Instant::now());
        }
    }

    pub(super) fn tell_of_coming(&mut self) {
        let Acquaintance::Meant(since) = self.acquaintance else { return };
        // Behind the end of the session comes nothing.
        if self.shared.hub.is_session_over() {
            self.acquaintance = Acquaintance::Untold;
            return;
        }
        let Shared { hub, visitors, limits, .. } = &*self.shared;
        let kind = (self.dialect.name(), self.visitor.transport());
        let told = visitors.came(self.id, kind, hub.gauges().clients(), limits, Instant::now());
        self.acquaintance = told.as_ref().map_or(Acquaintance::Untold, |_| Acquaintance::Told(since));
        if let Some(body) = told {
            hub.submit(Draft::new(Source::System, body), true);
        }
    }

    pub(super) fn tell_of_leaving(&mut self, ending: Ending) {
        self.shared.tell_of_components(self.shared.components.gone(self.id));
        if let Some(session_id) = &self.uplink {
            self.shared.hub.uplink_ended(session_id);
        }
        if let (Some(session_id), Ending::Lost | Ending::ByClient | Ending::Abort(_)) = (&self.uplink, ending)
        {
            self.shared.hub.uplink_lost(session_id);
        }
        self.tell_of_coming();
        let Acquaintance::Told(since) = self.acquaintance else { return };
        if self.shared.hub.is_session_over() {
            return;
        }
        let close_code = match ending {
            Ending::ByUs(close) | Ending::Abort(close) => Some(close.code()),
            Ending::ByClient | Ending::Lost => None,
        };
        let hub = &self.shared.hub;
        let others = hub.gauges().clients().saturating_sub(1);
        let body = visitors::left(self.id, self.dialect.name(), close_code, since, others);
        hub.submit(Draft::new(Source::System, body), true);
    }

    /// When the client is told of, should it stay.
    pub(super) fn to_be_told(&self) -> Option<Instant> {
        match self.acquaintance {
            Acquaintance::Meant(since) => Some(since + self.shared.limits.acquaintance),
            _ => None,
        }
    }

    /// Says how everybody is doing; a client that is behind has no use for it.
    pub(super) fn beat(&mut self, now: Instant) {
        let period = self.shared.limits.heartbeat;
        self.next_heartbeat = Some(now + period);
        if self.socket.is_idle() {
            let components = self.shared.components.states();
            let period = i64::try_from(period.as_millis()).unwrap_or(i64::MAX);
            let next_check = Timestamp::from_millis(hub::now().as_millis().saturating_add(period));
            self.say(&Reply::Heartbeat { components: &components, next_check }, None);
        }
    }

    pub(super) fn ping(&mut self, now: Instant) -> Flow {
        if self.unanswered_pings >= self.shared.limits.unanswered_pings {
            return Break(Ending::Abort(Close::Slow));
        }
        self.next_ping = now + self.shared.limits.ping;
        if self.unanswered_pings > 0 {
            self.shared.tell_of_components(self.shared.components.answers(self.id, false));
        }
        // A blocked client would not see it; the write deadline watches over that one.
        if self.socket.is_idle() {
            self.unanswered_pings += 1;
            self.socket.outbox().push_frames(std::iter::once(&EMPTY_PING[..]));
        }
        Continue(())
    }
}
