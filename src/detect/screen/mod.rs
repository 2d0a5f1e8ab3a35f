//! Settled lines of text out of the raw bytes of a PTY: each line once, with real spaces and without
//! escapes, however often the program paints it. Also the window titles it sets.
//!
//! It is pure: the time is given, nothing is read or written. It does not know agents, tickets or
//! events, and it does not say what the screen looks like.
//!
//! # Theory of operation
//!
//! A stream is *plain* (`plain`) as long as text only ever goes on to the next line: a line settles at
//! its LF, and the emulator does nothing. With the first sequence that addresses the cursor the
//! emulator (`grid`) draws what it missed, and from then on the stream is *drawn*: when it rests, the
//! lines on the screen (`rows`) are compared with those shown before (`align`), those painted again are
//! recognised (`reprint`), claude's furniture is set apart (`chrome`), and what scrolled off or stood
//! long enough settles (`settle`). When everything settled and the cursor is on an empty line below,
//! the stream is plain again.
//!
//! # Bounds
//!
//! Waiting raw bytes of plain text: 256 KiB, then all but the last screenful is dropped (its lines have
//! settled); a single line longer than that goes to the emulator, which keeps its first 128 KiB. Lines
//! that scrolled off and wait for the stream to rest: 2,048 or 1 MiB, then they settle at once. Emitted
//! lines remembered against reprints: 4,096 or 512 KiB, older ones would be emitted again. A title: 4 KiB,
//! longer ones are passed over. The screen: 2,048 columns and 512 rows, larger ones are followed as if
//! they were that large. Output waits until it is drained: drain after each call.

mod align;
mod chrome;
mod decode;
mod grid;
mod plain;
mod reprint;
mod rows;
mod settle;
mod title;

use std::collections::VecDeque;
use std::time::Duration;

use self::grid::Grid;
use self::plain::Plain;
use self::settle::Ledger;
use self::title::Titles;

/// A stream that was silent for this long rests: a frame is complete.
const REST: Duration = Duration::from_millis(20);

/// One that never rests is looked at this often.
const STALE: Duration = Duration::from_millis(100);

/// A half painted frame of a stream that was silent for this long is all there is to come.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a program said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A settled line: no escapes, no trailing spaces, never blank.
    Line(String),
    /// The window title was set.
    Title(String),
}

/// Follows one PTY. All times are counted from one fixed start and never go back.
pub struct Screen {
    size: (u16, u16),
    mode: Mode,
    plain: Plain,
    grid: Grid,
    ledger: Ledger,
    titles: Titles,
    /// When bytes last came.
    fed: Duration,
    /// When the first of the bytes came that the ledger has not looked at.
    unseen: Option<Duration>,
    /// The last time it wanted to, a frame was half painted.
    torn: bool,
    lines: Vec<String>,
    output: VecDeque<Output>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    Drawn,
}

impl Screen {
    pub fn new(cols: u16, rows: u16) -> Self {
        Self {
            size: (cols, rows),
            mode: Mode::Plain,
            plain: Plain::default(),
            grid: Grid::new(cols, rows),
            ledger: Ledger::default(),
            titles: Titles::default(),
            fed: Duration::ZERO,
            unseen: None,
            torn: false,
            lines: Vec::new(),
            output: VecDeque::new(),
        }
    }

    /// Takes what the program wrote; any cut of the stream will do.
    pub fn feed(&mut self, bytes: &[u8], now: Duration) {
        self.tick(now);
        let mut rest = bytes;
        while !rest.is_empty() {
            let (read, title) = self.titles.next(rest);
            self.read(&rest[..read], now);
            self.put_out();
            self.output.extend(title.map(Output::Title));
            rest = &rest[read..];
        }
    }

    /// The terminal has another size.
    pub fn resize(&mut self, cols: u16, rows: u16, now: Duration) {
        self.tick(now);
        if self.mode == Mode::Plain {
            self.grid.resize(cols, rows);
            self.grid.gone.take();
        } else {
            // The reflow pushes lines out; they must not be mixed up with those of the painting to come.
            self.ledger.sample(&mut self.grid, self.fed, &mut self.lines);
            self.grid.resize(cols, rows);
            self.ledger.reflow(&mut self.grid, now, &mut self.lines);
            self.put_out();
        }
        self.size = (cols, rows);
    }

