//! The end of a journal that grows: batches are appended, each by one write, to a file that is put aside when it is large.
//!
//! A batch is there whole or, where the write failed, not at all; the next one may be tried at any time.

use super::batch::Batch;
use super::index::{EVERY, Place};
use super::recover::{self, Journal};
use super::segment::Segment;
use crate::instance::private;
use nix::fcntl::Flock;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Size of a segment at which the next one begins, bytes.
pub const SEGMENT_BYTES: u64 = 8 << 20;
/// Names that are tried for a new segment, where others are taken.
const NAMES: u32 = 64;

/// Appends to one journal.
#[derive(Debug)]
pub struct Writer {
    directory: PathBuf,
    epoch: String,
    segment_bytes: u64,
    next_ordinal: u32,
    last_seq: u64,
    /// The newest time of all records of the journal, Unix milliseconds.
    newest: Option<i64>,
    open: Option<Open>,
    is_dirty: bool,
    /// Nobody else writes to the directory.
    turn: Flock<File>,
}

/// The segment that is written to.
#[derive(Debug)]
struct Open {
    segment: Segment,
    file: File,
    size: u64,
    /// Its name is on the disk.
    is_named: bool,
    /// `None` where it cannot be written: it is a hint only.
    index: Option<File>,
    /// Where the last entry of the index stands.
    indexed: Option<u64>,
}

impl Writer {
    pub(super) fn new(journal: Journal, epoch: String, segment_bytes: u64) -> Self {
        let Journal { directory, next_ordinal, turn, newest, .. } = journal;
        let (last_seq, open, is_dirty) = (0, None, false);
        Self { directory, epoch, segment_bytes, next_ordinal, last_seq, newest, open, is_dirty, turn }
    }

    /// Appends all of the batch by one write, to a new segment where the one that is open has no room.
    ///
    /// # Errors
    /// What the system said; nothing of the batch is in the journal then.
    pub fn append(&mut self, batch: &Batch) -> io::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let bytes = batch.bytes() as u64;
        let most = self.segment_bytes.min(private::size_limit());
        let has_room = |open: &Open| open.size == 0 || open.size + bytes <= most;
        if !self.open.as_ref().is_some_and(has_room) {
            self.begin(batch.places().first().map_or(self.last_seq + 1, |place| place.seq))?;
        }
        let Some(open) = &mut self.open else { return Err(io::ErrorKind::NotFound.into()) };
        if let Err(cause) = write_whole(&mut open.file, open.size, batch.lines()) {
            // Where half of it stays, that is the end of this segment.
            if open.file.set_len(open.size).is_err() {
                self.open = None;
            }
            return Err(cause);
        }
        open.note(batch.places(), self.newest);
        open.size += bytes;
        self.newest = self.newest.max(batch.newest());
        self.last_seq = self.last_seq.max(batch.last_seq());
        self.is_dirty = true;
        Ok(())
    }

    /// Waits until all that was appended is on the disk.
    ///
    /// # Errors
    /// What the system said. What was appended since the last time may be lost then.
    pub fn sync(&mut self) -> io::Result<()> {
        if let (true, Some(open)) = (self.is_dirty, &mut self.open) {
            open.file.sync_data()?;
            if open.file.metadata()?.nlink() == 0 {
                self.open = None;
                return Err(io::Error::new(io::ErrorKind::NotFound, "somebody has removed it"));
            }
            if !std::mem::replace(&mut open.is_named, true) {
                // The name is on the disk once the directory is; some file systems cannot do that.
                drop(File::open(&self.directory).and_then(|directory| directory.sync_all()));
            }
        }
        self.is_dirty = false;
        Ok(())
    }

    /// Nothing more comes: all of it is on the disk, and whoever opens the journal next learns that this is the end.
    ///
    /// # Errors
    /// What the system said. The journal is as one whose writer was killed then.
    pub fn finish(mut self, last_seq: u64) -> io::Result<()> {
        self.sync()?;
        recover::close(&self.directory, &self.epoch, last_seq)
    }

    /// Where the journal is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The segment that is written to, if there is one.
    pub fn segment(&self) -> Option<&Segment> {
        self.open.as_ref().map(|open| &open.segment)
    }

    fn begin(&mut self, first_seq: u64) -> io::Result<()> {
        self.sync()?;
        self.open = None;
        if self.turn.metadata().is_ok_and(|lock| lock.nlink() == 0) {
            // Somebody has removed all of it: what is made anew has to be found locked, too.
            self.turn = recover::locked(&self.directory, Duration::ZERO).map_err(io::Error::other)?;
        }
        private::make_directory(&self.directory).map_err(|cause| io::Error::other(cause.to_string()))?;
        let (segment, file) = self.created(first_seq)?;
        let index = private::create_private(&segment.index()).ok();
        self.open = Some(Open { segment, file, size: 0, is_named: false, index, indexed: None });
        Ok(())
    }

    /// A new file under the next name that nothing has.
    fn created(&mut self, first_seq: u64) -> io::Result<(Segment, File)> {
        for _ in 0..NAMES {
            let segment = Segment::new(&self.directory, self.next_ordinal, &self.epoch, first_seq);
            self.next_ordinal += 1;
            match segment.create() {
                Ok(file) => return Ok((segment, file)),
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => {
                    self.next_ordinal -= 1;
                    return Err(cause);
                }
            }
        }
        Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the names of its segments are taken by something else",
        ))
    }
}

