//! A hub with tokens, an audit log and a way to a claude that is none, in a thread of its own: what reaches that claude
//! is counted.

use claude_mpm::control::{Abilities, Order};
use claude_mpm::event::SessionId;
use claude_mpm::hub::{Bounds, Hub};
use claude_mpm::instance::audit::AuditLog;
use claude_mpm::instance::tokens::{Token, TokenStore, Tokens, Wish};
use claude_mpm::instance::{Role, StateDirectory};
use claude_mpm::server::{Access, ControlDoor, Doors, Keys, Limits, Listener, serve_within};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use test_support::wire::{Answer, Wire, ask, upgraded};
use tokio::sync::{mpsc, watch};

/// The three dialects: where they are spoken, and how a token is shown there.
pub(crate) const DIALECTS: [(&str, &str); 3] = [
    ("/", r#"{"command":"auth","token":TOKEN}"#),
    ("/events", r#"{"type":"auth","data":{"token":TOKEN}}"#),
    ("/monitor", r#"{"action":"auth","token":TOKEN}"#),
];

/// An order to claude, in the words of each dialect.
pub(crate) const ORDERS: [(&str, &str); 3] = [
    ("/", r#"{"command":"send_input","text":"rm -rf ~","request_id":"the order"}"#),
    ("/events", r#"{"type":"send_input","data":{"text":"rm -rf ~","request_id":"the order"}}"#),
    ("/monitor", r#"{"action":"send_input","text":"rm -rf ~","request_id":"the order"}"#),
];

/// What only the answer to a right token says, on every dialect.
pub(crate) const ROLE: &str = r#""role":""#;
/// What the answer to an order that is taken says, on every dialect.
pub(crate) const TAKEN: &str = r#""control_id":""#;

/// The running hub.
pub(crate) struct Guarded {
    pub(crate) port: u16,
    pub(crate) store: TokenStore,
    pub(crate) read: (Token, String),
    pub(crate) publish: (Token, String),
    pub(crate) control: (Token, String),
    orders: mpsc::Receiver<Order>,
    audit: PathBuf,
    _child: watch::Sender<Option<u32>>,
    stop: Option<watch::Sender<bool>>,
    thread: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Guarded {
    /// One that asks everybody for a token.
    pub(crate) fn strict() -> Self {
        Self::start(true, Limits::default())
    }

    /// One that lets the own user read and publish without.
    pub(crate) fn easy() -> Self {
        Self::start(false, Limits::default())
    }

    pub(crate) fn start(requires_token: bool, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::at(&folder.path().join("state")).unwrap();
        let store = TokenStore::new(&state);
        let token = |role| {
            let (token, secret) = store.create(Wish { role, expires_at: None, note: None }).unwrap();
            (token, secret.reveal().to_owned())
        };
        let (read, publish, control) = (token(Role::Read), token(Role::Publish), token(Role::Control));
        let mut access = Access::loopback();
        access.requires_token = requires_token;
        access.keys = Keys::new(Tokens::at(state.path()), None);
        access.audit = AuditLog::at(&state).unwrap();
        let (sender, orders) = mpsc::channel(64);
        let (child, child_is) = watch::channel(None);
        let all =
            Abilities { typing: Ok(()), interrupt: Ok(()), stop: Ok(()), restart: Ok(()), respond: Ok(()) };
        let door = ControlDoor::new(sender, all, child_is, &[]);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listeners = vec![Listener::tcp(listener, None).unwrap()];
                let doors = Doors { listeners, hooks: None, control: Some(door) };
                let hub = Hub::new(SessionId::new("session-1"), Bounds::default());
                serve_within(limits, doors, hub, access, stopped).await;
            });
        });
        let audit = state.path().join("audit.log");
        let (stop, thread) = (Some(stop), Some(thread));
        Self {
            port,
            store,
            read,
            publish,
            control,
            orders,
            audit,
            _child: child,
            stop,
            thread,
            _folder: folder,
        }
    }

    /// The answer to a request; `PORT` in it becomes the hub's, `RIGHT` the token for control.
    pub(crate) fn ask(&self, request: &str) -> Answer {
        ask(self.port, &request.replace("RIGHT", &self.control.1))
    }

    /// A GET with a token.
    pub(crate) fn get(&self, path: &str, token: &str) -> Answer {
        let head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n");
        self.ask(&format!("{head}Authorization: Bearer {token}\r\n\r\n"))
    }

    /// A WebSocket at a path, which is let in.
    pub(crate) fn socket(&self, path: &str) -> Wire {
        upgraded(self.port, path, "").unwrap()
    }

    /// A WebSocket at a path that has shown this token, and was greeted.
    pub(crate) fn let_in(&self, (path, auth): (&str, &str), token: &str) -> Wire {
        let mut wire = self.socket(path);
        wire.say(&auth.replace("TOKEN", &format!("{token:?}"))).unwrap();
        until(&mut wire, ROLE);
        wire
    }

    /// How many orders have reached claude.
    pub(crate) fn orders(&mut self) -> usize {
        std::iter::from_fn(|| self.orders.try_recv().ok()).count()
    }

    /// Waits until so many orders have come, and says how many have.
    pub(crate) fn orders_soon(&mut self, count: usize) -> usize {
        let until = Instant::now() + test_support::DEADLINE;
        let mut came = 0;
        while came < count && Instant::now() < until {
            came += self.orders();
            std::thread::sleep(Duration::from_millis(2));
        }
        came + self.orders()
    }

    /// The audit log once `holds` does of it.
    pub(crate) fn audited(&self, what: &str, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let until = Instant::now() + test_support::DEADLINE;
        loop {
            let text = fs::read_to_string(&self.audit).unwrap_or_default();
            // What is being written has no end yet.
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let lines: Vec<Value> =
                whole.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
            if holds(&lines) {
                return lines;
            }
            assert!(Instant::now() < until, "never written down: {what}: {lines:#?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn audit_file(&self) -> &std::path::Path {
        &self.audit
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

/// Waits for the answer to an order, which has to be that it is taken.
#[track_caller]
pub(crate) fn taken(wire: &mut Wire) {
    let answer = until(wire, "the order").to_string();
    assert!(answer.contains(TAKEN), "{answer}");
}

/// Passes over frames to one of which the text has this word.
#[track_caller]
pub(crate) fn until(wire: &mut Wire, word: &str) -> Value {
    let mut seen = Vec::new();
    while let Some(frame) = wire.json() {
        if frame.to_string().contains(word) {
            return frame;
        }
        seen.push(frame);
    }
    panic!("{word} never came: {seen:?}");
}
