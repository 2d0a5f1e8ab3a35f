//! A disk without room, or one that fails: claude does not notice, one error tells of it, memory stays what it is, and once
//! it works again the journal goes on and says what it lacks. The full disk is a small tmpfs that only the program under
//! test has; where none may be mounted, the tests say so and do nothing.

use crate::kept::{WRAPPER, write};
use crate::slow::resident;
use serde_json::Value;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::instance::url_in;
use test_support::meeting::Meeting;
use test_support::messages_api::MessagesApi;
use test_support::piped;
use test_support::program::Program;
use test_support::real_claude::Sandbox;
use test_support::standalone::{Place, request};
use test_support::steady::{Run, Steady};
use test_support::wire::{Wire, upgraded};

/// `$0` is what the disk may hold, `$1` how much of it somebody else has, the rest a command.
const ON_A_DISK: &str = r#"mount -t tmpfs -o "size=$0k,mode=700" tmpfs "$XDG_STATE_HOME" || exit 99
head -c "$1k" /dev/zero >"$XDG_STATE_HOME/theirs"; shift; exec "$@""#;
/// KiB by which memory may grow with the disk full.
const MORE: u64 = 32 << 10;
const END: &str = "the end of it";

pub(crate) fn may_mount() -> bool {
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
    let may = command.output().is_ok_and(|output| output.status.success());
    if !may {
        eprintln!("nothing is tested: no file system may be mounted here");
    }
    may
}

/// This command, on a disk of so many KiB of which somebody else has so many.
fn on_a_disk(command: &Command, (size, theirs): (u64, u64)) -> Command {
    let mut wrapped = Command::new("unshare");
    wrapped
        .args(["-m", "--propagation", "private", "sh", "-c", ON_A_DISK])
        .arg(size.to_string())
        .arg(theirs.to_string());
    wrapped.arg(command.get_program()).args(command.get_args());
    wrapped.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    wrapped
}

/// As many events of about a kilobyte.
pub(crate) fn post(port: u16, count: usize) {
    let filling = "x".repeat(900);
    let event = format!(
        r#"{{"event_type":"my.event","source":"x","timestamp":1706181600000,"payload":{{"x":"{filling}"}}}}"#
    );
    for first in (0..count).step_by(1000) {
        let body = format!("[{}{event}]", format!("{event},").repeat((count - first).min(1000) - 1));
        let (status, answer) = request(
            port,
            "POST /api/events HTTP/1.1\r\nContent-Type: application/json\r\nConnection: close\r\n",
            &body,
        );
        assert_eq!(status, 202, "{answer}");
    }
}

/// What the hub has said of the journal.
pub(crate) fn errors(port: u16) -> Vec<Value> {
    let (status, body) = request(
        port,
        "GET /api/history?channels=system.error&limit=1000 HTTP/1.1\r\nConnection: close\r\n",
        "",
    );
    assert_eq!(status, 200, "{body}");
    let events: Vec<Value> = serde_json::from_str(&body).unwrap();
    events.into_iter().filter(|event| event["data"]["component"] == "journal").collect()
}

/// Hears every error from the first on; nothing of the greeting is left.
fn listener(port: u16) -> Wire {
    let mut wire = upgraded(port, "/?channels=system.error&after=0", "").unwrap();
    while wire.json().expect("an answer")["type"] != "subscribed" {}
    wire
}

