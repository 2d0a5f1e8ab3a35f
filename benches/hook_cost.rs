//! What our hooks cost claude: one turn with ten tool calls in five messages, played by the real claude under
//! claude-mpm with hooks over HTTP, by commands and without any. They take turns, so that whatever the machine does
//! beside it meets all alike, and each is compared with the run without hooks of its own round.
//!
//! ```sh
//! cargo bench --bench hook_cost          # 20 rounds
//! cargo bench --bench hook_cost -- 5     # 5 rounds
//! ```
//!
//! The goal is that hooks over HTTP make the turn no more than 30 ms longer in all.

use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use test_support::messages_api::MessagesApi;
use test_support::piped;
use test_support::real_claude::Sandbox;

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
const OPTIONS: [&str; 5] = ["-q", "--websocket-port", "auto", "--launch-method", "subprocess"];
const TURN: [&str; 5] = ["-p", "--output-format", "stream-json", "--verbose", "DEMO:ten-commands"];
/// The first is what the others are compared with.
const WAYS: [&str; 3] = ["off", "http", "command"];
const CALLS: usize = 10;
const DEADLINE: Duration = Duration::from_secs(60);

/// What one run took, milliseconds.
#[derive(Debug, Clone, Copy)]
struct Took {
    /// As claude says itself.
    turn: f64,
    /// From the start of claude-mpm to its end.
    wall: f64,
}

fn play(sandbox: &Sandbox, runtime: &Path, hooks: &str) -> Took {
    let options = [&OPTIONS[..], &["--hooks", hooks]].concat();
    let mut command = sandbox.wrapped(WRAPPER, &options, &TURN);
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

fn show(name: &str, all: &[Vec<Took>; 3], what: impl Fn(&Took) -> f64) {
    println!("{name}, ms:");
    let values: Vec<Vec<f64>> = all.iter().map(|runs| runs.iter().map(&what).collect()).collect();
    for (way, own) in WAYS.iter().zip(&values) {
        let more: Vec<f64> = own.iter().zip(&values[0]).map(|(own, off)| own - off).collect();
        let [q1, median, q3] = [0.25, 0.5, 0.75].map(|share| quantile(&more, share));
        println!(
            "  --hooks {way:<8} median {:7.1}   more than without: median {median:+6.1}, middle half {q1:+6.1} to {q3:+6.1}",
            quantile(own, 0.5)
        );
    }
}

fn main() {
    let rounds = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(20);
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let runtime = tempfile::tempdir().expect("a folder");
    for hooks in WAYS {
        play(&sandbox, runtime.path(), hooks);
    }
    let mut all = [const { Vec::new() }; 3];
    for round in 0..rounds {
        for turn in 0..WAYS.len() {
            let way = (round + turn) % WAYS.len();
            all[way].push(play(&sandbox, runtime.path(), WAYS[way]));
        }
    }
    println!("{rounds} rounds, {CALLS} tool calls in a turn");
    show("the turn, by claude's clock", &all, |took| took.turn);
    show("from start to end", &all, |took| took.wall);
}
