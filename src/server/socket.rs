//! One client's socket: tungstenite reads the protocol, the outbox holds what is to be written.
//!
//! Tungstenite knows frames, masks, fragments, UTF-8, sizes and the closing handshake; its own writing (answers to
//! pings and Close) goes into the outbox too, so that frames never mix. What is compressed is so outside of it: `inbound`
//! makes plain messages of what comes, and what goes is put into the outbox ready. What messages mean is not known here.

use super::gauge::Gauge;
use super::inbound::Inbound;
use super::limit::Limits;
use super::listener::Stream;
use super::outbox::Outbox;
use futures_util::Stream as _;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};

/// Bytes read from the kernel at once; allocated for as long as the connection lives.
const READ_BUFFER: usize = 2 << 10;

/// What a socket has to tell.
#[derive(Debug)]
pub(super) enum Wire {
    /// Everything is written.
    Drained,
    /// The client stopped taking.
    Blocked,
    /// Writing failed: nobody is there.
    Lost,
    /// A message, a violation of the protocol, or (`None`) the end.
    Received(Option<Result<Message, Error>>),
}

/// The socket.
#[derive(Debug)]
pub(super) struct Socket {
    ws: WebSocketStream<Duplex>,
    /// A request that waits until the outbox is empty; nothing is read behind it.
    held: Option<Utf8Bytes>,
}

impl Socket {
    /// `read` are bytes that came right behind the handshake; `compresses` says what was agreed on there.
    pub(super) async fn new(
        (stream, mut read): (Stream, Vec<u8>),
        compresses: bool,
        outbox: Outbox,
        limits: &Limits,
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(limits.control_bytes)
            .max_message_size(Some(limits.component_message_bytes))
            .max_frame_size(Some(limits.component_message_bytes));
        let mut duplex = Duplex {
            stream,
            outbox,
            control_bytes: limits.control_bytes,
            message_bytes: limits.message_bytes,
            gauge: Gauge::default(),
            is_over: false,
            inbound: compresses.then(|| Box::new(Inbound::new(std::mem::take(&mut read)))),
        };
        duplex.weigh(&read);
        let ws = WebSocketStream::from_partially_read(duplex, read, Role::Server, Some(config)).await;
        Self { ws, held: None }
    }

    pub(super) fn outbox(&mut self) -> &mut Outbox {
        &mut self.ws.get_mut().outbox
    }

    /// Since when the client has taken nothing; `None` while it takes.
    pub(super) fn stalled_since(&mut self, now: Instant) -> Option<Instant> {
        let Duplex { stream, outbox, .. } = self.ws.get_mut();
        outbox.stalled_since(stream, now)
    }

    /// Nothing waits, neither to be written nor to be answered.
    pub(super) fn is_idle(&self) -> bool {
        self.ws.get_ref().outbox.is_empty() && self.held.is_none()
    }

    /// Keeps a request until [`Wire::Drained`].
    pub(super) fn hold(&mut self, request: Utf8Bytes) {
        self.held = Some(request);
    }

    /// The request that was kept.
    pub(super) fn release(&mut self) -> Option<Utf8Bytes> {
        self.held.take()
    }

    /// From now on messages may have so many bytes. Tungstenite's own limit cannot be changed later, so it has the
    /// widest, and the frames are weighed here.
    pub(super) fn allow_messages_of(&mut self, bytes: usize) {
        self.ws.get_mut().message_bytes = bytes;
    }

    /// Waits for what is next. Cancel-safe.
    pub(super) async fn next(&mut self) -> Wire {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Wire> {
        loop {
            let blocked = match self.ws.get_mut().poll_drain(cx) {
                Poll::Ready(Some(wire)) => return Poll::Ready(wire),
                Poll::Ready(None) => false,
                Poll::Pending => true,
            };
            if self.held.is_none()
                && let Poll::Ready(received) = Pin::new(&mut self.ws).poll_next(cx)
            {
                return Poll::Ready(Wire::Received(received));
            }
            // Reading may have put an answer to a ping into the outbox.
            if blocked || self.ws.get_ref().outbox.is_empty() {
                return Poll::Pending;
            }
        }
    }

    /// Writes what waits, ends the writing side, and reads until the peer ends too: closing with unread bytes
    /// would throw away what we sent last.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        let Duplex { stream, outbox, .. } = self.ws.get_mut();
        poll_fn(|cx| outbox.poll_write(cx, stream)).await?;
        stream.shutdown().await?;
        let mut scrap = [0; 1024];
        while stream.read(&mut scrap).await? > 0 {}
        Ok(())
    }

    /// See [`Stream::abort_on_drop`].
    pub(super) fn abort_on_drop(&self) {
        self.ws.get_ref().stream.abort_on_drop();
    }
}

/// Reads from the stream, writes to the outbox.
#[derive(Debug)]
struct Duplex {
    stream: Stream,
    outbox: Outbox,
    control_bytes: usize,
    /// Most bytes of a message.
    message_bytes: usize,
    gauge: Gauge,
    /// One was larger.
    is_over: bool,
    /// Reads in place of tungstenite where the client may compress, and weighs too.
    inbound: Option<Box<Inbound>>,
}

impl Duplex {
    fn weigh(&mut self, read: &[u8]) {
        self.is_over |= self.gauge.feed(read) > self.message_bytes as u64;
    }

    /// Writes what waits; `None` when nothing did, pending when the client was blocked before already.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Option<Wire>> {
        if self.outbox.is_empty() {
            return Poll::Ready(None);
        }
        let was_stalled = self.outbox.is_stalled();
        match self.outbox.poll_write(cx, &mut self.stream) {
            Poll::Ready(Ok(())) => Poll::Ready(Some(Wire::Drained)),
            Poll::Ready(Err(_)) => Poll::Ready(Some(Wire::Lost)),
            Poll::Pending if !was_stalled => Poll::Ready(Some(Wire::Blocked)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Duplex {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, inbound, message_bytes, .. } = &mut *self;
        if let Some(inbound) = inbound {
            return inbound.poll_read(cx, stream, *message_bytes, buffer);
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.weigh(&buffer.filled()[before..]);
        if self.is_over { Poll::Ready(Err(io::ErrorKind::FileTooLarge.into())) } else { read }
    }
}

impl AsyncWrite for Duplex {
    /// Pending without a waker is right: whoever drains the outbox reads, and so flushes, again.
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let most = self.control_bytes;
        if self.outbox.push_control(bytes, most) { Poll::Ready(Ok(bytes.len())) } else { Poll::Pending }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
