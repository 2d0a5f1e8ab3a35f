//! The tokens a user has given out: `tokens.json` in the state directory, which holds digests and no secrets.
//!
//! [`TokenStore`] changes the file, for the verb `token`; [`Tokens`] knows who presents one of them, for a hub. What a
//! role allows is not decided here.

mod store;
mod verify;

pub use store::{TokenError, TokenStore, Wish};
pub use verify::{Granted, Tokens};

use super::private::open_private;
use super::{Digest, Role};
use crate::event::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Most tokens there may be.
pub const MAX_TOKENS: usize = 256;
/// Largest file that is read or written, bytes.
const MAX_FILE: usize = 256 << 10;
/// In the state directory.
const FILE: &str = "tokens.json";

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Short, and no secret: by this it is named.
    pub id: String,
    /// What it allows.
    pub role: Role,
    digest: Digest,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to count; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What its user wrote beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Token {
    /// Whether it has stopped to count.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Book {
    version: u32,
    tokens: Vec<Token>,
}

const VERSION: u32 = 1;

/// What tells one state of the file from another: device, inode, size, and the times of its content and its status, ns.
type Stamp = Option<(u64, u64, u64, (i64, i64), (i64, i64))>;

fn stamp(path: &Path) -> Stamp {
    let found = fs::symlink_metadata(path).ok()?;
    let times = ((found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec()));
    Some((found.dev(), found.ino(), found.size(), times.0, times.1))
}

/// The tokens of the file; none where there is no file.
///
/// # Errors
/// What the system said; `InvalidData` where the file is not surely ours, or says something else.
fn read(path: &Path) -> io::Result<Vec<Token>> {
    let wrong = |cause: String| io::Error::new(io::ErrorKind::InvalidData, cause);
    let file = match open_private(path, MAX_FILE as u64) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut text = Vec::new();
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut text)?;
    let book: Book = serde_json::from_slice(&text).map_err(|cause| wrong(cause.to_string()))?;
    match book {
        Book { version: VERSION, tokens } if tokens.len() <= MAX_TOKENS => Ok(tokens),
        Book { version: VERSION, .. } => Err(wrong(format!("it holds more than {MAX_TOKENS} tokens"))),
        Book { version, .. } => Err(wrong(format!("its version {version} is not known"))),
    }
}

#[cfg(test)]
mod tests;
