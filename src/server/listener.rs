//! The kinds of sockets the server is handed, behind one face.
//!
//! Nothing is bound here: whoever starts the server brings bound listeners.

use crate::process::sending::{keep_unsent_below, untaken};
use crate::tls::Identity;
use nix::sys::socket::{Backlog, listen};
use std::future::poll_fn;
use std::io;
use std::net::{self, SocketAddr};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_rustls::server::TlsStream;

/// A bound listener.
#[derive(Debug)]
pub enum Listener {
    /// For browsers and other tools.
    Tcp(TcpListener),
    /// The same, over TLS.
    Tls(TcpListener, Identity),
    /// For our own verbs; the kernel says who calls.
    Unix(UnixListener),
}

impl Listener {
    /// Of the standard library's, inside a runtime; over TLS where there is a certificate to show.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    pub fn tcp(listener: net::TcpListener, identity: Option<&Identity>) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        lengthen_queue(&listener);
        Ok(match identity {
            Some(identity) => Self::Tls(listener, identity.clone()),
            None => Self::Tcp(listener),
        })
    }

    /// Of the standard library's, inside a runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    pub fn unix(listener: StdUnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        lengthen_queue(&listener);
        UnixListener::from_std(listener).map(Self::Unix)
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Caller>> {
        let tcp = |(stream, _)| Caller::Plain(Stream::Tcp(stream));
        let unix = |(stream, _)| Caller::Plain(Stream::Unix(stream));
        match self {
            Self::Tcp(listener) => listener.poll_accept(cx).map_ok(tcp),
            Self::Tls(listener, identity) => {
                listener.poll_accept(cx).map_ok(|(stream, _)| Caller::Tls(stream, identity.clone()))
            }
            Self::Unix(listener) => listener.poll_accept(cx).map_ok(unix),
        }
    }
}

/// Callers that may wait to be accepted; the kernel allows no more than `net.core.somaxconn`.
const WAITING: i32 = 4096;

/// Lets more callers wait than the 128 of the standard library, which a flood of others soon fills.
pub(super) fn lengthen_queue(listener: &impl AsFd) {
    let lengthened = Backlog::new(WAITING).and_then(|waiting| listen(listener, waiting));
    if let Err(cause) = lengthened {
        tracing::debug!("cannot let more callers wait: {cause}");
    }
}

/// All listeners of one server; each in turn is asked first, so that none can starve another.
#[derive(Debug)]
pub(super) struct Listeners {
    all: Vec<Listener>,
    first: usize,
}

impl Listeners {
    pub(super) fn new(all: Vec<Listener>) -> Self {
        Self { all, first: 0 }
    }

    /// The next caller at any of them. Cancel-safe. Waits for ever without listeners.
    pub(super) async fn accept(&mut self) -> io::Result<Caller> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Caller>> {
        let count = self.all.len();
        for turn in 0..count {
            let index = (self.first + turn) % count;
            if let Poll::Ready(accepted) = self.all[index].poll_accept(cx) {
                self.first = index + 1;
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    }
}

/// Who was accepted.
#[derive(Debug)]
pub(super) enum Caller {
    /// May speak at once.
    Plain(Stream),
    /// Has to shake hands first.
    Tls(TcpStream, Identity),
}

/// The kernel keeps no more bytes that it cannot send yet.
const UNSENT: u32 = 128 << 10;

/// A connection that is open. What TLS keeps of one is large, and stands apart: the others do without.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl Stream {
    /// Our own address as the caller reached it; `None` on a Unix socket.
    pub(super) fn bound(&self) -> Option<SocketAddr> {
        self.tcp().and_then(|stream| stream.local_addr().ok())
    }

    /// Whether nobody on the way can read along.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// The caller's address; `None` on a Unix socket.
    pub(super) fn remote(&self) -> Option<SocketAddr> {
        self.tcp().and_then(|stream| stream.peer_addr().ok())
    }

    fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(stream) => Some(stream),
            Self::Tls(stream) => Some(stream.get_ref().0),
            Self::Unix(_) => None,
        }
    }

    /// Small frames go out at once, for we flush in batches ourselves; and what waits for a slow reader waits with us.
    pub(super) fn prepare(&self) {
        let Some(stream) = self.tcp() else { return };
        if let Err(cause) = stream.set_nodelay(true) {
            tracing::debug!("cannot set TCP_NODELAY: {cause}");
        }
        if let Err(cause) = keep_unsent_below(stream, UNSENT) {
            tracing::debug!("cannot set TCP_NOTSENT_LOWAT: {cause}");
        }
    }

    /// Bytes that the peer has not taken; `None` where the system does not say.
    pub(super) fn untaken(&self) -> Option<usize> {
        match self {
            Self::Unix(stream) => untaken(stream),
            Self::Tcp(stream) => untaken(stream),
            Self::Tls(stream) => untaken(stream.get_ref().0),
        }
        .ok()
    }

    /// When dropped, what the peer has not taken is thrown away by the kernel at once.
    pub(super) fn abort_on_drop(&self) {
        if let Some(stream) = self.tcp()
            && let Err(cause) = stream.set_zero_linger()
        {
            tracing::debug!("cannot set SO_LINGER: {cause}");
        }
    }
}

/// Calls the same method of whichever stream it is.
macro_rules! inner {
    ($stream:ident, $method:ident ( $($argument:expr),* )) => {
        match $stream.get_mut() {
            Stream::Tcp(inner) => Pin::new(inner).$method($($argument),*),
            Stream::Tls(inner) => Pin::new(&mut **inner).$method($($argument),*),
            Stream::Unix(inner) => Pin::new(inner).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        inner!(self, poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        inner!(self, poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, poll_shutdown(cx))
    }
}
