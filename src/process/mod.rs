//! Unix: terminals, pseudo-terminals, processes, signals. It knows bytes and numbers, and no events.
//!
//! All `unsafe` of the project is here, each piece with the reason why it is sound. What only Linux has stands in the
//! folder `linux` behind plain functions; the folder `portable` has the same functions with nothing but POSIX and the
//! crate `sysinfo`. [`platform`] is one of the two, and no other file asks which. The cargo feature `portable` chooses
//! the portable way on Linux too, so that it is tested.

pub mod activation;
pub mod at_start;
mod by_pid;
pub mod descriptors;
pub mod draft;
pub mod family;
pub mod folders;
pub mod followed;
pub mod guardian;
pub mod injection;
pub mod inward;
pub mod keeper;
pub mod left_terminal;
pub mod lineage;
pub mod memory;
pub mod modes;
pub mod parked;
pub mod peer;
#[cfg_attr(all(target_os = "linux", not(feature = "portable")), path = "linux/mod.rs")]
#[cfg_attr(not(all(target_os = "linux", not(feature = "portable"))), path = "portable/mod.rs")]
pub mod platform;
pub mod processes;
pub mod program;
pub mod pty;
pub mod relay;
pub mod sending;
pub mod shared_memory;
pub mod signals;
pub mod sizes;
mod strokes;
pub mod taken_variable;
pub mod tap;
pub mod terminal;

/// For what is tried and may fail, where a failure changes nothing that is done next.
fn best_effort<T, E>(_: Result<T, E>) {}
