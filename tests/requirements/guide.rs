//! The command lines of requirements R2 and R3, run as they stand there. A program takes claude's place, ports are such
//! as are free, and a script of the original is the verb that does its work.

use crate::blocks::block;
use crate::place;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Output;
use std::time::{Duration, Instant};
use test_support::conversation::Conversation;
use test_support::program::Program;
use test_support::standalone::{self, Place};
use test_support::{DEADLINE, piped, ports};

/// The scripts of the original: what stands for them, and for them with a port.
const SCRIPTS: [(&str, &[&str], &[&str]); 5] = [
    ("scripts/find_websocket_port.py", &["check", "--find-port"], &["check", "--port"]),
    ("scripts/test_websocket_quick.py", &["check", "--connect"], &["check", "--connect"]),
    ("scripts/test_websocket.py", &["watch"], &["watch", "-i"]),
    ("scripts/verify_websocket_connection.py", &["check", "--connect"], &["check", "--connect"]),
    ("scripts/monitor_websocket_events.py", &["watch"], &["watch", "-i"]),
];
/// Lives until it is let go.
const LIVES: &str = "echo \"I am $1\"; : <\"$HOME/$1\"";

/// A line of a block, as arguments of ours.
#[derive(Debug)]
enum Line {
    /// Runs claude.
    Run(Vec<String>),
    /// Looks at what runs, or at a port.
    Look(Vec<String>),
}

/// The command lines of a block, in which each port is another that is free.
#[track_caller]
fn lines(name: &str) -> Vec<Line> {
    let mut free = BTreeMap::new();
    let mut fresh = ports::free::<4>().into_iter();
    let text = block(name);
    let commands =
        text.lines().map(|line| line.split('#').next().unwrap().trim()).filter(|line| !line.is_empty());
    let mut word = |word: &str| match word.parse::<u16>() {
        Ok(port) => free.entry(port).or_insert_with(|| fresh.next().expect("a port").to_string()).clone(),
        Err(_) => word.to_owned(),
    };
    commands.map(|line| read(&line.split_whitespace().map(&mut word).collect::<Vec<_>>())).collect()
}

#[track_caller]
fn read(words: &[String]) -> Line {
    match words {
        [program, rest @ ..] if program == "claude-mpm" => Line::Run(rest.to_vec()),
        [program, script, rest @ ..] if program == "python" => {
            let (_, alone, with_port) =
                SCRIPTS.iter().find(|(known, ..)| known == script).expect("a known script");
            let verb = if rest.is_empty() { alone } else { with_port };
            Line::Look(verb.iter().map(|word| (*word).to_owned()).chain(rest.iter().cloned()).collect())
        }
        other => panic!("nothing stands for {other:?}"),
    }
}

/// One that was started from a line.
struct Running<'a> {
    place: &'a Place,
    name: String,
    program: Program,
    url: String,
}

