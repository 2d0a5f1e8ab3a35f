//! A hub and a server on port 0, in the test's own runtime.

use claude_mpm::event::body::{Output, Stream};
use claude_mpm::event::{Body, SessionId, Source};
use claude_mpm::hub::{Bounds, Hub, Publisher};
use claude_mpm::server::{Access, Limits, Listener, serve_within};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longest wait for anything that should happen; generous, because the machine is shared.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The usual limits, without news of clients.
pub(crate) fn quiet() -> Limits {
    Limits { visitors_per_second: 0, ..Limits::default() }
}

/// A running server.
pub(crate) struct TestServer {
    pub(crate) hub: Hub,
    pub(crate) address: SocketAddr,
    shutdown: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl TestServer {
    /// That clients come and go is not told, so that a test knows every event.
    pub(crate) async fn start() -> Self {
        Self::with(quiet(), Bounds::default()).await
    }

    /// The same, whose own session is this one.
    pub(crate) async fn of(session: &str) -> Self {
        Self::serving(quiet(), Hub::new(SessionId::new(session), Bounds::default()), Ipv4Addr::LOCALHOST)
            .await
    }

    /// The same on every address of this machine; that of one at which it is reached like from another machine.
    pub(crate) async fn beyond(reached_at: Ipv4Addr) -> Self {
        let hub = Hub::new(SessionId::new("session-1"), Bounds::default());
        let mut server = Self::serving(quiet(), hub, Ipv4Addr::UNSPECIFIED).await;
        server.address.set_ip(reached_at.into());
        server
    }

    pub(crate) async fn with(limits: Limits, bounds: Bounds) -> Self {
        Self::serving(limits, Hub::new(SessionId::new("session-1"), bounds), Ipv4Addr::LOCALHOST).await
    }

    async fn serving(limits: Limits, hub: Hub, host: Ipv4Addr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((host, 0).into()).unwrap();
        let listener = socket.listen(1024).unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, signal) = watch::channel(false);
        let listeners = vec![Listener::Tcp(listener)];
        let task = tokio::spawn(serve_within(limits, listeners, hub.clone(), Access::loopback(), signal));
        Self { hub, address, shutdown, task }
    }

    pub(crate) fn publisher(&self) -> Publisher {
        self.hub.publisher(Source::Screen)
    }

    /// Publishes one line of output and returns its number.
    pub(crate) fn say(&self, content: &str) -> u64 {
        let output = Output { content: content.into(), stream: Stream::Stdout, truncated: false };
        self.publisher().publish(Body::Output(output))
    }

    /// Signals the shutdown and waits for `serve` to return.
    pub(crate) async fn stop(self) {
        self.shutdown.send_replace(true);
        timeout(PATIENCE, self.task).await.expect("serve returns").unwrap();
    }
}
