//! How many deliveries a second the server makes, and how late a lone event comes, with clients on the same machine.
//!
//! Clients are raw TCP readers in one thread of their own, which count frames and look at nothing else; the server
//! and the publisher have the other core. The machine is shared: only ratios within one run mean something.
//! `plain` is the same number of bytes written from one shared buffer to the same clients: the kernel's own limit.

use claude_mpm::event::body::{Body, Output, Stream};
use claude_mpm::event::{SessionId, Source};
use claude_mpm::hub::{Bounds, Hub, Publisher};
use claude_mpm::server::{Access, Limits, Listener, serve_within};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;

const REQUEST: &str = "GET /?channels=*&replay=0 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// Events that may be on their way to the slowest client; well below the ring's 10,000.
const WINDOW: u64 = 4_000;
const RUNS: usize = 5;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn line(length: usize) -> Body {
    Body::Output(Output { content: "x".repeat(length), stream: Stream::Stdout, truncated: false })
}

/// What the clients' thread tells.
struct Clients {
    connected: AtomicUsize,
    /// Events that each client has received.
    events: Vec<AtomicU64>,
    /// Nanoseconds since `began` when each client received something last.
    last: Vec<AtomicU64>,
    began: Instant,
}

impl Clients {
    fn new(count: usize) -> Arc<Self> {
        let zeros = || (0..count).map(|_| AtomicU64::new(0)).collect();
        let (events, last) = (zeros(), zeros());
        Arc::new(Self { connected: AtomicUsize::new(0), events, last, began: Instant::now() })
    }

    fn slowest(&self) -> u64 {
        self.events.iter().map(|events| events.load(Relaxed)).min().unwrap_or(0)
    }

    fn nanos(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    fn wait_for(&self, events: u64) {
        while self.slowest() < events {
            thread::sleep(Duration::from_micros(50));
        }
    }

    /// Milliseconds from `send` to each client's read, sorted; one event every 10 ms.
    fn latencies(&self, events: u64, send: impl Fn()) -> Vec<f64> {
        let mut all = Vec::new();
        let already = self.slowest();
        for sent in 1..=events {
            thread::sleep(Duration::from_millis(10));
            let at = self.nanos();
            send();
            self.wait_for(already + sent);
            let late = |last: &AtomicU64| last.load(Relaxed).saturating_sub(at) as f64 / 1e6;
            all.extend(self.last.iter().map(late));
        }
        all.sort_by(f64::total_cmp);
        all
    }
}

/// Counts frames across reads without keeping their bytes.
#[derive(Default)]
struct Counter {
    header: Vec<u8>,
    payload_left: usize,
    frames: u64,
}

impl Counter {
    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.payload_left > 0 {
                let skip = self.payload_left.min(bytes.len());
                self.payload_left -= skip;
                bytes = &bytes[skip..];
                self.frames += u64::from(self.payload_left == 0);
                continue;
            }
            self.header.push(bytes[0]);
            bytes = &bytes[1..];
            if let Some(length) = frame_length(&self.header) {
                self.payload_left = length;
                self.header.clear();
            }
        }
    }
}

fn frame_length(header: &[u8]) -> Option<usize> {
    match header {
        [_, short @ ..=125] => Some(usize::from(*short)),
        [_, 126, high, low] => Some(usize::from(u16::from_be_bytes([*high, *low]))),
        [_, 127, rest @ ..] if rest.len() == 8 => {
            rest.iter().try_fold(0, |n, b| Some(n << 8 | usize::from(*b)))
        }
        _ => None,
    }
}

/// One thread for all clients.
fn spawn_clients(address: SocketAddr, clients: Arc<Clients>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        runtime().block_on(async {
            let mut tasks = JoinSet::new();
            for index in 0..clients.events.len() {
                let stream = connect(address).await;
                tasks.spawn(read(stream, index, clients.clone()));
            }
            while tasks.join_next().await.is_some() {}
        });
    })
}

async fn connect(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = REQUEST.replace("PORT", &address.port().to_string());
    stream.write_all(request.as_bytes()).await.expect("a request sent");
    stream
}

/// The first two frames are the greeting and the reply to the subscription.
async fn read(mut stream: TcpStream, index: usize, clients: Arc<Clients>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    let (mut counter, mut buffer, mut connected) = (Counter::default(), vec![0; 128 << 10], false);
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        counter.feed(&buffer[..count]);
        if counter.frames >= 2 && !connected {
            connected = true;
            clients.connected.fetch_add(1, Relaxed);
        }
        clients.last[index].store(clients.nanos(), Relaxed);
        clients.events[index].store(counter.frames.saturating_sub(2), Relaxed);
    }
}

