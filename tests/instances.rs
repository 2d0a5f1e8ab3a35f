//! Several instances side by side: their ports, records and sockets, and the verbs that look at them.
//!
//! What is run in claude's place are small shell programs, as any user may with `--claude`. Every test has a runtime
//! directory of its own; ports come from the kernel or from `auto`.

use serde_json::Value;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use test_support::program::Program;
use test_support::terminal::Terminal;
use test_support::{DEADLINE, piped, ports, schema};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// Says its name, then lives until its stdin ends.
const LIVES: &str = "echo \"I am $0\"; read line; echo \"$line\"";

/// A user's place: a runtime directory and somewhere to work.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        for folder in ["run", "work"] {
            fs::create_dir(root.path().join(folder)).expect("a folder");
            fs::set_permissions(root.path().join(folder), fs::Permissions::from_mode(0o700)).expect("ours");
        }
        Self { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(WRAPPER);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("XDG_RUNTIME_DIR", self.path("run"));
        command.env("HOME", self.root.path()).current_dir(self.path("work")).args(args);
        command
    }

    /// `claude-mpm ARGS`, to its end.
    fn run(&self, args: &[&str]) -> Output {
        piped::run(self.command(args), b"", DEADLINE)
    }

    /// An instance of this name on `port`, that lives until it is ended.
    fn start(&self, name: &str, port: &str) -> Live {
        let options = ["--launch-method", "subprocess", "--websocket-port", port, "-n", name, "--headless"];
        let mut command = self.command(&options);
        command.args(["--claude", "sh", "--", "-c", LIVES, name]);
        let program = Program::start(command, b"");
        let line = program.wait_err(|line| line.contains("ws://127.0.0.1:"));
        let digits = line.rsplit(':').next().expect("a port");
        Live { port: digits.parse().expect("a port"), program }
    }

    /// Its records, by name.
    fn records(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("run/claude-mpm")).expect("the directory").flatten();
        entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect()
    }
}

struct Live {
    port: u16,
    program: Program,
}

