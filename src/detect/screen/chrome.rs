//! What on the screen is claude's furniture and not (yet) its text: prompt box, menus, dialogs, spinner,
//! todo list, blocks of tools that still run. It looks at one screen and remembers nothing.
//!
//! Facts: Claude Code 2.1 draws a full-width rule above and below its prompt, menus and panels below
//! them, a dialog below a single rule, the spinner above them, and hangs todo list and tip below it.

use super::rows::{self, Row};

/// What the view of ctrl+o has below its rule.
const DETAILED: &str = "  Showing detailed transcript";

/// What may settle of a screen.
#[derive(Default)]
pub(super) struct Layout {
    /// For every line above what is live (live lines never settle by age): it belongs to something in
    /// progress.
    pub(super) held: Vec<bool>,
    /// The first line of claude's furniture and of what hangs above it; the number of lines if none.
    pub(super) furniture: usize,
    /// Claude is at work or asks something: what is held may change at any time.
    pub(super) busy: bool,
    /// There is a prompt box or a dialog.
    pub(super) claude: bool,
    /// The view of ctrl+o: another rendering of what is known already.
    pub(super) detailed: bool,
}

pub(super) fn layout(rows: &[Row], cursor: usize, cols: usize) -> Layout {
    let below_cursor = rows.iter().position(|row| row.last >= cursor).unwrap_or(rows.len());
    let Some(top) = furniture(rows, cols) else {
        return Layout { held: vec![false; below_cursor], furniture: rows.len(), ..Layout::default() };
    };
    let detailed = rows[top..].iter().any(|row| row.text.starts_with(DETAILED));
    let furniture = hanging(rows, top);
    let live = furniture.min(below_cursor);
    let spinning = rows[furniture..top].iter().any(|row| is_spinner(&row.text));
    let busy = spinning || !has_prompt(rows, top, cols);
    Layout { held: held(&rows[..live], spinning), furniture, busy, claude: true, detailed }
}

/// Claude paints from the top to its furniture: with the cursor there, no frame is half painted above.
/// A lone rule can be what is left of the frame before: it is believed when the stream rests.
pub(super) fn is_whole(rows: &[Row], cursor: usize, cols: usize, rests: bool) -> bool {
    furniture(rows, cols).is_some_and(|top| {
        rows[top].last <= cursor && (has_prompt(rows, top, cols) || rests && has_panel(rows, top))
    })
}

/// Something that is only ever on its way: never text, even when it scrolls off.
pub(super) fn is_transient(text: &str) -> bool {
    is_spinner(text)
}

/// The first line of the furniture at the bottom: the earliest of the last rules that have none of the
/// conversation between them.
fn furniture(rows: &[Row], cols: usize) -> Option<usize> {
    let mut rules = (0..rows.len()).rev().filter(|at| is_rule(&rows[*at].text, cols));
    let mut top = rules.next()?;
    for rule in rules {
        let between = &rows[rule + 1..top];
        if between.iter().any(|row| is_said(&row.text)) {
            break;
        }
        top = rule;
    }
    Some(top)
}

/// Below the rule stands enough to tell what it belongs to.
fn has_panel(rows: &[Row], top: usize) -> bool {
    let begins_detailed = |row: &Row| row.text.len() < DETAILED.len() && DETAILED.starts_with(&row.text);
    rows.get(top + 1).is_some_and(|row| !begins_detailed(row))
}

fn has_prompt(rows: &[Row], top: usize, cols: usize) -> bool {
    let prompt = |row: &Row| row.text.starts_with(['❯', '>', '!', '#', '&']);
    let closed = rows[top + 1..].iter().any(|row| is_rule(&row.text, cols));
    closed && rows.get(top + 1).is_some_and(prompt)
}

/// A full-width row of `─`, perhaps with a word in it.
fn is_rule(text: &str, cols: usize) -> bool {
    if !text.starts_with(['─', '━', '╭']) {
        return false;
    }
    let length = text.chars().count();
    let drawn = text.chars().filter(|char| matches!(char, '─' | '━')).count();
    length >= 3 && length * 10 >= cols * 9 && drawn * 10 >= length * 6
}

/// Part of the conversation: text, tool or turn end of claude.
fn is_said(text: &str) -> bool {
    text.starts_with("● ") || text.starts_with("  ⎿") || rows::turn_end(text).is_some()
}

fn is_spinner(text: &str) -> bool {
    rows::after_star(text).is_some_and(|rest| rest.contains('…'))
}

/// The furniture and what hangs above it: the spinner or the end of the turn, with todo list, tip and
/// queued prompts.
fn hanging(rows: &[Row], top: usize) -> usize {
    let mut unsaid = (0..top).rev().take_while(|at| !rows[*at].text.starts_with("● "));
    if let Some(spinner) = unsaid.find(|at| is_spinner(&rows[*at].text)) {
        return spinner;
    }
    let is_indented = |row: &&Row| row.text.starts_with(char::is_whitespace);
    let first = top - rows[..top].iter().rev().take_while(is_indented).count();
    match first.checked_sub(1) {
        Some(at) if rows::turn_end(&rows[at].text).is_some() => at,
        _ => todo_list(rows, first, top),
    }
}

