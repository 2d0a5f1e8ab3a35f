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
//! lines on the screen (`rows`) are compared with those shown before (`identify`, `align`), those painted
//! again are recognised (`reprint`), claude's furniture is set apart (`chrome`), and what scrolled off or stood
//! long enough settles (`settle`). A frame of claude's is looked at when it is painted whole, however long
//! that takes. When everything settled and the cursor is on an empty line below, the stream is plain again.
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
mod identify;
mod line;
mod plain;
mod reprint;
mod rows;
mod settle;
mod shown;
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

/// When more than a screenful scrolled off in front of what looks half painted, and the stream was silent for this long,
/// it was no frame.
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
    /// A frame was half painted when the stream came to rest.
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
    /// A blank screen of this size; a size of 0 counts as 1.
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
            // What the reflow left of claude's furniture is none any more, and no text either.
            self.unseen = Some(now);
            self.torn = false;
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
            let torn = self.is_torn(now, rests);
            self.unseen = torn.then_some(now);
            self.torn = torn && rests;
            if !torn {
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
            Mode::Drawn if self.unseen.is_some() => self.look_at(),
            Mode::Drawn => self.ledger.deadline(),
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
        // The rest that it came to before is over.
        let first = self.unseen.filter(|_| !std::mem::take(&mut self.torn));
        self.unseen = first.or(Some(now));
    }

    /// When the ledger has to look: at rest, or now and then in a stream that never rests. What was half painted when
    /// the stream came to rest is looked at when more of it comes.
    fn look_at(&self) -> Option<Duration> {
        match self.unseen {
            Some(_) if self.torn => self.ledger.is_passed_by(&self.grid).then_some(self.fed + PATIENCE),
            first => first.map(|first| (first + STALE).min(self.fed + REST)),
        }
    }

    /// A frame of claude's is half painted. How long the rest of it takes says nothing: claude may be stopped, or the
    /// machine busy.
    fn is_torn(&self, now: Duration, rests: bool) -> bool {
        let is_passed_by = now >= self.fed + PATIENCE && self.ledger.is_passed_by(&self.grid);
        !is_passed_by && self.ledger.is_torn(&self.grid, rests)
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
mod tests {
    mod slow;

    use super::shown::AGE;
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn lines(outputs: impl IntoIterator<Item = Output>) -> Vec<String> {
        let line = |output| match output {
            Output::Line(text) => Some(text),
            Output::Title(_) => None,
        };
        outputs.into_iter().filter_map(line).collect()
    }

    /// What is emitted while `parts` come, and at the end.
    fn emitted(parts: &[&[u8]]) -> (Vec<String>, Vec<String>) {
        let mut screen = Screen::new(20, 5);
        for part in parts {
            screen.feed(part, Duration::ZERO);
        }
        let live = lines(screen.drain());
        screen.finish();
        (live, lines(screen.drain()))
    }

    /// Lets time pass, calling `tick` whenever it is due.
    fn wait(screen: &mut Screen, until: Duration) {
        while let Some(due) = screen.deadline().filter(|due| *due <= until) {
            screen.tick(due);
            assert_ne!(screen.deadline(), Some(due), "the deadline must move");
        }
    }

    #[test]
    fn plain_lines_settle_at_their_end_without_waiting() {
        let table: [(&str, &[&str]); 17] = [
            ("one\r\ntwo\r\n", &["one", "two"]),
            ("one\ntwo\n", &["one", "two"]),
            ("one\r\r\ntwo\r\r\n", &["one", "two"]),
            ("\r\n  \r\n\t\r\nx\r\n", &["x"]),
            ("trailing  \t\r\n", &["trailing"]),
            ("10%\r20%\r100%\r\n", &["100%"]),
            ("downloading\r\x1b[Kdone\r\n", &["done"]),
            ("gone\r\x1b[K\r\n", &[]),
            ("\rat the beginning\r\n", &["at the beginning"]),
            ("abX\x08c\r\n", &["abc"]),
            ("\x1b[1;31mred\x1b[0m and \x1b[38;5;174mrose\x1b[m\r\n", &["red and rose"]),
            ("\x1b[01;31m\x1b[Kmatch\x1b[m\x1b[K in a line\r\n", &["match in a line"]),
            ("\x1b[?2004h\x1b[?25l\x1b]0;title\x07x\x1b[>4m\x1b[?2004l\r\n", &["x"]),
            ("a\tb\tc\r\n", &["a       b       c"]),
            ("ä\tb\r\n", &["ä       b"]),
            (
                "a line that is longer than the terminal is wide\r\n",
                &["a line that is longer than the terminal is wide"],
            ),
            ("tabbed\tbeyond\tthe\tend\r\n", &["tabbed  beyond  theend"]),
        ];
        for (bytes, expected) in table {
            assert_eq!(
                emitted(&[bytes.as_bytes()]),
                (expected.iter().map(ToString::to_string).collect(), vec![]),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn repeated_lines_are_each_emitted() {
        for repeats in [1, 39, 10_000] {
            let (live, rest) = emitted(&["y\r\n".repeat(repeats).as_bytes()]);
            assert_eq!((live.len(), rest.len()), (repeats, 0));
            let drawn = format!("\x1b[2J\x1b[H{}", "y\r\n".repeat(repeats));
            let (live, rest) = emitted(&[drawn.as_bytes()]);
            assert_eq!(live.len() + rest.len(), repeats);
        }
    }

    #[test]
    fn repeated_lines_that_aged_are_not_taken_for_those_that_follow() {
        let mut screen = Screen::new(20, 5);
        screen.feed(b"\x1b[2J\x1b[H$ \x1b[C\r", Duration::ZERO);
        let mut now = Duration::ZERO;
        for round in 1..50_u32 {
            screen.feed("y\r\n".repeat(round as usize % 7 + 1).as_bytes(), now);
            screen.feed(b"\x1b[C\r", now);
            now += 100 * MS * (round % 5);
            wait(&mut screen, now);
        }
        screen.finish();
        let expected: u32 = (1..50).map(|round| round % 7 + 1).sum();
        assert_eq!(lines(screen.drain()).len(), expected as usize);
    }

    #[test]
    fn the_last_line_needs_no_newline() {
        let table: [(&str, &[&str]); 5] = [
            ("last", &["last"]),
            ("last\x1b[0m", &["last"]),
            ("50%\r100%", &["100%"]),
            ("caf\u{e9}", &["caf\u{e9}"]),
            ("\x1b[5Cx", &["     x"]),
        ];
        for (bytes, expected) in table {
            assert_eq!(emitted(&[bytes.as_bytes()]).1, expected, "{bytes:?}");
        }
        assert_eq!(emitted(&[b"x\xe2\x94"]).1, ["x\u{fffd}"]);
    }

    #[test]
    fn words_placed_by_column_have_spaces_between_them() {
        let (_, rest) = emitted(&[b"engineer(Do\x1b[13Git\x1b[16Gnow)\r\n"]);
        assert_eq!(rest, ["engineer(Do it now)"]);
    }

    #[test]
    fn in_a_drawn_stream_lines_above_the_cursor_settle_with_age() {
        let mut screen = Screen::new(20, 5);
        screen.feed(b"\x1b[H\x1b[2Jone\r\ntwo\r\nthr", Duration::ZERO);
        wait(&mut screen, AGE - MS);
        assert_eq!(screen.drain().count(), 0);
        wait(&mut screen, AGE);
        assert_eq!(lines(screen.drain()), ["one", "two"]);
        wait(&mut screen, 100 * AGE);
        assert_eq!(screen.drain().count(), 0, "the line with the cursor is not finished");
        screen.feed(b"ee\r\n", 100 * AGE);
        wait(&mut screen, 101 * AGE);
        assert_eq!(lines(screen.drain()), ["three"]);
        screen.feed(b"four\r\n", 101 * AGE);
        assert_eq!(lines(screen.drain()), ["four"], "the stream is plain again");
    }

    #[test]
    fn a_spinner_below_does_not_keep_lines_from_settling() {
        let mut screen = Screen::new(40, 10);
        screen.feed(b"\x1b[?25h\x1b[Hone\r\n\r\ntwo\r\n\r\n", Duration::ZERO);
        for frame in 0..45 {
            let glyph = ["-", "\\", "|", "/"][frame as usize % 4];
            screen.feed(format!("\r{glyph} working\x1b[3C").as_bytes(), 10 * MS * frame);
        }
        assert_eq!(lines(screen.drain()), ["one", "two"]);
    }

    #[test]
    fn a_screen_painted_again_at_the_same_width_adds_nothing() {
        let paint = "\x1b[H\x1b[2J● a\r\n\r\n● b\r\n\r\n● a\r\n\r\n─────────────────────────────\r\n❯ \r\n─────────────────────────────\r\n\x1b[2A\x1b[2C";
        let mut screen = Screen::new(30, 20);
        for round in 0..5 {
            screen.feed(paint.as_bytes(), 1000 * MS * round);
            wait(&mut screen, 1000 * MS * round + 900 * MS);
        }
        assert_eq!(lines(screen.drain()), ["● a", "● b", "● a"]);
    }

    #[test]
    fn a_long_conversation_painted_again_from_its_beginning_adds_nothing() {
        let said: String = (0..200).map(|n| format!("● line {}\r\n\r\n", n % 90)).collect();
        let prompt = format!("{0}\r\n❯ \r\n{0}\r\n\x1b[2A\x1b[2C", "─".repeat(30));
        let mut screen = Screen::new(30, 20);
        screen.feed(format!("\x1b[H{said}{prompt}").as_bytes(), Duration::ZERO);
        wait(&mut screen, 500 * MS);
        assert_eq!(lines(screen.drain()).len(), 200);
        screen.feed(format!("\x1b[2J\x1b[3J\x1b[H{said}● new\r\n\r\n{prompt}").as_bytes(), 600 * MS);
        wait(&mut screen, 1000 * MS);
        assert_eq!(lines(screen.drain()), ["● new"]);
    }

    #[test]
    fn a_conversation_wrapped_anew_at_another_width_adds_nothing_there_and_back() {
        let wide = "● one two three four five six seven eight\r\n  nine ten\r\n\r\n● Bash(echo eleven twelve thirteen fourteen)\r\n\r\n";
        let narrow = "● one two three four\r\n  five six seven\r\n  eight nine ten\r\n\r\n● Bash(echo eleven twe…)\r\n\r\n";
        let prompt = |cols| format!("{0}\r\n❯ \r\n{0}\r\n\x1b[2A\x1b[2C", "─".repeat(cols));
        let mut screen = Screen::new(50, 20);
        screen.feed(format!("\x1b[H{wide}{}", prompt(50)).as_bytes(), Duration::ZERO);
        wait(&mut screen, 1000 * MS);
        assert_eq!(lines(screen.drain()).len(), 3);
        for (at, cols, said) in [(2, 25, narrow), (4, 50, wide), (6, 25, narrow)] {
            let now = 1000 * MS * at;
            screen.resize(cols, 20, now);
            screen.feed(format!("\x1b[2J\x1b[H{said}{}", prompt(usize::from(cols))).as_bytes(), now + MS);
            wait(&mut screen, now + 900 * MS);
            assert_eq!(lines(screen.drain()), [""; 0], "at {cols} columns");
        }
    }

    #[test]
    fn the_alternate_screen_is_no_text() {
        for mode in ["1049", "1047", "47"] {
            let mut screen = Screen::new(20, 5);
            let bytes = format!("before\r\n\x1b[?{mode}h\x1b[Hfull\r\nscreen\r\n\r\n\r\n\r\n\r\n\r\n");
            screen.feed(bytes.as_bytes(), Duration::ZERO);
            wait(&mut screen, 1000 * MS);
            screen.feed(format!("\x1b[?{mode}l\x1b[2;1Hafter\r\n").as_bytes(), 2000 * MS);
            wait(&mut screen, 3000 * MS);
            assert_eq!(lines(screen.drain()), ["before", "after"], "{mode}");
        }
    }

    #[test]
    fn titles_come_in_their_place() {
        let mut screen = Screen::new(20, 5);
        screen.feed(b"a\r\n\x1b]0;t\x07b\r\n", Duration::ZERO);
        let expected = [Output::Line("a".into()), Output::Title("t".into()), Output::Line("b".into())];
        assert_eq!(screen.drain().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn after_a_restart_known_lines_are_not_emitted_again() {
        let paint = |last: &str| {
            format!(
                "\x1b[H\x1b[2J● a\r\n\r\n● b\r\n\r\n{last}{0}\r\n❯ \r\n{0}\r\n\x1b[2A\x1b[2C",
                "─".repeat(30)
            )
        };
        let mut screen = Screen::new(30, 20);
        screen.feed(paint("").as_bytes(), Duration::ZERO);
        wait(&mut screen, 500 * MS);
        assert_eq!(lines(screen.drain()), ["● a", "● b"]);
        screen.restart();
        screen.feed(b"\x1b[3Agarbage of half a frame\r\n", 600 * MS);
        wait(&mut screen, 2000 * MS);
        screen.feed(paint("● c\r\n\r\n").as_bytes(), 2100 * MS);
        wait(&mut screen, 3000 * MS);
        assert_eq!(lines(screen.drain()), ["● c"]);
    }

    #[test]
    fn after_a_restart_in_plain_text_only_the_torn_line_is_lost() {
        let mut screen = Screen::new(30, 20);
        screen.feed(b"one\r\ntw", Duration::ZERO);
        screen.restart();
        screen.feed(b"lf torn\r\nthree\r\n", MS);
        assert_eq!(lines(screen.drain()), ["one", "three"]);
    }

    #[test]
    fn a_resize_in_plain_text_changes_no_line() {
        let mut screen = Screen::new(30, 5);
        screen.feed(b"one\r\nthe second ", Duration::ZERO);
        screen.resize(10, 3, MS);
        screen.feed(b"line\r\n", MS);
        screen.feed(b"\x1b[1Ax", 2 * MS);
        screen.finish();
        assert_eq!(
            lines(screen.drain()).first_chunk(),
            Some(&["one".to_owned(), "the second line".to_owned()])
        );
    }

    #[test]
    fn an_endless_line_is_cut_and_memory_stays_bounded() {
        for start in ["", "\x1b[H"] {
            let mut screen = Screen::new(80, 5);
            screen.feed(start.as_bytes(), Duration::ZERO);
            for _ in 0..64 {
                screen.feed(&[b'x'; 16 * 1024], Duration::ZERO);
            }
            screen.feed(b"\r\nnext\r\n", Duration::ZERO);
            screen.finish();
            let found = lines(screen.drain());
            assert_eq!(found[1..], ["next"]);
            assert!((100_000..140_000).contains(&found[0].len()), "{}", found[0].len());
        }
    }

    /// Numbers that look random and are the same in every run (xorshift).
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, n: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % n as u64) as usize
        }

        /// Bytes of the kind that programs and attackers write.
        fn bytes(&mut self, count: usize) -> Vec<u8> {
            const PARTS: [&str; 30] = [
                "\x1b[",
                "\x1b]0;",
                "\x07",
                "\x1b\\",
                "\r\n",
                "\r",
                "\n",
                "\x1b[2J",
                "\x1b[H",
                "\x1b[K",
                "\x1b[2K",
                "\x1b[1A",
                "\x1b[3B",
                "\x1b[7C",
                "\x1b[12G",
                "\x1b[?1049h",
                "\x1b[?1049l",
                "\x1b[L",
                "\x1b[2M",
                "\x1b[r",
                "\x1b[2;4r",
                "漢字",
                "✻ Baking… (1s)",
                "────────",
                "● Bash(x)",
                "  ⎿ Running…",
                "\t",
                "❯ ",
                "\x1bc",
                "plain words here",
            ];
            let mut bytes = Vec::new();
            while bytes.len() < count {
                match self.below(3) {
                    0 => bytes.push(self.below(256) as u8),
                    _ => bytes.extend(PARTS[self.below(PARTS.len())].as_bytes()),
                }
            }
            bytes
        }
    }

    #[test]
    fn no_bytes_and_no_sizes_make_it_panic_and_no_cut_makes_a_difference() {
        let rounds = option_env!("FUZZ_ROUNDS").and_then(|rounds| rounds.parse().ok()).unwrap_or(300);
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for round in 0..rounds {
            let (cols, rows) = (1 + dice.below(40) as u16, 1 + dice.below(12) as u16);
            let (mut whole, mut cut) = (Screen::new(cols, rows), Screen::new(cols, rows));
            let mut now = Duration::ZERO;
            for _ in 0..8 {
                let count = 1 + dice.below(400);
                let bytes = dice.bytes(count);
                whole.feed(&bytes, now);
                let piece = 1 + dice.below(5);
                bytes.chunks(piece).for_each(|piece| cut.feed(piece, now));
                now += MS * dice.below(400) as u32;
                match dice.below(6) {
                    0 => {
                        let (cols, rows) = (dice.below(60) as u16, dice.below(20) as u16);
                        whole.resize(cols, rows, now);
                        cut.resize(cols, rows, now);
                    }
                    1 => {
                        whole.restart();
                        cut.restart();
                    }
                    2 => {
                        wait(&mut whole, now);
                        wait(&mut cut, now);
                    }
                    _ => {}
                }
                assert_eq!(whole.deadline(), cut.deadline(), "round {round}");
            }
            whole.finish();
            cut.finish();
            assert_eq!(whole.drain().collect::<Vec<_>>(), cut.drain().collect::<Vec<_>>(), "round {round}");
        }
    }

    /// A recording (asciicast 2): its size, and what came when.
    struct Cast {
        size: (u16, u16),
        records: Vec<(Duration, char, String)>,
    }

    fn cast(text: &str) -> Cast {
        let mut lines =
            text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("json"));
        let head = lines.next().expect("a head");
        let number = |name| head[name].as_u64().expect("a number") as u16;
        let record = |record: serde_json::Value| {
            let time = Duration::from_secs_f64(record[0].as_f64().expect("a time"));
            let kind = record[1].as_str().and_then(|kind| kind.chars().next()).expect("a kind");
            (time, kind, record[2].as_str().expect("data").to_owned())
        };
        Cast { size: (number("width"), number("height")), records: lines.map(record).collect() }
    }

    /// Writes of `piece` bytes, each taking `each`; pauses of more than 300 ms are kept, shorter ones only
    /// if `all`.
    fn replay(cast: &Cast, piece: usize, each: Duration, all: bool) -> Vec<String> {
        let mut screen = Screen::new(cast.size.0, cast.size.1);
        let (mut now, mut last) = (Duration::ZERO, Duration::ZERO);
        for (time, kind, data) in &cast.records {
            let pause = *time - std::mem::replace(&mut last, *time);
            if all || pause > 300 * MS {
                now += pause;
            }
            wait(&mut screen, now);
            match kind {
                'o' => data.as_bytes().chunks(piece).for_each(|bytes| {
                    wait(&mut screen, now);
                    screen.feed(bytes, now);
                    now += each;
                }),
                'r' => {
                    let (cols, rows) = data.split_once('x').expect("a size");
                    screen.resize(cols.parse().expect("columns"), rows.parse().expect("rows"), now);
                }
                _ => {}
            }
        }
        screen.finish();
        lines(screen.drain())
    }

    /// The expected lines are the final text as another emulator (pyte) has it, with what a repaint at
    /// another width pushed into its history a second time counted once.
    #[test]
    fn recordings_of_claude_give_each_line_of_their_final_text_once_whatever_the_cuts_and_pauses() {
        macro_rules! screens {
            ($name:literal) => {
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/screens/", $name))
            };
        }
        let recordings = [
            (screens!("tui-full-tasks.cast"), screens!("tui-full-tasks.lines.txt")),
            (screens!("tui-interrupt-resize.cast"), screens!("tui-interrupt-resize.lines.txt")),
        ];
        let micros = Duration::from_micros;
        for (recording, expected) in recordings {
            let cast = cast(recording);
            let expected: Vec<&str> = expected.lines().collect();
            for (piece, each, all) in [
                (usize::MAX, micros(0), false),
                (usize::MAX, micros(0), true),
                (1, micros(0), false),
                (1, micros(20), true),
                (1, micros(100), false),
                (7, micros(300), false),
                (200, micros(12_000), false),
            ] {
                assert_eq!(replay(&cast, piece, each, all), expected, "{piece} bytes, {each:?} each, {all}");
            }
        }
    }

    /// A claude that says things, works, is resized and paints all of it again now and then.
    struct Actor {
        dice: Dice,
        said: Vec<String>,
        size: (u16, u16),
        /// Rows from the top of what it last painted incrementally to the end.
        below: usize,
        frame: String,
    }

    impl Actor {
        fn furniture(&mut self, working: bool) -> Vec<String> {
            let rule = "─".repeat(usize::from(self.size.0));
            let mut rows = Vec::new();
            if working {
                rows.push(format!("✻ Baking… ({}s)", self.dice.below(100)));
                rows.extend((0..self.dice.below(3)).map(|n| format!("  ⎿ \u{a0}◻ todo {n}")));
                rows.push(String::new());
            }
            rows.extend([rule.clone(), "❯\u{a0}".into(), rule, "  ? for shortcuts".into()]);
            rows
        }

        /// Paints `new` and the furniture over the furniture of before, or everything from the top.
        fn paint(&mut self, new: &[String], anew: bool, working: bool) {
            self.frame.clear();
            let furniture = self.furniture(working);
            if anew {
                self.frame += "\x1b[2J\x1b[3J\x1b[H";
            } else if self.below > 0 {
                self.frame += &format!("\x1b[{}A\r\x1b[J", self.below);
            }
            self.said.extend(new.iter().cloned());
            let texts = if anew { self.said.clone() } else { new.to_vec() };
            for text in texts {
                self.frame += &format!("{text}\r\r\n\r\r\n");
            }
            self.frame += &furniture.join("\r\r\n");
            self.frame += "\x1b[2A\r\x1b[2C";
            self.below = furniture.len() - 3;
        }
    }

    /// How few different lines there are to say makes no difference.
    #[test]
    fn an_actor_that_says_works_resizes_and_paints_anew_is_quoted_exactly() {
        for (seed, kinds) in (1..option_env!("ACTORS").and_then(|n| n.parse().ok()).unwrap_or(200))
            .zip([1, 2, 5, 1000].into_iter().cycle())
        {
            let size = (60, 16);
            let mut actor = Actor { dice: Dice(seed), said: vec![], size, below: 0, frame: String::new() };
            let (mut screen, mut now) = (Screen::new(60, 16), Duration::ZERO);
            screen.feed(b"\x1b7\x1b[r\x1b8", now);
            for _ in 0..30 {
                let count = actor.dice.below(3);
                let new: Vec<String> =
                    (0..count).map(|_| format!("● says {}", actor.dice.below(kinds))).collect();
                let resized = actor.dice.below(6) == 0;
                if resized {
                    actor.size = (40 + actor.dice.below(30) as u16, 12 + actor.dice.below(10) as u16);
                    screen.resize(actor.size.0, actor.size.1, now);
                }
                let (anew, working) = (resized || actor.dice.below(5) == 0, actor.dice.below(2) == 0);
                actor.paint(&new, anew, working);
                screen.feed(actor.frame.as_bytes(), now);
                now += MS * [5, 50, 300, 900][actor.dice.below(4)];
                wait(&mut screen, now);
            }
            let mut quoted = lines(screen.drain());
            assert!(quoted.iter().all(|line| line.starts_with("● ")), "seed {seed}: {quoted:?}");
            screen.finish();
            quoted.extend(lines(screen.drain()));
            quoted.retain(|line| line.starts_with("● "));
            assert_eq!(quoted, actor.said, "seed {seed}");
        }
    }

    #[test]
    fn eight_megabytes_of_all_byte_values_pass() {
        let bytes: Vec<u8> =
            (0..=255).collect::<Vec<u8>>().repeat(if cfg!(debug_assertions) { 256 } else { 32 * 1024 });
        let mut screen = Screen::new(80, 24);
        for (turn, bytes) in bytes.chunks(4096).enumerate() {
            screen.feed(bytes, MS * turn as u32);
            screen.drain().for_each(drop);
        }
        screen.finish();
    }

    #[test]
    fn the_emulator_that_takes_over_late_shows_the_same_screen() {
        let mut dice = Dice(7);
        for round in 0..60 {
            let (mut text, mut screen) = (String::new(), Screen::new(20, 6));
            for _ in 0..dice.below(40) * dice.below(400) {
                text += ["word ", "\r\n", "\t", "漢字", "\x1b[31m", "over\r", "\r\n"][dice.below(7)];
            }
            let mut grid = Grid::new(20, 6);
            grid.feed(text.as_bytes(), |grid, _| drop(grid.gone.take()));
            screen.feed(text.as_bytes(), Duration::ZERO);
            screen.feed(b"\x1b[C", Duration::ZERO);
            let texts = |grid: &Grid| rows::of(grid).into_iter().map(|row| row.text).collect::<Vec<_>>();
            assert_eq!(texts(&screen.grid), texts(&grid), "round {round}");
        }
    }

    #[test]
    fn a_permission_dialog_keeps_what_waits_for_it_from_settling() {
        let mut screen = Screen::new(30, 20);
        let rule = "─".repeat(30);
        screen.feed(
            format!("\x1b[H● Write(x)\r\n  ⎿ Waiting…\r\n\r\n{rule}\r\n Do you want to?\r\n ❯ 1. Yes\r\n")
                .as_bytes(),
            MS,
        );
        wait(&mut screen, 60_000 * MS);
        assert_eq!(screen.drain().count(), 0);
        screen.feed(
            format!("\x1b[H\x1b[J● Write(x)\r\n  ⎿ Wrote 3 lines\r\n\r\n{rule}\r\n❯ \r\n{rule}\r\n\x1b[2A")
                .as_bytes(),
            60_000 * MS,
        );
        wait(&mut screen, 61_000 * MS);
        assert_eq!(lines(screen.drain()), ["● Write(x)", "  ⎿ Wrote 3 lines"]);
    }
}
