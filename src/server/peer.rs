//! Who is at the other end, as the kernel says: by which way, which user, which process.
//!
//! What a caller claims is not looked at here. What may be done from there is `role`'s.

use super::listener::Stream;
use crate::process::lineage::{Lineage, Signs, lineage_of, lineage_of_all};
use crate::process::peer::{
    PeerProcess, TcpOwner, holders_of, is_address_of_ours, owner_of_tcp, pid_of_unix_peer,
};
use std::fmt;
use std::net::SocketAddr;
use std::os::fd::AsFd;

/// The other end of a connection.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    way: Way,
    /// Its user, where that is known.
    pub(super) uid: Option<u32>,
}

#[derive(Debug, Clone)]
enum Way {
    Unix(Option<PeerProcess>),
    /// `owner` is known for callers of this machine alone; one of them may be without.
    Tcp {
        address: Option<SocketAddr>,
        owner: Option<TcpOwner>,
        is_elsewhere: bool,
    },
}

impl Peer {
    /// To be asked right after the connection was accepted: the kernel knows it by its addresses only while it stands.
    pub(super) fn of(stream: &Stream) -> Self {
        if let Stream::Unix(stream) = stream {
            let uid = stream.peer_cred().ok().map(|peer| peer.uid());
            return Self { way: Way::Unix(pid_of_unix_peer(stream.as_fd())), uid };
        }
        let (bound, address) = (stream.bound(), stream.remote());
        let ends = bound.zip(address);
        // Whatever its address says: it may have chosen any of this machine's.
        let owner = ends.and_then(|(bound, remote)| owner_of_tcp(bound, remote));
        let is_elsewhere = owner.is_none() && ends.is_some_and(|(bound, remote)| is_elsewhere(bound, remote));
        Self { way: Way::Tcp { address, owner, is_elsewhere }, uid: owner.map(|owner| owner.uid) }
    }

    /// Whether it is the user that we are.
    pub(super) fn is_own_user(&self) -> bool {
        self.uid == Some(nix::unistd::geteuid().as_raw())
    }

    /// Whether it came by the Unix socket.
    pub(super) fn is_unix(&self) -> bool {
        matches!(self.way, Way::Unix(_))
    }

    /// Whether [`Self::lineage`] takes no more than a few small files: of a caller by TCP on this machine, it takes all
    /// that its user's processes hold.
    pub(super) fn is_soon_known(&self) -> bool {
        !matches!(self.way, Way::Tcp { owner: Some(_), .. })
    }

    /// Whether what goes there stays on this machine, by what its address says.
    pub(super) fn is_near(&self) -> bool {
        match &self.way {
            Way::Unix(_) => true,
            Way::Tcp { address, .. } => {
                address.is_none_or(|address| address.ip().to_canonical().is_loopback())
            }
        }
    }

    /// By which way, in a word.
    pub(super) fn transport(&self) -> &'static str {
        if self.is_unix() { "unix" } else { "tcp" }
    }

    /// Its process, where that is known.
    pub(super) fn pid(&self) -> Option<u32> {
        match &self.way {
            Way::Unix(process) => process.map(|process| process.pid),
            Way::Tcp { .. } => None,
        }
    }

    /// Whether a supervised claude is behind it. Of one on another machine nothing leads to a claude here. Blocks for some
    /// milliseconds where it came by TCP.
    pub(super) fn lineage(&self, signs: &Signs<'_>) -> Lineage {
        match &self.way {
            Way::Unix(Some(process)) => lineage_of(*process, signs),
            Way::Tcp { owner: Some(owner), .. } => lineage_of_all(&holders_of(owner.inode, owner.uid), signs),
            Way::Tcp { is_elsewhere: true, .. } => Lineage::Free,
            Way::Unix(None) | Way::Tcp { owner: None, .. } => Lineage::Unknown,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Unix(Some(process)) => write!(out, "unix pid {}", process.pid),
            Way::Unix(None) => out.write_str("unix"),
            Way::Tcp { address: Some(address), .. } => write!(out, "tcp {address}"),
            Way::Tcp { address: None, .. } => out.write_str("tcp"),
        }
    }
}

/// Whether the caller, of whom the kernel knows no socket here, is surely on another machine. One that came in by
/// loopback is not, whatever address it has (a forwarded port, another namespace), nor one that has an address of ours.
fn is_elsewhere(bound: SocketAddr, remote: SocketAddr) -> bool {
    !bound.ip().to_canonical().is_loopback() && !is_address_of_ours(remote.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_to_loopback_or_to_a_unix_socket_stays_on_this_machine() {
        let at = |address: Option<&str>| {
            let address = address.map(|address| address.parse().unwrap());
            Peer { way: Way::Tcp { address, owner: None, is_elsewhere: false }, uid: None }.is_near()
        };
        for (address, expected) in [
            ("127.0.0.1:1", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("192.168.1.5:1", false),
            ("[2001:db8::7]:1", false),
        ] {
            assert_eq!(at(Some(address)), expected, "{address}");
        }
        assert!(at(None) && Peer { way: Way::Unix(None), uid: None }.is_near());
    }

    #[test]
    fn who_comes_by_loopback_or_from_an_address_of_ours_is_not_elsewhere() {
        for (bound, remote, expected) in [
            ("127.0.0.1:1", "127.0.0.1:2", false),
            ("127.0.0.1:1", "127.9.9.9:2", false),
            ("[::1]:1", "[::1]:2", false),
            ("10.0.0.1:1", "127.9.9.9:2", false),
            ("[::ffff:127.0.0.1]:1", "[::ffff:203.0.113.7]:2", false),
            // By an address that nobody can have who does not reach us through this machine.
            ("127.0.0.1:1", "203.0.113.7:2", false),
            ("[::1]:1", "[2001:db8::7]:2", false),
            ("10.0.0.1:1", "203.0.113.7:2", true),
            ("[::ffff:10.0.0.1]:1", "[::ffff:203.0.113.7]:2", true),
            ("[fe80::1]:1", "[2001:db8::7]:2", true),
        ] {
            let (bound, remote) = (bound.parse().unwrap(), remote.parse().unwrap());
            assert_eq!(is_elsewhere(bound, remote), expected, "{remote} at {bound}");
        }
    }
}