/// A todo list without a spinner: claude shows it so for a moment.
fn todo_list(rows: &[Row], first: usize, top: usize) -> usize {
    let block = (first..top).rev().find(|at| rows[*at].gap).unwrap_or(top);
    let listed = rows[block..top].iter().all(|row| is_todo(&row.text));
    if listed { block } else { top }
}

fn is_todo(text: &str) -> bool {
    let item = text.trim_start().trim_start_matches('⎿').trim_start();
    let counted =
        item.split_once(" tasks (").is_some_and(|(n, _)| n.bytes().all(|byte| byte.is_ascii_digit()));
    counted || item.starts_with(['◻', '◼', '✔', '☐', '☒', '…'])
}

/// Marks the blocks (lines without a blank row between) that still change.
fn held(rows: &[Row], spinning: bool) -> Vec<bool> {
    let mut held = Vec::with_capacity(rows.len());
    let mut rest = rows;
    while !rest.is_empty() {
        let length = 1 + rest[1..].iter().take_while(|row| !row.gap).count();
        let (block, after) = rest.split_at(length);
        let streaming = spinning && after.is_empty() && is_streamed(block);
        held.resize(held.len() + length, streaming || is_running(block));
        rest = after;
    }
    held
}

/// Text, or a tool without a result: while claude works, the last block may still grow.
fn is_streamed(block: &[Row]) -> bool {
    let result = block.iter().any(|row| row.text.starts_with("  ⎿"));
    !result && block[0].text.starts_with(['●', ' '])
}

/// A tool or agent whose last word so far says that it is at work.
fn is_running(block: &[Row]) -> bool {
    let head = &block[0].text;
    // "● Running 2 agents… (ctrl+o to expand)"; a cut command has its … inside the brackets.
    let rest = head.split_once('…').map(|(_, rest)| rest);
    let heading = head.starts_with(['●', ' ']) && rest.is_some_and(|rest| rest.starts_with(" (ctrl+"));
    let last = block.iter().rposition(|row| row.text.starts_with("  ⎿"));
    let words =
        |row: &Row| ["Running…", "Initializing…", "Waiting…"].iter().any(|word| row.text.ends_with(word));
    heading || last.is_some_and(|at| block[at..].iter().any(words))
}

#[cfg(test)]
mod tests {
    use super::super::grid::Grid;
    use super::*;

    /// Every line of a 30 column screen with its mark: `t`ext, `h`eld or `l`ive.
    fn marks(screen: &str) -> (String, Layout) {
        let mut grid = Grid::new(30, 30);
        grid.feed(screen.replace("RULE", &"─".repeat(30)).replace('\n', "\r\n").as_bytes(), |_, _| {});
        let rows = rows::of(&grid);
        let layout = layout(&rows, grid.cursor().row, 30);
        let mark = |at| match layout.held.get(at) {
            Some(false) => 't',
            Some(true) => 'h',
            None => 'l',
        };
        ((0..rows.len()).map(mark).collect(), layout)
    }

    #[test]
    fn furniture_is_live_what_runs_is_held_and_the_rest_is_text() {
        let prompt = "RULE\n❯ \nRULE\n  ? for shortcuts";
        let table = [
            ("● said\n\nPROMPT", "tllll"),
            ("● said\n\n✻ Baking… (1s)\n\nPROMPT", "hlllll"),
            ("● said\n\n● Bash(x)\n  ⎿ done\n\n✻ Baking… (1s)\n  ⎿ ◻ todo\n\nPROMPT", "tttllllll"),
            ("● Bash(x)\n  ⎿ Running…\n\n● more\n\nPROMPT", "hhtllll"),
            ("● Bash(x)\n  ⎿ Running…\n  ⎿ Interrupted\n\nPROMPT", "tttllll"),
            ("● Running 2 agents… (ctrl+o to expand)\n   ├ a · 0 tool uses\n\nPROMPT", "hhllll"),
            ("● said\n\n✻ Baked for 1s\n\n  3 tasks (3 done, 0 open)\n  ✔ a\n\nPROMPT", "tlllllll"),
            ("● said\n\n  3 tasks (3 done, 0 open)\n  ✔ a\n\nPROMPT", "tllllll"),
            ("✻ Baked for 1s\n\n❯ again\n\n✢ Working…\n\nPROMPT", "ttlllll"),
            ("● said\n\n✻ Working…\n\n❯ queued\n\nPROMPT", "hllllll"),
            ("● Write(x)\n\nRULE\n Do you want to?\n ❯ 1. Yes", "tlll"),
            ("one\ntwo\n$ ", "ttl"),
        ];
        for (screen, expected) in table {
            assert_eq!(marks(&screen.replace("PROMPT", prompt)).0, expected, "{screen}");
        }
    }

    #[test]
    fn the_detailed_view_is_told_from_text_that_names_it() {
        let footer = "  Showing detailed transcript · ctrl+o to toggle";
        assert!(marks(&format!("● a\n\nRULE\n{footer}")).1.detailed);
        assert!(!marks(&format!("{footer}\n\nRULE\n❯ \nRULE\n")).1.detailed);
    }
}
