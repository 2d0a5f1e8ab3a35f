//! A user's place with a hub that stands alone (`claude-mpm serve`): started, killed, started again at the same port;
//! and what it is asked over HTTP.

use crate::DEADLINE;
use crate::program::Program;
use crate::schema;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// Folders of one user: a runtime directory, a home and somewhere to work.
#[derive(Debug)]
pub struct Place {
    root: tempfile::TempDir,
    wrapper: &'static str,
}

impl Place {
    /// For runs of this program.
    ///
    /// # Panics
    /// If the folders cannot be made.
    pub fn new(wrapper: &'static str) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        for folder in ["run", "work"] {
            fs::create_dir(root.path().join(folder)).expect("a folder");
            fs::set_permissions(root.path().join(folder), fs::Permissions::from_mode(0o700)).expect("ours");
        }
        Self { root, wrapper }
    }

    /// A file or folder in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// `claude-mpm ARGS`, with nothing of the test's own environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.wrapper);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("HOME", self.root.path())
            .current_dir(self.path("work"))
            .args(args);
        command
    }

    /// Has journals of this program stand on a disk that fails (`fixtures/programs/failing_disk.c`): of writing as long as
    /// there is a file `failing` here, of reading as often as `failing_reads` has bytes. As long as there is a file
    /// `hanging`, it answers to neither. A file `syncs` gets a byte for each time records were brought to the disk.
    ///
    /// # Panics
    /// If there is no compiler.
    pub fn on_a_failing_disk(&self, command: &mut Command) {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/programs/failing_disk.c");
        let library = self.path("failing_disk.so");
        let mut compiler = Command::new("cc");
        let compiled =
            compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).args([source, "-ldl"]).status();
        assert!(compiled.expect("the compiler that Rust links with").success());
        command.env("LD_PRELOAD", library).env("FAILING_WHILE", self.path("failing"));
        command.env("FAILING_READS", self.path("failing_reads")).env("HANGING_WHILE", self.path("hanging"));
        command.env("COUNTED_SYNCS", self.path("syncs"));
    }

    /// A shell under supervision, with a hub at a free port, that runs this script.
    pub fn shell(&self, options: &[&str], script: &str) -> Command {
        let mut command = self.command(&["-q", "--launch-method", "subprocess", "--websocket-port", "auto"]);
        command.args(options).args(["--claude", "sh", "--", "-c", script]);
        command
    }

    /// Starts a hub at this port (0: one of the kernel's) and waits until it serves.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn serve(&self, port: u16) -> Hub {
        Hub::started(self.command(&["serve", "--websocket-port", &port.to_string()]))
    }
}

/// A hub that stands alone.
#[derive(Debug)]
pub struct Hub {
    /// Its port on 127.0.0.1.
    pub port: u16,
    program: Program,
}

impl Hub {
    /// Starts it and waits until it serves.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn started(command: Command) -> Self {
        let program = Program::start(command, b"");
        let line = program.wait_err(|line| line.contains("on ws://127.0.0.1:"));
        let port = line.rsplit(':').next().and_then(|digits| digits.parse().ok()).expect("a port");
        Self { port, program }
    }

    /// `ws://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// Ends it by force, and waits for that.
    pub fn kill(self) {
        self.end(Signal::SIGKILL);
    }

    /// Asks it to end, and waits for that.
    pub fn stop(self) -> ExitStatus {
        self.end(Signal::SIGTERM)
    }

    fn end(self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(self.program.pid().cast_signed()), signal).expect("it runs");
        self.program.finish().0
    }

    /// What a GET answers, as JSON.
    ///
    /// # Panics
    /// If it does not answer with 200.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let (status, body) = request(self.port, &format!("GET {path} HTTP/1.1\r\n"), "");
        assert_eq!(status, 200, "{path}: {body}");
        let answer = serde_json::from_str(&body).expect("JSON");
        if path.starts_with("/api/status") {
            schema::hold("system.status", &answer);
        }
        answer
    }

    /// The events of a session, oldest first.
    #[track_caller]
    pub fn history(&self, session: &str) -> Vec<Value> {
        let answer = self.get(&format!("/api/history?limit=10000&session={session}"));
        let events = answer.as_array().expect("an array").clone();
        events.iter().for_each(|event| schema::hold("classic/event", event));
        events
    }

    /// The answer to a POST of JSON: status and body.
    #[track_caller]
    pub fn post(&self, path: &str, body: &str) -> (u16, String) {
        request(self.port, &format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n"), body)
    }
}

/// One HTTP exchange with whoever listens at the port.
///
/// # Panics
/// If nobody answers within [`DEADLINE`].
#[track_caller]
pub fn request(port: u16, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a hub that listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let rest = format!("Host: 127.0.0.1:{port}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(format!("{head}{rest}").as_bytes()).expect("a sent request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, dechunked(head, body))
}

fn dechunked(head: &str, body: &str) -> String {
    if !head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let (mut rest, mut whole) = (body, String::new());
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            break;
        }
        whole.push_str(&tail[..size]);
        rest = &tail[size + 2..];
    }
    whole
}

/// Files below a folder, by the end of their name.
pub fn named(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.to_string_lossy().ends_with(end)).collect()
}
