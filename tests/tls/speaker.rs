//! A hub over TLS and who speaks to it: started, its fingerprint read off its introduction, asked over HTTPS.

use crate::WRAPPER;
use claude_mpm::tls::{Fingerprint, Trust};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, ExitStatus, Output};
use test_support::program::Program;
use test_support::standalone::Place;
use test_support::{DEADLINE, piped};
use tokio_rustls::rustls::{ClientConnection, StreamOwned, pki_types::ServerName};

/// Folders of a user of their own.
pub(crate) fn place() -> Place {
    Place::new(WRAPPER)
}

/// The end of `claude-mpm ARGS`, and both its streams as text.
#[track_caller]
pub(crate) fn run(place: &Place, args: &[&str]) -> (Option<i32>, String, String) {
    told(&piped::run(place.command(args), b"", DEADLINE))
}

/// Status, stdout and stderr.
pub(crate) fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A hub, or an instance, that has introduced itself.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) port: u16,
    /// As it was printed.
    pub(crate) certificate: String,
    pub(crate) program: Program,
}

impl Hub {
    /// `serve` at a port of the kernel's, over TLS as these options say.
    #[track_caller]
    pub(crate) fn serve(place: &Place, options: &[&str]) -> Self {
        Self::started(place.command(&[&["serve", "--websocket-port", "0"], options].concat()))
    }

    /// Waits for `... on wss://ADDRESS:PORT, certificate sha256:HEX`.
    #[track_caller]
    pub(crate) fn started(command: Command) -> Self {
        let program = Program::start(command, b"");
        let line = program.wait_err(|line| line.contains(" on wss://"));
        let rest = line.split(" on wss://").nth(1).expect("an address");
        let (address, certificate) = rest.split_once(", certificate ").expect("a certificate");
        let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let certificate = certificate.split(',').next().expect("a fingerprint").to_owned();
        Self { port, certificate, program }
    }

    pub(crate) fn url(&self) -> String {
        format!("wss://127.0.0.1:{}", self.port)
    }

    pub(crate) fn pin(&self) -> Fingerprint {
        self.certificate.parse().expect("a fingerprint")
    }

    /// The answer to a GET over TLS, head and body; `headers` end with CRLF each.
    #[track_caller]
    pub(crate) fn get(&self, path: &str, headers: &str) -> String {
        get(self.port, self.pin(), path, headers)
    }

    /// Asks it to end, and waits for that.
    #[track_caller]
    pub(crate) fn stop(self) -> ExitStatus {
        end(self.program)
    }
}

/// Asks a program to end, and waits for that.
#[track_caller]
pub(crate) fn end(program: Program) -> ExitStatus {
    kill(Pid::from_raw(program.pid().cast_signed()), Signal::SIGTERM).expect("it runs");
    program.finish().0
}

/// A connection to 127.0.0.1 on which everything has a deadline.
#[track_caller]
pub(crate) fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a hub that listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    stream
}

/// The same over TLS, with whoever shows that certificate. Hands are shaken with the first byte.
#[track_caller]
pub(crate) fn over_tls(port: u16, pin: Fingerprint) -> StreamOwned<ClientConnection, TcpStream> {
    let config = Trust::Pinned(pin).connector().expect("a pin").config().clone();
    let name = ServerName::try_from("localhost").expect("a name");
    StreamOwned::new(ClientConnection::new(config, name).expect("a client"), connect(port))
}

/// The answer to a GET over TLS, head and body.
#[track_caller]
pub(crate) fn get(port: u16, pin: Fingerprint, path: &str, headers: &str) -> String {
    let mut stream = over_tls(port, pin);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n{headers}\r\n").expect("a sent request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer, and the end of TLS");
    answer
}
