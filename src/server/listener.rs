//! The two kinds of sockets the server is handed, behind one face.
//!
//! Nothing is bound here: whoever starts the server brings bound listeners.

use std::future::poll_fn;
use std::io;
use std::net::{self, SocketAddr};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// A bound listener.
#[derive(Debug)]
pub enum Listener {
    /// For browsers and other tools.
    Tcp(TcpListener),
    /// For our own verbs; the kernel says who calls.
    Unix(UnixListener),
}

impl Listener {
    /// Of the standard library's, inside a runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch one of them.
    pub fn all(tcp: net::TcpListener, unix: Option<StdUnixListener>) -> io::Result<Vec<Self>> {
        std::iter::once(Self::tcp(tcp)).chain(unix.map(Self::unix)).collect()
    }

    /// Of the standard library's, inside a runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    pub fn tcp(listener: net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener).map(Self::Tcp)
    }

    /// Of the standard library's, inside a runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    pub fn unix(listener: StdUnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        UnixListener::from_std(listener).map(Self::Unix)
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        match self {
            Self::Tcp(listener) => listener.poll_accept(cx).map_ok(|(stream, _)| Stream::Tcp(stream)),
            Self::Unix(listener) => listener.poll_accept(cx).map_ok(|(stream, _)| Stream::Unix(stream)),
        }
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
    pub(super) async fn accept(&mut self) -> io::Result<Stream> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
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

/// An accepted connection.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Our own address as the caller reached it; `None` on a Unix socket.
    pub(super) fn bound(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Whether the kernel says that the caller is the same user; never by TCP.
    pub(super) fn is_own_user(&self) -> bool {
        match self {
            Self::Tcp(_) => false,
            Self::Unix(stream) => {
                stream.peer_cred().is_ok_and(|peer| peer.uid() == nix::unistd::geteuid().as_raw())
            }
        }
    }

    /// Small frames go out at once: we flush in batches ourselves.
    pub(super) fn set_nodelay(&self) {
        if let Self::Tcp(stream) = self
            && let Err(cause) = stream.set_nodelay(true)
        {
            tracing::debug!("cannot set TCP_NODELAY: {cause}");
        }
    }

    /// When dropped, what the peer has not taken is thrown away by the kernel at once.
    pub(super) fn abort_on_drop(&self) {
        if let Self::Tcp(stream) = self
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
