//! How a connection ends: what is said to whom, and how long that may take.

use super::authenticate::Stranger;
use super::connection::{Connection, Flow};
use super::inbound::Violation;
use crate::dialect::Close;
use crate::event::{body::Body, channel};
use crate::filter::{Filter, Pattern, Query};
use crate::hub::Record;
use std::io;
use std::ops::ControlFlow::{Break, Continue};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, error::ProtocolError};

/// How a connection ends.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The client closed; it has, or will be sent, our answer.
    ByClient,
    /// We say why and give it a moment to hear it.
    ByUs(Close),
    /// We say why, though it hardly listens; what it does not take is thrown away.
    Abort(Close),
    /// Nobody is there.
    Lost,
}

impl Connection {
    /// The session is over, and nothing is left to tell: what the client asked before is answered yet.
    pub(super) fn end_once_answered(&mut self) -> Flow {
        if !self.is_thinking() {
            return Break(Ending::ByUs(Close::SessionOver));
        }
        self.subscription.unsubscribe(None);
        self.end_soon();
        Continue(())
    }

    pub(super) fn end_soon(&mut self) {
        let end = Instant::now() + self.shared.limits.delivery_at_end;
        self.end_by.get_or_insert(end);
    }

    /// For a client that could not take everything before the end: what it missed, and that it is over. One that still reads
    /// what was before this log has its place there, and loses nothing by keeping it.
    pub(super) fn tell_the_end(&mut self) {
        self.tell_held();
        let hub = &self.shared.hub;
        let place = self.subscription.place().filter(|(epoch, _)| *epoch == hub.epoch());
        let Some((_, cursor)) = place else { return };
        let filter = Filter::channels(vec![Pattern::Exact(channel::SESSION_END.to_owned())]);
        let query = Query { filter, limit: 1, after: Some(cursor), ..Query::default() };
        let end = hub.history(&query).records.pop().filter(|record| is_end(record));
        let last_missed = end.as_ref().map_or(hub.last_seq(), |record| record.event.seq - 1);
        if last_missed > cursor {
            let epoch = hub.epoch().clone();
            self.tell_gap(&epoch, (cursor + 1, last_missed), "the session ended");
        }
        if let Some(end) = end.filter(|record| record.is_for(self.subscription.filter())) {
            self.deliver(&[end]);
        }
    }

    /// Says goodbye, within the limit for that, and at once where somebody else needs the place.
    pub(super) async fn part(mut self: Box<Self>, ending: Ending) {
        match ending {
            Ending::Lost => return,
            Ending::ByClient => {}
            Ending::ByUs(close) | Ending::Abort(close) => self.socket.outbox().push_close(close),
        }
        let is_done = tokio::select! {
            biased;
            done = tokio::time::timeout(self.shared.limits.farewell, self.socket.finish()) => done.is_ok(),
            () = Stranger::in_the_way(self.stranger.as_ref()) => false,
        };
        if !is_done && matches!(ending, Ending::Abort(_)) {
            self.socket.abort_on_drop();
        }
    }
}

fn is_end(record: &Record) -> bool {
    matches!(record.event.body, Body::SessionEnd(_))
}

/// What to say to a client that broke the protocol.
pub(super) fn ending_of(cause: &Error) -> Ending {
    match cause {
        Error::Capacity(_) => Ending::ByUs(Close::TooBig),
        Error::Utf8(_) => Ending::ByUs(Close::BadUtf8),
        Error::Io(cause) if cause.kind() == io::ErrorKind::FileTooLarge => Ending::ByUs(Close::TooBig),
        Error::Io(cause) => match cause.get_ref().and_then(|cause| cause.downcast_ref()) {
            Some(Violation::TooBig) => Ending::ByUs(Close::TooBig),
            Some(Violation::Data) => Ending::ByUs(Close::BadUtf8),
            Some(Violation::Protocol) => Ending::ByUs(Close::ProtocolError),
            None => Ending::Lost,
        },
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ending::Lost,
        Error::Protocol(ProtocolError::ReceivedAfterClosing) => Ending::ByClient,
        Error::Protocol(_) => Ending::ByUs(Close::ProtocolError),
        _ => {
            tracing::debug!("cannot read from client: {cause}");
            Ending::Lost
        }
    }
}