/// A server with `count` subscribed clients.
struct Rig {
    clients: Arc<Clients>,
    publisher: Publisher,
    shutdown: watch::Sender<bool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Rig {
    fn new(count: usize) -> Self {
        let hub = Hub::new(SessionId::new("bench"), Bounds::default());
        let (shutdown, signal) = watch::channel(false);
        let (tell, told) = std::sync::mpsc::channel();
        let served = hub.clone();
        let server = thread::spawn(move || {
            runtime().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                tell.send(listener.local_addr().expect("an address")).expect("someone listens");
                let limits = Limits { connections: 2_000, ..Default::default() };
                let listeners = vec![Listener::Tcp(listener)];
                serve_within(limits, listeners, served, Access::loopback(), signal).await;
            });
        });
        let clients = Clients::new(count);
        let readers = spawn_clients(told.recv().expect("an address"), clients.clone());
        while clients.connected.load(Relaxed) < count {
            thread::sleep(Duration::from_millis(1));
        }
        let publisher = hub.publisher(Source::Screen);
        Self { clients, publisher, shutdown, threads: vec![server, readers] }
    }

    /// Deliveries a second.
    fn throughput(&self, deliveries: u64) -> f64 {
        let count = self.clients.events.len() as u64;
        let (already, events) = (self.clients.slowest(), deliveries / count);
        let body = line(40);
        let began = Instant::now();
        for published in 1..=events {
            self.publisher.publish(body.clone());
            if published % 256 == 0 {
                self.clients.wait_for((already + published).saturating_sub(WINDOW));
            }
        }
        self.clients.wait_for(already + events);
        (events * count) as f64 / began.elapsed().as_secs_f64()
    }

    fn stop(self) {
        self.shutdown.send_replace(true);
        self.threads.into_iter().for_each(|thread| thread.join().expect("a thread that ends"));
    }
}

fn main() {
    println!("{:>8} {:>14} {:>14} {:>8}", "clients", "deliveries/s", "plain/s", "ratio");
    for (count, deliveries) in [(1, 400_000), (50, 4_000_000), (1_000, 4_000_000)] {
        let rig = Rig::new(count);
        rig.throughput(deliveries / 4);
        let ours = median((0..RUNS).map(|_| rig.throughput(deliveries)).collect());
        rig.stop();
        let plain = median((0..RUNS).map(|_| plain(count, deliveries)).collect());
        println!("{count:>8} {ours:>14.0} {plain:>14.0} {:>8.2}", ours / plain);
    }
    println!("\n{:>24} {:>8} {:>8} {:>8}", "50 clients, quiet, ms", "p50", "p99", "worst");
    let rig = Rig::new(50);
    let ours = rig.clients.latencies(500, || assert_ne!(rig.publisher.publish(line(40)), 0));
    rig.stop();
    for (name, late) in [("hub", ours), ("plain", plain_latencies(50, 500))] {
        let at = |part: usize| late[late.len() * part / 1000];
        println!("{name:>24} {:>8.3} {:>8.3} {:>8.3}", at(500), at(990), at(999));
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Clients without a hub: what the kernel alone costs.
struct PlainRig {
    clients: Arc<Clients>,
    sockets: Vec<TcpStream>,
    readers: thread::JoinHandle<()>,
}

impl PlainRig {
    async fn new(count: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let clients = Clients::new(count);
        let readers = spawn_clients(listener.local_addr().expect("an address"), clients.clone());
        let mut sockets = Vec::new();
        for _ in 0..count {
            let mut socket = listener.accept().await.expect("a client").0;
            socket.set_nodelay(true).expect("an option");
            socket.write_all(b"\r\n\r\n\x81\x01x\x81\x01x").await.expect("a reader");
            sockets.push(socket);
        }
        Self { clients, sockets, readers }
    }

    async fn write(&mut self, bytes: &[u8]) {
        for socket in &mut self.sockets {
            socket.write_all(bytes).await.expect("a reader");
        }
    }

    fn stop(self) {
        drop(self.sockets);
        self.readers.join().expect("a thread that ends");
    }
}

fn plain_frame() -> Vec<u8> {
    [&[0x81, 126, 1, 4][..], &[b'x'; 260]].concat()
}

/// Frames of the same size from one shared buffer, 64 KiB a write.
fn plain(count: usize, deliveries: u64) -> f64 {
    runtime().block_on(async {
        let mut rig = PlainRig::new(count).await;
        let a_write = 64 * 1024 / plain_frame().len();
        let shared = plain_frame().repeat(a_write);
        let rounds = (deliveries / (count * a_write) as u64).max(1);
        let began = Instant::now();
        for _ in 0..rounds {
            rig.write(&shared).await;
        }
        rig.clients.wait_for(rounds * a_write as u64);
        let elapsed = began.elapsed().as_secs_f64();
        rig.stop();
        (rounds * (a_write * count) as u64) as f64 / elapsed
    })
}

/// As [`Rig::latencies`]: another thread asks for one frame to each client every 10 ms.
fn plain_latencies(count: usize, events: u64) -> Vec<f64> {
    let (ask, mut asked) = tokio::sync::mpsc::channel::<()>(1);
    let (tell, told) = std::sync::mpsc::channel();
    let writer = thread::spawn(move || {
        runtime().block_on(async {
            let mut rig = PlainRig::new(count).await;
            tell.send(rig.clients.clone()).expect("someone listens");
            while asked.recv().await.is_some() {
                rig.write(&plain_frame()).await;
            }
            rig.stop();
        });
    });
    let clients = told.recv().expect("clients");
    thread::sleep(Duration::from_millis(100));
    let all = clients.latencies(events, || ask.blocking_send(()).expect("a writer"));
    drop(ask);
    writer.join().expect("a thread that ends");
    all
}
