//! Ports for tests that have to name one before anybody listens there.

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, setsockopt, socket, sockopt,
};
use std::os::fd::{AsRawFd, OwnedFd};

/// Ports of 127.0.0.1 that were free a moment ago, all different. Nothing listened on them: a program that another test
/// is just starting holds a copy of every listener until it is executed, and the port with it.
///
/// # Panics
/// If the machine has none to give.
pub fn free<const N: usize>() -> [u16; N] {
    let bound: [OwnedFd; N] = std::array::from_fn(|_| {
        let socket =
            socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
        setsockopt(&socket, sockopt::ReuseAddr, &true).expect("an option");
        bind(socket.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).expect("a port");
        socket
    });
    bound.each_ref().map(|socket| getsockname::<SockaddrIn>(socket.as_raw_fd()).expect("an address").port())
}
