//! The other end of the server: connects to a hub, asks the classic dialect's requests, follows events.
//!
//! It knows the wire and nothing of terminals. What it has to report it returns; it prints nothing.

mod action;
mod backoff;
mod connection;
mod endpoint;
mod follow;
mod frame;
mod tls;
pub mod uplink;

pub use action::{Action, Outcome};
pub use backoff::Backoff;
pub use connection::Connection;
pub use endpoint::{AddressError, Endpoint};
pub use follow::{Follow, Item, Start, Subscription};
pub use frame::{Cursor, Frame};

use crate::dialect::close::{AfterClose, after_close};
use crate::tls::Distrust;
use std::io;
use std::time::Duration;

/// How long a connection may take until its first byte can be sent.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long an answer may take.
pub const REPLY_DEADLINE: Duration = Duration::from_secs(10);
/// After this much silence the hub is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(30);
/// How long it may take to show that it is.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// Largest message taken from a hub, bytes.
const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// What goes wrong between a client and a hub. The texts are causes: they follow "cannot watch X: ".
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers there.
    #[error("no connection to {endpoint}: {cause}")]
    Connect {
        /// Where.
        endpoint: String,
        /// What the system said.
        cause: io::Error,
    },
    /// Whoever answers shows a certificate that is not trusted.
    #[error("no connection to {endpoint}: {cause}")]
    Untrusted {
        /// Where.
        endpoint: String,
        /// Why not.
        cause: Distrust,
    },
    /// Something answers, but not as a hub does.
    #[error("{endpoint} is no hub: {cause}")]
    Handshake {
        /// Where.
        endpoint: String,
        /// What was wrong.
        cause: String,
    },
    /// The hub turned us away: HTTP 401 or 403, or a close code that says so.
    #[error("the hub refuses this client ({0})")]
    Refused(String),
    /// Something took longer than it may.
    #[error("{what} took longer than {} s", .limit.as_secs())]
    TimedOut {
        /// What.
        what: &'static str,
        /// How long it may take.
        limit: Duration,
    },
    /// The connection broke.
    #[error("connection lost: {0}")]
    Lost(String),
    /// The hub closed the connection.
    #[error("the hub closed the connection: code {code}{}{reason}", if .reason.is_empty() { "" } else { ", " })]
    Closed {
        /// Close code (RFC 6455, section 7.4, and the wire contract's own).
        code: u16,
        /// The hub's own words, whatever they are.
        reason: String,
    },
    /// The hub answered a request with an error.
    #[error("the hub answers {code}: {message}")]
    Reply {
        /// R4's or our error code.
        code: String,
        /// The hub's own words, whatever they are.
        message: String,
    },
}

impl ClientError {
    /// Whether trying again later can help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::TimedOut { .. } | Self::Lost(_) => true,
            Self::Closed { code, .. } => matches!(after_close(*code), AfterClose::Again | AfterClose::Later),
            Self::Untrusted { .. } | Self::Handshake { .. } | Self::Refused(_) | Self::Reply { .. } => false,
        }
    }
}
