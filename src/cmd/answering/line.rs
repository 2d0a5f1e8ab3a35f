//! The last line of the terminal, where something is asked: it makes room for what is printed above, and comes back.

use crate::cmd::escape::visible;
use crate::process::terminal::size_of;
use std::io::{self, Write};
use std::os::fd::AsFd;
use unicode_width::UnicodeWidthChar;

/// Back to the beginning of the line, and all behind it away (ECMA-48: EL).
const ERASE: &str = "\r\u{1b}[K";

/// The line, and what stands in it.
#[derive(Debug, Default)]
pub(super) struct Line {
    shown: Option<String>,
}

impl Line {
    /// Shows the text, where none is shown.
    pub(super) fn show(&mut self, text: &str) -> io::Result<()> {
        if self.shown.is_some() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        let size = size_of(out.as_fd()).unwrap_or_default();
        // The last column stays free: a line that is full begins the next one.
        let text = end_of(&visible(text), usize::from(size.cols).saturating_sub(1));
        write!(out, "{text}")?;
        out.flush()?;
        self.shown = Some(text);
        Ok(())
    }

    /// Takes it away.
    pub(super) fn hide(&mut self) -> io::Result<()> {
        if self.shown.take().is_none() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        write!(out, "{ERASE}")?;
        out.flush()
    }

    /// Leaves it standing, with this behind it.
    pub(super) fn end_with(&mut self, word: &str) -> io::Result<()> {
        if self.shown.take().is_none() {
            return Ok(());
        }
        writeln!(io::stdout().lock(), "{word}")
    }

    /// Prints a line above.
    pub(super) fn above(&mut self, text: &str) -> io::Result<()> {
        self.hide()?;
        writeln!(io::stdout().lock(), "{}", visible(text))
    }
}

/// So much of the end of a visible text as so many columns hold: what can be done stands there.
fn end_of(text: &str, columns: usize) -> String {
    let mut width = 0;
    let fits = |c: &char| {
        width += c.width().unwrap_or(0);
        width <= columns
    };
    let mut kept: Vec<char> = text.chars().rev().take_while(fits).collect();
    kept.reverse();
    kept.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_line_is_kept() {
        assert_eq!(end_of("Bash: [a]llow? ", 80), "Bash: [a]llow? ");
        assert_eq!(end_of("mcp__long: [a]llow? ", 10), " [a]llow? ");
        assert_eq!(end_of("漢字", 3), "字");
    }
}
