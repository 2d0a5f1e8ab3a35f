//! Frames whose painting is interrupted: a program may be stopped, or the machine busy, in the middle of any of them and
//! for any time. That changes no line that is told.

use super::*;

/// From hardly longer than a line's age to longer than anything is waited for.
const PAUSES: [u32; 3] = [260, 700, 60_000];
/// A tool's block that looks unfinished below no spinner is told when it has stood for three seconds: claude takes its
/// spinner away in front of the frame that ends the block, and what it shows between them is whole.
const SHORT_PAUSES: [u32; 3] = [260, 700, 2_900];

/// Replays a recording with one pause of so many milliseconds before the byte `at`.
fn interrupted(cast: &Cast, at: usize, pause: u32) -> Vec<String> {
    let mut screen = Screen::new(cast.size.0, cast.size.1);
    let (mut late, mut seen) = (Duration::ZERO, 0);
    for (time, kind, data) in &cast.records {
        wait(&mut screen, *time + late);
        if *kind == 'r' {
            let (cols, rows) = data.split_once('x').expect("a size");
            screen.resize(cols.parse().expect("columns"), rows.parse().expect("rows"), *time + late);
        } else if *kind == 'o' {
            let (one, other) = data.as_bytes().split_at(at.saturating_sub(seen).min(data.len()));
            screen.feed(one, *time + late);
            if (seen..seen + data.len()).contains(&at) {
                late += MS * pause;
                wait(&mut screen, *time + late);
            }
            screen.feed(other, *time + late);
            seen += data.len();
        }
    }
    screen.finish();
    lines(screen.drain())
}

#[test]
fn a_recorded_claude_that_is_stopped_in_the_middle_of_a_frame_gives_the_same_lines() {
    macro_rules! screens {
        ($name:literal) => {
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/screens/", $name))
        };
    }
    let recordings = [
        (screens!("tui-full-tasks.cast"), screens!("tui-full-tasks.lines.txt")),
        (screens!("tui-interrupt-resize.cast"), screens!("tui-interrupt-resize.lines.txt")),
    ];
    let step = option_env!("STOPS").and_then(|step| step.parse().ok()).unwrap_or(1009);
    for (recording, expected) in recordings {
        let cast = cast(recording);
        let expected: Vec<&str> = expected.lines().collect();
        let length = cast.records.iter().filter(|record| record.1 == 'o').map(|record| record.2.len()).sum();
        for at in (0..length).step_by(step) {
            for pause in SHORT_PAUSES {
                assert_eq!(interrupted(&cast, at, pause), expected, "{pause} ms before byte {at}");
            }
        }
    }
}

/// Its rule alone looks like that of a dialog: before the footer is painted, and when it was erased.
#[test]
fn the_detailed_view_is_not_told_however_slowly_it_is_painted_and_erased() {
    let rule = "─".repeat(60);
    let prompt = format!("{rule}\r\n❯ \r\n{rule}\r\n\x1b[2A\x1b[2C");
    let footer = "  Showing\x1b[11Gdetailed\x1b[20Gtranscript\x1b[31G·\x1b[33Gctrl+o\x1b[40Gto\x1b[43Gtoggle";
    let detailed = format!("\x1b[H\x1b[2J● said\r\n\r\n  more of it\r\n\r\n{rule}\r\n{footer}");
    let erased = "\x1b[2K".to_owned() + &"\x1b[1A\x1b[2K".repeat(5);
    let parts =
        [format!("\x1b[H● said\r\n\r\n{prompt}"), detailed, format!("{erased}\r● said\r\n\r\n{prompt}")];
    let places = (1..3).flat_map(|part| (0..=parts[part].len()).map(move |at| (part, at)));
    for (part, at) in places {
        let (mut screen, mut now) = (Screen::new(60, 20), Duration::ZERO);
        for (turn, text) in parts.iter().enumerate() {
            let (one, other) = text.as_bytes().split_at(if turn == part { at } else { 0 });
            for bytes in [one, other] {
                screen.feed(bytes, now);
                now += 1000 * MS;
                wait(&mut screen, now);
            }
        }
        assert_eq!(lines(screen.drain()), ["● said"], "stopped before byte {at} of part {part}");
    }
}

/// As claude draws it anew: it wraps by itself, and its furniture is as wide as the terminal.
fn conversation(cols: usize) -> String {
    let said = match cols {
        50 => {
            "● one two three four five six seven eight\r\n  nine ten\r\n\r\n● Bash(echo eleven twelve)\r\n\r\n"
        }
        _ => {
            "● one two three four\r\n  five six seven\r\n  eight nine ten\r\n\r\n● Bash(echo eleven twe…)\r\n\r\n"
        }
    };
    let rule = "─".repeat(cols);
    format!("\x1b[2J\x1b[3J\x1b[H{said}{rule}\r\n❯ \r\n{rule}\r\n\x1b[2A\x1b[2C")
}

#[test]
fn a_conversation_is_not_told_again_however_late_and_slowly_it_is_drawn_at_another_width() {
    for at in 0..=conversation(50).len() {
        for pause in PAUSES {
            let (mut screen, mut now) = (Screen::new(50, 20), Duration::ZERO);
            screen.feed(conversation(50).as_bytes(), now);
            for cols in [25, 50, 25_u16] {
                now += 1000 * MS;
                wait(&mut screen, now);
                screen.resize(cols, 20, now);
                let drawn = conversation(cols.into());
                let (one, other) = drawn.as_bytes().split_at(at.min(drawn.len()));
                screen.feed(one, now);
                now += MS * pause;
                wait(&mut screen, now);
                screen.feed(other, now);
            }
            now += 1000 * MS;
            wait(&mut screen, now);
            let told = lines(screen.drain());
            assert_eq!(told.len(), 3, "{pause} ms before byte {at}: {told:?}");
        }
    }
}

/// Where claude has left the terminal to something else, that is told all the same.
#[test]
fn what_scrolls_by_without_furniture_is_told_before_the_end() {
    let mut screen = Screen::new(50, 20);
    screen.feed(conversation(50).as_bytes(), Duration::ZERO);
    wait(&mut screen, 1000 * MS);
    assert_eq!(lines(screen.drain()).len(), 3);
    let text: String = (0..50).map(|n| format!("line {n}\r\n")).collect();
    screen.feed(format!("\x1b[3B\r{text}").as_bytes(), 1000 * MS);
    wait(&mut screen, 3000 * MS);
    assert!(lines(screen.drain()).contains(&"line 20".to_owned()));
}
