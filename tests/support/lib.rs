//! What the integration tests drive the real claude with: a scripted Messages API on loopback, a
//! sandbox that keeps claude away from anybody's configuration, a terminal and pipes to run it in.
//!
//! It is a crate of its own, not a `mod support;` of every test file: it is compiled once, and
//! what one test file leaves unused is not dead code in another. It knows claude and the tests'
//! machine; it knows nothing of claude-mpm's own code, which the tests reach as users do, through
//! the program. Linux only, as the supervised program is in these tests.
//!
//! `scenarios` is what the model says, `catalogue` what is done with it and what is true of it, `stage` and
//! `performance` play that, `recorder` keeps it in `fixtures/`, and `tapes` reads it there.
//!
//! Every wait has a deadline, and none sleeps where something tells of the change. What fails here fails the
//! test that asked for it: functions panic, at the caller's line, with what was seen so far.

use std::time::Duration;

pub mod catalogue;
pub mod conversation;
pub mod faithful;
pub mod floods;
pub mod headless;
pub mod instance;
pub mod interpreters;
pub mod left_on;
pub mod meeting;
pub mod messages_api;
pub mod noise;
pub mod performance;
pub mod piped;
pub mod ports;
pub mod processes;
pub mod program;
pub mod readme;
pub mod real_claude;
pub mod recorder;
pub mod running;
pub mod scenarios;
pub mod schema;
pub mod shell;
pub mod stage;
pub mod standalone;
pub mod steady;
pub mod subscriber;
pub mod tapes;
pub mod terminal;
pub mod truth;
pub mod unrendered;
pub mod wire;
pub mod wrapper;

mod dispositions;
mod exit_watch;
mod pty;
mod reply;
mod request;
mod shown;

/// How long a test waits for something that should happen soon. Generous, since a loaded machine
/// is slow and a passing test never waits it out.
pub const DEADLINE: Duration = Duration::from_secs(30);
