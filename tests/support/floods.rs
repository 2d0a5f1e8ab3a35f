//! Hostile clients by the hundred, each kind a flood that goes on until it is stopped, and the honest client that wants
//! to be answered meanwhile. What a hub may cost under it is the tests' to say.

use crate::wire::{Wire, handshake, masked, upgraded, upgraded_on};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two rounds of those that only hold on to what they have.
const BEAT: Duration = Duration::from_millis(20);
/// No hostile client waits longer for the hub.
const IMPATIENCE: Duration = Duration::from_millis(100);

/// Says when it is over.
type Over = Arc<AtomicBool>;

/// One kind of flood.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    /// What it is, in a few words.
    pub name: &'static str,
    /// Hostile clients at the same time.
    pub clients: usize,
    does: fn(u16, usize, &Over),
}

/// All of them.
pub const FLOODS: [Flood; 20] = [
    Flood { name: "200 half-open connections", clients: 200, does: silent },
    Flood { name: "1,000 silent connections", clients: 1000, does: silent },
    Flood { name: "200 slow handshakes", clients: 200, does: slow_heads },
    Flood { name: "connect and close", clients: 1, does: churn },
    Flood { name: "giant heads", clients: 1, does: giant_heads },
    Flood { name: "heads without end", clients: 1, does: endless_heads },
    Flood { name: "pipelined requests", clients: 1, does: pipelined },
    Flood { name: "POSTs that never finish", clients: 100, does: unfinished_posts },
    Flood { name: "chunked bodies byte by byte", clients: 20, does: slow_chunks },
    Flood { name: "POST of JSON 200,000 deep", clients: 1, does: deep_posts },
    Flood { name: "500 idle WebSockets", clients: 500, does: idle_sockets },
    Flood { name: "pings, never read", clients: 1, does: pings },
    Flood { name: "get_history, never read", clients: 1, does: histories },
    Flood { name: "subscribe with replay, never read", clients: 1, does: replays },
    Flood { name: "subscribe and unsubscribe", clients: 1, does: subscribes },
    Flood { name: "messages of 64 KiB", clients: 1, does: large_messages },
    Flood { name: "JSON 30,000 deep", clients: 1, does: deep_messages },
    Flood { name: "15,000 patterns, and 50,000", clients: 1, does: patterns },
    Flood { name: "wildcard bombs", clients: 1, does: wildcards },
    Flood { name: "pings pipelined, never read", clients: 1, does: pipelined_pings },
];

/// Those of more values than letters, with an event that is taken among those that are not.
pub const WIDE_FLOODS: [Flood; 3] = [
    Flood { name: "POSTs of a million values", clients: 1, does: wide_posts },
    Flood { name: "events of 20,000 values", clients: 1, does: wide_messages },
    Flood { name: "events of a component, of a million", clients: 1, does: wide_events },
];

/// A flood that goes on; it is over when dropped.
#[derive(Debug)]
pub struct Flooding {
    over: Over,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    /// Lets it loose on a port of this machine.
    pub fn begin(self, port: u16) -> Flooding {
        let over = Over::default();
        let theirs = Arc::clone(&over);
        let thread = std::thread::spawn(move || (self.does)(port, self.clients, &theirs));
        Flooding { over, thread: Some(thread) }
    }
}

impl Drop for Flooding {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _reported = thread.join();
        }
    }
}

