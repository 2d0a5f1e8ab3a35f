//! One run of the real claude, in a terminal below a shell that stays: its processes, its client, its screen, and what
//! is left of it all.

use crate::BARE;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::catalogue::{Rules, Scenario};
use test_support::faithful::Faithful;
use test_support::left_on::left_on;
use test_support::processes::Process;
use test_support::stage::Stage;
use test_support::terminal::{HungUp, Terminal};
use test_support::wrapper::{Way, Wrapper};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// Says how the program ended, and stays, so that the terminal does.
const SHELL: &str = r#""$@"; echo "back $?"; read -r line"#;
const COMMAND: &str = "sleep 300";
/// How often a wait looks where nothing tells.
const LOOK: Duration = Duration::from_millis(5);

/// How claude is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Bare,
    Subprocess,
    Exec,
}

/// Our two processes: supervisor and guardian, or keeper and companion.
#[derive(Debug)]
pub(crate) struct Ours {
    pub(crate) first: Process,
    /// The child of the first.
    pub(crate) second: Process,
}

/// Where a terminal is when its window may be closed.
enum Window {
    Open(Terminal),
    Closed { _program: HungUp },
    Closing,
}

/// A claude whose command runs.
pub(crate) struct Stand {
    pub(crate) method: Method,
    pub(crate) claude: Process,
    pub(crate) client: Option<Faithful>,
    command: Process,
    shell: u32,
    window: RefCell<Window>,
    wrapper: Wrapper,
    pub(crate) stage: Stage,
}

impl Stand {
    /// Starts it, and waits until the command runs.
    #[track_caller]
    pub(crate) fn start(method: Method, in_job_control: bool) -> Self {
        let scenario = Scenario { name: "kills", rules: Rules::default(), env: &[], runs: Vec::new() };
        let (stage, wrapper) = (Stage::set(&scenario), Wrapper::new(WRAPPER));
        let terminal = match in_job_control {
            true => start_in_bash(&stage, &wrapper, method),
            false => start_in_sh(&stage, &wrapper, method),
        };
        let prompt = |screen: &str| screen.contains('❯');
        terminal.wait_for(prompt, DEADLINE);
        let claude = until(|| stage.claude().filter(|_| status(&stage).as_deref() == Some("idle")));
        let client = (method != Method::Bare).then(|| Faithful::follow(&hub_of(&claude)));
        terminal.type_text("DEMO:endless-bash\r");
        let home = home(&stage);
        let is_command = |process: &Process| process.command_line() == COMMAND;
        let command = until(|| Process::with_env(&home).into_iter().find(is_command));
        let (shell, window) = (terminal.pid(), RefCell::new(Window::Open(terminal)));
        Self { method, claude, client, command, shell, window, wrapper, stage }
    }

    fn terminal<T>(&self, act: impl FnOnce(&Terminal) -> T) -> T {
        match &*self.window.borrow() {
            Window::Open(terminal) => act(terminal),
            Window::Closed { .. } | Window::Closing => panic!("the window is closed"),
        }
    }

    pub(crate) fn types(&self, text: &str) {
        self.terminal(|terminal| terminal.type_text(text));
    }

    #[track_caller]
    pub(crate) fn sees(&self, text: &str) -> String {
        self.terminal(|terminal| terminal.wait_for(|screen| screen.contains(text), DEADLINE))
    }

    /// Waits until the screen no longer shows it.
    #[track_caller]
    pub(crate) fn misses(&self, text: &str) {
        self.terminal(|terminal| terminal.wait_for(|screen| !screen.contains(text), DEADLINE));
    }

    /// Waits until the screen ends with it.
    #[track_caller]
    pub(crate) fn sees_last(&self, text: &str) {
        self.terminal(|terminal| terminal.wait_for(|screen| screen.ends_with(text.trim_end()), DEADLINE));
    }

    /// Waits until claude draws again after a stop.
    #[track_caller]
    pub(crate) fn is_redrawn(&self) {
        self.terminal(|terminal| terminal.wait_for(|screen| !screen.trim_end().ends_with("fg"), DEADLINE));
        self.sees(COMMAND);
    }

    pub(crate) fn resizes(&self) {
        self.terminal(|terminal| terminal.resize(90, 30));
    }

    /// Waits until claude waits for its user.
    #[track_caller]
    pub(crate) fn idles(&self) {
        until(|| (status(&self.stage).as_deref() == Some("idle")).then_some(()));
    }

    #[track_caller]
    pub(crate) fn claude_ends(&self) -> Instant {
        assert!(self.claude.ends_within(DEADLINE), "claude goes on");
        Instant::now()
    }

    #[track_caller]
    pub(crate) fn command_ends(&self) {
        assert!(self.command.ends_within(DEADLINE), "the command goes on");
    }

    pub(crate) fn command_runs(&self) -> bool {
        !self.command.ends_within(Duration::ZERO)
    }

    pub(crate) fn close_window(&self) {
        let Window::Open(terminal) = self.window.replace(Window::Closing) else { return };
        self.window.replace(Window::Closed { _program: terminal.hang_up() });
    }

