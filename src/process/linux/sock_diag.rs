//! Whose a TCP socket is: one question about one socket (sock_diag(7)), and where the kernel takes no such questions,
//! the table `/proc/net/tcp`. Also how such questions are put; that about Unix sockets is `unix_diag`'s.

use super::proc_net;
use crate::process::peer::TcpOwner;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::sockopt::{ReceiveTimeout, SendTimeout};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recvfrom, send, setsockopt,
    socket,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The kernel answers before the question's system call returns; this is for one that does not.
const ANSWER_MILLIS: i64 = 50;
/// `SOCK_DIAG_BY_FAMILY` of linux/sock_diag.h.
const BY_FAMILY: u16 = 20;
/// `TCP_ESTABLISHED` of net/tcp_states.h.
pub(super) const ESTABLISHED: u8 = 1;
/// Bytes of `struct nlmsghdr`.
pub(super) const HEADER: usize = 16;
/// Bytes of `struct inet_diag_req_v2`.
const QUESTION: usize = 56;
/// Bytes of `struct inet_diag_msg`.
const ANSWER: usize = 72;
/// Users of other namespaces that have no number here all look like this one (user_namespaces(7)).
const NOBODY: u32 = 65534;
/// In how many numbers every user has one.
const ALL_USERS: &str = "4294967295";

/// Whether such a question was ever answered with a socket. Until then "there is none" may mean that the kernel lacks
/// its module `tcp_diag`.
static ANSWERS: AtomicBool = AtomicBool::new(false);

/// The socket at the other end; see [`crate::process::peer::owner_of_tcp`].
pub(in crate::process) fn owner_of_tcp(local: SocketAddr, remote: SocketAddr) -> Option<TcpOwner> {
    let found = match ask(remote, local) {
        Ok(found) => {
            ANSWERS.store(true, Relaxed);
            found
        }
        Err(Errno::ENOENT) if ANSWERS.load(Relaxed) => None,
        Err(_) => proc_net::owner(remote, local),
    };
    found.filter(|owner| owner.inode != 0 && (owner.uid != NOBODY || has_number_for_all()))
}

/// Whether this namespace has a number for every user, so that nobody else looks like `nobody`.
fn has_number_for_all() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.lines().any(|line| line.split_ascii_whitespace().nth(2) == Some(ALL_USERS))
}

/// Asks for the socket `from` that is connected `to`; `None` where it is not established, or another was found.
fn ask(from: SocketAddr, to: SocketAddr) -> Result<Option<TcpOwner>, Errno> {
    let sequence = next_number();
    read(&asked(&question(from, to, sequence))?, sequence)
        .map(|found| found.filter(|row| row.connects(from, to)).map(|row| row.owner))
}

/// Of a question: known in no other process, so that no late answer to another is taken for ours.
pub(super) fn next_number() -> u32 {
    static QUESTIONS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    QUESTIONS.fetch_add(1, Relaxed)
}

/// What the kernel answers.
pub(super) fn asked(question: &[u8]) -> Result<Vec<u8>, Errno> {
    let kernel = open()?;
    send(kernel.as_raw_fd(), question, MsgFlags::MSG_NOSIGNAL)?;
    let mut answer = vec![0; 4096];
    let (length, sender) = recvfrom::<NetlinkAddr>(kernel.as_raw_fd(), &mut answer)?;
    // Port 0 is the kernel.
    if sender.is_none_or(|sender| sender.pid() != 0) {
        return Err(Errno::EPROTO);
    }
    answer.truncate(length);
    Ok(answer)
}

fn open() -> Result<OwnedFd, Errno> {
    let protocol = SockProtocol::NetlinkSockDiag;
    let kernel = socket(AddressFamily::Netlink, SockType::Datagram, SockFlag::SOCK_CLOEXEC, protocol)?;
    setsockopt(&kernel, ReceiveTimeout, &TimeVal::milliseconds(ANSWER_MILLIS))?;
    setsockopt(&kernel, SendTimeout, &TimeVal::milliseconds(ANSWER_MILLIS))?;
    Ok(kernel)
}

