//! The monitor dialect (requirement R5): what happens in tmux sessions, `{"type","timestamp","session","window","data"}`. A
//! claude that is in no tmux is shown as if it were the only pane of window 0 of a session with the name of its instance.
//!
//! What a request can be stands in `dialect::request`, what can be answered in `dialect::reply`.

mod agent;
mod event;
mod reply;
mod request;

pub use event::event;
pub use reply::reply;
pub(in crate::dialect) use request::WORDS;
pub use request::decode;

#[cfg(test)]
mod tests;
