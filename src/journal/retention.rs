//! How long journals are kept: those that ended longest ago leave first. What is being written is not touched, and nothing
//! is removed but what a journal is made of.

use super::order;
use super::recover::LOCK;
use super::segment::{self, Segment};
use crate::instance::private;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Journals looked at in one sweep.
const MOST: usize = 100_000;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Journals that were written to within this time.
    pub max_age: Duration,
    /// Bytes of all journals together; those being written count, and stay.
    pub max_bytes: u64,
}

impl Default for Retention {
    /// 30 days, 2 GiB.
    fn default() -> Self {
        Self { max_age: Duration::from_secs(30 * 24 * 3600), max_bytes: 2 << 30 }
    }
}

/// What a sweep came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Journals removed.
    pub journals: usize,
    /// Bytes they had.
    pub bytes: u64,
}

/// One of them.
struct Kept {
    directory: PathBuf,
    last_written: SystemTime,
    bytes: u64,
}

/// Keeps a journal from being removed, until it is dropped. Nothing is written for that.
#[derive(Debug)]
pub struct Hold {
    _turn: Flock<File>,
}

/// Holds the journal in this directory while somebody reads it.
///
/// # Errors
/// `WouldBlock` while it is being removed; else what the system said.
pub fn hold(directory: &Path) -> io::Result<Hold> {
    let turn = Flock::lock(File::open(directory)?, FlockArg::LockSharedNonblock);
    turn.map(|turn| Hold { _turn: turn }).map_err(|(_, errno)| errno.into())
}

/// Whether nobody writes to it and nobody holds it; while this is kept, nobody begins to.
fn claim(directory: &Path) -> Option<(Flock<File>, Option<Flock<File>>)> {
    let writer = private::lock(&directory.join(LOCK), Duration::ZERO).ok()?;
    match Flock::lock(File::open(directory).ok()?, FlockArg::LockExclusiveNonblock) {
        Ok(reader) => Some((writer, Some(reader))),
        Err((_, Errno::EWOULDBLOCK)) => None,
        // Not every file system can lock a directory.
        Err(_) => Some((writer, None)),
    }
}

/// Removes journals below this directory until the others are what is to be kept at that time.
///
/// # Errors
/// What the system said of the directory; what cannot be removed stays.
pub fn sweep(below: &Path, keep: &Retention, now: SystemTime) -> io::Result<Swept> {
    let (mut kept, mut total) = (Vec::new(), 0);
    for entry in fs::read_dir(below)?.take(MOST).flatten() {
        let directory = entry.path();
        if private::check_directory(&directory).is_err() {
            continue;
        }
        let (bytes, last_written) = measure(&directory);
        total += bytes;
        kept.push(Kept { directory, last_written, bytes });
    }
    kept.sort_by_key(|journal| journal.last_written);
    let mut swept = Swept::default();
    for journal in kept {
        let is_old = now.duration_since(journal.last_written).is_ok_and(|age| age > keep.max_age);
        if !is_old && total <= keep.max_bytes {
            break;
        }
        let Some(claim) = claim(&journal.directory) else { continue };
        total -= journal.bytes;
        if remove(&journal.directory) {
            swept.journals += 1;
            swept.bytes += journal.bytes;
        }
        drop(claim);
    }
    Ok(swept)
}

/// Removes the oldest files of a journal, but not the newest, until the others are what is to be kept at that time; the
/// bytes they had. A copy leaves with what it is a copy of, whatever its name.
///
/// # Errors
/// What the system said of the directory; what cannot be removed stays.
pub fn trim(directory: &Path, keep: &Retention, now: SystemTime) -> io::Result<u64> {
    let segments = order::segments(directory)?;
    let older = segments.len() - order::last(&segments).len();
    let mut total = measure(directory).0;
    let before = total;
    for copies in segments[..older].chunk_by(order::are_copies) {
        let written = |segment: &Segment| segment.path.symlink_metadata().ok()?.modified().ok();
        let Some(written) = copies.iter().filter_map(written).min() else { continue };
        let is_old = now.duration_since(written).is_ok_and(|age| age > keep.max_age);
        if total <= keep.max_bytes && !is_old {
            break;
        }
        for segment in copies {
            for path in [segment.path.clone(), segment.index(), segment.path.with_extension("torn")] {
                let bytes = path.symlink_metadata().map_or(0, |found| found.len());
                if fs::remove_file(path).is_ok() {
                    total = total.saturating_sub(bytes);
                }
            }
        }
    }
    Ok(before - total)
}

/// Its size, and when it was written to.
fn measure(directory: &Path) -> (u64, SystemTime) {
    let files =
        fs::read_dir(directory).into_iter().flatten().flatten().filter_map(|entry| entry.metadata().ok());
    let mut files = files.peekable();
    if files.peek().is_none() {
        // Somebody has made it and is about to begin.
        let made = fs::symlink_metadata(directory).and_then(|found| found.modified());
        return (0, made.unwrap_or(SystemTime::UNIX_EPOCH));
    }
    files.fold((0, SystemTime::UNIX_EPOCH), |(bytes, newest), file| {
        let written = file.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        (bytes + file.len(), newest.max(written))
    })
}