impl<'a> Running<'a> {
    /// Starts what the line says, with a program in claude's place; a line that names no port gets any, because another
    /// may have the usual one.
    #[track_caller]
    fn start(place: &'a Place, words: &[String], name: &str) -> Self {
        nix::unistd::mkfifo(&place.path(name), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
        let mut command = place.command(&[]);
        command.args(words).args(["-n", name]);
        if !words.iter().any(|word| word == "--websocket-port") {
            command.args(["--websocket-port", "auto"]);
        }
        command.args(["--claude", "sh", "--", "-c", LIVES, "sh", name]);
        let program = Program::start(command, b"");
        let line = program.wait_err(|line| line.contains("on ws://127.0.0.1:"));
        let url = line.split_whitespace().find(|word| word.starts_with("ws://")).unwrap().to_owned();
        Self { place, name: name.to_owned(), program, url }
    }

    /// Lets it end.
    #[track_caller]
    fn end(self) {
        let until = Instant::now() + DEADLINE;
        let gate = self.place.path(&self.name);
        while let Err(cause) = OpenOptions::new().write(true).custom_flags(nix::libc::O_NONBLOCK).open(&gate)
        {
            assert!(Instant::now() < until, "nobody stands there: {cause}");
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(self.program.finish().0.success());
    }
}

/// The line's session is told whole, by the method and at the port that it names.
#[track_caller]
fn is_told_whole(words: &[String]) {
    let place = place();
    let running = Running::start(&place, words, "web");
    let url = running.url.clone();
    let client = Conversation::open(&format!("{url}/?channels=*&after=0"));
    running.end();
    let (frames, code) = client.hear_out();
    assert_eq!(code, 1000, "{words:?}");
    let data =
        |kind: &str| frames.iter().find(|frame| frame["type"] == kind).map(|frame| frame["data"].clone());
    let start = data("session.start").unwrap();
    let after = |option: &str| words.iter().skip_while(|word| *word != option).nth(1).map(String::as_str);
    assert_eq!(start["launch_method"], after("--launch-method").unwrap_or("exec"), "{words:?}");
    assert_eq!(start["websocket_port"].to_string(), url.rsplit(':').next().unwrap());
    if let Some(port) = after("--websocket-port") {
        assert_eq!(start["websocket_port"].to_string(), port);
    }
    assert_eq!(data("session.end").unwrap()["exit_code"], 0, "{words:?}: {frames:#?}");
    let is_seen = data("claude.output").is_some_and(|output| output["content"] == "I am web");
    assert_eq!(is_seen, start["launch_method"] == "subprocess", "exec has the terminal for itself");
}

#[track_caller]
fn are_told_whole(name: &str, count: usize) {
    let lines = lines(name);
    assert_eq!(lines.len(), count);
    for line in &lines {
        let Line::Run(words) = line else { panic!("{line:?}") };
        is_told_whole(words);
    }
}

#[test]
fn the_quick_start_runs_and_is_told_whole() {
    are_told_whole("2-websocket-api-guide/01-quick-start.sh", 2);
}

#[test]
fn each_way_to_enable_the_server_is_told_whole() {
    are_told_whole("2-websocket-api-guide/03-enable-server.sh", 3);
}

#[track_caller]
fn look(place: &Place, words: &[String]) -> Output {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = piped::run(place.command(&words), b"", DEADLINE);
    assert!(output.status.success(), "{words:?}: {output:?}");
    output
}

#[test]
fn ports_are_found_and_instances_run_side_by_side() {
    let lines = lines("2-websocket-api-guide/04-multiple-instances.sh");
    let [Line::Look(find), Line::Look(check), runs @ ..] = &lines[..] else { panic!("{lines:?}") };
    let place = place();
    let found = String::from_utf8(look(&place, find).stdout).unwrap();
    assert!(found.trim().parse::<u16>().is_ok_and(|port| port >= 8765), "{found}");
    let free = String::from_utf8(look(&place, check).stdout).unwrap();
    assert_eq!(free, format!("port {} is free\n", check.last().unwrap()));
    let run = |(number, line): (usize, &Line)| match line {
        Line::Run(words) => Running::start(&place, words, &format!("instance-{}", number + 1)),
        Line::Look(_) => panic!("{line:?}"),
    };
    let running: Vec<Running<'_>> = runs.iter().enumerate().map(run).collect();
    let listed: Value =
        serde_json::from_slice(&look(&place, &["list", "-o", "json"].map(str::to_owned)).stdout).unwrap();
    let told: BTreeSet<String> =
        listed.as_array().unwrap().iter().map(|record| record["port"].to_string()).collect();
    let wanted: BTreeSet<String> =
        running.iter().map(|one| one.url.rsplit(':').next().unwrap().to_owned()).collect();
    assert_eq!((told.len(), told), (3, wanted));
    running.into_iter().for_each(Running::end);
}

/// Every line of the block finds the one instance there is, by itself or at its port.
#[track_caller]
fn find_the_instance(name: &str) {
    let place = place();
    let lines = lines(name);
    let is_port = |word: &&String| word.parse::<u16>().is_ok();
    let named = lines.iter().find_map(|line| match line {
        Line::Look(words) => words.iter().find(is_port),
        Line::Run(_) => None,
    });
    let port = named.map_or("auto", String::as_str);
    let start = ["--launch-method", "subprocess", "--websocket-port", port].map(str::to_owned);
    let running = Running::start(&place, &start, "web");
    let mut watching = Vec::new();
    for line in &lines {
        match line {
            Line::Look(words) if words[0] == "watch" => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                watching.push(Program::start(place.command(&words), b""));
            }
            Line::Look(words) => {
                let out = String::from_utf8(look(&place, words).stdout).unwrap();
                assert!(out.contains("round trip"), "{out}");
            }
            Line::Run(_) => panic!("{line:?}"),
        }
    }
    watching.iter().for_each(|watch| drop(watch.wait_out(|line| line.contains("I am web"))));
    running.end();
    assert!(watching.into_iter().all(|watch| watch.finish().0.success()));
}

#[test]
fn the_connection_is_tested_as_the_guide_says() {
    find_the_instance("2-websocket-api-guide/05-test-connection.sh");
}

#[test]
fn the_connection_is_tested_and_watched_as_the_hooks_architecture_says() {
    find_the_instance("3-websocket-hooks-architecture/10-test-connection.sh");
}

/// The original sets a level in its code.
#[test]
fn what_goes_on_in_the_server_is_logged_for_debugging_where_it_is_asked_for() {
    let place = place();
    let log = place.path("log");
    let start =
        ["--launch-method", "subprocess", "--log-level", "debug", "--log-file", log.to_str().unwrap()];
    let running = Running::start(&place, &start.map(str::to_owned), "web");
    let port = running.url.rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(standalone::request(port, "GET / HTTP/1.1\r\nOrigin: null\r\n", "").0, 403);
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.lines().any(|line| line.contains("DEBUG") && line.contains("refused")), "{text}");
    running.end();
}
