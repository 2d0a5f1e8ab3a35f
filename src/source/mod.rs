//! Producers: each watches one thing and publishes what it sees.
//!
//! They know the hub only by a `Publisher`; who reads is not their matter.

pub mod output;
pub mod system;