/// Whether all of it is gone: something else in its directory keeps that there.
fn remove(directory: &Path) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    let ours =
        |path: &PathBuf| segment::is_part(path) && path.symlink_metadata().is_ok_and(|found| found.is_file());
    for path in entries.flatten().map(|entry| entry.path()).filter(ours) {
        drop(fs::remove_file(path));
    }
    drop(fs::remove_file(directory.join(LOCK)));
    fs::remove_dir(directory).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{batch, numbers, write};
    use std::collections::BTreeSet;
    use std::fs::File;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// Journals that were written to so many days ago.
    fn journals(days: &[(&str, u32)]) -> tempfile::TempDir {
        let base = tempfile::tempdir().unwrap();
        for (name, days) in days {
            drop(write(&base.path().join(name), "e", 1..30, 1000));
            fs::write(base.path().join(name).join(segment::RECORDING), "{}").unwrap();
            for file in fs::read_dir(base.path().join(name)).unwrap().flatten() {
                let file = File::options().append(true).open(file.path()).unwrap();
                file.set_modified(SystemTime::now() - DAY * *days).unwrap();
            }
        }
        base
    }

    fn left(base: &Path) -> BTreeSet<String> {
        fs::read_dir(base).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap()).collect()
    }

    fn sweep_to(base: &Path, days: u32, max_bytes: u64) -> Swept {
        sweep(base, &Retention { max_age: DAY * days, max_bytes }, SystemTime::now()).unwrap()
    }

    #[test]
    fn what_is_old_leaves_and_then_the_oldest_until_the_rest_fits() {
        let base = journals(&[("a", 40), ("b", 3), ("c", 2), ("d", 1)]);
        let size = measure(&base.path().join("b")).0;
        // As somebody has restored it.
        let lock = base.path().join("a").join(LOCK);
        fs::set_permissions(lock, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        assert_eq!(sweep_to(base.path(), 30, u64::MAX), Swept { journals: 1, bytes: size });
        assert_eq!(left(base.path()), ["b", "c", "d"].map(String::from).into());
        assert_eq!(sweep_to(base.path(), 30, size * 2).journals, 1);
        assert_eq!(left(base.path()), ["c", "d"].map(String::from).into());
        assert_eq!(sweep_to(base.path(), 30, size * 2), Swept::default());
    }

    #[test]
    fn of_one_that_is_written_the_oldest_leave_and_the_newest_stays() {
        let base = tempfile::tempdir().unwrap();
        let mut writer = write(base.path(), "e", 1..301, 3_000);
        let size = measure(base.path()).0;
        let trim_to = |max_bytes, days| {
            trim(base.path(), &Retention { max_age: DAY * days, max_bytes }, SystemTime::now()).unwrap()
        };
        assert_eq!(trim_to(u64::MAX, 30), 0);
        let freed = trim_to(size / 2, 30);
        assert!(freed >= size / 2 && measure(base.path()).0 == size - freed);
        let left = numbers(base.path());
        assert!(left[0] > 100 && left == (left[0]..301).collect::<Vec<_>>(), "{left:?}");
        trim_to(0, 30);
        assert_eq!(super::super::segments(base.path()).unwrap().len(), 1);
        writer.append(&batch(301..303)).unwrap();
        assert_eq!(numbers(base.path()).last(), Some(&302));
    }

    #[test]
    fn a_copy_leaves_with_what_it_is_a_copy_of_and_what_is_written_stays() {
        let base = tempfile::tempdir().unwrap();
        let mut writer = write(base.path(), "e", 1..301, 3_000);
        let written = writer.segment().unwrap().clone();
        let first = order::segments(base.path()).unwrap().remove(0);
        let copy = |of: &Segment, ordinal| {
            let copy = Segment::new(base.path(), ordinal, "e", of.first_seq);
            fs::copy(&of.path, &copy.path).unwrap();
        };
        copy(&first, 900);
        let keep = Retention { max_age: DAY, max_bytes: 0 };
        trim(base.path(), &keep, SystemTime::now()).unwrap();
        assert_eq!(order::segments(base.path()).unwrap(), std::slice::from_ref(&written));
        copy(&written, 901);
        trim(base.path(), &keep, SystemTime::now()).unwrap();
        writer.append(&batch(301..303)).unwrap();
        writer.sync().unwrap();
        assert_eq!(numbers(base.path()).last(), Some(&302));
    }

    #[test]
    fn what_somebody_holds_stays_until_it_is_let_go() {
        let base = journals(&[("a", 50), ("b", 40)]);
        let holds = [hold(&base.path().join("a")).unwrap(), hold(&base.path().join("a")).unwrap()];
        assert_eq!(sweep_to(base.path(), 30, u64::MAX).journals, 1);
        assert_eq!(left(base.path()), ["a"].map(String::from).into());
        drop(holds);
        assert_eq!(sweep_to(base.path(), 30, u64::MAX).journals, 1);
    }

    #[test]
    fn what_is_written_to_stays_and_so_does_what_is_no_part_of_a_journal() {
        let base = journals(&[("mine", 50), ("other", 50)]);
        let writer = super::super::Journal::open(&base.path().join("mine")).unwrap();
        fs::write(base.path().join("other/notes"), "x").unwrap();
        std::os::unix::fs::symlink(base.path().join("mine"), base.path().join("link")).unwrap();
        fs::write(base.path().join("file"), "x").unwrap();
        assert_eq!(sweep_to(base.path(), 30, 0), Swept::default());
        assert_eq!(left(base.path()), ["file", "link", "mine", "other"].map(String::from).into());
        assert_eq!(left(&base.path().join("other")), ["notes"].map(String::from).into());
        assert!(left(&base.path().join("mine")).len() > 3);
        drop(writer);
    }
}
