//! A subscription that outlives its connections: it connects again, goes on behind the last event it handed out,
//! and tells its caller of everything that happens on the way.

use super::{Backoff, ClientError, Connection, Cursor, Endpoint, Frame};
use crate::dialect::Code;
use crate::dialect::close::{AfterClose, after_close};
use crate::event::channel;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A connection that lived this long was a good one: the next loss starts with a short delay again.
const GOOD_CONNECTION: Duration = Duration::from_secs(5);

/// Where a subscription begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With the last so many past events.
    Last(u64),
    /// Behind a number.
    After(Cursor),
    /// At a point in time, RFC 3339.
    Since(String),
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Channel patterns.
    pub channels: Vec<String>,
    /// Only these sessions; empty means all.
    pub sessions: Vec<String>,
    /// Where to begin.
    pub start: Start,
}

/// What happens on the way.
#[must_use]
#[derive(Debug)]
pub enum Item {
    /// Connected and subscribed for the first time.
    Connected(Endpoint),
    /// An event.
    Event(Frame),
    /// The hub could not give us some events.
    Gap {
        /// How many; `None` when nobody knows: numbering began anew, or the session ended while we were away.
        missed: Option<u64>,
        /// The hub's own words, where it sent an event for it.
        frame: Option<Frame>,
    },
    /// The hub reports an error of its own.
    Fault(ClientError),
    /// The connection is gone, or could not be made again; the next attempt is in a while.
    Lost {
        /// Why.
        cause: ClientError,
        /// How long until the next attempt.
        again_in: Duration,
    },
    /// Connected again, going on behind this event; `None` when there was none yet.
    Resumed(Option<Cursor>),
    /// The session is over; nothing comes any more.
    Ended,
    /// Given up; nothing comes any more.
    Failed(ClientError),
}

/// A subscription being followed.
pub struct Follow {
    endpoints: Vec<Endpoint>,
    wanted: Subscription,
    cursor: Option<Cursor>,
    /// Where reading began, by the hub's word: the place to go on from when nothing came before the loss.
    subscribed: Option<Cursor>,
    backoff: Backoff,
    state: State,
}

enum State {
    /// Never connected yet.
    New,
    /// To be tried again at this moment.
    Waiting(Instant),
    Up {
        connection: Box<Connection>,
        since: Instant,
    },
    /// Over, which is still to be told.
    Ending,
    Over,
}

impl Follow {
    /// Nothing happens before the first [`Follow::next`].
    pub fn new(endpoints: Vec<Endpoint>, wanted: Subscription) -> Self {
        let backoff = Backoff::default();
        Self { endpoints, wanted, cursor: None, subscribed: None, backoff, state: State::New }
    }

