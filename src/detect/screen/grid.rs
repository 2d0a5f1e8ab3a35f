//! The emulator: bytes in, rows out. It drives `avt` one function at a time, so that whoever follows
//! it can look in at exact places in the stream, whatever the cuts. It does not decide what is settled.

use avt::parser::{CtcOp, DecMode, EdScope, Function, State};
use avt::{Cell, Charset, Line, Observation, Observer, Parser, ScreenKind, Terminal};

use super::decode::Decoder;

/// A logical line keeps this much text; what is beyond is dropped (the wire cuts at 64 KiB).
pub(super) const MAX_LINE: usize = 128 * 1024;
/// So many lines, or so much text, may wait after they scrolled off: then the follower must look.
const MAX_GONE: usize = 2048;
const MAX_GONE_BYTES: usize = 1024 * 1024;
/// Larger terminals are followed as if they were this large: memory stays below some 50 MB.
const MAX_COLS: u16 = 2048;
const MAX_ROWS: u16 = 512;
/// Decoded text is handled in pieces of this many bytes.
const PIECE: usize = 8 * 1024;

pub(super) struct Grid {
    terminal: Terminal,
    parser: Parser,
    decoder: Decoder,
    pub(super) gone: Gone,
    /// A mode is on under which lines of text do not simply follow each other.
    odd: bool,
}

/// What scrolled off the top since the follower last looked.
#[derive(Default)]
pub(super) struct Gone {
    lines: Vec<String>,
    bytes: usize,
    /// The rows that scrolled off of a line whose last row is still on the screen.
    pub(super) carry: String,
}

/// When the follower has to look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// The screen is about to be wiped or painted anew.
    Before,
    /// As much scrolled off as may wait.
    Full,
}

impl Grid {
    pub(super) fn new(cols: u16, rows: u16) -> Self {
        let terminal =
            Terminal::new(usize::from(cols.clamp(1, MAX_COLS)), usize::from(rows.clamp(1, MAX_ROWS)));
        Self {
            terminal: terminal.expect("both are at least one"),
            parser: Parser::new(),
            decoder: Decoder::default(),
            gone: Gone::default(),
            odd: false,
        }
    }

    /// Draws `bytes`; `look` is called wherever the follower has to look before it goes on.
    pub(super) fn feed(&mut self, bytes: &[u8], mut look: impl FnMut(&mut Self, Look)) {
        let mut text = String::with_capacity(bytes.len().min(PIECE) + 8);
        for piece in bytes.chunks(PIECE) {
            text.clear();
            self.decoder.feed(piece, &mut text);
            self.draw(&text, &mut look);
        }
    }

    /// The stream ended: half a character becomes U+FFFD.
    pub(super) fn end(&mut self, mut look: impl FnMut(&mut Self, Look)) {
        let mut text = String::new();
        self.decoder.finish(&mut text);
        self.draw(&text, &mut look);
    }

    pub(super) fn resize(&mut self, cols: u16, rows: u16) {
        let (cols, rows) = (cols.clamp(1, MAX_COLS), rows.clamp(1, MAX_ROWS));
        self.terminal.resize_with(usize::from(cols), usize::from(rows), &mut self.gone);
    }

    /// Blanks the screen; nothing of it counts as scrolled off.
    pub(super) fn wipe(&mut self) {
        self.execute(Function::Ed(EdScope::All));
    }

    pub(super) fn primary(&self) -> impl ExactSizeIterator<Item = &Line> {
        self.terminal.primary_screen().visible_lines()
    }

    pub(super) fn is_alternate(&self) -> bool {
        self.terminal.active_screen_kind() == ScreenKind::Alternate
    }

    pub(super) fn size(&self) -> (usize, usize) {
        self.terminal.size()
    }

    pub(super) fn cursor(&self) -> avt::Cursor {
        self.terminal.cursor()
    }

    /// Whether plain lines could follow and mean what they say.
    pub(super) fn is_ordinary(&self) -> bool {
        !self.odd
            && !self.is_alternate()
            && self.decoder.is_idle()
            && self.parser.state == State::Ground
            && self.gone.is_empty()
    }

