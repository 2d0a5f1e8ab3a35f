//! A disk that does not answer, as one behind a network that is gone: a hub starts, takes in, tells and answers all the
//! same, and goes on with its journal when the disk is back. And one under load: what is written is brought to the disk, and
//! what comes all at once is written.

use crate::full::{post, wait_for};
use crate::kept::WRAPPER;
use std::fs;
use std::path::{Path, PathBuf};
use test_support::meeting::Meeting;
use test_support::program::Program;
use test_support::standalone::{Hub, Place, named};
use test_support::wire::upgraded;

/// Most events that the hub's memory has.
const IN_MEMORY: usize = 100;

struct Remote {
    place: Place,
}

impl Remote {
    fn new() -> Self {
        Self { place: Place::new(WRAPPER) }
    }

    fn serve(&self, port: u16) -> Hub {
        let port = port.to_string();
        let in_memory = IN_MEMORY.to_string();
        let mut command = self.place.command(&["serve", "--websocket-port", &port, "--history", &in_memory]);
        self.place.on_a_failing_disk(&mut command);
        Hub::started(command)
    }

    /// From now on.
    fn hang(&self) {
        fs::write(self.place.path("hanging"), "").unwrap();
    }

    fn answer(&self) {
        fs::remove_file(self.place.path("hanging")).unwrap();
    }

    fn syncs(&self) -> u64 {
        fs::metadata(self.place.path("syncs")).map_or(0, |file| file.len())
    }

    fn segments(&self) -> Vec<PathBuf> {
        segments(&self.place.path(".local/state"))
    }

    /// Events of ours in the journal's files.
    fn written(&self) -> usize {
        count(&self.segments(), "my.event")
    }
}

/// The files with records of all journals of whom this state is.
fn segments(state: &Path) -> Vec<PathBuf> {
    let sessions = named(&state.join("claude-mpm/sessions"), "");
    sessions.iter().flat_map(|directory| named(directory, ".ndjson")).collect()
}

/// How often the word stands in the files.
fn count(files: &[PathBuf], word: &str) -> usize {
    files.iter().map(|path| fs::read_to_string(path).unwrap().matches(word).count()).sum()
}

/// The events of ours that a hub has, and whether it says that those are all.
fn history(port: u16) -> (usize, bool) {
    let mut client = upgraded(port, "/", "").unwrap();
    client.say(r#"{"command":"get_history","params":{"event_types":["my.*"],"limit":10000}}"#).unwrap();
    loop {
        let answer = client.json().expect("an answer");
        if answer["type"] == "history" {
            let data = &answer["data"];
            return (data["events"].as_array().unwrap().len(), data["complete"] == true);
        }
    }
}

#[test]
fn a_hub_starts_without_its_disk_and_writes_what_it_was_told_when_that_is_back() {
    let remote = Remote::new();
    let hub = remote.serve(0);
    post(hub.port, 10);
    let port = hub.port;
    assert!(hub.stop().success());
    remote.hang();
    let hub = remote.serve(port);
    post(hub.port, 5);
    assert_eq!(remote.written(), 10);
    remote.answer();
    wait_for("the rest", || remote.written() == 15);
    assert!(hub.stop().success());
}

#[test]
fn who_asks_for_what_the_disk_does_not_give_is_told_what_memory_has() {
    let remote = Remote::new();
    let hub = remote.serve(0);
    post(hub.port, 500);
    wait_for("the journal", || remote.written() == 500);
    assert_eq!(history(hub.port), (500, true));
    remote.hang();
    assert_eq!(history(hub.port), (IN_MEMORY, false));
    post(hub.port, 1);
    remote.answer();
    wait_for("the rest", || history(hub.port) == (501, true));
    assert!(hub.stop().success());
}

/// Far more than may wait for the journal, in less time than it takes to write them.
#[test]
fn many_lines_at_once_are_written_whole() {
    const LINES: usize = 100_000;
    let (place, meeting) = (Place::new(WRAPPER), Meeting::new());
    let script = format!(r#"seq {LINES}; read -r go <"$MEETING/down""#);
    let mut command = place.shell(&[], &script);
    // No disk that has other things to do.
    let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    command.env("XDG_STATE_HOME", memory.path()).env("MEETING", meeting.folder());
    let program = Program::start(command, b"");
    wait_for("the lines", || count(&segments(memory.path()), r#""claude.output""#) == LINES);
    meeting.say("on");
    assert!(program.finish().0.success());
}

#[test]
fn under_load_too_what_is_written_is_brought_to_the_disk() {
    let remote = Remote::new();
    let hub = remote.serve(0);
    // So few that one file has them all: it is not brought there because it is full.
    wait_for("a sync", || {
        assert_eq!(hub.post("/api/events", r#"{"type":"my.event","source":"x","data":{}}"#).0, 202);
        remote.syncs() > 2
    });
    assert_eq!(remote.segments().len(), 1);
    assert!(hub.stop().success());
}
