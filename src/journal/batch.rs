//! Records on their way to the disk: sealed lines behind one another, to be written at once. Pure.

use super::index::{EVERY, Place};
use super::line;

/// Lines of consecutive writes. It can be used again once it is cleared.
#[derive(Debug, Default)]
pub struct Batch {
    lines: Vec<u8>,
    /// Offsets count from the beginning of the batch.
    places: Vec<Place>,
    records: usize,
    last_seq: u64,
    /// Of all records, Unix milliseconds.
    newest: Option<i64>,
}

impl Batch {
    /// Takes in a record: its number, its time in Unix milliseconds, and the JSON object on one line that it is. False, and
    /// nothing taken, where it is none or too long ([`line::MAX_LINE`]).
    pub fn push(&mut self, seq: u64, millis: i64, object: &[u8]) -> bool {
        let offset = self.lines.len() as u64;
        if !line::seal(object, &mut self.lines) {
            return false;
        }
        let newest = self.newest.map_or(millis, |newest| newest.max(millis));
        self.newest = Some(newest);
        if self.places.last().is_none_or(|last| offset - last.offset >= EVERY) {
            self.places.push(Place { seq, offset, millis: newest });
        }
        self.records += 1;
        self.last_seq = seq;
        true
    }

    /// Takes in what has no number: a remark for readers.
    pub fn remark(&mut self, object: &[u8]) -> bool {
        line::seal(object, &mut self.lines)
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Bytes to write.
    pub fn bytes(&self) -> usize {
        self.lines.len()
    }

    /// How many records there are.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Number of the last record; 0 when there is none.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.places.clear();
        (self.records, self.last_seq, self.newest) = (0, 0, None);
    }

    pub(super) fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// The newest time of its records, Unix milliseconds; `None` when there is none.
    pub(super) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// The first place is that of the first record.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }
}
