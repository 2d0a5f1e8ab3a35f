//! One client's task: its socket, its subscription, its clocks.
//!
//! The loop waits for what happens; `handle` decides, without waiting. Events are taken from the log only while
//! the outbox is empty, and so are requests: a client that does not read costs one outbox and nobody's time.

use super::apart::Asking;
use super::authenticate::Stranger;
use super::components::ClientId;
use super::control::{Step, Steps};
use super::delivery::Delivery;
use super::ending::{Ending, ending_of};
use super::extension::Compression;
use super::http::Upgraded;
use super::outbox::Outbox;
use super::past::Looking;
use super::places::Place;
use super::rate::{Allowance, Verdict};
use super::role::Visitor;
use super::socket::{Socket, Wire};
use super::subscription::{Reading, Subscription};
use super::visitors::Acquaintance;
use super::{Season, Shared};
use crate::dialect::{Call, Close, Code, Dialect, Fault, Reply, Request, RequestId, Stamp};
use crate::event::{Epoch, EventId, SessionId};
use crate::filter::Pattern;
use crate::hub::{self, ClientGuard, History, Next};
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// What the loop was woken by.
#[derive(Debug)]
enum Happened {
    Wire(Wire),
    Next(Reading),
    Season(Season),
    Step(Step),
    /// Whether it is apart from claude.
    Apart(Result<(), String>),
    Found(History, Option<RequestId>),
    InTheWay,
    Clock,
}

pub(super) type Flow = ControlFlow<Ending>;

/// One client.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) dialect: Dialect,
    pub(super) subscription: Subscription,
    /// How events are told.
    pub(super) delivery: Delivery,
    /// Whether what is sent may be compressed.
    pub(super) compression: Option<Compression>,
    pub(super) socket: Socket,
    pub(super) id: ClientId,
    pub(super) visitor: Visitor,
    /// The session of the instance behind it, if it is an uplink.
    pub(super) uplink: Option<SessionId>,
    pub(super) acquaintance: Acquaintance,
    /// How far what it does with claude has come.
    pub(super) steps: Steps,
    /// What waits until it is known whether it is apart from claude; no other request is handled before.
    pub(super) asking: Option<Asking>,
    /// How often its role did not allow what it asked.
    pub(super) refusals: u32,
    /// Of one that has not said who it is.
    pub(super) stranger: Option<Stranger>,
    /// What it asked about the past.
    pub(super) looking: Looking,
    /// What is answered once it is known where the subscription begins.
    pub(super) settling: Option<(Vec<Pattern>, Option<RequestId>)>,
    season: watch::Receiver<Season>,
    allowance: Allowance,
    /// The client sent Close: nothing more is told or done.
    leaving: bool,
    /// Something, since it was last looked whether the journal follows.
    pub(super) has_published: bool,
    /// The hub is closed: until then the rest may be taken.
    pub(super) end_by: Option<Instant>,
    pub(super) next_ping: Instant,
    /// On the envelope dialect.
    pub(super) next_heartbeat: Option<Instant>,
    pub(super) unanswered_pings: u32,
    clock: Pin<Box<Sleep>>,
    _counted: ClientGuard,
    _place: Place,
}

impl Connection {
    /// Greets the client, and subscribes it where the URL asked for that.
    pub(super) async fn open(
        upgraded: Upgraded,
        shared: Arc<Shared>,
        season: watch::Receiver<Season>,
    ) -> Box<Self> {
        let Upgraded { stream, read, dialect, query, compression, visitor, place, stranger } = upgraded;
        stream.prepare();
        let gauges = shared.hub.gauges();
        let (counted, outbox) = (gauges.client(), Outbox::new(gauges.clone()));
        let compresses = compression.is_some();
        let socket = Socket::new((stream, read.into()), compresses, outbox, &shared.limits).await;
        let now = Instant::now();
        let next_ping = now + shared.limits.ping;
        let stranger = Some(Stranger::new(query, now + shared.limits.authentication, stranger));
        let mut connection = Box::new(Self {
            dialect,
            next_heartbeat: None,
            subscription: Subscription::default(),
            delivery: Delivery::default(),
            compression,
            socket,
            id: shared.visitors.number(),
            visitor,
            uplink: None,
            acquaintance: Acquaintance::None,
            steps: Steps::default(),
            asking: None,
            refusals: 0,
            stranger,
            looking: Looking::default(),
            settling: None,
            season,
            allowance: Allowance::new(&shared.limits, now),
            leaving: false,
            has_published: false,
            end_by: None,
            next_ping,
            unanswered_pings: 0,
            clock: Box::pin(tokio::time::sleep_until(next_ping)),
            _counted: counted,
            _place: place,
            shared,
        });
        if connection.visitor.role.is_some() {
            connection.is_known_now();
        }
        connection
    }

