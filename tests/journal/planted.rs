//! Something else at the place of a directory or a file of ours: claude does not notice, nothing waits, nothing is written
//! through it, and one error tells of it.

use crate::kept::{WRAPPER, write};
use nix::unistd::{Uid, chown};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use test_support::DEADLINE;
use test_support::instance::url_in;
use test_support::meeting::Meeting;
use test_support::piped;
use test_support::standalone::Place;
use test_support::subscriber::Subscriber;

const STATE: &str = ".local/state";
/// A user nobody is.
const NOBODY: u32 = 65_534;
const SCRIPT: &str =
    r#"echo up; echo up >"$MEETING/up"; read -r go <"$MEETING/down"; echo "got $go"; exit 7"#;

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    Link,
    DanglingLink,
    Fifo,
    File,
    Directory,
    Foreign,
}

impl Thing {
    /// Puts it there; links lead to `target`.
    pub(crate) fn put(self, path: &Path, target: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match self {
            Self::Link | Self::DanglingLink => symlink(target, path).unwrap(),
            Self::Fifo => nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap(),
            Self::File => write(path, b"theirs"),
            Self::Directory => fs::create_dir(path).unwrap(),
            Self::Foreign if path.extension().is_some() || path.ends_with("lock") => {
                write(path, b"theirs");
                chown(path, Some(NOBODY.into()), None).unwrap();
            }
            Self::Foreign => {
                fs::create_dir(path).unwrap();
                fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
                chown(path, Some(NOBODY.into()), None).unwrap();
            }
        }
    }
}

/// What a run came to.
struct Came {
    output: std::process::Output,
    events: Vec<Value>,
}

impl Came {
    fn errors(&self) -> Vec<&str> {
        let of_journal =
            |event: &&Value| event["type"] == "system.error" && event["data"]["component"] == "journal";
        self.events.iter().filter(of_journal).map(|event| event["data"]["error"].as_str().unwrap()).collect()
    }
}

/// Runs a program to its end, with a client that hears everything.
fn run(place: &Place, shell: &str) -> Came {
    let meeting = Meeting::new();
    let command = words(place, shell, &meeting);
    let running = std::thread::spawn(|| piped::run(command, b"", DEADLINE));
    assert_eq!(meeting.hear(), "up");
    let client = Subscriber::connect(&url_in(&place.path("run")));
    meeting.say("on");
    let output = running.join().expect("a program that ends");
    Came { output, events: client.wait_close().events }
}

fn words(place: &Place, shell: &str, meeting: &Meeting) -> Command {
    let script = format!(
        "{shell} exec {WRAPPER} -q --launch-method subprocess --websocket-port auto --claude sh -- -c '{SCRIPT}'"
    );
    let mut command = place.command(&[]);
    let environment: Vec<_> =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned())).collect();
    command = Command::new("/bin/sh");
    command.env_clear().envs(environment).env("MEETING", meeting.folder()).current_dir(place.path("work"));
    command.args(["-c", &script]);
    command
}

fn is_as_alone(came: &Came, what: &str) {
    assert_eq!(came.output.status.code(), Some(7), "{what}: {:?}", came.output);
    assert_eq!(came.output.stdout, b"up\ngot on\n", "{what}");
    let end = came.events.last().expect("events");
    assert_eq!((&end["type"], &end["data"]["exit_code"]), (&"session.end".into(), &7.into()), "{what}");
}

/// Files and directories below, with their modes.
fn below(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.metadata().unwrap();
        found.push((entry.path(), kind.permissions().mode() & 0o7777));
        if kind.is_dir() {
            found.extend(below(&entry.path()));
        }
    }
    found
}

#[test]
fn what_stands_at_the_place_of_a_directory_of_ours_costs_the_journal_and_nothing_else() {
    for name in ["claude-mpm", "claude-mpm/sessions"] {
        for thing in [Thing::Link, Thing::DanglingLink, Thing::Fifo, Thing::File, Thing::Foreign] {
            if thing == Thing::Foreign && !Uid::effective().is_root() {
                eprintln!("not root: nobody else's directory can be made");
                continue;
            }
            let what = format!("{thing:?} at {name}");
            let place = Place::new(WRAPPER);
            let target = place.path("target");
            if thing != Thing::DanglingLink {
                fs::create_dir(&target).unwrap();
            }
            let path = place.path(STATE).join(name);
            thing.put(&path, &target);
            let began = Instant::now();
            let came = run(&place, "");
            is_as_alone(&came, &what);
            assert_eq!(came.errors().len(), 1, "{what}: {:?}", came.errors());
            assert!(came.errors()[0].contains("claude-mpm"), "{what}: {:?}", came.errors());
            assert!(below(&target).is_empty(), "{what}: {:?}", below(&target));
            assert!(target.exists() == (thing != Thing::DanglingLink), "{what}");
            assert!(below(&path).is_empty() || thing == Thing::Link, "{what}: {:?}", below(&path));
            assert!(began.elapsed() < DEADLINE / 2, "{what} took {:?}", began.elapsed());
        }
    }
}

#[test]
fn whatever_the_umask_nobody_else_may_look_in() {
    for umask in ["umask 0;", "umask 0777;"] {
        if umask.contains("777") && !Uid::effective().is_root() {
            eprintln!("not root: with this umask a user may not look into directories of its own");
            continue;
        }
        let place = Place::new(WRAPPER);
        let came = run(&place, umask);
        is_as_alone(&came, umask);
        let state = place.path(STATE).join("claude-mpm");
        let found = below(&state);
        assert!(umask.contains("777") || found.len() >= 6, "{found:?}");
        for (path, mode) in found {
            let ours = if path.is_dir() { 0o700 } else { 0o600 };
            assert!(mode & !ours == 0, "{umask} {} has {mode:o}", path.display());
        }
    }
}
