//! Who comes and goes, as events: `ws.connected` of a client that has done something that shows it means it, and
//! `ws.disconnected`. It is told once the client has stayed for a moment, or when it leaves: what somebody asks in
//! passing is not interrupted by the news that he came. A flood of them is counted, not told.

use super::components::ClientId;
use super::limit::Limits;
use crate::event::Body;
use crate::event::surroundings::{ClientConnected, ClientDisconnected};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// All that ever came.
#[derive(Debug)]
pub(super) struct Visitors {
    last_id: AtomicU64,
    pace: Mutex<Pace>,
}

#[derive(Debug)]
struct Pace {
    since: Instant,
    told: u32,
    untold: u64,
}

/// How far one client is known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Acquaintance {
    /// It has not shown that it means it.
    #[default]
    None,
    /// It means it since then, and nothing was told.
    Meant(Instant),
    /// It was told of; it came then.
    Told(Instant),
    /// There were too many to tell of it.
    Untold,
}

impl Visitors {
    pub(super) fn new(now: Instant) -> Self {
        Self { last_id: AtomicU64::new(0), pace: Mutex::new(Pace { since: now, told: 0, untold: 0 }) }
    }

    /// A number for one more.
    pub(super) fn number(&self) -> ClientId {
        self.last_id.fetch_add(1, Relaxed) + 1
    }

    /// What to tell of a client that speaks this dialect and came this way; `None` when there are too many.
    pub(super) fn came(
        &self,
        client_id: ClientId,
        (dialect, transport): (&str, &str),
        clients: usize,
        limits: &Limits,
        now: Instant,
    ) -> Option<Body> {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(pace.since) >= Duration::from_secs(1) {
            (pace.since, pace.told) = (now, 0);
        }
        if pace.told >= limits.visitors_per_second {
            pace.untold += 1;
            return None;
        }
        pace.told += 1;
        Some(Body::ClientConnected(ClientConnected {
            client_id,
            dialect: dialect.to_owned(),
            transport: transport.to_owned(),
            clients,
            untold: std::mem::take(&mut pace.untold),
        }))
    }
}

/// What to tell of a client that leaves, and came `since`.
pub(super) fn left(
    client_id: ClientId,
    dialect: &str,
    close_code: Option<u16>,
    since: Instant,
    clients: usize,
) -> Body {
    let millis = u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX);
    Body::ClientDisconnected(ClientDisconnected {
        client_id,
        dialect: dialect.to_owned(),
        close_code,
        duration_seconds: f64::from(millis) / 1000.0,
        clients,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_told_with_the_next() {
        let start = Instant::now();
        let visitors = Visitors::new(start);
        let limits = Limits::default();
        let came = |at| visitors.came(visitors.number(), ("classic", "tcp"), 1, &limits, at);
        let told = (0..25).filter_map(|_| came(start)).count();
        assert_eq!(told, 10);
        let Some(Body::ClientConnected(next)) = came(start + Duration::from_secs(1)) else { panic!() };
        assert_eq!((next.client_id, next.untold), (26, 15));
    }
}