impl Open {
    /// Adds entries for a batch that is about to be counted, as far as they are not too near to one another; `newest` is the
    /// newest time before it.
    fn note(&mut self, places: &[Place], newest: Option<i64>) {
        let Some(index) = &mut self.index else { return };
        for place in places {
            let offset = self.size + place.offset;
            if self.indexed.is_some_and(|last| offset - last < EVERY) {
                continue;
            }
            self.indexed = Some(offset);
            let millis = newest.map_or(place.millis, |newest| newest.max(place.millis));
            if index.write_all(&Place { offset, millis, ..*place }.line()).is_err() {
                self.index = None;
                return;
            }
        }
    }
}

/// More than the file may have is refused here: the kernel would end the process for trying (SIGXFSZ, setrlimit(2)).
fn write_whole(file: &mut File, size: u64, bytes: &[u8]) -> io::Result<()> {
    if size + bytes.len() as u64 > private::size_limit() {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{batch, numbers, object};
    use std::fs;

    fn writer(directory: &Path, segment_bytes: u64) -> Writer {
        Journal::open(directory).unwrap().writer("e", segment_bytes)
    }

    fn names(directory: &Path) -> Vec<String> {
        super::super::segment::list(directory)
            .unwrap()
            .iter()
            .map(|segment| segment.path.file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn batches_go_to_one_file_until_it_is_large_and_then_to_the_next() {
        let base = tempfile::tempdir().unwrap();
        let mut writer = writer(base.path(), 1000);
        for first in [1, 6, 11, 16] {
            writer.append(&batch(first..first + 5)).unwrap();
        }
        writer.sync().unwrap();
        let bytes = batch(1..6).bytes();
        assert!(bytes * 2 < 1000 && bytes * 3 > 1000, "{bytes}");
        assert_eq!(
            names(base.path()),
            ["000001-e-00000000000000000001.ndjson", "000002-e-00000000000000000011.ndjson"]
        );
        assert_eq!(numbers(base.path()), (1..21).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_larger_than_a_segment_has_one_of_its_own() {
        let base = tempfile::tempdir().unwrap();
        let mut writer = writer(base.path(), 100);
        writer.append(&batch(1..50)).unwrap();
        writer.append(&batch(50..60)).unwrap();
        assert_eq!(names(base.path()).len(), 2);
        assert_eq!(numbers(base.path()), (1..60).collect::<Vec<_>>());
    }

    #[test]
    fn names_that_something_else_has_are_passed_over() {
        let base = tempfile::tempdir().unwrap();
        let taken = |ordinal| Segment::new(base.path(), ordinal, "e", 1).path;
        fs::create_dir(taken(1)).unwrap();
        std::os::unix::fs::symlink("/dev/null", taken(2)).unwrap();
        let mut writer = writer(base.path(), 1000);
        writer.append(&batch(1..3)).unwrap();
        assert_eq!(writer.segment().unwrap().ordinal, 3);
        assert_eq!(numbers(base.path()), [1, 2]);
    }

    #[test]
    fn a_directory_that_others_own_or_that_is_a_link_is_not_written_to() {
        let base = tempfile::tempdir().unwrap();
        let (real, link) = (base.path().join("real"), base.path().join("link"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(Journal::open(&link).is_err());
        let mut writer = writer(&real, 1000);
        fs::rename(&real, base.path().join("moved")).unwrap();
        std::os::unix::fs::symlink(base.path().join("moved"), &real).unwrap();
        assert!(writer.append(&batch(1..3)).is_err());
        assert!(names(&base.path().join("moved")).is_empty());
    }

    #[test]
    fn a_directory_that_somebody_removed_is_made_anew_and_has_one_writer() {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("journal");
        let mut writer = writer(&directory, 1000);
        writer.append(&batch(1..3)).unwrap();
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(writer.sync().unwrap_err().kind(), io::ErrorKind::NotFound);
        writer.append(&batch(3..5)).unwrap();
        assert_eq!(numbers(&directory), [3, 4]);
        assert!(Journal::open_within(&directory, Duration::ZERO).is_err());
        drop(writer);
        assert!(Journal::open_within(&directory, Duration::ZERO).is_ok());
    }

    #[test]
    fn the_index_says_where_records_stand() {
        let base = tempfile::tempdir().unwrap();
        let mut writer = writer(base.path(), SEGMENT_BYTES);
        for first in (1..3001).step_by(100) {
            writer.append(&batch(first..first + 100)).unwrap();
        }
        let segment = writer.segment().unwrap().clone();
        let text = fs::read(&segment.path).unwrap();
        let places = super::super::index::read(&fs::read(segment.index()).unwrap());
        assert!(places.len() > 2, "{places:?}");
        for place in places {
            let at = usize::try_from(place.offset).unwrap();
            let line = text[at..].split(|byte| *byte == b'\n').next().unwrap();
            assert_eq!(super::super::line::object(line), object(place.seq).as_bytes());
        }
    }
}
