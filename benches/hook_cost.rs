//! What our hooks cost claude: one turn with ten tool calls in five messages, played by the real claude under
//! claude-mpm with hooks over HTTP, by commands and without any. They take turns, so that whatever the machine does
//! beside it meets all alike, and each is compared with the run without hooks of its own round.
//!
//! ```sh
//! cargo bench --bench hook_cost          # 20 rounds
//! cargo bench --bench hook_cost -- 5     # 5 rounds
//! ```
//!
//! The floor is what claude spends on posting alone: its hooks go to a thread that answers at once and does nothing else.
//! The goal is that hooks over HTTP make the turn no more than 30 ms longer in all.

use claude_mpm::cli::Hooks;
use claude_mpm::cmd::injection::{HookSite, prepare_for};
use claude_mpm::process::program::Command as Call;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use test_support::messages_api::MessagesApi;
use test_support::piped;
use test_support::real_claude::Sandbox;

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
const OPTIONS: [&str; 5] = ["-q", "--websocket-port", "auto", "--launch-method", "subprocess"];
const TURN: [&str; 5] = ["-p", "--output-format", "stream-json", "--verbose", "DEMO:ten-commands"];
/// The first two are what the others are compared with.
const WAYS: [Way; 4] = [Way::Hooks("off"), Way::Floor, Way::Hooks("http"), Way::Hooks("command")];
const CALLS: usize = 10;
const DEADLINE: Duration = Duration::from_secs(60);

/// How claude tells of hooks.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// As claude-mpm asks it to, with this word after `--hooks`.
    Hooks(&'static str),
    /// To a server that does nothing.
    Floor,
}

impl Way {
    fn name(self) -> String {
        match self {
            Self::Hooks(word) => format!("--hooks {word}"),
            Self::Floor => "floor".into(),
        }
    }
}

/// Answers hooks at once and counts them.
#[derive(Debug)]
struct Floor {
    address: std::net::SocketAddr,
    posts: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Floor {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let (posts, connections) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (counted, called) = (Arc::clone(&posts), Arc::clone(&connections));
        // It ends with the program.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                called.fetch_add(1, Relaxed);
                let counted = Arc::clone(&counted);
                thread::spawn(move || serve(stream, &counted));
            }
        });
        Self { address, posts, connections }
    }
}

/// One connection, until the caller leaves it.
fn serve(stream: TcpStream, posts: &AtomicUsize) {
    stream.set_nodelay(true).expect("a TCP socket");
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
            let lower = line.to_ascii_lowercase();
            length = lower
                .strip_prefix("content-length: ")
                .map_or(length, |n| n.trim().parse().expect("a number"));
            line.clear();
        }
        if line.is_empty() || reader.read_exact(&mut vec![0; length]).is_err() {
            return;
        }
        posts.fetch_add(1, Relaxed);
        if reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err() {
            return;
        }
    }
}

/// What one run took, milliseconds.
#[derive(Debug, Clone, Copy)]
struct Took {
    /// As claude says itself.
    turn: f64,
    /// From the start of claude-mpm to its end.
    wall: f64,
}

/// The turn under claude-mpm; with the floor, claude-mpm asks for no hooks and claude gets them from elsewhere.
fn command(sandbox: &Sandbox, floor: &Floor, way: Way) -> Command {
    let word = match way {
        Way::Hooks(word) => word,
        Way::Floor => "off",
    };
    let options = [&OPTIONS[..], &["--hooks", word]].concat();
    if let Way::Hooks(_) = way {
        return sandbox.wrapped(WRAPPER, &options, &TURN);
    }
    let site = HookSite {
        address: floor.address,
        key: "no-secret".into(),
        program: "/bin/true".into(),
        asks_elsewhere: false,
    };
    let arguments = std::iter::once("claude").chain(TURN).map(Into::into).collect();
    let call = Call { path: sandbox.claude().into(), arguments, environment: Vec::new(), directory: None };
    let injection = prepare_for(Hooks::Http, &call, &site);
    let arguments = injection.arguments[1..].iter().map(|argument| argument.to_str().expect("text"));
    let mut command = sandbox.wrapped(WRAPPER, &options, &arguments.collect::<Vec<_>>());
    command.envs(injection.environment);
    command
}

fn play(mut command: Command, runtime: &Path) -> Took {
    command.env("XDG_RUNTIME_DIR", runtime);
    let began = Instant::now();
    let output = piped::run(command, b"", DEADLINE);
    let wall = began.elapsed().as_secs_f64() * 1e3;
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("claude writes text");
    let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let calls = text.matches(r#""type":"tool_use""#).count();
    assert_eq!(calls, CALLS, "claude has called all tools: {text}");
    let result = lines.iter().find(|line| line["type"] == "result").expect("a result");
    Took { turn: result["duration_ms"].as_f64().expect("a duration"), wall }
}

/// The value below which this share of them lies.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() - 1) as f64 * share;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

/// Median, and between what the middle half lies.
fn spread(more: &[f64]) -> String {
    let [q1, median, q3] = [0.25, 0.5, 0.75].map(|share| quantile(more, share));
    format!("{median:+6.1} ({q1:+6.1} to {q3:+6.1})")
}

fn show(name: &str, all: &[Vec<Took>; WAYS.len()], what: impl Fn(&Took) -> f64) {
    println!("{name}, ms; differences are medians within a round, and where the middle half of them lies:");
    let values: Vec<Vec<f64>> = all.iter().map(|runs| runs.iter().map(&what).collect()).collect();
    for (way, own) in WAYS.iter().zip(&values) {
        let over = |other: usize| -> Vec<f64> {
            own.iter().zip(&values[other]).map(|(own, its)| own - its).collect()
        };
        println!(
            "  {:<16} fastest {:7.1}, median {:7.1}; more than without {}, than the floor {}",
            way.name(),
            quantile(own, 0.0),
            quantile(own, 0.5),
            spread(&over(0)),
            spread(&over(1)),
        );
    }
}

fn main() {
    let rounds = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(20);
    let api = MessagesApi::start();
    let (sandbox, floor) = (Sandbox::new(&api), Floor::start());
    let runtime = tempfile::tempdir().expect("a folder");
    let play = |way| play(command(&sandbox, &floor, way), runtime.path());
    for way in WAYS {
        play(way);
    }
    let [posts, connections] = [&floor.posts, &floor.connections].map(|count| count.load(Relaxed));
    println!("{CALLS} tool calls in a turn: {posts} posts on {connections} connections; {rounds} rounds");
    let mut all = [const { Vec::new() }; WAYS.len()];
    for round in 0..rounds {
        for turn in 0..WAYS.len() {
            let way = (round + turn) % WAYS.len();
            all[way].push(play(WAYS[way]));
        }
    }
    show("the turn, by claude's clock", &all, |took| took.turn);
    show("from start to end", &all, |took| took.wall);
}
