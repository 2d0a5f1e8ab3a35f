//! A token as a secret: how it is made, read from where a person keeps it, and known again by its digest alone.

use super::private::open_private;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use subtle::{Choice, ConstantTimeEq};

/// What every token begins with, so that it is recognised where it does not belong.
const PREFIX: &str = "mpm_";
/// Random bytes of a token.
const BYTES: usize = 32;
/// Longest token that is read, bytes.
const MAX_BYTES: usize = 512;

/// What whoever presents a token may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Subscribe, ask for status and history.
    Read,
    /// Put events on the hub.
    Publish,
    /// Everything.
    Control,
}

impl Role {
    /// As it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Publish => "publish",
            Self::Control => "control",
        }
    }

    /// Whether who has this role may do what the other is for.
    pub fn includes(self, other: Self) -> bool {
        self >= other
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A token. It shows itself only where it is asked to, and is wiped from memory when it is dropped.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

/// Why a token cannot be taken from where it should be. The texts are causes: they follow "cannot read token: ".
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file is not there, another's, or open to others.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: io::Error,
    },
    /// Standard input gave none.
    #[error("standard input: {0}")]
    Input(io::Error),
    /// It is empty, too long, or holds what cannot stand in a header.
    #[error("it is no token: 1 to {MAX_BYTES} visible characters of ASCII are expected")]
    Form,
}

impl Secret {
    /// A new one, by the system's own randomness.
    ///
    /// # Errors
    /// Where the system has none to give.
    pub fn mint() -> io::Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes)
            .map_err(|cause| io::Error::other(format!("cannot mint token: {cause}")))?;
        let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        bytes.fill(0);
        Ok(Self(token.into()))
    }

    /// The token in this text; what is blank around it does not count.
    ///
    /// # Errors
    /// Where it could not stand in a header.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        let fits = (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.into())) } else { Err(SecretError::Form) }
    }

    /// The token in this file, which nobody else may be let into; `-` is standard input.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn from_file(path: &Path) -> Result<Self, SecretError> {
        if path.as_os_str() == "-" {
            return Self::from_input();
        }
        let failed = |cause| SecretError::File { path: path.into(), cause };
        // Whoever names a link means where it leads.
        let place = path.canonicalize().map_err(failed)?;
        let file = open_private(&place, MAX_BYTES as u64 + 2).map_err(failed)?;
        Self::parse(&read(file).map_err(failed)?)
    }

    fn from_input() -> Result<Self, SecretError> {
        let input = io::stdin().lock();
        Self::parse(&read(input).map_err(SecretError::Input)?)
    }

    /// The token, to be sent.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// By what it is known again.
    pub fn digest(&self) -> Digest {
        Digest::of(self.reveal().as_bytes())
    }
}

fn read(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    // A line end, of either kind, is none of it.
    from.take(MAX_BYTES as u64 + 3).read_to_string(&mut text)?;
    Ok(text)
}

/// By what a token is known, and from which nobody gets it back: it is random enough that its SHA-256 needs no salt.
#[derive(Clone, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of what somebody presents. It need not look like a token.
    pub fn of(presented: &[u8]) -> Self {
        Self(Sha256::digest(presented).into())
    }

    /// Whether both are of one token; how long that takes tells nothing.
    pub fn equals(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Digest(..)")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("a digest is 64 hexadecimal digits");
        let pairs = text.as_bytes().as_chunks::<2>();
        let are_digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if pairs.0.len() != 32 || !pairs.1.is_empty() || !are_digits {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(pairs.0) {
            let digits = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_token_is_random_fits_a_header_and_shows_itself_to_nobody() {
        let (one, other) = (Secret::mint().unwrap(), Secret::mint().unwrap());
        assert_eq!((one.reveal().len(), &one.reveal()[..4]), (4 + 43, "mpm_"));
        assert_ne!(one.reveal(), other.reveal());
        assert!(Secret::parse(one.reveal()).is_ok());
        let shown = format!("{one:?} {:?}", one.digest());
        assert!(!shown.contains(&one.reveal()[4..]), "{shown}");
        assert!(bool::from(one.digest().equals(&Digest::of(one.reveal().as_bytes()))));
        assert!(!bool::from(one.digest().equals(&other.digest())));
    }

    #[test]
    fn a_digest_reads_back_as_it_was_written_and_nothing_else_does() {
        let digest = Secret::mint().unwrap().digest();
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), digest);
        for wrong in
            ["\"\"", "\"00\"", "7", &text.replace(&text[1..3], "+1"), &text.replace(&text[1..3], "é")]
        {
            assert!(serde_json::from_str::<Digest>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_comes_from_a_file_that_is_ours_alone() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("token");
        fs::write(&path, "mpm_abc\r\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let refused = Secret::from_file(&path).unwrap_err().to_string();
        assert!(refused.contains("its mode 0640 lets others in"), "{refused}");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let link = place.path().join("link");
        symlink(&path, &link).unwrap();
        for path in [&path, &link] {
            assert_eq!(Secret::from_file(path).unwrap().reveal(), "mpm_abc");
        }
        for wrong in ["", " \n", "a b", "a\nb", "é", &"x".repeat(513)] {
            fs::write(&path, wrong).unwrap();
            assert!(Secret::from_file(&path).is_err(), "{wrong:?}");
        }
        assert!(Secret::from_file(place.path()).is_err());
        assert!(Secret::from_file(&place.path().join("missing")).is_err());
    }

    #[test]
    fn each_role_includes_those_before_it() {
        assert!(Role::Control.includes(Role::Read) && Role::Control.includes(Role::Control));
        assert!(Role::Publish.includes(Role::Read) && !Role::Publish.includes(Role::Control));
        assert!(!Role::Read.includes(Role::Publish));
    }
}
