//! What the guardian and we say to each other: records of eight bytes over a socket pair.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// Length of a record on the socket.
pub(super) const RECORD: usize = 8;

/// What we ask of the guardian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Start the child.
    Start,
    /// Send this signal to the child, and to its group where we made it.
    Signal(i32),
    /// Everything is in order; the terminal is ours to restore. The guardian may go.
    Dismissed,
}

/// What the guardian reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The child runs under this process id.
    Started(i32),
    /// It could not be executed: errno.
    Failed(i32),
    /// It was stopped by this signal.
    Stopped(i32),
    /// It exited with this code, 0-255.
    Exited(i32),
    /// This signal ended it.
    Signaled(i32),
    /// The guardian itself is gone; nobody knows how the child ended.
    Lost,
}

impl Order {
    pub(super) fn encode(self) -> [u8; RECORD] {
        match self {
            Self::Start => record(1, 0),
            Self::Signal(signal) => record(2, signal),
            Self::Dismissed => record(3, 0),
        }
    }

    fn decode(record: [u8; RECORD]) -> Option<Self> {
        match fields(record) {
            (1, _) => Some(Self::Start),
            (2, signal) => Some(Self::Signal(signal)),
            (3, _) => Some(Self::Dismissed),
            _ => None,
        }
    }

    /// Reads the next order; `None` at the end of the socket, which is our death.
    pub(super) fn read(socket: &mut UnixStream) -> Option<Self> {
        let mut bytes = [0; RECORD];
        socket.read_exact(&mut bytes).ok()?;
        Self::decode(bytes)
    }
}

impl Report {
    pub(super) fn write(self, socket: &mut UnixStream) -> io::Result<()> {
        let (kind, value) = match self {
            Self::Started(pid) => (1, pid),
            Self::Failed(errno) => (2, errno),
            Self::Stopped(signal) => (3, signal),
            Self::Exited(code) => (4, code),
            Self::Signaled(signal) => (5, signal),
            Self::Lost => (6, 0),
        };
        socket.write_all(&record(kind, value))
    }

    pub(super) fn decode(record: [u8; RECORD]) -> Self {
        match fields(record) {
            (1, pid) => Self::Started(pid),
            (2, errno) => Self::Failed(errno),
            (3, signal) => Self::Stopped(signal),
            (4, code) => Self::Exited(code),
            (5, signal) => Self::Signaled(signal),
            _ => Self::Lost,
        }
    }
}

fn record(kind: i32, value: i32) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    bytes[..4].copy_from_slice(&kind.to_ne_bytes());
    bytes[4..].copy_from_slice(&value.to_ne_bytes());
    bytes
}

fn fields(bytes: [u8; RECORD]) -> (i32, i32) {
    let number = |at: usize| i32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    (number(0), number(4))
}
