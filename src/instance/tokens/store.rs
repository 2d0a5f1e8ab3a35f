//! Changes to the file of tokens: one at a time, each whole.

use super::verify::now;
use super::{Book, FILE, MAX_FILE, MAX_TOKENS, Token, VERSION, read};
use crate::event::Timestamp;
use crate::instance::private::{lock, replace};
use crate::instance::{Role, Secret, StateDirectory};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long another change is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest note, characters.
const MAX_NOTE: usize = 200;
/// Hexadecimal digits of an id.
const ID_DIGITS: usize = 8;

/// Why the tokens cannot be changed. The texts are causes: they follow "cannot create token: ".
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read, locked or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: io::Error,
    },
    /// There is none with this id.
    #[error("there is none with the id {0:?}")]
    Unknown(String),
    /// There are as many as there may be.
    #[error("there are {MAX_TOKENS} tokens already")]
    Full,
    /// The note is too long, or holds control characters.
    #[error("the note may have {MAX_NOTE} characters, and no control characters")]
    Note,
    /// The system gives no randomness.
    #[error("{0}")]
    Random(io::Error),
}

/// What a new token is to be.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What it allows.
    pub role: Role,
    /// When it stops to count; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// What is to stand beside it.
    pub note: Option<String>,
}

/// The tokens of a user, to be changed.
#[derive(Debug)]
pub struct TokenStore {
    path: PathBuf,
}

impl TokenStore {
    /// In the user's state directory, which is made when it does not exist.
    pub fn new(directory: &StateDirectory) -> Self {
        Self { path: directory.path().join(FILE) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All there are, the oldest first; those that have expired too.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self) -> Result<Vec<Token>, TokenError> {
        read(&self.path).map_err(|cause| self.failed(cause))
    }

    /// Makes one. Those that have expired are forgotten.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn create(&self, wish: Wish) -> Result<(Token, Secret), TokenError> {
        let note = wish.note.filter(|note| !note.is_empty());
        let is_note = |note: &String| note.chars().count() <= MAX_NOTE && !note.chars().any(char::is_control);
        if note.as_ref().is_some_and(|note| !is_note(note)) {
            return Err(TokenError::Note);
        }
        let wish = Wish { note, ..wish };
        self.change(|tokens| {
            let now = now();
            tokens.retain(|token| !token.is_expired(now));
            let (token, secret) = minted(tokens, wish, now)?;
            tokens.push(token.clone());
            Ok((token, secret))
        })
    }

    /// Puts a new secret in the place of one, with the same role, note and length of life. Its id is new as well: who
    /// was let in with the old one is no longer.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn rotate(&self, id: &str) -> Result<(Token, Secret), TokenError> {
        self.change(|tokens| {
            let place = place_of(tokens, id)?;
            let (old, now) = (tokens.remove(place), now());
            let life = |end: Timestamp| {
                Timestamp::from_millis(
                    now.as_millis().saturating_add_unsigned(end.millis_since(old.created_at)),
                )
            };
            let wish = Wish { role: old.role, expires_at: old.expires_at.map(life), note: old.note.clone() };
            let (token, secret) = minted(tokens, wish, now)?;
            tokens.insert(place, token.clone());
            Ok((token, secret))
        })
    }

    /// Takes one away.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn revoke(&self, id: &str) -> Result<Token, TokenError> {
        self.change(|tokens| place_of(tokens, id).map(|place| tokens.remove(place)))
    }

    /// Takes all away, and puts right a file that cannot be read.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn revoke_all(&self) -> Result<(), TokenError> {
        let _lock = self.lock()?;
        self.write(Vec::new())
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Token>) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let _lock = self.lock()?;
        let mut tokens = self.list()?;
        let changed = change(&mut tokens)?;
        self.write(tokens)?;
        Ok(changed)
    }

    fn lock(&self) -> Result<impl Drop + use<>, TokenError> {
        lock(&self.path.with_extension("lock"), PATIENCE).map_err(|cause| self.failed(cause))
    }

    fn write(&self, tokens: Vec<Token>) -> Result<(), TokenError> {
        let text = serde_json::to_vec_pretty(&Book { version: VERSION, tokens }).map_err(io::Error::other);
        let fits = |text: Vec<u8>| if text.len() <= MAX_FILE { Ok(text) } else { Err(TokenError::Full) };
        let text = text.map_err(|cause| self.failed(cause)).and_then(fits)?;
        replace(&self.path, &text).map_err(|cause| self.failed(cause))
    }

    fn failed(&self, cause: io::Error) -> TokenError {
        TokenError::File { path: self.path.clone(), cause }
    }
}

fn place_of(tokens: &[Token], id: &str) -> Result<usize, TokenError> {
    tokens.iter().position(|token| token.id == id).ok_or_else(|| TokenError::Unknown(id.to_owned()))
}

/// A new one, with an id that none of the others has.
fn minted(others: &[Token], wish: Wish, now: Timestamp) -> Result<(Token, Secret), TokenError> {
    if others.len() >= MAX_TOKENS {
        return Err(TokenError::Full);
    }
    let secret = Secret::mint().map_err(TokenError::Random)?;
    let id = loop {
        let mut bytes = [0; ID_DIGITS / 2];
        getrandom::fill(&mut bytes)
            .map_err(|cause| TokenError::Random(io::Error::other(cause.to_string())))?;
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        if !others.iter().any(|token| token.id == id) {
            break id;
        }
    };
    let Wish { role, expires_at, note } = wish;
    Ok((Token { id, role, digest: secret.digest(), created_at: now, expires_at, note }, secret))
}
