//! A client that does not give up: when its connection breaks it connects again and asks for what it missed, until it
//! has heard how the session ended or nobody wants to know any longer. It remembers when each event came.

use crate::{DEADLINE, schema};
use serde_json::{Value, json};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tungstenite::protocol::WebSocket;
use tungstenite::{Message, client};

/// Between two attempts while nobody listens.
const AGAIN: Duration = Duration::from_millis(5);
/// How long it listens before it looks whether somebody still wants to know.
const PATIENCE: Duration = Duration::from_millis(500);

/// The client.
#[derive(Debug)]
pub struct Faithful {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    heard: Mutex<Heard>,
    changed: Condvar,
    is_over: AtomicBool,
}

/// What it heard.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The events, in order, with when each came.
    pub events: Vec<(Instant, Value)>,
    /// How often it was connected.
    pub connections: usize,
}

impl Heard {
    /// When an event of that type first came.
    pub fn first(&self, name: &str) -> Option<Instant> {
        self.events.iter().find(|(_, event)| event["type"] == name).map(|(at, _)| *at)
    }

    /// How many events of that type came.
    pub fn count(&self, name: &str) -> usize {
        self.events.iter().filter(|(_, event)| event["type"] == name).count()
    }

    /// The numbers of the events, by the epochs that followed one another.
    pub fn numbers(&self) -> Vec<Vec<u64>> {
        let of_one = self.events.chunk_by(|(_, one), (_, next)| one["epoch"] == next["epoch"]);
        of_one.map(|events| events.iter().filter_map(|(_, event)| event["seq"].as_u64()).collect()).collect()
    }

    fn cursor(&self) -> Value {
        match self.events.last() {
            Some((_, last)) => json!({ "after": last["seq"], "epoch": last["epoch"] }),
            None => json!({ "after": 0 }),
        }
    }
}

impl Faithful {
    /// Follows the hub at `ws://127.0.0.1:PORT` from its first event on. It is connected when this returns.
    ///
    /// # Panics
    /// If nobody listens there within [`DEADLINE`].
    #[track_caller]
    pub fn follow(url: &str) -> Self {
        schema::prepare("classic");
        let shared = Arc::new(Shared::default());
        let (theirs, url) = (Arc::clone(&shared), url.to_owned());
        let thread = std::thread::spawn(move || theirs.follow(&url));
        let client = Self { shared, thread: Some(thread) };
        client.wait_for(DEADLINE, |heard| heard.connections > 0);
        client
    }

    /// Waits until `seen` holds of what was heard, at most so long. Gives what was heard by then.
    pub fn wait(&self, limit: Duration, seen: impl Fn(&Heard) -> bool) -> Heard {
        let waiting = |heard: &mut Heard| !seen(heard);
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), limit, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// As [`Self::wait`], for what must come true.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn wait_for(&self, limit: Duration, seen: impl Fn(&Heard) -> bool) -> Heard {
        let heard = self.wait(limit, &seen);
        assert!(
            seen(&heard),
            "it was not heard: {:#?}",
            heard.events.iter().rev().take(5).collect::<Vec<_>>()
        );
        heard
    }
}

impl Drop for Faithful {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // What it saw may have been against the schema.
        if let Some(Err(cause)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(cause);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed) || self.lock().first("session.end").is_some()
    }

    fn follow(&self, url: &str) {
        while !self.is_over() {
            match self.connect(url) {
                Some(socket) => self.listen(socket),
                None => std::thread::sleep(AGAIN),
            }
        }
    }

    /// `None` where nobody listens, or nobody answers.
    fn connect(&self, url: &str) -> Option<WebSocket<TcpStream>> {
        let stream = TcpStream::connect(url.strip_prefix("ws://")?).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let (mut socket, _) = client(format!("{url}/"), stream).ok()?;
        let mut request = self.lock().cursor();
        request["command"] = json!("subscribe");
        request["channels"] = json!(["*"]);
        socket.send(Message::text(request.to_string())).ok()?;
        self.lock().connections += 1;
        self.changed.notify_all();
        Some(socket)
    }

    /// Until the connection breaks.
    fn listen(&self, mut socket: WebSocket<TcpStream>) {
        while !self.is_over() {
            match socket.read() {
                Ok(Message::Text(text)) => self.hear(&text),
                Ok(_) => {}
                Err(tungstenite::Error::Io(cause)) if cause.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    fn hear(&self, text: &str) {
        let at = Instant::now();
        let frame: Value = serde_json::from_str(text).expect("JSON");
        schema::check("classic", &frame);
        if frame["seq"].is_u64() && frame["id"].is_string() {
            self.lock().events.push((at, frame));
            self.changed.notify_all();
        }
    }
}
