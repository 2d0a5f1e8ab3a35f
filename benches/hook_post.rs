//! How long claude waits for the answer to one hook, on a connection it keeps, while nothing else goes on.
//!
//! The caller is a plain blocking socket in a thread of its own, as far from the server as claude is. The goal is
//! 0.5 ms at the 99th percentile for a body of the usual size.

use claude_mpm::hub::Gauges;
use claude_mpm::server::{Afterwards, HookIntake, HookKey, serve_hooks};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};

const POSTS: usize = 5_000;
/// A small hook, the 37 KB of a long Bash output, and a large file that is written.
const SIZES: [usize; 3] = [1 << 10, 37 << 10, 1 << 20];

fn request(address: SocketAddr, key: &str, size: usize) -> Vec<u8> {
    let head = format!(
        "POST /api/hooks/PostToolUse HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    );
    [head.into_bytes(), vec![b'x'; size]].concat()
}

/// Milliseconds of each post, sorted.
fn post(address: SocketAddr, key: &str, size: usize) -> Vec<f64> {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).expect("a TCP socket");
    let request = request(address, key, size);
    let mut answer = [0; 1024];
    let mut times = Vec::new();
    for _ in 0..(POSTS * (1 << 10) / size).clamp(1000, POSTS) {
        let began = Instant::now();
        stream.write_all(&request).expect("the server reads");
        let count = stream.read(&mut answer).expect("the server answers");
        times.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(answer[..count].starts_with(b"HTTP/1.1 204") && answer[..count].ends_with(b"\r\n\r\n"));
    }
    times.sort_by(f64::total_cmp);
    times
}

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let key = HookKey::mint().expect("randomness");
    let secret = key.reveal().to_owned();
    let (posts, mut inbox) = mpsc::channel(1024);
    let (shutdown, signal) = watch::channel(false);
    let gauges = Gauges::default();
    let caller = thread::spawn(move || {
        for size in SIZES {
            let times = post(address, &secret, size);
            let at = |share: f64| times[(times.len() as f64 * share) as usize];
            println!("{size:>8} bytes: p50 {:.3} ms, p99 {:.3} ms, of {}", at(0.5), at(0.99), times.len());
        }
        shutdown.send_replace(true);
    });
    runtime.block_on(async {
        let drain = tokio::spawn(async move { while inbox.recv().await.is_some() {} });
        serve_hooks(listener, HookIntake::new(key, posts, gauges.clone()), Afterwards::Kept, signal).await;
        drain.abort();
    });
    caller.join().expect("the caller ends");
    println!("lost: {}", gauges.hooks_lost());
}
