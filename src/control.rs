//! What passes between the server, the sources and the supervisor: values only. Who sends them, who waits for them
//! and what they mean is not known here.

use crate::event::Timestamp;
use bytes::Bytes;

/// One of claude's hooks as it was posted, not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookPost {
    /// The hook's name from the URL, as claude spells it (`PreToolUse`): 1 to 64 ASCII letters.
    pub event: String,
    /// The body, at most 16 MiB; whether it is JSON was not tried. It counts against what may be in flight until the
    /// last clone is dropped, so keep no slice of it.
    pub body: Bytes,
    /// When the head of the request arrived.
    pub arrived: Timestamp,
}