    /// Our two processes.
    #[track_caller]
    pub(crate) fn ours(&self) -> Ours {
        until(|| {
            let mut ours = self.processes();
            ours.retain(|process| process.command_line().starts_with(WRAPPER));
            let pids: Vec<u32> = ours.iter().map(|process| process.pid).collect();
            let is_second = |process: &Process| process.parent_pid().is_some_and(|it| pids.contains(&it));
            let (mut seconds, mut firsts): (Vec<_>, Vec<_>) = ours.into_iter().partition(is_second);
            Some(Ours { second: seconds.pop()?, first: firsts.pop()? })
        })
    }

    /// Everything that was started here, but the shell.
    fn processes(&self) -> Vec<Process> {
        let mut all = Process::with_env(&home(&self.stage));
        all.retain(|process| process.pid != self.shell);
        all
    }

    /// Waits until nothing is left, at most so long; gives the command lines of what is.
    pub(crate) fn left(&self, limit: Duration) -> Vec<String> {
        let until = Instant::now() + limit;
        loop {
            let all = self.processes();
            let left =
                |process: &Process| !process.ends_within(until.saturating_duration_since(Instant::now()));
            let left: Vec<String> =
                all.iter().filter(|process| left(process)).map(Process::command_line).collect();
            if all.is_empty() || !left.is_empty() {
                return left;
            }
        }
    }

    /// Whether the settings of the terminal are those from before, and which modes are on. Waits a little for the
    /// shell to be back.
    pub(crate) fn terminal_now(&self) -> (Option<bool>, BTreeSet<&'static str>) {
        let Window::Open(terminal) = &*self.window.borrow() else { return (None, BTreeSet::new()) };
        let until = Instant::now() + BARE;
        loop {
            let (is_reset, on) = (terminal.modes() == terminal.modes_before, left_on(&terminal.raw_output()));
            if (is_reset && on.is_empty()) || Instant::now() >= until {
                return (Some(is_reset), on);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Everything that was written on the terminal, as a user sees it.
    pub(crate) fn history(&self) -> String {
        self.terminal(Terminal::history)
    }

    /// How many records and sockets of ours are left.
    pub(crate) fn files(&self) -> usize {
        self.wrapper
            .left_behind()
            .iter()
            .filter(|path| path.extension().is_some_and(|it| it != "kept"))
            .count()
    }
}

fn home(stage: &Stage) -> String {
    format!("HOME={}", stage.sandbox.home().display())
}

/// The status in claude's record of itself.
fn status(stage: &Stage) -> Option<String> {
    let path = stage.sessions().join(format!("{}.json", stage.claude()?.pid));
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    Some(record["status"].as_str()?.to_owned())
}

/// The hub that claude was told of.
#[track_caller]
fn hub_of(claude: &Process) -> String {
    environment_of(claude, "CLAUDE_MPM_URL")
}

/// A variable that claude was started with.
#[track_caller]
pub(crate) fn environment_of(claude: &Process, name: &str) -> String {
    let environment = std::fs::read(format!("/proc/{}/environ", claude.pid)).expect("claude's environment");
    let environment = String::from_utf8_lossy(&environment).into_owned();
    let prefix = format!("{name}=");
    let value = environment.split('\0').find_map(|entry| entry.strip_prefix(&prefix));
    value.unwrap_or_else(|| panic!("claude has no {name}")).to_owned()
}

/// Looks again and again: neither a file of claude's nor a process tells when it changes.
#[track_caller]
fn until<T>(look: impl Fn() -> Option<T>) -> T {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "it did not come true in time");
        std::thread::sleep(LOOK);
    }
}

/// The command line that starts claude this way.
fn words(stage: &Stage, wrapper: &Wrapper, method: Method) -> Vec<std::ffi::OsString> {
    let claude = stage.sandbox.claude().to_str().expect("text");
    let none: [&str; 0] = [];
    let mut words = match method {
        Method::Bare => wrapper.words(Way::Bare, claude, &none),
        Method::Subprocess | Method::Exec => wrapper.words(Way::Watched, claude, &none),
    };
    if method == Method::Exec {
        let at = words.iter().position(|word| word == "subprocess").expect("the launch method");
        words[at] = "exec".into();
    }
    words
}

fn start_in_sh(stage: &Stage, wrapper: &Wrapper, method: Method) -> Terminal {
    let mut command = stage.sandbox.command("/bin/sh");
    command.args(["-c", SHELL, "sh"]).args(words(stage, wrapper, method));
    started(wrapper, command)
}

/// An interactive shell, whose prompts are numbered. It runs the command that is typed.
fn start_in_bash(stage: &Stage, wrapper: &Wrapper, method: Method) -> Terminal {
    let mut command = stage.sandbox.command("/bin/bash");
    command.args(["--norc", "--noprofile", "--noediting", "-i"]);
    command.env("PS1", r"#\#> ").env("HISTFILE", "/dev/null");
    let terminal = started(wrapper, command);
    terminal.wait_for(|screen| screen.contains("#1>"), DEADLINE);
    let quoted: Vec<String> = words(stage, wrapper, method)
        .iter()
        .map(|word| format!("'{}'", word.to_str().expect("text").replace('\'', r"'\''")))
        .collect();
    terminal.type_text(&format!("{}\r", quoted.join(" ")));
    terminal
}

fn started(wrapper: &Wrapper, mut command: Command) -> Terminal {
    wrapper.surround(&mut command);
    Terminal::start(command, 110, 35)
}
