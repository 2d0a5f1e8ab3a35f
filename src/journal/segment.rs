//! The files of one journal: what they are called, in which order they stand, how they are opened. Not what is in them.
//!
//! `000002-5f0c6e1a9b3d4c7e-00000000000000010321.ndjson`: the second file, of that epoch, whose first record is number
//! 10,321. Names in their order are the order of time.

use super::index::{self, Place};
use super::label::LABEL;
use super::recover::CLOSED;
use crate::instance::private;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

const SUFFIX: &str = ".ndjson";
/// Largest index that is looked at, bytes.
const MAX_INDEX: u64 = 4 << 20;
/// The recording of a terminal: it may stand beside the records of its session, and leaves with them.
pub const RECORDING: &str = "terminal.cast";
/// Above it a file is not ours: there would be no next one.
const MAX_ORDINAL: u32 = u32::MAX / 2;
/// Longest name of an epoch.
const MAX_EPOCH: usize = 64;

/// A file that holds records.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// Its place among the files.
    pub ordinal: u32,
    /// The numbering its records belong to.
    pub epoch: String,
    /// The number its first record was meant to have.
    pub first_seq: u64,
    /// Where it stands.
    pub path: PathBuf,
}

impl Segment {
    /// The one with this place in a directory.
    pub fn new(directory: &Path, ordinal: u32, epoch: &str, first_seq: u64) -> Self {
        let path = directory.join(format!("{ordinal:06}-{epoch}-{first_seq:020}{SUFFIX}"));
        Self { ordinal, epoch: epoch.to_owned(), first_seq, path }
    }

    fn named(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
        let (ordinal, rest) = name.split_once('-')?;
        let (epoch, first_seq) = rest.rsplit_once('-')?;
        let ordinal = u32::try_from(number(ordinal)?).ok().filter(|ordinal| *ordinal <= MAX_ORDINAL)?;
        let first_seq = number(first_seq)?;
        let epoch = is_epoch(epoch).then(|| epoch.to_owned())?;
        Some(Self { ordinal, epoch, first_seq, path })
    }

    /// Makes it, for this user alone.
    ///
    /// # Errors
    /// `AlreadyExists` where something has its name, whatever it is; else what the system said.
    pub fn create(&self) -> io::Result<File> {
        private::create_private(&self.path)
    }

    /// Opens it to read.
    ///
    /// # Errors
    /// What the system said; `InvalidData` where it is no file that this user alone may write.
    pub fn open(&self) -> io::Result<File> {
        private::open_unforged(&self.path, u64::MAX)
    }

    /// The file that says where records stand in it.
    pub fn index(&self) -> PathBuf {
        self.path.with_extension("index")
    }

    /// What that file says; nothing where it cannot be read.
    pub fn places(&self) -> Vec<Place> {
        let Ok(file) = private::open_unforged(&self.index(), MAX_INDEX) else { return Vec::new() };
        let mut text = Vec::new();
        match file.take(MAX_INDEX).read_to_end(&mut text) {
            Ok(_) => index::read(&text),
            Err(_) => Vec::new(),
        }
    }
}

/// Whether an epoch of this name can be written.
pub fn is_epoch(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.';
    (1..=MAX_EPOCH).contains(&name.len()) && name.chars().all(plain) && !name.starts_with('.')
}

/// Whether a file of a journal's directory is a part of the journal, by its name.
pub(super) fn is_part(path: &Path) -> bool {
    let is_beside = || ["index", "torn"].map(Some).contains(&path.extension().and_then(|end| end.to_str()));
    let named = |path: &Path| Segment::named(path.to_owned()).is_some();
    let is_other =
        || [CLOSED, LABEL, RECORDING].map(Some).contains(&path.file_name().and_then(|name| name.to_str()));
    // Of one that was killed while it wrote that.
    let is_draft = || {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix('.'));
        let (whole, pid) = name.and_then(|name| name.rsplit_once('.')).unzip();
        [CLOSED, LABEL].map(Some).contains(&whole) && pid.and_then(number).is_some()
    };
    named(path) || is_beside() && named(&path.with_extension("ndjson")) || is_other() || is_draft()
}

/// Digits alone: `u64::from_str` takes a sign as well.
fn number(text: &str) -> Option<u64> {
    text.chars().all(|letter| letter.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The segments of a directory, in their order. What has another name is not looked at.
///
/// # Errors
/// What the system said.
pub(super) fn list(directory: &Path) -> io::Result<Vec<Segment>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        found.extend(Segment::named(entry?.path()));
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_in_their_order_and_others_are_not_looked_at() {
        let base = tempfile::tempdir().unwrap();
        let written = [(1, "e1", 1), (2, "e1", 900), (3, "e0", 1), (12, "e0", 77)]
            .map(|(ordinal, epoch, first)| Segment::new(base.path(), ordinal, epoch, first));
        for segment in written.iter().rev() {
            segment.create().unwrap();
        }
        for other in
            ["x", "1-e.ndjson", "1--1.ndjson", "+1-e-1.ndjson", "1-e-1.ndjson.bak", "4294967295-e-1.ndjson"]
        {
            drop(fs::write(base.path().join(other), "x"));
        }
        assert_eq!(list(base.path()).unwrap(), written);
    }

    #[test]
    fn what_has_the_name_of_a_new_one_is_left_alone() {
        let base = tempfile::tempdir().unwrap();
        let target = base.path().join("target");
        let segment = |ordinal| Segment::new(base.path(), ordinal, "e", 1);
        fs::create_dir(&segment(1).path).unwrap();
        std::os::unix::fs::symlink(&target, &segment(2).path).unwrap();
        nix::unistd::mkfifo(&segment(3).path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for ordinal in 1..=3 {
            assert_eq!(segment(ordinal).create().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert!(segment(ordinal).open().is_err(), "{ordinal}");
        }
        assert!(!target.exists(), "a link was followed");
    }
}
