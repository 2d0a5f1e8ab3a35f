//! Bad input, end to end: whatever hooks, streams and files hold, the program under us, its output and its end stay
//! what they are, one error tells of each kind of fault, and what is good among it is told once.
#![expect(clippy::unwrap_used, reason = "test code")]

mod files;
mod posts;
mod silence;
mod stand;
mod stream;
