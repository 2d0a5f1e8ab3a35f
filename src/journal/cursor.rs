//! Reads a journal from any place on, in order and each record once, whatever is damaged or stands there twice. It can be
//! asked again after the end, and goes on with what was appended since.

use super::line::{self, Facts};
use super::lines::{Found, Lines};
use super::order::{begin, first_copy, in_order};
use super::segment::{self, Segment};
use crate::instance::private::{self, DirectoryError};
use nix::libc;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a reader begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// With the first there is.
    Start,
    /// Not behind the first record that is not older than this; its index says where about that is.
    Since {
        /// Unix milliseconds.
        millis: i64,
    },
    /// With the first of the epochs whose names come later than this.
    Later {
        /// The numbering.
        epoch: String,
    },
    /// Behind the record with this number of this epoch; with the first of the next epoch where there is none behind it,
    /// and with the first there is where the epoch is not in the journal.
    After {
        /// The numbering.
        epoch: String,
        /// The number.
        seq: u64,
    },
}

/// A record as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The numbering it belongs to.
    pub epoch: Arc<str>,
    /// Its number; `None` of a remark, which has none.
    pub seq: Option<u64>,
    /// The JSON object.
    pub object: Vec<u8>,
}

/// What was read at once.
#[derive(Debug, Default)]
pub struct Part {
    /// Records in order.
    pub records: Vec<Stored>,
    /// Whether nothing was behind them at that time.
    pub is_end: bool,
}

/// A place in a journal.
#[derive(Debug)]
pub struct Cursor {
    directory: PathBuf,
    /// Those that are to be read yet, in order.
    rest: VecDeque<Segment>,
    open: Option<Open>,
    /// What was in the directory when it looked last; `None` where it does not look there.
    seen: Option<HashSet<PathBuf>>,
    /// Those that were read and closed.
    left: HashMap<PathBuf, Left>,
    /// By epoch: the newest number that was read or is not wanted.
    newest: HashMap<Arc<str>, u64>,
    /// Lines that are not as they were written.
    damaged: u64,
    /// What cannot be read is passed over.
    is_lenient: bool,
    /// Something was.
    has_passed_over: bool,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    epoch: Arc<str>,
    /// By its name.
    first_seq: u64,
    lines: Lines,
    /// Bytes without a line feed at its end, when that was looked at last.
    torn: u64,
}

/// How far a segment was read.
#[derive(Debug)]
struct Left {
    /// Of the first line that was not.
    offset: u64,
    /// Bytes without a line feed behind that.
    torn: u64,
}

impl Left {
    /// Whether there is more in the file now.
    fn has_grown(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok_and(|found| found.len() > self.offset + self.torn)
    }
}

impl Cursor {
    /// One that begins there.
    ///
    /// # Errors
    /// What the system said of the directory, or of the first file where that may be different in a moment.
    pub fn open(directory: &Path, from: &From) -> io::Result<Self> {
        Self::begun(directory, from, false)
    }

    /// One that begins there and passes over what the system does not give: the rest of each file from there on.
    ///
    /// # Errors
    /// What the system said of the directory.
    pub fn open_lenient(directory: &Path, from: &From) -> io::Result<Self> {
        Self::begun(directory, from, true)
    }

    fn begun(directory: &Path, from: &From, is_lenient: bool) -> io::Result<Self> {
        let mut cursor = Self {
            directory: directory.into(),
            rest: VecDeque::new(),
            open: None,
            seen: Some(HashSet::new()),
            left: HashMap::new(),
            newest: HashMap::new(),
            damaged: 0,
            is_lenient,
            has_passed_over: false,
        };
        cursor.look()?;
        match from {
            From::Start => {}
            From::Since { millis } => cursor.enter_before(*millis)?,
            From::Later { epoch } => cursor.rest.retain(|segment| segment.epoch > *epoch),
            From::After { epoch, seq } => {
                if let Some(at) = begin(&cursor.rest, epoch, *seq) {
                    cursor.rest.drain(..at);
                    cursor.newest.insert(epoch.as_str().into(), *seq);
                    cursor.enter(*seq)?;
                }
            }
        }
        Ok(cursor)
    }

    /// The same, where it is known that something is passed over already.
    pub fn lacking(mut self) -> Self {
        self.has_passed_over = true;
        self
    }

    /// One that reads these segments and no other.
    pub fn within(segments: &[Segment]) -> Self {
        let directory = segments.first().and_then(|segment| segment.path.parent());
        Self {
            directory: directory.unwrap_or(Path::new("/")).into(),
            rest: segments.iter().cloned().collect(),
            open: None,
            seen: None,
            left: HashMap::new(),
            newest: HashMap::new(),
            damaged: 0,
            is_lenient: false,
            has_passed_over: false,
        }
    }

