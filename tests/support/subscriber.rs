//! Clients of a hub: one that reads everything it is sent and remembers it, and one that never reads. They know
//! the wire as any client does and nothing of the hub's code, and hold every frame against its schema.

use crate::{DEADLINE, schema};
use serde_json::{Value, json};
use std::io::Read;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tungstenite::protocol::WebSocket;
use tungstenite::{Message, client};

/// A client that reads.
#[derive(Debug)]
pub struct Subscriber {
    stream: TcpStream,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    received: Mutex<Received>,
    changed: Condvar,
}

/// What came.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// The events, in order.
    pub events: Vec<Value>,
    /// What the hub says to this client alone (gaps, errors), each with the number of events before it.
    pub asides: Vec<(usize, Value)>,
    /// The close code, once the connection is over; 1006 stands for none (RFC 6455, 7.1.5).
    pub close: Option<u16>,
    /// What is wrong with the first frame that is not as the schema says; nothing is read behind it.
    defect: Option<String>,
}

impl Received {
    /// The `content` of each `claude.output`, of that stream.
    pub fn lines(&self, stream: &str) -> Vec<String> {
        let output = self.of("claude.output");
        let output = output.into_iter().filter(|data| data["stream"] == stream);
        output.map(|data| data["content"].as_str().expect("text").to_owned()).collect()
    }

    /// The data of each event of that type.
    pub fn of(&self, name: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["type"] == name).map(|event| &event["data"]).collect()
    }
}

impl Subscriber {
    /// Connects to `ws://127.0.0.1:PORT` and subscribes to everything, from the first event on. It is subscribed
    /// when this returns.
    ///
    /// # Panics
    /// If the hub does not answer within [`DEADLINE`].
    #[track_caller]
    pub fn connect(url: &str) -> Self {
        Self::begin(url, json!({"after": 0}))
    }

    /// The same, from elsewhere on: these fields are added to the request.
    ///
    /// # Panics
    /// If the hub does not answer within [`DEADLINE`].
    #[track_caller]
    pub fn begin(url: &str, start: Value) -> Self {
        let (stream, socket) = subscribe(url, start);
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::spawn(move || theirs.receive(socket));
        Self { stream, shared, thread: Some(thread) }
    }

    /// Waits until `seen` holds of what came.
    ///
    /// # Panics
    /// If it does not within [`DEADLINE`].
    #[track_caller]
    pub fn wait_for(&self, seen: impl Fn(&Received) -> bool) -> Received {
        let waiting = |received: &mut Received| received.close.is_none() && !seen(received);
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), DEADLINE, waiting);
        let received = waited.unwrap_or_else(PoisonError::into_inner).0.clone();
        if let Some(defect) = &received.defect {
            panic!("{defect}");
        }
        assert!(seen(&received), "it never came: {received:#?}");
        received
    }

    /// Waits for the end of the connection.
    ///
    /// # Panics
    /// If it does not end within [`DEADLINE`].
    #[track_caller]
    pub fn wait_close(&self) -> Received {
        self.wait_for(|received| received.close.is_some())
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        // Already closed by the hub: as good.
        let _closed = self.stream.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _reported = thread.join();
        }
        if let Some(defect) = self.shared.lock().defect.take()
            && !std::thread::panicking()
        {
            panic!("{defect}");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&self, mut socket: WebSocket<TcpStream>) {
        let mut code = 1006;
        loop {
            match socket.read() {
                Ok(Message::Text(text)) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    if let Err(defect) = schema::defects("classic/frame", &frame) {
                        self.lock().defect = Some(defect);
                        break;
                    }
                    if frame.get("seq").is_some_and(Value::is_u64) && frame.get("id").is_some() {
                        self.lock().events.push(frame);
                    } else {
                        let mut received = self.lock();
                        let place = received.events.len();
                        received.asides.push((place, frame));
                    }
                }
                Ok(Message::Close(close)) => code = close.map_or(1005, |close| close.code.into()),
                Ok(_) => {}
                Err(_) => break,
            }
            self.changed.notify_all();
        }
        self.lock().close = Some(code);
        self.changed.notify_all();
    }
}

/// A client that subscribes to everything and never reads again.
#[derive(Debug)]
pub struct Stalled(#[expect(dead_code, reason = "held open")] WebSocket<TcpStream>);

impl Stalled {
    /// As [`Subscriber::connect`].
    ///
    /// # Panics
    /// If the hub does not answer within [`DEADLINE`].
    #[track_caller]
    pub fn connect(url: &str) -> Self {
        Self(subscribe(url, json!({"after": 0})).1)
    }
}

/// A client that takes everything it is sent and looks at nothing, so that it costs no more than the kernel's copy.
#[derive(Debug)]
pub struct Drain {
    stream: TcpStream,
    thread: Option<JoinHandle<()>>,
}

impl Drain {
    /// As [`Subscriber::connect`].
    ///
    /// # Panics
    /// If the hub does not answer within [`DEADLINE`].
    #[track_caller]
    pub fn connect(url: &str) -> Self {
        let (stream, socket) = subscribe(url, json!({"after": 0}));
        let thread = std::thread::spawn(move || {
            let mut bytes = [0; 64 * 1024];
            while socket.get_ref().read(&mut bytes).is_ok_and(|count| count > 0) {}
        });
        Self { stream, thread: Some(thread) }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        // Already closed by the hub: as good.
        let _closed = self.stream.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _reported = thread.join();
        }
    }
}

#[track_caller]
fn subscribe(url: &str, start: Value) -> (TcpStream, WebSocket<TcpStream>) {
    schema::prepare("classic");
    let address = url.strip_prefix("ws://").unwrap_or_else(|| panic!("no address of a hub: {url:?}"));
    let stream = TcpStream::connect(address).expect("a hub that listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let ours = stream.try_clone().expect("a descriptor");
    let (mut socket, _) = client(format!("{url}/"), stream).expect("a handshake");
    let mut request = json!({"command": "subscribe", "channels": ["*"], "request_id": "it"});
    let Value::Object(start) = start else { panic!("no fields: {start}") };
    request.as_object_mut().expect("an object").extend(start);
    schema::check_request("classic", &request);
    socket.send(Message::text(request.to_string())).expect("a sent request");
    // Replies come before the events they bring about.
    loop {
        let text = socket.read().expect("an answer").into_text().expect("text");
        let frame: Value = serde_json::from_str(&text).expect("JSON");
        schema::check("classic", &frame);
        if frame["request_id"] == "it" || frame["data"]["request_id"] == "it" {
            assert_ne!(frame["type"], "error", "{frame}");
            break;
        }
    }
    (ours, socket)
}

/// Asks the hub at that address one thing on a connection of its own, and gives its answer.
///
/// # Panics
/// If the hub does not answer within [`DEADLINE`].
#[track_caller]
pub fn ask(url: &str, request: &Value) -> Value {
    let address = url.strip_prefix("ws://").unwrap_or_else(|| panic!("no address of a hub: {url:?}"));
    let stream = TcpStream::connect(address).expect("a hub that listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let (mut socket, _) = client(format!("{url}/"), stream).expect("a handshake");
    let mut request = request.clone();
    request["request_id"] = json!("it");
    socket.send(Message::text(request.to_string())).expect("a sent request");
    loop {
        if let Message::Text(text) = socket.read().expect("an answer") {
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            if frame["request_id"] == "it" {
                return frame;
            }
        }
    }
}
