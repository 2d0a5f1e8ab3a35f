//! The key that opens the door for hooks: minted once for a session, told to its claude alone.
//!
//! How it travels and what it opens is `intake`'s.

use std::fmt;
use std::io;
use subtle::ConstantTimeEq;

/// 32 random bytes.
const BYTES: usize = 32;

/// A session's key, 64 lower-case hexadecimal digits. It shows itself only where it is asked to.
#[derive(Clone)]
pub struct HookKey(String);

impl HookKey {
    /// A new one. Fails where the system has no randomness to give.
    pub fn mint() -> io::Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes)
            .map_err(|cause| io::Error::other(format!("cannot mint hook key: {cause}")))?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The secret, for claude's environment.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether this is the key; how long that takes tells nothing but the length.
    pub(super) fn is(&self, presented: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(presented).into()
    }
}

impl fmt::Debug for HookKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("HookKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_keys_differ_and_only_the_whole_key_opens() {
        let (key, other) = (HookKey::mint().unwrap(), HookKey::mint().unwrap());
        assert_eq!(key.reveal().len(), 2 * BYTES);
        assert!(key.reveal().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(key.is(key.reveal().as_bytes()));
        let longer = format!("{}0", key.reveal());
        for wrong in [other.reveal(), "", &key.reveal()[1..], &longer] {
            assert!(!key.is(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn the_key_does_not_show_itself() {
        let key = HookKey::mint().unwrap();
        assert_eq!(format!("{key:?}"), "HookKey(..)");
    }
}
