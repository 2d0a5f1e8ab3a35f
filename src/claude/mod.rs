//! What is known of the `claude` command line: its versions, its hooks, its arguments, its settings. Pure.
//!
//! It judges texts it is given; it finds no program, reads no file and starts nothing. All of it was measured on
//! claude 2.1.197, older versions where a comment says so.

pub mod arguments;
pub mod conversation;
pub mod hooks;
mod options;
pub mod permission;
mod scan;
pub mod settings;
pub mod version;

pub use version::Version;