    /// One that reads the end of this segment and nothing else: about 64 KiB, where its index says where that is.
    pub fn at_end_of(segment: &Segment) -> Self {
        let mut cursor = Self { is_lenient: true, ..Self::within(std::slice::from_ref(segment)) };
        // What cannot be opened has no end to be read.
        _ = cursor.enter(segment.places().last().map_or(0, |place| place.seq));
        cursor
    }

    /// Lines that were passed over because they are not as they were written.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Whether something was passed over that the system did not give, since this was asked last.
    pub fn has_passed_over(&mut self) -> bool {
        std::mem::take(&mut self.has_passed_over)
    }

    /// Whether there is a line without its end behind what was read: it is being written, or was broken off.
    pub fn is_torn(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.torn > 0)
    }

    /// Reads on, about so many bytes.
    ///
    /// # Errors
    /// What the system said; what was read before it is lost to this reader.
    pub fn read(&mut self, most: usize) -> io::Result<Part> {
        let (mut part, mut bytes) = (Part::default(), 0);
        while bytes < most {
            match self.next()? {
                Some(stored) => {
                    bytes += stored.object.len();
                    part.records.push(stored);
                }
                None if self.follow()? => {}
                None => {
                    part.is_end = true;
                    break;
                }
            }
        }
        Ok(part)
    }

    /// The next record of the segment that is open.
    fn next(&mut self) -> io::Result<Option<Stored>> {
        let Some(Open { epoch, first_seq, lines, torn, .. }) = &mut self.open else { return Ok(None) };
        loop {
            let line = match lines.next() {
                Err(cause) if !self.is_lenient => return Err(cause),
                Err(_) => {
                    (self.open, self.has_passed_over) = (None, true);
                    return Ok(None);
                }
                Ok(Found::Line(_, line)) => line,
                Ok(Found::Damaged(_)) => {
                    self.damaged += 1;
                    continue;
                }
                Ok(Found::End(rest)) => {
                    *torn = rest;
                    return Ok(None);
                }
            };
            // Somebody may have given a segment the name of another.
            let is_of_it = |facts: &Facts<'_>| {
                facts.seq.is_none_or(|seq| seq >= *first_seq)
                    && facts.epoch.as_deref().is_none_or(|named| *named == **epoch)
            };
            let Some(facts) = line::facts(line).filter(is_of_it) else {
                self.damaged += 1;
                continue;
            };
            if let Some(seq) = facts.seq {
                let newest = self.newest.entry(epoch.clone()).or_default();
                if seq <= *newest {
                    continue;
                }
                *newest = seq;
            }
            let (seq, object) = (facts.seq, line::object(line));
            return Ok(Some(Stored { epoch: epoch.clone(), seq, object }));
        }
    }

    /// Goes on to the next segment; false where there is none yet.
    fn follow(&mut self) -> io::Result<bool> {
        if self.rest.is_empty() {
            self.look()?;
            // Something may have been appended before the next one began.
            if self.rest.is_empty() || self.open.is_some() {
                return Ok(!self.rest.is_empty());
            }
        }
        self.leave();
        self.enter(0)?;
        Ok(true)
    }

    /// Whoever wrote it goes on elsewhere, as it seems: its last line gets no end any more.
    fn leave(&mut self) {
        let Some(Open { path, lines, torn, .. }) = self.open.take() else { return };
        self.damaged += u64::from(torn > 0);
        self.left.insert(path, Left { offset: lines.offset(), torn });
    }

    /// Takes in which segments there are that it has not seen, and those that grew since: a copy of one, or a journal that
    /// somebody put in, may have come before what is still being written, by its name.
    fn look(&mut self) -> io::Result<()> {
        let Some(seen) = &self.seen else { return Ok(()) };
        let listed = segment::list(&self.directory)?;
        let names: HashSet<PathBuf> = listed.iter().map(|segment| segment.path.clone()).collect();
        self.left.retain(|path, _| names.contains(path));
        let is_news = |segment: &Segment| {
            let has_grown = |left: &Left| left.has_grown(&segment.path);
            !seen.contains(&segment.path) || self.left.get(&segment.path).is_some_and(has_grown)
        };
        let news = in_order(listed).into_iter().filter(is_news).collect::<Vec<_>>();
        self.rest.extend(news);
        self.seen = Some(names);
        Ok(())
    }

    /// Passes over what is older, as far as the indexes say so.
    fn enter_before(&mut self, millis: i64) -> io::Result<()> {
        // Times need not rise: what is behind the first that is not older is not looked at.
        let mut begin = None;
        for (at, segment) in self.rest.iter().enumerate() {
            let places = segment.places();
            let older = places.iter().take_while(|place| place.millis < millis).last();
            begin = older.map(|place| (at, place.seq)).or(begin);
            if places.iter().any(|place| place.millis >= millis) {
                break;
            }
        }
        if let Some((at, seq)) = begin {
            self.rest.drain(..first_copy(&self.rest, at));
            self.enter(seq)?;
        }
        Ok(())
    }

    /// Opens the next segment, where its index says that what is behind `seq` begins, or where it was left. One that is gone
    /// or not ours is passed over.
    fn enter(&mut self, seq: u64) -> io::Result<()> {
        let Some(segment) = self.rest.pop_front() else { return Ok(()) };
        let file = match segment.open() {
            Err(cause) if is_of_the_moment(&cause) => {
                if !self.is_lenient {
                    return Err(cause);
                }
                self.has_passed_over = true;
                None
            }
            opened => opened.ok(),
        };
        let left = self.left.remove(&segment.path);
        // It was no end after all.
        self.damaged -= u64::from(left.as_ref().is_some_and(|left| left.torn > 0));
        let offset = match left {
            Some(left) => left.offset,
            None if seq > 0 => offset_of(&segment, seq),
            None => 0,
        };
        self.open = file.map(|file| Open {
            path: segment.path,
            epoch: segment.epoch.as_str().into(),
            first_seq: segment.first_seq,
            lines: Lines::new(file, offset),
            torn: 0,
        });
        Ok(())
    }
}