    fn draw(&mut self, text: &str, look: &mut impl FnMut(&mut Self, Look)) {
        // avt prints DEL; terminals ignore it.
        for char in text.chars().filter(|&char| char != '\x7f') {
            let Some(function) = self.parser.feed(char) else {
                continue;
            };
            match function {
                Function::Print(_) => self.terminal.execute_with(function, &mut self.gone),
                function => self.perform(function, look),
            }
        }
    }

    fn perform(&mut self, mut function: Function, look: &mut impl FnMut(&mut Self, Look)) {
        self.tame(&mut function);
        if starts_over(&function) && !self.is_alternate() {
            look(self, Look::Before);
        }
        self.execute(function);
        if self.gone.is_full() {
            look(self, Look::Full);
        }
    }

    fn execute(&mut self, function: Function) {
        if matches!(function, Function::Ed(EdScope::All) | Function::Ris) {
            self.gone.carry.clear();
        }
        if function == Function::Ed(EdScope::All) {
            // avt scrolls the screen out on ED 2; xterm wipes it, and so does this.
            self.terminal.execute([Function::Ed(EdScope::Above), Function::Ed(EdScope::Below)]);
        } else {
            self.terminal.execute_with(function, &mut self.gone);
        }
    }

    /// Takes the excess out of a function, and notes the odd modes.
    fn tame(&mut self, function: &mut Function) {
        let (cols, rows) = self.size();
        match function {
            // Eight bytes must not cost 65,535 characters: a row of them is what programs ask for.
            Function::Rep(n) => *n = (*n).min(u16::try_from(cols).unwrap_or(u16::MAX)),
            Function::Decaln => *function = Function::Si,
            Function::Ris => self.odd = false,
            Function::Decset(modes) | Function::Decrst(modes) => {
                let odd = [DecMode::Origin, DecMode::AutoWrap];
                self.odd |= modes.as_slice().iter().any(|mode| odd.contains(mode));
            }
            Function::Decstbm(top, bottom) => {
                self.odd |= *top > 1 || (*bottom != 0 && usize::from(*bottom) < rows);
            }
            Function::Gzd4(set) | Function::G1d4(set) => self.odd |= *set != Charset::Ascii,
            Function::Sm(_) | Function::So | Function::Hts | Function::Tbc(_) => self.odd = true,
            Function::Ctc(CtcOp::Set | CtcOp::ClearAll | CtcOp::ClearCurrentColumn) => self.odd = true,
            _ => {}
        }
    }
}

fn starts_over(function: &Function) -> bool {
    matches!(function, Function::Ed(EdScope::All) | Function::Ris | Function::Cup(0 | 1, 0 | 1))
}

impl Gone {
    pub(super) fn take(&mut self) -> Vec<String> {
        self.bytes = 0;
        std::mem::take(&mut self.lines)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.carry.is_empty()
    }

    /// Drops the first lines.
    pub(super) fn forget(&mut self, lines: usize) {
        self.lines.drain(..lines.min(self.lines.len()));
    }

    /// How many whole lines wait.
    pub(super) fn count(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn has_lines(&self) -> bool {
        !self.lines.is_empty()
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= MAX_GONE || self.bytes >= MAX_GONE_BYTES
    }
}

/// Adds a row to the line it continues.
pub(super) fn push_row(text: &mut String, row: &Line) {
    let cells = row.cells();
    // A wide character that did not fit left a blank at the end of the row before.
    if cells.first().is_some_and(|cell| cell.width() == 2) && text.ends_with(' ') {
        text.pop();
    }
    let end = if row.is_wrapped() {
        cells.len()
    } else {
        cells.iter().rposition(|cell| cell.char() != ' ').map_or(0, |last| last + 1)
    };
    if text.len() < MAX_LINE {
        text.reserve(end);
        text.extend(cells[..end].iter().filter(|cell| cell.width() > 0).map(Cell::char));
    }
    if !row.is_wrapped() {
        text.truncate(text.trim_end().len());
    }
}

impl Observer for Gone {
    type Output = ();

    fn evicted(&mut self, _: &mut Observation<'_>, row: &Line) {
        push_row(&mut self.carry, row);
        if row.is_wrapped() {
            return;
        }
        let line = std::mem::take(&mut self.carry);
        if !line.is_empty() {
            self.bytes += line.len();
            self.lines.push(line);
        }
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}
