//! A hub that follows a script: the classic dialect of PROTOCOL section 3 on TCP port 0 and on a Unix socket, with
//! connections that end when and how a test wants.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{broadcast, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};

/// What becomes of a connection after its events.
#[derive(Debug, Clone, Copy)]
pub enum Ending {
    /// It stays open.
    Stay,
    /// It is closed with a code.
    Close(u16),
    /// It breaks.
    Break,
    /// Not even the subscription is answered: the session is over.
    Over,
}

/// One connection's share: so many events, then the ending.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    pub events: usize,
    pub ending: Ending,
}

/// What is said to a control request, piece by piece.
#[derive(Debug, Clone)]
pub enum Said {
    /// A reply of this type.
    Reply(&'static str, Value),
    /// The connection is closed with a code.
    Close(u16),
    /// The connection breaks.
    Break,
}

/// What the hub has and does. The last turn is repeated.
#[derive(Debug, Clone)]
pub struct Script {
    pub epoch: String,
    pub log: Vec<String>,
    pub turns: Vec<Turn>,
    /// By command; the others are not known.
    pub said: HashMap<&'static str, Vec<Said>>,
    /// What claude asks, as the status has it.
    pub permissions: Vec<Value>,
    /// What else the status has.
    pub more: serde_json::Map<String, Value>,
}

impl Script {
    /// Everything at once, then this ending.
    pub fn new(log: Vec<String>, ending: Ending) -> Self {
        Self {
            epoch: "e1".into(),
            log,
            turns: vec![Turn { events: usize::MAX, ending }],
            said: HashMap::new(),
            permissions: Vec::new(),
            more: serde_json::Map::new(),
        }
    }

    /// This is said to that command.
    pub fn saying(mut self, command: &'static str, said: Vec<Said>) -> Self {
        self.said.insert(command, said);
        self
    }

    /// This is asked.
    pub fn asking(mut self, permissions: Vec<Value>) -> Self {
        self.permissions = permissions;
        self
    }
}

/// A line of output with this number.
pub fn output(seq: u64, content: &str) -> String {
    event(seq, "claude.output", json!({"content": content, "stream": "stdout"}))
}

/// An event of session `s1`; its second is its number.
pub fn event(seq: u64, kind: &str, data: Value) -> String {
    let timestamp = format!("2026-11-21T12:00:{:02}.000Z", seq % 60);
    json!({"type": kind, "timestamp": timestamp, "data": data, "id": format!("id{seq}"), "seq": seq, "epoch": "e1",
        "session_id": "s1", "source": "screen"})
    .to_string()
}

/// The end of a session.
pub fn session_end(seq: u64) -> String {
    event(
        seq,
        "session.end",
        json!({"exit_code": 0, "signal": null, "duration_seconds": 12.3, "reason": "exited"}),
    )
}

/// The running hub; it stops when dropped.
pub struct FakeHub {
    pub port: u16,
    pub socket: Option<PathBuf>,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    script: Mutex<Script>,
    requests: Mutex<Vec<Value>>,
    subscribed: Mutex<usize>,
    live: broadcast::Sender<String>,
}

impl FakeHub {
    pub fn start(script: Script) -> Self {
        Self::listen(script, None)
    }

    /// With a Unix socket beside the port.
    pub fn on_socket(script: Script, socket: &Path) -> Self {
        Self::listen(script, Some(socket.to_owned()))
    }

