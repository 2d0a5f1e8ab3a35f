//! The audit log: what it holds, what it refuses, and that nobody waits for it. Several processes and full disks are in
//! `tests/audit.rs`.

use super::*;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

const LONG: Duration = Duration::from_secs(30);

fn place() -> (tempfile::TempDir, StateDirectory) {
    let base = tempfile::tempdir().unwrap();
    let directory = StateDirectory::at(&base.path().join("claude-mpm")).unwrap();
    (base, directory)
}

fn entry(action: &str) -> Entry {
    Entry {
        at: Timestamp::from_millis(0),
        event: Subject::Control,
        peer: "unix".into(),
        pid: Some(7),
        uid: Some(0),
        role: Some(Role::Control),
        action: action.into(),
        session: Some("s".into()),
        outcome: "done".into(),
        detail: None,
    }
}

fn enter_all(log: &AuditLog, entries: &[Entry]) {
    entries.iter().for_each(|entry| log.enter(entry));
    assert!(log.flush(Instant::now() + LONG));
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_entry_is_one_object_on_one_line_of_a_private_file() {
    let (_base, directory) = place();
    let log = AuditLog::at(&directory).unwrap();
    assert!(log.flush(Instant::now()), "nothing was entered yet");
    enter_all(
        &log,
        &[entry("interrupt"), Entry { pid: None, role: None, event: Subject::Refusal, ..entry("stop") }],
    );
    let path = directory.path().join("audit.log");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let lines = lines(&path);
    let expected = serde_json::json!({
        "at": "1970-01-01T00:00:00.000Z", "event": "control", "hub_pid": std::process::id(), "peer": "unix",
        "pid": 7, "uid": 0, "role": "control", "action": "interrupt", "session": "s", "outcome": "done",
        "detail": null,
    });
    assert_eq!(lines[0], expected);
    assert_eq!((&lines[1]["event"], &lines[1]["pid"], lines.len()), (&"refusal".into(), &Value::Null, 2));
    AuditLog::none().enter(&entry("x"));
    assert!(AuditLog::none().flush(Instant::now()));
}

#[test]
fn hostile_text_neither_acts_nor_begins_a_line_and_reads_back_as_it_was() {
    let (_base, directory) = place();
    let log = AuditLog::at(&directory).unwrap();
    let hostile = "a\n{\"event\":\"control\"}\r\u{1b}[2J\u{9b}31m\u{7f}\0\"\\ \u{202e}\u{2066}\u{2028}\u{e0041}\u{feff}ü漢";
    let texts = Entry {
        peer: hostile.into(),
        session: Some(hostile.into()),
        outcome: hostile.into(),
        detail: Some(hostile.into()),
        ..entry(hostile)
    };
    enter_all(&log, &[texts]);
    let path = directory.path().join("audit.log");
    let text = fs::read_to_string(&path).unwrap();
    let acts = |c: char| {
        c.is_control() || ('\u{2028}'..='\u{206f}').contains(&c) || c >= '\u{e0000}' || c == '\u{feff}'
    };
    assert!(!text.trim_end_matches('\n').contains(acts), "{text:?}");
    let lines = lines(&path);
    assert_eq!(lines.len(), 1);
    for field in ["peer", "action", "session", "outcome", "detail"] {
        assert_eq!(lines[0][field], hostile, "{field}");
    }
}

#[test]
fn a_line_is_never_longer_than_4_kib_whatever_it_is_made_of() {
    for unit in ["x", "\"", "\u{1b}", "漢", "\u{e0041}", "\u{10ffff}"] {
        let text = unit.repeat(5000);
        let texts = Entry {
            peer: text.clone(),
            session: Some(text.clone()),
            outcome: text.clone(),
            detail: Some(text.clone()),
            pid: Some(u32::MAX),
            uid: Some(u32::MAX),
            ..entry(&text)
        };
        let line = line::of(&texts);
        assert!(line.len() <= line::MAX_LINE, "{}", line.len());
        let read: Value = serde_json::from_slice(&line).unwrap();
        assert!(read["detail"].as_str().unwrap().ends_with('…'));
    }
    let just = line::of(&entry(&"x".repeat(256)));
    assert_eq!(serde_json::from_slice::<Value>(&just).unwrap()["action"], "x".repeat(256));
}

#[test]
fn what_is_no_file_of_ours_is_refused_and_left_as_it_is() {
    let (base, directory) = place();
    let path = directory.path().join("audit.log");
    let elsewhere = base.path().join("elsewhere");
    fs::write(&elsewhere, "precious").unwrap();
    let plants: [&dyn Fn(); 3] = [
        &|| symlink(&elsewhere, &path).unwrap(),
        &|| nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap(),
        &|| fs::create_dir(&path).unwrap(),
    ];
    for plant in plants {
        let log = AuditLog::at(&directory).unwrap();
        fs::remove_file(&path).unwrap();
        plant();
        let refused = AuditLog::at(&directory).unwrap_err().to_string();
        assert!(refused.starts_with("cannot open audit log "), "{refused}");
        // Planted while it is used: the entry is lost, and nothing else.
        enter_all(&log, &[entry("x")]);
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
        fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).unwrap();
        enter_all(&log, &[entry("y")]);
        let told: Vec<Value> = lines(&path);
        assert_eq!(
            (&told[0]["event"], &told[0]["outcome"]),
            (&"lost".into(), &"1 entries could not be written".into())
        );
        assert_eq!((&told[1]["action"], told.len()), (&"y".into(), 2));
        fs::remove_file(&path).unwrap();
    }
    if nix::unistd::geteuid().is_root() {
        fs::write(&path, "").unwrap();
        nix::unistd::chown(&path, Some(4242.into()), None).unwrap();
        let refused = AuditLog::at(&directory).unwrap_err().to_string();
        assert!(refused.contains("it belongs to uid 4242"), "{refused}");
    }
}

