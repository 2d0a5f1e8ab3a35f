//! Plays a scenario with the bare claude and keeps what every source tells of it, with the time at which it came:
//! hooks, stdout, the logs of the conversations, claude's record of itself, the terminal. The recordings are neutral:
//! they name a home and ports that are nobody's. What is on a tape is [`crate::tapes`]'s business.

use crate::catalogue::{COLUMNS, ROWS, Run, Scenario};
use crate::performance::{Performance, Performed};
use crate::stage::Stage;
use crate::tapes::{Moment, Tape, What};
use follower::Follower;
use neutral::Neutral;
use serde_json::json;
use sink::Sink;
use std::fmt::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Instant;

mod cast;
mod follower;
mod neutral;
mod sink;

/// Something that came, not yet neutral.
type Came = (Instant, What);

/// A recorded scenario.
#[derive(Debug)]
pub struct Recording {
    moments: Vec<Moment>,
}

/// Plays `scenario` and records it.
///
/// # Panics
/// If it does not go as it should: nothing of it is to be kept then.
#[track_caller]
pub fn record(scenario: &Scenario) -> Recording {
    let stage = Stage::set_for_recording(scenario);
    let sink = Sink::start();
    let starts = stage.sandbox.home().join("tmp/session-starts");
    let follower = Follower::start(&stage, &starts);
    let began = Instant::now();
    let ports = [sink.port, stage.api.port];
    let settings = sink::settings(sink.port, &starts).to_string();
    let mut came: Vec<Came> = Vec::new();
    for run in &scenario.runs {
        came.extend(play(&stage, run, &settings));
    }
    came.extend(follower.stop());
    came.extend(sink.stop());
    came.sort_by_key(|(at, _)| *at);
    let neutral = Neutral::of(&stage.sandbox.home(), &ports);
    Recording { moments: came.into_iter().map(|(at, what)| neutral.moment(since(began, at), what)).collect() }
}

fn play(stage: &Stage, run: &Run, settings: &str) -> Vec<Came> {
    let mut command = stage.bare(run, &["--settings", settings]);
    // A proxy of the machine's is not for what stays on it.
    command.env("NO_PROXY", "127.0.0.1,localhost");
    let started = What::Started(run.arguments(&[]).into_iter().map(str::to_owned).collect());
    let mut came = vec![(Instant::now(), started)];
    let performed = Performance::start(stage, run, command).finish();
    came.extend(told(performed));
    came
}

/// What the program itself told, and its end.
fn told(performed: Performed) -> Vec<Came> {
    let Performed { status, ended, stdout, drawn, .. } = performed;
    let mut came: Vec<Came> = stdout.into_iter().map(|(at, line)| (at, What::Stream(line))).collect();
    came.extend(cast::pieces(drawn));
    came.push((ended, What::Ended { code: status.code(), signal: status.signal() }));
    came
}

/// Milliseconds, to the microsecond.
fn since(began: Instant, at: Instant) -> f64 {
    at.saturating_duration_since(began).as_micros() as f64 / 1000.0
}

impl Recording {
    /// Writes the tapes below `folder` in place of those there.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> std::io::Result<()> {
        for tape in Tape::ALL {
            let path = folder.join(tape.path(name));
            let text = self.tape(tape);
            if text.is_empty() {
                let _absent = std::fs::remove_file(&path);
                continue;
            }
            std::fs::create_dir_all(path.parent().expect("a tape stands in a folder"))?;
            std::fs::write(path, text)?;
        }
        Ok(())
    }

    fn tape(&self, wanted: Tape) -> String {
        let mut text = String::new();
        for (tape, line) in self.moments.iter().map(Moment::line) {
            if tape != wanted {
                continue;
            }
            if text.is_empty() && wanted == Tape::Screen {
                let header = json!({ "version": 2, "width": COLUMNS, "height": ROWS, "command": "claude" });
                writeln!(text, "{header}").expect("a string takes everything");
            }
            writeln!(text, "{line}").expect("a string takes everything");
        }
        text
    }

    /// How many moments there are.
    pub fn len(&self) -> usize {
        self.moments.len()
    }

    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }
}
