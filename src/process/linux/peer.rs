//! Which process is at the other end of a socket: by the pidfd of who connected, and by the descriptors that
//! processes hold.

use super::held::{ended, pid_of_pidfd};
use super::proc_fs::process_ids;
use super::unix_diag::peer_of;
use crate::process::peer::{Holders, PeerProcess};
use crate::process::processes;
use nix::libc;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

/// Most holders that are named.
const MAX_HOLDERS: usize = 64;
/// Most descriptors that are looked at, of all processes together.
const MAX_DESCRIPTORS: usize = 1 << 16;

/// See [`crate::process::peer::holders_of`].
pub(in crate::process) fn holders_of(inode: u64, uid: u32) -> Holders {
    let link = format!("socket:[{inode}]");
    let mut holders = Holders { processes: Vec::new(), is_whole: true };
    let mut left = MAX_DESCRIPTORS;
    for pid in process_ids() {
        let belongs = fs::metadata(format!("/proc/{pid}")).is_ok_and(|found| found.uid() == uid);
        let Some(start_time) = processes::start_time(pid).filter(|_| belongs) else { continue };
        let found = holds(pid, &link, &mut left);
        let is_still_there = processes::is_running(pid, start_time);
        match found {
            Some(true) if holders.processes.len() < MAX_HOLDERS => {
                holders.processes.push(PeerProcess { pid, start_time, is_certain: is_still_there });
            }
            Some(false) => {}
            // One that has ended meanwhile holds nothing.
            Some(true) | None => holders.is_whole &= found.is_none() && !is_still_there,
        }
    }
    holders
}

/// Whether the process holds it; `None` where it does not let itself be looked at, or enough was looked at.
fn holds(pid: u32, link: &str, left: &mut usize) -> Option<bool> {
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).ok()? {
        *left = left.checked_sub(1)?;
        let target = entry.and_then(|entry| fs::read_link(entry.path()));
        if target.is_ok_and(|target| target.as_os_str() == link) {
            return Some(true);
        }
    }
    Some(false)
}

/// See [`crate::process::peer::pid_of_unix_peer`].
pub(in crate::process) fn pid_of_unix_peer(socket: BorrowedFd<'_>) -> Option<PeerProcess> {
    let Some(pidfd) = peer_pidfd(socket) else { return by_credentials(socket) };
    let pid = pid_of_pidfd(&pidfd)?;
    let start_time = processes::start_time(pid)?;
    // It ran all the time, so the pid was its own all the time.
    (!ended(&pidfd)).then_some(PeerProcess { pid, start_time, is_certain: true })
}

/// Where the kernel gives no pidfd: who had connected had this pid (`SO_PEERCRED`), and whoever has it now is that one, or
/// as good, if the other end is in its hands.
fn by_credentials(socket: BorrowedFd<'_>) -> Option<PeerProcess> {
    let pid = u32::try_from(getsockopt(&socket, PeerCredentials).ok()?.pid()).ok()?;
    let start_time = processes::start_time(pid)?;
    let has_it = peer_of(socket).is_some_and(|inode| {
        holds(pid, &format!("socket:[{inode}]"), &mut MAX_DESCRIPTORS.clone()) == Some(true)
    });
    let is_certain = has_it && processes::is_running(pid, start_time);
    Some(PeerProcess { pid, start_time, is_certain })
}

/// The process that connected (unix(7), `SO_PEERPIDFD`; from Linux 6.5 on).
#[expect(unsafe_code, reason = "nix does not know SO_PEERPIDFD")]
fn peer_pidfd(socket: BorrowedFd<'_>) -> Option<OwnedFd> {
    let mut fd: libc::c_int = -1;
    let mut size = libc::socklen_t::try_from(size_of_val(&fd)).ok()?;
    // SAFETY: the option is one int, written into an int of ours, whose size is told.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERPIDFD,
            (&raw mut fd).cast(),
            &raw mut size,
        )
    };
    if result != 0 || fd < 0 {
        return None;
    }
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::process::{Command, Stdio};

    #[test]
    fn who_holds_a_socket_is_found_and_who_inherited_it_too() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let inode = fs::metadata(format!("/proc/self/fd/{}", client.as_raw_fd())).unwrap().ino();
        let (pid, uid) = (std::process::id(), nix::unistd::geteuid().as_raw());
        // For a moment, what other tests have just forked holds it too.
        let come_to = |pids: &[u32]| loop {
            let holders = holders_of(inode, uid);
            if holders.processes.iter().map(|it| it.pid).eq(pids.iter().copied()) {
                return holders;
            }
        };
        come_to(&[pid]);
        let mut heir =
            Command::new("cat").stdin(OwnedFd::from(client)).stdout(Stdio::null()).spawn().unwrap();
        assert!(come_to(&[heir.id()]).processes[0].is_certain);
        assert!(holders_of(inode, uid + 1).processes.is_empty());
        heir.kill().unwrap();
        heir.wait().unwrap();
        come_to(&[]);
    }

    #[test]
    fn who_connected_to_a_unix_socket_is_known_while_it_runs() {
        let place = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(place.path().join("s")).unwrap();
        let _client = UnixStream::connect(place.path().join("s")).unwrap();
        let (server, _) = listener.accept().unwrap();
        let peer = pid_of_unix_peer(server.as_fd()).unwrap();
        assert_eq!(peer.pid, std::process::id());
        assert!(peer.is_certain || peer_pidfd(server.as_fd()).is_none());
        assert!(processes::is_running(peer.pid, peer.start_time));
        assert_eq!(pid_of_unix_peer(place_holder().as_fd()), None);
    }

    /// As before Linux 6.5.
    #[test]
    fn without_a_pidfd_who_connected_is_certain_while_it_holds_the_other_end() {
        let place = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(place.path().join("s")).unwrap();
        let client = UnixStream::connect(place.path().join("s")).unwrap();
        let (server, _) = listener.accept().unwrap();
        if peer_of(server.as_fd()).is_none() {
            eprintln!("skipped: this kernel tells nothing of Unix sockets");
            return;
        }
        let peer = by_credentials(server.as_fd()).unwrap();
        assert_eq!((peer.pid, peer.is_certain), (std::process::id(), true));
        assert_eq!(pid_of_unix_peer(server.as_fd()), Some(peer));
        drop(client);
        assert!(!by_credentials(server.as_fd()).unwrap().is_certain);
    }

    fn place_holder() -> fs::File {
        fs::File::open("/dev/null").unwrap()
    }
}
