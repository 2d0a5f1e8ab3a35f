//! Bytes of a terminal: the same lines wherever they are cut, without controls, and time never stands still.

#![no_main]

use claude_mpm::detect::drawn::Drawn;
use claude_mpm::detect::lines::{Line, Lines};
use claude_mpm::detect::screen::{Output, Screen};
use claude_mpm_fuzz::pieces;
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

/// One of these, by the length of the input: it stays while a byte of it changes.
const SIZES: [(u16, u16); 4] = [(80, 24), (20, 5), (1, 1), (110, 35)];

fuzz_target!(|data: &[u8]| {
    let pieces = pieces::of(data);
    let size = SIZES[data.len() % SIZES.len()];
    assert_eq!(drawn(size, &pieces), drawn(size, &[data]), "other lines on a screen of {size:?}");
    assert_eq!(piped(&pieces), piped(&[data]), "other lines of a pipe");
    over_time(size, &pieces);
});

fn drawn((cols, rows): (u16, u16), pieces: &[&[u8]]) -> Vec<Output> {
    let mut screen = Screen::new(cols, rows);
    let mut found = Vec::new();
    for piece in pieces {
        screen.feed(piece, Duration::ZERO);
        found.extend(screen.drain());
    }
    screen.finish();
    found.extend(screen.drain());
    found.iter().for_each(is_plain);
    found
}

/// # Panics
/// When it is not what `Output` says it is.
fn is_plain(output: &Output) {
    match output {
        Output::Line(text) => {
            assert!(!text.contains(char::is_control), "a control character: {text:?}");
            assert!(
                !text.trim().is_empty() && !text.ends_with(' '),
                "blank, or a space at the end: {text:?}"
            );
        }
        Output::Title(text) => assert!(!text.contains(char::is_control), "a control character: {text:?}"),
    }
}

fn piped(pieces: &[&[u8]]) -> Vec<Line> {
    let (mut lines, mut found) = (Lines::default(), Vec::new());
    pieces.iter().for_each(|piece| lines.feed(piece, |line| found.push(line)));
    found.extend(lines.finish());
    for Line { text, .. } in &found {
        assert!(!text.contains(|letter: char| letter.is_control() && letter != '\t'), "{text:?}");
    }
    found
}

/// The pieces come with time between them, the terminal changes its size, and some bytes are lost.
fn over_time((cols, rows): (u16, u16), pieces: &[&[u8]]) {
    let (mut screen, mut meaning, mut now) = (Screen::new(cols, rows), Drawn::default(), Duration::ZERO);
    for (place, piece) in pieces.iter().enumerate() {
        match piece.len() {
            5 => screen.resize(cols + (place % 7) as u16, rows + (place % 3) as u16, now),
            7 => screen.restart(),
            _ => screen.feed(piece, now),
        }
        now = pass(&mut screen, now, Duration::from_millis(place as u64 % 5 * 30));
        take(&mut screen, &mut meaning);
    }
    screen.finish();
    take(&mut screen, &mut meaning);
}

fn pass(screen: &mut Screen, now: Duration, by: Duration) -> Duration {
    let until = now + by;
    while let Some(due) = screen.deadline().filter(|due| *due <= until) {
        screen.tick(due);
        assert_ne!(screen.deadline(), Some(due), "the deadline does not move");
    }
    until
}

fn take(screen: &mut Screen, meaning: &mut Drawn) {
    for output in screen.drain() {
        is_plain(&output);
        if let Output::Line(line) = output {
            meaning.line(&line);
        }
    }
}
