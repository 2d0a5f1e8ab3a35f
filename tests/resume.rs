//! Cursors that outlive the hub: a client that says where it was gets the rest, once and in order, whatever became of the
//! hub meanwhile; and what past is still told.

use serde_json::{Value, json};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use test_support::standalone::{Hub, Place, named};
use test_support::subscriber::{Received, Subscriber, ask};
use test_support::wire::{self, masked, upgraded};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// More than the hub keeps in memory, of [`LARGE`] ones.
const MANY: u64 = 700;
/// Bytes of a large event.
const LARGE: usize = 30_000;

/// Publishes events that are numbered, and says that they are.
#[track_caller]
fn say(hub: &Hub, numbers: Range<u64>) {
    tell(hub, numbers, 0);
}

#[track_caller]
fn tell(hub: &Hub, numbers: Range<u64>, bytes: usize) {
    let numbers: Vec<u64> = numbers.collect();
    let filling = "x".repeat(bytes);
    for some in numbers.chunks(100) {
        let event = |n: &u64| json!({"type": "my.line", "source": "x", "data": {"filling": filling, "n": n}});
        let events: Vec<Value> = some.iter().map(event).collect();
        let (status, answer) = hub.post("/api/events", &json!(events).to_string());
        assert_eq!(status, 202, "{answer}");
    }
}

/// Those that came, by their own numbers.
fn said(received: &Received) -> Vec<u64> {
    received.of("my.line").iter().map(|data| data["n"].as_u64().expect("a number")).collect()
}

fn heard(client: &Subscriber, newest: u64) -> Received {
    client.wait_for(|received| said(received).last() == Some(&newest))
}

