//! The bytes that wait for one client: contiguous, written in large pieces, counted in the hub's gauges.
//!
//! It is filled only while it is empty (one batch of events, or one reply), except for tungstenite's own answers
//! to pings and Close, which have a small room of their own. So one client costs about 64 KiB and one large frame.

use super::frame;
use super::listener::Stream;
use crate::dialect::Close;
use crate::hub::Gauges;
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncWrite;
use tokio::time::Instant;

/// Most bytes handed to the kernel at once.
const PIECE: usize = 64 << 10;
/// The largest buffer that is kept for the next one who needs one.
const KEPT: usize = 256 << 10;

thread_local! {
    /// An empty buffer. Most connections are idle most of the time and hold none; those that are written to one
    /// after the other share this one, which stays in the processor's cache.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes to write.
#[derive(Debug)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    written: usize,
    /// Of `bytes`, those that tungstenite put there.
    control: usize,
    /// What the gauges know of us.
    counted: usize,
    stall: Option<Stall>,
    gauges: Gauges,
}

/// The kernel takes nothing more for now. The client may all the same take what the kernel has.
#[derive(Debug, Clone, Copy)]
struct Stall {
    /// When the client was last seen to take something.
    since: Instant,
    looked: Instant,
    /// What the kernel had then.
    untaken: Option<usize>,
}

/// So often in the time that a client may take nothing it is looked whether it does.
const LOOKS: u32 = 8;

impl Outbox {
    pub(super) fn new(gauges: Gauges) -> Self {
        Self { bytes: Vec::new(), written: 0, control: 0, counted: 0, stall: None, gauges }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.stall.is_some()
    }

    /// Since when the client has taken nothing; `None` while it takes.
    pub(super) fn stalled_since(&mut self, stream: &Stream, now: Instant) -> Option<Instant> {
        let stall = self.stall.as_mut()?;
        let untaken = stream.untaken();
        stall.looked = now;
        if untaken != stall.untaken {
            (stall.since, stall.untaken) = (now, untaken);
        }
        Some(stall.since)
    }

    /// When to look whether a client takes something that may take nothing for so long.
    pub(super) fn next_look(&self, most: Duration) -> Option<Instant> {
        self.stall.map(|stall| (stall.since + most).min(stall.looked + most / LOOKS))
    }

    fn stalls(&mut self, stream: &Stream) {
        self.stall.get_or_insert_with(|| {
            let now = Instant::now();
            Stall { since: now, looked: now, untaken: stream.untaken() }
        });
        self.count();
    }

    /// Appends a text frame.
    pub(super) fn push_text(&mut self, payload: Vec<u8>) {
        if self.bytes.is_empty() && payload.len() > KEPT {
            self.bytes = frame::text_of(payload);
        } else {
            frame::push_text(self.buffer(), &payload);
        }
        self.count();
    }

    /// Appends a Close frame.
    pub(super) fn push_close(&mut self, close: Close) {
        frame::push_close(self.buffer(), close);
        self.count();
    }

    /// Appends finished frames.
    pub(super) fn push_frames<'a>(&mut self, frames: impl Iterator<Item = &'a [u8]>) {
        let buffer = self.buffer();
        frames.for_each(|frame| buffer.extend_from_slice(frame));
        self.count();
    }

    /// Appends a piece of an answer to a ping or Close; `false` when their room of `most` bytes is full.
    pub(super) fn push_control(&mut self, bytes: &[u8], most: usize) -> bool {
        if self.control + bytes.len() > most {
            return false;
        }
        self.control += bytes.len();
        self.buffer().extend_from_slice(bytes);
        self.count();
        true
    }

    /// Writes until everything is written. Cancel-safe.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<io::Result<()>> {
        while self.written < self.bytes.len() {
            let end = self.bytes.len().min(self.written + PIECE);
            let piece = &self.bytes[self.written..end];
            match Pin::new(&mut *stream).poll_write(cx, piece) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(taken)) => {
                    self.written += taken;
                    self.stall = None;
                }
                Poll::Ready(Err(cause)) => return Poll::Ready(Err(cause)),
                Poll::Pending => {
                    self.stalls(stream);
                    return Poll::Pending;
                }
            }
        }
        // TLS keeps what it has sealed and not sent yet.
        let flushed = Pin::new(&mut *stream).poll_flush(cx);
        match flushed {
            Poll::Ready(Ok(())) => self.clear(),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.stalls(stream),
        }
        flushed
    }

    fn clear(&mut self) {
        (self.written, self.control, self.stall) = (0, 0, None);
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        if bytes.capacity() <= KEPT {
            SPARE.set(bytes);
        }
        self.count();
    }

    fn buffer(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = SPARE.take();
        }
        &mut self.bytes
    }

    fn count(&mut self) {
        let waiting = self.bytes.len() - self.written;
        if waiting != self.counted {
            self.gauges.queue_changed(waiting as u64, self.counted as u64);
            self.counted = waiting;
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.gauges.queue_changed(0, self.counted as u64);
    }
}
