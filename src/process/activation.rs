//! Sockets that a service manager has bound and hands over (systemd's socket activation, sd_listen_fds(3)).

use nix::sys::socket::{
    AddressFamily, SockType, SockaddrLike, SockaddrStorage, getsockname, getsockopt, sockopt,
};
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;

/// A listener that was handed over.
#[derive(Debug)]
pub enum Handed {
    /// On a TCP port.
    Tcp(TcpListener),
    /// On a path.
    Unix(UnixListener),
}

/// All of them, in the manager's order; none where no manager hands any over. To be called once, early: the
/// descriptors are taken.
///
/// # Errors
/// When the environment makes no sense, or one of them is no listening stream socket.
pub fn handed_over() -> io::Result<Vec<Handed>> {
    sd_notify::listen_fds()?.map(take).collect()
}

#[expect(unsafe_code, reason = "the manager opened the descriptor for us, and nobody else here knows it")]
fn take(fd: RawFd) -> io::Result<Handed> {
    // SAFETY: sd_listen_fds(3) says that it is open and ours; each is taken once.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let unfit = || {
        io::Error::new(io::ErrorKind::InvalidInput, "a socket that is handed over has to listen for streams")
    };
    if getsockopt(&fd, sockopt::SockType)? != SockType::Stream || !getsockopt(&fd, sockopt::AcceptConn)? {
        return Err(unfit());
    }
    let address: SockaddrStorage = getsockname(fd.as_raw_fd())?;
    match address.family() {
        Some(AddressFamily::Inet | AddressFamily::Inet6) => Ok(Handed::Tcp(fd.into())),
        Some(AddressFamily::Unix) => Ok(Handed::Unix(fd.into())),
        _ => Err(unfit()),
    }
}
