//! A process supervisor for the `claude` command line.
pub mod event;
pub mod filter;
pub mod hub;
pub mod status;
