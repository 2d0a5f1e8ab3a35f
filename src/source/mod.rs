//! Producers: each watches one thing and publishes what it sees.
//!
//! They know the hub only by a `Publisher`; who reads is not their matter. What claude's hooks, stream, files and screen
//! say of the same facts meets in one [`funnel`].

mod alerts;
mod asked;
pub mod claude_folder;
pub mod claude_state;
pub mod funnel;
mod growing;
pub mod hook_sessions;
pub mod hook_watch;
pub mod output;
mod repeats;
pub mod seen;
pub mod settings_watch;
pub mod system;
mod threshold;
pub mod transcript;
pub mod watchers;
