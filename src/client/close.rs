//! What a client does after a close code: the right column of the wire contract's table.

/// What a close code asks of a client.
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

/// Reads a close code (RFC 6455, section 7.4, and PROTOCOL section 8). An unknown one is worth another attempt.
pub fn after_close(code: u16) -> AfterClose {
    match code {
        1000 => AfterClose::Over,
        1002 | 1003 | 1007 | 1009 => AfterClose::Stop,
        4401 | 4403 => AfterClose::Refused,
        4429 => AfterClose::Later,
        _ => AfterClose::Again,
    }
}
