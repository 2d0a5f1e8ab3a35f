//! What passes between the server, the sources and the supervisor: values only. Who sends them, who waits for them
//! and what they mean is not known here.

mod command;
mod hold;
mod key;
mod order;

pub use command::{Answer, Command, Remember, Typing};
pub use hold::{Hold, PermissionId};
pub use key::{Key, UnknownKey};
pub use order::{Abilities, Fate, Order};

use crate::event::Timestamp;
use bytes::Bytes;

/// What comes from claude's hooks.
#[derive(Debug)]
pub enum HookMail {
    /// A hook was posted.
    Post(HookPost),
    /// Claude no longer waits for the answer to a hook that is held: somebody refused at its terminal, or it is gone.
    Left(PermissionId),
}

/// One of claude's hooks as it was posted, not yet looked at.
#[derive(Debug)]
pub struct HookPost {
    /// The hook's name from the URL, as claude spells it (`PreToolUse`): 1 to 64 ASCII letters.
    pub event: String,
    /// The body, at most 16 MiB; whether it is JSON was not tried. It counts against what may be in flight until the
    /// last clone is dropped, so keep no slice of it.
    pub body: Bytes,
    /// When the head of the request arrived.
    pub arrived: Timestamp,
    /// Claude waits for an answer to this one, which somebody may give.
    pub hold: Option<Hold>,
}
