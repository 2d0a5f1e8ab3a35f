//! A journal that is there already: who may go on with it, how far it came, and whether it was ended or broken off.

use super::line;
use super::lines::{Found, Lines};
use super::order;
use super::segment::Segment;
use super::writer::Writer;
use crate::instance::private::{self, DirectoryError};
use nix::fcntl::Flock;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long another writer of the same journal may take to end.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often one that was removed meanwhile is made again.
const ATTEMPTS: u32 = 5;
/// Largest [`CLOSED`], bytes.
const MAX_CLOSED: u64 = 4096;
/// Highest number that is believed to be used: the highest whole one that every reader of JSON has exactly.
const MAX_SEQ: u64 = (1 << 53) - 1;
/// Held by who writes.
pub(super) const LOCK: &str = "lock";
/// What says that the journal was ended and where.
pub(super) const CLOSED: &str = "closed.json";

/// Why a journal cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its directory is not surely ours.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// What the system said.
    #[error("cannot open journal {}: {cause}", path.display())]
    Io {
        /// Its directory.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// The end of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The numbering of its last records.
    pub epoch: String,
    /// The last number.
    pub last_seq: u64,
}

/// A journal that this process may go on with.
#[derive(Debug)]
pub struct Journal {
    pub(super) directory: PathBuf,
    pub(super) next_ordinal: u32,
    pub(super) turn: Flock<File>,
    closed: Option<End>,
    last: Option<End>,
    /// The newest time of its records, Unix milliseconds.
    pub(super) newest: Option<i64>,
    torn: u64,
}

impl Journal {
    /// Opens the journal of this directory, which is made where there is none. What a writer that was killed left of a line
    /// is put aside. Damage is no reason to fail.
    ///
    /// # Errors
    /// When the directory cannot be used, or another process writes to it.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        Self::open_within(directory, PATIENCE)
    }

    /// The same, but that another writer may take so long to end.
    ///
    /// # Errors
    /// As above.
    pub fn open_within(directory: &Path, patience: Duration) -> Result<Self, OpenError> {
        let failed = |cause| OpenError::Io { path: directory.into(), cause };
        private::make_way(directory.parent().unwrap_or(Path::new("/")))?;
        let turn = locked(directory, patience)?;
        let segments = order::segments(directory).map_err(failed)?;
        // Which of its copies was written nobody can say.
        let newest = order::last(&segments);
        let torn = newest.iter().map(put_torn_aside).sum();
        let closed = closed(directory);
        // From here on the end is open again.
        if fs::remove_file(directory.join(CLOSED)).is_ok() {
            // After a power cut it must not say again what is true no longer.
            drop(File::open(directory).and_then(|directory| directory.sync_all()));
        }
        let highest = segments.iter().map(|segment| segment.ordinal).max();
        let next_ordinal = highest.map_or(1, |highest| highest.saturating_add(1));
        let tail = segments.chunk_by(order::are_copies).rev().find_map(Tail::of_copies);
        let newest = tail.as_ref().and_then(|tail| tail.newest);
        let last = tail.map(|tail| tail.last);
        Ok(Self { directory: directory.into(), next_ordinal, turn, closed, last, newest, torn })
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where its writer ended it; `None` where it was broken off, or there was none.
    pub fn closed(&self) -> Option<&End> {
        self.closed.as_ref()
    }

    /// Its last record that is whole.
    pub fn last(&self) -> Option<&End> {
        self.last.as_ref()
    }

    /// Bytes of a line without an end that were put aside.
    pub fn torn(&self) -> u64 {
        self.torn
    }

    /// Goes on with it, in segments of about so many bytes.
    pub fn writer(self, epoch: &str, segment_bytes: u64) -> Writer {
        Writer::new(self, epoch.to_owned(), segment_bytes)
    }
}

