//! The envelope dialect (requirement R4): every message is one of four types, `initial`, `event`, `heartbeat` and `error`,
//! with its content in `data` and what belongs to the message itself in `metadata`.
//!
//! What a request can be stands in `dialect::request`, what can be answered in `dialect::reply`.

mod event;
mod message;
mod payload;
mod reply;
mod request;

pub use event::{event, hook_event};
pub use reply::{NEXT_CHECK_MILLIS, reply};
pub(in crate::dialect) use request::WORDS;
pub use request::decode;

#[cfg(test)]
mod tests;
