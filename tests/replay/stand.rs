//! A place with sessions that are over, replays of them, and everybody who may look on.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread::JoinHandle;
use test_support::program::Program;
use test_support::standalone::{self, Place, named};
use test_support::subscriber::Subscriber;
use test_support::wire::{self, Wire};
use test_support::{DEADLINE, piped};

pub(crate) const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");

pub(crate) struct Stand {
    pub(crate) place: Place,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self { place: Place::new(WRAPPER) }
    }

    /// Where journals are.
    pub(crate) fn sessions(&self) -> PathBuf {
        self.place.path(".local/state/claude-mpm/sessions")
    }

    /// A session of the scripted claude of the demo, with a journal.
    pub(crate) fn demo(&self, name: &str) -> Command {
        let run = [
            "-q",
            "--websocket-port",
            "auto",
            "--launch-method",
            "subprocess",
            "--hooks",
            "http",
            "-n",
            name,
        ];
        let mut command = self.place.command(&run);
        command.args(["--claude", WRAPPER, "--", "demo", "--play", "--speed", "20", "--settings={}"]);
        command
    }

    /// Everything that is kept, by name.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let sessions = std::fs::read_dir(self.sessions()).expect("sessions").flatten();
        let files = sessions.flat_map(|session| std::fs::read_dir(session.path()).expect("files").flatten());
        files.map(|file| (file.path(), std::fs::read(file.path()).expect("a file"))).collect()
    }

    /// Standard output, standard error and status.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> (String, String, Option<i32>) {
        let output = piped::run(self.place.command(args), b"", DEADLINE);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr), output.status.code())
    }

    /// The lines of a `replay --print`.
    #[track_caller]
    pub(crate) fn printed(&self, args: &[&str]) -> Vec<String> {
        let (out, err, status) = self.run(&[&["-q", "replay"], args].concat());
        assert_eq!((status, err.as_str()), (Some(0), ""));
        out.lines().map(str::to_owned).collect()
    }

    /// Starts a replay and waits until it serves.
    #[track_caller]
    pub(crate) fn replay(&self, args: &[&str]) -> Replay {
        let program = Program::start(self.place.command(&[&["replay"], args].concat()), b"");
        let line = program.wait_err(|line| line.contains("on ws://127.0.0.1:"));
        let port = line.rsplit("127.0.0.1:").next().expect("a port");
        let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
        Replay { port: digits.parse().expect("a port"), program }
    }

    /// A POST on the Unix socket of the one hub that runs.
    pub(crate) fn post_on_socket(&self, path: &str, body: &str) -> String {
        let socket = named(&self.place.path("run/claude-mpm"), ".sock").remove(0);
        let mut wire = Wire::unix(&socket).expect("a hub that listens");
        let head = "Host: localhost\r\nContent-Type: application/json";
        let length = format!("Content-Length: {}", body.len());
        wire.send(format!("POST {path} HTTP/1.1\r\n{head}\r\n{length}\r\n\r\n{body}").as_bytes())
            .expect("sent");
        format!("{:?}", wire.answer())
    }

    /// Everybody who may look on, from the first event on.
    pub(crate) fn audience(&self, url: &str) -> Audience {
        let port = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let watch = |args: &[&str]| {
            let fixed = ["-q", "watch", "--url", url, "--after", "0"];
            Program::start(self.place.command(&[&fixed, args].concat()), b"")
        };
        Audience {
            watch: watch(&["-o", "json", "*"]),
            text: watch(&["--time", "utc"]),
            envelope: listen(port, "/events?replay=1000", json!({"type": "ping"})),
            monitor: listen(port, "/monitor", json!({"action": "subscribe", "filters": {"types": ["*"]}})),
            classic: Subscriber::connect(url),
        }
    }
}

/// A replay that runs.
pub(crate) struct Replay {
    pub(crate) port: u16,
    program: Program,
}

impl Replay {
    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Waits until it says that on standard error.
    #[track_caller]
    pub(crate) fn said(&self, text: &str) {
        self.program.wait_err(|line| line.contains(text));
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(self) -> ExitStatus {
        self.program.finish().0
    }

    #[track_caller]
    pub(crate) fn end(self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(self.program.pid().cast_signed()), signal).expect("it runs");
        self.finish()
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &str) -> (u16, String) {
        let head = format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n");
        standalone::request(self.port, &head, body)
    }
}

/// Clients of every kind.
pub(crate) struct Audience {
    classic: Subscriber,
    watch: Program,
    text: Program,
    envelope: JoinHandle<Vec<Value>>,
    monitor: JoinHandle<Vec<Value>>,
}

/// What they saw of a session.
pub(crate) struct Seen {
    pub(crate) classic: Vec<Value>,
    pub(crate) watched: Vec<String>,
    pub(crate) shown: Vec<String>,
    pub(crate) envelope: Vec<Value>,
    pub(crate) monitor: Vec<Value>,
}

impl Audience {
    /// Waits until the session is over for all of them.
    #[track_caller]
    pub(crate) fn until_the_end(self) -> Seen {
        assert_eq!(self.classic.wait_close().close, Some(1000));
        let lines = |program: Program| {
            let (status, lines, err) = program.finish();
            assert!(status.success(), "{err:?}");
            lines
        };
        Seen {
            classic: self.classic.wait_close().events,
            watched: lines(self.watch),
            shown: lines(self.text),
            envelope: self.envelope.join().expect("a client that ends"),
            monitor: self.monitor.join().expect("a client that ends"),
        }
    }
}

/// The events that a client at this path is sent until the connection ends.
pub(crate) fn listen(port: u16, path: &str, request: Value) -> JoinHandle<Vec<Value>> {
    let mut wire = wire::upgraded(port, path, "").expect("a handshake");
    wire.send(&wire::masked(0x81, request.to_string().as_bytes())).expect("a sent request");
    std::thread::spawn(move || {
        let mut events = Vec::new();
        while let Some(frame) = wire.json() {
            match frame["type"].as_str().unwrap_or_default() {
                "initial" => events.extend(frame["data"].as_array().cloned().unwrap_or_default()),
                "event" => events.push(frame["data"].clone()),
                "heartbeat" | "pong" | "system.status" | "subscribed" => {}
                _ => events.push(frame),
            }
        }
        events
    })
}

/// Whether both saw the same, one by one.
#[track_caller]
pub(crate) fn assert_same<T: PartialEq + std::fmt::Debug>(what: &str, live: &[T], again: &[T]) {
    for (number, (live, again)) in live.iter().zip(again).enumerate() {
        assert_eq!(live, again, "{what}, frame {number}");
    }
    assert_eq!(live.len(), again.len(), "{what}");
    assert!(live.len() > 60, "{what}: only {} frames", live.len());
}

pub(crate) fn numbers(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().expect("a number")).collect()
}

pub(crate) fn parsed(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON")
}

pub(crate) fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}
