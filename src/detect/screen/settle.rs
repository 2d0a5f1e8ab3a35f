//! Which lines of the screen are settled: the ledger of the lines shown, each with how long it has stood
//! and whether it was emitted. It does not draw and keeps no clock.
//!
//! Lines settle in their order: when they scrolled off the top, or when they and all above have stood
//! for `AGE` outside of what is live (from the cursor on; claude's furniture).

use std::ops::Range;
use std::time::Duration;

use super::align::align;
use super::chrome::{self, Layout};
use super::grid::{Grid, Look};
use super::reprint::Record;
use super::rows::{self, Row};

/// How long a line must have stood unchanged.
pub(super) const AGE: Duration = Duration::from_millis(250);
/// How long one that looks unfinished must have, when claude is not at work.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Default)]
pub(super) struct Ledger {
    shown: Vec<Shown>,
    record: Record,
    /// The place in the record after the last line that scrolled off.
    scrolled: usize,
    claude: bool,
    /// Claude is at work: what is held stays held.
    busy: bool,
    /// Another rendering of the conversation covers it: nothing settles.
    covered: bool,
    /// The screen was wiped, or the cursor sent home, since the last look.
    repainted: bool,
    /// The terminal was resized since: what left the screen left because of that.
    reflowed: bool,
    /// Bytes were skipped: the screen is not what the emulator says, until it is painted anew.
    blind: bool,
}

#[derive(Clone)]
struct Shown {
    row: Row,
    /// Its place in the record, once it was emitted.
    place: Option<usize>,
    /// It was on the screen before this look, too.
    stood: bool,
    since: Duration,
    part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Text,
    Held,
    Live,
}

impl Ledger {
    /// The emulator drew lines that were emitted without it: all above the cursor.
    pub(super) fn seed(&mut self, grid: &Grid, now: Duration) {
        let (cursor, cols) = (grid.cursor().row, grid.size().0);
        self.shown = rows::of(grid).into_iter().map(|row| Shown::new(row, now)).collect();
        for shown in self.shown.iter_mut().filter(|shown| shown.row.last < cursor) {
            shown.place = Some(self.record.push(&shown.row, cols));
        }
    }

    /// Looks at an exact place in the stream.
    pub(super) fn look(&mut self, grid: &mut Grid, why: Look, now: Duration, lines: &mut Vec<String>) {
        if why == Look::Before && self.blind {
            grid.wipe();
            grid.gone.take();
            self.blind = false;
        } else if grid.gone.len() > 0 {
            self.sample(grid, now, lines);
        }
        self.repainted |= why == Look::Before;
    }

    /// Takes in what the screen shows since `at` and what scrolled off before.
    pub(super) fn sample(&mut self, grid: &mut Grid, at: Duration, lines: &mut Vec<String>) {
        if grid.is_alternate() || self.is_lost(grid) {
            return;
        }
        let (rows, cols) = (rows::of(grid), grid.size().0);
        let layout = chrome::layout(&rows, grid.cursor().row, cols);
        self.covered = layout.detailed;
        if self.covered {
            grid.gone.take();
        } else {
            self.claude |= layout.claude;
            self.take_in(rows, layout.furniture, grid, at, lines);
            self.classify(&layout, at);
        }
    }

    /// Claude is in the middle of painting a frame.
    pub(super) fn is_torn(&self, grid: &Grid, rests: bool) -> bool {
        let cursor = grid.cursor().row;
        self.claude && !grid.is_alternate() && !chrome::is_whole(&rows::of(grid), cursor, grid.size().0, rests)
    }

    /// Emits what has stood long enough.
    pub(super) fn settle(&mut self, now: Duration, cols: usize, lines: &mut Vec<String>) {
        if self.covered {
            return;
        }
        for shown in self.shown.iter_mut().filter(|shown| shown.place.is_none()) {
            if shown.ripe(self.busy).is_none_or(|ripe| now < ripe) {
                break;
            }
            shown.place = Some(self.record.push(&shown.row, cols));
            lines.push(shown.row.text.clone());
        }
    }

