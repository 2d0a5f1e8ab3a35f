//! What has been emitted, as far back as claude may paint it again, and the question whether lines that
//! appear are some of it. It does not look at the screen and emits nothing.

use std::collections::VecDeque;
use std::ops::Range;

use super::align::align;
use super::rows::Row;

/// So many lines are remembered, and so much text; a reprint of what is older is taken for new.
const MAX_LINES: usize = 4096;
const MAX_BYTES: usize = 512 * 1024;
/// A short line is only looked for this near: the next `}` is not the one of long ago.
const SHORT: usize = 12;
const NEAR: usize = 256;

#[derive(Default)]
pub(super) struct Record {
    lines: VecDeque<Known>,
    bytes: usize,
    /// How many lines were forgotten: the place of the first one in `lines`.
    forgotten: usize,
}

struct Known {
    key: String,
    hash: u64,
    /// The width it was emitted at.
    cols: usize,
}

impl Record {
    /// Remembers an emitted line; its place, counted from the first ever.
    pub(super) fn push(&mut self, row: &Row, cols: usize) -> usize {
        self.bytes += row.key.len();
        self.lines.push_back(Known { key: row.key.clone(), hash: row.hash, cols });
        while self.lines.len() > MAX_LINES || self.bytes > MAX_BYTES {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.key.len());
            self.forgotten += 1;
        }
        self.end() - 1
    }

    /// The place after the last line.
    pub(super) fn end(&self) -> usize {
        self.forgotten + self.lines.len()
    }

    /// Which of `run` are lines emitted at the places `zone`, in order; `pending` are lines that will
    /// follow the record: they have the places after its end.
    pub(super) fn find(
        &self,
        zone: Range<usize>,
        pending: &[u64],
        run: &[&Row],
        cols: usize,
    ) -> Vec<Option<usize>> {
        let start = zone.start.clamp(self.forgotten, self.end());
        let end = zone.end.clamp(start, self.end());
        let zone: Vec<&Known> = self.lines.range(start - self.forgotten..end - self.forgotten).collect();
        let old: Vec<u64> = zone.iter().map(|known| known.hash).chain(pending.iter().copied()).collect();
        let new: Vec<u64> = run.iter().map(|row| row.hash).collect();
        let mut places = align(&old, &new);
        if zone.iter().any(|known| known.cols != cols) {
            rewrapped(&zone, run, &mut places);
        }
        places.into_iter().map(|place| place.map(|at| at + start)).collect()
    }
}

/// Finds the lines that are wrapped or cut at another place than when they were emitted.
fn rewrapped(zone: &[&Known], run: &[&Row], places: &mut [Option<usize>]) {
    let mut text = Concatenation::new(zone);
    for (at, row) in run.iter().enumerate() {
        match places[at] {
            Some(place) => text.at = text.ends.get(place).map_or(text.text.len(), |end| text.at.max(*end)),
            None => places[at] = text.find(&row.key),
        }
    }
}

/// Emitted lines without the places where they were wrapped.
struct Concatenation {
    text: String,
    /// Where each line ends in `text`.
    ends: Vec<usize>,
    at: usize,
}

impl Concatenation {
    fn new(zone: &[&Known]) -> Self {
        let (mut text, mut ends) = (String::new(), Vec::with_capacity(zone.len()));
        for known in zone {
            text.push_str(&known.key);
            ends.push(text.len());
        }
        Self { text, ends, at: 0 }
    }

    /// The line in which `key` begins, at or after the last one found.
    fn find(&mut self, key: &str) -> Option<usize> {
        let whole = key.rsplit_once('…').map_or(key, |(kept, _)| kept);
        let key = if whole.len() >= SHORT { whole } else { key };
        let start = self.at + self.text[self.at..].find(key)?;
        if key.len() < SHORT && start > self.at + NEAR {
            return None;
        }
        let line = self.ends.partition_point(|end| *end <= start);
        self.at = start + key.len();
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(emitted: &[&str], cols: usize, run: &[&str]) -> Vec<Option<usize>> {
        let mut record = Record::default();
        for line in emitted {
            record.push(&Row::new((*line).to_owned()), cols);
        }
        let rows: Vec<Row> = run.iter().map(|line| Row::new((*line).to_owned())).collect();
        record.find(0..record.end(), &[], &rows.iter().collect::<Vec<_>>(), 40)
    }

    #[test]
    fn a_line_that_was_emitted_is_found_in_order() {
        let emitted = ["a", "b", "a", "c"];
        assert_eq!(found(&emitted, 40, &["a", "x", "c"]), [Some(0), None, Some(3)]);
        assert_eq!(found(&emitted, 40, &["c", "a"]), [Some(3), None]);
    }

    #[test]
    fn a_paragraph_wrapped_at_another_width_is_the_same_paragraph() {
        let emitted = ["● one two three four five six", "  seven eight", "● Bash(a long command with words)"];
        let narrow =
            ["● one two three", "  four five six", "  seven", "  eight", "● Bash(a long com…)", "new"];
        let expected = [Some(0), Some(0), Some(1), Some(1), Some(2), None];
        assert_eq!(found(&emitted, 80, &narrow), expected);
    }

    #[test]
    fn a_part_of_a_line_is_not_that_line_at_the_same_width() {
        assert_eq!(found(&["total 100"], 40, &["total 10"]), [None]);
    }

    #[test]
    fn what_is_forgotten_is_new() {
        let mut record = Record::default();
        for n in 0..2 * MAX_LINES {
            record.push(&Row::new(n.to_string()), 40);
        }
        let (old, late) = (Row::new("0".into()), Row::new((2 * MAX_LINES - 1).to_string()));
        assert_eq!(record.find(0..record.end(), &[], &[&old, &late], 40), [None, Some(2 * MAX_LINES - 1)]);
        assert_eq!(record.lines.len(), MAX_LINES);
    }
}
