//! The terminal on disk: what claude's terminal was given, with its times. Raw, and so with every secret that it showed; what
//! was typed is not in it. Who wants one, and what its file is called, is not known here.
//!
//! A thread reads a tap of its own: the terminal waits neither for it nor for the disk.

mod cast;
mod tape;

pub use cast::About;
pub use tape::{MAX_BYTES, Recorder};
