//! What damage costs.

use super::testing::{batch, numbers, write};
use super::{Journal, segments};
use crate::instance::private;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const RECORDS: u64 = 120;

/// The files of a journal of several segments.
static FILES: LazyLock<Vec<(OsString, Vec<u8>)>> = LazyLock::new(|| {
    let base = tempfile::tempdir().unwrap();
    drop(write(base.path(), "e", 1..RECORDS + 1, 2500));
    let segments = segments(base.path()).unwrap();
    assert!(segments.len() > 4);
    let file = |path: PathBuf| (path.file_name().unwrap().to_owned(), fs::read(&path).unwrap());
    segments.into_iter().map(|segment| file(segment.path)).collect()
});

/// A copy of it.
fn journal(base: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let copied = |(name, bytes): &(OsString, Vec<u8>)| {
        let path = base.join(name);
        private::create_private(&path).unwrap().write_all(bytes).unwrap();
        (path, bytes.clone())
    };
    FILES.iter().map(copied).collect()
}

/// Numbers as from a fixed seed, so that a failure can be played again (Numerical Recipes' generator).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// It can be gone on with, what is added is read, and at most so many records are missing.
fn starts_and_lost_at_most(base: &Path, most: usize, what: &str) {
    let mut writer = Journal::open(base).unwrap().writer("later", u64::MAX);
    writer.append(&batch(1..4)).unwrap();
    let found = numbers(base);
    let (of_before, added) = found.split_at(found.len() - 3);
    assert_eq!(added, [1, 2, 3], "{what}");
    assert!(of_before.is_sorted_by(|one, other| one < other), "{what}: {of_before:?}");
    assert!(of_before.len() + most >= RECORDS as usize, "{what}: {} left", of_before.len());
}

/// Damages a copy of the journal.
fn damaged(by: impl FnOnce(&mut Vec<(PathBuf, Vec<u8>)>)) -> tempfile::TempDir {
    let base = tempfile::tempdir().unwrap();
    let mut segments = journal(base.path());
    by(&mut segments);
    for (path, bytes) in segments {
        fs::write(path, bytes).unwrap();
    }
    base
}

#[test]
fn a_flipped_bit_costs_at_most_two_records() {
    let mut random = Random(7);
    for flip in 0..300 {
        let base = damaged(|segments| {
            let number = random.below(segments.len());
            let bytes = &mut segments[number].1;
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        });
        starts_and_lost_at_most(base.path(), 2, &format!("flip {flip}"));
    }
}

#[test]
fn zeros_and_garbage_cost_the_records_they_are_in() {
    let mut random = Random(11);
    for round in 0..60 {
        let base = damaged(|segments| {
            let number = random.below(segments.len());
            let bytes = &mut segments[number].1;
            let at = random.below(bytes.len());
            let end = bytes.len().min(at + 512);
            let garbage = |_| u8::try_from(random.below(256)).unwrap() * u8::from(round % 2 == 0);
            let garbage: Vec<u8> = (at..end).map(garbage).collect();
            bytes[at..end].copy_from_slice(&garbage);
        });
        // 512 bytes touch no more records than fit into them, and two more.
        starts_and_lost_at_most(base.path(), 512 / 60 + 2, &format!("round {round}"));
    }
}

#[test]
fn a_file_that_is_empty_costs_what_was_in_it() {
    for number in 0..4 {
        let base = damaged(|segments| segments[number].1.clear());
        starts_and_lost_at_most(base.path(), 30, &format!("segment {number}"));
    }
}

#[test]
fn a_file_that_is_gone_or_something_else_costs_what_was_in_it() {
    for something in
        [fs::remove_file, |path: PathBuf| fs::remove_file(&path).and_then(|()| fs::create_dir(path))]
    {
        let base = tempfile::tempdir().unwrap();
        let segments = journal(base.path());
        something(segments[1].0.clone()).unwrap();
        starts_and_lost_at_most(base.path(), 30, "the second segment");
    }
}

#[test]
fn an_empty_directory_and_one_full_of_other_things_begin_a_journal() {
    let base = tempfile::tempdir().unwrap();
    for other in ["x", "000001-e-1", "closed.json", "000001-e-00000000000000000001.index"] {
        fs::write(base.path().join(other), b"\0\0\n{}").unwrap();
    }
    let journal = Journal::open(base.path()).unwrap();
    assert_eq!((journal.closed(), journal.last()), (None, None));
    journal.writer("e", u64::MAX).append(&batch(1..4)).unwrap();
    assert_eq!(numbers(base.path()), [1, 2, 3]);
}
