//! Where some records of a segment stand, so that a reader need not begin at its first byte. A hint and no more: what it
//! says is believed only where the record is found there.

use super::line;
use serde::{Deserialize, Serialize};

/// Bytes between two records that have an entry.
pub(super) const EVERY: u64 = 64 << 10;

/// One record's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its number.
    pub seq: u64,
    /// Bytes of the segment before it.
    pub offset: u64,
    /// The newest time of all records of the journal up to it, its own too, Unix milliseconds: times need not rise.
    pub millis: i64,
}

impl Place {
    /// Its line in the index.
    pub fn line(self) -> Vec<u8> {
        let mut sealed = Vec::new();
        let object = serde_json::to_vec(&self).unwrap_or_default();
        line::seal(&object, &mut sealed);
        sealed
    }
}

/// The entries of an index, as far as they are whole and go upwards.
pub(super) fn read(text: &[u8]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for entry in text.split(|byte| *byte == b'\n').filter(|entry| line::is_whole(entry)) {
        let Ok(place) = serde_json::from_slice::<Place>(entry) else { continue };
        let follows = |last: &Place| last.seq < place.seq && last.offset < place.offset;
        if places.last().is_none_or(follows) {
            places.push(place);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_back_and_damaged_ones_are_passed_over() {
        let places = [1, 5, 9].map(|seq| Place { seq, offset: seq * 100, millis: -3 });
        let mut text: Vec<u8> = places.iter().flat_map(|place| place.line()).collect();
        assert_eq!(read(&text), places);
        let middle = text.len() / 2;
        text[middle] ^= 1;
        assert_eq!(read(&text), [places[0], places[2]]);
        let again = [&text[..], &text[..]].concat();
        assert_eq!(read(&again), [places[0], places[2]], "a copy goes backwards");
    }
}
