//! `export` and `run --record`: a session as a document in each of its forms, and its terminal as a recording.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cast;
#[path = "../replay/crafted.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod crafted;
mod documents;
mod holes;
mod real;
mod recording;
mod session;
mod verb;