    /// Serves the client until it or the session ends.
    pub(super) async fn run(mut self: Box<Self>) {
        let ending = loop {
            self.arm_clock();
            let happened = self.happened().await;
            if let Break(ending) = self.handle(happened) {
                break ending;
            }
            if std::mem::take(&mut self.has_published) {
                self.shared.hub.journal_follows().await;
            }
        };
        if let Ending::ByUs(Close::SessionOver | Close::GoingAway) = ending {
            self.tell_held();
        }
        self.tell_of_leaving(ending);
        self.part(ending).await;
    }

    async fn happened(&mut self) -> Happened {
        let idle = self.socket.is_idle() && !self.leaving;
        // What waits for the answer to a subscription does not keep it from being found.
        let reads = idle || self.settling.is_some();
        tokio::select! {
            biased;
            wire = self.socket.next() => Happened::Wire(wire),
            next = self.subscription.next(), if reads => Happened::Next(next),
            step = self.steps.next(), if idle => Happened::Step(step),
            apart = Asking::answered(self.asking.as_mut()) => Happened::Apart(apart),
            (history, id) = self.looking.found() => Happened::Found(history, id),
            season = turned(&mut self.season), if self.end_by.is_none() => Happened::Season(season),
            () = Stranger::in_the_way(self.stranger.as_ref()) => Happened::InTheWay,
            () = &mut self.clock => Happened::Clock,
        }
    }

    fn handle(&mut self, happened: Happened) -> Flow {
        match happened {
            Happened::Wire(Wire::Drained) => self.handle_drained(),
            Happened::Wire(Wire::Blocked) => Continue(()),
            Happened::Wire(Wire::Lost) => Break(Ending::Lost),
            Happened::Wire(Wire::Received(received)) => self.handle_received(received),
            Happened::Next(Reading::Next(next)) => self.handle_next(next),
            Happened::Next(Reading::Settled) => {
                self.tell_settled();
                Continue(())
            }
            Happened::Season(season) => self.handle_season(season),
            Happened::Step(step) => {
                self.tell_step(&step);
                Continue(())
            }
            Happened::Apart(apart) => self.is_known_apart(apart),
            Happened::Found(history, id) => {
                self.tell_found(&history, id.as_ref());
                Continue(())
            }
            Happened::InTheWay => self.turn_away(None),
            Happened::Clock => self.handle_clock(Instant::now()),
        }
    }

    fn handle_drained(&mut self) -> Flow {
        if self.is_thinking() {
            return Continue(());
        }
        match self.socket.release() {
            Some(request) => self.handle_request(&request),
            None if self.end_by.is_some() && !self.subscription.is_reading() => {
                Break(Ending::ByUs(Close::SessionOver))
            }
            None => Continue(()),
        }
    }

    fn handle_received(&mut self, received: Option<Result<Message, Error>>) -> Flow {
        if std::mem::take(&mut self.unanswered_pings) > 0 {
            self.shared.tell_of_components(self.shared.components.answers(self.id, true));
        }
        match received {
            Some(Ok(Message::Text(text))) if !self.leaving => self.handle_text(text),
            Some(Ok(Message::Binary(_))) if !self.leaving => Break(Ending::ByUs(Close::BinaryNotAccepted)),
            Some(Ok(Message::Close(_))) => {
                self.leaving = true;
                Continue(())
            }
            Some(Ok(_)) => Continue(()),
            Some(Err(cause)) => {
                let ending = ending_of(&cause);
                if ending == Ending::ByUs(Close::TooBig) {
                    self.shared.refused();
                    let fault = Fault::new(Code::TooLarge, "cannot read message: it is too large");
                    self.say(&Reply::Fault(&fault), None);
                }
                Break(ending)
            }
            None => Break(Ending::ByClient),
        }
    }

    /// The answer to a request takes a while: no other is answered before it.
    pub(super) fn is_thinking(&self) -> bool {
        self.asking.is_some() || self.looking.is_busy() || self.settling.is_some()
    }

    fn handle_text(&mut self, text: Utf8Bytes) -> Flow {
        if self.socket.is_idle() && !self.is_thinking() {
            return self.handle_request(&text);
        }
        self.socket.hold(text);
        Continue(())
    }

