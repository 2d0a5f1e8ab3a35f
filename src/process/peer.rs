//! Who is at the other end of a socket: which user's it is, and which processes hold it. It judges nobody.
//!
//! By TCP the kernel knows the user of a socket on this machine, and the processes are found by looking who holds it.
//! By a Unix socket the kernel remembers who connected. That process may have handed the descriptor on to others
//! (fork, `SCM_RIGHTS`) and may have become another program since; who asks learns who connected, no more.

use super::platform;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

/// A TCP socket of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpOwner {
    /// User who made the socket.
    pub uid: u32,
    /// Number of the socket, never 0: what `/proc/PID/fd` shows as `socket:[inode]`.
    pub inode: u64,
}

/// A process at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerProcess {
    /// Its id.
    pub pid: u32,
    /// When it started, as [`super::processes::start_time`] says.
    pub start_time: u64,
    /// It is surely this one, and was running when it was asked for. Otherwise its pid may be another's by now.
    pub is_certain: bool,
}

/// Who holds a socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders {
    /// In no order, at most 64.
    pub processes: Vec<PeerProcess>,
    /// Nobody else of that user holds it, as far as they let themselves be seen. Otherwise there was more than is
    /// looked at, or a process that does not show what it holds.
    pub is_whole: bool,
}

/// The socket at the other end of an established connection; `local` and `remote` are as our own socket names them.
/// `None` where it is on another machine or in another network namespace, its connection is not (or no longer) whole,
/// or its user has no number here; always by the portable way, so nobody on TCP is known to be the same user there.
///
/// To be asked right after the connection was accepted, before anything is read from it: only while the caller's
/// connection stands, nobody else can have one with the same addresses. It takes about 20 microseconds, and some
/// milliseconds where the kernel answers no questions about sockets (sock_diag(7)) and `/proc/net/tcp` is read.
pub fn owner_of_tcp(local: SocketAddr, remote: SocketAddr) -> Option<TcpOwner> {
    platform::owner_of_tcp(local, remote)
}

/// Which processes of the user `uid` hold the socket with this number. It blocks for some milliseconds: all
/// descriptors of the user's processes are looked at. Nobody, and not whole, by the portable way.
pub fn holders_of(inode: u64, uid: u32) -> Holders {
    platform::holders_of(inode, uid)
}

/// Who connected to this Unix socket, where that process still runs. From Linux 6.5 on it is certain
/// (`SO_PEERPIDFD`); before that, its pid is known, and who has it now. `None` by the portable way.
pub fn pid_of_unix_peer(socket: BorrowedFd<'_>) -> Option<PeerProcess> {
    platform::pid_of_unix_peer(socket)
}