/// Makes the directory where there is none, and takes its lock. Whoever removes old journals may have taken it for one.
pub(super) fn locked(directory: &Path, patience: Duration) -> Result<Flock<File>, OpenError> {
    let failed = |cause| OpenError::Io { path: directory.into(), cause };
    let is_there = |turn: &Flock<File>| turn.metadata().is_ok_and(|found| found.nlink() > 0);
    for _ in 0..ATTEMPTS {
        private::make_directory(directory)?;
        match private::lock(&directory.join(LOCK), patience) {
            Ok(turn) if is_there(&turn) => return Ok(turn),
            Ok(_) => {}
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(failed(cause)),
        }
    }
    Err(failed(io::Error::other("it is removed again and again")))
}

/// Says that this is the end.
pub(super) fn close(directory: &Path, epoch: &str, last_seq: u64) -> io::Result<()> {
    let mut text = Vec::new();
    line::seal(&serde_json::to_vec(&End { epoch: epoch.to_owned(), last_seq })?, &mut text);
    // Lost, it would only make the end look like none.
    private::replace_soon(&directory.join(CLOSED), &text)
}

/// The end that a journal has, where its writer said so.
pub fn closed(directory: &Path) -> Option<End> {
    let file = private::open_unforged(&directory.join(CLOSED), MAX_CLOSED).ok()?;
    let mut text = Vec::new();
    file.take(MAX_CLOSED).read_to_end(&mut text).ok()?;
    let line = text.strip_suffix(b"\n").filter(|line| line::is_whole(line))?;
    serde_json::from_slice(line).ok().filter(|end: &End| end.last_seq <= MAX_SEQ)
}

/// Moves what stands behind the last line feed to a file beside it, and says how much that was.
fn put_torn_aside(segment: &Segment) -> u64 {
    moved_aside(segment).unwrap_or(0)
}

fn moved_aside(segment: &Segment) -> io::Result<u64> {
    // As the reader opens it: not a link, not another's.
    drop(segment.open()?);
    let flags = (nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_CLOEXEC).bits();
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(&segment.path)?;
    let size = file.metadata()?.len();
    let from = size.saturating_sub(line::MAX_LINE as u64);
    let mut tail = vec![0; usize::try_from(size - from).unwrap_or(0)];
    file.read_exact_at(&mut tail, from)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let torn = &tail[whole..];
    if torn.is_empty() {
        return Ok(0);
    }
    let mut aside = private::create_private(&segment.path.with_extension("torn"))?;
    aside.write_all(torn)?;
    file.set_len(from + whole as u64)?;
    Ok(torn.len() as u64)
}

/// The end of a segment.
struct Tail {
    /// The last whole record.
    last: End,
    /// The newest time up to there, Unix milliseconds.
    newest: Option<i64>,
}

impl Tail {
    /// The one that came furthest.
    fn of_copies(copies: &[Segment]) -> Option<Self> {
        copies.iter().filter_map(Self::of).max_by_key(|tail| tail.last.last_seq)
    }

    fn of(segment: &Segment) -> Option<Self> {
        let hint = segment.places().last().copied();
        let behind = |offset| Self::behind(segment, offset);
        let mut tail = behind(hint.map_or(0, |place| place.offset)).or_else(|| behind(0))?;
        tail.newest = tail.newest.max(hint.map(|place| place.millis));
        Some(tail)
    }