    /// What is published is bounded by what is taken at once, and not counted.
    fn handle_request(&mut self, text: &str) -> Flow {
        let call = self.dialect.decode(text);
        if self.stranger.is_some() && !matches!(&call, Ok(Call { request: Request::Auth(_), .. })) {
            return self.turn_away(call.as_ref().map_or(None, |call| call.request_id.as_ref()));
        }
        if let Ok(Call { request: Request::Publish(_) | Request::Relay(_), .. }) = &call {
            return self.answer(call);
        }
        match self.allowance.take(&self.shared.limits, Instant::now()) {
            Verdict::Allowed => return self.answer(call),
            Verdict::Refused => {
                let fault = Fault::new(Code::TooMany, "cannot run request: too many requests");
                self.say(&Reply::Fault(&fault), None);
            }
            Verdict::Hopeless => return Break(Ending::ByUs(Close::RateLimit)),
        }
        Continue(())
    }

    fn handle_next(&mut self, next: Next) -> Flow {
        if !self.is_still_let_in() {
            return self.token_is_gone();
        }
        match next {
            Next::Batch(records) => self.deliver(&records),
            Next::Gap { epoch, from_seq, to_seq } => {
                let is_told_again = self.shared.hub.is_recording();
                let reason = if is_told_again { "not in the journal" } else { "fell behind" };
                self.tell_gap(&epoch, (from_seq, to_seq), reason);
            }
            Next::Closed => return self.end_once_answered(),
        }
        Continue(())
    }

    fn handle_season(&mut self, season: Season) -> Flow {
        match season {
            Season::Open => Continue(()),
            Season::Leaving => Break(Ending::ByUs(Close::GoingAway)),
            Season::Over if !self.subscription.is_reading() && self.socket.is_idle() => {
                self.end_once_answered()
            }
            Season::Over => {
                self.end_soon();
                Continue(())
            }
        }
    }

    fn handle_clock(&mut self, now: Instant) -> Flow {
        if self.stranger.as_ref().is_some_and(|stranger| stranger.until() <= now) {
            return self.turn_away(None);
        }
        let write = self.shared.limits.write;
        if self.socket.stalled_since(now).is_some_and(|since| since + write <= now) {
            return Break(Ending::Abort(Close::Slow));
        }
        if self.end_by.is_some_and(|end| end <= now) {
            self.tell_the_end();
            return Break(Ending::ByUs(Close::SessionOver));
        }
        if self.next_heartbeat.is_some_and(|due| due <= now) {
            self.beat(now);
        }
        if self.to_be_told().is_some_and(|due| due <= now) {
            self.tell_of_coming();
        }
        if self.next_release().is_some_and(|due| due <= now) {
            self.tell_overdue(now);
        }
        match self.next_ping <= now {
            true if self.is_still_let_in() => self.ping(now),
            true => self.token_is_gone(),
            false => Continue(()),
        }
    }

    /// The next moment something is due. A clock that rings too early is set again.
    fn arm_clock(&mut self) {
        let look = self.socket.outbox().next_look(self.shared.limits.write);
        let stranger = self.stranger.as_ref().map(Stranger::until);
        let release = self.next_release();
        let due = [look, self.end_by, self.next_heartbeat, self.to_be_told(), stranger, release]
            .into_iter()
            .flatten()
            .fold(self.next_ping, Instant::min);
        if due < self.clock.deadline() || self.clock.is_elapsed() {
            self.clock.as_mut().reset(due);
        }
    }

    pub(super) fn tell_gap(&mut self, epoch: &Epoch, (from_seq, to_seq): (u64, u64), reason: &str) {
        self.tell_held();
        let missed = to_seq - from_seq + 1;
        self.shared.hub.gauges().drop_more(missed);
        self.say_of(epoch, &Reply::Gap { missed, from_seq, to_seq, reason }, None);
    }

    /// Puts a reply into the outbox.
    pub(super) fn say(&mut self, reply: &Reply<'_>, request_id: Option<&RequestId>) {
        let epoch = self.shared.hub.epoch().clone();
        self.say_of(&epoch, reply, request_id);
    }

    /// Puts a reply into the outbox whose numbers are of this epoch.
    pub(super) fn say_of(&mut self, epoch: &Epoch, reply: &Reply<'_>, request_id: Option<&RequestId>) {
        let hub = &self.shared.hub;
        // Only heartbeats tell of components.
        let components = match self.dialect {
            Dialect::Envelope => self.shared.components.states(),
            Dialect::Classic | Dialect::Monitor => Vec::new(),
        };
        let stamp = Stamp {
            timestamp: hub::now(),
            epoch,
            session_id: hub.session_id(),
            message_id: EventId::from_uuid(uuid::Uuid::new_v4()),
            components: &components,
        };
        let frame = self.dialect.reply(reply, request_id, &stamp);
        self.send(frame);
    }
}

/// Waits until the season is no longer open. Cancel-safe.
async fn turned(season: &mut watch::Receiver<Season>) -> Season {
    // The server that held the other end is gone: so are we.
    season.wait_for(|season| *season != Season::Open).await.map_or(Season::Leaving, |season| *season)
}
