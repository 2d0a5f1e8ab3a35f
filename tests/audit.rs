//! The audit log where several processes write it, where a process is forked off, and where the disk is full.
//!
//! The other processes are this test program itself, with a task in its environment.

#![expect(clippy::unwrap_used, reason = "test code")]

use claude_mpm::event::Timestamp;
use claude_mpm::instance::StateDirectory;
use claude_mpm::instance::audit::{AuditLog, Entry, Subject};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use test_support::standalone::{Place, named};
use test_support::wire::{HANDSHAKE, Wire, upgraded, upgraded_on};

const TASK: &str = "EXAMPLE_AUDIT_TASK";
const PLACE: &str = "EXAMPLE_AUDIT_PLACE";

fn entry(action: &str, detail: &str) -> Entry {
    Entry {
        at: Timestamp::from_millis(0),
        event: Subject::Control,
        peer: "unix".into(),
        pid: None,
        uid: None,
        role: None,
        action: action.into(),
        session: None,
        outcome: "done".into(),
        detail: Some(detail.into()),
    }
}

fn flushed(log: &AuditLog) {
    assert!(log.flush(Instant::now() + Duration::from_secs(60)));
}

fn open(place: &Path) -> AuditLog {
    AuditLog::at(&StateDirectory::at(place).unwrap()).unwrap()
}

/// This program, to do the task and nothing else.
fn other(task: &str, place: &Path, before: &[&str]) -> Command {
    let own = std::env::current_exe().unwrap();
    let mut words = before.iter().map(Into::into).chain([own.into_os_string()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--exact", "does_its_task", "--nocapture"]);
    command.env(TASK, task).env(PLACE, place);
    command
}

fn done(mut command: Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What the other processes do; nothing, where there is no task.
#[test]
fn does_its_task() {
    let (Ok(task), Some(place)) = (std::env::var(TASK), std::env::var_os(PLACE).map(PathBuf::from)) else {
        return;
    };
    match task.as_str() {
        "fork" => enter_on_both_sides_of_a_fork(&place),
        "small files only" => fill_up_to_a_limit(&place),
        "small disk" => fill_up_a_disk(&place),
        name => enter_much(&place, name),
    }
}

#[test]
fn where_nothing_can_be_written_down_the_hub_says_so_and_nobody_controls_by_tcp() {
    let place = Place::new(env!("CARGO_BIN_EXE_claude-mpm"));
    fs::create_dir_all(place.path(".local/state/claude-mpm/audit.log")).unwrap();
    let hub = place.serve(0);
    let told = hub.get("/api/history?channels=system.error");
    let is_it =
        |event: &Value| event["data"]["component"] == "audit" && event["data"]["severity"] == "warning";
    assert!(told.as_array().unwrap().iter().any(is_it), "{told}");
    let of = |end| named(&place.path("run/claude-mpm"), end).pop().unwrap();
    let token = fs::read_to_string(of(".token")).unwrap();
    let shown = format!("Authorization: Bearer {}\r\n", token.trim());
    let by_tcp = upgraded(hub.port, "/", &shown).unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}\r\n");
    let by_unix = upgraded_on(Wire::unix(&of(".sock")).unwrap(), &request).unwrap();
    // A hub alone has no claude to control.
    for (mut wire, code, why) in [(by_tcp, "AUTH002", "audit log"), (by_unix, "CTL001", "no claude")] {
        wire.say(r#"{"command":"interrupt"}"#).unwrap();
        let refused = std::iter::from_fn(|| wire.json()).find(|frame| frame["type"] == "error").unwrap();
        assert_eq!(refused["data"]["error_code"], code, "{refused}");
        assert!(refused.to_string().contains(why), "{refused}");
    }
    assert!(hub.stop().success());
}

/// Two of them together write more than one file holds.
const MANY: usize = 1500;

fn enter_much(place: &Path, name: &str) {
    let log = open(place);
    let detail = "x".repeat(2000);
    for number in 0..MANY {
        log.enter(&entry(&format!("{name} {number}"), &detail));
        if number % 500 == 0 {
            flushed(&log);
        }
    }
    flushed(&log);
}

fn read(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("whole lines")).collect()
}

#[test]
fn two_processes_put_the_file_aside_and_lose_nothing() {
    let base = tempfile::tempdir().unwrap();
    let place = base.path().join("state");
    let mut both = ["one", "two"].map(|name| other(name, &place, &[]).spawn().unwrap());
    assert!(both.iter_mut().all(|process| process.wait().unwrap().success()));
    let names = ["audit.log.4", "audit.log.3", "audit.log.2", "audit.log.1", "audit.log"];
    let all: Vec<Value> = names.iter().flat_map(|name| read(&place.join(name))).collect();
    let actions: BTreeSet<&str> = all.iter().filter_map(|line| line["action"].as_str()).collect();
    let lost = all.iter().filter(|line| line["event"] == "lost").count();
    assert_eq!((all.len(), actions.len(), lost), (2 * MANY, 2 * MANY, 0));
    assert!(place.join("audit.log.1").exists());
    for name in names {
        let size = fs::metadata(place.join(name)).map_or(0, |found| found.len());
        assert!(size <= 4 << 20, "{name}: {size}");
    }
}

#[test]
fn a_forked_process_writes_with_a_thread_of_its_own() {
    let base = tempfile::tempdir().unwrap();
    let place = base.path().join("state");
    done(other("fork", &place, &[]));
    let actions: Vec<String> =
        read(&place.join("audit.log")).iter().map(|line| line["action"].as_str().unwrap().into()).collect();
    assert_eq!(actions, ["before", "forked", "after"]);
}

#[expect(unsafe_code, reason = "fork has no safe wrapper")]
fn enter_on_both_sides_of_a_fork(place: &Path) {
    let log = open(place);
    log.enter(&entry("before", ""));
    flushed(&log);
    // SAFETY: no other thread of this program holds anything the forked process needs: they wait for this one.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            log.enter(&entry("forked", ""));
            flushed(&log);
            std::process::exit(0);
        }
        ForkResult::Parent { child } => {
            waitpid(child, None).unwrap();
            log.enter(&entry("after", ""));
            flushed(&log);
        }
    }
}

