//! Counters of what clients cost, kept by the server and shown in `system.stats`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Counters. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Gauges {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    clients: AtomicUsize,
    queue_bytes: AtomicU64,
    dropped: AtomicU64,
    hooks_lost: AtomicU64,
    refused: AtomicU64,
}

/// Counts one client until it is dropped.
#[derive(Debug)]
pub struct ClientGuard(Gauges);

impl Drop for ClientGuard {
    fn drop(&mut self) {
        self.0.inner.clients.fetch_sub(1, Relaxed);
    }
}

impl Gauges {
    /// Counts a client for as long as the guard lives.
    pub fn client(&self) -> ClientGuard {
        self.inner.clients.fetch_add(1, Relaxed);
        ClientGuard(self.clone())
    }

    /// Connected clients.
    pub fn clients(&self) -> usize {
        self.inner.clients.load(Relaxed)
    }

    /// Bytes that wait to be written to clients.
    pub fn queue_bytes(&self) -> u64 {
        self.inner.queue_bytes.load(Relaxed)
    }

    /// A connection's queue grew by `added` and shrank by `removed` bytes.
    pub fn queue_changed(&self, added: u64, removed: u64) {
        // Two's complement: one wrapping addition changes the sum by the difference.
        self.inner.queue_bytes.fetch_add(added.wrapping_sub(removed), Relaxed);
    }

    /// Events that clients missed and bytes that detectors skipped.
    pub fn dropped(&self) -> u64 {
        self.inner.dropped.load(Relaxed)
    }

    /// `count` more were missed.
    pub fn drop_more(&self, count: u64) {
        self.inner.dropped.fetch_add(count, Relaxed);
    }

    /// Hooks that were posted with the right key and never handed on.
    pub fn hooks_lost(&self) -> u64 {
        self.inner.hooks_lost.load(Relaxed)
    }

    /// Requests to publish that were refused.
    pub fn refused(&self) -> u64 {
        self.inner.refused.load(Relaxed)
    }

    /// One more was refused.
    pub fn refuse(&self) {
        self.inner.refused.fetch_add(1, Relaxed);
    }

    /// One more hook was lost.
    pub fn lose_hook(&self) {
        self.inner.hooks_lost.fetch_add(1, Relaxed);
    }
}