#[track_caller]
pub(crate) fn wait_for(what: &str, mut seen: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !seen() {
        assert!(Instant::now() < until, "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn claude_works_on_while_the_disk_is_full_and_one_error_tells_of_it() {
    if !may_mount() {
        return;
    }
    let args = ["-p", "DEMO:bash"];
    let bare = {
        let api = MessagesApi::start();
        piped::run(Sandbox::new(&api).direct(&args), b"", DEADLINE)
    };
    let api = MessagesApi::start_held();
    let (sandbox, state, runtime) =
        (Sandbox::new(&api), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut command =
        sandbox.wrapped(WRAPPER, &["--websocket-port", "auto", "--launch-method", "subprocess"], &args);
    command.env("XDG_STATE_HOME", state.path()).env("XDG_RUNTIME_DIR", runtime.path());
    let run = Program::start(on_a_disk(&command, (1024, 0)), b"");
    let port = url_in(runtime.path()).rsplit(':').next().unwrap().parse().unwrap();
    let mut listener = upgraded(port, "/?channels=system.error,session.end&after=0", "").unwrap();
    post(port, 3_000);
    wait_for("an error", || !errors(port).is_empty());
    post(port, 17_000);
    let before = resident(run.pid());
    post(port, 20_000);
    let after = resident(run.pid());
    println!("{before} KiB, and {after} KiB after 20,000 events more");
    assert!(after <= before + MORE, "{before} {after}");
    api.release();
    let (status, out, _) = run.finish();
    assert_eq!(status.code(), bare.status.code());
    assert_eq!(out.join("\n") + "\n", String::from_utf8(bare.stdout).unwrap());
    let told: Vec<Value> = std::iter::from_fn(|| listener.json()).collect();
    let of_journal: Vec<&Value> =
        told.iter().filter(|frame| frame["data"]["component"] == "journal").collect();
    assert_eq!(of_journal.len(), 1, "{of_journal:#?}");
    assert_eq!(of_journal[0]["data"]["error_code"], "RES001");
    assert_eq!(told.last().unwrap()["type"], "session.end");
}

/// What a program prints: many lines, and some more when it is told to.
const LINES: u64 = 100_000;
const PART: usize = 4_000;

struct Crowded {
    place: Place,
    meeting: Meeting,
    program: Program,
    port: u16,
    trouble: Trouble,
}

/// What is wrong with a disk for a while.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    /// ENOSPC.
    Full,
    /// EIO, of every write and every sync.
    Failing,
}

impl Trouble {
    fn given_to(self, mut command: Command, place: &Place) -> Command {
        if self == Self::Full {
            return on_a_disk(&command, (64 << 10, 62 << 10));
        }
        place.on_a_failing_disk(&mut command);
        command
    }
}

impl Crowded {
    fn start(trouble: Trouble) -> Self {
        let (place, meeting) = (Place::new(WRAPPER), Meeting::new());
        fs::create_dir(place.path("state")).unwrap();
        let script = format!(r#"while read -r go <"$MEETING/down"; do seq "$go"; echo {END} of "$go"; done"#);
        let mut command = place.shell(&[], &script);
        command.env("XDG_STATE_HOME", place.path("state")).env("MEETING", meeting.folder());
        let program = Program::start(trouble.given_to(command, &place), b"");
        let port = url_in(&place.path("run")).rsplit(':').next().unwrap().parse().unwrap();
        Self { place, meeting, program, port, trouble }
    }

    /// From now on; a disk that is too small is it by itself.
    fn trouble(&self) {
        if self.trouble == Trouble::Failing {
            fs::write(self.place.path("failing"), "").unwrap();
        }
    }

    fn relieve(&self) {
        match self.trouble {
            Trouble::Full => fs::remove_file(self.on_disk("theirs")).unwrap(),
            Trouble::Failing => fs::remove_file(self.place.path("failing")).unwrap(),
        }
    }

    /// A file of the disk that only the program has.
    fn on_disk(&self, name: &str) -> PathBuf {
        let state = self.place.path("state");
        PathBuf::from(format!("/proc/{}/root{}", self.program.pid(), state.display())).join(name)
    }

    /// Lets it print so many lines, a part of what memory holds at a time, and waits until a client has been sent them.
    fn print(&self, lines: u64, client: &mut Steady) {
        for printed in (0..lines).step_by(PART) {
            let part = PART.min(usize::try_from(lines - printed).unwrap());
            self.meeting.say(&part.to_string());
            client.follow(self.port, &format!("{END} of {part}"), |_| ControlFlow::Continue(()));
        }
    }

    #[track_caller]
    fn wait_for_its_journal_to_have(&self, part: usize) {
        let last = format!("{END} of {part}");
        wait_for(&last, || self.journal().iter().any(|line| line.contains(&last)));
    }

    /// The journal's lines.
    fn journal(&self) -> Vec<String> {
        let sessions = fs::read_dir(self.on_disk("claude-mpm/sessions")).unwrap().flatten();
        let directory = sessions.map(|entry| entry.path()).next().unwrap();
        let mut segments: Vec<_> = test_support::standalone::named(&directory, ".ndjson");
        segments.sort();
        segments
            .iter()
            .flat_map(|path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }
}

#[test]
fn once_there_is_room_the_journal_goes_on_and_says_what_it_lacks() {
    if may_mount() {
        goes_on_after(Trouble::Full);
    }
}

#[test]
fn once_the_disk_works_again_the_journal_goes_on_and_says_what_it_lacks() {
    goes_on_after(Trouble::Failing);
}

#[track_caller]
fn goes_on_after(trouble: Trouble) {
    let crowded = Crowded::start(trouble);
    let mut client = Steady::default();
    let mut listener = listener(crowded.port);
    crowded.print(5, &mut client);
    crowded.wait_for_its_journal_to_have(5);
    crowded.trouble();
    crowded.print(LINES / 2, &mut client);
    let error = listener.json().expect("an error");
    assert_eq!(error["data"]["error_code"], "RES001", "{error}");
    let before = resident(crowded.program.pid());
    crowded.print(LINES, &mut client);
    let after = resident(crowded.program.pid());
    println!("{before} KiB, and {after} KiB after {LINES} lines more");
    assert!(after <= before + MORE, "{before} {after}");
    crowded.relieve();
    crowded.print(3, &mut client);
    crowded.wait_for_its_journal_to_have(3);
    assert_eq!((client.runs.len(), client.gaps.len()), (1, 0), "{:?}", client.runs);
    listener.hurry(Duration::from_millis(100));
    assert_eq!(listener.json(), None, "a second error");
    let missing = missing(&crowded.journal());
    println!("the journal lacks {missing:?}");
    assert_eq!(missing.len(), 1, "one gap");
    let mut late = Steady::default();
    late.follow(crowded.port, &format!("{END} of 3"), |_| ControlFlow::Continue(()));
    let expected = [(1, missing[0].0 - 1), (missing[0].1 + 1, client.runs[0].last)];
    let runs: Vec<_> = late.runs.iter().map(|Run { first, last, .. }| (*first, *last)).collect();
    assert_eq!((runs.as_slice(), late.gaps.len()), (expected.as_slice(), 1), "{:?}", late.gaps);
    assert!(late.gaps[0].1.contains(&format!(r#""from_seq":{}"#, missing[0].0)), "{:?}", late.gaps);
}

/// The numbers that the journal says it lacks: all those that are not in it.
fn missing(journal: &[String]) -> Vec<(u64, u64)> {
    let (mut behind, mut missing, mut remarked) = (0, Vec::new(), Vec::new());
    for line in journal {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["type"] == "system.gap" {
            remarked
                .push((line["data"]["from_seq"].as_u64().unwrap(), line["data"]["to_seq"].as_u64().unwrap()));
            continue;
        }
        let Some(seq) = line["seq"].as_u64() else { continue };
        assert!(seq > behind, "{seq} behind {behind}");
        if seq > behind + 1 {
            missing.push((behind + 1, seq - 1));
        }
        behind = seq;
    }
    assert_eq!(remarked, missing, "what it says it lacks");
    missing
}

#[test]
fn a_disk_that_can_only_be_read_costs_the_journal_and_nothing_else() {
    if !may_mount() {
        return;
    }
    let (place, meeting) = (Place::new(WRAPPER), Meeting::new());
    fs::create_dir(place.path("state")).unwrap();
    write(&place.path("state/theirs"), b"");
    let mut command = place.shell(&[], r#"echo up; read -r go <"$MEETING/down"; exit 5"#);
    command.env("XDG_STATE_HOME", place.path("state")).env("MEETING", meeting.folder());
    let mut wrapped = Command::new("unshare");
    let script = r#"mount -t tmpfs -o ro tmpfs "$XDG_STATE_HOME" && exec "$@""#;
    wrapped.args(["-m", "--propagation", "private", "sh", "-c", script, "sh"]);
    wrapped.arg(command.get_program()).args(command.get_args());
    wrapped.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let program = Program::start(wrapped, b"");
    let port = url_in(&place.path("run")).rsplit(':').next().unwrap().parse().unwrap();
    wait_for("an error", || !errors(port).is_empty());
    assert_eq!(errors(port).len(), 1, "{:?}", errors(port));
    meeting.say("on");
    let (status, out, _) = program.finish();
    assert_eq!((status.code(), out), (Some(5), vec!["up".to_owned()]));
}

/// Runs a program that prints so many lines where no file may be larger than so many KiB; how many segments and records
/// its journal has, and the errors that were told of it.
fn within_a_limit(kib: u64, lines: u64) -> (usize, usize, Vec<Value>) {
    let (place, meeting) = (Place::new(WRAPPER), Meeting::new());
    let script =
        format!(r#"seq {lines}; echo {END}; echo up >"$MEETING/up"; read -r go <"$MEETING/down"; exit 5"#);
    let command = format!(
        "ulimit -f {}; exec {WRAPPER} -q --launch-method subprocess --websocket-port auto --claude sh -- -c \"$SCRIPT\"",
        kib * 2
    );
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", &command]).env_clear().current_dir(place.path("work"));
    let own = place.command(&[]);
    limited.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.env("SCRIPT", script).env("MEETING", meeting.folder());
    let program = Program::start(limited, b"");
    let port = url_in(&place.path("run")).rsplit(':').next().unwrap().parse().unwrap();
    let mut listener = listener(port);
    assert_eq!(meeting.hear(), "up");
    Steady::default().follow(port, END, |_| ControlFlow::Continue(()));
    meeting.say("on");
    let (status, out, _) = program.finish();
    assert_eq!((status.code(), out.len() as u64), (Some(5), lines + 1));
    listener.hurry(Duration::from_secs(1));
    // Of so many lines at once, some may leave memory before it is its turn; that is no error.
    let told = std::iter::from_fn(|| listener.json());
    let errors = told.filter(|frame| frame["type"] == "system.error").collect();
    let sessions = place.path(".local/state/claude-mpm/sessions");
    let directory = fs::read_dir(sessions).unwrap().next().unwrap().unwrap().path();
    let segments = test_support::standalone::named(&directory, ".ndjson");
    let records = segments.iter().map(|path| fs::read_to_string(path).unwrap().lines().count()).sum();
    (segments.len(), records, errors)
}

#[test]
fn files_that_may_not_be_large_are_as_large_as_they_may_be() {
    let (segments, records, errors) = within_a_limit(1500, 20_000);
    assert!(segments > 3 && records > 20_000 && errors.is_empty(), "{segments} {records} {errors:?}");
}

#[test]
fn a_program_whose_files_may_hold_next_to_nothing_prints_as_ever() {
    let (_, records, errors) = within_a_limit(1, 20_000);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["data"]["error_code"], "RES001");
    assert!(records < 100, "{records}");
}
