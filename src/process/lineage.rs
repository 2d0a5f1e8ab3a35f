//! Where a process comes from: whether what it descends from, or what it was started with, leads to a claude that is
//! supervised. It says what it found, and decides nothing.
//!
//! Looked at are the process and everything above it: whether one of them is a known root (the supervised claude, its
//! guardian), is in the session that a root began, or carries one of the named variables in the environment it was
//! started with; and whether the process that began the session of one of them carries one. A number is only believed
//! together with a start time, and a parent only while its child still names it.
//!
//! # What is not found
//!
//! Who hides on purpose: a process that clears its environment, begins a session of its own and outlives its parents,
//! where none of these is a subreaper or a root (with a guardian above it, it is found; in exec mode there is none).
//! And what was never below claude, though claude asked for it: `systemd-run --user`, `at`, cron, `ssh localhost`,
//! `docker`, a terminal multiplexer or an editor that was running before, and whoever comes back by way of another
//! machine. So what this calls free is the person's own
//! only as far as nobody pretends.
//!
//! The other way round, what a supervised claude has started is its own, whoever types there: a tmux server or an
//! editor that first came up below claude makes every terminal in it one of claude's.

use super::peer::{Holders, PeerProcess};
use super::platform;
use super::processes::{self, Environment, MAX_ENVIRONMENT, Stat};
use std::time::Duration;

/// Most steps upwards.
const MAX_STEPS: usize = 64;
/// Looks at one process that is just becoming another program or loses its parent.
const LOOKS: usize = 5;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(2);

/// What leads to a supervised claude.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signs<'a> {
    /// Processes whose descendants are supervised, and they themselves: pid and start time. One that has ended still
    /// counts as the beginner of its session.
    pub roots: &'a [(u32, u64)],
    /// Names of variables that only what is supervised carries, with any value but an empty one.
    pub variables: &'a [&'a str],
}

/// What was found out about a process.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lineage {
    /// Nothing leads to a supervised claude.
    Free,
    /// This does.
    Supervised(Sign),
    /// It cannot be established: the process has ended (a zombie has), is another user's or does not let its
    /// environment be read, changes faster than one can look, or has more than 64 ancestors.
    Unknown,
}

/// What leads to a supervised claude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// It is this root, or below it.
    Root(u32),
    /// It, or what is above it, is in the session of this root.
    Session(u32),
    /// This process carries the variable: it, one above it, or the beginner of the session of one of these.
    Variable {
        /// Its id.
        pid: u32,
        /// The name of the variable.
        name: String,
    },
}

/// Where this process comes from. Reads a few files for every ancestor, some tens of microseconds each.
pub fn lineage_of(process: PeerProcess, signs: &Signs<'_>) -> Lineage {
    if !process.is_certain {
        return Lineage::Unknown;
    }
    climb((process.pid, process.start_time), signs).unwrap_or(Lineage::Unknown)
}

/// Where all these come from together: free only if each of them is and there is no other, supervised if one is.
pub fn lineage_of_all(holders: &Holders, signs: &Signs<'_>) -> Lineage {
    let mut all =
        if holders.is_whole && !holders.processes.is_empty() { Lineage::Free } else { Lineage::Unknown };
    for process in &holders.processes {
        match lineage_of(*process, signs) {
            Lineage::Free => {}
            Lineage::Unknown => all = Lineage::Unknown,
            supervised @ Lineage::Supervised(_) => return supervised,
        }
    }
    all
}

fn climb(process: (u32, u64), signs: &Signs<'_>) -> Option<Lineage> {
    let mut at = process;
    for step in 0..MAX_STEPS {
        let seen = Seen::settled(at)?;
        if let Some(sign) = seen.sign(signs) {
            return Some(Lineage::Supervised(sign));
        }
        // Those above may be another user's (init, sshd, sudo), and nobody shows those; who asks may not hide its own.
        if step == 0 && !seen.shows_environment() {
            return None;
        }
        match seen.parent {
            None => return Some(Lineage::Free),
            Some(parent) => at = parent,
        }
    }
    None
}

/// A process as it was at one moment.
struct Seen {
    pid: u32,
    stat: Stat,
    environment: Environment,
    /// Pid and start time; `None` for the first process, and one that came in from outside (`nsenter`).
    parent: Option<(u32, u64)>,
}

impl Seen {
    /// Once it is no longer becoming another program or losing its parent.
    fn settled((pid, started): (u32, u64)) -> Option<Self> {
        for _ in 0..LOOKS {
            let stat = processes::stat(pid).filter(|stat| stat.started == started)?;
            if let Some(seen) = Self::look(pid, stat) {
                return Some(seen);
            }
            std::thread::sleep(PAUSE);
        }
        None
    }

    fn look(pid: u32, stat: Stat) -> Option<Self> {
        let environment = platform::environment(pid);
        let parent = match stat.parent {
            0 => None,
            parent => Some((parent, processes::start_time(parent)?)),
        };
        // Nothing has changed meanwhile: so that was its parent, and its environment.
        let is_settled = processes::stat(pid) == Some(stat) && !matches!(environment, Environment::Unsettled);
        is_settled.then_some(Self { pid, stat, environment, parent })
    }

    fn sign(&self, signs: &Signs<'_>) -> Option<Sign> {
        if signs.roots.contains(&(self.pid, self.stat.started)) {
            return Some(Sign::Root(self.pid));
        }
        let began = |(root, started): &&(u32, u64)| {
            // While a session lasts, nobody else gets the number of who began it.
            *root == self.stat.session && processes::start_time(*root).is_none_or(|its| its == *started)
        };
        if let Some((root, _)) = signs.roots.iter().find(began) {
            return Some(Sign::Session(*root));
        }
        let beginner = match self.stat.session {
            0 => Environment::Unknown,
            session if session == self.pid => Environment::Unknown,
            session => platform::environment(session),
        };
        let of = |pid, environment| {
            variable_in(environment, signs.variables).map(|name| Sign::Variable { pid, name })
        };
        of(self.pid, &self.environment).or_else(|| of(self.stat.session, &beginner))
    }

    /// As far as it goes; where it is cut, there may be anything behind.
    fn shows_environment(&self) -> bool {
        matches!(&self.environment, Environment::Known(entries) if entries.len() < MAX_ENVIRONMENT)
    }
}

/// The first of these variables that stands there with a value.
fn variable_in(environment: &Environment, names: &[&str]) -> Option<String> {
    let Environment::Known(entries) = environment else { return None };
    let has_value = |entry: &[u8], name: &str| {
        let rest = entry.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        rest.is_some_and(|value| !value.is_empty())
    };
    let carried = |name: &&&str| entries.split(|byte| *byte == 0).any(|entry| has_value(entry, name));
    names.iter().find(carried).map(|name| (*name).to_owned())
}

#[cfg(test)]
mod tests;
