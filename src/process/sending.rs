//! What a socket has been given and its other end has not taken.

use nix::errno::Errno;
use nix::libc;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Bytes that were written to the socket and not taken by its other end.
///
/// # Errors
/// When the system does not say.
#[expect(unsafe_code, reason = "ioctl(2) has no safe wrapper")]
pub fn untaken(socket: &impl AsFd) -> io::Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: the request writes one int, and `count` is one.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
    Errno::result(result)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Has a TCP socket take no more than about so many bytes that it cannot send yet (`TCP_NOTSENT_LOWAT`). Otherwise the
/// kernel takes megabytes for a slow reader, and then nothing for as long as that reads a third of them.
///
/// # Errors
/// When the system does not know that.
#[expect(unsafe_code, reason = "setsockopt(2) has no safe wrapper for this option")]
pub fn keep_unsent_below(socket: &impl AsFd, bytes: u32) -> io::Result<()> {
    let size = libc::socklen_t::try_from(size_of::<u32>()).map_err(io::Error::other)?;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the option reads one u32, which `bytes` is, and `size` says so.
    let result = unsafe {
        libc::setsockopt(fd, libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, (&raw const bytes).cast(), size)
    };
    Errno::result(result)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_is_not_taken_is_counted_and_what_is_taken_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let writer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut reader, _) = listener.accept().unwrap();
        writer.set_nonblocking(true).unwrap();
        keep_unsent_below(&writer, 64 << 10).unwrap();
        while (&writer).write(&[0; 4 << 10]).is_ok() {}
        let before = untaken(&writer).unwrap();
        assert!(before > 0);
        let mut taken = vec![0; 8 << 20];
        while untaken(&writer).unwrap() == before {
            assert!(reader.read(&mut taken).unwrap() > 0);
        }
        assert!(untaken(&writer).unwrap() < before);
    }

    #[test]
    fn a_unix_socket_counts_too() {
        let (mut writer, mut reader) = UnixStream::pair().unwrap();
        assert_eq!(untaken(&writer).unwrap(), 0);
        writer.write_all(b"x").unwrap();
        assert!(untaken(&writer).unwrap() > 0);
        reader.read_exact(&mut [0]).unwrap();
        assert_eq!(untaken(&writer).unwrap(), 0);
    }
}
