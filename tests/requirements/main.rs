//! The five requirement documents, example by example: every fenced block stands byte for byte in
//! `fixtures/requirements`, `blocks.toml` there says of each how it is tested or why it cannot be, and what is tested is
//! done by the real program, over real sockets, by real interpreters.
//!
//! `manifest` looks after the list itself; `shown` compares what is sent with what an example shows.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod blocks;
mod clients;
mod components;
mod frames;
mod generated;
mod guide;
mod manifest;
mod monitor;
mod requests;
mod scene;
mod schema;
mod shown;
mod typescript;

/// The program under test.
const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");

fn place() -> test_support::standalone::Place {
    test_support::standalone::Place::new(WRAPPER)
}
