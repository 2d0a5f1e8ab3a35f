//! Producers: each watches one thing and publishes what it sees.
//!
//! They know the hub only by a `Publisher`; who reads is not their matter.

pub mod claude_folder;
pub mod claude_state;
mod growing;
pub mod output;
pub mod seen;
pub mod system;
pub mod transcript;
