//! An instance in a user's place, without a terminal, that runs a small shell program in claude's place until it is
//! dropped.

use crate::program::Program;
use crate::standalone::Place;

/// Lives until it is ended.
const LIVES: &str = "sleep 1000";

/// The instance; it is killed when dropped.
#[derive(Debug)]
pub struct Headless {
    /// Where its events are, `ws://127.0.0.1:PORT`.
    pub url: String,
    _program: Program,
}

impl Headless {
    /// Starts one on a free port, and waits until it serves.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn start(place: &Place) -> Self {
        let options = ["--launch-method", "subprocess", "--websocket-port", "auto", "--headless"];
        let mut command = place.command(&options);
        command.args(["--claude", "sh", "--", "-c", LIVES]);
        let program = Program::start(command, b"");
        let line = program.wait_err(|line| line.contains("on ws://127.0.0.1:"));
        let url = line.split(' ').find(|word| word.starts_with("ws://")).expect("an address").to_owned();
        Self { url, _program: program }
    }
}
