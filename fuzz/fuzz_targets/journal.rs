//! The files of a journal: whatever stands in them, what is read was written by somebody with its checksum, in order and
//! once, and whoever goes on with the journal can, and is read.

#![no_main]

use claude_mpm::journal::{
    Batch, Cursor, From, Journal, Retention, Segment, Stored, closed, label, segments, sweep,
};
use claude_mpm_fuzz::journal_files::{Files, LATER, Line};
use libfuzzer_sys::fuzz_target;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, SystemTime};

fuzz_target!(|data: &[u8]| {
    let files = Files::of(data);
    let directory = files.directory();
    let before = read(directory, &From::Start);
    let written = written(directory);
    holds(&written, &before);
    for number in [0, 1, 7, u64::MAX] {
        from_number_on(directory, &before, number);
    }
    _ = (closed(directory), label(directory));
    goes_on(directory, &written, &before);
    let keep = Retention { max_age: Duration::MAX, max_bytes: 0 };
    _ = sweep(files.above(), &keep, SystemTime::now());
});

fn read(directory: &Path, from: &From) -> Vec<Stored> {
    let mut cursor = Cursor::open(directory, from).expect("a directory that can be listed");
    let mut found = Vec::new();
    loop {
        let part = cursor.read(100).expect("files that can be read");
        found.extend(part.records);
        if part.is_end {
            return found;
        }
    }
}

/// What is in the files, one after the other.
fn written(directory: &Path) -> Vec<(Segment, Line)> {
    let segments = segments(directory).expect("a directory that can be listed").into_iter();
    let lines = segments.flat_map(|segment| {
        Files::whole_lines(&segment.path).into_iter().map(move |line| (segment.clone(), line))
    });
    lines.collect()
}

/// Whether a segment of this name may have it: others are somebody's who gave it that name, and left out.
fn is_at_home((segment, line): &&(Segment, Line)) -> bool {
    line.is_record
        && line.seq.is_none_or(|seq| seq >= segment.first_seq)
        && line.epoch.as_ref().is_none_or(|epoch| *epoch == segment.epoch)
}

/// Whether the numbers of each epoch rise, as they do in what a hub writes.
fn is_in_order<'a>(written: impl Iterator<Item = &'a (Segment, Line)>) -> bool {
    let mut newest: HashMap<&str, u64> = HashMap::new();
    written.filter_map(|(segment, line)| Some((&segment.epoch, line.seq?))).all(|(epoch, seq)| {
        let last = newest.insert(epoch, seq).unwrap_or(0);
        last < seq
    })
}

/// Nothing is invented, nothing is told twice, and where the numbers rise nothing is left out.
fn holds(written: &[(Segment, Line)], found: &[Stored]) {
    rises(found);
    let objects: HashSet<(&str, &[u8])> =
        written.iter().map(|(segment, line)| (segment.epoch.as_str(), line.object.as_slice())).collect();
    for stored in found {
        assert!(objects.contains(&(&*stored.epoch, &stored.object)), "invented: {stored:?}");
    }
    let at_home = || written.iter().filter(is_at_home);
    let records = at_home().count();
    assert!(!is_in_order(at_home()) || records == found.len(), "{} of {records} found", found.len());
}

fn rises(found: &[Stored]) {
    let mut newest: HashMap<&str, u64> = HashMap::new();
    for stored in found {
        let Some(seq) = stored.seq else { continue };
        let last = newest.insert(&stored.epoch, seq).unwrap_or(0);
        assert!(last < seq, "{} after {last}", seq);
    }
}

/// The index and the names are hints: what they hide is hidden by a name that lies, and nothing else comes of them.
fn from_number_on(directory: &Path, all: &[Stored], number: u64) {
    let epoch = "e";
    let found = read(directory, &From::After { epoch: epoch.into(), seq: number });
    rises(&found);
    let is_known = segments(directory).expect("a directory").iter().any(|segment| segment.epoch == epoch);
    for stored in &found {
        assert!(
            !is_known || &*stored.epoch != epoch || stored.seq.is_none_or(|seq| seq > number),
            "{stored:?}"
        );
        assert!(all.contains(stored) || stored.seq.is_some(), "{stored:?}");
    }
    assert!(is_known || found == all, "an epoch that is not there begins with the first record");
}

/// What was there stays, and what is appended is read behind it.
fn goes_on(directory: &Path, written: &[(Segment, Line)], before: &[Stored]) {
    let journal = Journal::open(directory).expect("a start is never refused");
    let records = || written.iter().filter_map(|(segment, line)| Some((&segment.epoch, line.seq?)));
    let last = journal.last().map(|last| (&last.epoch, last.last_seq));
    assert!(last.is_none_or(|last| records().any(|record| record == last)), "invented: {last:?}");
    assert!(!is_in_order(written.iter()) || last == records().next_back(), "{last:?} is not the last");
    let mut writer = journal.writer(LATER, 200);
    for seq in 1..4 {
        let mut batch = Batch::default();
        assert!(batch.push(seq, 0, format!(r#"{{"later":true,"seq":{seq}}}"#).as_bytes()));
        writer.append(&batch).expect("room");
    }
    writer.finish(3).expect("room");
    assert_eq!(closed(directory).map(|end| (end.epoch, end.last_seq)), Some((LATER.to_owned(), 3)));
    let after = read(directory, &From::Start);
    let (old, new): (Vec<_>, Vec<_>) = after.into_iter().partition(|stored| &*stored.epoch != LATER);
    assert_eq!(old, before, "what was there before");
    assert_eq!(new.iter().filter_map(|stored| stored.seq).collect::<Vec<_>>(), [1, 2, 3]);
}