/// Whether a file may be there and ours, though it could not be opened or read: the process or the machine has no
/// descriptor or memory left, or the disk is out of reach.
pub fn is_of_the_moment(cause: &io::Error) -> bool {
    let those = [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::EIO, libc::ESTALE, libc::ETIMEDOUT];
    cause.raw_os_error().is_some_and(|code| those.contains(&code))
}

/// Whether a journal has records of an epoch.
///
/// # Errors
/// What the system said, where that may be different in a moment.
pub fn has_epoch(directory: &Path, epoch: &str) -> io::Result<bool> {
    let listed = match private::check_directory(directory) {
        Ok(_) => segment::list(directory),
        Err(DirectoryError::Io { cause, .. }) => Err(cause),
        Err(_) => return Ok(false),
    };
    match listed {
        Ok(list) => Ok(list.iter().any(|segment| segment.epoch == epoch)),
        Err(cause) if is_of_the_moment(&cause) => Err(cause),
        Err(_) => Ok(false),
    }
}

/// Where the index says that this record or one before it stands; 0 where it does not say so truly.
fn offset_of(segment: &Segment, seq: u64) -> u64 {
    let places = segment.places();
    let Some(place) = places.iter().rev().find(|place| place.seq <= seq) else { return 0 };
    let Ok(file) = segment.open() else { return 0 };
    match Lines::new(file, place.offset).next() {
        Ok(Found::Line(_, line)) if line::facts(line).and_then(|facts| facts.seq) == Some(place.seq) => {
            place.offset
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::index;
    use crate::journal::testing::{batch, numbers, numbers_from, write};
    use std::fs;

    fn after(seq: u64) -> From {
        From::After { epoch: "e".into(), seq }
    }

    #[test]
    fn a_reader_begins_behind_any_number() {
        let base = tempfile::tempdir().unwrap();
        write(base.path(), "e", 1..3001, 100_000);
        for seq in [0, 1, 99, 100, 1234, 2999, 3000, 9999] {
            let expected: Vec<u64> = (seq + 1..3001).collect();
            assert_eq!(numbers_from(base.path(), &after(seq)), expected, "{seq}");
        }
        let other = From::After { epoch: "other".into(), seq: 5 };
        assert_eq!(numbers_from(base.path(), &other).len(), 3000);
    }

    #[test]
    fn a_later_epoch_follows_an_earlier_one() {
        let base = tempfile::tempdir().unwrap();
        write(base.path(), "e", 1..11, 1000);
        write(base.path(), "a", 1..6, 1000);
        let expected: Vec<u64> = (9..11).chain(1..6).collect();
        assert_eq!(numbers_from(base.path(), &after(8)), expected);
    }

    #[test]
    fn what_is_appended_after_the_end_is_read_from_there_on() {
        let base = tempfile::tempdir().unwrap();
        let mut writer = write(base.path(), "e", 1..6, 1000);
        let mut cursor = Cursor::open(base.path(), &From::Start).unwrap();
        assert_eq!(cursor.read(usize::MAX).unwrap().records.len(), 5);
        for first in (6..60).step_by(6) {
            writer.append(&batch(first..first + 6)).unwrap();
            let part = cursor.read(usize::MAX).unwrap();
            let found: Vec<_> = part.records.iter().filter_map(|stored| stored.seq).collect();
            assert_eq!((found, part.is_end), ((first..first + 6).collect(), true));
        }
        assert_eq!(cursor.damaged(), 0);
    }

    #[test]
    fn a_copy_of_a_segment_adds_nothing_wherever_it_stands() {
        let base = tempfile::tempdir().unwrap();
        write(base.path(), "e", 1..61, 1500);
        let segments = segment::list(base.path()).unwrap();
        assert!(segments.len() > 3);
        for (number, original) in segments.iter().enumerate() {
            for ordinal in [0, 900 + u32::try_from(number).unwrap()] {
                let copy = Segment::new(base.path(), ordinal, "e", original.first_seq);
                fs::copy(&original.path, &copy.path).unwrap();
                assert_eq!(numbers(base.path()), (1..61).collect::<Vec<_>>(), "{}", copy.path.display());
            }
        }
    }

    /// What a reader has that was open before somebody put something into a journal that is written, and what those have
    /// that begin behind it or with a time.
    fn goes_on_beside(put: impl Fn(&Path, &[Segment])) {
        let base = tempfile::tempdir().unwrap();
        let mut writer = write(base.path(), "e", 1..61, 1500);
        let mut early = Cursor::open(base.path(), &From::Start).unwrap();
        let mut read = Vec::new();
        let mut go_on = |cursor: &mut Cursor| {
            loop {
                let part = cursor.read(1000).unwrap();
                let of_it = part.records.iter().filter(|stored| *stored.epoch == *"e");
                read.extend(of_it.filter_map(|stored| stored.seq));
                if part.is_end {
                    return std::mem::take(&mut read);
                }
            }
        };
        let mut all = go_on(&mut early);
        put(base.path(), &segment::list(base.path()).unwrap());
        let froms = [after(20), after(59), From::Since { millis: 30 }, From::Start];
        let mut late = froms.map(|from| (Cursor::open(base.path(), &from).unwrap(), Vec::new()));
        for number in 61..121 {
            writer.append(&batch(number..number + 1)).unwrap();
            all.extend(go_on(&mut early));
            for (cursor, read) in &mut late {
                read.extend(go_on(cursor));
            }
        }
        assert!(writer.segment().unwrap().ordinal > 6);
        assert_eq!(all, (1..121).collect::<Vec<_>>());
        assert_eq!(early.damaged(), 0);
        for ((cursor, read), first) in late.iter().zip([21, 60, 30, 1]) {
            assert!(read[0] <= first && *read == (read[0]..121).collect::<Vec<_>>(), "{first}: {read:?}");
            assert_eq!(cursor.damaged(), 0);
        }
    }

    #[test]
    fn a_copy_of_a_segment_put_into_a_journal_that_is_written_hides_nothing() {
        let copy = |directory: &Path, of: &Segment, ordinal| {
            let copy = Segment::new(directory, ordinal, &of.epoch, of.first_seq);
            fs::copy(&of.path, &copy.path).unwrap();
        };
        goes_on_beside(|directory, segments| copy(directory, &segments[0], 50));
        goes_on_beside(|directory, segments| copy(directory, segments.last().unwrap(), 50));
        goes_on_beside(|directory, segments| {
            for (of, ordinal) in segments.iter().zip(0..) {
                copy(directory, of, if ordinal % 2 == 0 { 900 } else { 0 });
            }
        });
        // Of another numbering, that somebody has put back.
        let other = tempfile::tempdir().unwrap();
        write(other.path(), "a", 1..61, 1500);
        goes_on_beside(|directory, _| {
            for of in segment::list(other.path()).unwrap() {
                copy(directory, &of, of.ordinal + 40);
            }
        });
    }

    #[test]
    fn the_end_of_a_segment_is_read_without_the_rest() {
        let base = tempfile::tempdir().unwrap();
        write(base.path(), "e", 1..3001, u64::MAX);
        let segment = segment::list(base.path()).unwrap().remove(0);
        let read = || {
            let part = Cursor::at_end_of(&segment).read(usize::MAX).unwrap();
            part.records.iter().filter_map(|stored| stored.seq).collect::<Vec<_>>()
        };
        let first = read()[0];
        assert!(first > 1 && read() == (first..3001).collect::<Vec<_>>(), "{first}");
        fs::remove_file(segment.index()).unwrap();
        assert_eq!(read(), (1..3001).collect::<Vec<_>>());
    }

    #[test]
    fn an_index_that_lies_is_not_believed() {
        let base = tempfile::tempdir().unwrap();
        write(base.path(), "e", 1..2001, u64::MAX);
        let segment = segment::list(base.path()).unwrap().remove(0);
        let place = |seq, offset| index::Place { seq, offset, millis: 0 }.line();
        for lie in [place(3, 40_000), place(1500, 7), place(2, u64::MAX), b"garbage\n".to_vec()] {
            fs::write(segment.index(), lie).unwrap();
            assert_eq!(numbers_from(base.path(), &after(1600)), (1601..2001).collect::<Vec<_>>());
        }
    }
}
