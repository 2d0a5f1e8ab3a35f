//! Events on disk: a journal is a directory of segments, each of them lines of JSON that `jq` reads. It stores the bytes it
//! is given, and knows of them the number and the time; what they mean, who wants them, and when they are written is
//! not its matter.
//!
//! * Each line has a checksum ([`line`]): what is on disk was written by us, and damage costs the lines it is in.
//! * A journal has one writer at a time and any number of readers, in this process and in others ([`Cursor`]).
//! * Numbers belong to an epoch. Within one they only rise; who goes on with a journal that was broken off begins
//!   another epoch, unless it knows from elsewhere which numbers were used.

mod batch;
mod cursor;
mod index;
mod label;
mod line;
mod lines;
mod order;
mod recover;
mod retention;
mod segment;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod writer;

pub use batch::Batch;
pub use cursor::{Cursor, From, Part, Stored, has_epoch, is_of_the_moment};
pub use label::{label, set_label, sync_label};
pub use line::MAX_LINE;
pub use order::segments;
pub use recover::{End, Journal, OpenError, closed};
pub use retention::{Hold, Retention, Swept, hold, sweep, trim};
pub use segment::{RECORDING, Segment, is_epoch};
pub use writer::{SEGMENT_BYTES, Writer};