/// How long it takes an honest client to connect, to be greeted and to be answered; `shown` are lines of its head.
///
/// # Errors
/// What it got instead.
pub fn honest(port: u16, shown: &str) -> Result<Duration, String> {
    let begun = Instant::now();
    let wire = Wire::tcp(port).map_err(|cause| cause.to_string())?;
    let mut wire = upgraded_on(wire, &handshake(port, "/", shown)).map_err(|answer| format!("{answer:?}"))?;
    wire.say(r#"{"command":"ping","request_id":"honest"}"#).map_err(|cause| cause.to_string())?;
    loop {
        let frame = wire.json().ok_or("the connection ended")?;
        if frame["request_id"] == "honest" {
            return Ok(begun.elapsed());
        }
    }
}

fn connect(port: u16) -> Option<Wire> {
    let wire = Wire::tcp(port).ok()?;
    wire.hurry(IMPATIENCE);
    Some(wire)
}

fn socket(port: u16) -> Option<Wire> {
    let wire = upgraded(port, "/", "").ok()?;
    wire.hurry(IMPATIENCE);
    Some(wire)
}

/// Keeps so many connections of a kind, each of which is fed again and again, and opens another for each that is gone.
fn kept(clients: usize, over: &Over, open: impl Fn() -> Option<Wire>, feed: impl Fn(&mut Wire) -> bool) {
    let mut held: Vec<Wire> = Vec::new();
    while !over.load(Relaxed) {
        while held.len() < clients && !over.load(Relaxed) {
            held.extend(open());
        }
        held.retain_mut(&feed);
        std::thread::sleep(BEAT);
    }
}

/// Says the same again and again on one WebSocket, without reading, and on another one when it is thrown out.
fn unread(port: u16, over: &Over, bytes: &[u8]) {
    while !over.load(Relaxed) {
        let Some(mut wire) = socket(port) else { continue };
        // Full is not gone: it is held, and tried again.
        let mut refused = 0;
        while !over.load(Relaxed) && refused < 50 {
            refused = if wire.send(bytes).is_ok() { 0 } else { refused + 1 };
        }
    }
}

/// Whether the other end is still there; what it said is taken.
fn lives(wire: &mut Wire) -> bool {
    use std::io::Read;
    wire.hurry(Duration::from_micros(1));
    !matches!(wire.read(&mut [0; 256]), Ok(0))
}

fn silent(port: u16, clients: usize, over: &Over) {
    kept(clients, over, || connect(port), lives);
}

fn slow_heads(port: u16, clients: usize, over: &Over) {
    let open = || {
        let mut wire = connect(port)?;
        wire.send(b"GET / HTTP/1.1\r\nX: ").ok().map(|()| wire)
    };
    kept(clients, over, open, |wire| wire.send(b"x").is_ok());
}

fn churn(port: u16, _: usize, over: &Over) {
    while !over.load(Relaxed) {
        drop(connect(port));
    }
}

fn giant_heads(port: u16, _: usize, over: &Over) {
    let head = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    while !over.load(Relaxed) {
        let Some(mut wire) = connect(port) else { continue };
        let _cut = wire.send(head.as_bytes());
    }
}

fn endless_heads(port: u16, _: usize, over: &Over) {
    while !over.load(Relaxed) {
        let Some(mut wire) = connect(port) else { continue };
        let mut sent = wire.send(b"GET / HTTP/1.1\r\n");
        while sent.is_ok() && !over.load(Relaxed) {
            sent = wire.send(b"X: y\r\n");
        }
    }
}

fn pipelined(port: u16, _: usize, over: &Over) {
    let one = format!("GET /api/status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    let many = one.repeat(1000);
    while !over.load(Relaxed) {
        let Some(mut wire) = connect(port) else { continue };
        let _cut = wire.send(many.as_bytes());
        wire.answer();
    }
}

fn posted(port: u16, headers: &str) -> String {
    let head = format!("POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
    format!("{head}Content-Type: application/json\r\n{headers}\r\n")
}

fn unfinished_posts(port: u16, clients: usize, over: &Over) {
    let open = || {
        let mut wire = connect(port)?;
        let head = posted(port, "Content-Length: 4000000\r\n");
        // Of four megabytes nearly all come, as far as there is room for them.
        let _partly = wire.send(&[head.as_bytes(), &b"[".repeat(200_000)].concat());
        Some(wire)
    };
    kept(clients, over, open, lives);
}

fn slow_chunks(port: u16, clients: usize, over: &Over) {
    let open = || {
        let mut wire = connect(port)?;
        let head = posted(port, "Transfer-Encoding: chunked\r\n");
        wire.send(head.as_bytes()).ok().map(|()| wire)
    };
    kept(clients, over, open, |wire| wire.send(b"1\r\n[\r\n").is_ok());
}

fn deep_posts(port: u16, _: usize, over: &Over) {
    let request = posted(port, "Content-Length: 200000\r\n") + &"[".repeat(200_000);
    while !over.load(Relaxed) {
        let Some(mut wire) = connect(port) else { continue };
        let _cut = wire.send(request.as_bytes());
        wire.answer();
    }
}

/// An event of so many values, which are lists of one number, in the shape of requirement R4.
pub fn wide_event(lists: usize) -> String {
    let wide = "[0],".repeat(lists);
    format!(
        r#"{{"event_type":"my.event","source":"wide","timestamp":1706181600000,"payload":{{"a":[{wide}[0]]}}}}"#
    )
}

/// As long as a POST, a message or a component's message may be; as many values as are taken, and more.
fn wide(bytes: usize) -> [String; 4] {
    let numbers = "0,".repeat(bytes / 2 - 100);
    let names: String = (0..bytes / 12).map(|n| format!(r#""{n}":0,"#)).take(bytes / 12).collect();
    let names = &names[..names.len().min(bytes - 100)];
    [
        wide_event(bytes / 4 - 100),
        wide_event((bytes / 4 - 100).min(1_600)),
        format!("[{numbers}0]"),
        format!("{{{}\"x\":0}}", &names[..names.rfind(',').map_or(0, |at| at + 1)]),
    ]
}

fn wide_posts(port: u16, _: usize, over: &Over) {
    let posts =
        wide(4 << 20).map(|body| posted(port, &format!("Content-Length: {}\r\n", body.len())) + &body);
    for request in posts.iter().cycle() {
        if over.load(Relaxed) {
            break;
        }
        let Some(mut wire) = connect(port) else { continue };
        wire.hurry(Duration::from_secs(5));
        let _cut = wire.send(request.as_bytes());
        wire.answer();
    }
}

fn wide_messages(port: u16, _: usize, over: &Over) {
    let texts = wide((64 << 10) - 100).map(|event| format!(r#"{{"command":"publish","events":{event}}}"#));
    repeated(port, over, "/", &texts);
}

fn wide_events(port: u16, _: usize, over: &Over) {
    let register = r#"{"type":"register","data":{"component":"wide","version":"1"}}"#.to_owned();
    let events = wide((1 << 20) - 100).map(|event| format!(r#"{{"type":"event","data":{event}}}"#));
    repeated(port, over, "/events", &[vec![register], events.to_vec()].concat());
}

fn idle_sockets(port: u16, clients: usize, over: &Over) {
    kept(clients, over, || socket(port), |_| true);
}

fn pings(port: u16, _: usize, over: &Over) {
    unread(port, over, &masked(0x89, &[b'x'; 125]).repeat(400));
}

fn histories(port: u16, _: usize, over: &Over) {
    let request = br#"{"command":"get_history","params":{"limit":10000}}"#;
    unread(port, over, &masked(0x81, request));
}

fn replays(port: u16, _: usize, over: &Over) {
    let request = br#"{"command":"subscribe","channels":["*"],"replay":10000}"#;
    unread(port, over, &masked(0x81, request));
}

fn pipelined_pings(port: u16, _: usize, over: &Over) {
    unread(port, over, &masked(0x81, br#"{"command":"ping"}"#).repeat(1000));
}

/// Says the same again and again on one WebSocket, reads what is said to it, and comes back when it is thrown out.
fn repeated(port: u16, over: &Over, path: &str, texts: &[String]) {
    while !over.load(Relaxed) {
        let Ok(mut wire) = upgraded(port, path, "") else { continue };
        wire.hurry(IMPATIENCE);
        for text in texts.iter().cycle() {
            if over.load(Relaxed)
                || wire.say(text).is_err()
                || wire.frame().is_none_or(|(opcode, _)| opcode == 8)
            {
                break;
            }
        }
    }
}

fn subscribes(port: u16, _: usize, over: &Over) {
    let texts =
        ["subscribe", "unsubscribe"].map(|command| format!(r#"{{"command":"{command}","channels":["*"]}}"#));
    repeated(port, over, "/", &texts);
}

fn large_messages(port: u16, _: usize, over: &Over) {
    let filling = "x".repeat((64 << 10) - 40);
    repeated(port, over, "/", &[format!(r#"{{"command":"ping","x":"{filling}"}}"#), filling]);
}

fn deep_messages(port: u16, _: usize, over: &Over) {
    let (open, close) = ("[".repeat(30_000), "]".repeat(30_000));
    let objects = r#"{"a":"#.repeat(10_000);
    repeated(
        port,
        over,
        "/",
        &[format!("{open}{close}"), format!(r#"{{"command":{open}{close}}}"#), objects],
    );
}

fn patterns(port: u16, _: usize, over: &Over) {
    let of =
        |count: usize| format!(r#"{{"command":"subscribe","channels":[{}"x"]}}"#, r#""a","#.repeat(count));
    repeated(port, over, "/", &[of(15_000), of(50_000)]);
}

fn wildcards(port: u16, _: usize, over: &Over) {
    let deep = format!("{}*", "a.".repeat(127));
    let stars = "*".repeat(255);
    let many = |one: &str, count: usize| {
        let mut list = format!("{one:?}");
        (1..count).for_each(|_| write!(list, ",{one:?}").expect("a string takes everything"));
        format!(r#"{{"command":"subscribe","channels":[{list}],"replay":10000}}"#)
    };
    repeated(
        port,
        over,
        "/",
        &[many(&deep, 128), many(&stars, 128), many("*", 128), many("a.*.*.*.*.*", 128)],
    );
}
