//! A hub that cannot have its journal when it starts, and can later: it says that it tries again, tells nothing meanwhile
//! that is not surely ours, and then writes down what it was told from its first event on.

use crate::full::{errors, may_mount, post, wait_for};
use crate::kept::WRAPPER;
use crate::planted::Thing;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, chown};
use serde_json::json;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use test_support::program::Program;
use test_support::standalone::{Hub, Place, named};
use test_support::subscriber::ask;

const STATE: &str = ".local/state";
/// `$0` is a folder that gets a disk of its own, which can only be read; the rest a command.
const READ_ONLY: &str = r#"mount -t tmpfs -o ro,mode=700 tmpfs "$0" && exec "$@""#;
/// A user who has no home.
const HOMELESS: u32 = 4242;

fn state_of_journal(hub: &Hub) -> String {
    hub.get("/api/status")["journal"]["state"].as_str().unwrap_or("none").to_owned()
}

/// The events of ours that it tells of, and whether it says that those are all.
fn told(hub: &Hub) -> (usize, bool) {
    let answer = ask(
        &hub.url(),
        &json!({"command": "get_history", "params": {"event_types": ["my.*"], "limit": 1000}}),
    );
    let data = &answer["data"];
    (data["events"].as_array().unwrap().len(), data["complete"] == true)
}

/// The events of ours in the files of a journal.
fn written(directory: &Path) -> usize {
    let segments = named(directory, ".ndjson");
    segments.iter().map(|path| fs::read_to_string(path).unwrap().matches("my.event").count()).sum()
}

/// That it has said once that it cannot keep a journal, and that it tries again.
#[track_caller]
fn says_that_it_tries_again(hub: &Hub, what: &str) {
    let errors = errors(hub.port);
    let [error] = &errors[..] else { panic!("{what}: {errors:?}") };
    let text = error["data"]["error"].as_str().unwrap();
    assert!(
        text.contains("cannot keep a journal") && text.contains("tried again, and until"),
        "{what}: {text}"
    );
    assert_eq!(state_of_journal(hub), "failing", "{what}");
}

#[test]
fn once_what_stood_in_its_place_is_gone_the_journal_has_all_and_nothing_was_told_through_a_link() {
    for name in ["claude-mpm", "claude-mpm/sessions", "claude-mpm/sessions/hub-PORT"] {
        for thing in [Thing::Link, Thing::File, Thing::Fifo] {
            let what = format!("{thing:?} at {name}");
            let place = Place::new(WRAPPER);
            let hub = place.serve(0);
            let port = hub.port;
            post(port, 3);
            assert!(hub.stop().success());
            let (ours, aside) =
                (place.path(STATE).join(name.replace("PORT", &port.to_string())), place.path("aside"));
            fs::rename(&ours, &aside).unwrap();
            thing.put(&ours, &aside);
            let hub = place.serve(port);
            post(port, 5);
            says_that_it_tries_again(&hub, &what);
            assert_eq!(told(&hub), (5, false), "{what}: read below what is not ours");
            fs::remove_file(&ours).unwrap();
            fs::rename(&aside, &ours).unwrap();
            wait_for("the journal", || state_of_journal(&hub) == "writing");
            assert_eq!(told(&hub), (8, true), "{what}");
            assert_eq!(errors(port).len(), 1, "{what}");
            assert!(hub.stop().success());
            let directory = place.path(STATE).join(format!("claude-mpm/sessions/hub-{port}"));
            assert_eq!(written(&directory), 8, "{what}");
        }
    }
}

#[test]
fn once_a_disk_that_could_only_be_read_can_be_written_the_journal_has_all_and_says_what_it_lacks() {
    if !may_mount() {
        return;
    }
    let place = Place::new(WRAPPER);
    let state = place.path("state");
    fs::create_dir(&state).unwrap();
    let hub = Hub::started(on_what_can_only_be_read(&place, &state));
    post(hub.port, 5);
    says_that_it_tries_again(&hub, "read only");
    // More than memory has, and nothing of it is on disk.
    post(hub.port, 60_000);
    let remounted = Command::new("nsenter")
        .args(["-m", "-t", &hub.pid().to_string(), "mount", "-o", "remount,rw"])
        .arg(&state)
        .status();
    assert!(remounted.unwrap().success());
    wait_for("the journal", || state_of_journal(&hub) == "writing");
    post(hub.port, 1);
    let inside = PathBuf::from(format!("/proc/{}/root{}", hub.pid(), state.display()));
    let journal = inside.join(format!("claude-mpm/sessions/hub-{}", hub.port));
    let text = || named(&journal, ".ndjson").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let lacks = |text: &String| {
        let gap = text.lines().find(|line| line.contains(r#""type":"system.gap""#)).expect("a gap");
        serde_json::from_str::<serde_json::Value>(gap).unwrap()["data"]["missed"].as_u64().unwrap()
    };
    wait_for("the last event", || {
        let text: String = text();
        let events = text.lines().filter(|line| !line.contains(r#""type":"system.gap""#)).count() as u64;
        let newest = hub.get("/api/status")["journal"]["last_seq"].as_u64().unwrap();
        newest > 60_000 && events + lacks(&text) == newest
    });
    assert!(hub.stop().success());
}

/// `serve`, where what outlives a boot is on a disk that can only be read.
fn on_what_can_only_be_read(place: &Place, state: &Path) -> Command {
    let mut command = place.command(&["serve", "--websocket-port", "0"]);
    command.env("XDG_STATE_HOME", state);
    let mut wrapped = Command::new("unshare");
    wrapped.args(["-m", "--propagation", "private", "sh", "-c", READ_ONLY]).arg(state);
    wrapped.arg(command.get_program()).args(command.get_args()).current_dir(place.path("work"));
    wrapped.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapped
}

#[test]
fn where_nobody_knows_a_place_for_it_the_words_say_that_it_is_not_tried_again() {
    if !Uid::effective().is_root() {
        eprintln!("not root: nobody without a home can be made");
        return;
    }
    let place = Place::new(WRAPPER);
    for folder in ["", "run", "work"] {
        chown(&place.path(folder), Some(HOMELESS.into()), None).unwrap();
    }
    let mut command = place.command(&["serve", "--websocket-port", "0"]);
    command.env_remove("HOME").uid(HOMELESS);
    let program = Program::start(command, b"");
    let text = program.wait_err(|line| line.contains("cannot keep a journal"));
    assert!(text.contains("not tried again") && text.contains("XDG_STATE_HOME"), "{text}");
    program.wait_err(|line| line.contains("on ws://127.0.0.1:"));
    kill(Pid::from_raw(program.pid().cast_signed()), Signal::SIGTERM).unwrap();
    assert!(program.finish().0.success());
}
