//! A client that may break every rule: it sends the bytes it is given, over HTTP and WebSocket, by TCP or by a Unix
//! socket, and says what came back. It knows no schema and keeps no promise of its own.

use crate::DEADLINE;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, SockaddrIn};
use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// What every handshake of a WebSocket has beside its first line and its Host.
pub const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A connection, on which every wait ends after [`DEADLINE`].
#[derive(Debug)]
pub enum Wire {
    /// By TCP.
    Tcp(TcpStream),
    /// By a Unix socket.
    Unix(UnixStream),
}

/// The answer to an HTTP request.
#[derive(Debug)]
pub struct Answer {
    /// 0 when the connection ended without one.
    pub status: u16,
    /// First line and headers.
    pub head: String,
    /// What follows, as it came.
    pub body: String,
}

impl Answer {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Whether the head has a header of that name.
    pub fn has(&self, name: &str) -> bool {
        let is_it = |line: &str| line.split(':').next().is_some_and(|own| own.eq_ignore_ascii_case(name));
        self.head.lines().any(is_it)
    }
}

impl Wire {
    /// To a port of this machine.
    ///
    /// # Errors
    /// When nobody takes the connection.
    pub fn tcp(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }

    /// To a port at 127.0.0.1, from this address of the machine.
    ///
    /// # Errors
    /// When it is no address of this machine, or nobody takes the connection.
    pub fn tcp_from(from: Ipv4Addr, port: u16) -> io::Result<Self> {
        let address = |ip, port| SockaddrIn::from(SocketAddrV4::new(ip, port));
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket::socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
        socket::bind(socket.as_raw_fd(), &address(from, 0))?;
        socket::connect(socket.as_raw_fd(), &address(Ipv4Addr::LOCALHOST, port))?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Self::Tcp(stream))
    }

    /// To a Unix socket.
    ///
    /// # Errors
    /// When nobody takes the connection.
    pub fn unix(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Self::Unix(stream))
    }

    /// From now on no wait is longer.
    pub fn hurry(&self, longest: Duration) {
        let (read, write) = (Some(longest), Some(longest));
        // Of an open socket and a time above zero neither fails.
        let _set = match self {
            Self::Tcp(stream) => stream.set_read_timeout(read).and(stream.set_write_timeout(write)),
            Self::Unix(stream) => stream.set_read_timeout(read).and(stream.set_write_timeout(write)),
        };
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the other end is gone, or takes nothing.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    /// Sends a text frame.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.send(&masked(0x81, text.as_bytes()))
    }

    /// Says that nothing more is sent.
    pub fn end(&self) {
        // Gone already is as good.
        let _ended = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    /// Everything until the connection ends; of a WebSocket the head of the answer alone.
    pub fn answer(&mut self) -> Answer {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") {
            match self.read(&mut byte) {
                Ok(1..) => bytes.push(byte[0]),
                Ok(0) | Err(_) => return Answer::of(&bytes),
            }
        }
        if !bytes.starts_with(b"HTTP/1.1 101") {
            // What was cut off is as much as came.
            let _whole = self.read_to_end(&mut bytes);
        }
        Answer::of(&bytes)
    }

    /// The next frame: opcode and payload; `None` when the connection ended.
    pub fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.read_exact(&mut head).ok()?;
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                self.read_exact(&mut length).ok()?;
                u64::from(u16::from_be_bytes(length))
            }
            127 => {
                let mut length = [0; 8];
                self.read_exact(&mut length).ok()?;
                u64::from_be_bytes(length)
            }
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).ok()?];
        self.read_exact(&mut payload).ok()?;
        Some((head[0] & 0x0f, payload))
    }

    /// The next text frame as JSON; `None` when a Close comes, or the end.
    pub fn json(&mut self) -> Option<Value> {
        loop {
            match self.frame()? {
                (1, payload) => return serde_json::from_slice(&payload).ok(),
                (8, _) => return None,
                _ => {}
            }
        }
    }

    /// Passes over frames to a Close, and says its code; `None` when the connection ends without one.
    pub fn close_code(&mut self) -> Option<u16> {
        loop {
            if let (8, payload) = self.frame()? {
                return Some(u16::from_be_bytes([*payload.first()?, *payload.get(1)?]));
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(bytes),
            Self::Unix(stream) => stream.read(bytes),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The answer to a request at a port, in which `PORT` becomes that.
///
/// # Panics
/// If nobody takes the connection.
#[track_caller]
pub fn ask(port: u16, request: &str) -> Answer {
    ask_bytes(port, request.replace("PORT", &port.to_string()).as_bytes())
}

/// The answer to these bytes.
///
/// # Panics
/// As [`ask`].
#[track_caller]
pub fn ask_bytes(port: u16, request: &[u8]) -> Answer {
    let mut wire = Wire::tcp(port).expect("a hub that listens");
    // It may answer, and hang up, before it has read everything.
    let _sent = wire.send(request);
    wire.answer()
}

/// The request for a WebSocket at a path; each header ends with CRLF.
pub fn handshake(port: u16, path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{HANDSHAKE}{headers}\r\n")
}

/// A WebSocket at a path of a port, or the answer that refused it.
///
/// # Errors
/// The answer, where it is another than 101.
///
/// # Panics
/// If nobody takes the connection.
#[track_caller]
pub fn upgraded(port: u16, path: &str, headers: &str) -> Result<Wire, Box<Answer>> {
    let wire = Wire::tcp(port).expect("a hub that listens");
    upgraded_on(wire, &handshake(port, path, headers))
}

/// The same on a connection that stands.
///
/// # Errors
/// As [`upgraded`].
pub fn upgraded_on(mut wire: Wire, request: &str) -> Result<Wire, Box<Answer>> {
    let _sent = wire.send(request.as_bytes());
    let answer = wire.answer();
    if answer.status == 101 { Ok(wire) } else { Err(Box::new(answer)) }
}

/// A masked frame; `first` is the byte with flags and opcode.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..126), _) => frame.push(0x80 | short),
        (_, Ok(medium)) => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    let mask = [1, 2, 3, 4];
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