/// `struct nlmsghdr`, then `struct inet_diag_req_v2` with the whole address of one socket: no list is asked for.
fn question(from: SocketAddr, to: SocketAddr, sequence: u32) -> Vec<u8> {
    // A socket of IPv6 that speaks IPv4 is found by its IPv4 address.
    let (source, destination) = (from.ip().to_canonical(), to.ip().to_canonical());
    let family = if source.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let mut text = header(QUESTION, sequence);
    text.extend([u8::try_from(family).unwrap_or(0), u8::try_from(libc::IPPROTO_TCP).unwrap_or(0), 0, 0]);
    text.extend((1_u32 << ESTABLISHED).to_ne_bytes());
    text.extend(from.port().to_be_bytes());
    text.extend(to.port().to_be_bytes());
    text.extend(sixteen(source));
    text.extend(sixteen(destination));
    text.extend(interface(from).to_ne_bytes());
    // No cookie.
    text.extend([0xff; 8]);
    text
}

/// What a question of so many bytes begins with.
pub(super) fn header(length: usize, sequence: u32) -> Vec<u8> {
    let request = u16::try_from(libc::NLM_F_REQUEST).unwrap_or(1);
    let mut text = Vec::with_capacity(HEADER + length);
    text.extend(u32::try_from(HEADER + length).unwrap_or(0).to_ne_bytes());
    text.extend(BY_FAMILY.to_ne_bytes());
    text.extend(request.to_ne_bytes());
    text.extend(sequence.to_ne_bytes());
    text.extend(0_u32.to_ne_bytes());
    text
}

/// An address as it stands in such a message.
fn sixteen(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut octets = [0; 16];
            octets[..4].copy_from_slice(&address.octets());
            octets
        }
    }
}

/// A connection between addresses that mean something on one interface only is bound to that interface.
fn interface(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V6(address) => address.scope_id(),
        SocketAddr::V4(_) => 0,
    }
}

/// What the kernel says of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    state: u8,
    from: (IpAddr, u16),
    to: (IpAddr, u16),
    owner: TcpOwner,
}

impl Row {
    /// The kernel also finds who listens, and what is left of a connection.
    fn connects(&self, from: SocketAddr, to: SocketAddr) -> bool {
        let plain = |address: SocketAddr| (address.ip().to_canonical(), address.port());
        self.state == ESTABLISHED && self.from == plain(from) && self.to == plain(to)
    }
}

/// Reads an answer; `None` where it is none to this question.
fn read(answer: &[u8], sequence: u32) -> Result<Option<Row>, Errno> {
    Ok(row(body(answer, sequence)?.get(..ANSWER).ok_or(Errno::EPROTO)?))
}

/// What an answer to this question says.
pub(super) fn body(answer: &[u8], sequence: u32) -> Result<&[u8], Errno> {
    let half =
        |at: usize| answer.get(at..at + 2).and_then(|two| Some(u16::from_ne_bytes(two.try_into().ok()?)));
    let length = word(answer, 0).and_then(|length| usize::try_from(length).ok());
    let whole = length.and_then(|length| answer.get(HEADER..length)).ok_or(Errno::EPROTO)?;
    if word(answer, 8) != Some(sequence) {
        return Err(Errno::EPROTO);
    }
    match half(4) {
        Some(BY_FAMILY) => Ok(whole),
        Some(kind) if i32::from(kind) == libc::NLMSG_ERROR => Err(word(answer, HEADER)
            .map_or(Errno::EPROTO, |errno| Errno::from_raw(errno.cast_signed().saturating_neg()))),
        _ => Err(Errno::EPROTO),
    }
}

/// Four bytes of a message as a number.
pub(super) fn word(message: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(message.get(at..at + 4)?.try_into().ok()?))
}

