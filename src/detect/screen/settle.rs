//! Which lines of the screen are settled: the ledger of the lines shown, each with how long it has stood
//! and whether it was emitted. It does not draw and keeps no clock.
//!
//! Lines settle in their order: when they scrolled off the top, or when they and all above have stood
//! for `AGE` outside of what is live (from the cursor on; claude's furniture).

use std::time::Duration;

use super::chrome::{self, Layout};
use super::grid::{Grid, Look};
use super::identify::Before;
use super::reprint::Record;
use super::rows::{self, Row};
use super::shown::{Part, Shown};

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

/// One look at the screen.
struct View {
    rows: Vec<Row>,
    layout: Layout,
    cols: usize,
}

impl View {
    fn of(grid: &Grid) -> Self {
        let (rows, cols) = (rows::of(grid), grid.size().0);
        let layout = chrome::layout(&rows, grid.cursor().row, cols);
        Self { rows, layout, cols }
    }
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
        } else if grid.gone.has_lines() {
            self.sample(grid, now, lines);
        }
        self.repainted |= why == Look::Before;
    }

    /// Takes in what the screen shows since `at` and what scrolled off before.
    pub(super) fn sample(&mut self, grid: &mut Grid, at: Duration, lines: &mut Vec<String>) {
        if grid.is_alternate() || self.is_lost(grid) {
            return;
        }
        let view = View::of(grid);
        self.covered = view.layout.detailed;
        if self.covered {
            grid.gone.take();
        } else {
            self.take_in(view, grid.gone.take(), at, lines);
        }
    }

    /// Claude is in the middle of painting a frame.
    pub(super) fn is_torn(&self, grid: &Grid, rests: bool) -> bool {
        let cursor = grid.cursor().row;
        self.claude
            && !grid.is_alternate()
            && !chrome::is_whole(&rows::of(grid), cursor, grid.size().0, rests)
    }

    /// More than a screenful scrolled off since the last look, and not because it is painted anew: claude has left the
    /// terminal to another program.
    pub(super) fn is_passed_by(&self, grid: &Grid) -> bool {
        !self.repainted && grid.gone.count() > grid.size().1
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
        let view = View::of(grid);
        let cols = view.cols;
        self.take_in(view, grid.gone.take(), at, lines);
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
        if self.blind && grid.gone.count() > rows {
            grid.gone.forget(rows);
            self.blind = false;
        }
        self.blind
    }

    fn take_in(&mut self, mut view: View, gone: Vec<String>, at: Duration, lines: &mut Vec<String>) {
        self.claude |= view.layout.claude;
        let furniture = view.rows.split_off(view.layout.furniture);
        let count = gone.len();
        let rows = gone.into_iter().map(Row::new).chain(view.rows).collect();
        let mut next = self.before(view.cols).identify(rows, at);
        next.extend(furniture.into_iter().map(|row| Shown::new(row, at)));
        self.shown = next.split_off(count);
        for left in next {
            self.leave(left, view.cols, lines);
        }
        self.repainted = false;
        self.classify(&view.layout, at);
    }

    fn before(&self, cols: usize) -> Before<'_> {
        let Self { shown, record, scrolled, claude, repainted, .. } = self;
        Before { shown, record, scrolled: *scrolled, claude: *claude, repainted: *repainted, cols }
    }

    /// A line left the screen: what it says is final.
    fn leave(&mut self, mut left: Shown, cols: usize, lines: &mut Vec<String>) {
        let pushed_out = self.reflowed && left.stood && left.part == Part::Live;
        let furniture = self.claude && (pushed_out || chrome::is_transient(&left.row.text));
        if left.place.is_none() && !furniture {
            left.place = Some(self.record.push(&left.row, cols));
            lines.push(left.row.text);
        }
        self.scrolled = left.place.map_or(self.scrolled, |place| self.scrolled.max(place + 1));
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
