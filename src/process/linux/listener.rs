//! Who listens on a port, by `/proc/net/tcp` and the descriptors of the processes.

use super::proc_fs::{command_name, process_ids};
use crate::process::processes::Process;
use std::fs;
use std::path::Path;

/// Who listens on the TCP port, IPv4 or IPv6; `None` when nobody does or the kernel does not tell us, as with
/// processes of other users.
pub fn listener_holder(port: u16) -> Option<Process> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if inodes.is_empty() {
        return None;
    }
    let pid = process_ids().find(|pid| holds_any(*pid, &inodes))?;
    Some(Process { pid, command: command_name(pid).unwrap_or_default() })
}

/// Inodes of the sockets that listen on `port`, out of a table like `/proc/net/tcp`.
fn listening_inodes(table: &str, port: u16) -> Vec<u64> {
    const LISTEN: &str = "0A";
    let suffix = format!(":{port:04X}");
    let inode = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let listens = fields.get(1)?.ends_with(&suffix) && *fields.get(3)? == LISTEN;
        if listens { fields.get(9)?.parse().ok() } else { None }
    };
    table.lines().skip(1).filter_map(inode).collect()
}

fn holds_any(pid: u32, links: &[String]) -> bool {
    let held = |path: &Path| {
        fs::read_link(path).is_ok_and(|target| links.iter().any(|l| *l == target.to_string_lossy()))
    };
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| held(&path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_listening_port_leads_to_its_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listener_holder(port).unwrap().pid, std::process::id());
        drop(listener);
        assert_eq!(listener_holder(port), None);
    }
}