/// `struct inet_diag_msg` of linux/inet_diag.h: family, state, 2 bytes, ports, addresses, interface, cookie, expires,
/// two queues, uid, inode.
fn row(message: &[u8]) -> Option<Row> {
    let port = |at: usize| Some(u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?));
    let address = |at: usize| {
        let octets: [u8; 16] = message.get(at..at + 16)?.try_into().ok()?;
        Some(match i32::from(*message.first()?) == libc::AF_INET {
            true => IpAddr::from([octets[0], octets[1], octets[2], octets[3]]),
            false => IpAddr::V6(Ipv6Addr::from(octets)).to_canonical(),
        })
    };
    Some(Row {
        state: *message.get(1)?,
        from: (address(8)?, port(4)?),
        to: (address(24)?, port(6)?),
        owner: TcpOwner { uid: word(message, 64)?, inode: word(message, 68)?.into() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::fs::MetadataExt;

    fn inode(socket: &impl AsRawFd) -> u64 {
        std::fs::metadata(format!("/proc/self/fd/{}", socket.as_raw_fd())).unwrap().ino()
    }

    /// Listener address, address that is called.
    const WAYS: [(&str, &str); 4] = [
        ("127.0.0.1:0", "127.0.0.1"),
        ("[::1]:0", "::1"),
        // One that takes both, called by IPv4 and by a socket of IPv6 that speaks IPv4.
        ("[::]:0", "127.0.0.1"),
        ("[::]:0", "::ffff:127.0.0.1"),
    ];

    #[test]
    fn the_socket_at_the_other_end_is_found_however_it_was_called() {
        for (at, called) in WAYS {
            let Ok(listener) = TcpListener::bind(at) else { continue };
            let port = listener.local_addr().unwrap().port();
            let client = TcpStream::connect((called, port)).unwrap();
            let (server, remote) = listener.accept().unwrap();
            let local = server.local_addr().unwrap();
            let expected = TcpOwner { uid: nix::unistd::geteuid().as_raw(), inode: inode(&client) };
            let is_somebody = expected.uid != NOBODY || has_number_for_all();
            assert_eq!(owner_of_tcp(local, remote), is_somebody.then_some(expected), "{called}");
            assert_eq!(ask(remote, local), Ok(Some(expected)), "{called}");
            assert_eq!(proc_net::owner(remote, local), Some(expected), "{called}");
        }
    }

    /// The kernel finds the listener too where no connection fits, and that must never be taken for the caller.
    #[test]
    fn neither_a_listener_nor_half_a_connection_is_anybody() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = listener.local_addr().unwrap();
        let client = TcpStream::connect(local).unwrap();
        let (server, remote) = listener.accept().unwrap();
        let other = SocketAddr::new(remote.ip(), remote.port().wrapping_add(1).max(1));
        for (ours, theirs) in [(other, local), (local, other), (remote, other)] {
            assert_eq!(owner_of_tcp(ours, theirs), None, "{ours} {theirs}");
            assert_eq!(proc_net::owner(theirs, ours), None, "{ours} {theirs}");
        }
        client.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!((owner_of_tcp(local, remote), proc_net::owner(remote, local)), (None, None));
        drop((client, server));
        assert_eq!(owner_of_tcp(local, remote), None);
    }

    #[test]
    fn an_answer_that_is_cut_or_anothers_is_none() {
        let (from, to) = ("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        let mut answer = question(from, to, 7);
        answer.resize(HEADER + ANSWER, 0);
        answer[0] = u8::try_from(HEADER + ANSWER).unwrap();
        assert!(read(&answer, 7).unwrap().is_some());
        assert_eq!(read(&answer, 8), Err(Errno::EPROTO));
        for cut in 0..answer.len() {
            assert_eq!(read(&answer[..cut], 7), Err(Errno::EPROTO), "{cut}");
        }
        answer[4] = 2;
        answer[16..20].copy_from_slice(&(-2_i32).to_ne_bytes());
        assert_eq!(read(&answer, 7), Err(Errno::ENOENT));
    }
}
