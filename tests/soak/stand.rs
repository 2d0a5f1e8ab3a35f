//! Who is killed: a hub that stands alone, which somebody starts again; or the companion of a program in exec mode, after
//! which another comes by itself.

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::instance::url_in;
use test_support::processes::{Doomed, Process};
use test_support::program::Program;
use test_support::standalone::{Hub, Place};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// It, in a user's place.
pub(crate) struct Stand {
    place: Place,
    pub(crate) port: u16,
    who: Who,
}

enum Who {
    /// `None` while nobody runs.
    Alone(Option<Hub>),
    Beside(Option<Program>),
}

impl Stand {
    /// `serve`.
    pub(crate) fn alone() -> Self {
        let place = Place::new(WRAPPER);
        let hub = place.serve(0);
        Self { place, port: hub.port, who: Who::Alone(Some(hub)) }
    }

    /// A program in exec mode, with its companion.
    pub(crate) fn beside() -> Self {
        let place = Place::new(WRAPPER);
        let options = [
            "-q",
            "--launch-method",
            "exec",
            "--websocket",
            "--websocket-port",
            "auto",
            "--claude",
            "sh",
            "--",
            "-c",
        ];
        let mut command = place.command(&options);
        command.arg("read -r go; exit 0");
        command.stdin(std::process::Stdio::piped());
        let program = Program::start_with_its_stdin(command);
        let port = url_in(&place.path("run")).rsplit(':').next().unwrap().parse().unwrap();
        Self { place, port, who: Who::Beside(Some(program)) }
    }

    /// How long it lives at least: several companions that die at once are not replaced.
    pub(crate) fn youth(&self) -> Duration {
        match self.who {
            Who::Alone(_) => Duration::from_millis(20),
            Who::Beside(_) => Duration::from_millis(700),
        }
    }

    /// Kills the hub and waits until another serves.
    pub(crate) fn kill(&mut self) {
        match &mut self.who {
            Who::Alone(hub) => {
                hub.take().expect("it runs").kill();
                *hub = Some(self.place.serve(self.port));
            }
            Who::Beside(_) => {
                let before = self.server().expect("a companion");
                assert!(Process::of(before).signal(libc::SIGKILL));
                let until = Instant::now() + DEADLINE;
                while self.server().is_none_or(|pid| pid == before) {
                    assert!(Instant::now() < until, "no other companion came");
                    std::thread::sleep(LOOK);
                }
            }
        }
    }

    /// The process that serves: in exec mode the child of one of ours.
    fn server(&self) -> Option<u32> {
        if let Who::Alone(hub) = &self.who {
            return hub.as_ref().map(Hub::pid);
        }
        let all = Process::with_env(&format!("XDG_RUNTIME_DIR={}", self.place.path("run").display()));
        let ours: Vec<_> = all.iter().filter(|process| process.command_line().starts_with(WRAPPER)).collect();
        let is_ours = |pid: u32| ours.iter().any(|process| process.pid == pid);
        ours.iter().find(|process| process.parent_pid().is_some_and(is_ours)).map(|process| process.pid)
    }

    /// Ends it as its user would.
    pub(crate) fn stop(&mut self) {
        let hub = Doomed(Process::of(self.server().expect("a hub")));
        match &mut self.who {
            Who::Alone(hub) => assert!(hub.take().expect("it runs").stop().success()),
            Who::Beside(program) => {
                let program = program.take().expect("it runs");
                kill(Pid::from_raw(program.pid().cast_signed()), Signal::SIGTERM).expect("it runs");
                program.finish();
            }
        }
        assert!(hub.0.ends_within(DEADLINE), "the hub stays");
    }

    /// Where its journal is.
    pub(crate) fn journal(&self) -> PathBuf {
        let sessions = self.place.path(".local/state/claude-mpm/sessions");
        let mut found: Vec<_> = fs::read_dir(&sessions).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }
}