    /// When `settle` would emit something, if nothing changes.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let next = self.shown.iter().find(|shown| shown.place.is_none());
        next.filter(|_| !self.covered)?.ripe(self.busy)
    }

    /// The program ended: what the screen shows is final.
    pub(super) fn finish(&mut self, grid: &mut Grid, at: Duration, lines: &mut Vec<String>) {
        if self.is_lost(grid) {
            return;
        }
        let (rows, cols) = (rows::of(grid), grid.size().0);
        let layout = chrome::layout(&rows, grid.cursor().row, cols);
        self.take_in(rows, layout.furniture, grid, at, lines);
        for shown in self.shown.iter_mut().filter(|shown| shown.place.is_none()) {
            shown.place = Some(self.record.push(&shown.row, cols));
            lines.push(shown.row.text.clone());
        }
    }

    /// Bytes were skipped: waits for the next full painting, and knows then what it emitted before.
    pub(super) fn lose(&mut self) {
        self.shown.clear();
        self.scrolled = 0;
        self.covered = false;
        self.blind = true;
    }

    /// The terminal was resized: lines may have been pushed out by the reflow.
    pub(super) fn reflow(&mut self, grid: &mut Grid, now: Duration, lines: &mut Vec<String>) {
        self.reflowed = true;
        self.sample(grid, now, lines);
        self.reflowed = false;
    }

    /// Everything shown was emitted, it ends above `row`, and it was no claude.
    pub(super) fn is_done_above(&self, row: usize) -> bool {
        let done = self.shown.iter().all(|shown| shown.place.is_some() && shown.row.last < row);
        done && !self.claude && !self.covered && !self.blind
    }

    /// Whether the screen is still unknown; a screenful that scrolled off makes it known.
    fn is_lost(&mut self, grid: &mut Grid) -> bool {
        let rows = grid.size().1;
        if self.blind && grid.gone.len() > rows {
            grid.gone.forget(rows);
            self.blind = false;
        }
        self.blind
    }

    fn take_in(&mut self, mut rows: Vec<Row>, furniture: usize, grid: &mut Grid, at: Duration, lines: &mut Vec<String>) {
        let (cols, reflowed) = (grid.size().0, std::mem::take(&mut self.reflowed));
        let fixed = rows.split_off(furniture);
        let mut texts: Vec<Row> = grid.gone.take().into_iter().map(Row::new).collect();
        let gone = texts.len();
        texts.extend(rows);
        let mut next = self.identify(texts, at, cols);
        next.extend(fixed.into_iter().map(|row| Shown::new(row, at)));
        self.shown = next.split_off(gone);
        for mut left in next {
            let furniture = chrome::is_transient(&left.row.text) || (reflowed && left.stood && left.part == Part::Live);
            if left.place.is_none() && !(self.claude && furniture) {
                left.place = Some(self.record.push(&left.row, cols));
                lines.push(left.row.text);
            }
            self.scrolled = left.place.map_or(self.scrolled, |place| self.scrolled.max(place + 1));
        }
    }

    /// Finds out which of the lines stood before, which are painted again, and which are new.
    fn identify(&mut self, rows: Vec<Row>, at: Duration, cols: usize) -> Vec<Shown> {
        let mut next: Vec<Shown> = rows.into_iter().map(|row| Shown::new(row, at)).collect();
        let repainted = std::mem::take(&mut self.repainted);
        let mut again = if repainted { next.clone() } else { Vec::new() };
        self.carry_over(&mut next);
        self.recognise(&mut next, cols);
        if repainted {
            // A conversation painted from its beginning repeats lines: what stood at the end of the screen
            // may be taken for an earlier one like it. Then the record knows better than the screen.
            self.compare(&mut again, cols);
            let known = |lines: &[Shown]| lines.iter().filter(|line| line.stood || line.place.is_some()).count();
            if known(&again) > known(&next) {
                return again;
            }
        }
        next
    }

    /// What stood before keeps its age and its place.
    fn carry_over(&self, next: &mut [Shown]) {
        let hashes = |shown: &[Shown]| shown.iter().map(|shown| shown.row.hash).collect::<Vec<_>>();
        let was = align(&hashes(&self.shown), &hashes(next));
        for (shown, old) in next.iter_mut().zip(was) {
            if let Some(old) = old {
                shown.carry(&self.shown[old]);
            }
        }
    }

    /// Takes all lines for a painting of everything emitted, and what would have been emitted next.
    fn compare(&self, next: &mut [Shown], cols: usize) {
        let pending: Vec<&Shown> = self.shown.iter().filter(|shown| shown.place.is_none()).collect();
        let hashes: Vec<u64> = pending.iter().map(|shown| shown.row.hash).collect();
        let (floor, end) = (if self.claude { 0 } else { self.scrolled }, self.record.end());
        let run: Vec<&Row> = next.iter().map(|shown| &shown.row).collect();
        let places = self.record.find(floor..end, &hashes, &run, cols);
        for (shown, place) in next.iter_mut().zip(places) {
            match place {
                Some(place) if place >= end => shown.carry(pending[place - end]),
                place => shown.place = place,
            }
        }
    }

    /// Finds the lines that are painted again among those that were emitted.
    fn recognise(&self, next: &mut [Shown], cols: usize) {
        let mut at = 0;
        while at < next.len() {
            let length = next[at..].iter().take_while(|shown| !shown.stood).count();
            if length > 0 {
                let zone = self.zone(next, at, at + length);
                let run: Vec<&Row> = next[at..at + length].iter().map(|shown| &shown.row).collect();
                let places = self.record.find(zone, &[], &run, cols);
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

    fn classify(&mut self, layout: &Layout, at: Duration) {
        for (index, shown) in self.shown.iter_mut().enumerate() {
            let part = match layout.held.get(index) {
                Some(false) => Part::Text,
                Some(true) => Part::Held,
                None => Part::Live,
            };
            // Age counts from when nothing stands against it, or one torn frame would settle the furniture.
            if shown.part.is_moving(self.busy) || part.is_moving(layout.busy) {
                shown.since = at;
            }
            shown.part = part;
        }
        self.busy = layout.busy;
    }
}

impl Part {
    /// It may change at any time.
    fn is_moving(self, busy: bool) -> bool {
        match self {
            Part::Text => false,
            Part::Held => busy,
            Part::Live => true,
        }
    }
}

impl Shown {
    fn new(row: Row, since: Duration) -> Self {
        Self { row, place: None, stood: false, since, part: Part::Live }
    }

    fn carry(&mut self, old: &Self) {
        (self.place, self.since, self.part, self.stood) = (old.place, old.since, old.part, true);
    }

    /// When it has stood long enough; never as it is, if `None`.
    fn ripe(&self, busy: bool) -> Option<Duration> {
        match self.part {
            part if part.is_moving(busy) => None,
            Part::Text => Some(self.since + AGE),
            Part::Held | Part::Live => Some(self.since + PATIENCE),
        }
    }
}
