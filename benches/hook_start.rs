//! What claude waits for when a hook is a command: `claude-mpm hook`, with a hub and without, beside `/bin/true`, which
//! does nothing but start. They take turns, so that whatever the machine does beside it meets all alike.
//!
//! The goals are 1.5 times `/bin/true` without a hub, and 3 ms for `claude-mpm --version`.
//!
//! ```sh
//! cargo bench --bench hook_start               # 500 rounds
//! cargo bench --bench hook_start -- 100
//! ```

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use test_support::DEADLINE;
use test_support::program::Program;

const OURS: &str = env!("CARGO_BIN_EXE_claude-mpm");
const NOTHING: &str = "/bin/true";
const ROUNDS: usize = 500;
const BODY: &str = r#"{"hook_event_name":"Stop","session_id":"6f1c9f64-6c1e-4d7c-9a54-0f1f7b1f6a11"}"#;

/// A command whose start is measured.
struct Contender {
    name: &'static str,
    command: Command,
    /// Of each start, milliseconds.
    times: Vec<f64>,
}

impl Contender {
    fn new(name: &'static str, words: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env_clear().envs(environment.iter().copied()).stdout(Stdio::null());
        Self { name, command, times: Vec::new() }
    }

    fn start(&mut self, body: &Path) {
        self.command.stdin(File::open(body).expect("it was written"));
        let began = Instant::now();
        let status = self.command.status().expect("it is there");
        self.times.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(status.success(), "{}", self.name);
    }

    fn at(&self, share: f64) -> f64 {
        self.times[(self.times.len() as f64 * share) as usize]
    }
}

fn main() {
    let rounds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(ROUNDS);
    let folder = tempfile::tempdir().expect("a folder");
    let (body, empty) = (folder.path().join("body"), folder.path().join("empty"));
    std::fs::write(&body, BODY).expect("a file");
    std::fs::create_dir(&empty).expect("a folder");
    let [runtime, empty] = [folder.path(), &empty].map(|path| path.to_str().expect("a plain path"));
    let (hub, session) = start_hub(runtime);
    let with_hub = [("XDG_RUNTIME_DIR", runtime), ("CLAUDE_MPM_SESSION", session.as_str())];
    let without = [("XDG_RUNTIME_DIR", empty)];
    let mut contenders = [
        Contender::new("/bin/true", &[NOTHING], &without),
        Contender::new("hook, no hub", &[OURS, "hook", "Stop"], &without),
        Contender::new("hook, a hub", &[OURS, "hook", "Stop"], &with_hub),
        Contender::new("--version", &[OURS, "--version"], &without),
    ];
    for _ in 0..rounds {
        contenders.iter_mut().for_each(|contender| contender.start(&body));
    }
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(hub.pid() as i32), nix::sys::signal::Signal::SIGTERM)
        .expect("the hub still runs");
    hub.finish();
    print(&mut contenders);
}

/// A hub that takes hooks: that of a demo which is far too slow to tell of anything itself.
fn start_hub(runtime: &str) -> (Program, String) {
    let ours = |words: &[&str]| {
        let mut command = Command::new(OURS);
        command.env_clear().env("XDG_RUNTIME_DIR", runtime).args(words);
        command
    };
    let hub = Program::start(ours(&["demo", "--speed", "0.001"]), b"");
    hub.wait_err(|line| line.contains("ws://"));
    let list = test_support::piped::run(ours(&["list", "-o", "json"]), b"", DEADLINE);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).expect("a list");
    let session = list[0]["session_id"].as_str().expect("it is registered").to_owned();
    (hub, session)
}

fn print(contenders: &mut [Contender]) {
    for contender in contenders.iter_mut() {
        contender.times.sort_by(f64::total_cmp);
    }
    let [p25, p50, p75] = [0.25, 0.5, 0.75].map(|share| contenders[0].at(share));
    println!(
        "{:<14} {:>8} {:>8} {:>8} {:>8}   times /bin/true at p25, p50, p75",
        "ms", "p25", "p50", "p75", "p99"
    );
    for contender in contenders.iter() {
        let [low, mid, high, worst] = [0.25, 0.5, 0.75, 0.99].map(|share| contender.at(share));
        let ratios = format!("{:.2} {:.2} {:.2}", low / p25, mid / p50, high / p75);
        println!("{:<14} {low:>8.3} {mid:>8.3} {high:>8.3} {worst:>8.3}   {ratios}", contender.name);
    }
}