    fn listen(script: Script, socket: Option<PathBuf>) -> Self {
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            requests: Mutex::default(),
            subscribed: Mutex::new(0),
            live: broadcast::channel(64).0,
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let unix = socket.as_ref().map(|path| std::os::unix::net::UnixListener::bind(path).unwrap());
        let (stop, stopped) = oneshot::channel();
        let theirs = shared.clone();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, unix, theirs) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { port, socket, shared, stop: Some(stop), thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// What clients asked so far.
    pub fn requests(&self, command: &str) -> Vec<Value> {
        let requests = self.shared.requests.lock().unwrap();
        requests.iter().filter(|request| request["command"] == command).cloned().collect()
    }

    /// Tells an event to all that have subscribed.
    pub fn tell(&self, event: String) {
        self.shared.live.send(event).unwrap();
    }

    /// From now on this.
    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.shared.script.lock().unwrap());
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

async fn serve(
    tcp: std::net::TcpListener,
    unix: Option<std::os::unix::net::UnixListener>,
    shared: Arc<Shared>,
) {
    let tcp = TcpListener::from_std(tcp).unwrap();
    let unix = unix.map(|unix| {
        unix.set_nonblocking(true).unwrap();
        UnixListener::from_std(unix).unwrap()
    });
    let accept_unix = async || match &unix {
        Some(unix) => unix.accept().await.unwrap().0,
        None => std::future::pending().await,
    };
    loop {
        tokio::select! {
            accepted = tcp.accept() => drop(tokio::spawn(speak(accepted.unwrap().0, shared.clone()))),
            stream = accept_unix() => drop(tokio::spawn(speak(stream, shared.clone()))),
        }
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let Ok(mut socket) = accept_async(stream).await else { return };
    say(
        &mut socket,
        json!({"type": "system.status", "timestamp": "2026-11-21T12:00:00.000Z", "data": status()}),
    )
    .await;
    let mut live = None;
    loop {
        let text = tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(_)) => continue,
                _ => return,
            },
            event = heard(&mut live) => {
                socket.send(Message::text(event)).await.unwrap();
                continue;
            }
        };
        let request: Value = serde_json::from_str(&text).unwrap();
        shared.requests.lock().unwrap().push(request.clone());
        let script = shared.script.lock().unwrap().clone();
        if let Some(said) = request["command"].as_str().and_then(|command| script.said.get(command)) {
            if !say_all(&mut socket, &request, said).await {
                return;
            }
            continue;
        }
        if request["command"] != "subscribe" {
            say(&mut socket, answer(&request, &script)).await;
            continue;
        }
        live = Some(shared.live.subscribe());
        let turn = next_turn(&shared, &script);
        if let Ending::Over = turn.ending {
            drop(socket.close(Some(CloseFrame { code: 1000.into(), reason: "session over".into() })).await);
            return;
        }
        say(&mut socket, reply(&request, "subscribed", json!({"channels": request["channels"]}))).await;
        let foreign = request["epoch"].as_str().is_some_and(|epoch| epoch != script.epoch);
        if foreign {
            let data = json!({"error_code": "GAP001", "error_message": "cursor from another epoch"});
            say(&mut socket, reply(&request, "error", data)).await;
        }
        let request = if foreign { json!({"after": 0}) } else { request };
        for event in chosen(&request, &script.log).iter().take(turn.events) {
            socket.send(Message::text(*event)).await.unwrap();
        }
        match turn.ending {
            Ending::Stay => {}
            Ending::Break | Ending::Over => return,
            Ending::Close(code) => {
                let frame = CloseFrame { code: code.into(), reason: "as scripted".into() };
                drop(socket.close(Some(frame)).await);
                // The peer's close frame, or its end.
                while tokio::time::timeout(Duration::from_secs(5), socket.next())
                    .await
                    .is_ok_and(|next| next.is_some())
                {}
                return;
            }
        }
    }
}

/// An event that is told; for ever, where nobody has subscribed.
async fn heard(live: &mut Option<broadcast::Receiver<String>>) -> String {
    match live {
        Some(live) => live.recv().await.unwrap(),
        None => std::future::pending().await,
    }
}

/// Whether the connection goes on.
async fn say_all<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    request: &Value,
    said: &[Said],
) -> bool {
    for said in said {
        match said {
            Said::Reply(kind, data) => say(socket, reply(request, kind, data.clone())).await,
            Said::Break => return false,
            Said::Close(code) => {
                let frame = CloseFrame { code: (*code).into(), reason: "as scripted".into() };
                drop(socket.close(Some(frame)).await);
                let end = async { while socket.next().await.is_some() {} };
                drop(tokio::time::timeout(Duration::from_secs(5), end).await);
                return false;
            }
        }
    }
    true
}

fn next_turn(shared: &Shared, script: &Script) -> Turn {
    let mut subscribed = shared.subscribed.lock().unwrap();
    let turn = script.turns.get(*subscribed).or(script.turns.last()).copied().unwrap();
    *subscribed += 1;
    turn
}

/// What a subscription begins with.
fn chosen<'a>(request: &Value, log: &'a [String]) -> Vec<&'a str> {
    let seq = |event: &str| serde_json::from_str::<Value>(event).unwrap()["seq"].as_u64().unwrap_or(u64::MAX);
    if let Some(after) = request["after"].as_u64() {
        return log.iter().map(String::as_str).filter(|event| seq(event) > after).collect();
    }
    let count = request["replay"].as_u64().map_or(log.len(), |count| count as usize);
    log[log.len().saturating_sub(count)..].iter().map(String::as_str).collect()
}

fn answer(request: &Value, script: &Script) -> Value {
    match request["command"].as_str().unwrap_or_default() {
        "ping" => reply(request, "pong", json!({})),
        "get_status" => {
            let mut status = status();
            status["permissions"] = script.permissions.clone().into();
            status.as_object_mut().unwrap().extend(script.more.clone());
            reply(request, "system.status", status)
        }
        "get_history" => {
            let limit = request["params"]["limit"].as_u64().unwrap() as usize;
            let events: Vec<Value> =
                script.log.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
            let newest = &events[events.len().saturating_sub(limit)..];
            reply(request, "history", json!({"events": newest, "complete": newest.len() == events.len()}))
        }
        _ => reply(request, "error", json!({"error_code": "REQ001", "error_message": "unknown command"})),
    }
}

fn reply(request: &Value, kind: &str, data: Value) -> Value {
    json!({"type": kind, "timestamp": "2026-11-21T12:00:00.000Z", "data": data, "request_id": request["request_id"]})
}

fn status() -> Value {
    json!({"session_id": "s1", "claude_status": "running", "claude_pid": 42, "activity": "busy", "connected_clients": 1,
        "uptime_seconds": 61, "instance_info": {"name": "web\u{1b}[31m"}})
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>, frame: Value) {
    socket.send(Message::text(frame.to_string())).await.unwrap();
}
