//! Unix: terminals, pseudo-terminals, processes, signals. It knows bytes and numbers, and no events.
//!
//! All `unsafe` of the project is here, each piece with the reason why it is sound. What only Linux has stands
//! in [`linux`] behind plain functions.

pub mod at_start;
pub mod descriptors;
pub mod family;
pub mod folders;
pub mod followed;
pub mod guardian;
pub mod keeper;
pub mod left_terminal;
pub mod linux;
pub mod modes;
pub mod parked;
pub mod proc_fs;
pub mod program;
pub mod pty;
pub mod relay;
pub mod shared_memory;
pub mod signals;
pub mod tap;
pub mod terminal;

/// For what is tried and may fail, where a failure changes nothing that is done next.
fn best_effort<T, E>(_: Result<T, E>) {}
