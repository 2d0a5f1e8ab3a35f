//! `--launch-method exec` with a hub: the program is left alone with the terminal, and a companion tells of it, takes
//! its hooks, is replaced when it is killed, and ends with it.
//!
//! What the program itself notices is compared with bare in `transparency`; that the events are those of the other
//! launch method is shown in `accuracy`.

use nix::libc;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::instance::{source_of, status_at, url_in};
use test_support::processes::{Doomed, Process};
use test_support::program::Program;
use test_support::subscriber::Subscriber;
use test_support::terminal::Terminal;

mod hooks;

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// Opening a FIFO waits for its other end.
const STAND: &str = ": <\"$HOME/go\"";
/// How often a wait looks where nothing tells.
const LOOK: Duration = Duration::from_millis(2);

/// A runtime directory, by which every process of a run is known.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        nix::unistd::mkfifo(&root.path().join("go"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
        Self { root }
    }

    /// Lets a program go on that stands at [`STAND`], or will soon.
    #[track_caller]
    fn release(&self) {
        let until = Instant::now() + DEADLINE;
        let mut go = fs::OpenOptions::new();
        let go = go.write(true).custom_flags(libc::O_NONBLOCK);
        while let Err(cause) = go.open(self.root.path().join("go")) {
            assert!(Instant::now() < until, "nobody stands there: {cause}");
            std::thread::sleep(LOOK);
        }
    }

    fn command(&self, options: &[&str], program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(WRAPPER);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("TERM", "xterm-256color");
        command.env("XDG_RUNTIME_DIR", self.root.path()).env("HOME", self.root.path());
        command.args(["--websocket-port", "auto", "-q"]).args(options);
        command.args(["--claude", program, "--"]).args(arguments);
        command
    }

    fn sh(&self, script: &str) -> Command {
        self.command(&[], "/bin/sh", &["-c", script])
    }

    fn url(&self) -> String {
        url_in(self.root.path())
    }

    /// Waits until the program has taken the place of the command; gives the hub's address.
    #[track_caller]
    fn runs(&self) -> String {
        let (url, until) = (self.url(), Instant::now() + DEADLINE);
        while status_at(&url)["claude_status"] != "running" {
            assert!(Instant::now() < until, "it does not run");
            std::thread::sleep(LOOK);
        }
        url
    }

    /// The program and everything of ours that belongs to it.
    fn processes(&self) -> Vec<Process> {
        Process::with_env(&format!("XDG_RUNTIME_DIR={}", self.root.path().display()))
    }

    /// The keeper and the companion, which look alike, by who is whose parent.
    fn ours(&self) -> (Process, Process) {
        let ours: Vec<Process> = self
            .processes()
            .into_iter()
            .filter(|process| process.command_line().starts_with(WRAPPER))
            .collect();
        let is_companion = |process: &Process| {
            let parent = process.parent().pid;
            ours.iter().any(|other| other.pid == parent)
        };
        let (mut companions, mut keepers): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
        for pid in ours.iter().map(|process| process.pid) {
            let process = Process::of(pid);
            if is_companion(&process) { companions.push(process) } else { keepers.push(process) }
        }
        (keepers.pop().expect("a keeper"), companions.pop().expect("a companion"))
    }

    /// Nothing of the run is left: no process, no record, no socket.
    #[track_caller]
    fn is_left_clean(&self) {
        let until = Instant::now() + DEADLINE;
        loop {
            let left: Vec<String> = self.processes().iter().map(Process::command_line).collect();
            let files = files_in(&self.root.path().join("claude-mpm"));
            if left.is_empty() && files.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "left: {left:?} {files:?}");
            std::thread::sleep(LOOK);
        }
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// What is measured now and then is none of the story.
fn types(events: &[Value]) -> Vec<&str> {
    let types = events.iter().map(|event| event["type"].as_str().expect("a type"));
    types.filter(|name| *name != "system.stats").collect()
}

#[test]
fn a_session_is_told_from_its_start_to_its_end_and_nothing_of_it_is_left() {
    let place = Place::new();
    let program = Program::start(place.sh(&format!("echo $$; {STAND}; exit 7")), b"");
    let pid = program.wait_out(|line| !line.is_empty());
    assert_eq!(pid, program.pid().to_string(), "the program has the process id of the command");
    let client = Subscriber::connect(&place.url());
    let status = status_at(&place.url());
    assert_eq!(status["launch_method"], "exec");
    assert_eq!(status["instance_info"]["pid"], program.pid());
    let screen = source_of(&status, "screen");
    assert_eq!(screen["state"], "missing");
    assert!(screen["note"].as_str().expect("a note").contains("--launch-method exec"), "{screen}");
    place.release();
    assert_eq!(program.finish().0.code(), Some(7));
    let received = client.wait_close();
    assert_eq!(received.close, Some(1000));
    let expected = ["session.start", "claude.status", "claude.status", "claude.status", "session.end"];
    let mut told = types(&received.events);
    // On a slow machine the meter has its turn.
    told.retain(|name| *name != "system.stats");
    assert_eq!(told, expected);
    let end = received.of("session.end")[0];
    // Kernels before 6.15 tell it only to a parent that has not looked yet.
    assert!(end["exit_code"] == 7 || end["exit_code"].is_null(), "{end}");
    place.is_left_clean();
}

