//! The processes of one run: finding them wherever they went, and ending them. It decides nothing.
//!
//! A run's processes are those below a process that is known (its tree), and those that carry the run's [`Mark`] in
//! their environment: what begins a session of its own and outlives its parents is found by that alone. A process
//! that carries the mark of another run is that run's, and so is what is below it.
//!
//! Everything here blocks, starts no thread and keeps no descriptor open, so that a forked process of one thread may
//! use it.

mod ending;
mod mark;
mod one;

pub use mark::Mark;

use super::platform;
use super::processes::{self, Stat};
use mark::Bearer;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Most processes of one run that are looked at.
const MAX_RELATIVES: usize = 4096;
/// Most that are named one by one.
pub const MAX_NAMED: usize = 16;

/// A process of the run. Its pid alone does not name it: the pid may be another's by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relative {
    /// Its id.
    pub pid: u32,
    /// When it started, as [`processes::start_time`] says.
    pub start_time: u64,
    /// The name of its command, at most 15 bytes; any characters a process likes.
    pub command: String,
}

/// Where to look for the processes of a run.
///
/// ```
/// # use claude_mpm::process::family::{Family, Mark};
/// # use std::time::Duration;
/// let mark = Mark::new("EXAMPLE_RUN", "no-process-carries-this".as_ref());
/// let resisting = Family::marked(Some(mark)).sparing(&[std::process::id()]).end(Duration::from_secs(1));
/// assert!(resisting.is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Family {
    mark: Option<Mark>,
    /// Pid and start time.
    roots: Vec<(u32, u64)>,
    spared: Vec<u32>,
    /// What is in this session does not count.
    except_session: Option<u32>,
}

impl Family {
    /// The processes of our own user that carry this mark; nobody without one.
    pub fn marked(mark: Option<Mark>) -> Self {
        Self { mark, ..Self::default() }
    }

    /// And this process, with everything below it. Where it has ended, or its pid is another's by now, it adds nobody.
    #[must_use]
    pub fn below(mut self, pid: u32, start_time: u64) -> Self {
        self.roots.push((pid, start_time));
        self
    }

    /// But not these, as when one of them asks. What is below them is not spared.
    #[must_use]
    pub fn sparing(mut self, pids: &[u32]) -> Self {
        self.spared.extend(pids);
        self
    }

    /// Nor what is in this session, named by the process that began it.
    #[must_use]
    pub fn outside_session(mut self, session: u32) -> Self {
        self.except_session = Some(session);
        self
    }

    /// Who runs now; zombies do not. One that is just being forked or executed may be missed: who acts looks again.
    pub fn find(&self) -> Vec<Relative> {
        self.survey().0
    }

    /// Who runs now, and whether there is one of whom nobody can know yet whether it is among them.
    fn survey(&self) -> (Vec<Relative>, bool) {
        let running = self.look();
        let mut found = self.tree(&running);
        found.extend(running.iter().filter(|(_, it)| it.bearer == Bearer::Ours).map(|(pid, _)| *pid));
        let counts = |pid: &u32| {
            let session = running[pid].stat.session;
            !self.spared.contains(pid) && self.except_session.is_none_or(|not| session != not)
        };
        let mut found: Vec<u32> = found.into_iter().filter(counts).collect();
        found.sort_unstable();
        found.truncate(MAX_RELATIVES);
        let relative = |pid: u32| Relative {
            pid,
            start_time: running[&pid].stat.started,
            command: processes::command_name(pid).unwrap_or_default(),
        };
        let is_unsettled = running.values().any(|seen| seen.bearer == Bearer::Unsettled);
        (found.into_iter().map(relative).collect(), is_unsettled)
    }

    /// Everybody, and among the processes of our user who carries whose mark: nobody else's are ours to find that way.
    fn look(&self) -> HashMap<u32, Seen> {
        let Some(mark) = &self.mark else {
            let seen = |stat| Seen { stat, bearer: Bearer::Nobody };
            return processes::running().into_iter().map(|(pid, stat)| (pid, seen(stat))).collect();
        };
        platform::survey(nix::unistd::geteuid(), |stat, environment| Seen {
            stat,
            bearer: mark.borne_by(&environment),
        })
    }

    /// The roots and what is below them, another run's excepted.
    fn tree(&self, running: &HashMap<u32, Seen>) -> HashSet<u32> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for (pid, Seen { stat, .. }) in running {
            children.entry(stat.parent).or_default().push(*pid);
        }
        let is_root =
            |(pid, start): &&(u32, u64)| running.get(pid).is_some_and(|it| it.stat.started == *start);
        let mut next: Vec<u32> = self.roots.iter().filter(is_root).map(|(pid, _)| *pid).collect();
        let mut tree: HashSet<u32> = next.iter().copied().collect();
        while let Some(parent) = next.pop() {
            for pid in children.remove(&parent).unwrap_or_default() {
                if running[&pid].bearer != Bearer::Another && tree.insert(pid) {
                    next.push(pid);
                }
            }
        }
        tree
    }
}

/// A process that runs, as it was seen.
struct Seen {
    stat: Stat,
    bearer: Bearer,
}

/// Processes that are still there, as they are told: the first [`MAX_NAMED`], and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remaining {
    /// The first of them.
    pub named: Vec<Relative>,
    /// How many there are, the named ones among them.
    pub total: usize,
}

impl From<Vec<Relative>> for Remaining {
    fn from(mut all: Vec<Relative>) -> Self {
        let total = all.len();
        all.truncate(MAX_NAMED);
        Self { named: all, total }
    }
}

/// `123 sleep, 124 sh and 7 more`, on one line whatever the commands are called.
impl fmt::Display for Remaining {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Relative { pid, command, .. }) in self.named.iter().enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            write!(out, "{separator}{pid} {}", command.escape_debug())?;
        }
        match self.total.saturating_sub(self.named.len()) {
            0 => Ok(()),
            more => write!(out, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_remain_are_told_on_one_line() {
        let relative = |pid: u32| Relative { pid, start_time: 1, command: "a\n\u{1b}b".into() };
        assert_eq!(Remaining::from(vec![relative(7)]).to_string(), r"7 a\n\u{1b}b");
        let many = Remaining::from((1..=30).map(relative).collect::<Vec<_>>());
        assert_eq!((many.named.len(), many.total), (MAX_NAMED, 30));
        assert!(many.to_string().ends_with(r", 16 a\n\u{1b}b and 14 more"), "{many}");
        assert_eq!(Remaining::default().to_string(), "");
    }
}
