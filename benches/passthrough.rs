//! What the wrapper costs on the way between a program and its terminal: time for 100 MB of output, and the time from
//! a key to its echo. Bare, wrapped with the hub off, on, and with ten clients that read, and script(1) as the usual
//! program of that kind take turns, so that whatever the machine does beside it meets all alike; medians are shown.
//!
//! ```sh
//! cargo bench --bench passthrough              # 100 MB, 7 rounds
//! cargo bench --bench passthrough -- 10 3      # 10 MB, 3 rounds
//! ```

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::meeting::Meeting;
use test_support::subscriber::Drain;
use test_support::unrendered::Unrendered;
use test_support::wrapper::{Way, Wrapper};

const KEYS_PER_ROUND: usize = 1000;
const CLIENTS: usize = 10;
/// Bytes, one at a time, as they are typed: no line editing, no echo but the program's own.
const ECHO: &str =
    r#"stty raw -echo; echo "$CLAUDE_MPM_URL" >"$1/up"; read -r go <"$1/down"; exec dd bs=1 status=none"#;
/// As many lines as make so many MB.
const POUR: &str =
    r#"stty raw -echo; echo "$CLAUDE_MPM_URL" >"$1/up"; read -r go <"$1/down"; exec head -c "$2" "$3""#;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contender {
    Bare,
    HubOff,
    HubIdle,
    HubOn,
    Script,
}

const CONTENDERS: [Contender; 5] =
    [Contender::Bare, Contender::HubOff, Contender::HubIdle, Contender::HubOn, Contender::Script];

impl Contender {
    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::HubOff => "claude-mpm, hub off",
            Self::HubIdle => "claude-mpm, hub on",
            Self::HubOn => "claude-mpm, 10 clients",
            Self::Script => "script -qec",
        }
    }
}

/// A program in a terminal, ready, with whoever watches it.
struct Stage {
    terminal: Unrendered,
    _meeting: Meeting,
    _clients: Vec<Drain>,
    _wrapper: Wrapper,
}

fn set(contender: Contender, script: &str, arguments: &[&str]) -> Stage {
    let (wrapper, meeting) = (Wrapper::new(env!("CARGO_BIN_EXE_claude-mpm")), Meeting::new());
    let mut words = vec!["-c", script, "sh", meeting.folder()];
    words.extend(arguments);
    let way = match contender {
        Contender::HubOff => Way::Supervised,
        Contender::HubIdle | Contender::HubOn => Way::Watched,
        Contender::Bare | Contender::Script => Way::Bare,
    };
    let mut command = wrapper.command(way, "/bin/sh", &words);
    if contender == Contender::Script {
        let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
        command = Command::new("script");
        command.args(["-qec", &format!("exec /bin/sh {}", quoted.join(" ")), "/dev/null"]);
        wrapper.surround(&mut command);
    }
    let terminal = Unrendered::start(command, 110, 40);
    let url = meeting.hear();
    let clients = if contender == Contender::HubOn { CLIENTS } else { 0 };
    let clients = (0..clients).map(|_| Drain::connect(&url)).collect();
    meeting.say("go");
    Stage { terminal, _meeting: meeting, _clients: clients, _wrapper: wrapper }
}

/// Time from the first byte's leave to the last byte's arrival at the terminal.
fn pour(contender: Contender, file: &str, bytes: usize) -> Duration {
    let amount = bytes.to_string();
    let stage = set(contender, POUR, &[&amount, file]);
    let begun = Instant::now();
    stage.terminal.wait_for_length(bytes);
    begun.elapsed()
}

/// Times from each key to its echo.
fn echo(contender: Contender) -> Vec<Duration> {
    let stage = set(contender, ECHO, &[]);
    let mut arrived = 0;
    let mut key = || {
        let begun = Instant::now();
        stage.terminal.type_bytes(b"x");
        arrived += 1;
        stage.terminal.wait_for_length(arrived);
        begun.elapsed()
    };
    (0..KEYS_PER_ROUND / 10).for_each(|_| {
        key();
    });
    (0..KEYS_PER_ROUND).map(|_| key()).collect()
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let (megabytes, rounds) = (*numbers.first().unwrap_or(&100), *numbers.get(1).unwrap_or(&7));
    let bytes = megabytes * 1_000_000;
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("lines");
    let line = b"2026-01-01 12:00:00 INFO one line of some fifty bytes\r\n";
    std::fs::write(&file, line.repeat(bytes / line.len() + 1)).expect("a file");
    let file = file.to_str().expect("text");
    assert!(DEADLINE > Duration::from_secs(10), "each round has to fit");

    let mut pours: [Vec<Duration>; 5] = Default::default();
    let mut echoes: [Vec<Duration>; 5] = Default::default();
    for _ in 0..rounds {
        for (at, contender) in CONTENDERS.into_iter().enumerate() {
            pours[at].push(pour(contender, file, bytes));
            echoes[at].extend(echo(contender));
        }
    }
    print!("{}", table(megabytes, rounds, &mut pours, &mut echoes));
}

fn table(
    megabytes: usize,
    rounds: usize,
    pours: &mut [Vec<Duration>; 5],
    echoes: &mut [Vec<Duration>; 5],
) -> String {
    let mut table = format!(
        "{megabytes} MB and {KEYS_PER_ROUND} keys, medians of {rounds} alternating rounds\n\n{:<24} {:>9} {:>9} {:>9} {:>12} {:>12}\n",
        "", "time", "MB/s", "to bare", "echo p50", "echo p99"
    );
    let bare = percentile(&mut pours[0], 50).as_secs_f64();
    for (at, contender) in CONTENDERS.into_iter().enumerate() {
        let time = percentile(&mut pours[at], 50).as_secs_f64();
        let [p50, p99] = [50, 99].map(|percent| percentile(&mut echoes[at], percent).as_secs_f64() * 1e6);
        let speed = f64::from(u32::try_from(megabytes).unwrap_or(u32::MAX)) / time;
        // Writing to a string does not fail.
        let _written = writeln!(
            table,
            "{:<24} {time:>7.3} s {speed:>9.0} {:>9.3} {p50:>9.0} µs {p99:>9.0} µs",
            contender.name(),
            time / bare,
        );
    }
    table
}
