//! The recordings of the catalogue, in `fixtures/`: where they stand, what is on them, and all the tapes of a scenario
//! merged by time. `fixtures/RECORDED.md` says how they are made.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A moment of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// Milliseconds since the first run of the scenario began.
    pub t: f64,
    /// What came then.
    pub what: What,
}

/// What a source told.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// claude was started with these arguments, those that record it left out.
    Started(Vec<String>),
    /// A hook was called; the body as claude sent it, its event by name.
    Hook(String, Value),
    /// A line of stdout, without its newline.
    Stream(String),
    /// A line was added to a log below the project's folder, or a `.meta.json` was written.
    Transcript {
        /// The conversation whose folder or file it is, by claude's id.
        session: String,
        /// The file, relative to the project's folder.
        file: String,
        /// Without its newline.
        line: String,
    },
    /// claude's record of its running self changed; `None` once it is gone.
    State(Option<Value>),
    /// The program wrote this on its terminal.
    Output(String),
    /// The terminal has so many columns and rows now.
    Resized(u16, u16),
    /// claude has ended: with a code, or by a signal.
    Ended {
        /// The exit code.
        code: Option<i32>,
        /// The signal.
        signal: Option<i32>,
    },
}

/// A kind of tape; each stands in a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tape {
    /// Starts and ends of claude.
    Runs,
    /// Hooks.
    Hooks,
    /// stdout, where it is no terminal.
    Stream,
    /// Logs of conversations.
    Transcripts,
    /// claude's record of its running self.
    States,
    /// The terminal, in asciicast v2.
    Screen,
}

impl Tape {
    /// Every kind. Of two moments at one time the earlier tape's comes first.
    pub const ALL: [Self; 6] =
        [Self::Runs, Self::States, Self::Transcripts, Self::Hooks, Self::Stream, Self::Screen];

    /// The file of the scenario `name`, below `fixtures/`.
    pub fn path(self, name: &str) -> String {
        match self {
            Self::Runs => format!("runs/{name}.jsonl"),
            Self::Hooks => format!("hooks/{name}.jsonl"),
            Self::Stream => format!("stream/{name}.jsonl"),
            Self::Transcripts => format!("transcripts/{name}.jsonl"),
            Self::States => format!("transcripts/{name}.state.jsonl"),
            Self::Screen => format!("screens/{name}.cast"),
        }
    }
}

/// The folder `fixtures/` of the repository.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// All tapes of the scenario `name` below `folder`, merged by time. A tape that is not there is empty.
///
/// # Panics
/// If a line of one is none of a tape's.
#[track_caller]
pub fn load(folder: &Path, name: &str) -> Vec<Moment> {
    let mut moments: Vec<Moment> = Tape::ALL.into_iter().flat_map(|tape| read(folder, tape, name)).collect();
    moments.sort_by(|a, b| a.t.total_cmp(&b.t));
    moments
}

/// As [`load`], each run of the scenario for itself; it begins with its [`What::Started`].
///
/// # Panics
/// As [`load`].
#[track_caller]
pub fn load_runs(folder: &Path, name: &str) -> Vec<Vec<Moment>> {
    let mut runs: Vec<Vec<Moment>> = Vec::new();
    for moment in load(folder, name) {
        match (&moment.what, runs.last_mut()) {
            (What::Started(_), _) | (_, None) => runs.push(vec![moment]),
            (_, Some(run)) => run.push(moment),
        }
    }
    runs
}

/// One tape; empty if its file is not there.
///
/// # Panics
/// As [`load`].
#[track_caller]
pub fn read(folder: &Path, tape: Tape, name: &str) -> Vec<Moment> {
    let path = folder.join(tape.path(name));
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let header = usize::from(tape == Tape::Screen);
    let moment = |(number, line): (usize, &str)| {
        let value: Value = serde_json::from_str(line).unwrap_or_default();
        let moment = if tape == Tape::Screen { drawn(&value) } else { told(tape, &value) };
        moment.unwrap_or_else(|| panic!("cannot read {}, line {}: {line}", path.display(), number + 1))
    };
    text.lines().enumerate().skip(header).map(moment).collect()
}

fn told(tape: Tape, line: &Value) -> Option<Moment> {
    let text = |name: &str| Some(line[name].as_str()?.to_owned());
    let what = match tape {
        Tape::Runs if line["starts"].is_array() => {
            What::Started(serde_json::from_value(line["starts"].clone()).ok()?)
        }
        Tape::Runs => {
            let number =
                |name: &str| line["ends"][name].as_i64().and_then(|number| i32::try_from(number).ok());
            What::Ended { code: number("code"), signal: number("signal") }
        }
        Tape::Hooks => What::Hook(text("event")?, line["body"].clone()),
        Tape::Stream => What::Stream(text("line")?),
        Tape::Transcripts => {
            What::Transcript { session: text("session")?, file: text("file")?, line: text("line")? }
        }
        Tape::States => What::State(Some(line["state"].clone()).filter(|state| !state.is_null())),
        Tape::Screen => return None,
    };
    Some(Moment { t: line["t"].as_f64()?, what })
}

/// A record of an asciicast.
fn drawn(record: &Value) -> Option<Moment> {
    let data = record[2].as_str()?;
    let what = match record[1].as_str()? {
        "o" => What::Output(data.to_owned()),
        "r" => {
            let (columns, rows) = data.split_once('x')?;
            What::Resized(columns.parse().ok()?, rows.parse().ok()?)
        }
        _ => return None,
    };
    Some(Moment { t: record[0].as_f64()? * 1000.0, what })
}

impl Moment {
    /// The tape it belongs on, and its line there.
    pub(crate) fn line(&self) -> (Tape, String) {
        let t = self.t;
        let (tape, line) = match &self.what {
            What::Started(arguments) => (Tape::Runs, json!({ "t": t, "starts": arguments })),
            What::Ended { code, signal } => {
                (Tape::Runs, json!({ "t": t, "ends": { "code": code, "signal": signal } }))
            }
            What::Hook(event, body) => (Tape::Hooks, json!({ "t": t, "event": event, "body": body })),
            What::Stream(line) => (Tape::Stream, json!({ "t": t, "line": line })),
            What::Transcript { session, file, line } => {
                (Tape::Transcripts, json!({ "t": t, "session": session, "file": file, "line": line }))
            }
            What::State(state) => (Tape::States, json!({ "t": t, "state": state })),
            What::Output(text) => (Tape::Screen, json!([t / 1000.0, "o", text])),
            What::Resized(columns, rows) => {
                (Tape::Screen, json!([t / 1000.0, "r", format!("{columns}x{rows}")]))
            }
        };
        (tape, line.to_string())
    }
}