    /// Of what is behind so many bytes.
    fn behind(segment: &Segment, offset: u64) -> Option<Self> {
        let mut lines = Lines::new(segment.open().ok()?, offset);
        let (mut last, mut newest) = (None, None);
        loop {
            match lines.next().ok()? {
                Found::Line(_, line) => {
                    let facts = line::facts(line);
                    last = last.max(facts.as_ref().and_then(|facts| facts.seq));
                    newest = newest.max(facts.and_then(|facts| facts.millis()));
                }
                Found::Damaged(_) => {}
                Found::End(_) => break,
            }
        }
        Some(Self { last: End { epoch: segment.epoch.clone(), last_seq: last? }, newest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{batch, numbers, write};
    use std::os::unix::fs::PermissionsExt;

    fn end(epoch: &str, last_seq: u64) -> End {
        End { epoch: epoch.into(), last_seq }
    }

    #[test]
    fn what_was_ended_is_known_to_be_and_what_was_broken_off_as_well() {
        let base = tempfile::tempdir().unwrap();
        let first = Journal::open(base.path()).unwrap();
        assert_eq!((first.closed(), first.last()), (None, None));
        drop(first);
        write(base.path(), "e", 1..6, 1000).finish(7).unwrap();
        let again = Journal::open(base.path()).unwrap();
        assert_eq!((again.closed(), again.last()), (Some(&end("e", 7)), Some(&end("e", 5))));
        drop(again);
        assert_eq!(Journal::open(base.path()).unwrap().closed(), None, "it was opened and not ended");
    }

    #[test]
    fn a_copy_that_has_less_does_not_hide_how_far_it_came() {
        let base = tempfile::tempdir().unwrap();
        let mut writer = write(base.path(), "e", 1..31, 700);
        let list = || order::segments(base.path()).unwrap();
        let written = writer.segment().unwrap().clone();
        for (of, ordinal) in [(&list()[0], 900), (&written, 901)] {
            let copy = Segment::new(base.path(), ordinal, "e", of.first_seq);
            fs::copy(&of.path, &copy.path).unwrap();
        }
        writer.append(&batch(31..33)).unwrap();
        assert_eq!(writer.segment(), Some(&written));
        drop(writer);
        let mut file = File::options().append(true).open(&written.path).unwrap();
        file.write_all(b"half a line").unwrap();
        let journal = Journal::open(base.path()).unwrap();
        assert_eq!((journal.last(), journal.torn()), (Some(&end("e", 32)), 11));
        journal.writer("f", 700).append(&batch(1..3)).unwrap();
        assert_eq!(list().last().map(|last| last.ordinal), Some(902));
    }

    #[test]
    fn one_that_others_might_read_goes_on_and_one_that_they_might_write_does_not() {
        let base = tempfile::tempdir().unwrap();
        let chmod = |name, mode| {
            fs::set_permissions(base.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        for (mode, closed) in [(0o644, Some(end("e", 7))), (0o640, Some(end("e", 7))), (0o664, None)] {
            write(base.path(), "e", 1..6, 1000).finish(7).unwrap();
            chmod(LOCK, 0o644);
            chmod(CLOSED, mode);
            assert_eq!(Journal::open(base.path()).unwrap().closed(), closed.as_ref(), "{mode:o}");
            assert_eq!(base.path().join(LOCK).metadata().unwrap().mode() & 0o777, 0o600);
        }
        chmod(LOCK, 0o664);
        let refused = Journal::open(base.path()).unwrap_err().to_string();
        assert!(refused.contains("lock: its mode 0664 lets others in; chmod 600"), "{refused}");
    }

    #[test]
    fn there_is_one_writer() {
        let base = tempfile::tempdir().unwrap();
        let _first = Journal::open(base.path()).unwrap();
        let refused = Journal::open(base.path()).unwrap_err().to_string();
        assert!(refused.contains("another process holds its lock"), "{refused}");
    }

    #[test]
    fn a_cut_at_every_byte_of_the_tail_costs_no_more_than_the_record_it_is_in() {
        let base = tempfile::tempdir().unwrap();
        drop(write(base.path(), "e", 1..6, u64::MAX));
        let path = order::segments(base.path()).unwrap().remove(0).path;
        let whole = fs::read(&path).unwrap();
        let tail = batch(4..6).bytes();
        for length in whole.len() - tail..=whole.len() {
            let base = tempfile::tempdir().unwrap();
            let cut = base.path().join(path.file_name().unwrap());
            fs::write(&cut, &whole[..length]).unwrap();
            fs::set_permissions(&cut, fs::Permissions::from_mode(0o600)).unwrap();
            let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
            let mut writer = Journal::open(base.path()).unwrap().writer("e", u64::MAX);
            writer.append(&batch(6..8)).unwrap();
            let expected: Vec<u64> = (1..=lines).chain(6..8).collect();
            assert_eq!(numbers(base.path()), expected, "cut to {length} bytes");
            let text = fs::read_to_string(&cut).unwrap();
            assert!(
                text.lines().all(|line| line::is_whole(line.as_bytes())),
                "what is left is what jq reads"
            );
        }
    }
}
