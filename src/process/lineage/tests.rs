//! Lineages of real processes. The tests may themselves run below a supervised claude: the variables they look for have
//! names of their own, and nothing above them is a root.

use super::*;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

const NAME: &str = "EXAMPLE_OF_A_LINEAGE";

/// A shell that says who is to be looked at, and lives until it is dropped.
struct Shell {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Shell {
    fn of(command: &mut Command) -> Self {
        Self::try_of(command).unwrap()
    }

    fn try_of(command: &mut Command) -> std::io::Result<Self> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = piped.spawn()?;
        let said = BufReader::new(child.stdout.take().unwrap());
        Ok(Self { child, said })
    }

    fn run(script: &str) -> Self {
        Self::of(Command::new("sh").args(["-c", script]))
    }

    /// The process that it names next.
    fn named(&mut self) -> PeerProcess {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        certain(line.trim().parse().unwrap())
    }

    fn root(&self) -> (u32, u64) {
        (self.child.id(), processes::start_time(self.child.id()).unwrap())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // What it has started reads from the same pipe, and ends with it.
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

fn certain(pid: u32) -> PeerProcess {
    PeerProcess { pid, start_time: processes::start_time(pid).unwrap(), is_certain: true }
}

fn by_name(process: PeerProcess) -> Lineage {
    lineage_of(process, &Signs { roots: &[], variables: &["EXAMPLE_OF_ANOTHER", NAME] })
}

fn by_root(process: PeerProcess, root: (u32, u64)) -> Lineage {
    lineage_of(process, &Signs { roots: &[root], variables: &[] })
}

fn carried_by(pid: u32) -> Lineage {
    Lineage::Supervised(Sign::Variable { pid, name: NAME.into() })
}

/// Says its pid, then waits for the end of its input: with an environment that holds one harmless entry.
const CLEARED: &str = "env -i A=1 sh -c 'echo $$; read x'";

#[test]
fn a_child_with_nothing_about_it_is_free_and_so_is_one_with_the_variable_empty() {
    let mut plain = Shell::run("echo $$; read x");
    let process = plain.named();
    assert_eq!(by_name(process), Lineage::Free);
    assert_eq!(lineage_of(process, &Signs::default()), Lineage::Free);
    let mut empty = Shell::of(Command::new("sh").args(["-c", "echo $$; read x"]).env(NAME, ""));
    assert_eq!(by_name(empty.named()), Lineage::Free);
}

#[test]
fn the_variable_tells_in_the_process_itself_and_in_any_above_it() {
    let mut marked = Shell::of(Command::new("sh").args(["-c", "echo $$; read x"]).env(NAME, "s"));
    let process = marked.named();
    assert_eq!(by_name(process), carried_by(process.pid));
    let below = format!("{CLEARED}; true");
    let mut marked = Shell::of(Command::new("sh").args(["-c", &below]).env(NAME, "s"));
    let process = marked.named();
    assert_eq!(by_name(process), carried_by(marked.child.id()));
}

#[test]
fn who_is_below_a_root_is_found_in_a_session_of_its_own_too() {
    for script in [format!("{CLEARED}; true"), format!("setsid {CLEARED}; true"), "echo $$; read x".into()] {
        let mut shell = Shell::run(&script);
        let (process, root) = (shell.named(), shell.root());
        assert_eq!(by_root(process, root), Lineage::Supervised(Sign::Root(root.0)), "{script}");
        // The same number with another start is another process.
        assert_eq!(by_root(process, (root.0, root.1 + 1)), Lineage::Free, "{script}");
    }
}

/// `sh` outlives its parent, which is the root; descriptor 3 is what it reads from, because a job in the background
/// has no input.
const ORPHAN: &str = "exec 3<&0; sh -c \"env -i A=1 sh -c 'echo \\$\\$; read x' <&3 & exit\"; read x";

#[test]
fn an_orphan_is_found_below_the_subreaper_that_took_it_in() {
    let mut keeper = Command::new("sh");
    keeper.args(["-c", ORPHAN]);
    become_subreaper(&mut keeper);
    // There are none by the portable way.
    let Ok(mut keeper) = Shell::try_of(&mut keeper) else { return };
    let process = keeper.named();
    while processes::stat(process.pid).unwrap().parent != keeper.child.id() {
        std::thread::yield_now();
    }
    assert_eq!(by_root(process, keeper.root()), Lineage::Supervised(Sign::Root(keeper.child.id())));
}

#[expect(unsafe_code, reason = "pre_exec runs in the forked process")]
fn become_subreaper(command: &mut Command) {
    // SAFETY: one system call, which may be made between fork and exec.
    unsafe {
        command
            .pre_exec(|| platform::become_subreaper().then_some(()).ok_or_else(std::io::Error::last_os_error))
    };
}

/// The honest limit: it has cleared its environment and lost its parents. Only the session it is in can still tell.
#[test]
fn an_orphan_with_no_subreaper_above_it_is_known_by_its_session_alone() {
    let orphan = |setsid: &str| {
        let script = format!("exec 3<&0; ({setsid} {CLEARED} <&3 &); read x");
        let mut shell = Shell::of(Command::new("setsid").args(["-w", "sh", "-c", &script]).env(NAME, "s"));
        let process = shell.named();
        (shell, process)
    };
    let parted = |process: PeerProcess, name: &str| {
        while processes::command_name(processes::stat(process.pid).unwrap().parent).as_deref() == Some(name) {
            std::thread::yield_now();
        }
    };
    let (_shell, process) = orphan("");
    parted(process, "sh");
    let beginner = processes::stat(process.pid).unwrap().session;
    assert_eq!(by_name(process), carried_by(beginner));
    let root = (beginner, processes::start_time(beginner).unwrap());
    assert_eq!(by_root(process, root), Lineage::Supervised(Sign::Session(beginner)));
    let (_shell, process) = orphan("setsid");
    parted(process, "sh");
    assert_eq!(by_name(process), Lineage::Free);
}

#[test]
fn what_cannot_be_established_is_unknown() {
    let mut shell = Shell::run("echo $$; read x");
    let process = shell.named();
    let by_number = PeerProcess { is_certain: false, ..process };
    let reused = PeerProcess { start_time: process.start_time - 1, ..process };
    for process in [by_number, reused] {
        assert_eq!(by_name(process), Lineage::Unknown, "{process:?}");
    }
    drop(shell.child.stdin.take());
    super::super::by_pid::ByPid::of(process.pid).wait();
    // A zombie.
    assert_eq!(by_name(process), Lineage::Unknown);
}

#[test]
fn another_users_process_does_not_show_where_it_comes_from() {
    if nix::unistd::geteuid().is_root() {
        return;
    }
    assert_eq!(by_name(certain(1)), Lineage::Unknown);
}

#[test]
fn several_holders_are_free_only_together() {
    let mut free = Shell::run("echo $$; read x");
    let mut marked = Shell::of(Command::new("sh").args(["-c", "echo $$; read x"]).env(NAME, "s"));
    let (free, marked) = (free.named(), marked.named());
    let unknown = PeerProcess { is_certain: false, ..free };
    let all = |processes: &[PeerProcess], is_whole| {
        let holders = Holders { processes: processes.to_vec(), is_whole };
        lineage_of_all(&holders, &Signs { roots: &[], variables: &[NAME] })
    };
    assert_eq!(all(&[free], true), Lineage::Free);
    assert_eq!(all(&[], true), Lineage::Unknown);
    assert_eq!(all(&[free], false), Lineage::Unknown);
    assert_eq!(all(&[free, unknown], true), Lineage::Unknown);
    assert_eq!(all(&[free, unknown, marked], false), carried_by(marked.pid));
}
