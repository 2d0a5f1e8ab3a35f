//! Who presents a token that counts. The file is read again whenever it is another; where it cannot be read, nobody is
//! let in.

use super::{FILE, Stamp, Token, read, stamp};
use crate::event::Timestamp;
use crate::instance::private::check_directory;
use crate::instance::{Digest, Role, StateDirectory};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use subtle::ConditionallySelectable;

/// What a token gives to whoever presents it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Of the token; no secret.
    pub id: String,
    /// What it allows.
    pub role: Role,
}

/// Knows the tokens of the user. Usable after a fork, and from several threads.
#[derive(Debug)]
pub struct Tokens {
    /// `None`: nobody has one.
    path: Option<PathBuf>,
    known: Mutex<Known>,
}

/// What stood in the file when it was last read.
#[derive(Debug, Default)]
struct Known {
    /// `None`: it was never read.
    stamp: Option<Stamp>,
    tokens: Vec<Token>,
    /// What was told of it; it is told once.
    complaint: Option<String>,
}

impl Tokens {
    /// Those of this user, in the state directory, which need not exist.
    pub fn of_user() -> Self {
        Self { path: StateDirectory::place().ok().map(|place| place.join(FILE)), known: Mutex::default() }
    }

    /// Those in this directory, which need not exist.
    pub fn at(directory: &Path) -> Self {
        Self { path: Some(directory.join(FILE)), known: Mutex::default() }
    }

    /// None at all.
    pub fn none() -> Self {
        Self { path: None, known: Mutex::default() }
    }

    /// What this token gives; `None` where it is none, has expired, or was revoked before. Asks the file once whether
    /// it is another; how long the rest takes tells nothing of any token.
    pub fn verify(&self, presented: &[u8]) -> Option<Granted> {
        let digest = Digest::of(presented);
        self.with_tokens(|tokens| {
            let mut found = u32::MAX;
            for (place, token) in (0_u32..).zip(tokens) {
                found.conditional_assign(&place, token.digest.equals(&digest));
            }
            let token = tokens.get(usize::try_from(found).ok()?)?;
            (!token.is_expired(now())).then(|| Granted { id: token.id.clone(), role: token.role })
        })
    }

    /// Whether the token with this id still counts: it was neither revoked nor replaced, and has not expired.
    pub fn still_valid(&self, id: &str) -> bool {
        self.with_tokens(|tokens| tokens.iter().any(|token| token.id == id && !token.is_expired(now())))
    }

    fn with_tokens<T>(&self, question: impl FnOnce(&[Token]) -> T) -> T {
        let Some(path) = &self.path else { return question(&[]) };
        // Held while a small file is read: two readers would read the same.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.refresh(path);
        question(&known.tokens)
    }
}

impl Known {
    fn refresh(&mut self, path: &Path) {
        // Before it is read: what changes meanwhile is seen as a change.
        let stamp = stamp(path);
        if self.stamp.as_ref() == Some(&stamp) {
            return;
        }
        let folder = path.parent().filter(|_| stamp.is_some());
        let checked =
            folder.map_or(Ok(()), |folder| check_directory(folder).map_err(|cause| cause.to_string()));
        let tokens = checked.and_then(|()| read(path).map_err(|cause| cause.to_string()));
        self.stamp = Some(stamp);
        match tokens {
            Ok(tokens) => (self.tokens, self.complaint) = (tokens, None),
            Err(cause) => {
                self.tokens.clear();
                if self.complaint.as_ref() != Some(&cause) {
                    tracing::error!(
                        "cannot read tokens {}: {cause}; nobody is let in with one",
                        path.display()
                    );
                }
                self.complaint = Some(cause);
            }
        }
    }
}

pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