    /// The next thing that happens; `None` after [`Item::Ended`] or [`Item::Failed`]. The first connection must
    /// succeed; later ones are tried until they do. Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Item> {
        loop {
            match &mut self.state {
                State::New => return Some(self.connect(true).await),
                State::Waiting(until) => {
                    tokio::time::sleep_until((*until).into()).await;
                    return Some(self.connect(false).await);
                }
                State::Up { connection, .. } => {
                    let received = connection.next().await;
                    if let Some(item) = self.received(received) {
                        return Some(item);
                    }
                }
                State::Ending => {
                    self.state = State::Over;
                    return Some(Item::Ended);
                }
                State::Over => return None,
            }
        }
    }

    async fn connect(&mut self, first: bool) -> Item {
        match self.try_connect().await {
            Ok(endpoint) if first => Item::Connected(endpoint),
            Ok(_) => Item::Resumed(self.cursor.clone()),
            Err(Trouble::NewEpoch) => Item::Gap { missed: None, frame: None },
            Err(Trouble::Client(cause)) if is_end(&cause) => self.ended_without_us(first),
            Err(Trouble::Client(cause)) if first => self.fail(cause),
            Err(Trouble::Client(cause)) => self.lost(cause),
        }
    }

    async fn try_connect(&mut self) -> Result<Endpoint, Trouble> {
        let (mut connection, endpoint) =
            Connection::open_any(&self.endpoints).await.map_err(Trouble::Client)?;
        let endpoint = endpoint.clone();
        let reply = match connection.request(self.request()).await {
            Err(cause) if is_new_epoch(&cause) && self.begin_anew() => {
                self.state = State::Waiting(Instant::now());
                return Err(Trouble::NewEpoch);
            }
            other => other.map_err(Trouble::Client)?,
        };
        // Where a time stands is known with the first event.
        let is_place = !matches!((&self.cursor, &self.wanted.start), (None, Start::Since(_)));
        self.subscribed = cursor_of(reply.data()).filter(|_| is_place);
        self.state = State::Up { connection: Box::new(connection), since: Instant::now() };
        Ok(endpoint)
    }

    /// The hub does not know our numbering: whatever the new one holds is news. False when we asked for no place.
    fn begin_anew(&mut self) -> bool {
        let placed = self.cursor.take().is_some() || matches!(self.wanted.start, Start::After(_));
        self.wanted.start = Start::After(Cursor { epoch: None, seq: 0 });
        placed
    }

    fn request(&self) -> Value {
        let mut request = json!({"command": "subscribe", "channels": self.wanted.channels});
        if !self.wanted.sessions.is_empty() {
            request["sessions"] = json!(self.wanted.sessions);
        }
        let resumed = self.cursor.clone().map(Start::After);
        match resumed.as_ref().unwrap_or(&self.wanted.start) {
            Start::Last(count) => request["replay"] = json!(count),
            Start::Since(time) => request["since"] = json!(time),
            Start::After(cursor) => {
                request["after"] = json!(cursor.seq);
                if let Some(epoch) = &cursor.epoch {
                    request["epoch"] = json!(epoch);
                }
            }
        }
        request
    }

    fn received(&mut self, received: Result<Frame, ClientError>) -> Option<Item> {
        match received {
            Ok(frame) if frame.kind() == channel::SYSTEM_GAP => Some(self.gap(frame)),
            Ok(frame) if frame.kind() == "error" => Some(self.fault(frame.error())),
            Ok(frame) => self.is_news(&frame).then_some(Item::Event(frame)),
            Err(cause) if is_end(&cause) => {
                self.state = State::Over;
                Some(Item::Ended)
            }
            Err(cause) => Some(self.lost(cause)),
        }
    }

    /// Moves the cursor, and says whether the event was not handed out before.
    fn is_news(&mut self, frame: &Frame) -> bool {
        let Some(place) = frame.cursor() else { return true };
        let seen = |last: &Cursor| last.epoch == place.epoch && last.seq >= place.seq;
        let news = !self.cursor.as_ref().is_some_and(seen);
        if news {
            self.cursor = Some(place);
            // Whoever gets on may hurry: what comes back at once is worth coming back for.
            self.backoff.reset();
        }
        news
    }

    /// The session ended while we were away, or before we came; who was there before has missed its last events.
    fn ended_without_us(&mut self, first: bool) -> Item {
        self.state = if first { State::Over } else { State::Ending };
        if first { Item::Ended } else { Item::Gap { missed: None, frame: None } }
    }

    fn fault(&mut self, cause: ClientError) -> Item {
        if !is_new_epoch(&cause) {
            return Item::Fault(cause);
        }
        // The hub goes on by itself with all that the new log holds.
        self.cursor = None;
        Item::Gap { missed: None, frame: None }
    }

    fn gap(&mut self, frame: Frame) -> Item {
        let number = |name: &str| frame.data().get(name).and_then(Value::as_u64);
        let last = self.cursor.as_ref().or(self.subscribed.as_ref());
        let epoch = frame.epoch().map(str::to_owned).or_else(|| last?.epoch.clone());
        if let Some(seq) = number("to_seq") {
            // What was held back for a while may be told of late.
            let is_behind = |known: &Cursor| known.epoch == epoch && known.seq >= seq;
            if !self.cursor.as_ref().is_some_and(is_behind) {
                self.cursor = Some(Cursor { epoch, seq });
            }
        }
        Item::Gap { missed: number("missed"), frame: Some(frame) }
    }

    fn lost(&mut self, cause: ClientError) -> Item {
        if !cause.is_passing() {
            return self.fail(cause);
        }
        if let State::Up { since, .. } = &self.state
            && since.elapsed() >= GOOD_CONNECTION
        {
            self.backoff.reset();
        }
        self.cursor = self.cursor.take().or(self.subscribed.take());
        if matches!(&cause, ClientError::Closed { code, .. } if after_close(*code) == AfterClose::Later) {
            self.backoff.slow_down();
        }
        let again_in = self.backoff.delay();
        self.state = State::Waiting(Instant::now() + again_in);
        Item::Lost { cause, again_in }
    }

    fn fail(&mut self, cause: ClientError) -> Item {
        self.state = State::Over;
        Item::Failed(cause)
    }
}

fn is_end(cause: &ClientError) -> bool {
    matches!(cause, ClientError::Closed { code, .. } if after_close(*code) == AfterClose::Over)
}

fn is_new_epoch(cause: &ClientError) -> bool {
    matches!(cause, ClientError::Reply { code, .. } if code == Code::OtherEpoch.as_str())
}

enum Trouble {
    NewEpoch,
    Client(ClientError),
}

fn cursor_of(subscribed: &Value) -> Option<Cursor> {
    let cursor = subscribed.get("cursor")?;
    let epoch = cursor.get("epoch").and_then(Value::as_str).map(str::to_owned);
    Some(Cursor { epoch, seq: cursor.get("seq")?.as_u64()? })
}
