//! A hub goes on with what is left of its journal, whatever became of that: it always starts, what it shows of before was
//! published, in order and once, and what is published from then on has a number of its own.

use crate::damage::Dice;
use crate::kept::{WRAPPER, sealed, write};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use test_support::program::Program;
use test_support::standalone::{Hub, Place, named};

const EVENTS: usize = 200;

struct Before {
    place: Place,
    port: u16,
    directory: PathBuf,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Before {
    /// A hub that published many events, and was ended.
    fn new() -> Self {
        let place = Place::new(WRAPPER);
        let hub = place.serve(0);
        let port = hub.port;
        publish(&hub, (0..EVENTS).map(|number| format!("word {number}")).collect());
        assert!(hub.stop().success());
        let directory = place.path(&format!(".local/state/claude-mpm/sessions/hub-{port}"));
        let files =
            named(&directory, "").into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
        Self { place, port, directory, files }
    }

    /// The journal as it was, and nothing else.
    fn restore(&self) {
        named(&self.directory, "").into_iter().for_each(|path| fs::remove_file(path).unwrap());
        self.files.iter().for_each(|(path, bytes)| write(path, bytes));
    }

    fn segment(&self) -> &(PathBuf, Vec<u8>) {
        self.files.iter().find(|(path, _)| path.extension().is_some_and(|end| end == "ndjson")).unwrap()
    }

    /// A hub goes on with it; how many events of before it shows no more.
    #[track_caller]
    fn goes_on(&self, what: &str) -> usize {
        let hub = self.place.serve(self.port);
        publish(&hub, vec!["new".into()]);
        let events = hub.get("/api/history?channels=my.event&limit=10000");
        let events = events.as_array().unwrap();
        let (new, old) = events.split_last().unwrap();
        assert_eq!(new["data"]["word"], "new", "{what}: {new}");
        let mut all = (0..EVENTS).map(|number| format!("word {number}"));
        for event in old {
            let word = event["data"]["word"].as_str().unwrap();
            assert!(all.any(|other| other == word), "{what}: invented, told twice or out of order: {event}");
        }
        let numbers: HashSet<_> =
            events.iter().map(|event| (event["epoch"].to_string(), event["seq"].as_u64())).collect();
        assert_eq!(numbers.len(), events.len(), "{what}: a number was used twice");
        assert!(hub.stop().success(), "{what}");
        EVENTS - old.len()
    }
}

fn publish(hub: &Hub, words: Vec<String>) {
    let event = |word| json!({"event_type": "my.event", "source": "x", "timestamp": 1_706_181_600_000_u64, "payload": {"word": word}});
    let body = Value::from(words.into_iter().map(event).collect::<Vec<_>>()).to_string();
    let head = "POST /api/events HTTP/1.1\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let (status, answer) = test_support::standalone::request(hub.port, head, &body);
    assert_eq!(status, 202, "{answer}");
}

#[test]
fn a_journal_that_cannot_be_written_is_told_and_goes_on_once_it_can_be() {
    let before = Before::new();
    let lock = before.directory.join("lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    assert_eq!(before.goes_on("a directory in the place of its lock"), 0);

    let hub = before.place.serve(before.port);
    publish(&hub, vec!["early".into()]);
    assert_eq!(hub.get("/api/status")["journal"]["state"], "failing");
    fs::remove_dir(&lock).unwrap();
    let until = std::time::Instant::now() + test_support::DEADLINE;
    while hub.get("/api/status")["journal"]["state"] != "writing" {
        assert!(std::time::Instant::now() < until, "it never goes on");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    publish(&hub, vec!["late".into()]);
    assert!(hub.stop().success());
    let segments =
        named(&before.directory, ".ndjson").into_iter().map(|path| fs::read_to_string(path).unwrap());
    let journal: String = segments.collect();
    for word in ["word 0", "early", "late"] {
        assert_eq!(journal.matches(&format!("\"{word}\"")).count(), 1, "{word}");
    }
}

#[test]
fn what_publishers_have_told_is_known_though_the_journal_cannot_be_written() {
    let before = Before::new();
    let hub = before.place.serve(before.port);
    let script = "echo one; while ! test -e go; do sleep 0.02; done; echo two";
    let publisher = Program::start(before.place.shell(&["--hub", &hub.url()], script), b"");
    let lines = |hub: &Hub, last: &str| {
        let until = std::time::Instant::now() + test_support::DEADLINE;
        loop {
            let lines = hub.get("/api/history?channels=claude.output&limit=10000");
            let of = |line: &Value| line["data"]["content"].as_str().map(str::to_owned);
            let lines: Vec<_> = lines.as_array().unwrap().iter().filter_map(of).collect();
            if lines.last().is_some_and(|line| line == last) {
                return lines;
            }
            assert!(std::time::Instant::now() < until, "{last} is never told: {lines:?}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    lines(&hub, "one");
    assert!(hub.stop().success());
    let lock = before.directory.join("lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    let hub = before.place.serve(before.port);
    fs::write(before.place.path("work/go"), "").unwrap();
    assert_eq!(lines(&hub, "two"), ["one", "two"]);
    assert!(publisher.finish().0.success() && hub.stop().success());
}

#[test]
fn a_hub_goes_on_with_what_is_left_of_its_journal() {
    let before = Before::new();
    let (path, text) = before.segment().clone();
    let mut dice = Dice(17);
    assert_eq!(before.goes_on("whole"), 0);
    for round in 0..40 {
        before.restore();
        let (mut text, at) = (text.clone(), dice.below(text.len()));
        let (way, cost) = match round % 4 {
            0 => (text[at] ^= 1 << dice.below(8), ("flipped", 2)).1,
            1 => (text[at..].iter_mut().take(512).for_each(|byte| *byte = 0), ("zeros", 5)).1,
            2 => (text.truncate(text.len() - dice.below(100)), ("cut", 1)).1,
            _ => (text.clear(), ("empty", EVENTS)).1,
        };
        write(&path, &text);
        if round % 8 < 4 {
            fs::remove_file(before.directory.join("closed.json")).unwrap();
        }
        let what = format!("round {round}: {way} at {at}");
        let missing = before.goes_on(&what);
        assert!(missing <= cost, "{what}: {missing} missing");
    }
}

#[test]
fn a_hub_believes_no_closing_word_that_cannot_be_true() {
    let before = Before::new();
    let closed = before.directory.join("closed.json");
    let end: Value = serde_json::from_slice(&fs::read(&closed).unwrap()).unwrap();
    let epoch = end["epoch"].as_str().unwrap();
    for (epoch, last_seq) in
        [(epoch, 3), (epoch, u64::MAX), (epoch, 1 << 60), ("other", 7), ("../../x", 9), ("", 0)]
    {
        before.restore();
        write(&closed, &sealed(&json!({"epoch": epoch, "last_seq": last_seq})));
        assert_eq!(before.goes_on(&format!("{epoch:?} {last_seq}")), 0, "{epoch:?} {last_seq}");
    }
}
