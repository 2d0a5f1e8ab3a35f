//! What Linux tells in `/proc`: which processes run, when one started, what it is called and carries. See proc(5).

use crate::process::processes::{Environment, MAX_ENVIRONMENT, MAX_TREE, Stat};
use nix::unistd::Uid;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;

/// Who its parent is, and more. `None` when there is no such process, or only its zombie.
pub(in crate::process) fn stat(pid: u32) -> Option<Stat> {
    parse(&line(pid).ok()?)
}

/// Every process that runs, by its id; zombies do not.
pub(in crate::process) fn running() -> HashMap<u32, Stat> {
    process_ids().filter_map(|pid| Some((pid, stat(pid)?))).collect()
}

/// When the process started, clock ticks since boot, as other programs read it in `/proc`. `None` when there is no
/// such process, or only its zombie.
pub fn start_ticks(pid: u32) -> Option<u64> {
    stat(pid).map(|stat| stat.started)
}

/// Whether the process is stopped now; `true` as well where nothing tells.
pub fn is_stopped(pid: u32) -> bool {
    let Ok(stat) = line(pid) else { return true };
    behind_name(&stat).is_none_or(|fields| fields.trim_start().starts_with(['T', 't']))
}

/// Name of a process's command, at most 15 bytes.
pub fn command_name(pid: u32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(&name).trim_end_matches('\n').to_owned())
}

/// `root` and everything below it, as far as it is alive.
pub fn tree(root: u32) -> Vec<u32> {
    let mut tree = vec![root];
    let mut next = 0;
    while next < tree.len() && tree.len() < MAX_TREE {
        tree.extend(children(tree[next]));
        next += 1;
    }
    tree
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

/// What `see` makes of every process that runs, and of the environment it was started with, where it is one of this
/// user's.
pub(in crate::process) fn survey<T>(user: Uid, see: impl Fn(Stat, Environment) -> T) -> HashMap<u32, T> {
    let belongs =
        |pid: u32| fs::metadata(format!("/proc/{pid}")).is_ok_and(|found| found.uid() == user.as_raw());
    let seen = |pid: u32| {
        let stat = stat(pid)?;
        let environment = if belongs(pid) { environment(pid) } else { Environment::Unknown };
        Some((pid, see(stat, environment)))
    };
    process_ids().filter_map(seen).collect()
}

/// The environment the process was started with, as far as it may be read.
pub(in crate::process) fn environment(pid: u32) -> Environment {
    let mut environment = Vec::new();
    let read = File::open(format!("/proc/{pid}/environ"))
        .and_then(|file| file.take(MAX_ENVIRONMENT as u64).read_to_end(&mut environment));
    match read {
        Err(_) => Environment::Unknown,
        Ok(0) if is_being_executed(pid) => Environment::Unsettled,
        Ok(_) => Environment::Known(environment),
    }
}

/// Whether it has a program and no arguments yet, not even its name. The kernel's own threads have no program.
fn is_being_executed(pid: u32) -> bool {
    let has_program = fs::read_link(format!("/proc/{pid}/exe")).is_ok();
    has_program && fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| words.is_empty())
}

/// The status of a process that ended and is not buried yet, as wait(2) gives it: field 52 of `/proc/PID/stat`.
pub(super) fn zombie_exit_status(pid: u32, started: u64) -> Option<i32> {
    let stat = line(pid).ok()?;
    let fields: Vec<&str> = behind_name(&stat)?.split_ascii_whitespace().collect();
    // Field 3 comes first.
    let field = |number: usize| fields.get(number - 3).copied();
    let is_it = field(3) == Some("Z") && field(22)?.parse() == Ok(started);
    if is_it { field(52)?.parse().ok() } else { None }
}

/// The ids of the processes there are, zombies among them, in no order.
pub(super) fn process_ids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// What stands in `/proc/PID/stat`. The name in it may hold any bytes, such as half a character.
fn line(pid: u32) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat"))?).into_owned())
}

/// The fields of such a line from the third on: the command's name, field 2, may hold spaces and parentheses.
fn behind_name(stat: &str) -> Option<&str> {
    Some(&stat[stat.rfind(')')? + 1..])
}

fn parse(stat: &str) -> Option<Stat> {
    let fields: Vec<&str> = behind_name(stat)?.split_ascii_whitespace().collect();
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
