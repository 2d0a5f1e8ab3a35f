//! One round: a program with relatives that do not want to go, in a terminal below a shell that stays.

use crate::Dice;
use crate::cast::{Cast, Method, Role};
use nix::libc;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::left_on::left_on;
use test_support::processes::Process;
use test_support::terminal::Terminal;
use test_support::wrapper::{Way, Wrapper};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// From the last kill on.
const GONE: Duration = Duration::from_secs(8);
const LOOK: Duration = Duration::from_millis(5);
/// Says when the program is over, and takes a line then.
const SHELL: &str = r#""$@"; printf over; read -r line; printf 'got %s' "$line""#;
/// Its relatives have sessions of their own; one of them ignores whatever it can.
const PROGRAM: &str = r#"#!/bin/sh
stty raw -echo
printf '\033[?1049h\033[?1000h\033[?1006h'
setsid sleep 1000 </dev/null >/dev/null 2>&1 &
setsid sh -c 'trap "" TERM HUP INT QUIT; while :; do sleep 1000; done' </dev/null >/dev/null 2>&1 &
printf up
while :; do sleep 1000; done
"#;

/// Who was killed.
#[derive(Debug)]
pub(crate) struct Killed {
    pub(crate) roles: Vec<Role>,
    /// Nobody of ours is left to act.
    pub(crate) is_abandoned: bool,
}

/// A round that goes on. When a round fails, it says which it was; whatever is left is ended.
pub(crate) struct Round {
    name: String,
    method: Method,
    wrapper: Wrapper,
    place: tempfile::TempDir,
    terminal: Terminal,
}

impl Round {
    #[track_caller]
    pub(crate) fn start(method: Method, name: String) -> Self {
        let (wrapper, place) = (Wrapper::new(WRAPPER), tempfile::tempdir().expect("a folder"));
        let program = place.path().join("program");
        std::fs::write(&program, PROGRAM).expect("a program");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("a program");
        let mut words = wrapper.words(Way::Watched, program.to_str().expect("text"), &[] as &[&str]);
        if method == Method::Exec {
            let at = words.iter().position(|word| word == "subprocess").expect("the launch method");
            words[at] = "exec".into();
        }
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SHELL, "sh"]).args(words).env("ROUND", place.path());
        wrapper.surround(&mut command);
        let terminal = Terminal::start(command, 80, 24);
        Self { name, method, wrapper, place, terminal }
    }

    /// Lets it come to a random moment: somewhere in its start, or when the program runs.
    pub(crate) fn pass_time(&self, dice: &mut Dice) {
        let limit = if dice.below(2) == 0 {
            40
        } else {
            self.terminal.wait_for_output(b"up", DEADLINE);
            20
        };
        std::thread::sleep(Duration::from_micros(dice.below(limit * 1000)));
    }

    /// Kills those of them that are there; where none is, what the shell started.
    #[track_caller]
    pub(crate) fn kill(&mut self, victims: &[Role], dice: &mut Dice) -> Killed {
        let until = Instant::now() + DEADLINE;
        loop {
            let cast = self.cast();
            let mut roles: Vec<Role> =
                victims.iter().copied().filter(|role| cast.who.contains_key(role)).collect();
            if roles.is_empty() {
                roles.extend([Role::Us, Role::Program].into_iter().find(|role| cast.who.contains_key(role)));
            }
            if dice.below(2) == 0 {
                roles.reverse();
            }
            let killed = roles.iter().filter(|role| cast.who[role].signal(libc::SIGKILL)).count();
            if killed > 0 {
                let is_abandoned = self.method == Method::Exec
                    && roles.contains(&Role::Keeper)
                    && (roles.contains(&Role::Second) || !cast.who.contains_key(&Role::Second));
                self.name = format!("{}: killed {roles:?}, abandoned {is_abandoned}, of {cast:?}", self.name);
                return Killed { roles, is_abandoned };
            }
            assert!(Instant::now() < until, "nothing was started");
        }
    }

    fn cast(&self) -> Cast {
        let program = format!("/bin/sh {}", self.place.path().join("program").display());
        Cast::of(self.method, self.processes(), self.terminal.pid(), (WRAPPER, &program))
    }

    /// Everything of the round but the shell.
    fn processes(&self) -> Vec<Process> {
        let mut all = Process::with_env(&format!("ROUND={}", self.place.path().display()));
        all.retain(|process| process.pid != self.terminal.pid());
        all
    }

    /// Sees to it that the program ends, where its end is not ours, and waits until nothing is left.
    #[track_caller]
    pub(crate) fn ends(&mut self, killed: &Killed, dice: &mut Dice) {
        let goes_on = self.method == Method::Exec
            && !killed.roles.contains(&Role::Program)
            && !killed.roles.contains(&Role::Us);
        if goes_on {
            self.terminal.wait_for_output(b"up", DEADLINE);
            let program = self.cast().who.remove(&Role::Program).expect("the program goes on");
            let signal = [libc::SIGKILL, libc::SIGTERM, libc::SIGHUP][usize::from(dice.below(3) as u8)];
            assert!(program.signal(signal) && program.ends_within(DEADLINE));
        }
        if killed.is_abandoned {
            self.terminal.wait_for_output(b"over", DEADLINE);
        }
        let until = Instant::now() + GONE;
        // Where nobody else does it: again and again, because they start others until they are all gone.
        let patience = if killed.is_abandoned { LOOK } else { GONE };
        loop {
            if killed.is_abandoned {
                self.kill_all();
            }
            let all = self.processes();
            if all.is_empty() {
                return;
            }
            let limit = Instant::now() + patience;
            let left = |process: &&Process| {
                !process.ends_within(limit.min(until).saturating_duration_since(Instant::now()))
            };
            let left: Vec<String> = all.iter().filter(left).map(Process::command_line).collect();
            assert!(left.is_empty() || Instant::now() < until, "left: {left:?}");
        }
    }

    fn kill_all(&self) {
        for process in self.processes() {
            process.signal(libc::SIGKILL);
        }
    }

    /// The shell has it back, no mode is on that makes it unusable, and what is typed arrives.
    #[track_caller]
    pub(crate) fn terminal_is_usable(&self, killed: &Killed) {
        self.terminal.wait_for_output(b"over", DEADLINE);
        let until = Instant::now() + GONE;
        let as_before = || {
            let on = left_on(&self.terminal.raw_output());
            let is_reset = self.terminal.modes() == self.terminal.modes_before;
            on.is_empty() && (is_reset || self.method == Method::Exec)
        };
        while !killed.is_abandoned && !as_before() {
            assert!(Instant::now() < until, "on: {:?}", left_on(&self.terminal.raw_output()));
            std::thread::sleep(LOOK);
        }
        // A newline: in exec mode nobody may have given the terminal back its settings.
        self.terminal.type_text("typed\n");
        self.terminal.wait_for_output(b"got typed", DEADLINE);
        self.terminal.wait_exit(DEADLINE);
    }

    /// Gives how many records and sockets were there until somebody asked for a list.
    #[track_caller]
    pub(crate) fn files_are_swept(&self) -> u64 {
        let left = self.wrapper.left_behind().len() as u64;
        let mut list = Command::new(WRAPPER);
        list.arg("list");
        self.wrapper.surround(&mut list);
        let listed = list.output().expect("a list");
        assert!(listed.status.success(), "{listed:?}");
        let files = self.wrapper.left_behind();
        assert!(files.is_empty(), "{files:?}");
        left
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was {}", self.name);
        }
        self.kill_all();
    }
}
