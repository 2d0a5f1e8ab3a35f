//! What a certificate is known by: the SHA-256 of its DER encoding. Pure.

use ring::digest::{SHA256, digest};
use std::fmt::{self, Write as _};
use std::str::FromStr;

const PREFIX: &str = "sha256:";
const BYTES: usize = 32;

/// SHA-256 of a certificate; written `sha256:` and 64 digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; BYTES]);

/// A text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it should be sha256: and 64 hexadecimal digits")]
pub struct NoFingerprint;

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(der: &[u8]) -> Self {
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(digest(&SHA256, der).as_ref());
        Self(bytes)
    }
}

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    /// The prefix, the case and colons between the digits do not matter.
    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let named = text.get(..PREFIX.len()).is_some_and(|head| head.eq_ignore_ascii_case(PREFIX));
        let digits = if named { &text[PREFIX.len()..] } else { text };
        let digits: Vec<u8> = digits.bytes().filter(|byte| *byte != b':').collect();
        let mut bytes = [0; BYTES];
        if digits.len() != 2 * BYTES {
            return Err(NoFingerprint);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit =
                |at: usize| char::from(pair[at]).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            *byte = digit(0).ok_or(NoFingerprint)? << 4 | digit(1).ok_or(NoFingerprint)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = PREFIX.to_owned();
        self.0.iter().try_for_each(|byte| write!(text, "{byte:02X}"))?;
        out.write_str(&text)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of "abc" (FIPS 180-2, appendix B.1).
    const ABC: &str = "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";

    #[test]
    fn it_is_written_one_way_and_read_in_several() {
        let fingerprint = Fingerprint::of(b"abc");
        assert_eq!(fingerprint.to_string(), ABC);
        let bare = &ABC[PREFIX.len()..];
        let pairs: Vec<&str> = bare.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap()).collect();
        let colons = pairs.join(":");
        for text in [ABC, bare, &bare.to_lowercase(), &colons, &format!("SHA256:{}", colons.to_lowercase())] {
            assert_eq!(text.parse(), Ok(fingerprint), "{text}");
        }
    }

    #[test]
    fn everything_else_is_none() {
        let longer = format!("{ABC}0");
        for text in ["", "sha256:", &ABC[..ABC.len() - 1], &longer, &ABC.replace('A', "G"), "sha1:00", "ä"] {
            assert_eq!(text.parse::<Fingerprint>(), Err(NoFingerprint), "{text}");
        }
    }
}