    /// Settles what is old enough.
    pub fn tick(&mut self, now: Duration) {
        if self.mode == Mode::Plain {
            return;
        }
        if self.look_at().is_some_and(|due| now >= due) {
            let rests = now >= self.fed + REST;
            self.torn = now < self.fed + PATIENCE && self.ledger.is_torn(&self.grid, rests);
            self.unseen = self.torn.then_some(now);
            if !self.torn {
                self.ledger.sample(&mut self.grid, self.fed, &mut self.lines);
            }
        }
        if self.unseen.is_none() {
            self.ledger.settle(now, self.grid.size().0, &mut self.lines);
            self.return_to_plain();
        }
        self.put_out();
    }

    /// When `tick` is to be called next, if no bytes come before.
    pub fn deadline(&self) -> Option<Duration> {
        match self.mode {
            Mode::Plain => None,
            Mode::Drawn => self.look_at().or_else(|| self.ledger.deadline()),
        }
    }

    /// The program ended: all that is left is final.
    pub fn finish(&mut self) {
        match self.mode {
            Mode::Plain => self.plain.finish(self.size.0, &mut self.lines),
            Mode::Drawn => {
                let (ledger, lines, fed) = (&mut self.ledger, &mut self.lines, self.fed);
                self.grid.end(|grid, why| ledger.look(grid, why, fed, lines));
                ledger.finish(&mut self.grid, fed, lines);
            }
        }
        self.unseen = None;
        self.put_out();
    }

    /// Bytes were skipped. The screen is not known until it is painted anew (or a screenful of lines
    /// scrolled off); of plain text the line that was cut is lost. What was emitted stays known.
    pub fn restart(&mut self) {
        let alternate = self.grid.is_alternate();
        self.grid = Grid::new(self.size.0, self.size.1);
        self.titles = Titles::default();
        self.unseen = None;
        if self.mode == Mode::Plain {
            self.plain = Plain::torn();
            return;
        }
        self.ledger.lose();
        if alternate {
            self.grid.feed(b"\x1b[?1049h", |_, _| {});
        }
    }

    /// What settled since the last call, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = Output> + '_ {
        self.output.drain(..)
    }

    fn read(&mut self, bytes: &[u8], now: Duration) {
        if self.mode == Mode::Drawn {
            return self.draw(bytes, now);
        }
        if let Some(read) = self.plain.feed(bytes, self.size, &mut self.lines) {
            let begun = self.leave_plain(now);
            self.draw(&begun, now);
            self.draw(&bytes[read..], now);
        }
    }

    /// Draws what was only read so far; returns the bytes that have to follow.
    fn leave_plain(&mut self, now: Duration) -> Vec<u8> {
        let handover = self.plain.hand_over();
        self.grid.feed(&handover.drawn, |grid, _| drop(grid.gone.take()));
        self.grid.gone.take();
        self.ledger.seed(&self.grid, now);
        self.mode = Mode::Drawn;
        handover.begun
    }

    fn draw(&mut self, bytes: &[u8], now: Duration) {
        let (ledger, lines) = (&mut self.ledger, &mut self.lines);
        self.grid.feed(bytes, |grid, why| ledger.look(grid, why, now, lines));
        self.fed = now;
        self.torn = false;
        self.unseen.get_or_insert(now);
    }

    /// When the ledger has to look: at rest, or now and then in a stream that never rests.
    fn look_at(&self) -> Option<Duration> {
        let rest = self.fed + if self.torn { PATIENCE } else { REST };
        self.unseen.map(|first| rest.min(first + STALE))
    }

    fn return_to_plain(&mut self) {
        let cursor = self.grid.cursor();
        if cursor.col == 0 && self.grid.is_ordinary() && self.ledger.is_done_above(cursor.row) {
            self.mode = Mode::Plain;
            self.ledger = Ledger::default();
        }
    }

    fn put_out(&mut self) {
        self.output.extend(self.lines.drain(..).map(Output::Line));
    }
}

#[cfg(test)]
mod tests;
