//! An instance tells of its session to another hub (requirement R3's client proxy): everything in its log, in order,
//! each event once.
//!
//! Nothing waits for it. While the other hub is away, the log of the instance is what is kept for it, and the journal
//! behind it, with what the instance told under an earlier numbering; what is in neither any more is counted and said to be
//! missed. Who knows how far the other hub has come is that hub: it says so at every beginning, so that one that was killed
//! and begins anew is told all that is still there.

use super::{Backoff, ClientError, Connection, Endpoint};
use crate::event::values::{MAX_VALUES_AT_ONCE, MAX_VALUES_TOLD, count};
use crate::event::{Epoch, Origin};
use crate::hub::{Hub, Next, Reader, Record};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Most bytes of several events in one message, which may have 1 MiB.
const MESSAGE: usize = 512 << 10;
/// Most bytes of what is said before the hub knows who calls: it takes no more than 64 KiB then.
const MOST_RECOLLECTED: usize = 48 << 10;
/// Most values of several events in one message, which may have 30,000.
const VALUES: usize = MAX_VALUES_AT_ONCE / 2;
/// Longest event that is sent, bytes.
const LONGEST: usize = 1_000_000;
/// A connection that lived for so long is worth coming back to soon.
const GOOD: Duration = Duration::from_secs(10);

/// Which hub is told, and by whom.
#[derive(Debug, Clone)]
pub struct Uplink {
    /// Where the hub is, the best first.
    pub endpoints: Vec<Endpoint>,
    /// Known to this instance alone: whoever shows it goes on with the session.
    pub key: String,
}

/// Why the telling ended.
#[derive(Debug)]
pub enum Over {
    /// The log is closed and everything was told.
    Told,
    /// The hub does not take this session.
    Refused(ClientError),
}

/// Whether the hub is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// It was not called yet.
    Begun,
    /// It is.
    Up,
    /// It is not, and why; it is called again and again.
    Down(String),
}

/// Tells until the log is closed and told, or the hub refuses. `link` is told whenever the hub comes or goes.
pub async fn run(uplink: Uplink, hub: Hub, link: watch::Sender<Link>) -> Over {
    let mut backoff = Backoff::default();
    loop {
        let began = Instant::now();
        let was_closed = hub.is_closed();
        let Err(cause) = tell(&uplink, &hub, &link).await else { return Over::Told };
        if is_final(&cause) {
            return Over::Refused(cause);
        }
        link.send_if_modified(|link| {
            let is_news = !matches!(link, Link::Down(_));
            *link = Link::Down(cause.to_string());
            is_news
        });
        if began.elapsed() >= GOOD {
            backoff.reset();
        }
        let pause = backoff.delay();
        tracing::debug!("cannot tell {}: {cause}; again in {pause:?}", uplink.place());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // The end is told at once, or never.
            () = hub.closed(), if !was_closed => {}
        }
    }
}

/// Whether the hub, or its certificate, would have to become another.
fn is_final(cause: &ClientError) -> bool {
    matches!(cause, ClientError::Reply { .. } | ClientError::Refused(_) | ClientError::Untrusted { .. })
}

impl Uplink {
    /// Where the hub is, for people.
    pub fn place(&self) -> String {
        self.endpoints.last().map_or_else(|| "nowhere".to_owned(), Endpoint::to_string)
    }
}

/// One connection's worth of telling. Comes back without an error once the log is closed and told.
async fn tell(uplink: &Uplink, hub: &Hub, link: &watch::Sender<Link>) -> Result<(), ClientError> {
    let (mut connection, _) = Connection::open_any(&uplink.endpoints).await?;
    let request = json!({
        "command": "uplink",
        "session_id": hub.session_id(),
        "epoch": hub.epoch(),
        "key": uplink.key,
        "recollection": recollection(hub),
        "version": env!("CARGO_PKG_VERSION"),
    });
    let welcome = connection.request(request).await?;
    link.send_replace(Link::Up);
    let mut reader = hub.reader_of_all_behind(taken(welcome.data()).as_ref());
    let mut batch = Batch::default();
    loop {
        match next(&mut reader, &mut connection).await? {
            Next::Batch(records) => {
                for record in &records {
                    let event = batch.encode(record);
                    if !batch.has_room_for(&event) {
                        batch.send(&mut connection).await?;
                    }
                    batch.push(&event);
                }
            }
            Next::Gap { from_seq, to_seq, .. } => batch.missed += to_seq - from_seq + 1,
            Next::Closed => {
                connection.close().await;
                return Ok(());
            }
        }
        batch.send(&mut connection).await?;
    }
}

/// What the hub has already.
fn taken(welcome: &Value) -> Option<Origin> {
    let epoch = Epoch::new(welcome.get("epoch")?.as_str()?);
    Some(Origin { epoch, seq: welcome.get("after")?.as_u64()?, session_id: None })
}

/// Where the session stands: what the log still has may begin in the middle.
fn recollection(hub: &Hub) -> Value {
    let mut room = MOST_RECOLLECTED;
    let told = hub.recollection().into_iter().map(|body| json!({ "type": body.channel(), "data": body }));
    let fits = |told: &Value| {
        let size = told.to_string().len();
        let fits = size <= room;
        room -= if fits { size } else { 0 };
        fits
    };
    told.filter(fits).collect()
}

/// What comes next in the log, or how the connection ended. What the hub says unasked is passed over.
async fn next(reader: &mut Reader, connection: &mut Connection) -> Result<Next, ClientError> {
    loop {
        tokio::select! {
            next = reader.next() => return Ok(next),
            frame = connection.next() => drop(frame?),
        }
    }
}

/// Events that are about to be sent.
#[derive(Debug, Default)]
struct Batch {
    text: String,
    values: usize,
    missed: u64,
}

impl Batch {
    /// The event as it is sent; empty where it is not.
    fn encode(&mut self, record: &Arc<Record>) -> String {
        // What came over an uplink itself is told to the hub by whoever it is about.
        if record.event.origin.is_some() {
            return String::new();
        }
        match serde_json::to_string(&record.event) {
            Ok(event) if event.len() <= LONGEST && count(event.as_bytes()).values <= MAX_VALUES_TOLD => event,
            _ => {
                self.missed += 1;
                String::new()
            }
        }
    }

    fn has_room_for(&self, event: &str) -> bool {
        let values = self.values + count(event.as_bytes()).values;
        self.text.is_empty() || self.text.len() + event.len() <= MESSAGE && values <= VALUES
    }

    fn push(&mut self, event: &str) {
        self.values += count(event.as_bytes()).values;
        if !self.text.is_empty() && !event.is_empty() {
            self.text.push(',');
        }
        self.text.push_str(event);
    }

    /// Sends what there is, and waits until it was taken.
    async fn send(&mut self, connection: &mut Connection) -> Result<(), ClientError> {
        if self.text.is_empty() && self.missed == 0 {
            return Ok(());
        }
        let Self { text, missed, .. } = std::mem::take(self);
        let id = connection.request_id();
        let request =
            format!(r#"{{"command":"relay","request_id":"{id}","missed":{missed},"events":[{text}]}}"#);
        connection.exchange(request, &id).await.map(drop)
    }
}
