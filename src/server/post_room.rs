//! Room for the bodies of posts that are in flight together, and who gets it when it is scarce: who sends. A body that
//! comes slowly while others wait for room loses its own.
//!
//! Small bodies have room of their own, and each body claims all of its room at once: none waits for another that waits
//! for it.

use super::load::{Patience, Spoilt};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

/// A body up to this is small, bytes.
const SMALL: usize = 64 << 10;
/// One part of the room in so many is for small ones.
const SMALL_SHARE: usize = 4;
/// So long a body may take its time, and so long others wait before it is looked at.
const GRACE: Duration = Duration::from_millis(100);
/// What comes more slowly than this makes room for others, bytes a second. A local caller sends a hundred times as much.
const SLOW: f64 = 1e6;

/// All the room there is.
#[derive(Debug)]
pub(super) struct PostRoom {
    small: Arc<Pool>,
    large: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    room: Arc<Semaphore>,
    /// All of it, bytes.
    size: usize,
    bodies: Mutex<Vec<Arc<Pace>>>,
}

/// How a body comes that has room.
#[derive(Debug)]
struct Pace {
    since: Instant,
    come: AtomicUsize,
    out: Notify,
}

impl Pace {
    fn came(&self, bytes: usize) {
        self.come.fetch_add(bytes, Relaxed);
    }

    fn is_slow(&self, now: Instant) -> bool {
        let taken = now.duration_since(self.since);
        taken > GRACE && (self.come.load(Relaxed) as f64) < SLOW * taken.as_secs_f64()
    }
}

/// Room that a body has, until it is dropped.
#[derive(Debug)]
struct Held {
    _room: OwnedSemaphorePermit,
    pool: Arc<Pool>,
    pace: Arc<Pace>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.pool.bodies().retain(|pace| !Arc::ptr_eq(pace, &self.pace));
    }
}

impl Pool {
    fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { room: Arc::new(Semaphore::new(bytes)), size: bytes, bodies: Mutex::default() })
    }

    fn bodies(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Pace>>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for so much, all at once; `None` where there is none in time. What is larger than all the room there is finds
    /// room where nothing else has any.
    async fn claim(self: &Arc<Self>, bytes: usize, patience: &mut Patience) -> Option<Held> {
        let bytes = u32::try_from(bytes.min(self.size)).ok()?;
        let mut claimed = pin!(self.room.clone().acquire_many_owned(bytes));
        let in_turn = async {
            loop {
                tokio::select! {
                    biased;
                    room = &mut claimed => return room.ok(),
                    () = sleep(GRACE) => self.turn_out_slow(),
                }
            }
        };
        let room = patience.wait(in_turn).await??;
        let pace = Arc::new(Pace { since: Instant::now(), come: AtomicUsize::new(0), out: Notify::new() });
        self.bodies().push(pace.clone());
        Some(Held { _room: room, pool: self.clone(), pace })
    }

    fn turn_out_slow(&self) {
        let now = Instant::now();
        self.bodies().iter().filter(|pace| pace.is_slow(now)).for_each(|pace| pace.out.notify_one());
    }
}

/// A body with its room.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    held: Option<Held>,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl PostRoom {
    /// Room for so many bytes in all.
    pub(super) fn new(bytes: usize) -> Self {
        let small = (bytes / SMALL_SHARE).max(SMALL);
        Self { small: Pool::new(small), large: Pool::new(bytes.saturating_sub(small).max(SMALL)) }
    }

    /// Reads a whole body of at most `most` bytes. Room for all of it is claimed when its first bytes have come: who
    /// announces much and sends nothing takes nothing from others.
    pub(super) async fn read(
        &self,
        mut body: Incoming,
        most: usize,
        patience: &mut Patience,
    ) -> Result<Bytes, Spoilt> {
        let announced = body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        let whole = announced.unwrap_or(most);
        let pool = if whole <= SMALL { &self.small } else { &self.large };
        let mut kept = Kept::default();
        while let Some(data) = next(&mut body, kept.held.as_ref()).await? {
            if kept.bytes.len() + data.len() > most {
                return Err(Spoilt::TooLarge);
            }
            if kept.held.is_none() {
                kept.held = Some(pool.claim(whole, patience).await.ok_or(Spoilt::NoRoom)?);
                kept.bytes.reserve_exact(whole);
            }
            kept.bytes.extend_from_slice(&data);
            kept.held.iter().for_each(|held| held.pace.came(data.len()));
        }
        Ok(Bytes::from_owner(kept))
    }
}

/// What comes next of a body; `None` at its end.
async fn next(body: &mut Incoming, held: Option<&Held>) -> Result<Option<Bytes>, Spoilt> {
    loop {
        let turned_out = async {
            match held {
                Some(held) => held.pace.out.notified().await,
                None => std::future::pending().await,
            }
        };
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = turned_out => return Err(Spoilt::NoRoom),
        };
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(Spoilt::Broken),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => return Ok(Some(data)),
                Err(_trailers) => {}
            },
        }
    }
}
