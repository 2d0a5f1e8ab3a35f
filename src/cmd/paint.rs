//! Colour on standard output, where there is a person to see it. Nothing is ever told by colour alone.

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use std::io;

/// Green, for what is well.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// Yellow, for what deserves a look.
pub(super) const ODD: Style = AnsiColor::Yellow.on_default();
/// Red, for what is wrong.
pub(super) const BAD: Style = AnsiColor::Red.on_default();
/// For what matters least.
pub(super) const FAINT: Style = Style::new().dimmed();
/// For titles.
pub(super) const STRONG: Style = Style::new().bold();
/// For names of event types.
pub(super) const NAME: Style = AnsiColor::Cyan.on_default();

const PREFIXES: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Green,
    AnsiColor::Yellow,
    AnsiColor::BrightMagenta,
];

/// Paints, or does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    /// By the usual conventions: a terminal, `NO_COLOR`, `CLICOLOR`, `TERM=dumb`.
    pub(super) fn for_stdout() -> Self {
        Self { on: AutoStream::choice(&io::stdout()) != ColorChoice::Never }
    }

    /// Never.
    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self { on: false }
    }

    /// The text in this style.
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        if self.on && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// A colour that the same name always gets (FNV-1a).
pub(super) fn prefix_style(name: &str) -> Style {
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    PREFIXES[hash as usize % PREFIXES.len()].on_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_the_text_is_unchanged() {
        assert_eq!(Paint { on: false }.paint(BAD, "x"), "x");
        assert_eq!(Paint { on: true }.paint(BAD, "x"), "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(prefix_style("web"), prefix_style("web"));
    }
}
