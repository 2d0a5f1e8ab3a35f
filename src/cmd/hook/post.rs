//! One HTTP request to a hub's Unix socket, with a deadline on every wait. It knows no events.

use super::body::wait;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::PollFlags;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use nix::unistd::{read, write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Longest answer, bytes: a changed input may be as long as what a client may send.
const MAX_ANSWER: usize = 1 << 20;
/// How long a hub whose queue of callers is full is left alone before it is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(5);

/// A connection to a hub.
#[derive(Debug)]
pub(super) struct Line {
    socket: OwnedFd,
}

impl Line {
    /// Calls the hub. `None` when nobody is there, or nobody answers in time.
    pub(super) fn open(path: &Path, deadline: Instant) -> Option<Self> {
        let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).ok()?;
        fcntl(&socket, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).ok()?;
        let address = UnixAddr::new(path).ok()?;
        loop {
            match connect(socket.as_raw_fd(), &address) {
                Ok(()) => return Some(Self { socket }),
                // unix(7): a connection is made at once, or the queue is full.
                Err(nix::Error::EAGAIN | nix::Error::EINTR) if Instant::now() + TRY_AGAIN < deadline => {
                    thread::sleep(TRY_AGAIN);
                }
                Err(_) => return None,
            }
        }
    }

    /// Sends everything (SIGPIPE is ignored, as Rust's runtime has it); `None` when the other end does not take it in time.
    pub(super) fn send(&self, mut bytes: &[u8], deadline: Instant) -> Option<()> {
        while !bytes.is_empty() {
            match write(&self.socket, bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(nix::Error::EAGAIN) if wait(&self.socket, PollFlags::POLLOUT, deadline) => {}
                Err(nix::Error::EINTR) => {}
                Err(_) => return None,
            }
        }
        Some(())
    }

    /// Waits for the first bytes of an answer, or the end: so the hub has taken what was sent before claude goes on.
    pub(super) fn await_answer(&self, deadline: Instant) {
        if wait(&self.socket, PollFlags::POLLIN, deadline) {
            // What it says makes no difference; it is read so that the hub is not cut off while it writes.
            let _answer = read(&self.socket, &mut [0; 1024]);
        }
    }

    /// Waits for the whole answer; its body, where it has one.
    pub(super) fn read_answer(&self, deadline: Instant) -> Option<Vec<u8>> {
        let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
        while answer.len() < MAX_ANSWER && wait(&self.socket, PollFlags::POLLIN, deadline) {
            match read(&self.socket, &mut piece) {
                Ok(0) => return body_of(&answer),
                Ok(count) => answer.extend_from_slice(&piece[..count]),
                Err(nix::Error::EAGAIN | nix::Error::EINTR) => {}
                Err(_) => return None,
            }
        }
        None
    }
}

/// The body of an answer that has one.
fn body_of(answer: &[u8]) -> Option<Vec<u8>> {
    let head = memchr::memmem::find(answer, b"\r\n\r\n")?;
    let body = &answer[head + 4..];
    (answer.starts_with(b"HTTP/1.1 200 ") && !body.is_empty()).then(|| body.to_vec())
}

/// The head of a request that posts `length` bytes of JSON to `path`, which needs no escapes. `more` are whole lines.
pub(super) fn head(path: &str, length: usize, key: Option<&str>, more: &str) -> String {
    let authorization = match key.filter(|key| is_header_text(key)) {
        Some(key) => format!("Authorization: Bearer {key}\r\n"),
        None => String::new(),
    };
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         {authorization}{more}Connection: close\r\n\r\n"
    )
}

fn is_header_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_would_be_more_than_a_key_is_left_out() {
        assert!(head("/x", 2, Some("k-1"), "").contains("\r\nAuthorization: Bearer k-1\r\n"));
        for key in ["a\r\nX: y", "a b", "ключ"] {
            assert_eq!(head("/x", 2, Some(key), ""), head("/x", 2, None, ""));
        }
    }
}
