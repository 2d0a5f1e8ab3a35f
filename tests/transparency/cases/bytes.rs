//! Every byte, both ways, through a terminal.

use crate::case::Case;
use crate::run::{Run, ended, program};
use test_support::DEADLINE;
use test_support::noise::{compared, every_byte};
use test_support::unrendered::Unrendered;

pub(crate) const CASES: &[Case] = &[
    Case::as_bare("8 MB of all bytes", |run| written(run, &every_byte(8 << 20), "cat")),
    Case::as_bare("UTF-8 cut after every byte", |run| {
        written(run, "● ünïcödé ✳ 🦀 漢字\r\n".repeat(40).as_bytes(), "dd bs=1 2>/dev/null if=")
    }),
    Case::as_bare("the last 200 kB before the end", |run| written(run, &every_byte(200_000), "cat")),
    Case::as_bare("the last 200 kB before it is killed", killed),
    Case::as_bare("lines, and what the terminal makes of them", |run| {
        let terminal = run.unrendered(r"printf 'a\tb\nc\r\nd'; seq 3000");
        let (status, output) = terminal.wait_exit(DEADLINE);
        format!("{}\n{}", ended(status), String::from_utf8_lossy(&output))
    }),
    Case::as_bare("a paste of 64 kB", |run| pasted(run, 64 << 10)),
    Case::as_bare("a paste of 256 kB", |run| pasted(run, 256 << 10)),
    Case::as_bare("a paste and its echo at once", echoed),
    Case::as_bare("a paste of lines", pasted_lines),
    Case::as_bare("a stalled terminal", stalled),
];

/// A program writes the bytes by `cat FILE`, or a command like it.
fn written(run: &Run, bytes: &[u8], by: &str) -> String {
    let file = run.file("bytes", bytes);
    let by = if by.ends_with('=') { by.to_owned() } else { format!("{by} ") };
    let terminal = run.unrendered(&format!("stty raw -echo; {by}'{file}'; exit 5"));
    let (status, output) = terminal.wait_exit(DEADLINE);
    format!("{}\n{}", ended(status), compared(&output, bytes))
}

fn killed(run: &Run) -> String {
    let bytes = every_byte(200_000);
    let file = run.file("bytes", &bytes);
    let terminal = run.unrendered(&format!("stty raw -echo; cat '{file}'; kill -KILL $$"));
    let (status, output) = terminal.wait_exit(DEADLINE);
    // Whoever is there may put the terminal in order after it.
    let output = &output[..output.len().min(bytes.len())];
    format!("{}\n{}", ended(status), compared(output, &bytes))
}

fn pasted(run: &Run, length: usize) -> String {
    let paste = every_byte(length);
    let file = run.file("pasted", b"");
    let take = format!(r#"stty raw -echo; echo $$ >"$1/up"; head -c {length} >'{file}'"#);
    let terminal = run.unrendered(&take);
    run.hear_process();
    terminal.type_bytes(&paste);
    let (status, output) = terminal.wait_exit(DEADLINE);
    let seen = std::fs::read(&file).expect("what was pasted");
    format!("{}\n{}\n{} bytes written", ended(status), compared(&seen, &paste), output.len())
}

/// Both directions are full, and neither waits for the other.
fn echoed(run: &Run) -> String {
    let bytes = every_byte(1 << 20);
    let terminal = run.unrendered(&format!(r#"stty raw -echo; echo $$ >"$1/up"; head -c {}"#, bytes.len()));
    run.hear_process();
    terminal.type_bytes(&bytes);
    let (status, output) = terminal.wait_exit(DEADLINE);
    format!("{}\n{}", ended(status), compared(&output, &bytes))
}

/// The terminal edits them, one at a time.
fn pasted_lines(run: &Run) -> String {
    let lines: String = (0..2000).map(|line| format!("line {line} of what is pasted\n")).collect();
    let file = run.file("pasted", b"");
    let take = format!(r#"stty -echo; echo $$ >"$1/up"; head -n 2000 >'{file}'"#);
    let terminal = run.unrendered(&take);
    run.hear_process();
    // The terminal holds 4 kB of lines that nobody has read, and drops what comes then.
    for chunk in lines.split_inclusive('\n') {
        terminal.type_bytes(chunk.as_bytes());
    }
    terminal.type_bytes(b"\x04");
    let (status, _) = terminal.wait_exit(DEADLINE);
    let seen = std::fs::read(&file).expect("what was pasted");
    format!("{}\n{}", ended(status), compared(&seen, lines.as_bytes()))
}

/// The program waits, and goes on when somebody looks; nothing is lost.
fn stalled(run: &Run) -> String {
    let bytes = every_byte(100_000);
    let file = run.file("bytes", &bytes);
    let command = run.command(&program("stalled.py"), &[run.meeting.folder(), &file]);
    let mut terminal = Unrendered::start_stalled(command, 80, 24);
    let said = run.meeting.hear();
    terminal.read_on();
    let (status, output) = terminal.wait_exit(DEADLINE);
    let end = &output[output.len().saturating_sub(bytes.len())..];
    let before = &output[..output.len() - end.len()];
    let is_filled = before.iter().all(|byte| *byte == b'x');
    format!("{said}\n{}\n{}\n{is_filled}", ended(status), compared(end, &bytes))
}