#[test]
fn the_program_has_no_child_and_no_descriptor_of_ours() {
    let place = Place::new();
    let script = format!("cat /proc/$$/task/$$/children; echo; ls /proc/$$/fd; echo end; {STAND}");
    let program = Program::start(place.sh(&script), b"");
    program.wait_out(|line| line == "end");
    let lines = program.out();
    let (children, rest) = lines.split_first().expect("lines");
    // `cat` itself is the only child.
    assert_eq!(children.split_whitespace().count(), 1, "{lines:?}");
    let mut bare = Command::new("/bin/sh");
    bare.args(["-c", "ls /proc/$$/fd; echo end"]);
    let bare = Program::start(bare, b"");
    bare.wait_out(|line| line == "end");
    assert_eq!(rest, bare.out());
    place.release();
    program.finish();
    place.is_left_clean();
}

#[test]
fn keeper_and_companion_hold_nothing_of_the_users() {
    let place = Place::new();
    // The pipe at descriptor 7 ends when nobody holds it any longer.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#""$@" 7>&1 | cat; echo over"#, "sh", "sh", "-c", r#""$@" & echo started"#, "sh"]);
    let run = place.command(&[], "/bin/sleep", &["1000"]);
    command.arg(run.get_program()).args(run.get_args());
    command.env_clear().envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let program = Program::start(command, b"");
    program.wait_out(|line| line == "started");
    place.runs();
    let sleep =
        place.processes().into_iter().find(|process| process.command_line().starts_with("/bin/sleep"));
    let sleep = Doomed(sleep.expect("the program"));
    let users: Vec<PathBuf> = [0, 1, 2, 7]
        .iter()
        .filter_map(|fd| fs::read_link(format!("/proc/{}/fd/{fd}", sleep.0.pid)).ok())
        .filter(|to| to != Path::new("/dev/null"))
        .collect();
    assert!(users.len() >= 3, "{users:?}");
    let (keeper, companion) = place.ours();
    for process in [&keeper, &companion] {
        let links = files_in(Path::new(&format!("/proc/{}/fd", process.pid)));
        let is_users = |link: &&PathBuf| fs::read_link(link).is_ok_and(|to| users.contains(&to));
        assert_eq!(links.iter().filter(is_users).count(), 0, "{links:?}");
        let cwd = fs::read_link(format!("/proc/{}/cwd", process.pid)).expect("a directory");
        assert_eq!(cwd, Path::new("/"));
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).expect("a status");
        assert!(status.contains("Umask:\t0077"), "{status}");
    }
    let sleep =
        place.processes().into_iter().find(|process| process.command_line().starts_with("/bin/sleep"));
    assert!(sleep.expect("the program").signal(libc::SIGKILL));
    program.wait_out(|line| line == "over");
    program.finish();
    place.is_left_clean();
}

#[test]
fn a_companion_that_is_killed_is_followed_by_another_that_goes_on_with_the_log() {
    let place = Place::new();
    let program = Program::start(place.sh(STAND), b"");
    let url = place.url();
    let mut seen: Vec<Value> = Vec::new();
    for round in 1..=3 {
        let client = Subscriber::connect(&url);
        client.wait_for(|received| {
            received.of("claude.status").last().is_some_and(|data| data["status"] == "running")
        });
        let (_, companion) = place.ours();
        let killed = Instant::now();
        assert!(companion.signal(libc::SIGKILL));
        seen.extend(client.wait_close().events);
        // Whoever connects now waits at the listener.
        let status = status_at(&url);
        assert!(killed.elapsed() < Duration::from_secs(1), "{:?}", killed.elapsed());
        assert_eq!(status["session_start"], seen[0]["data"]["start_time"], "round {round}");
    }
    let client = Subscriber::connect(&url);
    client.wait_for(|received| !received.of("claude.status").is_empty());
    place.release();
    assert_eq!(program.finish().0.code(), Some(0));
    seen.extend(client.wait_close().events);
    // Each client heard all there was from the beginning of its numbering on: without the journal's last number another
    // one begins.
    let mut all = std::collections::BTreeMap::new();
    for event in &seen {
        let place = (event["epoch"].to_string(), event["seq"].as_u64().expect("a number"));
        let known = all.insert(place, event.clone());
        assert!(known.is_none_or(|known| known["id"] == event["id"]), "two events with one number: {event}");
    }
    for epoch in all.keys().map(|(epoch, _)| epoch).collect::<std::collections::BTreeSet<_>>() {
        let numbers: Vec<u64> = all.keys().filter(|(of, _)| of == epoch).map(|(_, seq)| *seq).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "{epoch}");
    }
    let ids: std::collections::BTreeSet<_> = all.values().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), all.len(), "no id twice");
    let seen: Vec<&Value> = all.values().collect();
    let starts = seen.iter().filter(|event| event["type"] == "session.start").count();
    let interruptions = seen.iter().filter(|event| event["type"] == "system.error").count();
    assert_eq!((starts, interruptions), (1, 3));
    place.is_left_clean();
}