/// Waits until the journal has it all: what is written survives the hub.
#[track_caller]
fn written(place: &Place, hub: &Hub, newest: u64) {
    let newest = format!("\"n\":{newest}}}");
    let directory = place.path(&format!(".local/state/claude-mpm/sessions/hub-{}", hub.port));
    let until = std::time::Instant::now() + test_support::DEADLINE;
    while std::time::Instant::now() < until {
        let files = std::fs::read_dir(&directory).expect("a journal").flatten().map(|entry| entry.path());
        let mut texts = files.filter_map(|path| std::fs::read_to_string(path).ok());
        if texts.any(|text| text.contains(&newest)) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("it was never written");
}

fn cursor(event: &Value) -> Value {
    json!({"after": event["seq"], "epoch": event["epoch"]})
}

fn of_line(received: &Received, n: u64) -> Value {
    let event = received.events.iter().find(|event| event["type"] == "my.line" && event["data"]["n"] == n);
    event.expect("it came").clone()
}

fn seq_of(received: &Received, n: u64) -> u64 {
    of_line(received, n)["seq"].as_u64().expect("a number")
}

#[test]
fn after_a_clean_stop_the_numbers_go_on_and_so_does_a_client() {
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    let (port, id) = (hub.port, hub.get("/api/status")["session_id"].clone());
    say(&hub, 1..101);
    let first = heard(&Subscriber::connect(&hub.url()), 100);
    assert!(hub.stop().success());
    let hub = place.serve(port);
    say(&hub, 101..151);
    let resumed = heard(&Subscriber::begin(&hub.url(), cursor(&of_line(&first, 70))), 150);
    assert_eq!(said(&resumed), (71..151).collect::<Vec<_>>());
    assert!(resumed.asides.is_empty(), "{:?}", resumed.asides);
    let numbers: Vec<u64> = resumed.events.iter().map(|event| event["seq"].as_u64().expect("one")).collect();
    let begun = of_line(&first, 70)["seq"].as_u64().expect("one");
    assert_eq!(numbers, (begun + 1..=begun + numbers.len() as u64).collect::<Vec<_>>());
    let replayed = Subscriber::begin(&hub.url(), json!({"replay": 100}))
        .wait_for(|received| received.events.len() >= 100);
    assert!(said(&replayed)[0] < 101, "what was before the stop is in memory again");
    let status = hub.get("/api/status");
    assert_eq!((&status["session_id"], &status["epoch"]), (&id, &first.events[0]["epoch"]));
    assert!(hub.stop().success());
}

#[test]
fn a_journal_that_somebody_has_restored_with_the_usual_modes_goes_on() {
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    let port = hub.port;
    say(&hub, 1..11);
    let first = heard(&Subscriber::connect(&hub.url()), 10);
    assert!(hub.stop().success());
    let directory = place.path(&format!(".local/state/claude-mpm/sessions/hub-{port}"));
    let files = named(&directory, "");
    assert!(files.iter().any(|path| path.ends_with("closed.json")), "{files:?}");
    for path in &files {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("ours");
    }
    let hub = place.serve(port);
    say(&hub, 11..21);
    written(&place, &hub, 20);
    let resumed = heard(&Subscriber::begin(&hub.url(), cursor(&of_line(&first, 5))), 20);
    assert_eq!(said(&resumed), (6..21).collect::<Vec<_>>());
    assert!(resumed.asides.is_empty(), "{:?}", resumed.asides);
    assert_eq!(hub.get("/api/status")["epoch"], first.events[0]["epoch"]);
    let lock = std::fs::metadata(directory.join("lock")).expect("a lock");
    assert_eq!(lock.permissions().mode() & 0o777, 0o600);
    assert!(hub.stop().success());
}

#[test]
fn after_a_hub_was_killed_a_client_gets_the_rest_of_the_old_numbering_and_then_the_new_one() {
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    let port = hub.port;
    say(&hub, 1..101);
    let first = heard(&Subscriber::connect(&hub.url()), 100);
    written(&place, &hub, 100);
    hub.kill();
    let hub = place.serve(port);
    say(&hub, 101..111);
    let resumed = heard(&Subscriber::begin(&hub.url(), cursor(&of_line(&first, 40))), 110);
    assert_eq!(said(&resumed), (41..111).collect::<Vec<_>>());
    let [(0, warning)] = &resumed.asides[..] else { panic!("{:?}", resumed.asides) };
    assert_eq!(warning["data"]["error_code"], "GAP001", "{warning}");
    assert_eq!(warning["data"]["epoch"], hub.get("/api/status")["epoch"]);
    let epochs: Vec<&Value> = resumed.events.iter().map(|event| &event["epoch"]).collect();
    assert!(
        epochs.first() != epochs.last()
            && epochs.is_sorted_by_key(|epoch| *epoch == epochs[epochs.len() - 1])
    );
    // Whoever is lost in the middle of the old numbering goes on there.
    let again = heard(&Subscriber::begin(&hub.url(), cursor(&of_line(&resumed, 60))), 110);
    assert_eq!(said(&again), (61..111).collect::<Vec<_>>());
    // And again after another one.
    written(&place, &hub, 110);
    hub.kill();
    let hub = place.serve(port);
    say(&hub, 111..113);
    let resumed = heard(&Subscriber::begin(&hub.url(), cursor(&of_line(&first, 90))), 112);
    assert_eq!(said(&resumed), (91..113).collect::<Vec<_>>());
    let history = hub.get("/api/history?limit=10000&channels=my.line");
    let told: Vec<u64> =
        history.as_array().expect("events").iter().filter_map(|e| e["data"]["n"].as_u64()).collect();
    assert_eq!(told, (1..113).collect::<Vec<_>>());
    // Page by page through one numbering.
    let last = of_line(&first, 100);
    for (before, expected) in [(seq_of(&first, 100) + 1, 91..101), (seq_of(&first, 91), 81..91)] {
        let epoch = last["epoch"].as_str().expect("one");
        let page = hub.get(&format!("/api/history?limit=10&channels=my.line&epoch={epoch}&before={before}"));
        let told: Vec<u64> =
            page.as_array().expect("events").iter().filter_map(|e| e["data"]["n"].as_u64()).collect();
        assert_eq!(told, expected.collect::<Vec<_>>());
    }
    for (query, complete) in [("limit=1", "false"), ("limit=10000&since=2100-01-01T00:00:00Z", "true")] {
        let request = format!("GET /api/history?{query} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n");
        let head = wire::ask(hub.port, &request).head.to_ascii_lowercase();
        assert!(head.contains(&format!("x-complete: {complete}\r\n")), "{query}: {head}");
    }
    let unknown = json!({"command": "get_history", "params": {"epoch": "00000000deadbeef"}});
    let nothing = ask(&hub.url(), &unknown);
    assert_eq!((&nothing["data"]["events"], &nothing["data"]["complete"]), (&json!([]), &json!(false)));
    let now = hub.get("/api/status")["epoch"].clone();
    let of_now = hub.get(&format!("/api/history?epoch={}", now.as_str().expect("one")));
    assert!(of_now.as_array().is_some_and(|events| events.iter().all(|event| event["epoch"] == now)));
    assert!(hub.stop().success());
}

#[test]
fn a_cursor_that_nobody_knows_gets_a_warning_and_all_of_this_log() {
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    say(&hub, 1..11);
    let client = Subscriber::begin(&hub.url(), json!({"after": 5, "epoch": "../../../etc/passwd"}));
    let received = heard(&client, 10);
    assert_eq!(said(&received), (1..11).collect::<Vec<_>>());
    assert_eq!(received.asides[0].1["data"]["error_code"], "GAP001");
    assert!(hub.stop().success());
}

/// Where somebody goes on who has the answer to a subscription from that time on, and no event yet.
fn place_at(hub: &Hub, time: &Value) -> Value {
    let answer = ask(&hub.url(), &json!({"command": "subscribe", "channels": ["*"], "since": time}));
    let cursor = &answer["data"]["cursor"];
    json!({"after": cursor["seq"], "epoch": cursor["epoch"]})
}

#[test]
fn who_asks_more_before_the_first_answer_has_come_is_answered() {
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    say(&hub, 1..11);
    written(&place, &hub, 10);
    let port = hub.port;
    hub.kill();
    let hub = place.serve(port);
    let mut wire = upgraded(hub.port, "/", "").expect("a connection");
    let request = |command: &str| json!({"command": command, "channels": ["my.line"], "since": "2020-01-01T00:00:00Z", "request_id": command});
    let text = |command| masked(0x81, request(command).to_string().as_bytes());
    wire.send(&[text("subscribe"), text("ping")].concat()).expect("a sent request");
    let frames: Vec<Value> = std::iter::from_fn(|| wire.json()).take(13).collect();
    let answered = frames.iter().map(|frame| &frame["request_id"]).filter(|id| !id.is_null());
    assert_eq!(answered.collect::<Vec<_>>(), ["subscribe", "ping"], "{frames:?}");
    assert_eq!(frames.iter().filter(|frame| frame["type"] == "my.line").count(), 10);
    assert!(hub.stop().success());
}

#[test]
fn what_left_memory_is_read_from_disk_by_number_and_by_time() {
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    tell(&hub, 1..301, LARGE);
    written(&place, &hub, 300);
    let time = hub.get("/api/history?limit=1&channels=my.line")[0]["timestamp"].clone();
    // Times have milliseconds: what comes now is later.
    std::thread::sleep(std::time::Duration::from_millis(3));
    tell(&hub, 301..MANY + 301, LARGE);
    written(&place, &hub, MANY + 300);
    let status = hub.get("/api/status");
    assert!(status["first_seq"].as_u64() > Some(100), "the first have left memory: {status}");
    let all = heard(&Subscriber::connect(&hub.url()), MANY + 300);
    assert_eq!(said(&all), (1..MANY + 301).collect::<Vec<_>>());
    let later = heard(&Subscriber::begin(&hub.url(), json!({"since": time})), MANY + 300);
    let first = of_line(&later, said(&later)[0]);
    assert!(said(&later)[0] > 1 && said(&later)[0] <= 300, "{first}");
    assert_eq!(said(&later), (said(&later)[0]..MANY + 301).collect::<Vec<_>>());
    let before = of_line(&all, said(&later)[0] - 1);
    assert!(before["timestamp"].as_str() < time.as_str() && first["timestamp"].as_str() >= time.as_str());
    assert!(all.asides.is_empty() && later.asides.is_empty(), "{:?} {:?}", all.asides, later.asides);
    assert_eq!(said(&heard(&Subscriber::begin(&hub.url(), place_at(&hub, &time)), MANY + 300)), said(&later));
    // Over a restart too, also by force.
    let port = hub.port;
    hub.kill();
    let hub = place.serve(port);
    say(&hub, MANY + 301..MANY + 311);
    let later_on = heard(&Subscriber::begin(&hub.url(), json!({"since": time})), MANY + 310);
    assert_eq!(said(&later_on), (said(&later)[0]..MANY + 311).collect::<Vec<_>>());
    let again = heard(&Subscriber::begin(&hub.url(), place_at(&hub, &time)), MANY + 310);
    assert_eq!(said(&again), said(&later_on));
    assert!(hub.stop().success());
}

#[test]
fn a_copy_of_a_file_put_into_a_journal_that_is_written_costs_nobody_an_event() {
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    tell(&hub, 1..MANY + 1, LARGE);
    written(&place, &hub, MANY);
    let directory = place.path(&format!(".local/state/claude-mpm/sessions/hub-{}", hub.port));
    let mut segments = named(&directory, ".ndjson");
    segments.sort();
    assert!(segments.len() > 1, "{segments:?}");
    for (of, ordinal) in [(&segments[0], "000050-"), (&segments[segments.len() - 1], "000051-")] {
        let copy = of
            .to_str()
            .expect("a name")
            .replace(&of.file_name().expect("one").to_str().expect("a name")[..7], ordinal);
        std::fs::copy(of, copy).expect("a copy");
    }
    // It reads from disk, and then nothing for a while.
    let mut slow = upgraded(hub.port, "/?channels=my.line,system.gap&after=0", "").expect("a connection");
    let mut frames: Vec<Value> = std::iter::from_fn(|| slow.json()).take(10).collect();
    tell(&hub, MANY + 1..2 * MANY + 1, LARGE);
    written(&place, &hub, 2 * MANY);
    let is_last = |frame: &Value| frame["data"]["n"] == 2 * MANY;
    while !frames.last().is_some_and(is_last) {
        frames.push(slow.json().expect("the rest"));
    }
    assert!(frames.iter().all(|frame| frame["type"] != "system.gap"), "a gap");
    let told: Vec<u64> = frames.iter().filter_map(|frame| frame["data"]["n"].as_u64()).collect();
    assert_eq!(told, (1..2 * MANY + 1).collect::<Vec<_>>());
    assert!(hub.stop().success());
}

/// A hub whose journal cannot be read as often as it is told.
struct Unreadable {
    place: Place,
    hub: Hub,
}

impl Unreadable {
    /// At any port, or at the one of a hub before it.
    fn at(place: Place, port: u16) -> Self {
        let mut command = place.command(&["serve", "--websocket-port", &port.to_string()]);
        place.on_a_failing_disk(&mut command);
        let hub = Hub::started(command);
        Self { place, hub }
    }

    /// What somebody hears who comes back while so many reads fail.
    fn heard(&self, place: Value, failures: usize, newest: u64) -> Received {
        std::fs::write(self.place.path("failing_reads"), "x".repeat(failures)).expect("a file");
        let heard = heard(&Subscriber::begin(&self.hub.url(), place), newest);
        let left = std::fs::metadata(self.place.path("failing_reads")).expect("a file").len();
        assert!(failures == 0 || left < failures as u64, "the journal was read");
        heard
    }
}

/// More than are tried.
const FOR_GOOD: usize = 1000;

#[test]
fn a_journal_that_cannot_be_read_for_a_moment_costs_nothing_and_for_good_what_is_in_it() {
    let unreadable = Unreadable::at(Place::new(WRAPPER), 0);
    let hub = &unreadable.hub;
    tell(hub, 1..MANY + 1, LARGE);
    written(&unreadable.place, hub, MANY);
    let begin = hub.get("/api/status")["epoch"].clone();
    let place = || json!({"after": 1, "epoch": begin});
    let all = unreadable.heard(place(), 3, MANY);
    assert_eq!(said(&all), (2..MANY + 1).collect::<Vec<_>>());
    assert!(all.asides.is_empty(), "{:?}", all.asides);
    let rest = unreadable.heard(place(), FOR_GOOD, MANY);
    let [(0, gap)] = &rest.asides[..] else { panic!("{:?}", rest.asides) };
    assert_eq!((&gap["type"], &gap["data"]["from_seq"]), (&json!("system.gap"), &json!(2)), "{gap}");
    assert_eq!(rest.events[0]["seq"].as_u64(), gap["data"]["to_seq"].as_u64().map(|last| last + 1));
    assert!(unreadable.hub.stop().success());
}

#[test]
fn an_earlier_numbering_that_cannot_be_read_for_a_moment_comes_and_for_good_is_a_gap() {
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    let port = hub.port;
    say(&hub, 1..101);
    let first = heard(&Subscriber::connect(&hub.url()), 100);
    written(&place, &hub, 100);
    hub.kill();
    let unreadable = Unreadable::at(place, port);
    say(&unreadable.hub, 101..111);
    let line = of_line(&first, 40);
    let all = unreadable.heard(cursor(&line), 3, 110);
    assert_eq!(said(&all), (41..111).collect::<Vec<_>>());
    let rest = unreadable.heard(cursor(&line), FOR_GOOD, 110);
    assert_eq!(said(&rest), (101..111).collect::<Vec<_>>());
    let [(0, warning), (0, gap)] = &rest.asides[..] else { panic!("{:?}", rest.asides) };
    assert_eq!(warning["data"]["error_code"], "GAP001", "{warning}");
    assert_eq!((&gap["type"], &gap["epoch"]), (&json!("system.gap"), &line["epoch"]), "{gap}");
    assert_eq!(gap["data"]["from_seq"].as_u64(), line["seq"].as_u64().map(|seq| seq + 1), "{gap}");
    assert!(unreadable.hub.stop().success());
}

#[test]
fn without_a_journal_nothing_is_written_and_what_is_lost_is_told() {
    let place = Place::new(WRAPPER);
    let hub = Hub::started(place.command(&["serve", "--websocket-port", "0", "--no-journal"]));
    tell(&hub, 1..MANY + 1, LARGE);
    let client = heard(&Subscriber::connect(&hub.url()), MANY);
    assert_eq!(client.asides[0].1["type"], "system.gap");
    assert!(!place.path(".local/state/claude-mpm/sessions").exists());
    assert!(hub.stop().success());
}
