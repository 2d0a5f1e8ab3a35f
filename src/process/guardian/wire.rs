//! What the guardian and we say to each other: records of one length over a socket pair.

use crate::process::family::{Relative, Remaining};
use crate::process::followed::Exit;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// Length of a record on the socket.
pub(super) const RECORD: usize = 32;
/// Most of a command's name that is told, bytes: the kernel keeps no more.
const NAME: usize = 15;

/// What we ask of the guardian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Start the child.
    Start,
    /// Send this signal to the child, and to its group where we made it.
    Signal(i32),
    /// End the child's family with this grace, milliseconds, and name those that resist.
    EndFamily(i32),
    /// Name those of the child's family that go on, and end none.
    NameFamily,
    /// At the next start, call the child with what follows: so many bytes, NUL between two arguments.
    CallWith(i32),
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

/// What comes from the guardian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// How the child is.
    Report(Report),
    /// One that is named.
    Relative(Relative),
    /// All that are named were; so many there are.
    Total(usize),
}

impl Order {
    pub(super) fn encode(self) -> [u8; RECORD] {
        match self {
            Self::Start => record(1, 0),
            Self::Signal(signal) => record(2, signal),
            Self::Dismissed => record(3, 0),
            Self::EndFamily(grace) => record(4, grace),
            Self::NameFamily => record(5, 0),
            Self::CallWith(length) => record(6, length),
        }
    }

    fn decode(record: [u8; RECORD]) -> Option<Self> {
        match fields(record) {
            (1, _) => Some(Self::Start),
            (2, signal) => Some(Self::Signal(signal)),
            (3, _) => Some(Self::Dismissed),
            (4, grace) => Some(Self::EndFamily(grace)),
            (5, _) => Some(Self::NameFamily),
            (6, length) => Some(Self::CallWith(length)),
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
    /// How the child ended, where it says so.
    pub(super) fn exit(self) -> Option<Exit> {
        match self {
            Self::Exited(code) => Some(Exit::Code(code)),
            Self::Signaled(signal) => Some(Exit::Signal(signal)),
            Self::Started(_) | Self::Failed(_) | Self::Stopped(_) | Self::Lost => None,
        }
    }

    pub(super) fn write(self, socket: &mut UnixStream) -> io::Result<()> {
        socket.write_all(&self.encode())
    }

    fn encode(self) -> [u8; RECORD] {
        match self {
            Self::Started(pid) => record(1, pid),
            Self::Failed(errno) => record(2, errno),
            Self::Stopped(signal) => record(3, signal),
            Self::Exited(code) => record(4, code),
            Self::Signaled(signal) => record(5, signal),
            Self::Lost => record(6, 0),
        }
    }
}

impl Message {
    pub(super) fn decode(record: [u8; RECORD]) -> Self {
        match fields(record) {
            (1, pid) => Self::Report(Report::Started(pid)),
            (2, errno) => Self::Report(Report::Failed(errno)),
            (3, signal) => Self::Report(Report::Stopped(signal)),
            (4, code) => Self::Report(Report::Exited(code)),
            (5, signal) => Self::Report(Report::Signaled(signal)),
            (7, pid) => Self::Relative(decode_relative(pid, record)),
            (8, total) => Self::Total(usize::try_from(total).unwrap_or(0)),
            _ => Self::Report(Report::Lost),
        }
    }
}

/// Writes who remains: the named ones, then how many there are.
pub(super) fn write_remaining(remaining: &Remaining, socket: &mut UnixStream) -> io::Result<()> {
    for relative in &remaining.named {
        socket.write_all(&encode_relative(relative))?;
    }
    socket.write_all(&record(8, i32::try_from(remaining.total).unwrap_or(i32::MAX)))
}

/// Behind kind and pid: the start time, and the command's name, filled up with zeros.
fn encode_relative(Relative { pid, start_time, command }: &Relative) -> [u8; RECORD] {
    let mut bytes = record(7, pid.cast_signed());
    bytes[8..16].copy_from_slice(&start_time.to_ne_bytes());
    let name = &command.as_bytes()[..command.floor_char_boundary(NAME)];
    bytes[16..16 + name.len()].copy_from_slice(name);
    bytes
}

fn decode_relative(pid: i32, bytes: [u8; RECORD]) -> Relative {
    let mut start_time = [0; 8];
    start_time.copy_from_slice(&bytes[8..16]);
    let name = bytes[16..].split(|byte| *byte == 0).next().unwrap_or_default();
    Relative {
        pid: pid.cast_unsigned(),
        start_time: u64::from_ne_bytes(start_time),
        command: String::from_utf8_lossy(name).into_owned(),
    }
}

fn record(kind: i32, value: i32) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    bytes[..4].copy_from_slice(&kind.to_ne_bytes());
    bytes[4..8].copy_from_slice(&value.to_ne_bytes());
    bytes
}

fn fields(bytes: [u8; RECORD]) -> (i32, i32) {
    let number = |at: usize| i32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    (number(0), number(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_what_is_heard() {
        use Report::{Exited, Failed, Lost, Signaled, Started, Stopped};
        for order in
            [Order::Start, Order::Signal(15), Order::EndFamily(1000), Order::NameFamily, Order::Dismissed]
        {
            assert_eq!(Order::decode(order.encode()), Some(order));
        }
        for report in [Started(42), Failed(2), Stopped(20), Exited(255), Signaled(9), Lost] {
            assert_eq!(Message::decode(report.encode()), Message::Report(report));
        }
    }

    #[test]
    fn those_that_remain_are_named_and_then_counted() {
        let relative = |command: &str| Relative { pid: 7, start_time: u64::MAX, command: command.into() };
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let named = vec![relative("sleep"), relative(""), relative("half a name \u{fffd}\u{fffd}")];
        write_remaining(&Remaining { named, total: 30 }, &mut here).unwrap();
        let mut next = || {
            let mut bytes = [0; RECORD];
            there.read_exact(&mut bytes).unwrap();
            Message::decode(bytes)
        };
        assert_eq!(next(), Message::Relative(relative("sleep")));
        assert_eq!(next(), Message::Relative(relative("")));
        assert_eq!(next(), Message::Relative(relative("half a name \u{fffd}")));
        assert_eq!(next(), Message::Total(30));
    }
}
