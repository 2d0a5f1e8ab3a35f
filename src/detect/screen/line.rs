//! One raw plain line becomes text: harmless sequences out, tabs expanded, and what was written over as
//! the terminal shows it. It does not know where lines begin and end.

use std::borrow::Cow;

use super::grid::Grid;
use super::rows;

const ESC: u8 = 0x1b;

/// What a line needs to become text.
#[derive(Default, Clone, Copy)]
pub(super) struct Needs {
    /// The last thing that counts was a CR.
    pub(super) returned: bool,
    pub(super) styled: bool,
    pub(super) tabbed: bool,
    /// Part of the line is written over: only the emulator knows the result.
    pub(super) redrawn: bool,
}

/// Appends the text of `raw`, if it has any.
pub(super) fn settle(raw: &[u8], needs: Needs, cols: u16, lines: &mut Vec<String>) {
    if needs.redrawn {
        draw(raw, cols, lines);
    } else if !needs.styled && !needs.tabbed {
        push(String::from_utf8_lossy(raw), lines);
    } else {
        match expand(strip(raw), usize::from(cols)) {
            Some(text) => push(text.into(), lines),
            None => draw(raw, cols, lines),
        }
    }
}

fn push(text: Cow<'_, str>, lines: &mut Vec<String>) {
    let end = text.trim_end().len();
    if end > 0 {
        let mut text = text.into_owned();
        text.truncate(end);
        lines.push(text);
    }
}

/// Text without its sequences: there are only harmless ones in it.
fn strip(raw: &[u8]) -> String {
    let mut text = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            ESC => match bytes.next() {
                Some(b'[') => {
                    let _final = bytes.find(|byte| matches!(byte, 0x40..=0x7e));
                }
                Some(b']') => {
                    let last = bytes.find(|byte| matches!(*byte, 0x07 | ESC));
                    if last == Some(ESC) {
                        bytes.next();
                    }
                }
                Some(b'(') => {
                    bytes.next();
                }
                _ => {}
            },
            b'\r' => {}
            _ => text.push(byte),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Tabs become the spaces a terminal shows; `None` when that takes the emulator (wide characters,
/// lines that wrap).
fn expand(text: String, cols: usize) -> Option<String> {
    if !text.contains('\t') {
        return Some(text);
    }
    let mut spaced = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if char == '\t' {
            let stop = (spaced.len() / 8 + 1) * 8;
            spaced.extend(std::iter::repeat_n(' ', stop - spaced.len()));
        } else {
            spaced.push(char);
        }
    }
    (text.is_ascii() && spaced.len() < cols).then_some(spaced)
}

/// One line as a terminal shows it.
fn draw(raw: &[u8], cols: u16, lines: &mut Vec<String>) {
    let mut grid = Grid::new(cols, 1);
    grid.feed(raw, |_, _| {});
    grid.end(|_, _| {});
    lines.extend(grid.gone.take());
    lines.extend(rows::of(&grid).into_iter().map(|row| row.text));
}
