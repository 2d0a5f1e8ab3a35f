//! A program that passes for claude, run by claude-mpm with a home of its own, and a client that hears everything. What
//! the program does beside waiting is the test's to do: it knows the program's pid, its hooks' address and key.

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread::JoinHandle;
use test_support::DEADLINE;
use test_support::instance::status_at;
use test_support::meeting::Meeting;
use test_support::piped;
use test_support::subscriber::{Received, Subscriber};
use test_support::wrapper::Wrapper;

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// The code the program ends with.
pub(crate) const CODE: i32 = 7;
/// It tells where it is, waits, writes what the test has put into its home, and ends.
const PROGRAM: &str = r#"#!/bin/sh
[ "$1" = --settings ] && printf '%s' "$2" >"$HOME/settings.seen"
{ echo "$$"; echo "$CLAUDE_MPM_URL"; echo "$CLAUDE_MPM_HOOK_KEY"; } >"$MEETING/up"
while read -r go <"$MEETING/down" && [ "$go" = write ]; do
    cat "$HOME/output"
    echo written >"$MEETING/up"
done
echo 'on stderr' >&2
exit 7
"#;

/// The program at work.
pub(crate) struct Stand {
    pub(crate) home: tempfile::TempDir,
    pub(crate) client: Subscriber,
    /// The process that passes for claude.
    pub(crate) pid: u32,
    url: String,
    key: String,
    meeting: Meeting,
    wrapper: Wrapper,
    running: JoinHandle<Output>,
}

impl Stand {
    /// Starts it with these options of claude-mpm and arguments of its own.
    pub(crate) fn start(options: &[&str], arguments: &[&str]) -> Self {
        let home = tempfile::Builder::new().prefix("bad").tempdir().unwrap();
        let (meeting, wrapper) = (Meeting::new(), Wrapper::new(WRAPPER));
        let program = home.path().join("program");
        fs::write(&program, PROGRAM).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(home.path().join("output"), "").unwrap();
        let mut command = Command::new(WRAPPER);
        command.args(["-q", "--websocket-port", "auto", "--launch-method", "subprocess"]).args(options);
        command.arg("--claude").arg(&program).arg("--").args(arguments);
        wrapper.surround(&mut command);
        command.env("HOME", home.path()).env("MEETING", meeting.folder()).env_remove("CLAUDE_CONFIG_DIR");
        command.current_dir(home.path());
        let running = std::thread::spawn(|| piped::run(command, b"", 2 * DEADLINE));
        let pid = meeting.hear().parse().expect("a pid");
        let (url, key) = (meeting.hear(), meeting.hear());
        let client = Subscriber::connect(&url);
        Self { home, client, pid, url, key, meeting, wrapper, running }
    }

    /// Lets the program write `output` to its stdout.
    pub(crate) fn write(&self, output: &[u8]) {
        fs::write(self.home.path().join("output"), output).unwrap();
        self.meeting.say("write");
        assert_eq!(self.meeting.hear(), "written");
    }

    /// Lets the program end; how it ended and what was heard.
    #[track_caller]
    pub(crate) fn end(self) -> (Output, Received) {
        self.meeting.say("end");
        let output = self.running.join().expect("a program that ends");
        let received = self.client.wait_close();
        assert!(self.wrapper.left_behind().is_empty(), "something is left of the instance");
        assert_eq!(output.status.code(), Some(CODE), "{output:?}");
        (output, received)
    }

    /// Where claude would keep its files.
    pub(crate) fn folder(&self) -> PathBuf {
        self.home.path().join(".claude")
    }

    /// What the hub says is true now.
    pub(crate) fn status(&self) -> Value {
        status_at(&self.url)
    }

    /// A caller at the listener for this run's hooks.
    pub(crate) fn poster(&self) -> Poster {
        let settings = fs::read(self.home.path().join("settings.seen")).unwrap();
        let settings: Value = serde_json::from_slice(&settings).unwrap();
        let url = settings["hooks"]["Stop"][0]["hooks"][0]["url"].as_str().expect("a URL");
        let address = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
        Poster { stream: connect(&address), address, key: self.key.clone() }
    }

    /// The path of a transcript of the session, whose folder is made.
    pub(crate) fn transcript(&self, session: &str) -> PathBuf {
        let project = self.folder().join("projects/-p");
        fs::create_dir_all(&project).unwrap();
        project.join(format!("{session}.jsonl"))
    }
}

/// Posts hooks on a connection it keeps.
pub(crate) struct Poster {
    stream: BufReader<TcpStream>,
    address: String,
    pub(crate) key: String,
}

fn connect(address: &str) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    BufReader::new(stream)
}

impl Poster {
    /// Posts one and gives the status of the answer; `None` where the connection was closed without one.
    pub(crate) fn post(&mut self, event: &str, body: &[u8]) -> Option<u16> {
        let head = format!(
            "POST /api/hooks/{event} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.key,
            body.len()
        );
        // One that is refused may be answered before it was sent whole.
        let _cut = self.stream.get_mut().write_all(&[head.as_bytes(), body].concat());
        let answer = self.answer();
        if answer != Some(204) {
            self.stream = connect(&self.address);
        }
        answer
    }

    fn answer(&mut self) -> Option<u16> {
        let (mut first, mut line) = (String::new(), String::new());
        self.stream.read_line(&mut first).ok()?;
        while self.stream.read_line(&mut line).is_ok_and(|count| count > 2) {
            line.clear();
        }
        first.split(' ').nth(1)?.parse().ok()
    }
}

/// The errors of a component.
pub(crate) fn errors<'a>(received: &'a Received, component: &str) -> Vec<&'a str> {
    let errors = received.of("system.error").into_iter().filter(|data| data["component"] == component);
    errors.map(|data| data["error"].as_str().unwrap()).collect()
}
