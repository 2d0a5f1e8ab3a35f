//! Many events over TLS within one process: all come, whatever is sealed at once; and who takes none is cut.

use claude_mpm::client::{Connection, Endpoint};
use claude_mpm::event::body::{Output, Stream};
use claude_mpm::event::{Body, SessionId, Source};
use claude_mpm::hub::{Bounds, Hub};
use claude_mpm::server::{Access, Limits, Listener, serve_within};
use claude_mpm::tls::Identity;
use nix::sys::socket::{setsockopt, sockopt};
use serde_json::json;
use std::time::Duration;
use test_support::DEADLINE;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A hub over TLS.
struct Server {
    hub: Hub,
    endpoint: Endpoint,
    shutdown: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    fn start(limits: Limits) -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a certificate");
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        let identity = Identity::of_pem(certificate.as_bytes(), Some(key.serialize_pem().as_bytes()));
        let identity = identity.expect("an identity");
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        // So that a client that does not read is soon noticed.
        setsockopt(&tcp, sockopt::SndBuf, &4096).expect("a small buffer");
        let url = format!("wss://{}", tcp.local_addr().expect("an address"));
        let endpoint = Endpoint::parse(&url, Some(identity.fingerprint())).expect("an address");
        let listener = Listener::tcp(tcp, Some(&identity)).expect("a listener");
        let hub = Hub::new(SessionId::new("s"), Bounds::default());
        let (shutdown, signal) = watch::channel(false);
        let served = serve_within(limits, vec![listener], hub.clone(), Access::loopback(), signal);
        Self { hub, endpoint, shutdown, task: tokio::spawn(served) }
    }

    fn say(&self, content: &str) {
        let output = Output { content: content.into(), stream: Stream::Stdout, truncated: false };
        assert_ne!(self.hub.publisher(Source::Screen).publish(Body::Output(output)), 0);
    }

    async fn subscriber(&self) -> Connection {
        let mut connection = Connection::open(&self.endpoint).await.expect("a connection");
        let request = json!({"command": "subscribe", "channels": ["claude.output"], "replay": 0});
        connection.request(request).await.expect("a subscription");
        connection
    }

    async fn stop(self) {
        self.shutdown.send_replace(true);
        timeout(DEADLINE, self.task).await.expect("serve returns").expect("it served");
    }
}

#[tokio::test]
async fn many_events_come_whole_and_the_last_one_too() {
    let server = Server::start(Limits::default());
    let mut connection = server.subscriber().await;
    // Longer and shorter than what is sealed at once, and than a record of TLS.
    let lengths = [1, 100, 16 << 10, 40_000];
    for round in 0..50 {
        for length in lengths {
            server.say(&format!("{round} {}", "x".repeat(length)));
        }
    }
    for round in 0..50 {
        for length in lengths {
            let frame = connection.next().await.expect("an event");
            assert_eq!(frame.text("content"), format!("{round} {}", "x".repeat(length)));
        }
    }
    connection.close().await;
    server.stop().await;
}

/// What is sealed when the kernel takes no more has to follow by itself.
#[tokio::test]
async fn what_is_sealed_while_a_client_pauses_comes_when_it_goes_on() {
    let server = Server::start(Limits::default());
    for count in 1..40 {
        let mut connection = server.subscriber().await;
        for number in 0..count {
            server.say(&format!("{number} {}", "x".repeat(12_000)));
            // Time for the server to write it; nothing depends on whether it does.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        for number in 0..count {
            let frame = timeout(DEADLINE, connection.next()).await.expect("in time").expect("an event");
            assert!(frame.text("content").starts_with(&format!("{number} x")), "{number} of {count}");
        }
        connection.close().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn who_takes_nothing_over_tls_is_cut_after_the_deadline() {
    let short = Duration::from_millis(100);
    let server = Server::start(Limits { write: short, farewell: short, ..Limits::default() });
    let connection = server.subscriber().await;
    assert_eq!(server.hub.gauges().clients(), 1);
    let waited = async {
        while server.hub.gauges().clients() > 0 {
            server.say(&"x".repeat(40_000));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(DEADLINE, waited).await.expect("it is cut");
    drop(connection);
    server.stop().await;
}
