//! Which socket is at the other end of a Unix socket: one question about one socket (sock_diag(7), `UDIAG_SHOW_PEER`).

use super::sock_diag::{asked, body, header, next_number, word};
use nix::libc;
use nix::sys::stat::fstat;
use std::os::fd::BorrowedFd;

/// Bytes of `struct unix_diag_req` of linux/unix_diag.h.
const QUESTION: usize = 24;
/// Bytes of `struct unix_diag_msg`, behind which the attributes stand.
const ANSWER: usize = 16;
/// `UDIAG_SHOW_PEER`.
const SHOW_PEER: u32 = 4;
/// `UNIX_DIAG_PEER`.
const PEER: u16 = 2;

/// Its number, as `/proc/PID/fd` shows it; `None` where the other end is closed, or the kernel takes no such questions.
pub(super) fn peer_of(socket: BorrowedFd<'_>) -> Option<u64> {
    let own = u32::try_from(fstat(socket).ok()?.st_ino).ok()?;
    let sequence = next_number();
    let answer = asked(&question(own, sequence)).ok()?;
    let told = body(&answer, sequence).ok()?;
    // Family, type, state, nothing, then the number.
    let is_it = word(told, 4) == Some(own);
    peer_in(told.get(ANSWER..).filter(|_| is_it)?).filter(|peer| *peer != 0).map(u64::from)
}

/// Family, protocol, nothing, states, number, what to show, no cookie.
fn question(inode: u32, sequence: u32) -> Vec<u8> {
    let mut text = header(QUESTION, sequence);
    text.extend([u8::try_from(libc::AF_UNIX).unwrap_or(1), 0, 0, 0]);
    text.extend(u32::MAX.to_ne_bytes());
    text.extend(inode.to_ne_bytes());
    text.extend(SHOW_PEER.to_ne_bytes());
    text.extend([0xff; 8]);
    text
}

/// Among attributes (`struct rtattr`): length, kind, value, each at a multiple of four.
fn peer_in(mut attributes: &[u8]) -> Option<u32> {
    loop {
        let half = |at: usize| Some(u16::from_ne_bytes(attributes.get(at..at + 2)?.try_into().ok()?));
        let (length, kind) = (usize::from(half(0)?), half(2)?);
        if kind == PEER {
            return word(attributes.get(..length)?, 4);
        }
        attributes = attributes.get(length.max(4).next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn the_other_end_of_a_unix_socket_has_a_number_until_it_is_closed() {
        let place = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(place.path().join("s")).unwrap();
        let client = UnixStream::connect(place.path().join("s")).unwrap();
        let (server, _) = listener.accept().unwrap();
        let Some(peer) = peer_of(server.as_fd()) else {
            eprintln!("skipped: this kernel tells nothing of Unix sockets");
            return;
        };
        assert_eq!(peer, fstat(&client).unwrap().st_ino);
        assert_eq!(peer_of(client.as_fd()), Some(fstat(&server).unwrap().st_ino));
        assert_eq!(peer_of(listener.as_fd()), None);
        drop(client);
        assert_eq!(peer_of(server.as_fd()), None);
    }

    #[test]
    fn attributes_that_are_cut_or_lie_about_their_length_have_no_peer() {
        let mut told = vec![8, 0, 2, 0, 7, 0, 0, 0];
        assert_eq!(peer_in(&told), Some(u32::from_ne_bytes([7, 0, 0, 0])));
        for cut in 0..told.len() {
            assert_eq!(peer_in(&told[..cut]), None, "{cut}");
        }
        told.splice(0..0, [5, 0, 1, 0, 9, 0, 0, 0]);
        assert_eq!(peer_in(&told), Some(u32::from_ne_bytes([7, 0, 0, 0])));
        told[0] = 0;
        assert_eq!(peer_in(&told), None);
        told[0] = 200;
        assert_eq!(peer_in(&told), None);
    }
}
