//! Journals for unit tests.

use super::{Batch, Cursor, From, Journal, Writer};
use std::ops::Range;
use std::path::Path;

/// The record with this number.
pub(super) fn object(seq: u64) -> String {
    format!(r#"{{"type":"line","seq":{seq},"data":{{"content":"line {seq} of the output"}}}}"#)
}

/// These records.
pub(super) fn batch(numbers: Range<u64>) -> Batch {
    let mut batch = Batch::default();
    for seq in numbers {
        assert!(batch.push(seq, i64::try_from(seq).unwrap(), object(seq).as_bytes()));
    }
    batch
}

/// A journal with these records, five in a batch.
pub(super) fn write(directory: &Path, epoch: &str, numbers: Range<u64>, segment_bytes: u64) -> Writer {
    let mut writer = Journal::open(directory).unwrap().writer(epoch, segment_bytes);
    for first in numbers.clone().step_by(5) {
        writer.append(&batch(first..numbers.end.min(first + 5))).unwrap();
    }
    writer
}

/// The numbers of all records there are, each of which is as it was written.
pub(super) fn numbers(directory: &Path) -> Vec<u64> {
    numbers_from(directory, &From::Start)
}

/// Those from there on.
pub(super) fn numbers_from(directory: &Path, from: &From) -> Vec<u64> {
    let mut cursor = Cursor::open(directory, from).unwrap();
    let mut numbers = Vec::new();
    loop {
        let part = cursor.read(1000).unwrap();
        for stored in &part.records {
            let seq = stored.seq.unwrap();
            assert_eq!(stored.object, object(seq).as_bytes(), "invented");
            numbers.push(seq);
        }
        if part.is_end {
            return numbers;
        }
    }
}
