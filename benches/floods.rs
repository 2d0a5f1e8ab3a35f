//! What floods of the hub cost claude and honest clients: the time from a key to its echo, quiet, while another hub on
//! the same machine is flooded, and while the session's own is; and how long an honest client of it needs meanwhile to
//! connect, to be greeted and to be answered. The three take turns with each flood, so that whatever the machine does
//! beside it meets all alike: what the attackers themselves take of the processor is in the second as in the third.
//!
//! ```sh
//! cargo bench --bench floods                       # 1,000 keys each
//! cargo bench --bench floods -- 200                # 200 keys each
//! UPDATE_README=1 cargo bench --bench floods       # writes the table in the README
//! ```
//!
//! A row with a star misses the goal: an honest client waited a second or was refused, or an echo took half as long again
//! as quiet and as with another hub flooded. Then the exit status is 1.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use test_support::floods::{FLOODS, Flood, honest};
use test_support::meeting::Meeting;
use test_support::readme;
use test_support::standalone;
use test_support::unrendered::Unrendered;
use test_support::wrapper::{Way, Wrapper};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// Bytes, one at a time, as they are typed: no line editing, no echo but the program's own.
const ECHO: &str =
    r#"stty raw -echo; echo "$CLAUDE_MPM_URL" >"$1/up"; read -r go <"$1/down"; exec dd bs=1 status=none"#;
/// For a flood to come in.
const RISING: Duration = Duration::from_millis(300);
/// So often the three take turns: a key's echo is twice as late on one processor as on another, whoever floods.
const ROUNDS: usize = 5;
/// Between two keys: nobody types faster.
const BETWEEN: Duration = Duration::from_millis(1);

/// An honest client is answered before that, milliseconds.
const SOON: f64 = 1000.0;
/// An echo takes at most so many times as long: what is less, one processor does to another.
const MOST: f64 = 1.5;

/// A program that echoes, in a terminal.
struct Stage {
    terminal: Unrendered,
    port: u16,
    echoed: usize,
    _meeting: Meeting,
    _wrapper: Wrapper,
}

impl Stage {
    fn set() -> Self {
        let (wrapper, meeting) = (Wrapper::new(WRAPPER), Meeting::new());
        let words = ["-c", ECHO, "sh", meeting.folder()];
        let terminal = Unrendered::start(wrapper.command(Way::Watched, "/bin/sh", &words), 110, 40);
        let port = meeting.hear().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        meeting.say("go");
        Self { terminal, port, echoed: 0, _meeting: meeting, _wrapper: wrapper }
    }

    /// Times from each key to its echo.
    fn echoes(&mut self, keys: usize) -> Vec<Duration> {
        let mut key = || {
            let begun = Instant::now();
            self.terminal.type_bytes(b"x");
            self.echoed += 1;
            self.terminal.wait_for_length(self.echoed);
            begun.elapsed()
        };
        (0..keys)
            .map(|_| {
                std::thread::sleep(BETWEEN);
                key()
            })
            .collect()
    }
}

/// What one flood did.
#[derive(Default)]
struct Measured {
    /// Quiet, elsewhere, here.
    echoes: [Vec<Duration>; 3],
    honest: Vec<Duration>,
    /// What it got instead of an answer.
    refused: usize,
}

fn measure(flood: Flood, stage: &mut Stage, elsewhere: u16, keys: usize) -> Measured {
    let mut measured = Measured::default();
    for _ in 0..ROUNDS {
        measured.echoes[0].extend(stage.echoes(keys / ROUNDS));
        {
            let _flooding = flood.begin(elsewhere);
            std::thread::sleep(RISING);
            measured.echoes[1].extend(stage.echoes(keys / ROUNDS));
        }
        flooded(flood, stage, keys / ROUNDS, &mut measured);
    }
    measured
}

fn flooded(flood: Flood, stage: &mut Stage, keys: usize, measured: &mut Measured) {
    let (over, port) = (AtomicBool::new(false), stage.port);
    let _flooding = flood.begin(port);
    std::thread::sleep(RISING);
    let echoes = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                match honest(port, "") {
                    Ok(waited) => measured.honest.push(waited),
                    Err(_) => measured.refused += 1,
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let echoes = stage.echoes(keys);
        over.store(true, Relaxed);
        echoes
    });
    measured.echoes[2].extend(echoes);
}

fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    times
        .get((times.len() * percent / 100).min(times.len().saturating_sub(1)))
        .map_or(f64::NAN, Duration::as_secs_f64)
}

/// The row of the table, and whether the goal is met.
fn row(flood: Flood, mut measured: Measured) -> (String, bool) {
    let [quiet, there, here] = measured.echoes.each_mut().map(|times| percentile(times, 50) * 1e6);
    let late = percentile(&mut measured.echoes[2], 99) * 1e6;
    let [median, worst] = [50, 100].map(|percent| percentile(&mut measured.honest, percent) * 1e3);
    let refused =
        if measured.refused > 0 { format!(", {} refused", measured.refused) } else { String::new() };
    let (to_quiet, to_there) = (here / quiet, here / there);
    let is_met = measured.refused == 0 && worst < SOON && (to_quiet < MOST || to_there < MOST);
    let star = if is_met { "" } else { " \\*" };
    let row = format!(
        "| {}{star} | {quiet:.0} | {there:.0} | {here:.0} | {to_quiet:.2} | {to_there:.2} | {late:.0} | {median:.1} | {worst:.1}{refused} |",
        flood.name
    );
    (row, is_met)
}

fn main() -> ExitCode {
    let keys = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1000);
    let place = standalone::Place::new(WRAPPER);
    let hub = place.serve(0);
    let mut stage = Stage::set();
    stage.echoes(keys / 10);
    let mut table = String::from(
        "| flood | echo, quiet, µs | another hub flooded | this hub flooded | to quiet | to another | p99 | honest client, ms | worst, ms |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    println!("{table}");
    let mut are_met = true;
    for flood in FLOODS {
        let (row, is_met) = row(flood, measure(flood, &mut stage, hub.port, keys));
        are_met &= is_met;
        println!("{row}");
        // Writing to a string does not fail.
        let _written = writeln!(table, "{row}");
    }
    if readme::update_wanted() {
        readme::Place::new("floods", "cargo bench --bench floods").keep(&table);
    }
    if are_met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
