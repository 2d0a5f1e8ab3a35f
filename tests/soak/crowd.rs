//! Who writes and who reads: each in a thread of its own, each going on with whoever serves the port next.

use crate::Dice;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::steady::Steady;

const WRITERS: u64 = 2;
const CLIENTS: u64 = 6;
/// Events a second of all writers.
const RATE: u64 = 5_000;
/// Published at once.
const BATCH: u64 = 250;
/// A client loses its connection behind so many events, on average.
const CUT: u64 = 4_000;
pub(crate) const END: &str = "the very last event";
/// Between two attempts.
const ATTEMPT: Duration = Duration::from_millis(10);

/// What a writer was told is published: the words that name the events, and when that was.
pub(crate) struct Acknowledged {
    pub(crate) words: Vec<String>,
    pub(crate) at: Instant,
}

/// All of them.
pub(crate) struct Crowd {
    over: Arc<AtomicBool>,
    writers: Vec<JoinHandle<Vec<Acknowledged>>>,
    clients: Vec<JoinHandle<Steady>>,
    sent: Arc<AtomicU64>,
    began: Instant,
}

impl Crowd {
    pub(crate) fn start(port: u16, seed: u64) -> Self {
        let (over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let clients = (0..CLIENTS)
            .map(|number| std::thread::spawn(move || read(port, Dice(seed ^ (number + 1) << 32))))
            .collect();
        let writers = (0..WRITERS)
            .map(|number| {
                let (over, sent) = (Arc::clone(&over), Arc::clone(&sent));
                std::thread::spawn(move || write(port, number, &over, &sent))
            })
            .collect();
        Self { over, writers, clients, sent, began: Instant::now() }
    }

    /// Lets the writers stop and the clients hear the last event.
    pub(crate) fn finish(self, port: u16) -> (Vec<Acknowledged>, Vec<Steady>) {
        self.over.store(true, Relaxed);
        let acknowledged = self.writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        let (sent, took) = (self.sent.load(Relaxed), self.began.elapsed().as_secs_f64());
        println!("{sent} events acknowledged, {:.0} a second", sent as f64 / took);
        publish(port, &[END.to_owned()]).expect("a hub that nobody kills");
        (acknowledged, self.clients.into_iter().map(|client| client.join().unwrap()).collect())
    }
}

/// Reads until the last event; loses its connection now and then.
fn read(port: u16, mut dice: Dice) -> Steady {
    let mut steady = Steady::default();
    steady.follow(port, END, |_| {
        if dice.below(CUT) == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    steady
}

/// Publishes batches at a steady rate; what is not acknowledged is not said again.
fn write(port: u16, writer: u64, over: &AtomicBool, sent: &AtomicU64) -> Vec<Acknowledged> {
    let (mut acknowledged, began, mut batches) = (Vec::new(), Instant::now(), 0);
    while !over.load(Relaxed) {
        let words: Vec<String> = (0..BATCH).map(|place| format!("w{writer}b{batches}p{place}.")).collect();
        batches += 1;
        match publish(port, &words) {
            Some(at) => {
                sent.fetch_add(BATCH, Relaxed);
                acknowledged.push(Acknowledged { words, at });
            }
            None => std::thread::sleep(ATTEMPT),
        }
        let due = began + Duration::from_micros(batches * BATCH * WRITERS * 1_000_000 / RATE);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    acknowledged
}

/// Posts an event for each word; when it was acknowledged, if it was.
fn publish(port: u16, words: &[String]) -> Option<Instant> {
    let event = |word: &String| {
        format!(
            r#"{{"event_type":"my.event","source":"soak","timestamp":1706181600000,"payload":{{"word":"{word}"}}}}"#
        )
    };
    let body = format!("[{}]", words.iter().map(event).collect::<Vec<_>>().join(","));
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    let head = format!(
        "POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).ok()?;
    let mut answer = String::new();
    // A hub that is killed meanwhile resets the connection; what was said before counts.
    let _cut = stream.read_to_string(&mut answer);
    let status = answer.split(' ').nth(1)?;
    assert!(status == "202" || status == "503", "{answer}");
    (status == "202").then(Instant::now)
}