/// The kernel ends who writes beyond such a limit, and it must not end us.
#[test]
fn a_limit_on_the_size_of_files_loses_entries_and_nothing_else() {
    let base = tempfile::tempdir().unwrap();
    let place = base.path().join("state");
    done(other("small files only", &place, &[]));
    let (told, _) = told_and_lost(&place.join("audit.log"));
    assert!((8..=10).contains(&told), "{told}");
    assert!(fs::metadata(place.join("audit.log")).unwrap().len() <= 10_000);
}

fn fill_up_to_a_limit(place: &Path) {
    setrlimit(Resource::RLIMIT_FSIZE, 10_000, 10_000).unwrap();
    let log = open(place);
    (0..100).for_each(|number| log.enter(&entry(&number.to_string(), &"x".repeat(800))));
    flushed(&log);
}

/// Needs a disk of its own: a tmpfs that only the other process sees. Without the right to make one, nothing is tried.
#[test]
fn a_full_disk_loses_entries_and_the_log_says_so_once_there_is_room() {
    let base = tempfile::tempdir().unwrap();
    let place = base.path().join("state");
    fs::create_dir(&place).unwrap();
    let small_disk = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=64k none \"$0\" && exec \"$@\""];
    let prepared = [&small_disk[..], &[place.to_str().unwrap()]].concat();
    let may = [&prepared[..], &["true"]].concat();
    if !Command::new(may[0]).args(&may[1..]).output().is_ok_and(|tried| tried.status.success()) {
        return;
    }
    done(other("small disk", &place, &prepared));
}

fn fill_up_a_disk(place: &Path) {
    let log = open(place);
    let ballast = place.join("ballast");
    fs::write(&ballast, vec![0; 32 << 10]).unwrap();
    (0..100).for_each(|number| log.enter(&entry(&number.to_string(), &"x".repeat(800))));
    flushed(&log);
    let path = place.join("audit.log");
    let (before, _) = told_and_lost(&path);
    assert!((10..100).contains(&before), "{before}");
    fs::remove_file(&ballast).unwrap();
    log.enter(&entry("again", ""));
    flushed(&log);
    assert_eq!(told_and_lost(&path), (before + 1, 100 - before));
}

/// How many entries there are, and how many it says are missing: it may say so several times.
fn told_and_lost(path: &Path) -> (usize, usize) {
    let (lost, told): (Vec<Value>, Vec<Value>) =
        read(path).into_iter().partition(|line| line["event"] == "lost");
    let count = |line: &Value| line["outcome"].as_str()?.split(' ').next()?.parse::<usize>().ok();
    (told.len(), lost.iter().map(|line| count(line).unwrap()).sum())
}
