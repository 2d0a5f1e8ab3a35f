//! Makes a recording nobody's: the sandbox's home, plain or as claude spells it in a folder's name, becomes
//! `/home/demo`, and the ports of the recording machine become one.

use crate::real_claude::DEMO_HOME;
use crate::tapes::{Moment, What};
use serde_json::Value;
use std::path::Path;

/// No server listens there, and none of a recording's was there.
const PORT: &str = "127.0.0.1:1";

pub(super) struct Neutral {
    replaced: Vec<(String, String)>,
}

impl Neutral {
    pub(super) fn of(home: &Path, ports: &[u16]) -> Self {
        let home = home.display().to_string();
        let mut replaced =
            vec![(spelled_in_a_name(&home), spelled_in_a_name(DEMO_HOME)), (home, DEMO_HOME.into())];
        replaced.extend(ports.iter().map(|port| (format!("127.0.0.1:{port}"), PORT.to_owned())));
        Self { replaced }
    }

    pub(super) fn moment(&self, t: f64, what: What) -> Moment {
        let what = match what {
            What::Hook(event, body) => What::Hook(event, self.value(&body)),
            What::Stream(line) => What::Stream(self.text(&line)),
            What::Transcript { session, file, line } => {
                What::Transcript { session, file: self.text(&file), line: self.text(&line) }
            }
            What::State(state) => What::State(state.map(|state| self.value(&state))),
            What::Output(text) => What::Output(self.text(&text)),
            What::Started(arguments) => What::Started(arguments),
            What::Resized(columns, rows) => What::Resized(columns, rows),
            What::Ended { code, signal } => What::Ended { code, signal },
        };
        Moment { t, what }
    }

    fn text(&self, text: &str) -> String {
        self.replaced.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    fn value(&self, value: &Value) -> Value {
        serde_json::from_str(&self.text(&value.to_string())).expect("a path is replaced by a path")
    }
}

/// As claude names a project's folder: all but letters and digits is a dash.
fn spelled_in_a_name(path: &str) -> String {
    path.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}
