//! Plays a scenario with the real claude under claude-mpm, and hears what a client hears.

use crate::facts::Event;
use serde_json::Value;
use test_support::catalogue::Scenario;
use test_support::instance::url_in;
use test_support::performance::Performance;
use test_support::stage::Stage;
use test_support::subscriber::Subscriber;

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");

/// The events of each run of a scenario; `options` are claude-mpm's.
pub(crate) fn play(scenario: &Scenario, options: &[&str]) -> Vec<Vec<Event>> {
    let stage = Stage::set_held(scenario);
    let base = ["-q", "--websocket-port", "auto"];
    let options = [&base, options].concat();
    let mut runs = Vec::new();
    for run in &scenario.runs {
        // Each its own: a companion may still be leaving when the next run begins.
        let runtime = tempfile::tempdir().expect("a folder");
        let mut command = stage.wrapped(run, WRAPPER, &options);
        command.env("XDG_RUNTIME_DIR", runtime.path());
        let performance = Performance::start(&stage, run, command);
        let client = Subscriber::connect(&url_in(runtime.path()));
        stage.api.release();
        performance.finish();
        runs.push(client.wait_close().events.iter().map(event).collect());
    }
    runs
}

fn event(frame: &Value) -> Event {
    let kind = frame["type"].as_str().expect("a type").to_owned();
    Event { kind, data: frame["data"].clone() }
}
