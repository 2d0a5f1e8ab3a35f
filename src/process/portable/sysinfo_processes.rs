//! Which processes run and what there is to know about them, as the crate `sysinfo` tells.
//!
//! Each question looks anew and leaves no descriptor open: a forked process of one thread may ask.

use crate::process::processes::{Environment, MAX_TREE, Stat};
use nix::unistd::{Pid as UnixPid, Uid, getsid};
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

/// Who its parent is, and more. `None` when there is no such process, or only its zombie.
pub(in crate::process) fn stat(pid: u32) -> Option<Stat> {
    ask(pid, nothing_more(), |process| stat_of(pid, process))?
}

/// Every process that runs, by its id; zombies do not.
pub(in crate::process) fn running() -> HashMap<u32, Stat> {
    let Some(system) = look(ProcessesToUpdate::All, nothing_more()) else { return HashMap::new() };
    let processes = system.processes().iter();
    processes.filter_map(|(pid, process)| Some((pid.as_u32(), stat_of(pid.as_u32(), process)?))).collect()
}

/// Whether the process is stopped now; `true` as well where nothing tells.
pub fn is_stopped(pid: u32) -> bool {
    let is_stopped = |process: &Process| {
        !matches!(process.status(), ProcessStatus::Run | ProcessStatus::Sleep | ProcessStatus::Idle)
    };
    ask(pid, nothing_more(), is_stopped).unwrap_or(true)
}

/// Name of a process's command.
pub fn command_name(pid: u32) -> Option<String> {
    ask(pid, nothing_more(), |process| process.name().to_string_lossy().into_owned())
}

/// `root` and everything below it, as far as it is alive.
pub fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for (pid, stat) in running() {
        children.entry(stat.parent).or_default().push(pid);
    }
    let mut tree = vec![root];
    let mut next = 0;
    while next < tree.len() && tree.len() < MAX_TREE {
        tree.extend(children.remove(&tree[next]).unwrap_or_default());
        next += 1;
    }
    tree
}

/// What `see` makes of every process that runs, and of the environment it was started with, where it is one of this
/// user's. It is empty where it may not be known.
pub(in crate::process) fn survey<T>(user: Uid, see: impl Fn(Stat, Environment) -> T) -> HashMap<u32, T> {
    let once = UpdateKind::Always;
    let kind = nothing_more().with_user(once).with_environ(once).with_cmd(once).with_exe(once);
    let Some(system) = look(ProcessesToUpdate::All, kind) else { return HashMap::new() };
    let belongs = |process: &Process| process.effective_user_id().is_some_and(|its| **its == user.as_raw());
    let seen = |(pid, process): (&Pid, &Process)| {
        let stat = stat_of(pid.as_u32(), process)?;
        let environment = match belongs(process) {
            true if is_being_executed(process) => Environment::Unsettled,
            true => Environment::Known(entries(process)),
            false => Environment::Unknown,
        };
        Some((pid.as_u32(), see(stat, environment)))
    };
    system.processes().iter().filter_map(seen).collect()
}

/// Whether it has a program and neither arguments nor an environment yet.
fn is_being_executed(process: &Process) -> bool {
    process.exe().is_some() && process.cmd().is_empty() && process.environ().is_empty()
}

/// The environment the process was started with. An empty one and one that may not be read look alike.
pub(in crate::process) fn environment(pid: u32) -> Environment {
    let once = UpdateKind::Always;
    let kind = nothing_more().with_environ(once).with_cmd(once).with_exe(once);
    let seen = |process: &Process| match process.environ().is_empty() {
        true if is_being_executed(process) => Environment::Unsettled,
        true => Environment::Unknown,
        false => Environment::Known(entries(process)),
    };
    ask(pid, kind, seen).unwrap_or(Environment::Unknown)
}

fn entries(process: &Process) -> Vec<u8> {
    let mut environment = Vec::new();
    for entry in process.environ() {
        environment.extend_from_slice(entry.as_bytes());
        environment.push(0);
    }
    environment
}

fn stat_of(pid: u32, process: &Process) -> Option<Stat> {
    if matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead) {
        return None;
    }
    let session = getsid(Some(UnixPid::from_raw(pid.cast_signed()))).ok()?;
    Some(Stat {
        parent: process.parent().map_or(0, Pid::as_u32),
        session: session.as_raw().cast_unsigned(),
        started: process.start_time(),
    })
}

/// Asks one process, if there is one.
fn ask<T>(pid: u32, kind: ProcessRefreshKind, question: impl Fn(&Process) -> T) -> Option<T> {
    let pid = Pid::from_u32(pid);
    look(ProcessesToUpdate::Some(&[pid]), kind)?.process(pid).map(question)
}

fn look(whom: ProcessesToUpdate<'_>, kind: ProcessRefreshKind) -> Option<System> {
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(whom, true, kind);
    Some(system)
}

/// Pid, parent, name, status and start are told without being asked for.
fn nothing_more() -> ProcessRefreshKind {
    ProcessRefreshKind::nothing().without_tasks()
}
