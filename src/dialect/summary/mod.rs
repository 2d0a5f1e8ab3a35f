//! An event in words for people, out of its type and its content as the classic dialect has them.
//!
//! There are two forms. [`beside`] is what `watch` shows next to the type and the source: nothing is cut, and nothing is
//! said twice. [`sentence`] stands alone, as the `summary` of the envelope dialect: whole, on one line, and bounded.
//! What both say alike is written once, in `around` and `words`. What they say is hostile text still: who shows it on a
//! terminal has to escape it.

mod around;
mod beside;
mod hook;
mod sentence;
mod tools;
mod words;

pub use beside::beside;
pub use sentence::{MAX_CHARS, sentence};
pub use words::duration;

/// The content of an event.
type Data = serde_json::Map<String, serde_json::Value>;

#[cfg(test)]
mod tests;
