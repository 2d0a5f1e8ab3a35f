//! The screen as logical lines: soft-wrapped rows joined, blank rows left out but remembered as gaps.
//! It does not know what the lines mean.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::grid::{Grid, push_row};

/// One logical line with text in it.
#[derive(Clone, Default)]
pub(super) struct Row {
    pub(super) text: String,
    /// The last screen row it covers.
    pub(super) last: usize,
    /// A blank row, or the top of the screen, is directly above.
    pub(super) gap: bool,
    /// The text as far as reprints keep it, and its hash.
    pub(super) key: String,
    pub(super) hash: u64,
}

impl Row {
    pub(super) fn new(text: String) -> Self {
        let key = key(&text);
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Self { text, key, hash: hasher.finish(), ..Self::default() }
    }
}

/// The lines on the primary screen, from the top.
pub(super) fn of(grid: &Grid) -> Vec<Row> {
    let (mut rows, mut gap) = (Vec::new(), true);
    let mut text = grid.gone.carry.clone();
    let count = grid.primary().len();
    for (at, line) in grid.primary().enumerate() {
        push_row(&mut text, line);
        if line.is_wrapped() && at + 1 < count {
            continue;
        }
        let text = std::mem::take(&mut text);
        let row = Row { last: at, gap, ..Row::new(text.trim_end().to_owned()) };
        gap = row.text.is_empty();
        if !gap {
            rows.push(row);
        }
    }
    rows
}

/// Claude's marks at the end and beginning of a turn: `✻ Baked for 1s`, `✢ Inferring… (0s)`.
const STARS: [char; 10] = ['✻', '✽', '✢', '✳', '✶', '✺', '✹', '∗', '*', '·'];

/// The rest of a line that begins with one of claude's stars.
pub(super) fn after_star(text: &str) -> Option<&str> {
    text.strip_prefix(STARS)?.strip_prefix(' ')
}

/// `✻ Baked for 1s`: what claude says of a turn that is over; the duration.
pub(super) fn turn_end(text: &str) -> Option<&str> {
    let (verb, time) = after_star(text)?.split_once(" for ")?;
    let plain = verb.chars().all(char::is_alphabetic) && time.starts_with(|c: char| c.is_ascii_digit());
    plain.then_some(time)
}

/// Two rows with one key show the same thing: spaces move when a paragraph is wrapped anew, and claude
/// picks another verb for the end of a turn each time it paints it.
fn key(text: &str) -> String {
    match turn_end(text) {
        Some(time) => squeeze("✻ for ") + &squeeze(time),
        None => squeeze(text),
    }
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|char| !char.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cols: u16, bytes: &str) -> Vec<(String, usize, bool)> {
        let mut grid = Grid::new(cols, 8);
        grid.feed(bytes.as_bytes(), |_, _| {});
        let rows = of(&grid).into_iter();
        rows.map(|row| (row.text, row.last, row.gap)).collect()
    }

    #[test]
    fn wrapped_rows_are_one_line_and_blank_rows_are_gaps() {
        let found = rows(5, "\r\nabcdefgh\r\nx  \r\n\r\ny");
        let expected = [("abcdefgh", 2, true), ("x", 3, false), ("y", 5, true)];
        assert_eq!(found, expected.map(|(text, last, gap)| (text.to_owned(), last, gap)));
    }

    #[test]
    fn a_wide_character_that_did_not_fit_leaves_no_space() {
        assert_eq!(rows(5, "ab漢字漢")[0].0, "ab漢字漢");
        assert_eq!(rows(5, "abc漢字")[0].0, "abc漢字");
        assert_eq!(rows(4, "abc漢字")[0].0, "abc漢字");
    }

    #[test]
    fn the_end_of_a_turn_has_one_key_whatever_the_verb() {
        assert_eq!(Row::new("✻ Baked for 1m 2s".into()).hash, Row::new("✻ Cogitated for 1m 2s".into()).hash);
        assert_ne!(Row::new("✻ Baked for 1s".into()).hash, Row::new("✻ Baked for 2s".into()).hash);
        assert_eq!(turn_end("✻ Baking… for 3 files"), None);
    }
}
