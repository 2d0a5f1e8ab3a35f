//! Why a WebSocket ends, as the number in its Close frame (RFC 6455 section 7.4, and our own 44xx).
//!
//! No other file spells a close code. When a connection deserves which one is decided by the server.

/// The reasons; the numbers are part of the wire contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Close {
    /// The session is over; there is nothing to come back for.
    SessionOver = 1000,
    /// The server goes away while the session goes on.
    GoingAway = 1001,
    /// The client broke the WebSocket protocol.
    ProtocolError = 1002,
    /// A binary message.
    BinaryNotAccepted = 1003,
    /// A text message, or a close reason, that is not UTF-8; or what is compressed and cannot be read.
    BadUtf8 = 1007,
    /// A message above the limit.
    TooBig = 1009,
    /// Not authenticated in time, or a bad token.
    NotAuthenticated = 4401,
    /// The role does not allow what was asked, repeatedly.
    RoleNotAllowed = 4403,
    /// The client took nothing, or did not answer pings.
    Slow = 4408,
    /// Too many requests.
    RateLimit = 4429,
}

/// What a close code asks of a client: the right column of the wire contract's table.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterClose {
    /// The session is over: stop, all is well.
    Over,
    /// Connect again and go on at the cursor.
    Again,
    /// The same, but not soon.
    Later,
    /// Not let in, and never will be with this token.
    Refused,
    /// Stop: the same would happen again.
    Stop,
}

/// Reads a code that a server sent. An unknown one is worth another attempt.
pub fn after_close(code: u16) -> AfterClose {
    use Close::{
        BadUtf8, BinaryNotAccepted, GoingAway, NotAuthenticated, ProtocolError, RateLimit, RoleNotAllowed,
        SessionOver, Slow, TooBig,
    };
    let all = [
        (SessionOver, AfterClose::Over),
        (GoingAway, AfterClose::Again),
        (ProtocolError, AfterClose::Stop),
        (BinaryNotAccepted, AfterClose::Stop),
        (BadUtf8, AfterClose::Stop),
        (TooBig, AfterClose::Stop),
        (NotAuthenticated, AfterClose::Refused),
        (RoleNotAllowed, AfterClose::Refused),
        (Slow, AfterClose::Again),
        (RateLimit, AfterClose::Later),
    ];
    all.into_iter().find(|(close, _)| close.code() == code).map_or(AfterClose::Again, |(_, after)| after)
}

impl Close {
    /// The number on the wire.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// One short sentence for people, at most 123 bytes as a control frame allows.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::SessionOver => "session over",
            Self::GoingAway => "server going away",
            Self::ProtocolError => "protocol error",
            Self::BinaryNotAccepted => "binary messages are not accepted",
            Self::BadUtf8 => "not UTF-8, or badly compressed",
            Self::TooBig => "message too big",
            Self::NotAuthenticated => "not authenticated",
            Self::RoleNotAllowed => "role not allowed",
            Self::Slow => "too slow: nothing was taken before the deadline",
            Self::RateLimit => "too many requests",
        }
    }
}