impl Live {
    /// Ends it, and waits for that.
    fn end(self) {
        use nix::sys::signal::{Signal, kill};
        kill(nix::unistd::Pid::from_raw(self.program.pid().cast_signed()), Signal::SIGTERM).expect("it runs");
        assert_eq!(self.program.finish().0.code(), Some(143));
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn listed(place: &Place) -> Vec<Value> {
    serde_json::from_str(&out(&place.run(&["list", "-o", "json"]))).expect("an array of records")
}

#[test]
fn three_instances_run_together_and_ending_one_leaves_the_others() {
    let place = Place::new();
    let [first, second] = ports::free();
    let (alpha, beta) = (place.start("alpha", &first.to_string()), place.start("beta", &second.to_string()));
    let gamma = place.start("gamma", "auto");
    assert_eq!((alpha.port, beta.port), (first, second));

    let mut watch = place.command(&["watch", "--all", "-o", "json", "claude.*"]);
    watch.args(["-n", "100"]);
    let watch = Program::start(watch, b"");
    let text = Program::start(place.command(&["watch", "--all", "-n", "100", "claude.output"]), b"");
    for name in ["alpha", "beta", "gamma"] {
        watch.wait_out(|line| line.contains(&format!("I am {name}")));
        text.wait_out(|line| line.contains(&format!("{name}:")) && line.contains(&format!("I am {name}")));
    }

    let records = listed(&place);
    let name_and_port =
        |record: &Value| (record["name"].as_str().map(str::to_owned), record["port"].as_u64());
    let mut seen: Vec<_> = records.iter().map(name_and_port).collect();
    seen.sort();
    let expected = [("alpha", alpha.port), ("beta", beta.port), ("gamma", gamma.port)];
    assert_eq!(seen, expected.map(|(name, port)| (Some(name.to_owned()), Some(u64::from(port)))));
    let table = out(&place.run(&["list"]));
    for (name, port) in expected {
        let row = |line: &str| line.contains(name) && line.contains(&port.to_string());
        assert!(table.lines().any(row), "{name} {port} in {table}");
    }
    // Each event says whose it is.
    let session = |name: &str| {
        let record = records.iter().find(|record| record["name"] == name).expect("its record");
        record["session_id"].as_str().expect("an id").to_owned()
    };
    for name in ["alpha", "beta", "gamma"] {
        let line = watch.wait_out(|line| line.contains(&format!("I am {name}")));
        let event: Value = serde_json::from_str(&line).expect("a frame");
        schema::hold("classic/event", &event);
        assert_eq!(event["session_id"], session(name));
    }

    beta.end();
    text.wait_out(|line| line.contains("I am alpha"));
    let left: Vec<_> = listed(&place).iter().filter_map(|record| name_and_port(record).0).collect();
    assert_eq!(left, ["alpha", "gamma"]);
    assert_eq!(place.records().len(), 2, "the record of the one that ended is gone");
    let others = fs::read_dir(place.path("run/claude-mpm")).expect("the directory").count() - 2;
    assert_eq!(others, 2 * 2, "and so are its socket and its token");
    alpha.end();
    gamma.end();
    assert!(listed(&place).is_empty());
}

#[test]
fn a_taken_port_names_its_holder_in_one_line_and_claude_is_not_started() {
    let place = Place::new();
    let [port] = ports::free();
    let holder = place.start("holder", &port.to_string());
    let foreign = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let foreign_port = foreign.local_addr().expect("an address").port();
    let own_pid = std::process::id().to_string();
    // By the portable way nobody tells who listens on a port; our own stand in the registry.
    let foreign_holder = if cfg!(feature = "portable") { "cannot be seen" } else { own_pid.as_str() };
    for (port, whose) in [(port, "\"holder\""), (foreign_port, foreign_holder)] {
        let (port, marker) = (port.to_string(), place.path("started"));
        let options = ["--launch-method", "subprocess", "--websocket-port", &port, "--claude", "touch", "--"];
        let mut command = place.command(&options);
        command.arg(&marker);
        let refused = piped::run(command, b"", DEADLINE);
        assert_eq!(refused.status.code(), Some(125));
        let said = err(&refused);
        assert_eq!(said.lines().count(), 1, "{said}");
        for part in [port.as_str(), whose, "--websocket-port auto"] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert!(!marker.exists(), "claude was started");
    }
    holder.end();
}

#[test]
fn records_are_private_and_stale_ones_are_ignored_and_swept() {
    let place = Place::new();
    let live = place.start("live", "auto");
    let directory = place.path("run/claude-mpm");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let record = place.records().pop().expect("its record");
    assert_eq!((mode(&directory), mode(&record)), (0o700, 0o600));

    let text = fs::read_to_string(&record).expect("readable");
    let genuine: Value = serde_json::from_str(&text).expect("a record");
    let forge = |name: &str, pid: u32, start_time: u64| {
        let mut record = genuine.clone();
        (record["session_id"], record["name"]) = (name.into(), name.into());
        (record["pid"], record["start_time"]) = (pid.into(), start_time.into());
        let path = directory.join(format!("{name}.json"));
        fs::write(&path, record.to_string()).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
        path
    };
    let gone =
        Command::new("true").spawn().and_then(|mut child| child.wait().map(|_| child.id())).expect("a pid");
    let dead = forge("dead", gone, 1);
    let reused = forge("reused", std::process::id(), 1);
    fs::write(directory.join("garbage.json"), "{").expect("written");
    nix::unistd::mkfifo(&directory.join("trap.json"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");

    let names: Vec<_> = listed(&place).iter().map(|record| record["name"].clone()).collect();
    assert_eq!(names, ["live"]);
    assert!(!dead.exists() && !reused.exists(), "swept");
    live.end();
}

#[test]
fn one_instance_is_found_by_name_port_pid_or_session() {
    let place = Place::new();
    let (web, other) = (place.start("web", "auto"), place.start("other", "auto"));
    let records = listed(&place);
    let record = records.iter().find(|record| record["name"] == "web").expect("its record");
    let session = record["session_id"].as_str().expect("an id").to_owned();
    let (port, pid) = (web.port.to_string(), record["pid"].to_string());
    for word in ["web", &port, &pid, &session[..8]] {
        let status = place.run(&["status", "-i", word, "-o", "json"]);
        let status: Value = serde_json::from_str(&out(&status)).expect("a snapshot");
        schema::hold("system.status", &status);
        assert_eq!(status["session_id"], session.as_str(), "{word}");
    }
    let wait = ["watch", "-i", "web", "-n", "100", "claude.output", "--count", "1", "--time", "none"];
    assert!(out(&place.run(&wait)).contains("I am web"));
    let past = out(&place.run(&["history", "-i", "web", "claude.status", "-o", "json"]));
    let states: Vec<Value> = past.lines().map(|line| serde_json::from_str(line).expect("a frame")).collect();
    states.iter().for_each(|event| schema::hold("classic/event", event));
    assert_eq!(
        states.iter().map(|s| s["data"]["status"].clone()).collect::<Vec<_>>(),
        ["starting", "running"]
    );
    // Two could be meant, so neither is taken.
    let unclear = place.run(&["status"]);
    assert_eq!(unclear.status.code(), Some(3));
    assert!(err(&unclear).contains("web") && err(&unclear).contains("other"), "{}", err(&unclear));
    let stranger = place.run(&["watch", "-i", "nobody"]);
    assert_eq!(stranger.status.code(), Some(3));

    let connect = place.run(&["check", "--connect", "web"]);
    assert!(connect.status.success() && out(&connect).contains("ms"), "{connect:?}");
    assert_eq!(place.run(&["check", "--port", &port]).status.code(), Some(1));
    let free = out(&place.run(&["check", "--find-port", &port]));
    assert!(free.trim().parse::<u16>().expect("one number") > web.port);
    web.end();
    other.end();
}

#[test]
fn a_missing_claude_is_127_and_says_what_to_do() {
    let place = Place::new();
    let missing = place.run(&["--launch-method", "subprocess", "--claude", "no-such-claude"]);
    assert_eq!(missing.status.code(), Some(127));
    for part in ["no-such-claude", "npm install -g @anthropic-ai/claude-code", "claude-mpm demo"] {
        assert!(err(&missing).contains(part), "{part} in {}", err(&missing));
    }
    fs::write(place.path("work/plain"), "text").expect("written");
    let plain = place.run(&["--launch-method", "subprocess", "--claude", "./plain"]);
    assert_eq!(plain.status.code(), Some(126), "{}", err(&plain));
}

#[test]
fn exec_becomes_the_program() {
    let place = Place::new();
    let program = Program::start(place.command(&["--claude", "sh", "--", "-c", "echo $$"]), b"");
    let pid = program.pid().to_string();
    let (status, lines, said) = program.finish();
    assert_eq!((status.code(), lines, said), (Some(0), vec![pid], vec![]));
}

#[test]
fn the_directory_and_a_terminal_of_fixed_size_are_what_was_asked_for() {
    let place = Place::new();
    let elsewhere = place.path("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    let options = [
        "--launch-method",
        "subprocess",
        "--websocket-port",
        "auto",
        "--headless",
        "--window-size",
        "100x30",
    ];
    let mut command = place.command(&options);
    command.arg("-C").arg(&elsewhere).args(["--claude", "sh", "--", "-c", "pwd; stty size; read line"]);
    let program = Program::start(command, b"");
    program.wait_err(|line| line.contains("session elsewhere on ws://"));
    let watch = ["watch", "-i", "elsewhere", "-n", "100", "claude.output", "--count", "2", "--time", "none"];
    let seen = out(&place.run(&watch));
    assert!(seen.contains(&*elsewhere.canonicalize().expect("a path").to_string_lossy()), "{seen}");
    assert!(seen.contains("30 100"), "{seen}");

    let nowhere = place.run(&["--launch-method", "subprocess", "-C", "/no/such/place", "--claude", "true"]);
    assert_eq!(nowhere.status.code(), Some(125));
}

#[test]
fn an_instance_in_a_terminal_says_where_it_is_and_how_it_ended_and_nothing_with_q() {
    let place = Place::new();
    let run = |more: &[&str]| {
        let options = ["--launch-method", "subprocess", "--websocket-port", "auto", "--claude", "sh"];
        let mut command = place.command(&options);
        command.args(more).args(["--", "-c", "echo only this; exit 3"]);
        let terminal = Terminal::start(command, 100, 10);
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(3));
        terminal.screen()
    };
    let talkative = run(&[]);
    assert!(
        talkative.contains("on ws://127.0.0.1:") && talkative.contains("exited with code 3"),
        "{talkative}"
    );
    assert_eq!(run(&["-q"]).trim(), "only this");
}
