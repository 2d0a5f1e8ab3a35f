//! TCP ports: which is free, and who holds one that is not.

use super::Instance;
use crate::process::processes;
use std::fmt;
use std::net::{IpAddr, TcpListener};

/// The port of the first instance on a machine (requirement R2).
pub const DEFAULT_PORT: u16 = 8765;

/// Who holds a port. Its text stands behind "port N is held by".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// One of ours.
    Instance(Box<Instance>),
    /// Another program of this user.
    Process(processes::Process),
    /// The kernel does not tell: a program of another user, or none that listens.
    Unknown,
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(replay) if replay.is_replay() => {
                write!(out, "claude-mpm, which replays {:?} (pid {})", replay.name, replay.pid)
            }
            Self::Instance(hub) if hub.stands_alone() => {
                write!(out, "claude-mpm hub {:?} (pid {}), which takes sessions in", hub.name, hub.pid)
            }
            Self::Instance(ours) => {
                write!(out, "claude-mpm instance {:?} (pid {}, {})", ours.name, ours.pid, ours.working_dir)
            }
            Self::Process(process) => write!(out, "{:?} (pid {})", process.command, process.pid),
            Self::Unknown => out.write_str("a program that cannot be seen from here, perhaps another user's"),
        }
    }
}

/// Whether one could listen there now.
pub fn is_free(host: IpAddr, port: u16) -> bool {
    TcpListener::bind((host, port)).is_ok()
}

/// The first free port from `from` on; `None` when there is none up to 65535. Somebody else may take it before the
/// caller does.
pub fn find_free_port(host: IpAddr, from: u16) -> Option<u16> {
    (from.max(1)..=u16::MAX).find(|port| is_free(host, *port))
}

/// Who holds the port, where it is known to be taken. `instances` are the running ones.
pub fn holder_of(port: u16, instances: &[Instance]) -> Holder {
    if let Some(ours) = instances.iter().find(|instance| instance.port == Some(port)) {
        return Holder::Instance(Box::new(ours.clone()));
    }
    processes::listener_holder(port).map_or(Holder::Unknown, Holder::Process)
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;
    use std::net::Ipv4Addr;

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_taken_port_is_skipped_and_names_its_holder() {
        let listener = TcpListener::bind((LOCAL, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!is_free(LOCAL, port));
        assert!(find_free_port(LOCAL, port).is_none_or(|found| found > port));
        match holder_of(port, &[]) {
            Holder::Process(holder) => assert_eq!(holder.pid, std::process::id()),
            other => assert_eq!((other, processes::listener_holder(port)), (Holder::Unknown, None)),
        }
        let ours = Instance { port: Some(port), ..record("s", "web") };
        assert!(holder_of(port, &[ours]).to_string().starts_with("claude-mpm instance \"web\" (pid "));
    }
}