#[test]
fn a_client_that_comes_back_late_hears_of_a_program_that_was_killed_with_the_companion() {
    let place = Place::new();
    let program = Program::start(place.sh(STAND), b"");
    let url = place.runs();
    let (keeper, companion) = place.ours();
    // So that the next companion finds it ended.
    assert!(keeper.signal(libc::SIGSTOP) && companion.signal(libc::SIGKILL));
    assert!(Process::of(program.pid()).signal(libc::SIGKILL));
    assert_eq!(program.finish().0.signal(), Some(libc::SIGKILL));
    assert!(keeper.signal(libc::SIGCONT));
    std::thread::sleep(Duration::from_secs(1));
    let received = Subscriber::connect(&url).wait_close();
    assert_eq!(received.of("session.end").len(), 1, "{received:#?}");
    place.is_left_clean();
}

#[test]
fn a_program_that_cannot_be_executed_ends_the_session_and_leaves_nothing() {
    let place = Place::new();
    let path = place.root.path().join("script");
    fs::write(&path, "#!/no/such/interpreter\n").expect("a file");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    let program = Program::start(place.command(&[], path.to_str().expect("text"), &[]), b"");
    let (status, out, err) = program.finish();
    assert_eq!((status.code(), out.len()), (Some(127), 0));
    assert!(err[0].contains("its interpreter is not there"), "{err:?}");
    place.is_left_clean();
}

#[test]
fn without_a_companion_the_program_runs_as_it_was_typed() {
    // A limit that leaves room for what is claimed and none for what a companion needs.
    let most = (8..64).find_map(|limit| {
        let place = Place::new();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("ulimit -n {limit}; exec \"$@\""), "sh"]);
        let run = place.command(&[], "/bin/sh", &["-c", "echo ran ${CLAUDE_MPM_URL:-free}; exit 5"]);
        command.arg(run.get_program()).args(run.get_args());
        command.env_clear().envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let (status, out, err) = Program::start(command, b"").finish();
        place.is_left_clean();
        let warned = err.iter().any(|line| line.contains("cannot watch claude: "));
        warned.then_some((status.code(), out, err.len()))
    });
    assert_eq!(most, Some((Some(5), vec!["ran free".to_owned()], 1)));
}

#[test]
fn a_run_inside_a_session_is_refused_unless_it_is_asked_for() {
    let place = Place::new();
    let nested = |options: &[&str]| {
        let mut command = place.command(options, "/bin/sh", &["-c", "exit 3"]);
        command.env("CLAUDE_MPM_SESSION", "0b5fd1a5");
        Program::start(command, b"").finish()
    };
    let (status, _, err) = nested(&[]);
    assert_eq!(status.code(), Some(125));
    assert!(err[0].contains("inside session 0b5fd1a5"), "{err:?}");
    assert!(err.iter().any(|line| line.contains("--nested")), "{err:?}");
    assert_eq!(nested(&["--nested"]).0.code(), Some(3));
    place.is_left_clean();
}

#[test]
#[cfg_attr(
    feature = "portable",
    ignore = "how a program ended is told to its parent alone, and nobody knows it was killed"
)]
fn modes_that_a_killed_program_left_on_are_switched_off() {
    let place = Place::new();
    let script = format!(r"echo $$ >$HOME/pid; printf '\033[?1000h\033[?1006h\033[?25l\033[>1u on'; {STAND}");
    let run = place.sh(&script);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "\"$@\"; read line", "sh"]).arg(run.get_program()).args(run.get_args());
    shell.env_clear().envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let terminal = Terminal::start(shell, 80, 24);
    terminal.wait_for(|screen| screen.contains("on"), DEADLINE);
    place.url();
    let pid = fs::read_to_string(place.root.path().join("pid")).expect("a process id");
    Process::of(pid.trim().parse().expect("a number")).signal(libc::SIGKILL);
    terminal.wait_for_output(b"\x1b[?1000l", DEADLINE);
    terminal.wait_for_output(b"\x1b[?25h", DEADLINE);
    terminal.type_text("\r");
    terminal.wait_exit(DEADLINE);
    place.is_left_clean();
}

#[test]
fn a_run_within_a_run_ends_with_it() {
    let place = Place::new();
    let inner = format!("{WRAPPER} -q --nested --websocket-port auto --claude /bin/sleep -- 1000");
    let script = format!("setsid {inner} & echo up; {STAND}");
    let program = Program::start(place.sh(&script), b"");
    program.wait_out(|line| line == "up");
    let until = Instant::now() + DEADLINE;
    let sleeps = || place.processes().into_iter().find(|it| it.command_line() == "/bin/sleep 1000");
    let sleep = loop {
        if let Some(sleep) = sleeps() {
            break Doomed(sleep);
        }
        assert!(Instant::now() < until, "the inner program never ran");
        std::thread::sleep(LOOK);
    };
    assert!(Process::of(program.pid()).signal(libc::SIGTERM));
    assert!(sleep.0.ends_within(DEADLINE));
    program.finish();
    place.is_left_clean();
}
