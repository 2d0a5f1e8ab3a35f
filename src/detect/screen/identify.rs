//! Which of the lines that are there now are which of those before: they stood, they are painted again,
//! or they are new. It changes nothing and emits nothing.

use std::ops::Range;
use std::time::Duration;

use super::align::align;
use super::reprint::Record;
use super::rows::Row;
use super::shown::Shown;

/// What is known when the screen is looked at again.
pub(super) struct Before<'a> {
    /// The lines it showed.
    pub(super) shown: &'a [Shown],
    /// All lines emitted.
    pub(super) record: &'a Record,
    /// The place in the record after the last line that scrolled off.
    pub(super) scrolled: usize,
    /// The program paints its whole conversation again now and then.
    pub(super) claude: bool,
    /// The screen was wiped, or the cursor sent home, since.
    pub(super) repainted: bool,
    pub(super) cols: usize,
}

impl Before<'_> {
    /// Finds out which of the lines stood before, which are painted again, and which are new.
    pub(super) fn identify(&self, rows: Vec<Row>, at: Duration) -> Vec<Shown> {
        let mut next: Vec<Shown> = rows.into_iter().map(|row| Shown::new(row, at)).collect();
        let mut again = if self.repainted { next.clone() } else { Vec::new() };
        self.carry_over(&mut next);
        self.recognise(&mut next);
        if self.repainted {
            // A conversation painted from its beginning repeats lines: what stood at the end of the screen
            // may be taken for an earlier one like it. Then the record knows better than the screen.
            self.compare(&mut again);
            let known =
                |lines: &[Shown]| lines.iter().filter(|line| line.stood || line.place.is_some()).count();
            if known(&again) > known(&next) {
                return again;
            }
        }
        next
    }

    /// What stood before keeps its age and its place.
    fn carry_over(&self, next: &mut [Shown]) {
        let hashes = |shown: &[Shown]| shown.iter().map(|shown| shown.row.hash).collect::<Vec<_>>();
        let was = align(&hashes(self.shown), &hashes(next));
        for (shown, old) in next.iter_mut().zip(was) {
            if let Some(old) = old {
                shown.carry(&self.shown[old]);
            }
        }
    }

    /// Takes all lines for a painting of everything emitted, and what would have been emitted next.
    fn compare(&self, next: &mut [Shown]) {
        let pending: Vec<&Shown> = self.shown.iter().filter(|shown| shown.place.is_none()).collect();
        let hashes: Vec<u64> = pending.iter().map(|shown| shown.row.hash).collect();
        let (floor, end) = (if self.claude { 0 } else { self.scrolled }, self.record.end());
        let run: Vec<&Row> = next.iter().map(|shown| &shown.row).collect();
        let places = self.record.find(floor..end, &hashes, &run, self.cols);
        for (shown, place) in next.iter_mut().zip(places) {
            match place {
                Some(place) if place >= end => shown.carry(pending[place - end]),
                place => shown.place = place,
            }
        }
    }

    /// Finds the lines that are painted again among those that were emitted.
    fn recognise(&self, next: &mut [Shown]) {
        let mut at = 0;
        while at < next.len() {
            let length = next[at..].iter().take_while(|shown| !shown.stood).count();
            if length > 0 {
                let zone = self.zone(next, at, at + length);
                let run: Vec<&Row> = next[at..at + length].iter().map(|shown| &shown.row).collect();
                let places = self.record.find(zone, &[], &run, self.cols);
                for (shown, place) in next[at..].iter_mut().zip(places) {
                    shown.place = place;
                }
            }
            at += length + 1;
        }
    }

    /// Where in the record the lines `start..end` could be, by their neighbours.
    fn zone(&self, next: &[Shown], start: usize, end: usize) -> Range<usize> {
        let above = next[..start].iter().rev().find_map(|shown| shown.place);
        let below = next[end..].iter().find_map(|shown| shown.place);
        // Claude paints from the top what scrolled off long ago; below something that stood, nobody does.
        let painted_from_top = self.claude && !next[..start].iter().any(|shown| shown.stood);
        let floor = if painted_from_top { 0 } else { self.scrolled };
        above.map_or(floor, |place| floor.max(place + 1))..below.unwrap_or(self.record.end())
    }
}
