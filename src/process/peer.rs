//! Who is at the other end of a socket: which user's it is, and which processes hold it. It judges nobody.
//!
//! By TCP the kernel knows the user of a socket on this machine, and the processes are found by looking who holds it.
//! By a Unix socket the kernel remembers who connected. That process may have handed the descriptor on to others
//! (fork, `SCM_RIGHTS`) and may have become another program since; who asks learns who connected, no more.

use super::platform;
use std::net::{IpAddr, SocketAddr, UdpSocket};
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

/// Whether this is an address of this machine, or of the network namespace we are in: one of an interface, one that is
/// routed to ourselves, or loopback. Where that cannot be found out, it counts as one. It takes some 50 microseconds.
pub fn is_address_of_ours(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || is_of_an_interface(address).unwrap_or(true) || is_routed_here(address)
}

fn is_of_an_interface(address: IpAddr) -> nix::Result<bool> {
    Ok(nix::ifaddrs::getifaddrs()?.any(|interface| {
        let own = interface.address;
        let v4 = own.and_then(|own| Some(IpAddr::from(own.as_sockaddr_in()?.ip())));
        v4.or_else(|| Some(IpAddr::from(own?.as_sockaddr_in6()?.ip()))) == Some(address)
    }))
}

/// Whether what is sent there comes from there, as with a whole network that is routed to loopback. Nothing is sent.
fn is_routed_here(address: IpAddr) -> bool {
    let any: IpAddr = if address.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let own = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    own.is_ok_and(|own| own.ip() == address)
}

/// Which processes of the user `uid` hold the socket with this number. It blocks for some milliseconds: all
/// descriptors of the user's processes are looked at. Nobody, and not whole, by the portable way.
pub fn holders_of(inode: u64, uid: u32) -> Holders {
    platform::holders_of(inode, uid)
}

/// Who connected to this Unix socket, where that process still runs. From Linux 6.5 on it is certain
/// (`SO_PEERPIDFD`); before that, its pid is known, and it is certain where who has that now holds the other end, of
/// which the kernel has to tell (`unix_diag`). `None` by the portable way.
pub fn pid_of_unix_peer(socket: BorrowedFd<'_>) -> Option<PeerProcess> {
    platform::pid_of_unix_peer(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_an_interface_is_ours_and_that_of_nobody_is_not() {
        for own in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(is_address_of_ours(own.parse().unwrap()), "{own}");
        }
        for interface in nix::ifaddrs::getifaddrs().unwrap() {
            if let Some(own) = interface.address.as_ref().and_then(|own| own.as_sockaddr_in()) {
                assert!(is_address_of_ours(own.ip().into()), "{own}");
            }
        }
        // Of networks for documentation, RFC 5737 and RFC 3849.
        for other in ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::7"] {
            assert!(!is_address_of_ours(other.parse().unwrap()), "{other}");
        }
    }
}
