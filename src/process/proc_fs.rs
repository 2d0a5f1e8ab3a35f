//! What Linux tells in `/proc`: when a process started, what it is called, who listens on a port.
//!
//! Plain functions with plain answers; a question the kernel does not answer gives `None`. Nothing here decides
//! anything. See proc(5) for the files.

use std::fs;
use std::path::Path;

/// A process that holds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The name of its command, at most 15 bytes, as the kernel keeps it; any bytes a process likes.
    pub command: String,
}

/// What `/proc/PID/stat` says of a process that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Id of its parent.
    pub parent: u32,
    /// Its session: the id of the process that began it.
    pub session: u32,
    /// When it started, as [`start_time`] says.
    pub started: u64,
}

/// Who its parent is, and more. `None` when there is no such process, or only its zombie.
pub fn stat(pid: u32) -> Option<Stat> {
    // The name may hold any bytes, such as half a character.
    parse(&String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat")).ok()?))
}

/// When the process started, clock ticks since boot: with the pid it names one process, even after the pid is
/// used again. `None` when there is no such process, or only its zombie.
pub fn start_time(pid: u32) -> Option<u64> {
    stat(pid).map(|stat| stat.started)
}

/// Whether exactly this process still runs.
pub fn is_running(pid: u32, started: u64) -> bool {
    start_time(pid) == Some(started)
}

/// Whether the process is stopped now; `true` as well where nothing tells.
pub fn is_stopped(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return true };
    stat.rfind(')').is_none_or(|name_ends| stat[name_ends + 1..].trim_start().starts_with(['T', 't']))
}

/// The status of a process that ended and is not buried yet, as wait(2) gives it: field 52 of `/proc/PID/stat`.
pub(super) fn zombie_exit_status(pid: u32, started: u64) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
    // Field 3 comes first.
    let field = |number: usize| fields.get(number - 3).copied();
    let is_it = field(3) == Some("Z") && field(22)?.parse() == Ok(started);
    if is_it { field(52)?.parse().ok() } else { None }
}

/// Name of a process's command.
pub fn command_name(pid: u32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(&name).trim_end_matches('\n').to_owned())
}

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

/// A line of `/proc/PID/stat`. The command's name, field 2, may hold spaces and parentheses.
fn parse(stat: &str) -> Option<Stat> {
    let behind_name = &stat[stat.rfind(')')? + 1..];
    let fields: Vec<&str> = behind_name.split_ascii_whitespace().collect();
    // The first of these is field 3.
    let field = |number: usize| fields.get(number - 3);
    if matches!(*field(3)?, "Z" | "X" | "x") {
        return None;
    }
    Some(Stat {
        parent: field(4)?.parse().ok()?,
        session: field(6)?.parse().ok()?,
        started: field(22)?.parse().ok()?,
    })
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

/// The processes there are, in no order.
pub fn process_ids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
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
    fn a_process_is_read_behind_any_command_name() {
        let fields = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21";
        for name in ["cat", "a b", "a) S 9 9", "((", ""] {
            let stat = Stat { parent: 1, session: 3, started: 4242 };
            assert_eq!(parse(&format!("77 ({name}) {fields}")), Some(stat), "{name}");
        }
        assert_eq!(parse(&format!("77 (dead) {}", fields.replacen('S', "Z", 1))), None);
        assert_eq!(parse("77 (cut) S 1 2"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn this_process_runs_and_an_earlier_one_with_its_pid_does_not() {
        let pid = std::process::id();
        let started = start_time(pid).unwrap();
        assert!(is_running(pid, started));
        assert!(!is_running(pid, started - 1));
        assert!(!is_running(u32::MAX, started));
    }

    #[test]
    fn a_listening_port_leads_to_its_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listener_holder(port).unwrap().pid, std::process::id());
        drop(listener);
        assert_eq!(listener_holder(port), None);
    }
}
