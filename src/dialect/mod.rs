//! Frames and requests as text: what clients send and what they are sent, one file per shape.
//!
//! Pure: text in, values out, and the other way round. Reading sockets, answering requests and looking at the
//! log are the server's matter; the events' own serialization is `event`'s.

pub mod classic;
pub mod close;
pub mod fault;
mod fields;
pub mod publish;
pub mod query;
pub mod reply;
pub mod request;

pub use classic::{decode, event};
pub use close::Close;
pub use fault::{Code, Fault};
pub use reply::{Reply, Stamp};
pub use request::{Call, Past, Relay, Request, RequestId, Subscribe, Uplink};
