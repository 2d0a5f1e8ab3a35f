//! In which order the segments of a journal are read, wherever copies of some of them stand: whoever restores or saves one
//! may leave it under another name, also while it is written.

use super::segment::{self, Segment};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;

/// The segments of a journal in the order in which they are read.
///
/// # Errors
/// What the system said of the directory.
pub fn segments(directory: &Path) -> io::Result<Vec<Segment>> {
    Ok(in_order(segment::list(directory)?))
}

/// Epochs in the order in which they began, and in each the segments by their numbers: a copy of one does not come
/// before what it is a copy of.
pub(super) fn in_order(mut segments: Vec<Segment>) -> Vec<Segment> {
    let mut began: HashMap<String, u32> = HashMap::new();
    for segment in &segments {
        let first = began.entry(segment.epoch.clone()).or_insert(segment.ordinal);
        *first = segment.ordinal.min(*first);
    }
    let place = |it: &Segment| (began.get(&it.epoch).copied(), it.epoch.clone(), it.first_seq, it.ordinal);
    segments.sort_by_cached_key(place);
    segments
}

/// Whether they begin with the same record: one is a copy of the other, each perhaps of a part, or goes on where that could
/// not be written any more.
pub(super) fn are_copies(one: &Segment, other: &Segment) -> bool {
    one.epoch == other.epoch && one.first_seq == other.first_seq
}

/// The last in order with its copies: the one that is written, or was last, is among them, whatever their names.
pub(super) fn last(segments: &[Segment]) -> &[Segment] {
    segments.chunk_by(are_copies).next_back().unwrap_or_default()
}

/// The segment in which the record behind this one stands: the last of its epoch that begins at or before it, and the first
/// of its copies, for another may have less.
pub(super) fn begin(segments: &VecDeque<Segment>, epoch: &str, seq: u64) -> Option<usize> {
    let of_epoch = || segments.iter().enumerate().filter(|(_, segment)| segment.epoch == epoch);
    let before = of_epoch().take_while(|(_, segment)| segment.first_seq <= seq.saturating_add(1)).last();
    before.or_else(|| of_epoch().next()).map(|(at, _)| first_copy(segments, at))
}

/// The first of the copies of the one that stands there.
pub(super) fn first_copy(segments: &VecDeque<Segment>, at: usize) -> usize {
    let before = segments.iter().take(at).rev();
    at - before.take_while(|other| segments.get(at).is_some_and(|one| are_copies(one, other))).count()
}
