//! Something else at the place of a file of a journal that a hub goes on with: the hub serves as ever, nothing waits,
//! nothing is written through it; where it keeps the hub from its journal, one error says so.

use crate::kept::WRAPPER;
use crate::planted::Thing;
use nix::unistd::Uid;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use test_support::standalone::{Hub, Place, named};

/// A hub starts, serves and ends within this.
const SOON: Duration = Duration::from_secs(15);
const EVENT: &str =
    r#"{"event_type":"my.event","source":"x","timestamp":1706181600000,"payload":{"word":"WORD"}}"#;

struct Stand {
    place: Place,
    port: u16,
    directory: PathBuf,
}

impl Stand {
    /// A journal of three events whose hub has ended.
    fn new() -> Self {
        let place = Place::new(WRAPPER);
        let hub = place.serve(0);
        let port = hub.port;
        publish(&hub, "first");
        assert!(hub.stop().success());
        let directory = place.path(&format!(".local/state/claude-mpm/sessions/hub-{port}"));
        assert!(!named(&directory, ".ndjson").is_empty(), "no journal in {}", directory.display());
        Self { place, port, directory }
    }

    /// A hub there serves; what it has to say of its journal.
    fn serves(&self, what: &str) -> Vec<String> {
        let began = Instant::now();
        let hub = self.place.serve(self.port);
        publish(&hub, "second");
        let events = hub.get("/api/history?channels=system.error&limit=100");
        let of_journal = |event: &&Value| event["data"]["component"] == "journal";
        let errors = events.as_array().expect("events").iter().filter(of_journal);
        let errors = errors.map(|event| event["data"]["error"].to_string()).collect();
        assert!(hub.stop().success(), "{what}");
        assert!(began.elapsed() < SOON, "{what} took {:?}", began.elapsed());
        errors
    }

    /// The paths of a journal's own, and whether it cannot do without.
    fn paths(&self) -> Vec<(PathBuf, bool)> {
        let segment = named(&self.directory, ".ndjson").pop().unwrap();
        let beside = ["index", "torn"].map(|end| (segment.with_extension(end), false));
        let others = [("lock", true), ("session.json", false), ("closed.json", false)];
        let others = others.map(|(name, needed)| (self.directory.join(name), needed));
        [(self.directory.clone(), true), (segment, false)].into_iter().chain(beside).chain(others).collect()
    }
}

fn publish(hub: &Hub, word: &str) {
    let body = EVENT.replace("WORD", word);
    let (status, answer) = test_support::standalone::request(
        hub.port,
        "POST /api/events HTTP/1.1\r\nContent-Type: application/json\r\nConnection: close\r\n",
        &body,
    );
    assert_eq!(status, 202, "{answer}");
}

fn cleared(path: &Path) {
    drop(fs::remove_file(path).or_else(|_| fs::remove_dir_all(path)));
    assert!(path.symlink_metadata().is_err(), "{} stays", path.display());
}

#[test]
fn a_hub_whose_files_are_something_else_serves_as_ever() {
    let paths = Stand::new().paths().len();
    for number in 0..paths {
        for thing in [Thing::Link, Thing::DanglingLink, Thing::Fifo, Thing::Directory, Thing::Foreign] {
            if thing == Thing::Foreign && !Uid::effective().is_root() {
                eprintln!("not root: nobody else's file can be made");
                continue;
            }
            let stand = Stand::new();
            let (path, needed) = stand.paths().swap_remove(number);
            if path == stand.directory && thing == Thing::Directory {
                continue;
            }
            cleared(&path);
            let target = stand.place.path("target");
            if thing != Thing::DanglingLink {
                fs::write(&target, "theirs").unwrap();
            }
            thing.put(&path, &target);
            let what = format!("{thing:?} at {}", path.display());
            let errors = stand.serves(&what);
            assert_eq!(errors.len(), usize::from(needed), "{what}: {errors:?}");
            match fs::read_to_string(&target) {
                Ok(text) => assert_eq!(text, "theirs", "{what}: written through it"),
                Err(_) => assert_eq!(thing, Thing::DanglingLink, "{what}"),
            }
        }
    }
}