#[test]
fn a_file_that_lets_others_in_is_closed_and_half_a_line_is_ended() {
    let (_base, directory) = place();
    let path = directory.path().join("audit.log");
    fs::write(&path, "{\"cut").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    let log = AuditLog::at(&directory).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    enter_all(&log, &[entry("x")]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\"cut\n{\"at\":"), "{text}");
}

#[test]
fn nobody_waits_while_another_holds_the_file_and_what_was_lost_is_told() {
    let (_base, directory) = place();
    let log = AuditLog::at(&directory).unwrap();
    enter_all(&log, &[entry("first")]);
    let held = crate::instance::private::lock(&directory.path().join("audit.lock"), LONG).unwrap();
    let many = 3 * QUEUE;
    (0..many).for_each(|number| log.enter(&entry(&number.to_string())));
    assert!(!log.flush(Instant::now()));
    drop(held);
    assert!(log.flush(Instant::now() + LONG));
    enter_all(&log, &[entry("last")]);
    let lines = lines(&directory.path().join("audit.log"));
    let lost: usize = lines
        .iter()
        .filter(|line| line["event"] == "lost")
        .map(|line| line["outcome"].as_str().unwrap().split(' ').next().unwrap().parse::<usize>().unwrap())
        .sum();
    let told = lines.iter().filter(|line| line["event"] == "control").count();
    assert!(lost >= many - QUEUE - 2 * BATCH, "{lost}");
    assert_eq!(told + lost, many + 2);
    assert_eq!(lines.last().unwrap()["action"], "last");
}

#[test]
fn a_large_file_is_put_aside_and_four_of_those_are_kept() {
    let (_base, directory) = place();
    let log = AuditLog::at(&directory).unwrap();
    let path = |name: &str| directory.path().join(name);
    for round in 0..6 {
        enter_all(&log, &[entry(&round.to_string())]);
        let file = fs::OpenOptions::new().append(true).open(path("audit.log")).unwrap();
        file.set_len(file::MAX_FILE - 10).unwrap();
    }
    enter_all(&log, &[entry("6")]);
    assert_eq!(lines(&path("audit.log"))[0]["action"], "6");
    for number in 1..=file::KEPT {
        let begin = fs::read(path(&format!("audit.log.{number}"))).unwrap();
        let line = begin.split(|byte| *byte == b'\n').next().unwrap();
        let round = (6 - number).to_string();
        assert_eq!(serde_json::from_slice::<Value>(line).unwrap()["action"], round.as_str());
    }
    assert!(!path("audit.log.5").exists());
}
