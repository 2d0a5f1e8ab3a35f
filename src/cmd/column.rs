//! Text in columns.

use super::escape;
use unicode_width::UnicodeWidthStr;

/// Rows as lines, each column as wide as its widest cell; control characters made visible.
pub(super) fn align(rows: &[Vec<String>]) -> Vec<String> {
    let shown: Vec<Vec<_>> =
        rows.iter().map(|row| row.iter().map(|cell| escape::visible(cell)).collect()).collect();
    let columns = shown.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| shown.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let pad = |(cell, width): (&std::borrow::Cow<'_, str>, &usize)| {
        format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
    };
    let line =
        |row: &Vec<_>| row.iter().zip(&widths).map(pad).collect::<Vec<_>>().join("  ").trim_end().to_owned();
    shown.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_seen() {
        let rows = [["NAME", "X"], ["漢字\u{7}", "1"], ["a", ""]].map(|row| row.map(String::from).to_vec());
        assert_eq!(align(&rows), ["NAME       X", r"漢字\u{7}  1", "a"]);
    }
}
