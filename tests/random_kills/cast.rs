//! Who is who among the processes of a round, by who is whose parent. Processes come and go while it is looked.

use std::collections::HashMap;
use test_support::processes::Process;

/// How the program is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Subprocess,
    Exec,
}

/// Somebody in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Role {
    /// What the shell started: the supervisor, or in exec mode what becomes the program.
    Us,
    /// What is in claude's place.
    Program,
    /// The guardian, or in exec mode the companion.
    Second,
    /// In exec mode the companion's parent, or what is about to be it.
    Keeper,
}

/// One look at the processes of a round.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) who: HashMap<Role, Process>,
}

impl Cast {
    /// Among `processes`, of which the shell is the parent of the first; ours begin with `wrapper`, the program with
    /// `program`.
    pub(crate) fn of(method: Method, processes: Vec<Process>, shell: u32, names: (&str, &str)) -> Self {
        let (wrapper, program) = names;
        let lines: Vec<(Process, u32, String)> = processes
            .into_iter()
            .filter_map(|process| {
                let (parent, line) = (process.parent_pid()?, process.command_line());
                Some((process, parent, line))
            })
            .collect();
        let ours: Vec<(u32, u32)> = lines
            .iter()
            .filter(|(.., line)| line.starts_with(wrapper))
            .map(|(process, parent, _)| (process.pid, *parent))
            .collect();
        let us = ours.iter().find(|(_, parent)| *parent == shell).map(|(pid, _)| *pid);
        let is_ours = |pid: u32| ours.iter().any(|(our, _)| *our == pid);
        let role = |pid: u32, parent: u32, line: &str| match (is_ours(pid), method) {
            (true, _) if Some(pid) == us => Some(Role::Us),
            (true, Method::Subprocess) if Some(parent) == us => Some(Role::Second),
            // Forked off, and about to become it.
            (true, Method::Subprocess) => Some(Role::Program),
            (true, Method::Exec) if is_ours(parent) && Some(parent) != us => Some(Role::Second),
            (true, Method::Exec) => Some(Role::Keeper),
            (false, Method::Subprocess) if line.starts_with(program) && is_ours(parent) => {
                Some(Role::Program)
            }
            (false, Method::Exec) if line.starts_with(program) && parent == shell => Some(Role::Program),
            (false, _) => None,
        };
        let who = lines
            .into_iter()
            .filter_map(|(process, parent, line)| Some((role(process.pid, parent, &line)?, process)))
            .collect();
        Self { who }
    }
}
