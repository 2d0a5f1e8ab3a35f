//! The body of a hook's post while it is read: its bytes, and the room they take of what may be in flight together.
//!
//! The room is given back when the last reader drops the body, wherever that is. Deadlines are the caller's.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// Time that a caller may be kept waiting for our sake, in all.
#[derive(Debug)]
pub(super) struct Patience(pub(super) Duration);

impl Patience {
    /// What comes of it, when that comes soon enough.
    pub(super) async fn wait<T>(&mut self, pending: impl Future<Output = T>) -> Option<T> {
        let began = Instant::now();
        let result = timeout(self.0, pending).await.ok();
        self.0 = self.0.saturating_sub(began.elapsed());
        result
    }
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoilt {
    /// More than one post may have; the rest was not read.
    TooLarge,
    /// All of it was read and thrown away: too much is in flight.
    NoRoom,
    /// The caller went away or broke the protocol.
    Broken,
}

/// Bytes and their room.
#[derive(Debug, Default)]
struct Load {
    bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Load {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Load {
    /// Claims room for `size` bytes in all; whether there was any.
    async fn claim(&mut self, room: &Arc<Semaphore>, size: usize, patience: &mut Patience) -> bool {
        let more = size.saturating_sub(self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        let Ok(more) = u32::try_from(more) else { return false };
        let Some(Ok(claimed)) = patience.wait(room.clone().acquire_many_owned(more)).await else {
            return false;
        };
        match &mut self.room {
            Some(held) => held.merge(claimed),
            none => *none = Some(claimed),
        }
        true
    }
}

/// Reads a whole body of at most `most` bytes, with room for as much as is announced before it comes: who posts is known to
/// send it. One that finds no room is read all the same: the caller is in the middle of sending it, and would take a
/// hang-up for a failure.
pub(super) async fn read(
    mut body: Incoming,
    most: usize,
    room: &Arc<Semaphore>,
    patience: &mut Patience,
) -> Result<Bytes, Spoilt> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > most {
        return Err(Spoilt::TooLarge);
    }
    let mut size = 0;
    let mut kept = Load::default();
    let mut has_room = kept.claim(room, announced, patience).await;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Spoilt::Broken)?.into_data() else { continue };
        size += data.len();
        if size > most {
            return Err(Spoilt::TooLarge);
        }
        if has_room && kept.claim(room, size, patience).await {
            kept.bytes.extend_from_slice(&data);
        } else if has_room {
            has_room = false;
            kept = Load::default();
        }
    }
    if has_room { Ok(Bytes::from_owner(kept)) } else { Err(Spoilt::NoRoom) }
}
