//! Connections that outlive the process that serves them: a copy of each lies in a queue that a forked process shares,
//! so that whoever goes on can answer in place of one that was killed. What is to be answered is not known here.

use super::best_effort;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::sys::stat::fstat;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// The queue. Clones share it, and so do processes that are forked off.
#[derive(Debug, Clone)]
pub struct Parking(Arc<(UnixStream, UnixStream)>);

/// A connection whose copy lies in the queue, until this is dropped.
#[derive(Debug)]
pub struct Parked {
    parking: Parking,
    inode: u64,
}

impl Parking {
    /// An empty one.
    ///
    /// # Errors
    /// When the kernel refuses a socket.
    pub fn new() -> io::Result<Self> {
        let (inward, outward) = UnixStream::pair()?;
        inward.set_nonblocking(true)?;
        outward.set_nonblocking(true)?;
        Ok(Self(Arc::new((inward, outward))))
    }

    /// Puts a copy in; `None` where there is no room, and the connection ends with this process. To be called by one
    /// thread at a time.
    pub fn park(&self, connection: &impl AsFd) -> Option<Parked> {
        let inode = inode(connection)?;
        self.put(connection).ok()?;
        Some(Parked { parking: self.clone(), inode })
    }

    /// Takes out everything, as after the death of the process that put it in.
    pub fn take_all(&self) -> Vec<OwnedFd> {
        std::iter::from_fn(|| self.take()).collect()
    }

    fn put(&self, connection: &impl AsFd) -> nix::Result<()> {
        let (fds, byte) = ([connection.as_fd().as_raw_fd()], [IoSlice::new(b"c")]);
        let message = [ControlMessage::ScmRights(&fds)];
        sendmsg::<()>(self.0.0.as_raw_fd(), &byte, &message, MsgFlags::MSG_DONTWAIT, None).map(drop)
    }

    /// One byte is one connection.
    #[expect(unsafe_code, reason = "the number comes fresh from SCM_RIGHTS")]
    fn take(&self) -> Option<OwnedFd> {
        let mut byte = [0];
        let mut byte = [IoSliceMut::new(&mut byte)];
        let mut space = nix::cmsg_space!(RawFd);
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let received = loop {
            match recvmsg::<()>(self.0.1.as_raw_fd(), &mut byte, Some(&mut space), flags) {
                Err(Errno::EINTR) => {}
                received => break received.ok()?,
            }
        };
        let fds = received.cmsgs().ok()?.find_map(|message| match message {
            ControlMessageOwned::ScmRights(fds) => Some(fds),
            _ => None,
        })?;
        // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
        fds.first().map(|fd| unsafe { OwnedFd::from_raw_fd(*fd) })
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        let others = self.parking.take_all().into_iter().filter(|other| inode(other) != Some(self.inode));
        others.for_each(|other| best_effort(self.parking.put(&other)));
    }
}

fn inode(of: &impl AsFd) -> Option<u64> {
    fstat(of).ok().map(|found| found.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn what_is_parked_stays_open_and_what_is_dropped_does_not() {
        let parking = Parking::new().unwrap();
        let (first, mut one) = UnixStream::pair().unwrap();
        let (second, mut two) = UnixStream::pair().unwrap();
        let (kept, dropped) = (parking.park(&first).unwrap(), parking.park(&second).unwrap());
        drop((first, second, dropped));
        assert_eq!(two.read(&mut [0]).unwrap(), 0, "nobody holds it any longer");
        std::mem::forget(kept);
        let left = parking.take_all();
        assert_eq!(left.len(), 1);
        UnixStream::from(left.into_iter().next().unwrap()).write_all(b"!").unwrap();
        let mut answer = [0];
        one.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"!");
        assert!(parking.take_all().is_empty());
    }
}
