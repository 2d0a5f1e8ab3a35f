//! What a journal is of, told beside its records: those may be removed while it grows.

use super::line;
use crate::instance::private;
use std::io::{self, Read};
use std::path::Path;

/// The file.
pub(super) const LABEL: &str = "session.json";
/// Largest label, bytes.
const MAX: u64 = 64 << 10;

/// Writes the label of the journal in this directory: a JSON object on one line.
///
/// # Errors
/// What the system said; `InvalidInput` where it is no such object.
pub fn set_label(directory: &Path, object: &[u8]) -> io::Result<()> {
    let mut text = Vec::new();
    if !line::seal(object, &mut text) || text.len() as u64 > MAX {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    private::replace_soon(&directory.join(LABEL), &text)
}

/// Waits until the label is on the disk.
///
/// # Errors
/// What the system said.
pub fn sync_label(directory: &Path) -> io::Result<()> {
    private::open_unforged(&directory.join(LABEL), MAX)?.sync_all()
}

/// The label, as it was written; `None` where there is none that is whole.
pub fn label(directory: &Path) -> Option<Vec<u8>> {
    let file = private::open_unforged(&directory.join(LABEL), MAX).ok()?;
    let mut text = Vec::new();
    file.take(MAX).read_to_end(&mut text).ok()?;
    let line = text.strip_suffix(b"\n").filter(|line| line::is_whole(line))?;
    Some(line::object(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_back_whole_or_not_at_all() {
        let base = tempfile::tempdir().unwrap();
        assert_eq!(label(base.path()), None);
        set_label(base.path(), br#"{"name":"x"}"#).unwrap();
        set_label(base.path(), br#"{"name":"y"}"#).unwrap();
        assert_eq!(label(base.path()).unwrap(), br#"{"name":"y"}"#);
        let path = base.path().join(LABEL);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace('y', "z")).unwrap();
        assert_eq!(label(base.path()), None, "not what was written");
        assert!(set_label(base.path(), b"[]").is_err());
    }
}
